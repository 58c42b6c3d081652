"""What worked, of cases as they are stored: effects that were put there are found, small cells are hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import override_settings

from nudge_xblock import policy
from nudge_xblock.atrisk import happenings, worked
from nudge_xblock.atrisk.models import Case, CaseEvent, Intervention, RiskDay
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.compat import CourseDates, Platform, Result
from nudge_xblock.models import Enrolment, Learner
from predictor.events import Event
from predictor.sequences import EventStore

from ..moments import COURSE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
BEGAN = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Host(Platform):
    """A course that a test ends, and who completed it."""

    end: datetime | None = None
    done: set[int] = set()

    def course_dates(self, course_key: Any) -> CourseDates:
        return CourseDates(end=self.end)

    def outcomes(self, course_key: Any) -> list[Result]:
        known = Enrolment.objects.values_list("learner__user_id", flat=True)
        at = NOW - DAY
        return [
            Result(each, False, each in self.done, None, at if each in self.done else None, "audit", BEGAN)
            for each in known
        ]


@pytest.fixture(autouse=True)
def host() -> Any:
    Host.end, Host.done = None, set()
    with override_settings(NUDGE_COMPAT=f"{__name__}.Host", NUDGE_CONTROL_SHARE=0.3):
        yield


def letter(tier: str = "marginal", group: str = "absence", channel: str = "mail") -> Letter:
    made = Letter.objects.create(
        course_key=COURSE, subject="x", state=Letter.State.AUTOMATIC, channel=channel, confirmed=BEGAN
    )
    Intervention.objects.create(letter=made, course_key=COURSE, tier=tier, group=group)
    return made


def case(
    user_id: int,
    group: str = "absence",
    tier: str = "marginal",
    opened: datetime = BEGAN + 5 * DAY,
    chance: float = 0.6,
    later: float = 0.6,
) -> Case:
    """A case that is open, with the risk as it was opened and two weeks later."""
    row = Learner.objects.create(user_id=user_id)
    enrolment = Enrolment.objects.create(learner=row, course_key=COURSE, mode="audit")
    made = Case.objects.create(
        enrolment=enrolment, course_key=COURSE, group=group, tier=tier, chance=later, chance_opened=chance,
        owner="adviser", opened=opened, tier_since=opened, slot=f"enrolment {enrolment.pk}",
    )  # fmt: skip
    CaseEvent.objects.create(case=made, at=opened, what=happenings.OPENED, detail={"tier": tier})
    for ago, value in ((0, chance), (14, later)):
        RiskDay.objects.create(
            enrolment=enrolment, day=(opened + ago * DAY).date(), chance=value, contributions={group: value}
        )
    return made


def deliver(made: Letter, one: Case, at: datetime) -> None:
    row = Delivery.objects.create(letter=made, learner=one.enrolment.learner)
    Delivery.objects.filter(pk=row.pk).update(created=at, sent_at=at)


def seen(user_ids: list[int], at: datetime) -> None:
    EventStore(settings.NUDGE_EVENTS_DIR).append(
        Event(str(COURSE), str(user_id), at.timestamp(), "seq_next") for user_id in user_ids
    )


def found(kind: str, outcome: str, group: str = "absence") -> dict[str, Any] | None:
    rows = worked.worked(COURSE, NOW)["rows"]
    keys = ("intervention", "outcome", "group")
    return next((row for row in rows if tuple(row[key] for key in keys) == (kind, outcome, group)), None)


def mailed(effect: float = 0.5, learners: int = 200) -> None:
    """Everyone but the control group was written to; of these `effect` more came back, and risk fell."""
    rng = np.random.default_rng(8)
    made, came = letter(), []
    for user_id in range(1, learners + 1):
        control = policy.is_control(user_id, COURSE)
        back = rng.random() < (0.3 if control else 0.3 + effect)
        if back:
            came.append(user_id)
        one = case(user_id, later=float(np.clip(0.6 + rng.normal(0, 0.05) - 0.2 * (not control), 0.01, 0.99)))
        if not control:
            deliver(made, one, one.opened + timedelta(hours=3))
    seen(came, BEGAN + 9 * DAY)


def test_where_there_is_a_control_group_it_tells_what_the_mail_did() -> None:
    mailed()
    row = found("mail", "seen")
    assert row is not None
    assert row["design"] == "control"
    assert row["low"] <= 50 <= row["high"]
    assert row["low"] > 0
    assert (row["with"] - row["without"]) == pytest.approx(row["difference"], abs=1)
    assert 70 <= row["with"] <= 90
    assert row["n_with"] + row["n_without"] == 200
    assert f"{row['with']}%" in row["sentence"]
    assert row["sentence"].endswith("more than chance explains.")
    risk = found("mail", "risk")
    assert risk is not None
    assert risk["low"] <= -20 <= risk["high"] < 0
    assert "the control group" in worked.worked(COURSE, NOW)["assumption"]
    assert found("mail", "completed") is None, "while the run is live nobody has failed to complete"


def test_who_completed_is_told_once_the_run_is_over() -> None:
    mailed()
    Host.end, Host.done = NOW - DAY, set(range(1, 101))
    row = found("mail", "completed")
    assert row is not None
    assert not row["hidden"]
    assert row["low"] <= 0 <= row["high"]
    assert row["sentence"].endswith("That may be chance.")


def test_what_people_did_is_told_beside_learners_alike() -> None:
    rng = np.random.default_rng(5)
    came = []
    for user_id in range(1, 161):
        chance = float(rng.uniform(0.86, 0.98))
        one = case(user_id, tier="high", chance=chance, later=chance)
        helped = rng.random() < (0.8 if chance > 0.92 else 0.3)
        if helped:
            CaseEvent.objects.create(
                case=one, at=one.opened + 2 * DAY, what=happenings.NOTE, author_id=21, text="Called."
            )
        if rng.random() < 3.0 * (1.05 - chance) + 0.4 * helped:
            came.append(user_id)
    seen(came, BEGAN + 12 * DAY)
    row = found("adviser", "seen")
    assert row is not None
    assert row["design"] == "alike"
    assert row["low"] <= 40 <= row["high"]
    assert "differ in nothing else" in worked.worked(COURSE, NOW)["assumption"]


def test_without_a_control_group_mails_are_compared_with_learners_alike() -> None:
    with override_settings(NUDGE_CONTROL_SHARE=0.0):
        made = letter()
        for user_id in range(1, 61):
            one = case(user_id, opened=BEGAN + (5 if user_id <= 30 else 20) * DAY)
            if user_id > 30:
                deliver(made, one, one.opened + timedelta(hours=3))
        row = found("mail", "seen")
    assert row is not None
    assert (row["design"], row["n_with"], row["n_without"]) == ("alike", 30, 30)
    assert (row["with"], row["without"]) == (0, 0)


def test_cells_under_ten_are_hidden_with_what_would_tell_of_them() -> None:
    mailed(learners=120)
    other = letter(group="grades")
    for user_id in range(1001, 1016):
        one = case(user_id, group="grades")
        if not policy.is_control(user_id, COURSE):
            deliver(other, one, one.opened + timedelta(hours=3))
    rows = [row for row in worked.worked(COURSE, NOW)["rows"] if row["outcome"] == "seen"]
    hidden = {row["group"]: row["hidden"] for row in rows}
    assert hidden == {"absence": True, "grades": True, "all": False}
    for row in rows:
        assert row["hidden"] == ("n_with" not in row)


def test_what_is_not_two_weeks_old_is_not_told_and_nothing_is_no_error() -> None:
    assert worked.worked(COURSE, NOW) == {"rows": [], "assumption": ""}
    made = letter()
    for user_id in range(1, 60):
        deliver(made, case(user_id, opened=NOW - 5 * DAY), NOW - 4 * DAY)
    assert worked.worked(COURSE, NOW)["rows"] == []


def test_a_change_of_tier_ends_what_is_looked_at_in_the_old_one() -> None:
    made, one = letter(), case(1)
    deliver(made, one, one.opened + timedelta(hours=3))
    CaseEvent.objects.create(
        case=one, at=one.opened + 3 * DAY, what=happenings.MOVED, detail={"from": "marginal", "to": "high"}
    )
    CaseEvent.objects.create(case=one, at=one.opened + 4 * DAY, what=happenings.NOTE, author_id=21)
    first, second = worked.episodes.of(COURSE)
    assert (first.tier, first.end, set(first.done)) == ("marginal", one.opened + 3 * DAY, {"mail"})
    assert (second.tier, second.end, set(second.done)) == ("high", None, {"adviser"})


def test_a_case_that_was_flagged_without_cause_is_no_help() -> None:
    one = case(1, tier="high")
    CaseEvent.objects.create(
        case=one,
        at=one.opened + DAY,
        what=happenings.RESOLVED,
        author_id=21,
        detail={"outcome": "not_needed"},
    )
    (episode,) = worked.episodes.of(COURSE)
    assert not episode.done
