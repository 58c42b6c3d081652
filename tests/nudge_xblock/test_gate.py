"""The gate: both levels, exact probabilities, and the same decision from the same input."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nudge_xblock.gate import (
    HOLD,
    Candidate,
    History,
    Policy,
    Tally,
    best,
    decide,
    is_cold,
    is_held_back,
    overrule,
    shrunken,
)
from nudge_xblock.reasons import EXPLORED, SENT, Reason

KNOWN = History(sent=20, answered=9)
LIKED, DISLIKED, IGNORED = (0.4, 0.1, 0.5), (0.1, 0.4, 0.5), (0.05, 0.01, 0.94)
BAD = (Tally(1000, 300, 100), Tally(500, 150, 50), Tally(400, 8, 90), Tally(200, 2, 60))
RULE = 0.5
"""A draw beyond every share left to chance."""


def one(prediction: tuple[float, float, float] | None = LIKED, **fields: object) -> Candidate:
    return Candidate("1", prediction=prediction, **fields)  # type: ignore[arg-type]


shares = st.floats(0.0, 1.0)
counts = st.floats(0.0, 1e4)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[float, float, float]:
    parts = [draw(st.floats(0.001, 1.0)) for _ in range(3)]
    return tuple(part / sum(parts) for part in parts)  # type: ignore[return-value]


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    shown = draw(counts)
    helpful = shown * draw(shares)
    return Tally(shown, helpful, (shown - helpful) * draw(shares))


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Candidate], History, Policy]:
    with_model = draw(st.booleans())
    candidates = [
        Candidate(
            str(index),
            tuple(draw(st.lists(tallies(), max_size=4))),
            draw(predictions()) if with_model else None,
            draw(st.integers(0, 4)) == 0,
        )
        for index in range(draw(st.integers(1, 6)))
    ]
    missing = None if with_model else draw(st.sampled_from([None, Reason.NO_STATE, Reason.BROKEN_MODEL]))
    history = History(draw(st.integers(0, 30)), draw(st.integers(0, 30)), missing)
    policy = Policy(
        exploration=draw(shares),
        trickle=draw(shares),
        spared=draw(shares),
        curiosity=draw(st.sampled_from([0.0, 0.3, 1.0, 3.0])),
        not_helpful_weight=draw(st.floats(0.0, 10.0)),
        min_helpful=draw(shares),
        margin_not_helpful=draw(st.floats(-1, 1)),
        margin_no_interaction=draw(st.floats(-1, 1)),
        threshold=draw(st.none() | st.floats(-1, 1)),
    )
    return candidates, history, policy


@settings(max_examples=500, deadline=None)
@given(questions(), st.floats(0.0, 1.0, exclude_max=True))
def test_probabilities_are_complete_and_what_was_done_was_possible(
    question: tuple[list[Candidate], History, Policy], draw: float
) -> None:
    verdict = decide(*question, draw)
    assert set(verdict.propensities) == {candidate.id for candidate in question[0]} | {HOLD}
    assert math.fsum(verdict.propensities.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(0.0 <= share <= 1.0 + 1e-12 for share in verdict.propensities.values())
    assert verdict.propensity > 0.0
    assert (verdict.variant is not None) == (verdict.reason in SENT)
    assert verdict.explored == (verdict.reason in EXPLORED)


@settings(max_examples=300, deadline=None)
@given(questions(), st.floats(0.0, 1.0, exclude_max=True))
def test_the_same_input_and_draw_give_the_same_verdict(
    question: tuple[list[Candidate], History, Policy], draw: float
) -> None:
    assert decide(*question, draw) == decide(*question, draw)


@settings(max_examples=100, deadline=None)
@given(questions())
def test_the_propensities_are_the_measure_of_the_draws(
    question: tuple[list[Candidate], History, Policy],
) -> None:
    """A fine grid of draws lands on each action as often as its propensity says."""
    steps = 1000
    seen = Counter(decide(*question, (step + 0.5) / steps).variant or HOLD for step in range(steps))
    logged = decide(*question, 0.0).propensities
    for action, share in logged.items():
        assert seen[action] / steps == pytest.approx(share, abs=8 / steps)


def test_logged_propensities_match_observed_frequencies() -> None:
    chance = random.Random(20261122)
    candidates = [
        Candidate("a", BAD, LIKED),
        Candidate("b", prediction=LIKED),
        Candidate("c", prediction=DISLIKED),
    ]
    count = 40_000
    seen: Counter[str] = Counter()
    for _ in range(count):
        seen[decide(candidates, KNOWN, Policy(), chance.random()).variant or HOLD] += 1
    for action, share in decide(candidates, KNOWN, Policy(), 0.0).propensities.items():
        spread = math.sqrt(count * share * (1.0 - share))
        assert abs(seen[action] - count * share) <= 4.0 * spread


def test_one_moment_in_ten_is_sent_whatever_the_model_says() -> None:
    candidates = [Candidate(name, prediction=DISLIKED) for name in "abcd"]
    verdict = decide(candidates, KNOWN, Policy(), 0.06)
    assert (verdict.variant, verdict.reason, verdict.explored) == ("c", Reason.EXPLORE, True)
    assert verdict.propensities == pytest.approx(dict.fromkeys("abcd", 0.025) | {HOLD: 0.9})


def test_exploration_spends_its_share_evenly_over_the_wordings() -> None:
    candidates = [Candidate(name, prediction=LIKED) for name in "ab"]
    assert decide(candidates, KNOWN, Policy(curiosity=0.0), RULE).propensities == pytest.approx(
        {"a": 0.90, "b": 0.05, HOLD: 0.05}
    )


def test_one_moment_in_twenty_is_spared_what_would_be_sent_and_none_where_nothing_would() -> None:
    verdict = decide([one(LIKED)], KNOWN, Policy(), 0.12)
    assert (verdict.variant, verdict.reason, verdict.explored) == (None, Reason.SPARED, True)
    assert verdict.propensities == pytest.approx({"1": 0.95, HOLD: 0.05})
    assert decide([one(DISLIKED)], KNOWN, Policy(), 0.12).reason is Reason.LEARNER


def test_wordings_that_nothing_is_known_of_are_tried_alike() -> None:
    candidates = [Candidate(name) for name in "abcd"]
    shares = decide(candidates, KNOWN, Policy(spared=0.0), RULE).propensities
    assert shares == pytest.approx(dict.fromkeys("abcd", 0.25) | {HOLD: 0.0})


@pytest.mark.parametrize("prediction", [None, LIKED])
def test_the_more_is_known_of_a_wording_the_less_a_worse_one_is_tried(
    prediction: tuple[float, float, float] | None,
) -> None:
    worse = None if prediction is None else (0.33, 0.1, 0.57)

    def share(shown: float) -> float:
        rows = [Tally(shown, 0.4 * shown, 0.1 * shown), Tally(shown, 0.33 * shown, 0.1 * shown)]
        pair = [Candidate("a", (rows[0],), prediction), Candidate("b", (rows[1],), worse)]
        return decide(pair, KNOWN, Policy(exploration=0.04, spared=0.0), RULE).propensities["b"]

    assert 0.5 > share(10.0) > share(200.0) > share(3000.0) > 0.02 - 1e-12
    assert share(1e6) == pytest.approx(0.02, abs=1e-6)


def test_curiosity_widens_the_choice_and_none_takes_the_best() -> None:
    pair = [Candidate("a", (Tally(500, 150, 10),)), Candidate("b", (Tally(500, 140, 10),))]

    def share(curiosity: float) -> float:
        return decide(pair, KNOWN, Policy(curiosity=curiosity, exploration=0.0), RULE).propensities["b"]

    assert share(0.0) == 0.0
    assert 0.0 < share(0.5) < share(1.0) < share(4.0) < 0.5


def test_every_wording_keeps_a_least_share_while_there_is_exploration() -> None:
    """However clear the choice, tomorrow's model meets each of them."""
    known = [Candidate("a", (Tally(1e6, 5e5, 0),), (0.5, 0.0, 0.5))]
    known += [Candidate(name, (Tally(1e6, 2e5, 0),), (0.2, 0.0, 0.8)) for name in "bcd"]
    shares = decide(known, KNOWN, Policy(), RULE).propensities
    assert [shares[name] for name in "bcd"] == pytest.approx([0.025] * 3)


