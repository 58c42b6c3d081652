"""What the sequence model learns from: learners with their streams and labels, read course by course."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from predictor.inputs import DAY, Floats, Floats32, InputConfig, Ints
from predictor.outcomes import Outcomes, begins
from predictor.sequences import EventSource
from predictor.steps import Steps, build
from predictor.streams import Bools, Streams, ends, streams

LEAVE = "leave"


@dataclass(frozen=True)
class Roll:
    """Who of one course run takes part, and what became of them; n learners, no events.

    Args:
        starts: [n] when the course run began for each.
        labels: float32 [n, targets] 0, 1 or NaN; `known_at` [n, targets] when known, inf where not told.
    """

    course_id: str
    learners: tuple[str, ...]
    starts: Floats
    labels: Floats32
    known_at: Floats

    def take(self, rows: Ints) -> Roll:
        """Some of the learners."""
        return Roll(
            self.course_id,
            tuple(self.learners[row] for row in rows.tolist()),
            self.starts[rows],
            self.labels[rows],
            self.known_at[rows],
        )

    def __len__(self) -> int:
        return len(self.learners)


@dataclass(frozen=True)
class Pool:
    """Learners of one or more course runs in memory, ready to be drawn from.

    `streams` of n learners; `starts`, `closes` [n] when the course run began and when its newest event came;
    `labels`, `known_at` [n, targets].
    """

    streams: Streams
    starts: Floats
    closes: Floats
    labels: Floats32
    known_at: Floats

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def until(self) -> Floats:
        """The last marker's time: the end of the day of the course's newest event [n]."""
        until: Floats = self.starts + np.ceil((self.closes - self.starts) / DAY) * DAY
        return until

    def take(self, rows: Ints) -> Pool:
        """Some of the learners."""
        return Pool(
            self.streams.take(rows),
            self.starts[rows],
            self.closes[rows],
            self.labels[rows],
            self.known_at[rows],
        )


def call_roll(
    source: EventSource, outcomes: Outcomes, targets: Sequence[str], courses: Sequence[str]
) -> list[Roll]:
    """Everyone with an event or an outcome in the courses; labels that nobody told are NaN."""
    return [_roll(source, outcomes, targets, course_id) for course_id in courses]


def _roll(source: EventSource, outcomes: Outcomes, targets: Sequence[str], course_id: str) -> Roll:
    sequences = source.sequences(course_id)
    told = outcomes.by_course.get(course_id)
    names = sorted({*sequences.learners, *(told.learners if told else ())})
    starts = begins(told, names, float(np.min(sequences.times)))
    labels = np.full((len(names), len(targets)), np.nan, dtype=np.float32)
    known_at = np.full((len(names), len(targets)), np.inf)
    if told:
        rows = np.searchsorted(np.array(names), np.array(told.learners))
        for column, target in enumerate(targets):
            if target in told.labels:
                labels[rows, column] = told.labels[target]
            if target in told.known_at:
                when = told.known_at[target]
                known_at[rows, column] = np.where(np.isfinite(when), when, np.inf)
    return Roll(course_id, tuple(names), starts, labels, known_at)


def read_pool(source: EventSource, roll: Roll, config: InputConfig) -> Pool:
    """The learners of a roll with their streams."""
    sequences = source.sequences(roll.course_id)
    return Pool(
        streams(sequences, config, roll.learners),
        roll.starts,
        np.full(len(roll), float(np.max(sequences.times))),
        roll.labels,
        roll.known_at,
    )


def join(pools: Sequence[Pool]) -> Pool:
    """Several pools as one."""
    parts = [pool.streams for pool in pools]
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return Pool(
        Streams(
            ends(sizes),
            np.concatenate([part.tokens for part in parts]),
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.bits for part in parts]),
            np.concatenate([part.items for part in parts]),
        ),
        np.concatenate([pool.starts for pool in pools]),
        np.concatenate([pool.closes for pool in pools]),
        np.concatenate([pool.labels for pool in pools]),
        np.concatenate([pool.known_at for pool in pools]),
    )


def pools(
    source: EventSource, rolls: Sequence[Roll], config: InputConfig, most_events: int
) -> Iterator[Pool]:
    """The rolls' learners in pools of about `most_events` events, which bounds the memory of training."""
    held: list[Pool] = []
    events = 0
    for roll in rolls:
        held.append(read_pool(source, roll, config))
        events += len(held[-1].streams.times)
        if events >= most_events:
            yield join(held)
            held, events = [], 0
    if held:
        yield join(held)


