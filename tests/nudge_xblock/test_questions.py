"""What a course team can ask of its nudges agrees with the log, and shows nobody in particular."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import analytics, groups, questions, segments, simulated, trials, verdicts
from nudge_xblock.comparison import HELPFUL, ITEMS, Comparison, Trials
from nudge_xblock.experiments import Interval
from nudge_xblock.models import Decision, Placement, Variant
from nudge_xblock.reasons import Reason
from tests import rows

MIDNIGHT = rows.NOW.replace(hour=0, minute=0)


def overview() -> dict[str, Any]:
    return questions.overview(questions.load(rows.COURSE, rows.NOW))


def detail(nudge: int, against: str = "none", measure: str = "") -> dict[str, Any]:
    return questions.detail(questions.load(rows.COURSE, rows.NOW, nudge), nudge, against, measure)


def sentences(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if set(value) == {"text", "values"} else []
        return own + [found for part in value.values() for found in sentences(part)]
    return [found for part in value for found in sentences(part)] if isinstance(value, list) else []


def verdict_of(found: dict[str, Any], against: str) -> str:
    asked = next(one for one in found["nudges"] if one["id"])["questions"]
    return str(next(one for one in asked if one["against"] == against)["verdict"])


# From the log


@pytest.mark.django_db
def test_the_trials_of_a_nudge_are_its_moments_left_to_chance_before_midnight() -> None:
    course = rows.course(learners=60, moments=500, days=30)
    [log] = trials.of_course(rows.COURSE, MIDNIGHT).logs.values()
    open_ = sorted(
        (row for row in course.decisions if 0 < row.propensities["hold"] < 1 and row.created < MIDNIGHT),
        key=lambda row: row.created,
    )
    found = trials.nudged(log, "items")
    assert found.first.tolist() == [row.variant_id is not None for row in open_]
    assert found.chance.tolist() == pytest.approx([1 - row.propensities["hold"] for row in open_])
    assert found.learner.tolist() == [row.learner_id for row in open_]
    known = trials.known(found)
    final = [row for row in open_ if row.outcome["final"]]
    assert known.outcome.tolist() == [row.outcome["items"] for row in final]
    assert known.before.tolist() == [row.outcome["items_before"] for row in final]


@pytest.mark.django_db
def test_two_wordings_meet_where_either_could_have_been_sent() -> None:
    course = rows.course(learners=60, moments=500, days=30)
    first, base = course.variants[1].pk, course.variants[0].pk
    [log] = trials.of_course(rows.COURSE, MIDNIGHT).logs.values()
    found = trials.worded(log, first, base, "helpful")
    mine = [row for row in course.decisions if row.variant_id in (first, base) and row.created < MIDNIGHT]
    assert len(found.day) == len(mine)
    assert np.allclose(found.chance, 0.5)
    settled = [row for row in mine if row.created < MIDNIGHT - timedelta(days=1)]
    assert trials.known(found).outcome.sum() == sum(row.helpful is True for row in settled)
    assert len(trials.known(found).day) == len(settled)


@pytest.mark.django_db
def test_an_answer_that_came_after_more_than_a_day_does_not_count() -> None:
    rows.course(learners=40, moments=300, days=30)
    sent = Decision.objects.filter(variant__isnull=False)
    late = F("created") + timedelta(days=1, seconds=1)
    sent.update(helpful=True, voted_at=late, clicked_at=late)
    [log] = trials.of_course(rows.COURSE, MIDNIGHT).logs.values()
    assert np.nansum(log.outcomes["helpful"]) == np.nansum(log.outcomes["clicked"]) == 0
    sent.update(voted_at=F("created"), clicked_at=F("created"))
    trials.forget()
    [log] = trials.of_course(rows.COURSE, MIDNIGHT).logs.values()
    settled = log.day < (MIDNIGHT - timedelta(days=1)).toordinal()
    assert np.nansum(log.outcomes["helpful"]) == (settled & (log.taken != trials.NONE)).sum()


@pytest.mark.django_db
def test_an_edited_wording_is_not_mixed_with_the_one_it_replaced() -> None:
    course = rows.course(learners=60, moments=400)
    old, base = course.variants[2], course.variants[0]
    edited = Variant.objects.create(
        placement=base.placement, digest="new", heading="Edited", body="…", position=2
    )
    Variant.objects.filter(pk=old.pk).update(active=False)
    shown = overview()["nudges"][-1]
    asked = {one["against"]: one["verdict"] for one in shown["questions"]}
    assert asked[str(edited.pk)] == "no_comparison"
    assert str(old.pk) in asked  # it was dealt beside the default for a while: that still counts
    labels = {one["label"]: one["active"] for one in shown["shares"]}
    assert labels == {
        base.heading: True,
        rows.HEADINGS[1]: True,
        "Edited": True,
        old.heading: False,
        "Shown nothing": True,
    }


@pytest.mark.django_db
def test_shares_say_what_the_gate_did() -> None:
    course = rows.course(learners=60, moments=400)
    shown = next(one for one in overview()["nudges"] if one["id"])["shares"]
    gated = [row for row in course.decisions if row.created < MIDNIGHT and row.propensities["hold"] < 1]
    counts = Counter(row.variant_id for row in gated)
    assert shown[-1]["count"] == counts[None]
    assert [one["count"] for one in shown[:-1]] == [counts[variant.pk] for variant in course.variants]
    assert sum(one["share"] for one in shown) == pytest.approx(1.0)


@pytest.mark.django_db
def test_a_planted_effect_is_found_and_a_wording_like_the_other_is_not() -> None:
    rows.course(learners=500, moments=4000, days=60, effect=4.0)
    found = overview()
    assert verdict_of(found, "none") == "helps"
    told = detail(found["nudges"][-1]["id"])
    assert told["change"]["low"] < 4.0 < told["change"]["high"]
    assert told["looks"][-1]["estimate"] == told["change"]["estimate"]
    others = [one["verdict"] for one in found["nudges"][-1]["questions"][1:]]
    assert set(others) <= {"early", "none"}


@pytest.mark.django_db
def test_a_click_more_reads_the_log_no_second_time() -> None:
    rows.course(learners=40, moments=300)
    first = overview()
    with CaptureQueriesContext(connection) as captured:
        assert overview() == first
        detail(first["nudges"][0]["id"])
    assert not [each["sql"] for each in captured.captured_queries if "nudge_xblock_decision" in each["sql"]]
    Decision.objects.all().delete()
    assert overview() == first, "until the log is read again"
    trials.forget()
    assert overview()["nudges"] == []


@pytest.mark.django_db
def test_the_control_group_is_compared_learner_by_learner() -> None:
    course = rows.course(learners=300, moments=1200, days=30)
    kept = {learner.pk for learner in course.learners[::4]}
    Decision.objects.filter(learner__in=kept).update(
        reason=Reason.CONTROL, variant=None, propensity=1.0, propensities={"hold": 1.0}
    )
    with override_settings(NUDGE_CONTROL_SHARE=0.25):
        found = trials.of_course(rows.COURSE, MIDNIGHT).control
        told = detail(questions.COURSE, "control")
    assert len(found.learner) == len(set(found.learner.tolist()))
    assert set(found.learner[~found.first].tolist()) <= kept
    assert not set(found.learner[found.first].tolist()) & kept
    assert told["verdict"] in ("early", "none")
    assert told["alarm"] is None


@pytest.mark.django_db
def test_without_a_control_group_nobody_asks_about_it() -> None:
    rows.course(learners=40, moments=300)
    with override_settings(NUDGE_CONTROL_SHARE=0.0):
        asked = [one["against"] for nudge in overview()["nudges"] for one in nudge["questions"]]
    assert "control" not in asked


@pytest.mark.django_db
def test_several_nudges_are_asked_about_together_first() -> None:
    course = rows.course(learners=40, moments=400)
    other = Placement.objects.create(key="other", course_key=rows.COURSE, title="Other")
    Decision.objects.filter(pk__in=[row.pk for row in course.decisions[::2]]).update(placement=other)
    found = overview()["nudges"]
    assert [one["id"] for one in found[:1]] == [questions.COURSE]
    assert {one["id"] for one in found[1:]} == {other.pk, course.variants[0].placement_id}
    assert found[0]["moments"] == sum(one["moments"] for one in found[1:])
    together = trials.joined(
        [trials.nudged(log, "items") for log in trials.of_course(rows.COURSE, MIDNIGHT).logs.values()]
    )
    assert together.day.tolist() == sorted(together.day.tolist())
    assert detail(questions.COURSE)["learners"] == len(set(trials.known(together).learner.tolist()))


@pytest.mark.django_db
def test_lost_decisions_raise_the_alarm() -> None:
    rows.course(learners=100, moments=4000)
    nudge = overview()["nudges"][-1]["id"]
    assert detail(nudge)["alarm"] is None
    held = Decision.objects.filter(reason=Reason.LEARNER).values_list("pk", flat=True)
    Decision.objects.filter(pk__in=list(held[:700])).delete()
    trials.forget()
    alarm = detail(nudge)["alarm"]
    assert alarm["values"]["count"]["value"] > alarm["values"]["expected"]["value"]


# In JSON and in words


@pytest.mark.django_db
def test_answers_are_plain_json_and_every_blank_of_their_sentences_is_filled() -> None:
    rows.course(learners=100, moments=1500, days=40)
    found = [overview()]
    for nudge in found[0]["nudges"]:
        for asked in nudge["questions"]:
            found.append(detail(nudge["id"], asked["against"]))
    assert len(found) == 4
    json.dumps(found, allow_nan=False)
    for sentence in sentences(found):
        assert set(re.findall(r"{(\w+)}", sentence["text"])) == set(sentence["values"])


@pytest.mark.django_db
def test_a_course_without_decisions_has_no_questions_and_says_so() -> None:
    assert overview()["nudges"] == []
    assert "Nothing to compare yet" in overview()["finding"]["text"]


@pytest.mark.django_db
@pytest.mark.parametrize("everyone", [True, False])
def test_votes_all_alike_or_none_at_all_have_sensible_words(everyone: bool) -> None:
    course = rows.course(learners=120, moments=1500)
    sent = Decision.objects.filter(variant__isnull=False)
    sent.update(helpful=True if everyone else None, voted_at=F("created"))
    told = detail(course.variants[0].placement_id, str(course.variants[1].pk), "helpful")
    assert told["verdict"] in ("early", "none")
    assert told["mean"] == told["base_mean"] == float(everyone)


@pytest.mark.django_db
def test_a_wording_never_shown_cannot_be_compared_and_is_told_so() -> None:
    course = rows.course(learners=60, moments=300)
    base = course.variants[0]
    never = Variant.objects.create(
        placement=base.placement, digest="never", heading="Never", body="…", position=9
    )
    told = detail(base.placement_id, str(never.pk))
    assert (told["verdict"], told["change"], told["looks"]) == ("no_comparison", None, [])
    assert "cannot be compared" in told["finding"]["text"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nudge": 999_999}, "no question about nudge 999999"),
        ({"against": "everything"}, "no question"),
        ({"measure": "helpful"}, "measure must be one of items"),
    ],
)
def test_a_question_that_does_not_exist_is_refused(options: dict[str, Any], message: str) -> None:
    rows.course(learners=40, moments=100, until=timezone.now())
    with pytest.raises(ValueError, match=message):
        analytics.view(rows.COURSE, "experiment", **options)


@pytest.mark.parametrize("measure", ["helpful", "clicked", "items"])
@pytest.mark.parametrize("verdict", ["helps", "harms", "none", "early", "no_comparison"])
@pytest.mark.parametrize("change", [None, Interval(0.2, -0.1, 0.5)])
@pytest.mark.parametrize("needed", [None, 7])
def test_every_verdict_has_a_sentence(
    measure: str, verdict: Any, change: Interval | None, needed: int | None
) -> None:
    found = Comparison(verdict, change, 0.3, 0.2, 5, 6, 7, 0.02, needed, 0.1, 1.0)
    for said in (verdicts.worded(found, measure, "A", "B"), verdicts.controlled(found, 7)):
        assert set(re.findall(r"{(\w+)}", said["text"])) == set(said["values"])


def test_no_effect_and_not_enough_are_different_answers() -> None:
    texts = {
        verdict: verdicts.worded(
            Comparison(verdict, Interval(0.0, -0.1, 0.1), 0.3, 0.3, 5, 5, 9, 0.2, 4, None, 1.0),  # type: ignore[arg-type]
            "helpful",
            "A",
            "B",
        )["text"]
        for verdict in ("none", "early")
    }
    assert texts["none"].startswith("No difference found")
    assert texts["early"].startswith("Too early")


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_course() -> None:
    counts = []
    for moments in (50, 500):
        key = CourseKey.from_string(f"course-v1:A+B+{moments}")
        rows.course(learners=50, moments=moments, key=key)
        with CaptureQueriesContext(connection) as queries:
            questions.overview(questions.load(key, rows.NOW))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6


# Group by group


def people(drawn: list[str]) -> dict[int, groups.Person]:
    return {
        number: groups.Person("audit", {}, {"gender": gender}, False, 2026)
        for number, gender in enumerate(drawn)
    }


def drawn_trials(count: int, seed: int = 1, lift: float = 0.0) -> Trials:
    rng = np.random.default_rng(seed)
    learner = rng.integers(0, count, 6 * count)
    first = rng.random(6 * count) < 0.5
    outcome = rng.poisson(3.0 + lift * first * (learner % 2)).astype(np.float64)
    before = rng.poisson(3.0, 6 * count).astype(np.float64)
    return Trials(np.arange(6 * count) // count, learner, first, np.full(6 * count, 0.5), outcome, before)


@given(st.lists(st.sampled_from(["f", "m", "o", ""]), min_size=1, max_size=90))
def test_no_group_with_fewer_than_ten_learners_on_a_side_is_shown_or_left_over(drawn: list[str]) -> None:
    every = drawn_trials(len(drawn), seed=len(drawn))
    known = people(drawn)
    division = next(one for one in segments.divisions(every, known) if one.name == "gender")
    shown, hidden = segments.divide(division, every)
    sizes = Counter(groups.gender(known[learner]) for learner in set(every.learner.tolist()))
    assert all(sizes[one.name] >= 10 and one.learners <= sizes[one.name] for one in shown)
    left = [count for name, count in sizes.items() if name not in {one.name for one in shown}]
    assert hidden == bool(left)
    if left and shown:
        assert len(left) >= 2
        assert sum(left) >= 10
    for one in shown:
        if one.trials is not None:
            assert (
                min(
                    len(set(one.trials.learner[side].tolist()))
                    for side in (one.trials.first, ~one.trials.first)
                )
                >= 30
            )


def test_groups_are_by_what_was_known_before_and_not_by_what_is_predicted_since() -> None:
    names = [one.name for one in segments.divisions(drawn_trials(60), people(["f"] * 60))]
    assert names == ["activity", "mode", "experience", "gender", "age", "country"]
    with override_settings(NUDGE_USE_DEMOGRAPHICS=False):
        names = [one.name for one in segments.divisions(drawn_trials(60), people(["f"] * 60))]
    assert names == ["activity", "mode", "experience"]


def test_an_effect_in_one_group_is_found_there_and_named() -> None:
    every = drawn_trials(400, lift=2.0)
    table = segments.table(every, ITEMS, people(["m" if number % 2 else "f" for number in range(400)]))
    gender = next(one for one in table["divisions"] if one["name"] == "gender")
    found = {row["name"]: row for row in gender["rows"]}
    assert (found["m"]["found"], found["f"]["found"]) == (True, False)
    assert found["m"]["change"]["low"] > 0 > found["f"]["change"]["low"]
    json.dumps(table, allow_nan=False)


def test_no_group_is_found_where_there_is_nothing_to_find() -> None:
    found = [
        segments.table(drawn_trials(300, seed), ITEMS, people(["m", "f", ""] * 100))["finding"]["text"]
        for seed in range(20)
    ]
    assert sum("No effect found" in text for text in found) >= 18


def test_small_courses_say_that_no_group_is_large_enough() -> None:
    table = segments.table(drawn_trials(20), HELPFUL, people(["f"] * 20))
    assert "No group is large enough" in table["finding"]["text"]
    assert all(row["change"] is None for one in table["divisions"] for row in one["rows"])


def test_many_groups_are_counted_and_not_listed() -> None:
    few, many = (verdicts.segments([("Age", str(number)) for number in range(count)], 20) for count in (2, 9))
    assert few["values"]["list"]["value"] == ["Age: 0", "Age: 1"]
    assert "list" not in many["values"]


# The simulated course


@pytest.mark.django_db
def test_the_simulated_course_shows_every_kind_of_answer_and_touches_no_table() -> None:
    with CaptureQueriesContext(connection) as queries, translation.override("en"):
        found = analytics.view(rows.COURSE, "experiments", example=True)
        told = analytics.view(rows.COURSE, "experiment", example=True, nudge=-1, against="11")
    assert len(queries) == 0
    assert {one["verdict"] for nudge in found["nudges"] for one in nudge["questions"]} >= {
        "helps",
        "none",
        "early",
    }
    assert told["verdict"] == "helps"
    assert set(simulated.course(rows.NOW).logs) == {-1, -2, -3}
