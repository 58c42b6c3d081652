"""How well the night tells what messages do to learners afterwards, on a campus that knows the truth.

    PYTHONPATH=<the folder that holds gate_world>:. python -m benchmarks.gate_world_activity \
        [--config NULL] [--seeds 51-54]

A policy that sends by message tallies alone leaves the log; `nudge_xblock.activity` reads it after 20, 40 and
60 days.  Printed is the correlation of the believed with the true effects, each message counting as often as
it was sent later (after 60 days: at all).  The rival takes the share of moments after which the learner came
in on the next day, less that of the message's placement, shrunk likewise.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from gate_world import baselines
from gate_world.world import CONFIGS, Event, World

from nudge_xblock import activity
from nudge_xblock.activity import SPREAD, Moment

DAY = 86400.0
NIGHTS = (20, 40, 60)


@dataclass
class Log:
    """What a site knows of a run: the moments in order and the days of each learner; and the true effects."""

    moments: list[Moment] = field(default_factory=list)
    came: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    truth: dict[str, float] = field(default_factory=dict)

    def see(self, events: Sequence[Event]) -> None:
        """Keep the days."""
        for event in events:
            self.came[event.learner_id].add(int(event.time // DAY))


def recorded(config: str, seed: int) -> Log:
    """One run of the campus under tallies by message."""
    world, policy, log = World(seed, CONFIGS[config]), baselines.MessageOnly(seed=seed), Log()
    world.subscribe(log.see)
    for day in range(world.config.days):
        for moment in world.run_day(day):
            decision = policy.decide(moment, moment.time)
            policy.feedback(moment, decision, world.respond(moment, decision.message_id))
            place = moment.course.id, moment.placement.id
            log.moments.append(Moment(moment.learner.id, day, *place, decision.message_id))
        policy.nightly(day)
    log.truth = {name: message.effect for name, message in world._messages.items()}
    return log


def next_day(log: Log, end: int) -> dict[str, float]:
    """The rival."""
    messages: dict[str, list[float]] = defaultdict(list)
    places: dict[str, list[float]] = defaultdict(list)
    home: dict[str, str] = {}
    for row in log.moments:
        if row.day + 1 >= end:
            break
        again = float(row.day + 1 in log.came[row.learner])
        places[row.placement].append(again)
        if row.sent is not None:
            messages[row.sent].append(again)
            home[row.sent] = row.placement
    found = {}
    for name, own in messages.items():
        usual = float(np.mean(places[home[name]]))
        change = (float(np.mean(own)) - usual) / max(usual, 0.05)
        noise = (1.0 - usual) / max(usual, 0.05) / len(own)
        found[name] = change * SPREAD**2 / (SPREAD**2 + noise)
    return found


def agreement(log: Log, told: Mapping[str, float], end: int) -> float:
    """The correlation with the truth, weighed by the sends from day `end` on, or by all where none follow."""
    later = Counter(row.sent for row in log.moments if row.sent and row.day >= end)
    sends = later or Counter(row.sent for row in log.moments if row.sent)
    names = [name for name in sends if name is not None]
    weight = np.array([sends[name] for name in names], float)
    pairs = np.array([[told.get(name, 0.0), log.truth[name]] for name in names]).T
    covariance = np.cov(pairs, aweights=weight)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def main(argv: list[str] | None = None) -> int:
    """Print a line per seed and night."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate_world_activity", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--config", default="NULL", choices=sorted(CONFIGS))
    parser.add_argument("--seeds", default="51-54", help="such as 51-54")
    options = parser.parse_args(argv)
    figures = list(_lines(options.config, _seeds(options.seeds)))
    for place, night in enumerate(NIGHTS):
        own, rival = np.array(figures)[:, place].mean(axis=0)
        print(f"mean, after {night} days: {own:.2f}, rival {rival:.2f}")
    return 0


def _lines(config: str, seeds: Sequence[int]) -> Iterator[list[tuple[float, float]]]:
    for seed in seeds:
        log = recorded(config, seed)
        found = []
        for night in NIGHTS:
            beliefs = activity.effects(log.moments, log.came, night)
            own = agreement(log, {name: belief.mean for name, belief in beliefs.items()}, night)
            found.append((own, agreement(log, next_day(log, night), night)))
            print(f"{config} {seed}, after {night} days: {own:.2f}, rival {found[-1][1]:.2f}", flush=True)
        yield found


def _seeds(text: str) -> list[int]:
    low, _, high = text.partition("-")
    return list(range(int(low), int(high or low) + 1))


if __name__ == "__main__":
    sys.exit(main())
