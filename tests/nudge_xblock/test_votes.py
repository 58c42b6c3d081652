"""Votes: once, by the decision's own learner, and counted so that nothing drifts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nudge_xblock import answers, decisions, votes
from nudge_xblock.models import Decision, Learner

from .moments import CLAIM, COURSE, NOW, enrolled, failed, fields, placed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


@pytest.fixture
def sent() -> Decision:
    placed()
    enrolled()
    failed()
    assert decisions.ask(7, COURSE, [fields()["key"]], CLAIM, NOW, 0.5).nudge is not None
    return Decision.objects.get()


def say(decision: Decision, what: str, user_id: int = 7, **fields: Any) -> dict[str, Any]:
    return votes.respond(user_id, decision.pk, what, **fields)


def counts() -> dict[str, int]:
    found = Learner.objects.get(user_id=7).answers
    return {name: value for name, value in found.items() if name in answers.COUNTED}


def test_a_vote_is_recorded_with_its_time_and_counted_once(sent: Decision) -> None:
    at = NOW + timedelta(seconds=9)
    assert say(sent, "helpful", at=at) == {"vote": "helpful", "fewer": 0, "stopped": False}
    say(sent, "helpful", at=at + timedelta(seconds=1))
    sent.refresh_from_db()
    assert (sent.helpful, sent.voted_at, sent.shown_at) == (True, at, at)
    assert counts() == {"sent": 1, "answered": 1, "helpful": 1}
    kind = Learner.objects.get().answers["kinds"]["review"]
    assert {name: value for name, value in kind.items() if name in answers.COUNTED} == counts()


def test_a_changed_vote_moves_the_count(sent: Decision) -> None:
    say(sent, "helpful")
    assert say(sent, "not_helpful")["vote"] == "not_helpful"
    assert counts() == {"sent": 1, "answered": 1, "not_helpful": 1}


def test_undo_restores_what_was(sent: Decision) -> None:
    before = counts()
    say(sent, "not_helpful")
    assert say(sent, "undo")["vote"] is None
    assert counts() == before
    assert say(sent, "undo")["vote"] is None
    assert counts() == before


def test_a_late_repeat_of_a_message_changes_nothing(sent: Decision) -> None:
    say(sent, "helpful", key="a")
    say(sent, "undo", key="b")
    assert say(sent, "helpful", key="a")["vote"] is None
    assert say(sent, "fewer", key="c")["fewer"] == say(sent, "fewer", key="c")["fewer"] == 1


def test_clicks_and_dismissals_keep_their_first_time(sent: Decision) -> None:
    first, later = NOW + timedelta(seconds=5), NOW + timedelta(seconds=50)
    for what in ("clicked", "dismissed"):
        say(sent, what, at=first)
        say(sent, what, at=later)
    sent.refresh_from_db()
    assert (sent.clicked_at, sent.dismissed_at) == (first, first)
    assert counts() == {"sent": 1, "answered": 1, "clicked": 1, "dismissed": 1}


def test_being_shown_is_no_answer(sent: Decision) -> None:
    say(sent, "shown")
    assert counts() == {"sent": 1}


def test_fewer_goes_down_a_few_steps_and_stop_and_resume_switch(sent: Decision) -> None:
    assert [say(sent, "fewer")["fewer"] for _ in range(5)] == [1, 2, 3, 3, 3]
    assert say(sent, "stop")["stopped"] is True
    assert say(sent, "resume")["stopped"] is False


def test_somebody_elses_nudge_cannot_be_answered(sent: Decision) -> None:
    enrolled(8)
    for user_id in (8, 9):
        with pytest.raises(PermissionDenied, match="shown to somebody else"):
            say(sent, "helpful", user_id)
    sent.refresh_from_db()
    assert sent.helpful is None


def test_what_was_held_back_cannot_be_answered(sent: Decision) -> None:
    Decision.objects.update(variant=None)
    with pytest.raises(votes.Unanswerable, match="held back"):
        say(sent, "helpful")


@pytest.mark.parametrize("name", ["", "not-a-uuid", str(uuid4()), "' or 1=1"])
def test_an_unknown_decision_is_refused(sent: Decision, name: str) -> None:
    with pytest.raises(votes.Unanswerable):
        votes.respond(7, name, "helpful")


def test_an_unknown_answer_is_refused_and_says_what_is_known(sent: Decision) -> None:
    with pytest.raises(votes.Unanswerable, match="not_helpful"):
        say(sent, "love it")


def test_a_browsers_clock_is_believed_only_where_possible(sent: Decision) -> None:
    say(sent, "shown", at=NOW - timedelta(days=3))
    sent.refresh_from_db()
    assert sent.shown_at == NOW
    Decision.objects.update(created=datetime.now(UTC) - timedelta(minutes=1))
    say(sent, "clicked", at=datetime.now(UTC) + timedelta(days=300))
    sent.refresh_from_db()
    assert sent.clicked_at is not None
    assert sent.clicked_at <= datetime.now(UTC)


def test_a_vote_during_another_pages_question_is_not_lost(sent: Decision) -> None:
    """The other page read the counts before the vote; its write must not put the old counts back."""
    from nudge_xblock import recording

    Learner.objects.update(sends=[])
    failed(0.5)
    write = recording.record

    def late(*args: Any) -> Any:
        say(sent, "helpful")
        return write(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "record", late)
        decisions.ask(7, COURSE, [fields()["key"]], CLAIM, NOW, 0.5)
    assert counts()["helpful"] == 1


WORDS = st.sampled_from(["shown", "helpful", "not_helpful", "undo", "clicked", "dismissed"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(WORDS, st.sampled_from(["", "k1", "k2"])), max_size=12))
def test_the_counts_always_equal_what_the_decisions_say(sent: Decision, said: list[tuple[str, str]]) -> None:
    for what, key in said:
        say(sent, what, key=key)
    row = Decision.objects.get()
    expected = {
        "helpful": int(row.helpful is True),
        "not_helpful": int(row.helpful is False),
        "clicked": int(row.clicked_at is not None),
        "dismissed": int(row.dismissed_at is not None),
    }
    expected |= {"sent": 1, "answered": int(any(expected.values()))}
    assert counts() == {name: value for name, value in expected.items() if value}
