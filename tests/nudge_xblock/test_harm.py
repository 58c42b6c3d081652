"""Messages that lower completion are found, whatever they are liked; good ones are left alone every night."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import numpy as np
import pytest

from nudge_xblock.gate import HOLD
from nudge_xblock.harm import Finding, Moment, Tally, e_bh, e_value, harmful, judge, tally

HOLDS = 0.2


def played(
    effects: dict[str, float], count: int, seed: int, sent: float = 1.0 - HOLDS, bias: float = 0.0
) -> Iterator[Moment]:
    """Moments of one message each, whose send shifts a noisy count; busy learners are sent more by `bias`."""
    chance = random.Random(seed)
    names = list(effects)
    for _ in range(count):
        name, busy = chance.choice(names), chance.gammavariate(2.0, 2.0)
        p = min(0.95, max(0.05, sent + (bias if busy > 4.0 else -bias)))
        taken = name if chance.random() < p else HOLD
        after = busy + chance.gauss(0.0, 2.0) + (effects[name] if taken == name else 0.0)
        yield Moment({name: p, HOLD: 1.0 - p}, taken, after, busy + chance.gauss(0.0, 1.0))


def test_the_effect_of_a_send_is_estimated_without_bias_though_busy_learners_are_sent_more() -> None:
    found = tally(played({"good": 0.6, "bad": -0.8}, 60_000, seed=4, sent=0.5, bias=0.4))
    for name, effect in (("good", 0.6), ("bad", -0.8)):
        assert abs(found[name].effect - effect) < 4.0 * math.sqrt(found[name].variance)
        assert math.sqrt(found[name].variance) < 0.06


def test_a_liked_message_that_lowers_completion_is_found_and_the_good_ones_are_not() -> None:
    effects = {f"good {number}": 0.3 for number in range(9)} | {"bait": -1.5}
    findings = judge(tally(played(effects, 20_000, seed=1)))
    assert harmful(findings) == {"bait"}
    assert findings["bait"].effect.interval()[1] < 0.0


def test_several_wordings_of_one_moment_are_each_compared_with_holding_back() -> None:
    chance = random.Random(2)
    chances = {"a": 0.5, "b": 0.3, HOLD: 0.2}
    moments = []
    for _ in range(30_000):
        taken = chance.choices(list(chances), list(chances.values()))[0]
        shift = {"a": 0.5, "b": -1.0, HOLD: 0.0}[taken]
        moments.append(Moment(chances, taken, chance.gauss(5.0, 2.0) + shift))
    found = tally(moments)
    assert found["a"].effect == pytest.approx(0.5, abs=0.15)
    assert found["b"].effect == pytest.approx(-1.0, abs=0.15)


def test_moments_that_chance_could_not_decide_otherwise_tell_nothing() -> None:
    certain = [Moment({"a": 1.0, HOLD: 0.0}, "a", 3.0), Moment({"a": 0.0, HOLD: 1.0}, HOLD, 1.0)]
    assert tally(certain) == {}
    assert tally([]) == {}
    assert judge({}) == {}


def test_looking_every_night_retires_good_messages_no_more_often_than_promised() -> None:
    """Thirty campuses of 20 harmless messages, judged on forty nights each, condemned once or never."""
    wrong = 0
    for seed in range(30):
        moments = list(played({str(number): 0.0 for number in range(20)}, 4000, seed))
        nights = (judge(tally(moments[: 100 * night])) for night in range(1, 41))
        wrong += any(harmful(findings) for findings in nights)
    assert wrong <= 5  # at a rate of 5%, six or more of thirty come by chance once in 300 runs


def test_a_message_is_not_condemned_on_a_handful_of_moments() -> None:
    moments = [Moment({"a": 0.5, HOLD: 0.5}, "a", 0.0)] * 19 + [Moment({"a": 0.5, HOLD: 0.5}, HOLD, 9.0)] * 60
    findings = judge(tally(moments))
    assert findings["a"].evidence > 1e6
    assert not findings["a"].harmful


def test_a_retired_message_stays_so_until_its_effect_is_below_zero_no_more() -> None:
    weak = Tally(information=5.0, gain=-2.0, noise=20.0, sent=25, held=25)
    better = Tally(information=50.0, gain=20.0, noise=200.0, sent=250, held=250)
    assert not judge({"a": weak})["a"].harmful
    assert judge({"a": weak}, retired=frozenset({"a"}))["a"].harmful
    assert not judge({"a": better}, retired=frozenset({"a"}))["a"].harmful


def test_a_message_with_little_of_its_own_takes_after_its_kind() -> None:
    def known(effect: float, weight: float) -> Tally:
        return Tally(weight, effect * weight, weight, 200, 200)

    rows = {f"r{number}": known(0.8, 100.0) for number in range(5)}
    rows |= {f"p{number}": known(-0.8, 100.0) for number in range(5)}
    rows |= {"new review": known(0.0, 0.1), "new plan": known(0.0, 0.1)}
    groups = {name: ["review" if name[0] == "r" or name == "new review" else "plan"] for name in rows}
    findings = judge(rows, groups)
    assert findings["new review"].effect.mean > 0.5
    assert findings["new plan"].effect.mean < -0.5
    assert not findings["new plan"].harmful


@pytest.mark.parametrize("noise", ["normal", "counts"])
def test_the_e_value_of_a_harmless_message_is_at_most_one_on_average(noise: str) -> None:
    draws = np.random.default_rng(8)
    values = []
    for _ in range(3000):
        sent = draws.random(200) < 0.5
        rest = draws.normal(size=200) if noise == "normal" else draws.poisson(2.0, 200) - 2.0
        steps = rest * np.where(sent, 0.5, -0.5)
        values.append(e_value(Tally(50.0, float(steps.sum()), float((steps**2).sum()), 100, 100)))
    assert np.mean(values) < 1.0 + 3.0 * np.std(values) / math.sqrt(len(values))
    assert np.mean(np.array(values) >= 20.0) <= 0.05


def test_the_e_value_of_harm_grows() -> None:
    grows = [e_value(Tally(size, -0.5 * size, size, 500, 500)) for size in (10.0, 40.0, 160.0)]
    assert 1.0 < grows[0] < grows[1] < grows[2]
    assert grows[2] > 1e6
    assert e_value(Tally()) == 1.0
    assert math.isfinite(e_value(Tally(1e6, -1e6, 1e6, 9, 9)))


def test_e_bh_rejects_the_strong_and_lets_them_help_the_next() -> None:
    assert e_bh([100.0, 1.0, 0.5, 45.0], 0.05) == [True, False, False, True]
    assert e_bh([45.0, 1.0, 0.5, 1.0], 0.05) == [False] * 4
    assert e_bh([], 0.05) == []


def test_a_finding_without_information_is_no_verdict() -> None:
    found = judge({"a": Tally()})["a"]
    assert isinstance(found, Finding)
    assert (found.evidence, found.harmful) == (1.0, False)
