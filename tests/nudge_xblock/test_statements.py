"""The hand-written statements say what the ORM says, field by field."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from nudge_xblock import statements
from nudge_xblock.models import Decision, Enrolment, Learner

from .moments import COURSE, NOW, enrolled, failed, happened, placed

pytestmark = pytest.mark.django_db


def fields_of(row: Enrolment | Learner | Decision) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_an_enrolment_is_read_with_its_learner_exactly_as_the_orm_reads_it() -> None:
    profile = {"gender": "f", "language": "ar"}
    row = enrolled(7, sends=[[NOW.timestamp(), "review", 1]], opted_out=True, profile=profile)
    row.state, row.state_through, row.needs_rebuild = b"\x00\xff", NOW, True
    row.predictions = {"pass": 0.25}
    row.save()
    enrolled(8)
    ours, theirs = statements.enrolment(7, COURSE), Enrolment.objects.select_related("learner").get(pk=row.pk)
    assert ours is not None
    assert fields_of(ours) == fields_of(theirs)
    assert fields_of(ours.learner) == fields_of(theirs.learner)
    assert ours.pk == theirs.pk
    assert not ours._state.adding


def test_someone_not_enrolled_is_none() -> None:
    enrolled(7)
    assert statements.enrolment(8, COURSE) is None
    assert statements.enrolment(7, COURSE.replace(run="other")) is None


def decision(moment: str, ago: float = 0.0) -> Decision:
    placement = placed()
    return Decision(
        moment=moment,
        learner=enrolled().learner,
        course_key=COURSE,
        placement=placement,
        variant=placement.variants.first(),
        reason="helpful",
        propensity=1.0 / 3.0,
        propensities={"1": 1.0 / 3.0, "hold": 2.0 / 3.0},
        inputs={"text": "naïve ✓", "none": None, "number": 0.1 + 0.2},
        draw=0.1,
        created=NOW - timedelta(seconds=ago),
    )


def values(row: Decision) -> dict[str, object]:
    """A decision as `insert` takes it: without the columns that nothing has been said about yet."""
    later = (
        "helpful",
        "voted_at",
        "shown_at",
        "clicked_at",
        "dismissed_at",
        "keys",
        "outcome",
        "model_version",
    )
    return {name: value for name, value in fields_of(row).items() if name not in later}


def test_a_decision_is_stored_exactly_as_the_orm_stores_it() -> None:
    ours, theirs = decision("a"), decision("b")
    statements.insert(values(ours))
    theirs.save(force_insert=True)
    found = [fields_of(Decision.objects.get(moment=name)) for name in ("a", "b")]
    for row in found:
        row.pop("id")
        row.pop("moment")
    assert found[0] == found[1]
    assert Decision.objects.get(moment="a").pk == ours.pk


def test_a_moment_has_one_decision() -> None:
    statements.insert(values(decision("a")))
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.insert(values(decision("a")))


def test_the_past_holds_events_and_decisions_within_reach() -> None:
    row = enrolled()
    failed(10)
    happened("play_video", 5000.0)
    happened("play_video", -5.0)
    failed(10, user_id=8)
    for name, ago in (("new", 60.0), ("old", 5000.0), ("asked for", 5000.0)):
        statements.insert(values(decision(name, ago)))
    reach = NOW - timedelta(seconds=1000)
    found = statements.past(row, reach, reach, ["asked for", "unknown"], NOW, 100)
    assert [(each[0], each[2]) for each in found] == [
        (0, "new"),
        (0, "asked for"),
        (1, "problem_check_incorrect"),
    ]
    assert statements.loaded(found[2][1]) == NOW.timestamp() - 10
    assert len(statements.past(row, reach, reach, [], NOW, 1)) == 1


def test_the_past_is_found_by_indexes_and_never_by_reading_all_decisions() -> None:
    row = enrolled()
    with CaptureQueriesContext(connection) as captured:
        statements.past(row, NOW, NOW, ["asked for"], NOW, 100)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {captured.captured_queries[0]['sql']}")
        plan = [step for *_, step in cursor.fetchall()]
    assert any("nudge_decision_learner (learner_id=? AND created>?)" in step for step in plan)
    assert not any(step.startswith("SCAN nudge_xblock_decision") for step in plan)


def test_sends_are_spent_only_by_who_saw_the_latest() -> None:
    learner = enrolled().learner
    assert statements.spend(learner, [[1.5, "review", 3]], {"sent": 1})
    assert not statements.spend(learner, [], {})
    learner.refresh_from_db()
    assert (learner.sends, learner.answers, learner.version) == ([[1.5, "review", 3]], {"sent": 1}, 1)
