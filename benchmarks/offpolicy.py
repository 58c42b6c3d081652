"""How often 95% intervals of off-policy estimates hold the truth, over simulated logs of known worlds.

    python -m benchmarks.offpolicy [--logs N] [--regime NAME]

Each regime logs decisions with a policy that explores and asks for the value of another one, near to it or
far; its truth is the mean over half a million fresh contexts.  Beside the product's intervals stand plain
normal ones of the same estimates.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.intervals import Z_95, Estimate
from predictor.logged import Decisions
from predictor.offpolicy import evaluate

Array = NDArray[np.float64]

ESTIMATORS = ("ips", "snips", "dr")
LOGS = 500
FRESH = 500_000
TASTES = np.array([[0.8, -0.5], [-0.6, 0.7], [0.2, 0.9], [-0.9, -0.3]])


@dataclass(frozen=True)
class Regime:
    """A world and its log: `n` decisions; `aim`: how sharply the target prefers what helps; `ease`: logit of
    the usual reward; `context`: whether the table has x_ columns; `each`: decisions of one learner.
    """

    n: int
    arms: int
    aim: float
    ease: float = 0.0
    context: bool = False
    each: int = 1


REGIMES = {
    "small, near": Regime(300, 2, 0.5),
    "small, far": Regime(300, 3, 3.0),
    "small, far, rare": Regime(500, 2, 3.0, ease=-1.5),
    "large, near": Regime(2000, 4, 0.5),
    "large, far": Regime(2000, 4, 3.0),
    "large, far, rare": Regime(3000, 3, 3.0, ease=-2.0),
    "large, far, context": Regime(2000, 4, 3.0, context=True),
    "small, near, context": Regime(400, 2, 0.5, context=True),
    "five each, far": Regime(2000, 3, 3.0, context=True, each=5),
}


def simulate(regime: Regime, seed: int) -> Decisions:
    """One log."""
    rng = np.random.default_rng(seed)
    contexts, moods = _people(regime, rng, regime.n)
    logging = _softmax(0.7 * contexts @ TASTES[: regime.arms][::-1].T) * 0.9 + 0.1 / regime.arms
    arms = (rng.random(regime.n)[:, None] > logging.cumsum(axis=1)).sum(axis=1).clip(0, regime.arms - 1)
    rows = np.arange(regime.n)
    rewards = rng.random(regime.n) < _chances(regime, contexts, moods)[rows, arms]
    target = _target(regime, contexts)
    names = np.array([f"arm {number}" for number in range(regime.arms)])
    return Decisions(
        ids=tuple(map(str, rows)),
        arms=names[arms],
        propensities=logging[rows, arms],
        rewards=rewards.astype(np.float64),
        targets={name: target[:, place] for place, name in enumerate(names)},
        context=contexts if regime.context else None,
        clusters=(rows // regime.each).astype(np.str_) if regime.each > 1 else None,
    )


def truth(regime: Regime) -> float:
    """The target's value."""
    contexts, moods = _people(regime, np.random.default_rng(12_345), FRESH)
    return float((_target(regime, contexts) * _chances(regime, contexts, moods)).sum(axis=1).mean())


def coverage(regime: Regime, logs: int = LOGS) -> dict[str, tuple[float, float, float]]:
    """By estimator: share of logs whose interval holds the truth, the same of plain ones, mean width."""
    value = truth(regime)
    hits = {name: np.zeros(3) for name in ESTIMATORS}
    for seed in range(logs):
        found = next(each for each in evaluate(simulate(regime, seed), seed) if each.policy == "target")
        for name in ESTIMATORS:
            estimate: Estimate | None = getattr(found, name)
            if estimate is not None:  # a refusal holds nothing
                plain = abs(estimate.value - value) <= Z_95 * estimate.error
                hits[name] += estimate.low <= value <= estimate.high, plain, estimate.high - estimate.low
    return {name: (row[0] / logs, row[1] / logs, row[2] / logs) for name, row in hits.items()}


def _people(regime: Regime, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Contexts [n, 2] and moods [n]; a learner's decisions share a mood, which nobody sees."""
    learners = -(-n // regime.each)
    moods = 0.8 * rng.normal(size=learners) if regime.each > 1 else np.zeros(learners)
    return rng.normal(size=(n, 2)), np.repeat(moods, regime.each)[:n]


def _chances(regime: Regime, contexts: Array, moods: Array) -> Array:
    appeal = contexts @ TASTES[: regime.arms].T + np.linspace(-0.8, 0.3, regime.arms)
    chances: Array = 1 / (1 + np.exp(-(appeal + regime.ease + moods[:, None])))
    return chances


def _target(regime: Regime, contexts: Array) -> Array:
    return _softmax(regime.aim * (contexts @ TASTES[: regime.arms].T))


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.offpolicy", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--logs", type=int, default=LOGS, help="simulated logs of each regime (500)")
    parser.add_argument("--regime", choices=sorted(REGIMES), help="one of them; all by default")
    options = parser.parse_args(argv)
    print(f"share of {options.logs} logs whose 95% interval holds the truth (plain normal interval; width)")
    print(f"{'regime':<22}" + "".join(f"{name.upper():>26}" for name in ESTIMATORS))
    for name, regime in REGIMES.items():
        if options.regime in (None, name):
            found = coverage(regime, options.logs)
            cells = (f"{ours:.1%} ({plain:.1%}; {width:.3f})" for ours, plain, width in found.values())
            print(f"{name:<22}" + "".join(f"{cell:>26}" for cell in cells), flush=True)
    return 0


if __name__ == "__main__":
    main()
