"""Everyone who takes a course now is assessed, visited or not, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from nudge_xblock import api, nightly, refreshing, retirement, tasks
from nudge_xblock.atrisk import assessing, plan, runs, sentences
from nudge_xblock.atrisk.models import Case, Risk, RiskDay, RiskSettings
from nudge_xblock.compat import Enrolled
from nudge_xblock.models import Enrolment, Learner
from nudge_xblock.night import Skipped, models
from predictor.risk import RiskModel
from predictor.store import ModelStore, NoModel

from .. import nighttime
from ..nighttime import NOW
from . import term
from .term import DAY, NOW_RUN, School

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


@pytest.fixture(autouse=True)
def school() -> Iterator[None]:
    School.forget()
    with override_settings(NUDGE_COMPAT=f"{term.__name__}.School", NUDGE_CASE_WEBHOOK_URL=""):
        yield


@pytest.fixture
def serving(stores: Path, settings: Any) -> str:
    return term.serve(settings.NUDGE_MODEL_DIR)


def risks() -> dict[int, Risk]:
    return {row.enrolment.learner.user_id: row for row in Risk.objects.select_related("enrolment__learner")}


def test_whoever_takes_the_run_is_assessed_also_who_never_came(serving: str) -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    term.visits(NOW_RUN, 1, *range(8, 20))
    assert api.assess_course(NOW_RUN, NOW) == 2
    found = risks()
    assert (found[1].partial, found[2].partial) == (False, True)
    assert found[1].chance < 0.5 < found[2].chance
    assert found[2].tier
    assert {row.model_version for row in found.values()} == {serving}
    assert {row.at for row in found.values()} == {NOW}
    assert found[1].share == pytest.approx(0.5)
    assert found[1].days == pytest.approx(20.0)


@pytest.mark.usefixtures("serving")
def test_baseline_and_contributions_are_the_stored_chances_log_odds() -> None:
    term.run(NOW_RUN, 20 * DAY, *range(1, 9))
    for user_id in range(1, 8):
        term.visits(NOW_RUN, user_id, *range(3, 3 + 2 * user_id))
    api.assess_course(NOW_RUN, NOW)
    for row in Risk.objects.all():
        logit = row.baseline + sum(row.contributions.values())
        assert abs(logit - np.log(row.chance / (1 - row.chance))) < 1e-9
        assert row.group == (row.reasons[0]["group"] if row.reasons else "")
        for reason in row.reasons:
            assert reason["chance_if_typical"] <= row.chance - 0.01


@pytest.mark.usefixtures("serving")
def test_who_enrolled_after_the_refresh_is_written_down_and_assessed() -> None:
    term.run(NOW_RUN, 20 * DAY, 1)
    refreshing.refresh_course(NOW_RUN, NOW)
    School.enrolled[NOW_RUN].append(Enrolled(2, "verified", NOW - 8 * DAY, True))
    api.assess_course(NOW_RUN, NOW)
    assert set(risks()) == {1, 2}
    late = Enrolment.objects.get(learner__user_id=2)
    assert (late.mode, late.started) == ("verified", NOW - 8 * DAY)


@pytest.mark.usefixtures("serving")
def test_who_enrolled_in_the_midst_of_a_run_was_not_absent_before() -> None:
    term.run(NOW_RUN, 35 * DAY, 1)
    for user_id, days in ((2, 1), (3, 6.9), (4, 7.1), (5, 1)):
        School.enrolled[NOW_RUN].append(Enrolled(user_id, "audit", NOW - days * DAY, True))
    term.visits(NOW_RUN, 5, 34)
    api.assess_course(NOW_RUN, NOW)
    found = risks()
    assert set(found) == {1, 4, 5}, "who enrolled this week and has not come yet is not called absent"
    assert not Case.objects.filter(enrolment__learner__user_id__in=[2, 3]).exists()
    numbers = [{"factor": "never_came", "unit": "flag", "value": 1.0, "typical": 0.0}]
    said = {user_id: sentences.sentence("absence", numbers, found[user_id].days) for user_id in (1, 4)}
    assert said == {1: "Has not come once in 35 days.", 4: "Has not come once in 7 days."}
    api.assess_course(NOW_RUN, NOW + DAY)
    assert set(risks()) == {1, 3, 4, 5}


@pytest.mark.usefixtures("serving")
def test_who_has_completed_who_left_and_staff_have_no_risk_any_more() -> None:
    start = term.run(NOW_RUN, 20 * DAY, 1, 2, 3, 4)
    School.staff = {4}
    api.assess_course(NOW_RUN, NOW - DAY)
    assert set(risks()) == {1, 2, 3}
    School.completed[NOW_RUN] = {1: NOW - timedelta(hours=1), 3: NOW + DAY}
    School.enrolled[NOW_RUN][1] = Enrolled(2, "audit", start, False)
    api.assess_course(NOW_RUN, NOW)
    assert set(risks()) == {3}, "a completion that a night which looks back cannot know of is none"
    assert RiskDay.objects.count() == 3 + 1, "the days that were stay"
    ended = dict(Case.objects.values_list("enrolment__learner__user_id", "outcome"))
    assert (ended[1], ended[2]) == ("completed", "left")


@pytest.mark.usefixtures("serving")
def test_a_repeat_leaves_the_same_rows_and_another_day_adds_to_the_line() -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    term.visits(NOW_RUN, 1, 2, 3)
    api.assess_course(NOW_RUN, NOW)
    tables = (Risk, RiskDay, Case)
    first = [list(table.objects.order_by("pk").values()) for table in tables]
    api.assess_course(NOW_RUN, NOW)
    assert [list(table.objects.order_by("pk").values()) for table in tables] == first
    api.assess_course(NOW_RUN, NOW + DAY)
    assert Risk.objects.count() == 2
    assert RiskDay.objects.count() == 4


@pytest.mark.usefixtures("serving")
def test_one_that_is_stopped_between_two_batches_is_simply_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    term.run(NOW_RUN, 20 * DAY, *range(1, 8))
    for user_id in range(1, 6):
        term.visits(NOW_RUN, user_id, *range(user_id, 3 * user_id))
    monkeypatch.setattr(assessing, "BATCH", 3)
    write, written = assessing._write, [0]

    def stopped(cases: Any, *more: Any) -> None:
        if written[0] == 2:
            raise OSError("the worker is gone")
        written[0] += 1
        write(cases, *more)

    with monkeypatch.context() as patch:
        patch.setattr(assessing, "_write", stopped)
        with pytest.raises(OSError, match="the worker is gone"):
            api.assess_course(NOW_RUN, NOW)
    assert Risk.objects.count() == RiskDay.objects.count() == 6, (
        "whole batches are written, or nothing of them"
    )
    assert not Case.objects.exists()
    assert api.assess_course(NOW_RUN, NOW) == 7
    torn = list(Risk.objects.order_by("pk").values())
    for table in (Case, Risk, RiskDay):
        table.objects.all().delete()
    api.assess_course(NOW_RUN, NOW)
    assert list(Risk.objects.order_by("pk").values()) == torn


@pytest.mark.usefixtures("serving")
def test_a_run_that_is_over_or_has_not_begun_has_nobody_at_risk() -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    api.assess_course(NOW_RUN, NOW)
    later = NOW + 30 * DAY
    assert api.assess_course(NOW_RUN, later) == 0
    assert not Risk.objects.exists()
    assert not Case.objects.filter(state=Case.State.OPEN).exists()
    assert RiskDay.objects.count() == 2
    assert api.assess_course(NOW_RUN, NOW - 30 * DAY) == 0


@pytest.mark.usefixtures("serving")
def test_in_a_self_paced_run_each_learners_clock_begins_with_the_enrolment(settings: Any) -> None:
    settings.NUDGE_SELF_PACED_DAYS = 40
    start = term.run(NOW_RUN, 100 * DAY, 1, 2, 3, self_paced=True)
    School.enrolled[NOW_RUN] = [
        Enrolled(user_id, "audit", start + days * DAY, True) for user_id, days in ((1, 0), (2, 80), (3, 101))
    ]
    api.assess_course(NOW_RUN, NOW)
    found = risks()
    assert set(found) == {2}, "whose time is over, or has not begun, has nothing to be foreseen"
    assert found[2].days == pytest.approx(20.0)
    assert found[2].share == pytest.approx(0.5)


@pytest.mark.usefixtures("serving")
def test_whoever_was_retired_does_not_come_back() -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    term.visits(NOW_RUN, 1, 2, 3)
    api.assess_course(NOW_RUN, NOW)
    retirement.retire(1)
    assert set(risks()) == {2}
    api.assess_course(NOW_RUN, NOW)
    assert set(risks()) == {2}
    assert not Learner.objects.filter(user_id=1).exists()


@pytest.mark.usefixtures("serving")
def test_tiers_are_those_of_the_courses_own_limits() -> None:
    term.run(NOW_RUN, 20 * DAY, 1)
    api.assess_course(NOW_RUN, NOW)
    percent = round(100 * risks()[1].chance)
    RiskSettings.objects.create(
        course_key=NOW_RUN, marginal=percent - 2, moderate=percent - 1, high=percent + 1
    )
    assert plan.of(NOW_RUN).limits.moderate == percent - 1
    api.assess_course(NOW_RUN, NOW)
    assert risks()[1].tier == "moderate"


def test_an_operators_own_table_weighs_and_one_that_is_gone_is_said(settings: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    from predictor.facts import Facts

    plain = term.made()
    factor = Facts.of([{"course_id": "c", "learner_id": "1", "help.tutor": 1}]).factors[0]
    model = replace(
        plain,
        factors=(*plain.factors, factor),
        weights=np.vstack([plain.weights, np.full((1, 4), 2.0)]),
        typical=np.hstack([plain.typical, np.zeros((2, 1))]),
        spread=np.append(plain.spread, 1.0),
    )
    term.serve(settings.NUDGE_MODEL_DIR, model)
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    table = tmp_path / "features.csv"
    table.write_text(f"course_id,learner_id,help.tutor\n{NOW_RUN},1,3\n")
    settings.NUDGE_RISK_FEATURES = str(table)
    api.assess_course(NOW_RUN, NOW)
    assert risks()[1].contributions["help"] == pytest.approx(6.0)
    assert risks()[2].contributions["help"] == 0.0
    table.write_text(f"course_id,learner_id,help.tutor\n{NOW_RUN},1,3\n{NOW_RUN},2,10\n")
    api.assess_course(NOW_RUN, NOW)
    assert risks()[2].contributions["help"] > 6.0, "a table that changed is read again"
    table.unlink()
    with pytest.raises(ValueError, match=r"NUDGE_RISK_FEATURES: .*cannot be read"):
        api.assess_course(NOW_RUN, NOW)


def test_without_a_model_the_night_says_so_and_settles_cases_all_the_same(settings: Any) -> None:
    term.serve(settings.NUDGE_MODEL_DIR)
    term.run(NOW_RUN, 20 * DAY, 1)
    api.assess_course(NOW_RUN, NOW)
    (ModelStore(settings.NUDGE_MODEL_DIR).path / "risk" / "current.json").unlink()
    with pytest.raises(NoModel):
        api.assess_course(NOW_RUN, NOW)
    School.enrolled[NOW_RUN] = []
    with pytest.raises(Skipped, match="No risk model serves yet"):
        assessing.assess_night(nighttime.run())
    assert Case.objects.get().outcome == "left"


def test_the_night_assesses_every_run_by_the_model_that_serves(serving: str) -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    for number, key in enumerate(term.PAST):
        term.run(key, 10 * DAY, 10 + number)
    night = api.assess(NOW)
    assert not night.failed
    assert night.steps["risk"]["words"] == f"5 learners of 4 course runs were assessed by {serving}."
    assert night.steps["risk"]["cases"] == {"opened": 5, "closed": 0, "moved": 0}


def test_a_broken_run_leaves_the_others_assessed_and_settled_and_the_night_tells(
    serving: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    for number, key in enumerate(term.PAST):
        term.run(key, 10 * DAY, 10 + number)
    read = runs.CourseRun.sequences

    def unreadable(run: runs.CourseRun) -> Any:
        if run.key == NOW_RUN:
            raise OSError("half a file")
        return read(run)

    monkeypatch.setattr(runs.CourseRun, "sequences", unreadable)
    night = api.assess(NOW)
    assert night.failed
    assert (night.steps["risk"]["failed"], night.steps["risk"]["learners"]) == (1, 3)
    assert night.steps["risk"]["error"] == (
        f"NotAssessed: 1 of 4 course runs could not be assessed: {NOW_RUN}. The first: OSError: half a file"
    )
    assert set(risks()) == {10, 11, 12}
    assert Case.objects.filter(state=Case.State.OPEN).count() == 3


@pytest.mark.django_db(transaction=True)
def test_who_is_retired_while_a_batch_is_made_is_left_out_of_it_and_nobody_else(
    serving: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    term.run(NOW_RUN, 20 * DAY, 1, 2, 3)
    write = assessing._write

    def meanwhile(*told: Any) -> None:
        Learner.objects.filter(user_id=2).delete()
        write(*told)

    monkeypatch.setattr(assessing, "_write", meanwhile)
    assessing.assess(NOW_RUN, NOW, RiskModel.load(models()))
    assert set(risks()) == {1, 3}
    assert RiskDay.objects.count() == 2


@pytest.mark.usefixtures("serving")
def test_a_sharded_night_leaves_each_run_to_a_worker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks.assess_course, "apply_async", lambda told, **options: sent.append(*told))
    settings.NUDGE_RISK_SHARDED = True
    term.run(NOW_RUN, 20 * DAY, 1, 2)
    term.run(term.PAST[0], 10 * DAY, 10)
    night = nightly.run(NOW, only=nightly.ASSESSING)
    assert night.steps["risk"]["words"] == "2 course runs are left to Celery workers."
    assert night.steps["risk"]["queued"] == 2
    assert not Risk.objects.exists()
    assert [tasks.assess_course(key) for key in sent] == [2, 1]
    assert set(risks()) == {1, 2, 10}


@property_settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    takers=st.sets(st.integers(1, 9), min_size=1),
    visitors=st.sets(st.integers(1, 9)),
    done=st.sets(st.integers(1, 9), max_size=3),
)
def test_no_learner_without_a_visit_is_lost(takers: set[int], visitors: set[int], done: set[int]) -> None:
    from django.conf import settings

    term.serve(settings.NUDGE_MODEL_DIR)
    term.run(NOW_RUN, 20 * DAY, *sorted(takers))
    for user_id in sorted(visitors):
        term.visits(NOW_RUN, user_id, 5)
    School.completed[NOW_RUN] = dict.fromkeys(done, NOW - DAY)
    api.assess_course(NOW_RUN, NOW)
    assert set(risks()) == takers - done
