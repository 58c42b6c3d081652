"""The block: who sees what, who may do what, and what reaches the door behind it."""

from __future__ import annotations

import gzip
import html
import json
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone, translation
from web_fragments.fragment import Fragment

from nudge_xblock import api, block
from nudge_xblock.block import NudgeXBlock
from nudge_xblock.models import Decision, Enrolment, InboxEvent, Night, Placement, Variant

from .host import EXAM, KEY, Host, call
from .moments import COURSE, QUIZ, enrolled, failed, wording

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
LEARNER: dict[str, Any] = {"user_id": 7, "user_is_staff": False, "is_authenticated": True}
STAFF: dict[str, Any] = LEARNER | {"user_is_staff": True}
SCRIPT = "</script><script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    block._registered.clear()


def nudge(user: dict[str, Any] | None = None, **fields: Any) -> NudgeXBlock:
    plain = {"variants": [wording("Tricky for many"), wording("Look again?")], "attempts": 1}
    return Host(**(user or LEARNER)).nudge(**plain | fields)


def view(made: NudgeXBlock, name: str = "student_view") -> Fragment:
    return getattr(made, name)({})


def state(fragment: Fragment) -> dict[str, Any]:
    """What the form starts from: the attribute that the page carries."""
    found = re.search(r'data-state="([^"]*)"', fragment.content)
    assert found
    return json.loads(html.unescape(found[1]))


def asked(made: NudgeXBlock, **occasion: Any) -> Any:
    status, answer = call(
        made, "ask", {"occasion": {"when": "problem_failed", "item": QUIZ, "attempts": 1} | occasion}
    )
    assert status == 200
    return answer["nudge"]


@pytest.fixture
def _failing_now() -> None:
    """A learner who has this moment answered wrongly."""
    now = datetime.now(UTC)
    enrolled()
    failed()
    InboxEvent.objects.update(time=now)
    Enrolment.objects.update(started=now - timedelta(days=3))


# What each sees


def test_a_learner_gets_the_card_script_and_what_to_watch() -> None:
    fragment = view(nudge())
    assert [resource.data for resource in fragment.resources] == [
        "/resource/nudge_xblock/popup.css",
        "/resource/nudge_xblock/popup.js",
    ]
    args = fragment.json_init_args
    assert (fragment.js_init_fn, args["view"]) == ("NudgeCard", "learner")
    assert args["problems"] == [QUIZ]
    assert args["played"] == [str(COURSE.make_usage_key("video", "lecture"))]
    assert args["others"] == [*args["played"], str(COURSE.make_usage_key("html", "text"))]


def test_no_message_travels_with_the_page() -> None:
    fragment = view(nudge(variants=[wording("A secret heading")]))
    assert "secret" not in fragment.content + json.dumps(fragment.json_init_args)


def test_a_rule_for_something_elsewhere_is_asked_about_at_once() -> None:
    assert view(nudge(item="problem/other")).json_init_args["elsewhere"] is True
    assert view(nudge(item="problem/quiz")).json_init_args["elsewhere"] is False


@pytest.mark.parametrize(
    ("user", "fields"),
    [
        (LEARNER, {"enabled": False}),
        (LEARNER, {"variants": []}),
        (LEARNER, {"variants": [wording("")]}),
        ({"user_id": None, "is_authenticated": False}, {}),
        (LEARNER | {"is_authenticated": False}, {}),
    ],
)
def test_nothing_to_show_or_nobody_to_show_it_to_leaves_the_page_as_it_is(
    user: dict[str, Any], fields: dict[str, Any]
) -> None:
    fragment = view(nudge(user, **fields))
    assert (fragment.content, fragment.resources, fragment.js_init_fn) == ("", [], None)


def test_visitors_are_not_nudged() -> None:
    assert view(nudge(), "public_view").content == ""


def test_a_timed_exam_is_left_in_peace() -> None:
    made = nudge()
    made.runtime.blocks[EXAM].is_time_limited = True
    assert view(made).content == ""
    assert asked(made) is None


def test_staff_get_tabs_for_the_analytics_and_for_the_learners() -> None:
    fragment = view(nudge(STAFF))
    assert fragment.content.count('role="tab"') == 3
    assert '<div class="nudge-dashboard"></div>' in fragment.content
    assert '<div class="nudge-communicator"></div>' in fragment.content
    told = fragment.json_init_args["communicator"]
    assert told["api"] == f"/api/nudge/v1/courses/{COURSE}/"
    assert told["js"] == "/resource/nudge_xblock/communicator.js"
    assert fragment.json_init_args["dashboard"]["js"] == "/resource/nudge_xblock/dashboard.js"


