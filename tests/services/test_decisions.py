"""Decisions and votes on a real MariaDB: what was stored comes back exactly, and tabs race for real."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from nudge_xblock import catalogue, decisions, votes
from nudge_xblock.models import Decision, Learner
from tests.nudge_xblock.moments import CLAIM, COURSE, NOW, enrolled, failed, fields, placed, serve
from tests.services.racing import at_once

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("on_mariadb", "stores")]
KNOWN = {"answers": {"sent": 20, "answered": 9, "helpful": 5, "not_helpful": 1}}
TABS = 6


def ask(name: str = "n1", draw: float = 0.5, user_id: int = 7) -> decisions.Answer:
    return decisions.ask(user_id, COURSE, [fields(name)["key"]], CLAIM, NOW, draw)


def test_decisions_are_replayed_bit_for_bit(stores: Path) -> None:
    placed()
    serve([0.31, 0.17, 0.52], stores / "models")
    for user_id in range(1, 30):
        enrolled(user_id, **KNOWN)
        failed(user_id=user_id)
        ask(draw=(user_id * 0.61803398875) % 1.0, user_id=user_id)
    found = [decisions.replay(pk) for pk in Decision.objects.values_list("pk", flat=True)]
    assert len(found) == 29
    assert all(each.same for each in found), [each.differences for each in found]


def test_a_decision_takes_two_reads_and_two_writes() -> None:
    placed()
    enrolled()
    failed(9)
    catalogue.book(COURSE)
    ask()
    Learner.objects.update(sends=[])
    failed(1)
    with CaptureQueriesContext(connection) as captured:
        assert ask().nudge is not None
    words = Counter(query["sql"].lstrip("(").split(None, 1)[0] for query in captured.captured_queries)
    assert {word: words[word] for word in ("SELECT", "UPDATE", "INSERT")} == {
        "SELECT": 2,
        "UPDATE": 1,
        "INSERT": 1,
    }


@override_settings(NUDGE_CAP_PER_DAY=1, NUDGE_DECISION_BUDGET_MS=60_000)
def test_many_tabs_at_once_cannot_spend_more_than_the_cap() -> None:
    names = [f"n{number}" for number in range(TABS)]
    for name in names:
        placed(name)
    for user_id in range(1, 6):
        enrolled(user_id)
        failed(user_id=user_id)
        answers = at_once(partial(ask, user_id=user_id), names)
        assert sum(answer.nudge is not None for answer in answers) == 1
        assert len(Learner.objects.get(user_id=user_id).sends) == 1
    reasons = set(Decision.objects.filter(variant__isnull=True).values_list("reason", flat=True))
    assert reasons <= {"another_nudge", "cap_day", "cool_down"}
    assert all(decisions.replay(pk).same for pk in Decision.objects.values_list("pk", flat=True))


@override_settings(NUDGE_DECISION_BUDGET_MS=60_000)
def test_many_tabs_asking_about_one_moment_get_one_answer() -> None:
    placed()
    for user_id in range(1, 6):
        enrolled(user_id)
        failed(user_id=user_id)
        answers = at_once(partial(ask, user_id=user_id), ["n1"] * TABS)
        assert len({answer.nudge for answer in answers}) == 1
        assert answers[0].nudge is not None
    assert Decision.objects.count() == 5


def test_votes_from_many_threads_leave_the_counts_right() -> None:
    placed()
    enrolled()
    failed()
    answer = ask()
    assert answer.nudge is not None
    decision = answer.nudge.decision

    def vote(number: int) -> None:
        try:
            votes.respond(7, decision, ("helpful", "not_helpful", "undo", "clicked")[number % 4])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(vote, range(24)))
    votes.respond(7, decision, "helpful")
    counts = {name: value for name, value in Learner.objects.get().answers.items() if name != "kinds"}
    assert counts == {
        **{"sent": 1, "answered": 1, "helpful": 1, "clicked": 1},
        **{"foreseen_helpful": 0.2, "foreseen_not_helpful": 0.1, "foreseen_dismissed": 0.2},
    }
