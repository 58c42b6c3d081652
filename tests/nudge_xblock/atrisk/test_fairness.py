"""Over-flagging is found where it is, and hardly ever where it is not; small groups are hidden."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings

from nudge_xblock.atrisk import fairness
from nudge_xblock.atrisk.fairness import Seen
from nudge_xblock.atrisk.models import RiskDay
from nudge_xblock.compat import CourseDates, Platform, Result
from nudge_xblock.models import Enrolment, Learner
from predictor.factors import OF_EVENTS, OF_RECORDS, OF_TABLES, of_table, protected

from ..moments import COURSE, NOW

DAY = timedelta(days=1)
THRESHOLD = 0.5


class Host(Platform):
    """A course that a test ends, and who completed it when."""

    end: datetime | None = None
    done: dict[int, datetime] = {}

    def course_dates(self, course_key: Any) -> CourseDates:
        return CourseDates(end=self.end)

    def outcomes(self, course_key: Any) -> list[Result]:
        known = Enrolment.objects.filter(course_key=course_key).values_list("learner__user_id", flat=True)
        return [
            Result(user_id, False, user_id in self.done, None, self.done.get(user_id), "audit", NOW)
            for user_id in known
        ]


@pytest.fixture(autouse=True)
def host() -> Any:
    Host.end, Host.done = None, {}
    with override_settings(NUDGE_COMPAT=f"{__name__}.Host", NUDGE_USE_DEMOGRAPHICS=True):
        yield


def learners(
    count: int, chances: Any, genders: Any, completed: Any, first: int = 1, born: int = 1990
) -> None:
    """Learners with a month of risk, a stated gender, and whether they completed."""
    rows = Learner.objects.bulk_create(
        Learner(user_id=first + n, profile={"gender": str(genders[n]), "birth_year": born})
        for n in range(count)
    )
    enrolments = Enrolment.objects.bulk_create(
        Enrolment(learner=row, course_key=COURSE, mode="audit") for row in rows
    )
    RiskDay.objects.bulk_create(
        RiskDay(enrolment=each, day=(NOW - ago * DAY).date(), chance=float(chances[n]))
        for n, each in enumerate(enrolments)
        for ago in (30, 18, 1)
    )
    Host.done |= {first + n: NOW - DAY for n in range(count) if completed[n]}


def told() -> dict[str, Any]:
    return fairness.fairness(COURSE, NOW)


def slice_of(found: dict[str, Any], by: str) -> dict[str, Any]:
    return next(part for part in found["slices"] if part["by"] == by)


def row_of(found: dict[str, Any], by: str, name: str) -> dict[str, Any]:
    return next(row for row in slice_of(found, by)["rows"] if row["name"] == name)


def made(seed: int, over: float, count: int = 600) -> tuple[Any, Any, Any]:
    """Chances that are right, but those of women too high by `over`; genders; who completed."""
    rng = np.random.default_rng(seed)
    true = rng.beta(1.5, 1.5, count)
    women = rng.random(count) < 0.4
    completed = rng.random(count) >= true
    return np.clip(true + over * women, 0.0, 1.0), np.where(women, "f", "m"), completed


@pytest.mark.django_db
def test_a_group_that_is_flagged_without_need_is_found_and_said() -> None:
    learners(600, *made(3, 0.25))
    Host.end = NOW - DAY
    found = told()
    row = row_of(found, "gender", "Women")
    assert row["over"]
    assert row["wrongly"] > row["wrongly_others"]
    assert row["low"] > 0
    assert f"{row['wrongly']}%" in row["sentence"]
    assert "more than chance" in row["sentence"]
    assert "Women" in found["sentence"]
    assert found["run"] == str(COURSE)
    assert not row_of(found, "gender", "Men")["over"]
    assert {part["by"] for part in found["slices"]} == {"mode", "experience", "gender", "age", "country"}
    assert row["did_not"] == round(100 * (1 - np.mean([n in Host.done for n in women()])))
    assert 0.5 < row["auc"] < 1
    assert 0 < row["ece"] < 0.5
    assert slice_of(found, "gender")["abroca"] > 0


def women() -> list[int]:
    rows = Learner.objects.filter(profile__gender="f")
    return list(rows.values_list("user_id", flat=True))


@pytest.mark.django_db
def test_while_a_run_is_live_those_who_completed_tell() -> None:
    learners(600, *made(3, 0.25))
    found = told()
    row = row_of(found, "gender", "Women")
    assert row["over"]
    assert row["auc"] is row["ece"] is row["did_not"] is slice_of(found, "gender")["abroca"] is None


def test_of_groups_that_are_served_alike_hardly_any_is_accused() -> None:
    alarms = 0
    for seed in range(200):
        chances, genders, completed = made(seed, 0.0, 400)
        lost = np.where(completed, 0.0, np.nan)
        groups = {"gender": genders, "mode": np.full(400, "audit")}
        with pytest.MonkeyPatch.context() as patch:
            kept = [each for each in fairness._divisions() if each.name in groups]
            patch.setattr(fairness, "_divisions", lambda kept=kept: kept)
            seen = Seen(COURSE, NOW.date(), np.arange(400), chances, lost, groups)
            found = fairness._told(seen, THRESHOLD, True)
        alarms += any(row.get("over") for part in found["slices"] for row in part["rows"])
    assert alarms <= 16, "one in twenty is 10; beyond 16 lies 3% of chance"


@pytest.mark.django_db
def test_groups_under_ten_are_hidden_and_so_is_what_would_tell_of_them() -> None:
    chances, genders, completed = made(5, 0.0, 300)
    genders = genders.astype("U1")
    genders[:12] = "o"
    completed[:9], completed[9:12] = True, False
    learners(300, chances, genders, completed)
    Host.end = NOW - DAY
    rows = slice_of(told(), "gender")["rows"]
    hidden = [row for row in rows if row["hidden"]]
    assert {row["name"] for row in hidden} >= {"Another gender"}
    assert len(hidden) >= 2, "one alone could be had by subtraction"
    assert all(set(row) == {"name", "hidden"} for row in hidden)


@pytest.mark.django_db
def test_a_share_that_counts_a_few_of_a_group_is_not_told() -> None:
    """One of 12 women failed, and two were flagged: either could be worked out from their number."""
    chances = np.full(200, 0.2)
    chances[:2], chances[12:80] = 0.9, 0.9
    completed = np.ones(200, bool)
    completed[:1], completed[12:60] = False, False
    learners(200, chances, np.where(np.arange(200) < 12, "f", "m"), completed)
    Host.end = NOW - DAY
    found = told()
    few = row_of(found, "gender", "Women")
    assert few["n"] == 12
    assert few["did_not"] is few["flagged"] is None
    assert few["wrongly"] is not None
    many = row_of(found, "gender", "Men")
    assert many["did_not"] is many["flagged"] is None, "or it could be had from everybody's"
    [everybody] = slice_of(found, "mode")["rows"]
    assert everybody["did_not"] == round(100 * 49 / 200)
    assert everybody["flagged"] == 35


@pytest.mark.django_db
def test_a_course_in_which_nobody_completed_yet_says_so() -> None:
    assert told() == {
        "slices": [], "as_of": None, "run": None, "sentence": "Nothing can be said yet.",
    }  # fmt: skip
    learners(30, np.full(30, 0.6), ["f"] * 30, [False] * 30)
    assert told()["slices"] == []


@pytest.mark.django_db
def test_protected_attributes_are_looked_at_only_where_the_site_uses_them() -> None:
    learners(600, *made(3, 0.25))
    with override_settings(NUDGE_USE_DEMOGRAPHICS=False):
        assert {part["by"] for part in told()["slices"]} == {"mode", "experience"}


@pytest.mark.django_db
def test_an_earlier_run_speaks_for_one_that_cannot_tell_yet() -> None:
    class Runs(Host):
        def course_keys(self) -> list[Any]:
            return [COURSE, NEXT]

    NEXT = COURSE.replace(run="2027")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Host, "course_keys", Runs.course_keys)
        learners(600, *made(3, 0.25))
        Host.end = NOW - DAY
        found = fairness.fairness(NEXT, NOW)
    assert found["run"] == str(COURSE)
    assert "earlier run" in found["sentence"]


@pytest.mark.parametrize("name", ["gender", "year_of_birth", "country", "level_of_education", "race"])
def test_no_protected_attribute_can_be_a_reason(name: str) -> None:
    known = {factor.name for factor in (*OF_EVENTS, *OF_RECORDS, *OF_TABLES)}
    assert not any(protected(each) for each in known)
    with pytest.raises(ValueError, match="protected"):
        of_table([f"enrolment.{name}"])
