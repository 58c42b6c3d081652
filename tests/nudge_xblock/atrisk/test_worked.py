"""What worked, of cases as they are stored: effects that were put there are found, small cells are hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import override_settings

from nudge_xblock import policy
from nudge_xblock.atrisk import episodes, happenings, worked
from nudge_xblock.atrisk.aftermath import Aftermath, Moment
from nudge_xblock.atrisk.comparing import compare
from nudge_xblock.atrisk.episodes import Episode
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


def found(kind: str, outcome: str, group: str = "absence", tier: str = "marginal") -> dict[str, Any] | None:
    rows = worked.worked(COURSE, NOW)["rows"]
    keys = ("intervention", "outcome", "group", "tier")
    return next(
        (row for row in rows if tuple(row[key] for key in keys) == (kind, outcome, group, tier)), None
    )


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
    row = found("letters", "seen")
    assert row is not None
    assert row["design"] == "control"
    assert row["low"] <= 50 <= row["high"]
    assert row["low"] > 0
    assert row["with"] - row["without"] == row["difference"]
    assert 70 <= row["with"] <= 90
    assert row["n_with"] + row["n_without"] == 200
    assert f"{row['with']}%" in row["sentence"]
    assert row["sentence"].endswith("more than chance explains.")
    assert found("mail", "seen") is None, "mails, pop-ups and nudges differ alike"
    risk = found("letters", "risk")
    assert risk is not None
    assert risk["low"] <= -20 <= risk["high"] < 0
    assert "the control group" in worked.worked(COURSE, NOW)["assumption"]
    assert found("letters", "completed") is None, "while the run is live nobody has failed to complete"


def test_who_completed_is_told_once_the_run_is_over() -> None:
    mailed()
    Host.end, Host.done = NOW - DAY, set(range(1, 101))
    row = found("letters", "completed")
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
    row = found("adviser", "seen", tier="high")
    assert row is not None
    assert row["design"] == "alike"
    assert row["low"] <= 40 <= row["high"]
    assert "differ in nothing else" in worked.worked(COURSE, NOW)["assumption"]


def test_without_a_control_group_mails_are_compared_with_learners_alike() -> None:
    rng = np.random.default_rng(3)
    with override_settings(NUDGE_CONTROL_SHARE=0.0):
        made = letter()
        for user_id in range(1, 161):
            day = int(rng.integers(5, 26))
            one, helped = case(user_id, opened=BEGAN + day * DAY), rng.random() < 0.5
            if helped:
                deliver(made, one, one.opened + timedelta(hours=3))
            if rng.random() < 0.015 * day + 0.4 * helped:
                seen([user_id], one.opened + 4 * DAY)
        row = found("mail", "seen")
    assert row is not None
    assert (row["design"], row["n_with"] + row["n_without"]) == ("alike", 160)
    assert 0 < row["low"] <= 40 <= row["high"]


def test_those_of_another_time_of_the_course_are_nobody_to_be_compared_with() -> None:
    with override_settings(NUDGE_CONTROL_SHARE=0.0):
        made = letter()
        for user_id in range(1, 101):
            one = case(user_id, opened=BEGAN + (5 if user_id <= 50 else 26) * DAY)
            if user_id > 50:
                deliver(made, one, one.opened + timedelta(hours=3))
        row = found("mail", "seen")
    assert row is not None
    assert row["hidden"]


def test_who_is_in_a_tier_for_what_a_letter_did_is_not_compared_there() -> None:
    """The first letter keeps half of those who would come back from moving up; the second does nothing."""
    rng = np.random.default_rng(6)
    first, second, came = letter(), letter("moderate"), []
    for user_id in range(1, 241):
        control, willing = policy.is_control(user_id, COURSE), rng.random() < 0.5
        one = case(user_id)
        if willing:
            came.append(user_id)
        if not control:
            deliver(first, one, one.opened + timedelta(hours=3))
        if control or not willing:
            at, detail = one.opened + 3 * DAY, {"from": "marginal", "to": "moderate"}
            CaseEvent.objects.create(case=one, at=at, what=happenings.MOVED, detail=detail)
            if not control:
                deliver(second, one, at + timedelta(hours=3))
    seen(came, BEGAN + 12 * DAY)
    rows = worked.worked(COURSE, NOW)["rows"]
    assert {(row["tier"], row["intervention"]) for row in rows} == {("marginal", "letters")}


def test_a_learner_is_looked_at_once_from_when_letters_went_out() -> None:
    mailed(learners=60)
    Letter.objects.update(confirmed=BEGAN + 8 * DAY)
    case_of_one = Case.objects.get(enrolment__learner__user_id=1)
    at, detail = BEGAN + 7 * DAY, {"from": "marginal", "to": "moderate"}
    CaseEvent.objects.create(case=case_of_one, at=at, what=happenings.MOVED, detail=detail)
    Case.objects.filter(enrolment__learner__user_id=2).update(closed=BEGAN + 7 * DAY, state="closed")
    row = found("letters", "seen")
    assert row is not None
    assert row["n_with"] + row["n_without"] == 58


@pytest.mark.parametrize("frail", [False, True])
def test_help_that_does_nothing_is_found_to_do_nothing(frail: bool) -> None:
    """Learners get better by themselves and are helped at any time: who is helped late was not better yet."""
    covered, points = 0, []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        pace = rng.gamma(2.0, 0.5, 200) if frail else np.ones(200)
        heals, helps = rng.exponential(10.0, 200) / pace, rng.exponential(8.0, 200)
        every = [
            Episode(
                user_id, user_id, user_id, "absence", "high", BEGAN, BEGAN + heal * DAY, 0.9,
                {"adviser": BEGAN + helped * DAY} if helped < heal else {},
            )
            for user_id, (heal, helped) in enumerate(zip(heals.tolist(), helps.tolist(), strict=True))
        ]  # fmt: skip
        sides = worked._by_likeness("adviser", every)["absence"].sides
        after = [(side.moment.at - BEGAN) / DAY for side in sides]
        user_ids = [side.moment.episode.user_id for side in sides]
        result = compare(
            (heals[user_ids] <= np.array(after) + 14.0).astype(np.float64),
            np.array([side.helped for side in sides]),
            np.array(user_ids),
            np.log1p(after)[:, None],
        )
        covered += result.low <= 0.0 <= result.high
        points.append(result.difference)
    assert covered >= 43
    assert abs(np.mean(points)) < 0.05


def test_who_completed_later_was_not_done_two_weeks_later() -> None:
    one = case(1, later=0.6)
    RiskDay.objects.filter(day__gt=one.opened.date()).delete()
    Host.done = {1}
    (episode,) = episodes.of(COURSE)
    moment = Moment(episode, one.opened)
    assert Aftermath(COURSE, NOW, [moment]).outcome(moment, "risk") is None
    assert Aftermath(COURSE, NOW, [moment]).context(moment)[-2:] == [0.0, 0.0]


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
    first, second = episodes.of(COURSE)
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
    (episode,) = episodes.of(COURSE)
    assert not episode.done