def test_only_wordings_worth_sending_to_the_learner_take_part_in_the_choice() -> None:
    pair = [Candidate("a", prediction=LIKED), Candidate("b", prediction=DISLIKED)]
    assert decide(pair, KNOWN, Policy(), RULE).propensities == pytest.approx(
        {"a": 0.90, "b": 0.05, HOLD: 0.05}
    )


def test_a_harmful_message_is_held_back_however_liked_and_keeps_its_trickle() -> None:
    verdict = decide([one(LIKED, harmful=True)], History(), Policy(), RULE)
    assert (verdict.variant, verdict.reason) == (None, Reason.HARMFUL)
    assert verdict.propensities == pytest.approx({"1": 0.02, HOLD: 0.98})
    pair = [one(LIKED, harmful=True), Candidate("2", prediction=LIKED)]
    assert decide(pair, KNOWN, Policy(), RULE).propensities == pytest.approx(
        {"1": 0.02, "2": 0.93, HOLD: 0.05}
    )


def test_a_message_that_is_both_unhelpful_and_harmful_beside_one_that_is_unhelpful_says_the_milder() -> None:
    pair = [Candidate("1", BAD, LIKED, harmful=True), Candidate("2", BAD, LIKED)]
    assert decide(pair, KNOWN, Policy(), RULE).reason is Reason.PLACEMENT