def parts(pool: Pool, steps: int) -> Iterator[Pool]:
    """A batch by length, in equal parts of about `steps` steps (or of one learner)."""
    sizes = np.diff(pool.streams.offsets) + np.maximum(pool.until - pool.starts, 0) / DAY + 1
    order = np.argsort(sizes, kind="stable")
    size = sizes.sum() / max(1, np.ceil(sizes.sum() / steps))
    part = np.ceil(np.cumsum(sizes[order]) / size)
    for rows in np.split(order, np.flatnonzero(np.diff(part)) + 1):
        yield pool.take(rows)


@dataclass(frozen=True)
class Scope:
    """Which readings are learned from, and what they count.

    Args:
        live_days: none after so many days without an event, which would all say the same; 0 for no limit.
        horizon_days: none later than so many days after the clock's zero; 0 for no limit.
        early: a reading `d` days after the clock's zero counts (1 + d) ** -early.
    """

    live_days: float = 0.0
    horizon_days: float = 0.0
    early: float = 0.0

    def narrowed(self, config: InputConfig, pool: Pool, leave_days: float) -> Pool:
        """The pool without the events after all readings, but for those that tell who left."""
        if not self.horizon_days:
            return pool
        ends = self._origins(config, pool) + (self.horizon_days + leave_days) * DAY
        return replace(pool, streams=pool.streams.before(ends))

    def until(self, config: InputConfig, pool: Pool) -> Floats:
        """The time of each learner's last marker inside [n]."""
        origins, until = self._origins(config, pool), pool.until
        if self.horizon_days:
            until = np.minimum(until, origins + self.horizon_days * DAY)
        if self.live_days:
            offsets = pool.streams.offsets
            last = np.append(pool.streams.times, -np.inf)[np.where(np.diff(offsets), offsets[1:] - 1, -1)]
            until = np.minimum(until, np.maximum(last, origins) + self.live_days * DAY)
        return until

    def _origins(self, config: InputConfig, pool: Pool) -> Floats:
        """The clock's zero of each learner [n]."""
        if config.clock == "course":
            return pool.starts
        offsets = pool.streams.offsets
        first = np.append(pool.streams.times, np.nan)[np.where(np.diff(offsets), offsets[:-1], -1)]
        return np.where(np.isnan(first), pool.starts, first)

    def covers(self, steps: Steps) -> Bools:
        """Which readings lie inside [R]."""
        inside = np.ones(len(steps.reading_days), dtype=bool)
        if self.live_days:
            inside &= steps.reading_away <= self.live_days * DAY
        if self.horizon_days:
            inside &= steps.reading_days <= self.horizon_days
        return inside

    def weights(self, steps: Steps) -> Floats32:
        """What each reading counts [R]."""
        weights: Floats32 = ((1 + np.maximum(steps.reading_days, 0)) ** -self.early).astype(np.float32)
        return weights


EVERYTHING = Scope()


def labelled_steps(
    config: InputConfig,
    pool: Pool,
    leave_days: float,
    extra: tuple[Ints, Floats] | None = None,
    scope: Scope = EVERYTHING,
) -> tuple[Steps, Floats32]:
    """Steps of a narrowed pool and the labels of their readings [R, targets (+ 1 with leave_days > 0)].

    A label is NaN where it is not known, and from when it was known: predicting it then is no use; and where
    the reading lies outside of the scope.
    """
    steps = build(config, pool.streams, pool.starts, scope.until(config, pool), extra)
    owners, times = steps.reading_owners, steps.reading_times
    labels = np.where(times[:, None] < pool.known_at[owners], pool.labels[owners], np.nan)
    if leave_days > 0:
        labels = np.column_stack([labels, leaving(steps, pool, leave_days)])
    labels[~scope.covers(steps)] = np.nan
    return steps, labels.astype(np.float32)


