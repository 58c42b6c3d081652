"""Every moment counts for a guess at what learners complete after a message; few moments move it little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nudge_xblock.activity import FEWEST, Followed, effects, expected


def followed(
    changes: Sequence[float], count: int, seed: int, places: int = 4, ends: Sequence[float] = ()
) -> list[Followed]:
    """Moments at `places` placements, each with its own of the messages in turn, held back at three in ten.

    A send changes what is completed by the message's share; at the placement's end of course less is left.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        message = int(rng.integers(len(changes)))
        place = message % places
        usual = float(rng.gamma(2.0, 3.0))
        before, long_before = rng.poisson(usual), rng.poisson(4.0 * usual)
        sent = rng.random() < 0.7
        left = ends[place] if ends else 1.0
        rate = left * usual * (1.1 + changes[message] if sent else 1.0)
        rows.append(
            Followed(str(place), str(message) if sent else None, rng.poisson(rate), before, long_before)
        )
    return rows


def test_what_lowers_activity_is_told_from_what_does_not() -> None:
    changes = [0.0, 0.05, -0.2, 0.0, 0.1, -0.05, 0.0, 0.0]
    found = effects(followed(changes, 20_000, seed=1))
    assert min(found, key=lambda name: found[name].mean) == "2"
    assert max(found, key=lambda name: found[name].mean) == "4"
    middle = np.mean(changes)
    for name, belief in found.items():
        assert abs(belief.mean - (changes[int(name)] - middle)) < 4.0 * belief.deviation + 0.02


def test_a_placement_near_the_end_is_not_held_against_its_messages() -> None:
    found = effects(followed([0.0] * 8, 20_000, seed=2, ends=(1.0, 0.4, 1.0, 0.8)))
    assert max(abs(belief.mean) for belief in found.values()) < 0.03


def test_what_sending_changes_at_all_is_not_held_for_any_message() -> None:
    found = effects(followed([0.3] * 8, 20_000, seed=3))
    assert max(abs(belief.mean) for belief in found.values()) < 0.03


def test_few_moments_move_a_belief_little() -> None:
    many = followed([0.1, -0.1, 0.1, -0.1] * 2, 8000, seed=4)
    found = effects([*many, Followed("0", "new", 0.0, 6.0, 24.0)])
    assert abs(found["new"].mean) < 0.1
    assert found["new"].deviation > 2.0 * found["0"].deviation


def test_where_there_is_no_difference_none_is_found() -> None:
    worst = [
        max(abs(each.mean) for each in effects(followed([0.0] * 40, 4000, seed)).values())
        for seed in range(8)
    ]
    assert np.median(worst) < 0.02


def test_nothing_is_said_of_too_little() -> None:
    rows = followed([0.1, -0.1], FEWEST - 1, seed=5)
    assert effects(rows) == {}
    assert effects([]) == {}
    assert effects([Followed("0", None, 1.0, 1.0, 1.0)] * FEWEST) == {}
    assert effects([Followed("0", "a", 0.0, 0.0, 0.0)] * FEWEST) == {}


def test_the_order_of_moments_does_not_matter() -> None:
    rows = followed([0.1, -0.1, 0.0], 3000, seed=6)
    one, other = effects(rows), effects(rows[::-1])
    assert {name: one[name].mean for name in one} == pytest.approx({name: other[name].mean for name in one})


def test_more_before_lets_expect_more_after() -> None:
    rng = np.random.default_rng(7)
    usual = rng.gamma(2.0, 3.0, 5000)
    before, long_before, items = rng.poisson(usual), rng.poisson(4.0 * usual), rng.poisson(usual)
    told = expected(before.astype(float), long_before.astype(float), items.astype(float))
    assert told.mean() == pytest.approx(items.mean(), rel=0.01)
    assert np.corrcoef(told, usual)[0, 1] > 0.85
