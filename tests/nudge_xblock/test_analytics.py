"""What staff see of a course agrees with its rows, and shows nobody in particular."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import (
    analytics,
    daily,
    dashboard_texts,
    findings,
    groups,
    nightly,
    nights,
    regions,
    results,
)
from nudge_xblock.comparison import Comparison
from nudge_xblock.experiments import Interval
from nudge_xblock.models import Decision, Enrolment, Learner, Night, Placement, Variant
from nudge_xblock.reasons import GATED, SENT, Reason
from tests import rows

OTHER = CourseKey.from_string("course-v1:Forest+Moss+2026")
FRONTEND = Path(__file__).resolve().parents[2] / "frontend" / "src" / "dashboard"


def overview(days: int = 30, until: datetime = rows.NOW) -> dict[str, Any]:
    return analytics.overview(rows.COURSE, until - timedelta(days=days - 1), until)


def sentences(value: Any) -> list[dict[str, Any]]:
    """Every finding inside a JSON value."""
    if isinstance(value, dict):
        own = [value] if set(value) == {"text", "values"} else []
        return own + [found for part in value.values() for found in sentences(part)]
    return [found for part in value for found in sentences(part)] if isinstance(value, list) else []


# Views


@pytest.mark.django_db
def test_an_overview_is_plain_json_and_every_blank_of_its_sentences_is_filled() -> None:
    rows.course(learners=60, moments=400)
    rows.nights()
    found = overview()
    json.dumps(found, allow_nan=False)
    assert len(sentences(found)) > 6
    for sentence in sentences(found):
        assert set(re.findall(r"{(\w+)}", sentence["text"])) == set(sentence["values"])


@pytest.mark.django_db
def test_a_course_without_decisions_is_empty_and_says_so_everywhere() -> None:
    rows.course(learners=60, moments=100, key=OTHER)
    found = overview()
    assert found["empty"]
    assert found["shown"]["sent"] == found["shown"]["held"] == 0
    assert found["moments"] == found["votes"]["messages"] == []
    assert found["effect"]["verdict"] == "no_comparison"
    assert found["groups"]["overall"] is None


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{"days": 12}, {"days": "30"}, {"days": None}])
def test_a_period_that_does_not_exist_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="days must be one of 7, 30, 90"):
        analytics.view(rows.COURSE, "overview", **options)


@pytest.mark.django_db
def test_a_view_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no view 'names'"):
        analytics.view(rows.COURSE, "names")


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_course() -> None:
    counts = []
    for moments in (50, 1500):
        key = CourseKey.from_string(f"course-v1:A+B+{moments}")
        rows.course(learners=50, moments=moments, key=key)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            analytics.overview(key, rows.NOW - timedelta(days=29), rows.NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16


@pytest.mark.django_db
def test_the_pulse_changes_with_whatever_the_overview_would_show() -> None:
    course = rows.course(learners=20, moments=50)
    seen = [analytics.pulse(rows.COURSE)["stamp"]]
    unvoted = next(row for row in course.decisions if row.variant_id and row.helpful is None)
    for change in (
        {"helpful": True, "voted_at": rows.NOW},
        {"helpful": None, "voted_at": None},
        {"clicked_at": rows.NOW},
    ):
        Decision.objects.filter(pk=unvoted.pk).update(**change)
        seen.append(analytics.pulse(rows.COURSE)["stamp"])
    rows.nights(1)
    seen.append(analytics.pulse(rows.COURSE)["stamp"])
    assert len(set(seen)) == len(seen) - (seen[0] == seen[2])
    assert analytics.pulse(rows.COURSE)["stamp"] == seen[-1]


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_mariadb_counts_as_sqlite_does(on_mariadb: object) -> None:
    course = rows.course(learners=120, moments=1500)
    found = overview()
    days = Counter(row.created.date().isoformat() for row in course.decisions if row.variant_id)
    assert {day["day"]: day["sent"] for day in found["shown"]["days"][1:]}.items() <= days.items()
    open_ = [row for row in course.decisions if 0.0 < row.propensities["hold"] < 1.0]
    assert found["effect"]["sent"] + found["effect"]["held"] == sum(row.outcome["final"] for row in open_)
    assert found["votes"]["messages"][0]["votes"] > 0
    assert found["groups"]["divisions"][0]["rows"]


# By day


@pytest.mark.django_db
def test_each_day_holds_what_its_decisions_say() -> None:
    course = rows.course(learners=80, moments=900, days=20)
    rows.course(learners=20, moments=200, key=OTHER, seed=2)
    shown = overview(days=7)["shown"]
    since = (rows.NOW - timedelta(days=6)).date()
    expected = Counter(
        (row.created.date().isoformat(), daily.KIND_OF[row.reason])
        for row in course.decisions
        if row.created >= rows.NOW - timedelta(days=6)
    )
    assert [day["day"] for day in shown["days"]] == [
        (since + timedelta(days=n)).isoformat() for n in range(7)
    ]
    for day in shown["days"]:
        assert day["sent"] == expected[day["day"], "sent"]
        assert day["held"] == {kind["name"]: expected[day["day"], kind["name"]] for kind in shown["kinds"]}
        assert day["share"]["low"] <= day["share"]["estimate"] <= day["share"]["high"]
    assert shown["sent"] + shown["held"] == expected.total()


def test_every_reason_for_holding_back_has_one_kind_in_words() -> None:
    assert set(daily.KIND_OF) == {str(reason) for reason in Reason}
    sent = {reason for reason, kind in daily.KIND_OF.items() if kind == "sent"}
    assert sent == {*map(str, SENT), Reason.LETTER}
    assert all(str(kind.label) and str(kind.because) for kind in daily.KINDS.values())


# To whom


@pytest.mark.django_db
def test_groups_hold_what_their_learners_met() -> None:
    course = rows.course(learners=150, moments=1500)
    table = next(one for one in overview()["groups"]["divisions"] if one["name"] == "mode")
    modes = dict(Enrolment.objects.filter(course_key=rows.COURSE).values_list("learner_id", "mode"))
    midnight = rows.NOW.replace(hour=0, minute=0)
    before = [row for row in course.decisions if row.created < midnight]
    for shown in table["rows"]:
        mine = [row for row in before if modes[row.learner_id] == shown["name"]]
        share = sum(row.variant_id is not None for row in mine) / len(mine)
        assert shown["shown"]["estimate"] == pytest.approx(share, abs=0.006)
        assert 0 <= len({row.learner_id for row in mine}) - shown["learners"] < 5
        assert shown["shown"]["low"] < share < shown["shown"]["high"]


@pytest.mark.django_db
def test_what_happened_today_does_not_move_the_groups() -> None:
    rows.course(learners=40, moments=600, days=10)
    before = overview()["groups"]
    learner = Learner.objects.order_by("pk")[0]
    template = Decision.objects.filter(learner=learner).first()
    assert template is not None
    for number in range(30):
        template.pk, template.moment = None, f"today {number}"
        template.created = rows.NOW - timedelta(minutes=number)
        template._state.adding = True
        template.id = Decision._meta.pk.get_default()
        template.save(force_insert=True)
    assert overview()["groups"] == before
    assert overview()["shown"]["days"][-1] != before


@pytest.mark.django_db
def test_protected_attributes_are_not_grouped_by_where_the_site_does_not_use_them() -> None:
    rows.course(learners=60, moments=300)
    assert {"gender", "age", "country"} <= {one["name"] for one in overview()["groups"]["divisions"]}
    with override_settings(NUDGE_USE_DEMOGRAPHICS=False):
        found = overview()["groups"]
    assert {one["name"] for one in found["divisions"]} == {"future", "mode", "experience"}


people = st.lists(
    st.tuples(st.sampled_from(["f", "m", "o", ""]), st.integers(1, 5), st.integers(0, 5)),
    min_size=1,
    max_size=80,
)


@given(people)
def test_no_group_of_less_than_ten_learners_or_voters_is_shown_or_left_over(
    drawn: list[tuple[str, int, int]],
) -> None:
    division = next(one for one in groups.DIVISIONS if one.name == "gender")
    persons = {
        number: groups.Person("audit", {}, {"gender": gender}, False, 2026)
        for number, (gender, _moments, _votes) in enumerate(drawn)
    }
    tallies = {
        number: groups.Tally(moments, moments, min(votes, moments), min(votes, moments))
        for number, (_gender, moments, votes) in enumerate(drawn)
    }
    table = groups.divide(division, persons, tallies)
    sizes = Counter(gender or groups.NOT_STATED for gender, _moments, _votes in drawn)
    voters = Counter(gender or groups.NOT_STATED for gender, _moments, votes in drawn if votes)
    shown = {row["name"] for row in table["rows"]}
    voted = {row["name"] for row in table["rows"] if row["helpful"] is not None}
    assert all(sizes[name] >= 10 for name in shown)
    assert all(voters[name] >= 10 for name in voted)
    for counts, visible in ((sizes, shown), (voters, voted)):
        left = [count for name, count in counts.items() if name not in visible]
        if left and visible:
            assert len(left) >= 2
            assert sum(left) >= 10


@pytest.mark.parametrize(
    ("born", "group"),
    [
        (2008, "under_25"),
        (2001, "25_34"),
        (1980, "35_49"),
        (1976, "50_up"),
        (None, "not_stated"),
        (2050, "not_stated"),
    ],
)
def test_ages_fall_into_bands(born: int | None, group: str) -> None:
    assert groups.age(groups.Person("", {}, {"birth_year": born}, False, 2026)) == group


def test_every_region_has_a_name_and_unknown_countries_have_none() -> None:
    assert regions.region("ng") == "africa"
    assert regions.region("ZZ") == regions.region("") == ""
    letters = [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    known = [found for one in letters for other in letters if (found := regions.region(one + other))]
    assert set(known) == set(regions.LABELS)
    assert len(known) > 240


@pytest.mark.django_db
def test_two_groups_are_said_to_differ_only_when_their_intervals_are_apart() -> None:
    people_ = {n: groups.Person("audit" if n % 2 else "verified", {}, {}, False, 2026) for n in range(200)}
    alike = {n: groups.Tally(4, 2, 0, 0) for n in range(200)}
    apart = {n: groups.Tally(4, 3 if n % 2 else 1, 0, 0) for n in range(200)}
    assert "No group" in groups.tables(people_, alike, rows.NOW)["finding"]["text"]
    said = groups.tables(people_, apart, rows.NOW)["finding"]
    assert (said["values"]["most"]["value"], said["values"]["least"]["value"]) == ("Audit", "Verified")


# Did it help


@pytest.mark.django_db
def test_messages_hold_their_votes_and_clicks() -> None:
    course = rows.course(learners=80, moments=800)
    for message in overview()["votes"]["messages"]:
        mine = [row for row in course.decisions if row.variant_id == message["id"]]
        assert message["sent"] == len(mine)
        assert message["votes"] == sum(row.helpful is not None for row in mine)
        assert message["liked"] == sum(row.helpful is True for row in mine)
        assert message["clicked"] == sum(row.clicked_at is not None for row in mine)
        assert message["helpful"]["low"] < message["helpful"]["estimate"] < message["helpful"]["high"]


@pytest.mark.django_db
@pytest.mark.parametrize("may_retire", [True, False])
def test_a_message_after_which_less_is_completed_says_so_and_what_is_done_about_it(may_retire: bool) -> None:
    rows.course(learners=40, moments=200)
    effect = {"change": -1.24, "low": -2.1, "high": -0.4, "evidence": 900.0, "sent": 200, "held": 70}
    first = Variant.objects.filter(placement__course_key=rows.COURSE).order_by("pk")[0]
    Variant.objects.filter(pk=first.pk).update(effect=effect, harmful_since=rows.NOW)
    Placement.objects.update(may_retire=may_retire)
    told = {message["id"]: message["warning"] for message in overview()["votes"]["messages"]}
    assert [pk for pk, warning in told.items() if warning] == [first.pk]
    said = told[first.pk]
    assert said["text"].startswith(
        "Held back since {since}" if may_retire else "After it, learners completed"
    )
    assert (said["values"]["change"]["value"], said["values"]["low"]["value"]) == (1.24, 0.4)


@pytest.mark.django_db
@override_settings(NUDGE_CONTROL_SHARE=0.3)
@pytest.mark.parametrize(("more", "words"), [(4, "more items"), (-4, "fewer items"), (0, "no difference")])
def test_learners_who_are_never_nudged_are_compared_with_the_others(more: int, words: str) -> None:
    rows.course(learners=500, moments=4000, days=60, effect=0.0)
    assert overview()["effect"]["control"] is None
    mine = Learner.objects.order_by("pk").values_list("pk", flat=True)[:150]
    left_out = Decision.objects.filter(learner__in=list(mine), reason__in=GATED)
    for row in left_out:
        row.outcome["items"] = max(0, row.outcome["items"] - more)
        row.reason, row.variant, row.propensity = Reason.CONTROL, None, 1.0
    Decision.objects.bulk_update(left_out, ["outcome", "reason", "variant", "propensity"])
    said = overview()["effect"]["control"]
    assert words in said["text"]
    assert 100 < said["values"]["count"]["value"] <= 150


@pytest.mark.django_db
def test_the_votes_of_the_model_and_of_chance_are_kept_apart() -> None:
    course = rows.course(learners=80, moments=800)
    everyone, model, chance = results.vote_sums(Decision.objects.filter(course_key=rows.COURSE))
    explored = [row for row in course.decisions if row.explored and row.helpful is not None]
    chosen = [row for row in course.decisions if row.reason == Reason.HELPFUL and row.helpful is not None]
    assert chance[0].sum() == sum(bool(row.helpful) for row in explored)
    assert chance[1].sum() == sum(not row.helpful for row in explored)
    assert model.sum() == len(chosen)
    assert everyone.sum() == len(explored) + len(chosen)


@pytest.mark.django_db
def test_a_planted_effect_is_found_and_nothing_else_is() -> None:
    rows.course(learners=700, moments=9000, days=60, effect=2.5)
    found = overview()["effect"]
    assert found["verdict"] == "helps"
    assert found["change"]["low"] < 2.5 < found["change"]["high"]
    rows.course(learners=700, moments=9000, days=60, effect=0.0, key=OTHER)
    other = analytics.overview(OTHER, rows.NOW - timedelta(days=29), rows.NOW)["effect"]
    assert other["verdict"] in ("early", "none")
    assert other["change"]["low"] < 0.0 < other["change"]["high"]


@pytest.mark.django_db
def test_only_moments_left_to_chance_whose_days_are_over_are_compared() -> None:
    course = rows.course(learners=60, moments=1200, days=20)
    open_ = [row for row in course.decisions if 0.0 < row.propensities["hold"] < 1.0]
    found = results.left_to_chance(Decision.objects.filter(course_key=rows.COURSE))
    assert len(found.learner) == len(open_)
    assert found.day.tolist() == sorted(found.day.tolist())
    assert found.first.sum() == sum(row.variant_id is not None for row in open_)
    effect = overview()["effect"]
    assert effect["sent"] + effect["held"] == sum(row.outcome["final"] for row in open_)


@pytest.mark.django_db
def test_decisions_that_go_missing_raise_the_alarm() -> None:
    rows.course(learners=100, moments=4000)
    assert overview()["effect"]["alarm"] is None
    held = Decision.objects.filter(reason=Reason.LEARNER).values_list("pk", flat=True)
    Decision.objects.filter(pk__in=list(held[:700])).delete()
    alarm = overview()["effect"]["alarm"]
    assert alarm["values"]["sent"]["value"] > alarm["values"]["expected"]["value"]


@pytest.mark.parametrize("needed", [None, 1, 40])
@pytest.mark.parametrize("verdict", ["helps", "harms", "none", "early", "no_comparison"])
@pytest.mark.parametrize("change", [None, Interval(0.2, -0.1, 0.5)])
def test_every_verdict_has_a_sentence(verdict: Any, change: Interval | None, needed: int | None) -> None:
    said = findings.effect(Comparison(verdict, change, 2.0, 1.8, 5, 6, 7, 0.2, needed, 0.1, 1.0), 7)
    assert set(re.findall(r"{(\w+)}", said["text"])) <= set(said["values"])


# Nights and moments


@pytest.mark.django_db
def test_each_night_has_a_line_with_figures_and_verdict() -> None:
    rows.nights(5)
    Night.objects.create(started=rows.NOW, slot="night", step="train", progress=0.4)
    found = nights.history()
    assert [line["outcome"] for line in found["lines"]][-1] == "promoted"
    assert all(line["why"] and len(line["scores"]) == 2 for line in found["lines"])
    assert found["running"]["progress"] == 0.4
    assert [target["name"] for target in found["targets"]] == ["leave", "complete"]


def test_a_night_that_only_renewed_the_model_of_answers_says_so() -> None:
    figures = {
        "helpfulness": {"new": {"log_loss": 0.7}, "old": {"log_loss": 0.8}},
        "engagement": {"version": "b"},
    }
    line = nights.line(Night(started=rows.NOW, promoted=True, model_version="a", metrics=figures))
    assert line["answers"] == {"new": 0.7, "old": 0.8}
    assert not line["taken"]
    assert "model of what helps" in nights.finding([line])["text"]


TAKEN = {"model_version": "a", "metrics": {"engagement": {"version": "a"}}}


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        (TAKEN | {"promoted": True, "failed": True}, "promoted"),
        ({"promoted": True, "metrics": {"engagement": {"version": "b"}}}, "partly"),
        ({"failed": True}, "failed"),
        ({"metrics": {"engagement": {}}}, "refused"),
        ({}, "idle"),
    ],
)
def test_a_night_ends_in_one_of_five_ways(fields: dict[str, Any], outcome: str) -> None:
    line = nights.line(Night(started=rows.NOW, **fields))
    assert line["outcome"] == outcome
    assert nights.finding([line])["text"]


@pytest.mark.django_db
def test_the_latest_moments_name_nobody_and_say_why() -> None:
    course = rows.course(learners=30, moments=100)
    found = overview()["moments"]
    assert len(found) == 20
    assert found[0]["at"] == max(row.created for row in course.decisions).isoformat()
    for one in found:
        assert re.fullmatch(r"[0-9A-F]{6}", one["learner"])
        assert one["why"].startswith("Sent" if one["sent"] else "Held back")
    text = json.dumps(found)
    assert not any(f'"{learner.user_id}"' in text for learner in course.learners)


# The simulated week


@pytest.mark.django_db
def test_the_simulated_week_has_the_shape_of_an_overview_and_touches_no_table() -> None:
    with CaptureQueriesContext(connection) as queries:
        week = analytics.view(rows.COURSE, "example")
    assert len(queries) == 0
    rows.course(learners=30, moments=100)
    assert set(week) == set(overview())
    assert len(week["shown"]["days"]) == 7
    assert sum(row["sent"] for row in week["votes"]["messages"]) == week["shown"]["sent"]
    json.dumps(week, allow_nan=False)


# Words


def test_every_text_that_the_scripts_ask_for_exists() -> None:
    asked: set[str] = set()
    for path in FRONTEND.glob("*.js"):
        asked |= set(re.findall(r'\bt\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    assert len(asked) > 60
    assert asked <= set(dashboard_texts.dashboard())


def test_every_step_of_the_night_and_every_answer_has_words() -> None:
    texts = dashboard_texts.dashboard()
    assert {f"step_{step.name}" for step in nightly.STEPS} <= set(texts)
    answers = ("held", "helpful", "not_helpful", "clicked", "dismissed", "seen", "unseen")
    assert {f"answer_{answer}" for answer in answers} <= set(texts)


@pytest.mark.django_db
def test_the_overview_says_which_way_its_language_runs() -> None:
    with translation.override("ar"):
        found = overview()
    assert (found["language"], found["rtl"]) == ("ar", True)
