"""Every moment counts for a guess at how often learners come back after a message; few move it little."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from nudge_xblock import activity
from nudge_xblock.activity import FEWEST, SPREAD, Moment, effects
from nudge_xblock.normaltree import Belief

from .returning import campus

SMALL = campus([0.1, -0.1, 0.0, 0.05], 120, seed=11, days=25)


def means(found: Mapping[str, Belief]) -> dict[str, float]:
    return {name: belief.mean for name, belief in found.items()}


def farthest(found: Mapping[str, Belief]) -> float:
    return max(abs(belief.mean) for belief in found.values())


def test_messages_after_which_learners_stay_away_are_told_from_those_that_bring_them_back() -> None:
    changes = [0.0, 0.05, -0.15, 0.0, 0.1, -0.05, 0.0, 0.05]
    found = effects(*campus(changes, 12_000, seed=1))
    assert min(found, key=lambda name: found[name].mean) == "m2"
    assert max(found, key=lambda name: found[name].mean) == "m4"
    told = [found[f"m{number}"] for number in range(len(changes))]
    assert np.corrcoef([belief.mean for belief in told], changes)[0, 1] > 0.9
    for belief, change in zip(told, changes, strict=True):
        assert abs(belief.mean - change) < 3.0 * belief.deviation


def test_a_belief_is_as_sure_as_it_is_right() -> None:
    inside = []
    for seed in range(12):
        changes = np.random.default_rng(100 + seed).normal(0.0, SPREAD, 16).tolist()
        found = effects(*campus(changes, 800, seed))
        for number, change in enumerate(changes):
            low, high = found[f"m{number}"].interval(0.9)
            inside.append(low < change < high)
    assert 0.8 < np.mean(inside) < 0.97


def test_what_a_moment_means_at_one_placement_is_not_held_against_its_messages() -> None:
    told = campus([0.0] * 8, 12_000, seed=1, levels=(0.0, -0.15, 0.0, 0.05))
    assert farthest(effects(*told)) < 0.05
    blurred = told._replace(moments=[row._replace(placement="p") for row in told.moments])
    blamed = effects(*blurred)
    assert max(blamed["m1"].mean, blamed["m5"].mean) < -0.06


def test_what_sending_does_anywhere_in_a_course_moves_no_message() -> None:
    told = campus([0.1, -0.05] * 4, 8000, seed=1, courses=2)
    assert farthest(effects(*told)) < 0.05
    blurred = effects(*told._replace(moments=[row._replace(course="c") for row in told.moments]))
    assert min(blurred[f"m{number}"].mean for number in (0, 2, 4, 6)) > 0.0
    assert max(blurred[f"m{number}"].mean for number in (1, 3, 5, 7)) < 0.0


def test_where_there_is_no_difference_hardly_any_is_found() -> None:
    told = [effects(*campus([0.0] * 40, 1500, seed)) for seed in range(5)]
    assert np.std([belief.mean for found in told for belief in found.values()]) < SPREAD / 2.0
    assert max(map(farthest, told)) < 1.5 * SPREAD


def test_few_moments_move_a_belief_little() -> None:
    told = campus([0.1, -0.1] * 4, 3000, seed=4)
    gone = Moment("u1", told.end - 12, "c0", "p0", "new")  # and never came again
    came = told.came | {"u1": [day for day in told.came["u1"] if day <= gone.day]}
    left = [row for row in told.moments if row.learner != "u1" or row.day < gone.day]
    found = effects([*left, gone], came, told.end)
    assert -0.2 * SPREAD < found["new"].mean < 0.0
    assert 0.95 * SPREAD < found["new"].deviation < SPREAD
    assert max(found[f"m{number}"].deviation for number in range(8)) < 0.9 * SPREAD


def test_nothing_is_said_of_too_little() -> None:
    few = SMALL.moments[: FEWEST - 1]
    assert effects(few, SMALL.came, SMALL.end) == {}
    assert effects([], {}, 10) == {}
    held = [row._replace(sent=None) for row in SMALL.moments]
    assert effects(held, SMALL.came, SMALL.end) == {}
    assert effects(SMALL.moments, SMALL.came, min(row.day for row in SMALL.moments)) == {}


def test_nothing_is_said_where_nobody_has_had_a_day_to_come_back_or_nobody_did() -> None:
    rows = [Moment(f"u{number}", 5, "c", "p", "m") for number in range(FEWEST)]
    assert effects(rows, {}, 6) == {}
    assert effects(rows, {}, 20) == {}
    assert effects(rows, {"u0": [7]}, 20) != {}


def test_learners_of_whom_nothing_is_known_but_their_moments_are_no_error() -> None:
    known = {learner: days for learner, days in SMALL.came.items() if learner != "u0"}
    assert effects(SMALL.moments, known, SMALL.end).keys() == effects(*SMALL).keys()
    assert effects(SMALL.moments, {}, SMALL.end) == {}


@pytest.fixture(scope="module")
def small() -> dict[str, Belief]:
    return effects(*SMALL)


@given(st.randoms(use_true_random=False))
@property_settings(max_examples=15)
def test_the_order_of_moments_and_of_days_does_not_matter(
    small: dict[str, Belief], chance: random.Random
) -> None:
    rows = chance.sample(SMALL.moments, len(SMALL.moments))
    learners = chance.sample(sorted(SMALL.came), len(SMALL.came))
    came = {learner: chance.sample(SMALL.came[learner], len(SMALL.came[learner])) for learner in learners}
    assert means(effects(rows, came, SMALL.end)) == pytest.approx(means(small), abs=1e-9)


@given(st.integers(-30_000, 30_000))
@property_settings(max_examples=15)
def test_days_are_counted_from_any_zero(small: dict[str, Belief], by: int) -> None:
    rows = [row._replace(day=row.day + by) for row in SMALL.moments]
    came = {learner: [day + by for day in days] for learner, days in SMALL.came.items()}
    assert effects(rows, came, SMALL.end + by) == small


LATER = st.lists(
    st.tuples(st.sampled_from(sorted(SMALL.came)), st.integers(0, 40), st.sampled_from(["m0", "m1", None])),
    max_size=40,
)


@given(LATER)
@property_settings(max_examples=15)
def test_what_is_not_over_yet_does_not_matter(
    small: dict[str, Belief], later: list[tuple[str, int, str | None]]
) -> None:
    came = {learner: [*days] for learner, days in SMALL.came.items()}
    rows = [*SMALL.moments]
    for learner, ahead, sent in later:
        came[learner].append(SMALL.end + ahead)
        rows.append(Moment(learner, SMALL.end + ahead, "c0", "p0", sent))
    assert effects(rows, came, SMALL.end) == small


def test_it_does_not_matter_how_many_learners_are_looked_at_at_once(
    small: dict[str, Belief], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "_CELLS", 1)
    assert means(effects(*SMALL)) == pytest.approx(means(small), abs=1e-9)


def test_what_comes_days_after_a_send_is_held_for_it_less() -> None:
    told = campus([-0.15, 0.05, 0.05, 0.05], 6000, seed=3)
    early = [row._replace(day=row.day - 4) for row in told.moments if row.day >= 4]
    found = effects(early, told.came, told.end)
    assert effects(*told)["m0"].mean < 1.5 * found["m0"].mean < 0.0


def test_a_gate_that_knows_who_comes_often_hardly_makes_its_messages_look_good() -> None:
    """Everybody's level is constant, no message does anything, and half of them follow the level."""
    rng = np.random.default_rng(12)
    came: dict[str, list[int]] = {}
    rows: list[Moment] = []
    for number in range(1200):
        level = float(rng.beta(1, 2))
        there = [0, *(np.flatnonzero(rng.random(59) < level) + 1).tolist()]
        came[f"u{number}"] = there
        for day in there:
            message = min(7, int(level * 8)) if rng.random() < 0.5 else int(rng.integers(8))
            if rng.random() < 0.35:
                rows.append(Moment(f"u{number}", day, "c", f"p{day % 2}", f"m{message}"))
    told = effects(rows, came, 60)
    assert np.sqrt(np.mean([belief.mean**2 for belief in told.values()])) < 0.03
