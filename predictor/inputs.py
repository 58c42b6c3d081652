"""What the sequence model sees: events and time markers as numbers, computed from the past alone.

A stream becomes *steps*.  Every event is a step.  Between events stand *markers*, one at each day's end (with
a token of its own at each of the first week ends), so that the model also sees time in which nothing happens.
Markers are counted on the course's clock or, for self-paced use, on the learner's own (from the first event).
While a learner stays away they thin out: daily for four weeks, then weekly, for a year.

A *reading* is a moment at which the model is asked: each marker, and any other time.  Beside the calendar it
sees how often each token came, all in all and weighted towards the recent past.

Training builds whole batches (steps.py), the streaming cell goes one event at a time (streaming.py); both get
their numbers from `context` and `reading` here.  Nothing is derived from the order of rows, nor from a
learner's or a course run's id.  An item's id decides whether the item was seen before and, where learners of
several runs met it in training, which of these *known items* it is, so that a rerun's steps are recognised.

Times are unix seconds (UTC).  An event at a marker's very instant comes after the marker.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Number: TypeAlias = Any
"""A float, or an array of them."""

DAY = 86400.0
OTHER = "<other>"
PAUSE = 1800.0
"""Seconds without an event after which a new sitting begins."""
LAYOUT = 3
"""Of what the model sees; a model trained with another layout is refused, but for the one before it."""
_WITHOUT_ITEMS = 2
"""The layout before there were known items: this one with none of them."""
CONTEXT_SIZE = 14
CALENDAR_SIZE = 4
EVENT_SIZE = CONTEXT_SIZE + CALENDAR_SIZE + 2
_USAGE = re.compile(r"(?:ccx-)?block-v1:([^+]+\+[^+]+)\+[^+]+(?:\+ccx@[^+]+)?\+(type@.+)")
_NAMES_KEPT = 32_768
"""Names of items held in memory, since every live event asks for one."""


@dataclass(frozen=True)
class InputConfig:
    """How a stream becomes steps; stored with the model, since a model only understands its own inputs.

    Args:
        vocabulary: tokens with an input of their own; all others share `<other>`.
        known_items: items with an input of their own, as `item_name` calls them; of any other the model only
            sees whether it is new.
        clock: where markers are counted from: the course run's start or the learner's first event.
        week_markers: week ends that have a token of their own.
        daily_days: days of absence with a marker each; then weekly ones follow.
        absent_days: days of absence after which no marker is added any more.
        memory_days: time constants in days of the recency-weighted counts.
        item_bits: size of the sketch that tells new items from those seen before.
        layout: what makes up a step and a reading; there is only this code's own.
    """

    vocabulary: tuple[str, ...]
    known_items: tuple[str, ...] = ()
    clock: Literal["course", "learner"] = "course"
    week_markers: int = 10
    daily_days: int = 28
    absent_days: int = 364
    memory_days: tuple[float, ...] = (1.0, 7.0)
    item_bits: int = 2048
    layout: int = LAYOUT

    def __post_init__(self) -> None:
        if self.layout != LAYOUT:
            raise ValueError(
                f"the model was trained on inputs of layout {self.layout}, not {LAYOUT}: train it again"
            )
        if self.clock not in ("course", "learner"):
            raise ValueError(f"clock must be 'course' or 'learner', not {self.clock!r}")
        if self.item_bits <= 0 or self.item_bits % 8:
            raise ValueError("item_bits must be a positive multiple of eight")
        if len({*self.vocabulary, OTHER}) != len(self.vocabulary) + 1:
            raise ValueError(f"the vocabulary repeats a token or names {OTHER}")
        if len({*self.known_items, ""}) != len(self.known_items) + 1:
            raise ValueError("known_items repeats an item or holds one without a name")

    @property
    def event_tokens(self) -> int:
        """Tokens that stand for events; index 0 is `<other>`."""
        return len(self.vocabulary) + 1

    @property
    def tokens(self) -> int:
        """All tokens: events, then day end, week ends 1 to `week_markers`, any later week end."""
        return self.event_tokens + self.week_markers + 2

    @property
    def counts_shape(self) -> tuple[int, int]:
        """(time constants and all time, event tokens)."""
        return len(self.memory_days) + 1, self.event_tokens

    @property
    def reading_size(self) -> int:
        """Numbers that describe a reading."""
        scales, tokens = self.counts_shape
        return CONTEXT_SIZE + 1 + scales + scales * tokens

    def index(self) -> dict[str, int]:
        """Token to its number; what is not in it is number 0."""
        return {token: number for number, token in enumerate(self.vocabulary, start=1)}

    def item_index(self) -> dict[str, int]:
        """Known item to its number; an item that is not in it, or none at all, is number 0."""
        return {item: number for number, item in enumerate(self.known_items, start=1)}

    def marker_token(self, days: int) -> int:
        """The token of the marker `days` days after the clock's zero."""
        if days % 7:
            return self.event_tokens
        return self.event_tokens + min(days // 7, self.week_markers + 1)

    def to_json(self) -> dict[str, Any]:
        """Plain data for a manifest."""
        lists = ("vocabulary", "known_items", "memory_days")
        return asdict(self) | {name: list(getattr(self, name)) for name in lists}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> InputConfig:
        """The inverse of `to_json`; ValueError or TypeError for anything else.

        What was stored before there were known items is read as knowing none.
        """
        given = {"layout": 1, **content}
        if given["layout"] == _WITHOUT_ITEMS and "known_items" not in given:
            given["layout"] = LAYOUT
        config = cls(**given)
        return replace(
            config,
            vocabulary=tuple(config.vocabulary),
            known_items=tuple(config.known_items),
            memory_days=tuple(float(days) for days in config.memory_days),
        )


def context(
    xp: ModuleType,
    time: Number,
    course_start: Number,
    first: Number,
    last: Number,
    events: Number,
    items: Number,
    days: Number,
    sittings: Number,
    busy: Number,
    sitting: Number,
    began: Number,
) -> tuple[Number, ...]:
    """CONTEXT_SIZE numbers, all of order one, for one moment or an array of them.

    Args:
        xp: `math` or `numpy`.
        time: the moment.
        course_start: when the course run began.
        first, last: times of the learner's first and newest event before it; `time` where there is none.
        events, items, days: events, distinct items and active days so far.
        sittings: stretches of events without a pause; `busy` seconds spent in them, all in all; `sitting`
            seconds from the newest one's first event to its newest.
        began: 1 when there was an event, else 0.
    """
    into_course = (time - course_start) / DAY
    into_stay = (time - first) / DAY
    away = (time - last) / DAY
    # One pause of a day is taken for granted, so that there is a usual pause from the first sitting on.
    usual = (1 + (last - first) / DAY) / (1 + sittings)
    return (
        into_course / (7 + abs(into_course)),
        into_course / (60 + abs(into_course)),
        into_stay / (3 + into_stay),
        into_stay / (30 + into_stay),
        xp.log1p(away * DAY) / 8,
        away / (3 + away),
        xp.log1p(events) / 4,
        xp.log1p(items) / 4,
        xp.log1p(days) / 2,
        xp.log1p(sittings) / 2,
        xp.log1p(busy) / 8,
        xp.log1p(sitting) / 8,
        away / (usual + away),
        began,
    )


def calendar(xp: ModuleType, time: Number) -> tuple[Number, ...]:
    """CALENDAR_SIZE numbers: hour of the day and day of the week (UTC), as points on two circles.

    Of events alone.  Markers all fall on the hour at which the course began, which would tell one course from
    another and nothing else.
    """
    hour = time % DAY * (2 * math.pi / DAY)
    week = time % (7 * DAY) * (2 * math.pi / (7 * DAY))
    return xp.sin(hour), xp.cos(hour), xp.sin(week), xp.cos(week)


@lru_cache(maxsize=_NAMES_KEPT)
def item_name(item: str) -> str:
    """What an item is called in every run of its course: the platform's usage key without the run.

    A key of block-v1 holds organisation, course, run, type and block, of which a rerun keeps all but the run.
    One of a custom course (ccx-block-v1) holds its number beside the run, and is the course's own item.
    Other ids stay as they are: those of i4x hold no run, and a table's own are taken to mean the same item
    wherever they occur.
    """
    found = _USAGE.fullmatch(item)
    return item if found is None else "+".join(found.groups())


def item_bit(item: str, config: InputConfig) -> int:
    """Place of an item in the sketch of items seen, -1 for none."""
    return zlib.crc32(item.encode()) % config.item_bits if item else -1


def day_number(time: float, origin: float) -> int:
    """Whole days from `origin` to `time`, downwards."""
    return math.floor((time - origin) / DAY)


def marker_days(config: InputConfig, origin: float, since: float, until: float) -> list[int]:
    """Days after `origin` of the markers in (since, until], for a learner last seen at `since`."""
    low = max(day_number(since, origin) + 1, 1)
    high = min(day_number(until, origin), low + config.absent_days)
    return [day for day in range(low, high + 1) if _stands(config, day, origin + day * DAY - since)]


def _stands(config: InputConfig, day: int, away: float) -> bool:
    return away <= (config.absent_days if day % 7 == 0 else config.daily_days) * DAY


def reading(base: Floats, counts: Floats, time_constants: Floats, away: Floats, into_stay: Floats) -> Floats:
    """The numbers of readings [R, reading_size].

    Args:
        base: [R, CONTEXT_SIZE] from `context`.
        counts: [R, scales, tokens], each weighted by age at the newest event.
        time_constants: [scales] seconds, infinite for the plain count.
        away: [R] seconds since the newest event.
        into_stay: [R] days since the first event.
    """
    weighted = counts * np.exp(-away[:, None] / time_constants)[:, :, None]
    active = np.expm1(2 * base[:, 8:9]) / (1 + into_stay[:, None])
    sums = np.log1p(weighted.sum(axis=2)) / 4
    each = np.log1p(weighted).reshape(len(base), weighted.shape[1] * weighted.shape[2]) / 4
    return np.concatenate([base, active, sums, each], axis=1)


def time_constants(config: InputConfig) -> Floats:
    """[scales] seconds; the last is infinite: the plain count."""
    return np.array([*(days * DAY for days in config.memory_days), np.inf])
