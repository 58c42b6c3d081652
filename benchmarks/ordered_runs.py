"""Six made-up runs of one course that is walked through in order: a visit and a completion per step.

    python -m benchmarks.ordered_runs FOLDER [--learners N] [--seed N]

Writes `events.csv` (visit and complete, with `item_id`) and `outcomes.csv` (`completed`: most of the steps;
with `completed_at`).  The data have the shape that step logs of short self-guided courses have: enrolment
around the run's start and for weeks after, sittings with pauses of hours to weeks, few steps for most and all
for some.  Learners differ in traits that a count does not show at once: how long they stay with a step and
whether that is shrinking, whether they end a sitting where a chapter ends, whether they browse ahead, and how
regular their pauses are.  Everything is drawn from a seed; no learner ever lived.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DAY = 86400.0
BEGIN = 1_600_041_600.0
"""A Monday's first second (UTC)."""
RUN_EVERY = 70 * DAY
LEARNERS = 9000
SHARES = (0.40, 0.22, 0.13, 0.10, 0.08, 0.07)
"""Of the learners, by run."""
CHAPTERS = (5, 7, 8, 6, 6, 8, 7, 6, 7)
"""Steps by chapter; three chapters are a week."""
LAST_DAY = 110.0
"""Days after its start at which a run closes."""
NEEDED = 0.8
"""Share of the steps that makes a learner one who completed."""


@dataclass(frozen=True)
class Course:
    """Steps in order: name, usual seconds, whether a chapter ends with it, whether it is often skipped."""

    names: tuple[str, ...]
    seconds: tuple[float, ...]
    closing: tuple[bool, ...]
    optional: tuple[bool, ...]


@dataclass(frozen=True)
class Run:
    """What sets one run apart: its start, and how its learners lean."""

    course_id: str
    start: float
    zeal: float
    late: float


@dataclass(frozen=True)
class Traits:
    """What moves a learner.

    Args:
        zeal: how much the course matters to them.
        thorough: how long they stay with a step, as a factor (log).
        tidy: how much they like to end where a chapter ends.
        browse: chance of looking ahead instead of going on.
        marks: chance of marking a step that was visited as complete.
        pause: days between sittings; `uneven` their spread (log).
        hour: of the day at which a sitting begins, UTC.
        weekend: how much likelier a sitting is then.
        length: steps in a sitting, on average.
    """

    zeal: float
    thorough: float
    tidy: float
    browse: float
    marks: float
    pause: float
    uneven: float
    hour: float
    weekend: float
    length: float


Row = tuple[float, str, str]
"""Time, event type, step."""


def course(rng: np.random.Generator) -> Course:
    """The one course that all runs share."""
    names, closing = [], []
    for chapter, size in enumerate(CHAPTERS):
        week, before = divmod(chapter, 3)
        first = sum(CHAPTERS[3 * week : 3 * week + before])
        names += [f"{week + 1}.{first + place + 1}" for place in range(size)]
        closing += [place == size - 1 for place in range(size)]
    seconds = np.exp(rng.normal(math.log(240), 0.6, len(names)))
    optional = rng.random(len(names)) < 0.2
    return Course(tuple(names), tuple(seconds.tolist()), tuple(closing), tuple(optional.tolist()))


def runs(rng: np.random.Generator) -> list[Run]:
    """The runs, some ten weeks apart, each with its own crowd."""
    return [
        Run(f"run-{number + 1}", BEGIN + number * RUN_EVERY, rng.normal(0, 0.25), rng.uniform(0.25, 0.5))
        for number in range(len(SHARES))
    ]


def traits(rng: np.random.Generator, run: Run) -> Traits:
    """One learner of a run."""
    zeal = rng.normal(run.zeal, 0.85)
    return Traits(
        zeal=zeal,
        thorough=rng.normal(0.15 * zeal, 0.5),
        tidy=_share(rng.normal(0.9 * zeal, 1.0)),
        browse=0.12 * _share(rng.normal(-1.0 * zeal - 0.5, 1.0)),
        marks=_share(rng.normal(2.8 + 0.6 * zeal, 1.2)),
        pause=math.exp(rng.normal(1.25 - 0.1 * zeal, 0.8)),
        uneven=math.exp(rng.normal(-0.5 - 0.25 * zeal, 0.4)),
        hour=rng.normal(15, 4) % 24,
        weekend=math.exp(rng.normal(0, 0.5)),
        length=math.exp(rng.normal(1.7 + 0.1 * zeal, 0.5)),
    )


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def joined(rng: np.random.Generator, run: Run) -> float:
    """When a learner begins: within days of the start, or somewhen in the weeks after."""
    days = rng.exponential(25.0) if rng.random() < run.late else abs(rng.normal(0, 2.0))
    return run.start + min(days, LAST_DAY - 5) * DAY