@pytest.mark.parametrize("name", ["author_view", "studio_view", "student_view"])
def test_script_in_a_message_never_becomes_markup(name: str) -> None:
    fragment = view(nudge(STAFF, variants=[wording(SCRIPT, body=SCRIPT)], display_name=SCRIPT), name)
    assert "<script>alert" not in fragment.content + json.dumps(fragment.json_init_args)


def test_the_rule_is_told_as_a_sentence() -> None:
    text = view(nudge(item="problem/quiz", attempts=2), "author_view").content
    assert "When a learner fails Quiz 3, from try number 2 on, the learner may see this:" in text


def test_the_unit_page_in_studio_says_what_is_missing() -> None:
    assert "no message yet" in view(nudge(variants=[]), "author_view").content
    assert "no message yet" in nudge(variants=[]).validate().messages[0].text
    assert nudge().validate().empty


# Registering


def test_viewing_makes_the_placement_known_once() -> None:
    made = nudge(item="problem/quiz")
    view(made)
    placement = Placement.objects.get()
    assert (placement.key, placement.trigger["item"], placement.variants.count()) == (str(KEY), QUIZ, 2)
    Placement.objects.all().delete()
    view(made)
    assert not Placement.objects.exists()


def test_a_changed_wording_becomes_known_at_the_next_view() -> None:
    made = nudge()
    view(made)
    made.variants = [wording("Another")]
    view(made)
    assert set(Variant.objects.filter(active=True).values_list("heading", flat=True)) == {"Another"}


def test_studios_short_links_lead_to_the_learners_course() -> None:
    made = nudge(variants=[wording("A", action_label="Go", action_url="/jump_to_id/abc")])
    assert made.placement()["variants"][0]["action_url"] == f"/courses/{COURSE}/jump_to_id/abc"


def test_a_database_that_does_not_answer_leaves_the_page_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(_fields: Any) -> None:
        raise OperationalError("gone away")

    monkeypatch.setattr(api, "register", down)
    with caplog.at_level(logging.ERROR):
        assert view(nudge()).content == ""
        assert asked(nudge()) is None
    assert "could not be registered" in caplog.text


# Asking and answering


@pytest.mark.usefixtures("_failing_now")
def test_a_moment_brings_a_nudge_and_its_vote_is_recorded() -> None:
    made = nudge()
    shown = asked(made)
    assert shown["heading"] in ("Tricky for many", "Look again?")
    status, answer = call(made, "respond", {"decision": shown["decision"], "what": "helpful", "key": "k1"})
    assert (status, answer["vote"]) == (200, "helpful")
    assert Decision.objects.get().helpful is True


@pytest.mark.usefixtures("_failing_now")
def test_the_same_answer_sent_twice_counts_once() -> None:
    made = nudge()
    answer = {"decision": asked(made)["decision"], "what": "fewer", "key": "k1"}
    assert call(made, "respond", answer) == call(made, "respond", answer)


@pytest.mark.usefixtures("_failing_now")
def test_somebody_elses_nudge_cannot_be_voted_on() -> None:
    shown = asked(nudge())
    other = nudge(LEARNER | {"user_id": 8})
    status, answer = call(other, "respond", {"decision": shown["decision"], "what": "helpful"})
    assert (status, "somebody else" in answer["error"]) == (403, True)
    assert Decision.objects.get().helpful is None


@pytest.mark.parametrize("body", [[], "x", None, 3, {"occasion": "now"}, {"occasion": {"when": [1]}}])
def test_nonsense_asked_brings_nothing(body: Any) -> None:
    assert call(nudge(), "ask", body) == (200, {"nudge": None})


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        {},
        {"decision": "x", "what": "helpful"},
        {"decision": str(KEY), "what": "eaten", "at": "soon"},
    ],
)
def test_nonsense_answered_is_refused_with_a_reason(body: Any) -> None:
    status, answer = call(nudge(), "respond", body)
    assert status == 400
    assert answer["error"]


def test_a_visitor_may_neither_answer_nor_choose() -> None:
    visitor = nudge({"user_id": None, "is_authenticated": False})
    assert call(visitor, "respond", {"what": "helpful"})[0] == 403
    assert call(visitor, "preferences", {"stopped": True})[0] == 403


def test_a_learner_can_stop_nudges_and_have_them_back() -> None:
    made = nudge()
    assert call(made, "preferences", {"stopped": True}) == (200, {"opted_out": True, "fewer": 0})
    assert call(made, "preferences", {}) == (200, {"opted_out": True, "fewer": 0})
    assert call(made, "preferences", {"stopped": False}) == (200, {"opted_out": False, "fewer": 0})


