"""Whole batches of steps at once: what training and the refresh of a course feed to the network.

The same numbers as the streaming cell computes one event at a time, by array operations over many learners.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    reading,
    time_constants,
)
from predictor.streams import Bools, Streams, ends, spread


@dataclass(frozen=True)
class Steps:
    """Steps of n learners, learner by learner, each in order of time.

    Args:
        lengths: [n] steps of each learner; `settled` [n] of them up to and including the newest event.
        tokens: [S] numbered tokens, markers included; `items` [S] numbers of known items, 0 for any other and
            for markers.
        inputs: [S, EVENT_SIZE] context, calendar, whether the item is new and whether there is one.
        times: [S].
        reading_steps: [R] the step after which each reading is taken, -1 where there is no step before it.
        reading_gaps: [R] the gap that each reading lies in (see `build`); `reading_owners` [R] its learner.
        reading_times: [R]; `reading_days` [R] the same in days since the clock's zero; `reading_away` [R] in
            seconds since the newest event, or since the clock's zero before the first.
        readings: [R, reading_size].
        markers: [R] true where the reading is a marker's own, whose numbers enter the step as well.
    """

    lengths: Ints
    settled: Ints
    tokens: Ints
    items: Ints
    inputs: Floats32
    times: Floats
    reading_steps: Ints
    reading_gaps: Ints
    reading_owners: Ints
    reading_times: Floats
    reading_days: Floats
    reading_away: Floats
    readings: Floats32
    markers: Bools


def build(
    config: InputConfig,
    learners: Streams,
    course_starts: Floats,
    until: Floats,
    extra: tuple[Ints, Floats] | None = None,
) -> Steps:
    """Steps of the learners, whose course began at `course_starts` [n], with markers up to `until` [n].

    `extra` asks for more readings: (gap, time) pairs.  Gap g of a learner with k events is the stretch before
    event g, gap k the one after the newest; gaps are numbered through all learners.  The time lies inside it.
    """
    gaps = _gaps(config, learners, course_starts, until)
    marker_gap, marker_day = _markers(config, gaps)
    marker_times = gaps.origin[marker_gap] + marker_day * DAY
    per_gap = np.bincount(marker_gap, minlength=len(gaps.owner))
    steps_before = ends(per_gap + gaps.has_event)
    rank = np.arange(len(marker_gap)) - ends(per_gap)[marker_gap]
    marker_rows = steps_before[marker_gap] + rank
    event_gap = np.flatnonzero(gaps.has_event)
    event_rows = steps_before[event_gap] + per_gap[event_gap]

    total = int(steps_before[-1])
    tokens = np.empty(total, dtype=np.int64)
    items = np.zeros(total, dtype=np.int64)
    times = np.empty(total)
    inputs = np.zeros((total, EVENT_SIZE), dtype=np.float32)
    tokens[event_rows] = learners.tokens
    items[event_rows] = learners.items
    times[event_rows] = learners.times
    inputs[event_rows, :CONTEXT_SIZE] = _context_of(gaps, event_gap, learners.times, course_starts)
    inputs[event_rows, CONTEXT_SIZE:-2] = np.stack(calendar(np, learners.times), axis=1)
    inputs[event_rows, -2] = gaps.new_item
    inputs[event_rows, -1] = learners.bits >= 0
    week = np.minimum(marker_day // 7, config.week_markers + 1)
    tokens[marker_rows] = config.event_tokens + np.where(marker_day % 7 == 0, week, 0)
    times[marker_rows] = marker_times

    asked_gap, asked_times = extra if extra is not None else (np.zeros(0, np.int64), np.zeros(0))
    reading_gap = np.concatenate([marker_gap, asked_gap])
    reading_times = np.concatenate([marker_times, asked_times])
    readings = _readings(config, gaps, learners, reading_gap, reading_times, course_starts)
    inputs[marker_rows, :CONTEXT_SIZE] = readings[: len(marker_rows), :CONTEXT_SIZE]
    passed = _markers_passed(marker_gap, marker_times, asked_gap, asked_times)
    asked_steps = steps_before[asked_gap] + passed - 1
    owner_start = steps_before[gaps.first_gap]
    asked_steps = np.where(asked_steps < owner_start[gaps.owner[asked_gap]], -1, asked_steps)
    bounds = np.append(owner_start, total)
    trailing = per_gap[gaps.first_gap + np.diff(learners.offsets)]
    lengths = np.diff(bounds)
    return Steps(
        lengths=lengths,
        settled=lengths - trailing,
        tokens=tokens,
        items=items,
        inputs=inputs,
        times=times,
        reading_steps=np.concatenate([marker_rows, asked_steps]),
        reading_gaps=reading_gap,
        reading_owners=gaps.owner[reading_gap],
        reading_times=reading_times,
        reading_days=(reading_times - gaps.origin[reading_gap]) / DAY,
        reading_away=reading_times - gaps.since[reading_gap],
        readings=readings,
        markers=np.arange(len(reading_gap)) < len(marker_gap),
    )


def last_gaps(learners: Streams) -> Ints:
    """The number of the gap after each learner's newest event [n]."""
    gaps: Ints = learners.offsets[1:] + np.arange(len(learners))
    return gaps


