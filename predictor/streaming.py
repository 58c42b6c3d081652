"""The sequence model at serving time: numpy alone, one event at a time, at constant cost per event.

`Streamer` holds the model, `State` one enrolment.  A state is everything the model will ever need to know of
the events behind it, a few kilobytes; `advance` folds new events in, `at` asks for the probabilities at any
moment, `refresh` does both for a whole course run at once.  All of it equals a full recompute from the first
event by the torch network within 1e-5, however the stream was split.

The embeddings are folded into the input weights before a model is published, so that an event costs one row
of a table, another for a known item, and one product with a matrix of [EVENT_SIZE + hidden, 4 * hidden].
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor import steps, streams
from predictor.cell import HALF, Cell, Work
from predictor.inputs import (
    CONTEXT_SIZE,
    DAY,
    EVENT_SIZE,
    PAUSE,
    Floats,
    Floats32,
    InputConfig,
    Ints,
    calendar,
    context,
    day_number,
    item_bit,
    item_name,
    marker_days,
    reading,
    time_constants,
)
from predictor.packing import State, pack_state, unpack_state
from predictor.sequences import Sequences
from predictor.store import ModelStore

__all__ = ["KIND", "Reading", "State", "Streamer"]

KIND = "engagement"
STEPS_AT_ONCE = 32_768
"""Steps of a refresh held in memory at once."""


@dataclass(frozen=True)
class Reading:
    """What the model says at one moment.

    Args:
        probabilities: target to calibrated probability.
        hidden: float32 [H], the hidden state at that moment, markers included.
    """

    probabilities: dict[str, float]
    hidden: Floats32


class Streamer:
    """A published engagement model, ready to serve.  Safe to share between threads."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> None:
        """Raises ValueError when tensors and manifest do not describe a model that this code can run."""
        try:
            self.version = str(manifest["version"])
            self.targets = tuple(str(name) for name in manifest["targets"])
            self.inputs = InputConfig.from_json(manifest["inputs"])
            self.hidden_size = int(manifest["hidden_size"])
            calibration = manifest["calibration"]
            pairs = [(calibration[name]["scale"], calibration[name]["shift"]) for name in self.targets]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not the manifest of an engagement model: {error!r}") from error
        self._calibration = np.array(pairs, dtype=np.float32).reshape(-1, 2)
        self._cell = Cell(tensors, self.inputs, self.hidden_size, len(self.targets))
        self._index, self._items = self.inputs.index(), self.inputs.item_index()
        self._rooms = threading.local()
        self._constants = time_constants(self.inputs)
        self._rates = [(scale, 1.0 / seconds) for scale, seconds in enumerate(self._constants)]

    @classmethod
    def load(cls, store: ModelStore, version: str | None = None) -> Streamer:
        """The model of that version in the store, or the one that serves now."""
        return cls(*store.load(KIND, version))

    def begin(self, course_start: float) -> State:
        """An enrolment in a course run that began at `course_start`, before its first event."""
        if not math.isfinite(course_start):
            raise ValueError(f"course_start must be a time in unix seconds, not {course_start}")
        return State(
            float(course_start),
            np.zeros(2 * self.hidden_size, dtype=np.float32),
            np.zeros(self.inputs.counts_shape),
            bytearray(self.inputs.item_bits // 8),
        )

    def advance(
        self, state: State, tokens: Sequence[str], times: Sequence[float], items: Sequence[str] = ()
    ) -> State:
        """The state after more events, in order of time; `state` itself stays as it is.

        Raises ValueError, and folds nothing in, when a time is not finite or lies before the one before it.
        """
        if len(tokens) != len(times) or (items and len(items) != len(tokens)):
            raise ValueError(f"{len(tokens)} tokens, {len(times)} times and {len(items)} items do not match")
        state = state.copy()
        work = self._work(state.cell)
        for number, (token, time) in enumerate(zip(tokens, times, strict=True)):
            if not state.time <= time < math.inf:
                raise ValueError(f"event {number} at {time} does not follow the event at {state.time}")
            self._fold(state, work, self._index.get(token, 0), time, items[number] if items else "")
        state.cell = work.values()
        return state

    def at(self, state: State, now: float) -> Reading:
        """What the model says at `now`; days that have passed since the newest event are taken into account.

        Raises ValueError when `now` lies before an event in the state.
        """
        if not state.time <= now < math.inf:
            raise ValueError(f"cannot read at {now}: the state holds an event at {state.time}")
        origin, work = self._origin(state), self._work(state.cell)
        self._pass_markers(state, work, self._days(state, origin, now), origin)
        hidden = work.values()[: self.hidden_size].copy()
        probabilities = self._probabilities(hidden[None], self._describe(state, np.array([now])))
        return Reading(dict(zip(self.targets, probabilities[0].tolist(), strict=True)), hidden)

    def pack(self, state: State, half: bool = False) -> bytes:
        """The state as bytes, with the model's version and a checksum.

        `half` takes a third to two thirds of the room, at an error of some 1e-3 in a probability.
        """
        return pack_state(state, self.version, half)

    def unpack(self, packed: bytes) -> State:
        """The inverse of `pack`.

        Raises ValueError for bytes that are damaged, and for a state of another model, naming both versions.
        """
        return unpack_state(packed, self.version, 2 * self.hidden_size, self.inputs.counts_shape)

    def refresh(
        self,
        sequences: Sequences,
        course_start: float | Floats,
        now: float | Floats,
        learners: Iterable[str] | None = None,
    ) -> dict[str, tuple[State, Reading]]:
        """State and reading of every learner of a course run, from the events before `now`.

        Args:
            course_start: when the course run began; one time for all, or one per learner.
            now: likewise.
            learners: who to refresh, also without any event; everyone in `sequences` by default.
        """
        names = list(sequences.learners if learners is None else learners)
        moments = np.broadcast_to(np.asarray(now, dtype=np.float64), (len(names),))
        starts = np.broadcast_to(np.asarray(course_start, dtype=np.float64), (len(names),))
        whole = streams.streams(sequences, self.inputs, names).before(moments)
        done: dict[str, tuple[State, Reading]] = {}
        for rows in _portions(whole, moments - starts):
            part = whole.take(rows)
            results = self._refreshed(part, starts[rows], moments[rows])
            done.update(zip((names[row] for row in rows.tolist()), results, strict=True))
        return {name: done[name] for name in names}

    def _refreshed(
        self, learners: streams.Streams, course_starts: Floats, moments: Floats
    ) -> list[tuple[State, Reading]]:
        gaps = steps.last_gaps(learners)
        built = steps.build(self.inputs, learners, course_starts, moments, (gaps, moments))
        gates = self._cell.gates(built)
        cells = np.zeros((len(learners), 2 * self.hidden_size), dtype=np.float32)
        begin = streams.ends(built.lengths)[:-1]
        self._cell.run(gates, begin, built.settled, cells)
        settled = cells.copy()
        self._cell.run(gates, begin + built.settled, built.lengths - built.settled, cells)
        hidden = cells[:, : self.hidden_size]
        probabilities = self._probabilities(hidden, built.readings[~built.markers]).tolist()
        states = self._states(learners, course_starts, settled)
        return [
            (state, Reading(dict(zip(self.targets, row, strict=True)), own.copy()))
            for state, row, own in zip(states, probabilities, hidden, strict=True)
        ]

    def _states(self, learners: streams.Streams, course_starts: Floats, cells: Floats32) -> list[State]:
        """The states after each learner's newest event."""
        facts = steps.summarise(self.inputs, learners, course_starts)
        states = []
        for row, cell in enumerate(cells):
            counts, seen = facts.counts[row].copy(), bytearray(facts.seen[row].tobytes())
            state = State(float(course_starts[row]), cell.copy(), counts, seen)
            low, high = learners.offsets[row], learners.offsets[row + 1]
            if high > low:
                state.first, state.time = float(learners.times[low]), float(learners.times[high - 1])
                state.counted = state.time
                state.events, state.days = int(high - low), int(facts.days[row])
                state.items, state.sittings = int(facts.items[row]), int(facts.sittings[row])
                state.busy, state.since = float(facts.busy[row]), float(facts.since[row])
            states.append(state)
        return states

    def _work(self, values: Floats32) -> Work:
        """This thread's room for stepping, started from `values`; good until the next call in the thread."""
        work: Work | None = getattr(self._rooms, "work", None)
        if work is None:
            work = self._rooms.work = Work(self._cell)
        work.load(values)
        return work

    def _fold(self, state: State, work: Work, token: int, time: float, item: str) -> None:
        origin = self._origin(state)
        days = self._days(state, origin, time)
        if days:
            self._pass_markers(state, work, days, origin)
        began = state.events > 0
        if not began:
            state.first = state.counted = state.since = time
        bit = item_bit(item, self.inputs)
        place, mask = bit >> 3, 1 << (bit & 7)
        new = bit >= 0 and not state.seen[place] & mask
        last = state.time if began else time
        numbers = context(
            math,
            time,
            state.course_start,
            state.first,
            last,
            state.events,
            state.items,
            state.days,
            state.sittings,
            state.busy,
            last - state.since,
            float(began),
        )
        known = self._items.get(item_name(item), 0) if self._items else 0
        work.event(token, known, (*numbers, *calendar(math, time), float(new), float(bit >= 0)))
        if new:
            state.seen[place] |= mask
            state.items += 1
        if not began or day_number(time, origin) != day_number(last, origin):
            state.days += 1
        if not began or time - last > PAUSE:
            state.sittings += 1
            state.since = time
        else:
            state.busy += time - last
        self._count(state, token, time)
        state.events += 1
        state.time = time

    def _count(self, state: State, token: int, time: float) -> None:
        """Add one event to the weighted counts; the weights are moved on daily, lest they overflow."""
        if time - state.counted > DAY:
            state.counts *= np.exp((state.counted - time) / self._constants)[:, None]
            state.counted = time
        age = time - state.counted
        for scale, rate in self._rates:
            state.counts[scale, token] += math.exp(age * rate)

    def _origin(self, state: State) -> float:
        """The zero of the clock that markers are counted on; NaN while there is none."""
        return state.first if self.inputs.clock == "learner" else state.course_start

    def _days(self, state: State, origin: float, until: float) -> list[int]:
        """Days of the markers between the newest event and `until`."""
        if until - origin < DAY or origin != origin:
            return []
        return marker_days(self.inputs, origin, state.time if state.events else origin, until)

    def _pass_markers(self, state: State, work: Work, days: list[int], origin: float) -> None:
        if days:
            described = self._describe(state, origin + np.array(days) * DAY)
            inputs = np.zeros((len(days), EVENT_SIZE), dtype=np.float32)
            inputs[:, :CONTEXT_SIZE] = described[:, :CONTEXT_SIZE]
            tokens = [self.inputs.marker_token(day) for day in days]
            for gates in self._cell.marker_gates(inputs, described, tokens):
                work.marker(gates)

    def _describe(self, state: State, moments: Floats) -> Floats32:
        """The numbers of readings at `moments` [m], all at or after the newest event: [m, reading_size]."""
        began = state.events > 0
        first, last = (state.first, state.time) if began else (moments, moments)
        sitting = state.time - state.since if began else 0.0
        ones = np.ones(len(moments))
        base = np.stack(
            np.broadcast_arrays(
                *context(
                    np,
                    moments,
                    state.course_start,
                    first * ones,
                    last * ones,
                    state.events * ones,
                    state.items * ones,
                    state.days * ones,
                    state.sittings * ones,
                    state.busy * ones,
                    sitting * ones,
                    began * ones,
                )
            ),
            axis=1,
        )
        counts = state.counts
        if began:
            counts = counts * np.exp((state.counted - state.time) / self._constants)[:, None]
        away, into_stay = moments - last, (moments - first) / DAY
        numbers = reading(base, counts[None], self._constants, away * ones, into_stay * ones)
        return numbers.astype(np.float32)

    def _probabilities(self, hidden: Floats32, readings: Floats32) -> Floats32:
        """[m, targets], calibrated."""
        logits = self._cell.head(hidden, readings) * self._calibration[:, 0] + self._calibration[:, 1]
        chances: Floats32 = HALF + HALF * np.tanh(HALF * logits)
        return chances


def _portions(learners: streams.Streams, age: Floats) -> Iterable[Ints]:
    """Learners in groups of about STEPS_AT_ONCE steps, those with similar lengths together."""
    size = np.diff(learners.offsets) + np.clip(age / DAY, 0, 400).astype(np.int64) + 1
    order = np.argsort(size, kind="stable")
    group = np.cumsum(size[order]) // STEPS_AT_ONCE
    return np.split(order, np.flatnonzero(np.diff(group)) + 1) if len(order) else []