def leaving(steps: Steps, pool: Pool, days: float) -> Floats:
    """1 where no event follows a reading within `days`, 0 where one does, NaN past the end of the data."""
    following = steps.reading_gaps - steps.reading_owners
    there = following < pool.streams.offsets[1:][steps.reading_owners]
    next_time = np.full(len(following), np.inf)
    next_time[there] = pool.streams.times[following[there]]
    horizon = steps.reading_times + days * DAY
    beyond = horizon > pool.closes[steps.reading_owners]
    return np.where(next_time <= horizon, 0.0, np.where(beyond, np.nan, 1.0))


def random_moments(pool: Pool, each: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Up to `each` readings per learner right after a random one of their events, as `extra` of `build`.

    Nudges are decided at such moments, not at the day's end.
    """
    offsets = pool.streams.offsets
    sizes = np.diff(offsets)
    rows = np.repeat(np.flatnonzero(sizes), each)
    events = offsets[rows] + (rng.random(len(rows)) * sizes[rows]).astype(np.int64)
    gaps = np.unique(events + rows + 1)
    owner = np.searchsorted(offsets[1:] + np.arange(1, len(offsets)), gaps, side="right")
    times = pool.streams.times[gaps - owner - 1]
    inside = times <= pool.until[owner]
    return gaps[inside], times[inside]


def undersampled(rolls: Sequence[Roll], ratio: float, rng: np.random.Generator) -> list[Roll]:
    """At most `ratio` learners of the larger class of the first target for each of the smaller, per course.

    Le & Pardos undersample their training courses with a ratio of two.  Learners without a label stay.
    """
    kept = []
    for roll in rolls:
        label = roll.labels[:, 0]
        groups = sorted((np.flatnonzero(label == 0), np.flatnonzero(label == 1)), key=len)
        few, many = groups
        size = min(len(many), int(np.ceil(ratio * max(1, len(few)))))
        rows = np.concatenate([few, rng.permutation(many)[:size], np.flatnonzero(np.isnan(label))])
        kept.append(roll.take(np.sort(rows)))
    return kept


def without_outliers(source: EventSource, roll: Roll, ranges: float) -> Roll:
    """Leave out streams longer than `ranges` interquartile ranges above the upper quartile of those with a 1.

    Le & Pardos: 1.5, among the certified of each course.  Fewer than four such learners leave all in.
    """
    sequences = source.sequences(roll.course_id)
    size: Mapping[str, int] = dict(zip(sequences.learners, np.diff(sequences.offsets).tolist(), strict=True))
    sizes = np.array([size.get(learner, 0) for learner in roll.learners])
    ones = sizes[roll.labels[:, 0] == 1]
    if len(ones) < 4:
        return roll
    low, high = np.percentile(ones, [25, 75])
    return roll.take(np.flatnonzero(sizes <= high + ranges * (high - low)))


def held_out(rolls: Sequence[Roll], share: float, by_course: bool, rng: np.random.Generator) -> Split:
    """Part the rolls into those to learn from and those to stop early and calibrate on."""
    if by_course:
        count = max(1, round(share * len(rolls)))
        chosen = set(rng.permutation(len(rolls))[:count].tolist())
        return Split(
            [roll for place, roll in enumerate(rolls) if place not in chosen],
            [roll for place, roll in enumerate(rolls) if place in chosen],
        )
    learning, held = [], []
    for roll in rolls:
        out = rng.random(len(roll)) < share
        learning.append(roll.take(np.flatnonzero(~out)))
        held.append(roll.take(np.flatnonzero(out)))
    return Split(learning, held)


@dataclass(frozen=True)
class Split:
    """Rolls to learn from, and rolls held out."""

    learning: list[Roll]
    held: list[Roll]

    def learn_from(self, rolls: list[Roll]) -> Split:
        """The same held-out rolls beside others to learn from."""
        return replace(self, learning=rolls)
