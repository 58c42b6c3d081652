"""A small course with nudges and learners, for the tests of the gate's rooms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import placements, serving
from nudge_xblock.models import Enrolment, InboxEvent, Learner, Placement
from predictor import features
from predictor.helpfulness import HelpfulnessModel
from predictor.store import ModelStore

COURSE = CourseKey.from_string("course-v1:Harbour+NUM101+2026")
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
QUIZ = str(COURSE.make_usage_key("problem", "quiz"))
CLAIM = {"when": "problem_failed", "item": QUIZ, "attempts": 1}


def fields(name: str = "n1", **changes: Any) -> dict[str, Any]:
    """What a nudge block with two wordings registers."""
    return {
        "key": str(COURSE.make_usage_key("nudge", name)),
        "course_key": str(COURSE),
        "title": "After the quiz",
        "kind": "review",
        "trigger": {"when": "problem_failed", "item": "", "attempts": 1},
        "variants": [wording("Tricky for many"), wording("Look again?")],
    } | changes


def wording(heading: str, **changes: str) -> dict[str, str]:
    plain = {"heading": heading, "body": "A second look often helps.", "action_label": "", "action_url": ""}
    return plain | changes


def placed(name: str = "n1", **changes: Any) -> Placement:
    return placements.register(fields(name, **changes))


def enrolled(user_id: int = 7, **learner: Any) -> Enrolment:
    row, _ = Learner.objects.update_or_create(user_id=user_id, defaults=learner)
    return Enrolment.objects.get_or_create(
        learner=row, course_key=COURSE, defaults={"started": NOW - timedelta(days=20), "mode": "audit"}
    )[0]


def happened(
    token: str, ago: float, item: str = QUIZ, user_id: int = 7, score: float | None = None
) -> InboxEvent:
    """An inbox row, `ago` seconds before NOW."""
    return InboxEvent.objects.create(
        digest=uuid4().hex,
        course_key=COURSE,
        user_id=user_id,
        time=NOW - timedelta(seconds=ago),
        token=token,
        item_id=item,
        score=score,
    )


def failed(ago: float = 1.0, user_id: int = 7, item: str = QUIZ) -> InboxEvent:
    return happened("problem_check_incorrect", ago, item, user_id, 0.0)


def serve(
    probabilities: Sequence[float],
    folder: Any,
    hidden: int = 0,
    engagement: str = "",
    targets: tuple[str, ...] = (),
) -> str:
    """Promote a model that predicts these three probabilities for everybody; its version."""
    names = features.names(hidden, targets)
    states = sum(name.partition(".")[0] in features.STATE_GROUPS for name in names)
    tensors = {
        "w": np.zeros((len(names), 2), np.float32),
        "b": np.log(np.asarray([*probabilities, 1e-12], np.float32)),
        "v": np.zeros((len(features.KINDS), states), np.float32),
        "loadings": np.zeros((2, 4), np.float32),
        "effects": np.zeros(0, np.float32),
        "effect_keys": np.zeros(0, np.int64),
        "chosen": np.zeros(2, np.int64),
        "mean": np.zeros(len(names), np.float32),
        "scale": np.ones(len(names), np.float32),
        "temperature": np.ones(1, np.float32),
    }
    model = HelpfulnessModel.from_tensors(tensors, names)
    store = ModelStore(folder)
    manifest = {"names": list(names), "engagement": engagement}
    version = store.publish("helpfulness", model.tensors(), manifest)
    store.promote("helpfulness", version)
    serving.helpfulness.forget()
    return version