def test_a_new_learner_receives_the_message_whatever_the_model_says() -> None:
    verdict = decide([one(DISLIKED)], History(sent=3, answered=1), Policy(), RULE)
    assert (verdict.variant, verdict.reason) == ("1", Reason.COLD)


def test_a_learner_who_never_answers_is_not_new_for_ever() -> None:
    assert is_cold(History(sent=7, answered=0), Policy())
    assert not is_cold(History(sent=8, answered=0), Policy())
    assert not is_cold(History(sent=2, answered=2), Policy())


def test_without_a_model_everything_is_sent_and_says_so() -> None:
    verdict = decide([one(None)], KNOWN, Policy(), RULE)
    assert (verdict.variant, verdict.reason, verdict.propensity) == ("1", Reason.NO_MODEL, 0.95)


@pytest.mark.parametrize("why", [Reason.NO_STATE, Reason.BROKEN_MODEL])
def test_a_model_that_cannot_be_asked_holds_back_and_says_why(why: Reason) -> None:
    verdict = decide([one(None)], History(20, 9, why), Policy(), RULE)
    assert (verdict.variant, verdict.reason) == (None, why)
    assert verdict.propensities == pytest.approx({"1": 0.1, HOLD: 0.9})


def test_a_new_learner_needs_no_state() -> None:
    assert decide([one(None)], History(1, 0, Reason.NO_STATE), Policy(), RULE).reason is Reason.COLD


@pytest.mark.parametrize(
    ("prediction", "sent"), [(LIKED, True), (DISLIKED, False), (IGNORED, False), ((0.2, 0.1, 0.7), True)]
)
def test_it_is_sent_only_where_helpful_exceeds_both_others_by_the_margins(
    prediction: tuple[float, float, float], sent: bool
) -> None:
    verdict = decide([one(prediction)], KNOWN, Policy(), RULE)
    assert verdict.reason is (Reason.HELPFUL if sent else Reason.LEARNER)


def test_margins_move_the_line() -> None:
    strict = Policy(margin_not_helpful=0.5)
    eager = Policy(margin_not_helpful=-1.0, margin_no_interaction=-1.0)
    assert decide([one(LIKED)], KNOWN, strict, RULE).variant is None
    assert decide([one(DISLIKED)], KNOWN, eager, RULE).variant == "1"


def test_a_threshold_replaces_the_margins() -> None:
    assert decide([one(LIKED)], KNOWN, Policy(threshold=0.31), RULE).variant is None
    assert decide([one(DISLIKED)], KNOWN, Policy(threshold=-0.31), RULE).variant == "1"


def test_the_wording_with_the_best_prospect_is_chosen_and_the_first_of_equals() -> None:
    candidates = [
        Candidate("a", prediction=IGNORED),
        Candidate("b", prediction=LIKED),
        Candidate("c", prediction=LIKED),
    ]
    assert best(candidates, Policy())[0].id == "b"
    assert decide(candidates, KNOWN, Policy(), RULE).variant == "b"


def test_of_wordings_liked_alike_the_one_after_which_more_is_completed_is_chosen() -> None:
    two = [Candidate("a", prediction=LIKED, effect=-0.1), Candidate("b", prediction=LIKED, effect=0.05)]
    assert best(two, Policy(effect_weight=2.0)) == (two[1], pytest.approx(0.4))
    assert best(two, Policy(effect_weight=0.0))[0] is two[0]
    unjudged = [Candidate("a", effect=-0.1), Candidate("b", effect=0.05)]
    assert best(unjudged, Policy())[0] is unjudged[1]


