"""How often intervals of effects hold the truth, and false alarms are raised, over many simulated logs.

    python -m benchmarks.effects [--logs N]

Where chance decided: IPW and doubly robust, beside the naive difference of means (what a dashboard without
propensities would say).  Without a random group: differences in differences beside the plain before and
after, and a synthetic control's p-value.  Harm: forty nights of looking at messages of which one in ten does
harm, beside a t-test every night.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable

import numpy as np

from nudge_xblock import harm
from nudge_xblock.gate import HOLD
from predictor.effects import Trials, doubly_robust, ipw
from predictor.panels import Panel, difference_in_differences, synthetic_control

TRUTH = 0.5
MESSAGES, HARMFUL = 20, 2
NIGHTS = 40


def main(argv: list[str] | None = None) -> int:
    """Simulate and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effects", description=__doc__.split("\n")[0])
    parser.add_argument("--logs", type=int, default=500, help="simulated logs of each kind")
    options = parser.parse_args(argv)
    by_chance(options.logs)
    over_time(options.logs)
    nightly(max(10, options.logs // 10))
    return 0


def show(name: str, rest: str) -> None:
    print(f"{name:<58} {rest}", flush=True)


def covered(name: str, intervals: list[tuple[float, float]], truth: float) -> None:
    """One line: how often the intervals hold the truth, and how wide they are."""
    share = float(np.mean([low <= truth <= high for low, high in intervals]))
    width = float(np.median([high - low for low, high in intervals]))
    show(name, f"{share:6.1%} of {len(intervals)} intervals hold the truth, median width {width:.3f}")


def logged(seed: int, learners: int = 300) -> Trials:
    """Learners with a few moments each; busy ones are treated more often, and complete more anyway."""
    draws = np.random.default_rng(seed)
    learner = np.repeat(np.arange(learners), draws.integers(1, 6, learners))
    busy = draws.normal(size=learners)[learner]
    chance = 1.0 / (1.0 + np.exp(-1.5 * busy)) * 0.9 + 0.05
    treated = draws.random(len(learner)) < chance
    own = draws.normal(size=learners)[learner]
    outcome = 2.0 * busy + own + draws.normal(size=len(learner)) + TRUTH * treated * (1.0 + 0.5 * busy)
    return Trials(outcome, treated, chance, learner, np.stack([busy, busy**2], axis=1))


def by_chance(count: int) -> None:
    """IPW and doubly robust against the naive difference."""
    logs = [logged(seed) for seed in range(count)]
    for name, estimator in (("IPW", ipw), ("doubly robust", doubly_robust)):
        found = [estimator(log).estimate for log in logs]
        covered(f"effect where chance decided, {name}", [(each.low, each.high) for each in found], TRUTH)
    covered("… rival: difference of means, t interval", [_naive(log) for log in logs], TRUTH)


def _naive(log: Trials) -> tuple[float, float]:
    sides = (log.outcome[log.treated], log.outcome[~log.treated])
    change = sides[0].mean() - sides[1].mean()
    reach = 1.96 * math.sqrt(sum(side.var(ddof=1) / len(side) for side in sides))
    return change - reach, change + reach


def panel(seed: int, treated: int, others: int, periods: int = 18) -> Panel:
    """Course runs by week: levels of their own, a common season, noise that lasts, an effect of one."""
    draws = np.random.default_rng(seed)
    noise = draws.normal(size=(treated + others, periods))
    for period in range(1, periods):
        noise[:, period] += 0.6 * noise[:, period - 1]
    values = draws.normal(5.0, 2.0, (treated + others, 1)) + np.cumsum(draws.normal(size=periods)) + noise
    starts = np.full(treated + others, -1)
    starts[:treated] = draws.integers(8, 12, treated)
    for unit in range(treated):
        values[unit, starts[unit] :] += 1.0
    return Panel(values, starts)


def over_time(count: int) -> None:
    """Differences in differences, and the p-value of a synthetic control where nothing was changed."""
    panels = [panel(seed, 8, 12) for seed in range(count)]
    found = [difference_in_differences(each) for each in panels]
    covered(
        "effect over time, differences in differences", [(f.effect.low, f.effect.high) for f in found], 1.0
    )
    covered("… rival: before and after, t interval", [_before_after(each) for each in panels], 1.0)
    alone = [synthetic_control(panel(seed, 1, 19)) for seed in range(count // 5)]
    covered("effect over time, synthetic control of one course run", [(f.low, f.high) for f in alone], 1.0)
    nothing = [_undone(panel(seed, 1, 19)) for seed in range(count // 5)]
    alarms = np.mean([synthetic_control(each).p_value <= 0.1 for each in nothing])
    show("… nothing changed: p at most 0.1", f"{alarms:6.1%} of {len(nothing)}")


def _before_after(each: Panel) -> tuple[float, float]:
    rows = zip(each.values, each.starts.tolist(), strict=True)
    changes = np.array([row[start:].mean() - row[:start].mean() for row, start in rows if start >= 0])
    reach = 2.36 * changes.std(ddof=1) / math.sqrt(len(changes))
    return float(changes.mean() - reach), float(changes.mean() + reach)


def _undone(each: Panel) -> Panel:
    values = each.values.copy()
    values[0, each.starts[0] :] -= 1.0
    return Panel(values, each.starts)


def nightly(count: int) -> None:
    """Messages judged every night: ever wrongly retired, and the harmful ones found."""
    judges: dict[str, Callable[[list[harm.Moment]], set[str]]] = {"harm.judge": _judged, "t-test": _tested}
    wrong, right = dict.fromkeys(judges, 0), dict.fromkeys(judges, 0)
    for seed in range(count):
        moments = _moments(seed, 24_000)
        for name, judge in judges.items():
            ever: set[str] = set()
            for night in range(1, NIGHTS + 1):
                ever |= judge(moments[: len(moments) * night // NIGHTS])
            wrong[name] += len([each for each in ever if not each.startswith("bait")])
            right[name] += len([each for each in ever if each.startswith("bait")])
    good = count * (MESSAGES - HARMFUL)
    for name in judges:
        found = f"{right[name] / (count * HARMFUL):6.1%} of the harmful found, "
        show(f"{NIGHTS} nights, {name}", f"{found}{wrong[name] / good:.1%} of the good ones ever retired")


def _moments(seed: int, count: int) -> list[harm.Moment]:
    """Each message a little good, two of them bait; one send in five spared."""
    draws = np.random.default_rng(seed)
    names = [f"bait{n}" if n < HARMFUL else f"good{n}" for n in range(MESSAGES)]
    busy, which = draws.gamma(2.0, 2.0, count), draws.integers(0, MESSAGES, count)
    sent, noise = draws.random(count) < 0.8, draws.normal(0.0, 2.0, count)
    rows = []
    for place in range(count):
        name = names[which[place]]
        effect = (-0.8 if name.startswith("bait") else 0.1) * sent[place]
        chances = {name: 0.8, HOLD: 0.2}
        before = busy[place] + draws.normal()
        rows.append(
            harm.Moment(chances, name if sent[place] else HOLD, busy[place] + noise[place] + effect, before)
        )
    return rows


def _judged(moments: list[harm.Moment]) -> set[str]:
    return set(harm.harmful(harm.judge(harm.tally(moments))))


def _tested(moments: list[harm.Moment]) -> set[str]:
    """A one-sided t-test of each message at 5%."""
    sides: dict[str, tuple[list[float], list[float]]] = {}
    for moment in moments:
        [name] = [each for each in moment.chances if each != HOLD]
        sides.setdefault(name, ([], []))[moment.taken == HOLD].append(moment.outcome - moment.before)
    found = set()
    for name, (sent, held) in sides.items():
        if min(len(sent), len(held)) >= harm.LEAST:
            error = math.sqrt(np.var(sent) / len(sent) + np.var(held) / len(held))
            if (np.mean(sent) - np.mean(held)) / error < -1.645:
                found.add(name)
    return found


if __name__ == "__main__":
    sys.exit(main())