@dataclass(frozen=True)
class Summary:
    """What a state remembers of n learners after their newest events, beside the network's own part.

    `counts` [n, scales, tokens] weighted towards the newest event; `days`, `items` and `sittings` [n]; `busy`
    [n] seconds; `since` [n] the newest sitting's first event; `seen` [n, bytes].
    """

    counts: Floats
    days: Ints
    items: Ints
    sittings: Ints
    busy: Floats
    since: Floats
    seen: NDArray[np.uint8]


def summarise(config: InputConfig, learners: Streams, course_starts: Floats) -> Summary:
    """The summary of each learner."""
    gaps = _gaps(config, learners, course_starts, np.zeros(len(learners)))
    last = last_gaps(learners)
    owner = np.repeat(np.arange(len(learners)), np.diff(learners.offsets))
    met = learners.bits >= 0
    flags = np.zeros((len(learners), config.item_bits), dtype=bool)
    flags[owner[met], learners.bits[met]] = True
    return Summary(
        counts=knot_counts(config, gaps.owner, gaps.has_event, learners, last),
        days=gaps.days[last],
        items=gaps.items[last],
        sittings=gaps.sittings[last],
        busy=gaps.busy[last],
        since=gaps.sat_down[last],
        seen=np.packbits(flags, axis=1, bitorder="little"),
    )


@dataclass(frozen=True)
class _Gaps:
    """The stretches between events, G = N + n of them, with what was known when each began."""

    owner: Ints
    first_gap: Ints
    has_event: Bools
    origin: Floats
    since: Floats
    until: Floats
    first: Floats
    last: Floats
    events: Ints
    items: Ints
    days: Ints
    sittings: Ints
    busy: Floats
    sat_down: Floats
    new_item: Bools


def _gaps(config: InputConfig, learners: Streams, course_starts: Floats, until: Floats) -> _Gaps:
    count, sizes = len(learners), np.diff(learners.offsets)
    owner = np.repeat(np.arange(count), sizes + 1)
    first_gap = learners.offsets[:-1] + np.arange(count)
    events = np.arange(len(owner)) - first_gap[owner]
    has_event = events < sizes[owner]
    before = events > 0
    event_owner = np.repeat(np.arange(count), sizes)
    first_time = np.full(count, np.inf)
    first_time[sizes > 0] = learners.times[learners.offsets[:-1][sizes > 0]]
    own_clock = config.clock == "learner"
    origin = first_time[owner] if own_clock else course_starts[owner]

    last, since = np.full(len(owner), np.nan), np.full(len(owner), np.nan)
    last[np.flatnonzero(has_event) + 1] = learners.times
    stretch_end = until[owner].astype(np.float64)
    stretch_end[has_event] = learners.times
    day = np.floor((learners.times - origin[has_event]) / DAY)
    opening = np.zeros(len(learners.times), dtype=bool)
    opening[learners.offsets[:-1][sizes > 0]] = True
    new_day = opening | np.append(True, day[1:] != day[:-1])[: len(day)]
    new_item = _first_seen(event_owner, learners.bits, config.item_bits)
    pause = np.diff(learners.times, prepend=0.0)
    sits_down = opening | (pause > PAUSE)
    seats = np.maximum.accumulate(np.where(sits_down, np.arange(len(pause)), 0))
    since[np.flatnonzero(has_event) + 1] = learners.times[seats]
    return _Gaps(
        owner=owner,
        first_gap=first_gap,
        has_event=has_event,
        origin=origin,
        since=np.where(before, last, origin),
        until=stretch_end,
        first=np.where(before, first_time[owner], np.nan),
        last=np.where(before, last, np.nan),
        events=events,
        items=_so_far(new_item, learners.offsets, owner, events),
        days=_so_far(new_day, learners.offsets, owner, events),
        sittings=_so_far(sits_down, learners.offsets, owner, events),
        busy=_so_far(np.where(sits_down, 0.0, pause), learners.offsets, owner, events),
        sat_down=since,
        new_item=new_item,
    )


def _first_seen(owner: Ints, bits: Ints, size: int) -> Bools:
    """Which events bring an item that their learner had not met before."""
    seen = np.zeros(len(bits), dtype=bool)
    there = np.flatnonzero(bits >= 0)
    first = np.unique(owner[there] * size + bits[there], return_index=True)[1]
    seen[there[first]] = True
    return seen


def _so_far(values: NDArray[Any], offsets: Ints, owner: Ints, events: Ints) -> NDArray[Any]:
    """Sum of the values of the events before each gap; a flag counts as one."""
    running = np.append(0, np.cumsum(values))
    start = offsets[:-1][owner]
    sums: NDArray[Any] = running[start + events] - running[start]
    return sums