def test_what_follows_counts_towards_the_threshold_and_not_towards_the_margins() -> None:
    worse = Candidate("1", prediction=LIKED, effect=-0.2)
    line = Policy(threshold=0.25, effect_weight=1.0)
    assert decide([worse], KNOWN, line, RULE).reason is Reason.LEARNER
    assert decide([one()], KNOWN, line, RULE).reason is Reason.HELPFUL
    assert decide([worse], KNOWN, Policy(), RULE).reason is Reason.HELPFUL


def test_without_predictions_the_better_voted_wording_is_chosen() -> None:
    plain, good = Candidate("a", (Tally(40, 4, 4),)), Candidate("b", (Tally(40, 20, 1),))
    assert decide([plain, good], KNOWN, Policy(), RULE).variant == "b"


def test_an_unhelpful_message_is_held_back_for_everyone_but_a_trickle() -> None:
    verdict = decide([Candidate("1", BAD, LIKED)], History(), Policy(), RULE)
    assert (verdict.variant, verdict.reason) == (None, Reason.PLACEMENT)
    assert verdict.propensities == pytest.approx({"1": 0.02, HOLD: 0.98})
    trickle = decide([Candidate("1", BAD, LIKED)], History(), Policy(), 0.01)
    assert (trickle.variant, trickle.reason, trickle.explored) == ("1", Reason.TRICKLE, True)


def test_an_unhelpful_wording_leaves_the_others_the_rest_of_the_exploration() -> None:
    verdict = decide([Candidate("a", BAD, LIKED), Candidate("b", prediction=DISLIKED)], KNOWN, Policy(), RULE)
    assert verdict.propensities == pytest.approx({"a": 0.02, "b": 0.08, HOLD: 0.9})


def test_too_few_impressions_condemn_no_message() -> None:
    rows = (*BAD[:3], Tally(49, 0, 49))
    assert not is_held_back(Candidate("1", rows), Policy(min_impressions=50))
    assert is_held_back(Candidate("1", (*BAD[:3], Tally(50, 0, 49))), Policy(min_impressions=50))


def test_a_held_back_message_recovers_when_its_answers_do() -> None:
    recovered = (*BAD[:3], Tally(260, 90, 5))
    assert not is_held_back(Candidate("1", recovered), Policy())


def test_shrinkage_starts_at_the_broad_group_and_ends_at_the_wordings_own_answers() -> None:
    site = Tally(1e6, 3e5, 1e5)
    assert shrunken([site, Tally()], 20.0) == pytest.approx(0.3, abs=1e-3)
    assert shrunken([site, Tally(20, 0, 0)], 20.0) == pytest.approx(0.15, abs=1e-3)
    assert shrunken([site, Tally(1e5, 1e3, 0)], 20.0) == pytest.approx(0.01, abs=1e-3)


def test_restraint_overrules_chance_with_certainty() -> None:
    wanted = decide([one(LIKED)], KNOWN, Policy(), 0.05)
    assert wanted.explored
    held = overrule(wanted, Reason.OPTED_OUT)
    assert (held.variant, held.explored, held.reason) == (None, False, Reason.OPTED_OUT)
    assert held.propensities == {"1": 0.0, HOLD: 1.0}


@pytest.mark.parametrize(
    ("candidates", "draw", "words"),
    [
        ([], 0.5, "no candidates"),
        ([Candidate("a"), Candidate("a")], 0.5, "differ"),
        ([Candidate(HOLD)], 0.5, "hold"),
        ([Candidate("a")], 1.0, r"\[0, 1\)"),
        ([Candidate("a")], math.nan, r"\[0, 1\)"),
        ([Candidate("a", prediction=(0.5, 0.6, 0.1))], 0.5, "distribution"),
        ([Candidate("a", prediction=(math.nan, 0.5, 0.5))], 0.5, "distribution"),
    ],
)
def test_nonsense_is_refused_in_words(candidates: list[Candidate], draw: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decide(candidates, KNOWN, Policy(), draw)


@pytest.mark.parametrize(
    "changes",
    [
        {"exploration": 1.1},
        {"trickle": -0.1},
        {"spared": 2},
        {"shrinkage": 0.0},
        {"curiosity": -1.0},
        {"effect_weight": -1.0},
    ],
)
def test_a_policy_that_is_none_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Policy(**changes)  # type: ignore[arg-type]
