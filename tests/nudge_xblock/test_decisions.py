"""Asking the gate against a real database: what is sent, held, logged, replayed and never raised."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from django.db import DatabaseError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from nudge_xblock import catalogue, decisions, gate, recording, serving, statements, vectors, votes
from nudge_xblock.compat import CourseDates, Platform
from nudge_xblock.models import Decision, Enrolment, Learner, Variant
from nudge_xblock.reasons import Reason
from nudge_xblock.recording import Answer
from predictor.streaming import Reading

from .engagement import publish
from .moments import CLAIM, COURSE, NOW, QUIZ, enrolled, failed, fields, happened, placed, serve, wording

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
KEY = fields()["key"]
KNOWN = {"answers": {"sent": 20, "answered": 9, "helpful": 5, "not_helpful": 1}}
RULE = 0.5


class Host(Platform):
    """A platform whose answers a test sets."""

    dates = CourseDates()
    staff = False
    certified = False
    due: dict[str, Any] = {}

    def course_dates(self, course_key: Any) -> CourseDates:
        return self.dates

    def is_course_staff(self, user_id: int, course_key: Any) -> bool:
        return self.staff

    def has_certificate(self, user_id: int, course_key: Any) -> bool:
        return self.certified

    def due_dates(self, course_key: Any, user_id: int) -> dict[str, Any]:
        return self.due


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> type[Host]:
    for name in ("dates", "staff", "certified", "due"):
        monkeypatch.setattr(Host, name, getattr(Host, name))
    with override_settings(NUDGE_COMPAT=f"{__name__}.Host"):
        yield Host  # type: ignore[misc]


def ask(
    draw: float = RULE, occasion: Any = CLAIM, keys: Any = (KEY,), now: Any = NOW, user_id: int = 7
) -> Answer:
    return decisions.ask(user_id, COURSE, keys, occasion, now, draw)


def test_a_failed_problem_brings_the_default_message_and_a_logged_decision() -> None:
    placed(
        variants=[wording("Tricky", action_label="Watch", action_url="/jump_to_id/film"), wording("Again?")]
    )
    enrolled()
    failed()
    answer = ask()
    row = Decision.objects.get()
    assert answer.nudge == recording.Nudge(
        row.pk,
        "Tricky",
        "A second look often helps.",
        {"label": "Watch", "url": "/jump_to_id/film"},
        "review",
    )
    assert (row.reason, row.variant.heading, row.created, row.draw) == ("no_model", "Tricky", NOW, RULE)
    assert sum(row.propensities.values()) == pytest.approx(1.0)
    assert row.propensity == row.propensities[str(row.variant_id)] == pytest.approx(0.5)
    learner = Learner.objects.get()
    assert learner.sends == [[NOW.timestamp(), "review", row.placement_id]]
    foreseen = {"foreseen_helpful": 0.2, "foreseen_not_helpful": 0.1, "foreseen_dismissed": 0.2}
    counts = {"sent": 1, **foreseen}
    assert learner.answers == {**counts, "kinds": {"review": counts}}


def test_the_answer_is_plain_json() -> None:
    placed()
    enrolled()
    failed()
    told = ask().as_json()
    assert told["nudge"]["decision"] == str(Decision.objects.get().pk)
    assert told["nudge"]["action"] is None
    assert Answer().as_json() == {"nudge": None}


@pytest.mark.parametrize("draw", [0.01, 0.5, 0.999])
def test_every_decision_is_replayed_bit_for_bit(draw: float, stores: Path) -> None:
    placed()
    enrolled(**KNOWN)
    failed()
    serve([0.31, 0.17, 0.52], stores / "models")
    with override_settings(NUDGE_QUIET_HOURS=["22:00", "07:00"]):
        ask(draw)
    again = decisions.replay(Decision.objects.get().pk)
    assert again.differences == ()
    assert again.same


def test_a_replay_notices_a_row_that_was_edited() -> None:
    placed()
    enrolled()
    failed()
    ask()
    Decision.objects.update(propensity=0.4)
    assert decisions.replay(Decision.objects.get().pk).differences == ("propensity",)


def test_a_decision_takes_two_reads_and_two_writes() -> None:
    placed()
    enrolled()
    failed(5)
    ask()
    Learner.objects.update(sends=[])
    failed(1)
    with CaptureQueriesContext(connection) as sent:
        assert ask().nudge is not None
    failed(0.5)
    with CaptureQueriesContext(connection) as held:
        assert ask().reason is Reason.COOL_DOWN
    assert _kinds(sent) == {"SELECT": 2, "UPDATE": 1, "INSERT": 1}
    assert _kinds(held) == {"SELECT": 2, "INSERT": 1}


def test_a_page_with_nothing_to_show_reads_nothing() -> None:
    placed()
    ask(keys=["unknown"])
    with CaptureQueriesContext(connection) as queries:
        assert ask(keys=["unknown"]) == Answer()
    assert len(queries) == 0


def _kinds(captured: CaptureQueriesContext) -> dict[str, int]:
    words = Counter(query["sql"].split(None, 1)[0] for query in captured.captured_queries)
    return {word: count for word, count in words.items() if word in ("SELECT", "UPDATE", "INSERT", "DELETE")}


def test_asking_twice_about_one_moment_gives_one_decision_and_one_answer() -> None:
    placed()
    enrolled()
    failed()
    assert ask(0.5) == ask(0.02) != Answer()
    assert Decision.objects.count() == 1


def test_a_card_that_was_seen_is_not_given_again() -> None:
    placed()
    enrolled()
    failed()
    first = ask()
    assert first.nudge is not None
    votes.respond(7, first.nudge.decision, "shown")
    assert ask().nudge is None


def test_the_next_failed_attempt_is_a_new_moment() -> None:
    placed()
    enrolled()
    failed(30)
    ask()
    failed(1)
    assert ask().reason is Reason.COOL_DOWN
    assert Decision.objects.count() == 2


def test_a_claim_without_the_servers_record_is_no_moment() -> None:
    placed()
    enrolled()
    assert ask() == Answer()
    failed(item=QUIZ + "2")
    failed(user_id=8)
    assert ask() == Answer()
    assert not Decision.objects.exists()


def test_a_learner_never_met_is_written_down_and_answered() -> None:
    placed(trigger={"when": "unit_seen"})
    assert ask(occasion={"when": "unit_seen"}, user_id=99).nudge is not None
    assert Learner.objects.get().user_id == 99


def test_a_once_ever_moment_is_remembered_however_long_ago_it_was() -> None:
    placed(trigger={"when": "unit_seen"})
    enrolled()
    ask(occasion={"when": "unit_seen"})
    with CaptureQueriesContext(connection) as queries:
        later = ask(occasion={"when": "unit_seen"}, now=NOW + timedelta(days=90))
    assert later.nudge is None
    assert "INSERT" not in _kinds(queries)


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [([0.4, 0.1, 0.5], Reason.HELPFUL), ([0.1, 0.4, 0.5], Reason.LEARNER)],
)
def test_the_model_decides_for_a_learner_it_knows(
    probabilities: list[float], reason: Reason, stores: Path
) -> None:
    placed()
    enrolled(**KNOWN)
    failed()
    version = serve(probabilities, stores / "models")
    assert ask().reason is reason
    row = Decision.objects.get()
    assert row.helpfulness_version == version
    assert next(iter(row.predictions.values())) == pytest.approx(probabilities)


def test_a_new_learner_is_sent_what_the_model_would_hold_back(stores: Path) -> None:
    placed()
    enrolled()
    failed()
    serve([0.1, 0.4, 0.5], stores / "models")
    assert ask().reason is Reason.COLD


def test_a_broken_model_holds_back_and_says_so(stores: Path) -> None:
    placed()
    enrolled(**KNOWN)
    failed()
    version = serve([0.4, 0.1, 0.5], stores / "models")
    path = stores / "models" / "helpfulness" / version / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    serving.helpfulness.forget()
    serving.helpfulness._served = serving.Served(None, "", serving.NO_MODEL)  # as in a fresh process
    assert ask().reason is Reason.BROKEN_MODEL


def test_a_model_of_another_lstms_states_is_not_asked(stores: Path) -> None:
    placed()
    enrolled(**KNOWN)
    failed()
    serve([0.4, 0.1, 0.5], stores / "models", hidden=4, engagement="20260101T000000Z-old")
    assert ask().reason is Reason.NO_STATE
    assert ask(0.02).nudge is None  # the moment is decided
    failed(0.2)
    assert ask(0.02).reason is Reason.EXPLORE


def test_the_lstms_state_at_the_moment_is_what_the_model_sees(stores: Path) -> None:
    engagement = publish(stores / "models")
    size = len(_reading().hidden)
    serve([0.4, 0.1, 0.5], stores / "models", size, engagement, tuple(sorted(_reading().probabilities)))
    placed()
    enrolled(**KNOWN)
    failed()
    assert ask().reason is Reason.HELPFUL
    row = Decision.objects.get()
    seen = vectors.unkept(row.features)
    assert seen is not None
    assert (row.model_version, seen.hidden) == (engagement, size)
    np.testing.assert_array_equal(seen.shared[:size], _reading().hidden)
    assert np.abs(seen.shared[:size]).max() > 0.0


def _reading() -> Reading:
    """What the LSTM makes of one wrong answer a second before now."""
    streamer = serving.engagement.current().model
    assert streamer is not None
    at = NOW.timestamp() - 1.0
    began = Enrolment.objects.filter(started__isnull=False).values_list("started", flat=True).first()
    state = streamer.begin(began.timestamp() if began else at)
    return streamer.at(streamer.advance(state, ["problem_check_incorrect"], [at], [QUIZ]), NOW.timestamp())


def test_a_missing_state_holds_back_and_says_so(stores: Path) -> None:
    engagement = publish(stores / "models")
    targets = tuple(sorted(_reading().probabilities))
    serve([0.4, 0.1, 0.5], stores / "models", len(_reading().hidden), engagement, targets)
    placed()
    row = enrolled(**KNOWN)
    row.state, row.state_model, row.state_through = b"of another", "older", NOW - timedelta(hours=1)
    row.save()
    failed()
    assert ask().reason is Reason.NO_STATE


def test_the_vectors_that_were_seen_are_kept_exactly(stores: Path) -> None:
    placed()
    enrolled(**KNOWN)
    failed()
    serve([0.4, 0.1, 0.5], stores / "models")
    ask()
    row = Decision.objects.get()
    seen = vectors.unkept(row.features)
    assert seen is not None
    assert set(seen.messages) == set(row.propensities) - {gate.HOLD}
    model = serving.helpfulness.current().model
    assert model is not None
    again = vectors.predict(model, seen)
    assert again is not None
    assert {name: list(values) for name, values in again.items()} == row.predictions


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"staff": True}, Reason.STAFF),
        ({"certified": True}, Reason.CERTIFIED),
        ({"dates": CourseDates(end=NOW)}, Reason.ENDED),
        ({"dates": CourseDates(start=NOW + timedelta(hours=1))}, Reason.NOT_STARTED),
        ({"due": {KEY: NOW - timedelta(minutes=1)}}, Reason.PAST_DUE),
    ],
)
def test_restraint_beats_exploration(change: dict[str, Any], reason: Reason, host: type[Host]) -> None:
    for name, value in change.items():
        setattr(host, name, value)
    placed()
    enrolled()
    failed()
    assert ask(0.02) == Answer(reason=reason)
    row = Decision.objects.get()
    assert row.propensities[gate.HOLD] == row.propensity == 1.0
    assert row.inputs["gate"]["reason"] == Reason.EXPLORE
    assert not row.explored
    assert decisions.replay(row.pk).same


@override_settings(NUDGE_CONTROL_SHARE=1.0)
@pytest.mark.parametrize("draw", [0.02, 0.5])
def test_a_learner_of_the_control_group_is_never_nudged_and_the_moment_is_recorded(draw: float) -> None:
    placed()
    enrolled()
    failed()
    assert ask(draw) == Answer(reason=Reason.CONTROL)
    row = Decision.objects.get()
    assert (row.variant_id, row.propensity, row.propensities[gate.HOLD]) == (None, 1.0, 1.0)
    assert row.inputs["standing"]["control"]
    assert row.inputs["gate"]["variant"] is not None
    assert decisions.replay(row.pk).same
    assert Learner.objects.get().sends == []


@override_settings(NUDGE_SPARED_SHARE=0.3)
def test_what_is_spared_by_chance_is_logged_with_its_chance_and_replayed() -> None:
    placed()
    enrolled()
    failed()
    assert ask(0.2) == Answer(reason=Reason.SPARED)
    row = Decision.objects.get()
    assert (row.variant_id, row.explored) == (None, True)
    assert row.propensity == pytest.approx(0.3)
    assert decisions.replay(row.pk).same


@pytest.mark.parametrize("draw", [0.01, 0.5])
def test_a_wording_found_harmful_is_held_back_but_for_its_trickle_and_replayed(draw: float) -> None:
    placed(variants=[wording("Tempting")])
    Variant.objects.update(harmful_since=NOW)
    catalogue.forget()
    enrolled()
    failed()
    assert ask(draw).reason is (Reason.TRICKLE if draw < 0.02 else Reason.HARMFUL)
    assert decisions.replay(Decision.objects.get().pk).same


def test_what_was_foreseen_of_votes_is_counted_only_where_votes_are_what_a_nudge_is_for() -> None:
    placed(objective="items")
    enrolled()
    failed()
    assert ask().nudge is not None
    assert Learner.objects.get().answers["sent"] == 1
    assert "foreseen_helpful" not in Learner.objects.get().answers


def test_an_opted_out_learner_receives_nothing() -> None:
    placed()
    enrolled(opted_out=True)
    failed()
    assert ask(0.02).reason is Reason.OPTED_OUT
    assert Learner.objects.get().sends == []


def test_caps_count_sends_of_other_courses_and_placements() -> None:
    placed()
    enrolled(sends=[[NOW.timestamp() - 5000 * n, "plan", 999] for n in (3, 2)])
    failed()
    assert ask().reason is Reason.CAP_DAY


def _while_another_tab_asks(answers: list[Answer], keys: Any, mine: Any) -> None:
    """Ask, and let another tab of the same learner ask and be answered between our reads and our writes."""
    write = recording.record

    def late(*args: Any) -> Answer:
        with mock.patch.object(recording, "record", write):
            answers.append(ask(keys=keys))
        return write(*args)

    with mock.patch.object(recording, "record", late):
        answers.append(ask(keys=mine))


def test_two_tabs_cannot_both_spend_the_last_send() -> None:
    placed("n1")
    placed("n2")
    enrolled()
    failed()
    answers: list[Answer] = []
    _while_another_tab_asks(answers, [fields("n2")["key"]], [fields("n1")["key"]])
    assert answers[0].nudge is not None
    assert answers[1] == Answer(reason=Reason.ANOTHER)
    assert len(Learner.objects.get().sends) == 1
    assert sorted(Decision.objects.values_list("reason", flat=True)) == ["another_nudge", "no_model"]
    assert all(decisions.replay(pk).same for pk in Decision.objects.values_list("pk", flat=True))


def test_two_tabs_asking_about_one_moment_get_one_answer() -> None:
    placed()
    enrolled()
    failed()
    answers: list[Answer] = []
    _while_another_tab_asks(answers, [KEY], [KEY])
    assert answers[0] == answers[1]
    assert answers[0].nudge is not None
    assert Decision.objects.count() == 1
    assert len(Learner.objects.get().sends) == 1


def test_of_competing_placements_the_more_promising_is_shown_and_the_other_kept() -> None:
    first = placed("n1")
    second = placed("n2", variants=[wording("Better")])
    second.variants.update(shown=400, helpful=300, counted_through=NOW - timedelta(days=1))
    enrolled()
    failed()
    keys = [fields("n1")["key"], fields("n2")["key"]]
    answer = ask(keys=keys)
    assert answer.nudge is not None
    assert answer.nudge.heading == "Better"
    Learner.objects.update(sends=[])
    assert ask(keys=keys).nudge is not None
    assert set(Decision.objects.values_list("placement", flat=True)) == {first.pk, second.pk}


@pytest.mark.parametrize(
    ("audience", "mode", "shown"),
    [
        ("verified", "audit", False),
        ("verified", "verified", True),
        ("audit", "verified", False),
        ("all", "", True),
    ],
)
def test_a_message_reaches_its_audience_alone(audience: str, mode: str, shown: bool) -> None:
    placed(audience=audience)
    row = enrolled()
    row.mode = mode
    row.save()
    failed()
    assert (ask().nudge is not None) is shown


def test_a_decision_that_takes_too_long_holds_back() -> None:
    placed()
    enrolled()
    failed()
    with override_settings(NUDGE_DECISION_BUDGET_MS=0):
        assert ask(0.02).reason is Reason.SLOW
    assert decisions.replay(Decision.objects.get().pk).same


def test_a_gate_that_fails_holds_back_and_the_decision_says_so(caplog: pytest.LogCaptureFixture) -> None:
    placed()
    enrolled()
    failed()
    with mock.patch.object(vectors, "see", side_effect=RuntimeError("broken")):
        assert ask(0.02).reason is Reason.FAILED
    row = Decision.objects.get()
    assert (row.reason, row.propensity) == ("failed", 1.0)
    assert decisions.replay(row.pk).same
    assert "broken" in caplog.text


def test_a_database_that_fails_shows_nothing_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    placed()
    enrolled()
    failed()
    with mock.patch.object(statements, "past", side_effect=DatabaseError("gone away")):
        assert ask() == Answer(reason=Reason.FAILED)
    assert "gone away" in caplog.text


def test_a_history_too_long_to_read_at_once_makes_no_guess_at_the_state() -> None:
    placed()
    enrolled()
    failed()
    for number in range(5):
        happened("play_video", 100.0 + number)
    with mock.patch("nudge_xblock.situation.MOST_ROWS", 4):
        assert ask().nudge is not None
    assert Decision.objects.get().features["hidden"] == 0