class Walk:
    """One learner's way through the course."""

    def __init__(self, rng: np.random.Generator, course: Course, own: Traits, run: Run) -> None:
        self._rng, self._course, self._own = rng, course, own
        self._closes = run.start + LAST_DAY * DAY
        self.visited: dict[int, float] = {}
        self.completed: dict[int, float] = {}
        self._mood = own.zeal
        """Drifts; shows in the time given to a step before it shows in anything that can be counted."""

    def go(self, begin: float) -> None:
        """All sittings until the learner has had enough, the course is through or the run closes."""
        now, place, size = self._on_the_day(begin), 0, len(self._course.names)
        while now < self._closes and place < size:
            now, place, ended_well = self._sitting(now, place)
            if place >= size or self._rng.random() < self._leaving(place / size, ended_well):
                return
            now = self._next_sitting(now)

    def rows(self) -> list[Row]:
        """Every first visit and last completion before the run closed."""
        names = self._course.names
        visits = [(time, "visit", names[step]) for step, time in self.visited.items()]
        completions = [(time, "complete", names[step]) for step, time in self.completed.items()]
        return sorted(row for row in visits + completions if row[0] < self._closes)

    def _sitting(self, now: float, place: int) -> tuple[float, int, bool]:
        """Steps one after another; the time, the next step, and whether a chapter was brought to its end."""
        rng, own, course = self._rng, self._own, self._course
        left, ended_well = rng.poisson(own.length) + 1, False
        while left > 0 and place < len(course.names):
            if course.optional[place] and rng.random() < 0.5 * _share(-self._mood):
                place += 1
                continue
            if rng.random() < own.browse:
                now = self._look_ahead(now, place)
            now = self._step(now, place)
            ended_well = course.closing[place]
            place, left = place + 1, left - 1
            near = place < len(course.names) and left <= 0 and not ended_well
            if near and rng.random() < own.tidy and any(course.closing[place : place + 4]):
                left = 1
            if ended_well and rng.random() < 0.5 * own.tidy:
                break
        self._mood += rng.normal(-0.05, 0.35)
        return now, place, ended_well

    def _step(self, now: float, place: int) -> float:
        """Visit a step, stay, perhaps mark it complete; the time when it is left."""
        rng, own = self._rng, self._own
        self.visited.setdefault(place, now)
        stay = self._course.seconds[place] * math.exp(own.thorough + 0.45 * self._mood + rng.normal(0, 0.5))
        now += max(3.0, stay)
        if rng.random() < own.marks:
            self.completed[place] = now
        return now + rng.exponential(3.0) + 1

    def _look_ahead(self, now: float, place: int) -> float:
        """Open some later steps for seconds each."""
        for ahead in range(1, int(self._rng.integers(2, 7))):
            if place + ahead < len(self._course.names):
                self.visited.setdefault(place + ahead, now)
                now += float(self._rng.exponential(15.0)) + 2
        return now

    def _leaving(self, share: float, ended_well: bool) -> float:
        """Chance that this sitting was the last."""
        own = self._own
        logit = -0.0 - 0.75 * self._mood - 2.0 * share - 0.7 * ended_well + 0.9 * (own.uneven - 0.6)
        return _share(logit + 3.0 * own.browse)

    def _next_sitting(self, now: float) -> float:
        own, rng = self._own, self._rng
        pause = own.pause * math.exp(rng.normal(0, own.uneven)) * math.exp(-0.3 * self._mood)
        return self._on_the_day(now + max(0.1, pause) * DAY)

    def _on_the_day(self, time: float) -> float:
        """About that time, at an hour and on a day of the week that suit the learner."""
        day = time // DAY
        weekend = int(day + 3) % 7 >= 5
        if not weekend and self._rng.random() < 0.25 * (self._own.weekend - 1):
            day += 5 - int(day + 3) % 7
        at = day * DAY + (self._own.hour + self._rng.normal(0, 2)) % 24 * 3600
        return max(time, at) + float(self._rng.exponential(600))


def write(folder: Path, learners: int, seed: int) -> None:
    """Both tables."""
    rng = np.random.default_rng(seed)
    shared = course(rng)
    events, outcomes = [], []
    for run, share in zip(runs(rng), SHARES, strict=True):
        for number in range(round(learners * share)):
            learner = f"{run.course_id}-{number:05d}"
            walk = Walk(rng, shared, traits(rng, run), run)
            walk.go(joined(rng, run))
            rows = walk.rows()
            events += [(run.course_id, learner, f"{time:.3f}", kind, item) for time, kind, item in rows]
            outcomes.append((run.course_id, learner, f"{run.start:.0f}", *_outcome(rows, len(shared.names))))
    folder.mkdir(parents=True, exist_ok=True)
    _table(folder / "events.csv", ("course_id", "learner_id", "time", "event_type", "item_id"), events)
    names = ("course_id", "learner_id", "course_start", "completed", "completed_at")
    _table(folder / "outcomes.csv", names, outcomes)


def _outcome(rows: list[Row], steps: int) -> tuple[str, str]:
    """Whether enough steps were completed, and when the last one needed was."""
    done = [time for time, kind, _ in rows if kind == "complete"]
    needed = math.ceil(NEEDED * steps)
    return ("1", f"{done[needed - 1]:.3f}") if len(done) >= needed else ("0", "")


def _table(path: Path, names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def main(argv: list[str] | None = None) -> int:
    """Write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ordered_runs", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--learners", type=int, default=LEARNERS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    write(options.folder, options.learners, options.seed)
    print(f"events.csv and outcomes.csv of {len(SHARES)} runs in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