def test_staff_are_shown_no_nudge() -> None:
    assert asked(nudge(STAFF)) is None


# Staff


@pytest.mark.parametrize("handler", ["analytics", "night"])
def test_learners_may_not_see_the_staffs_side(handler: str) -> None:
    status, answer = call(nudge(), handler, {})
    assert status == 403
    assert answer["error"] == "Only the course's staff can see this."


def test_staff_get_the_overview_and_a_clear_word_for_what_does_not_exist() -> None:
    status, answer = call(nudge(STAFF), "analytics", {"view": "overview", "days": 30})
    assert status == 200
    assert answer
    status, answer = call(nudge(STAFF), "analytics", {"view": "horoscope"})
    assert status == 400
    assert "horoscope" in answer["error"]


@pytest.mark.parametrize("body", [[], None, 3, {"view": []}, {"days": {}}, {"course_key": "x"}])
def test_nonsense_asked_by_staff_is_no_crash(body: Any) -> None:
    assert call(nudge(STAFF), "analytics", body)[0] in (200, 400)


def test_staff_can_ask_how_the_night_is_doing() -> None:
    assert call(nudge(STAFF), "night", {"status": True}) == (200, {})


def test_a_courses_staff_watch_the_sites_night_but_neither_start_it_nor_read_its_reports() -> None:
    steps = {"ingest": {"words": "/secret/log of another course"}}
    Night.objects.create(
        started=timezone.now(), slot="night", beat=timezone.now(), step="ingest", steps=steps
    )
    status, told = call(nudge(STAFF), "night", {"status": True})
    assert (status, told["running"], told["step"], "secret" in str(told)) == (200, True, "ingest", False)
    assert call(nudge(STAFF), "night", {}) == (403, {"error": "Only staff of the whole site may do this."})
    everyones = nudge(STAFF | {"user_is_global_staff": True})
    assert call(everyones, "night", {"status": True})[1]["steps"] == steps
    assert call(everyones, "night", {})[1]["running"] is True
    assert Night.objects.count() == 1


def test_only_who_may_start_the_night_is_given_the_button() -> None:
    for attributes, may in ((STAFF, False), (STAFF | {"user_is_global_staff": True}, True)):
        assert view(nudge(attributes)).json_init_args["dashboard"]["starts"] is may


# The author's form


def test_the_form_starts_from_what_is_saved() -> None:
    begun = state(view(nudge(item="problem/quiz", display_name="After “Quiz”"), "studio_view"))
    assert begun["fields"]["item"] == QUIZ
    assert begun["fields"]["display_name"] == "After “Quiz”"
    assert [item["way"] for item in begun["items"]] == ["graded", "played", "read"]


def test_saving_changes_the_block() -> None:
    made = nudge()
    form = {**made._editable(), "when": "unit_seen", "variants": [wording(SCRIPT)], "enabled": False}
    status, answer = call(made, "studio_submit", form)
    assert (status, answer["ok"], answer["errors"]) == (200, True, {})
    assert (made.when, made.enabled, made.variants) == ("unit_seen", False, [wording(SCRIPT)])


def test_a_form_without_a_message_is_not_saved() -> None:
    made = nudge()
    status, answer = call(made, "studio_submit", {**made._editable(), "variants": [wording("")]})
    assert (status, answer["ok"]) == (200, False)
    assert set(answer["errors"]) == {"variants.0.heading"}
    assert made.variants[0]["heading"] == "Tricky for many"


def test_checking_saves_nothing() -> None:
    made = nudge()
    status, answer = call(made, "studio_submit", {**made._editable(), "enabled": False, "check": True})
    assert (status, answer["ok"], made.enabled) == (200, True, True)
    assert "switched off" in answer["warnings"][0]


def test_the_form_and_the_card_speak_the_readers_language() -> None:
    with translation.override("ar"):
        assert view(nudge()).json_init_args["text"]["question"] != "Was this helpful?"


def test_the_cards_script_is_light() -> None:
    with NudgeXBlock.open_local_resource("nudge_xblock/popup.js") as file:
        assert len(gzip.compress(file.read())) < 15_000


def test_the_block_is_what_the_platform_needs_it_to_be() -> None:
    assert (NudgeXBlock.resources_dir, NudgeXBlock.public_dir) == ("static", "nudge_xblock")
    assert NudgeXBlock.has_author_view
    assert NudgeXBlock.completion_mode == "excluded"
    with NudgeXBlock.open_local_resource("nudge_xblock/popup.js") as file:
        assert b"NudgeCard" in file.read()