def _markers(config: InputConfig, gaps: _Gaps) -> tuple[Ints, Ints]:
    """Gap and day of every marker; the same rule as `marker_days`, over all gaps at once."""
    known = np.isfinite(gaps.origin)
    origin = np.where(known, gaps.origin, 0.0)
    since, until = np.where(known, gaps.since, 0.0), np.where(known, gaps.until, 0.0)
    low = np.maximum(np.floor((since - origin) / DAY).astype(np.int64) + 1, 1)
    high = np.minimum(np.floor((until - origin) / DAY).astype(np.int64), low + config.absent_days)
    size = np.where(known, np.maximum(high - low + 1, 0), 0)
    gap = np.repeat(np.arange(len(low)), size)
    day = spread(low, size)
    away = origin[gap] + day * DAY - since[gap]
    stands = away <= np.where(day % 7 == 0, config.absent_days, config.daily_days) * DAY
    return gap[stands], day[stands]


def _markers_passed(marker_gap: Ints, marker_times: Floats, gap: Ints, time: Floats) -> Ints:
    """How many markers of its own gap stand at or before each (gap, time)."""
    passed = np.zeros(len(gap), dtype=np.int64)
    order = np.lexsort((np.ones(len(gap)), time, gap))
    keys = np.concatenate([marker_gap, gap[order]])
    when = np.concatenate([marker_times, time[order]])
    asked = np.concatenate([np.zeros(len(marker_gap)), np.ones(len(gap))])
    merged = np.lexsort((asked, when, keys))
    running = np.cumsum(asked[merged] == 0)
    before_gap = np.searchsorted(marker_gap, gap[order], side="left")
    passed[order] = running[asked[merged] == 1] - before_gap
    return passed


def _context_of(gaps: _Gaps, gap: Ints, times: Floats, course_starts: Floats) -> Floats:
    """[len(gap), CONTEXT_SIZE]."""
    began = gaps.events[gap] > 0
    columns = context(
        np,
        times,
        course_starts[gaps.owner[gap]],
        np.where(began, gaps.first[gap], times),
        np.where(began, gaps.last[gap], times),
        gaps.events[gap].astype(np.float64),
        gaps.items[gap].astype(np.float64),
        gaps.days[gap].astype(np.float64),
        gaps.sittings[gap].astype(np.float64),
        gaps.busy[gap],
        np.where(began, gaps.last[gap] - gaps.sat_down[gap], 0.0),
        began.astype(np.float64),
    )
    return np.stack(columns, axis=1)


def _readings(
    config: InputConfig, gaps: _Gaps, learners: Streams, gap: Ints, times: Floats, course_starts: Floats
) -> Floats32:
    base = _context_of(gaps, gap, times, course_starts)
    began = gaps.events[gap] > 0
    away = np.where(began, times - gaps.last[gap], 0.0)
    into_stay = np.where(began, times - gaps.first[gap], 0.0) / DAY
    knots, place = np.unique(gap, return_inverse=True)
    counts = knot_counts(config, gaps.owner, gaps.has_event, learners, knots)
    return reading(base, counts[place], time_constants(config), away, into_stay).astype(np.float32)


def knot_counts(config: InputConfig, owner: Ints, has_event: Bools, learners: Streams, knots: Ints) -> Floats:
    """Counts by token as of the newest event before each of the gaps `knots` [K, scales, tokens].

    Weighted by exp(-age / time constant).  Each event is counted once, into the first knot after it; the
    knots of a learner are then run through in order, all learners at once.
    """
    scales, tokens = config.counts_shape
    constants = time_constants(config)
    counts = np.zeros((scales, len(knots) * tokens))
    event_gap = np.flatnonzero(has_event)
    knot = np.searchsorted(knots, event_gap, side="right")
    inside = np.flatnonzero(knot < len(knots))
    inside = inside[owner[knots[knot[inside]]] == owner[event_gap[inside]]]
    knot = knot[inside]
    knot_event = knots - owner[knots] - 1
    began = knot_event >= learners.offsets[owner[knots]]
    knot_time = np.zeros(len(knots))
    knot_time[began] = learners.times[knot_event[began]]
    age = knot_time[knot] - learners.times[inside]
    cell = knot * tokens + learners.tokens[inside]
    for scale, constant in enumerate(constants):
        counts[scale] = np.bincount(cell, np.exp(-age / constant), minlength=len(knots) * tokens)
    shaped = counts.reshape(scales, len(knots), tokens).transpose(1, 0, 2).copy()
    _run_through(shaped, owner[knots], knot_time, began, constants)
    return shaped


def _run_through(counts: Floats, owner: Ints, times: Floats, began: Bools, constants: Floats) -> None:
    """Add to each knot what its learner's knot before it still weighs."""
    follows = np.append(False, owner[1:] == owner[:-1])[: len(owner)]
    start = np.maximum.accumulate(np.where(follows, 0, np.arange(len(owner))))
    rank = np.arange(len(owner)) - start
    step = np.where(follows & began, np.diff(times, prepend=0.0), 0.0)
    order = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[order], np.arange(1, int(rank.max(initial=0)) + 2))
    for low, high in pairwise(bounds):
        rows = order[low:high]
        counts[rows] += counts[rows - 1] * np.exp(-step[rows, None] / constants)[:, :, None]
