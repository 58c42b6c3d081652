"""Which tokens and which items a model knows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from predictor.columns import OTHER
from predictor.inputs import item_name
from predictor.sequences import EventSource, Sequences

LEAST_COVERAGE: Final = 0.5
"""Thresholds that leave less than this share of all events are too high for the data at hand."""
LEAST_EVENTS: Final = 100
"""Events that an item needs for an input of its own."""
LEAST_IN_RUN: Final = LEAST_EVENTS // 4
"""Events that an item needs in a course run for the run to count: a look through it makes fewer."""
LOWERED_COVERAGE: Final = 0.95
"""Share of all events that lowered thresholds must leave."""


@dataclass(frozen=True)
class Vocabulary:
    """Tokens with their ids: `<other>` is 0, then the most frequent first."""

    tokens: tuple[str, ...]
    """Without `<other>`; the id of `tokens[i]` is `i + 1`."""
    min_count: int
    """Events a token had to have to be here, after any lowering."""
    min_courses: int
    """Course runs a token had to occur in to be here, after any lowering."""

    @classmethod
    def fit(
        cls,
        source: EventSource,
        min_count: int = 1000,
        min_courses: int = 4,
        courses: Iterable[str] | None = None,
    ) -> Self:
        """The tokens seen at least `min_count` times and in at least `min_courses` course runs of `source`.

        The defaults are those of Le & Pardos: 1,000 times, and in more than three courses. Where they would
        leave less than half of all events (a small site, a demo), the count is halved and the courses are
        lowered by one until 95% of all events are left; the thresholds used are kept in the result.
        `courses` restricts the count to some course runs. `ValueError` when there are no events.
        """
        counts, spread = count_tokens(source, source.courses if courses is None else courses)
        if not counts:
            raise ValueError("there are no events to learn a vocabulary from")
        kept = _kept(counts, spread, min_count, min_courses)
        if _coverage(kept, counts) < LEAST_COVERAGE:
            while _coverage(kept, counts) < LOWERED_COVERAGE:
                min_count, min_courses = max(1, min_count // 2), max(1, min_courses - 1)
                kept = _kept(counts, spread, min_count, min_courses)
        return cls(tuple(kept), min_count, min_courses)

    def __len__(self) -> int:
        """Number of ids, `<other>` included."""
        return len(self.tokens) + 1

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every id, `<other>` first."""
        return (OTHER, *self.tokens)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {token: place for place, token in enumerate(self.tokens, start=1)}

    def id(self, token: str) -> int:
        """The token's id, 0 for a token that is not here."""
        return self._places.get(token, 0)

    def ids(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """Ids of many tokens, int64[n]; of a course run's `names` it is the table that maps its token
        column.
        """
        return np.array([self.id(token) for token in tokens], dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        """A plain form that stays readable."""
        return {"tokens": list(self.tokens), "min_count": self.min_count, "min_courses": self.min_courses}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """The vocabulary of `to_json`; `ValueError` when `found` is none."""
        try:
            tokens = tuple(found["tokens"])
            counts = int(found["min_count"]), int(found["min_courses"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no vocabulary: {error}") from error
        if (
            len(set(tokens)) < len(tokens)
            or OTHER in tokens
            or not all(isinstance(token, str) for token in tokens)
        ):
            raise ValueError("this is no vocabulary: tokens must be distinct names")
        return cls(tokens, *counts)


def count_tokens(source: EventSource, courses: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """How many events, and how many course runs, each token has."""
    counts: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    for course_id in courses:
        sequences = source.sequences(course_id)
        found = np.bincount(sequences.tokens, minlength=len(sequences.names))
        for name, count in zip(sequences.names, found.tolist(), strict=True):
            if count:
                counts[name] += count
                spread[name] += 1
    return counts, spread


def shared_items(source: EventSource, most: int) -> tuple[str, ...]:
    """The items that learners of two course runs or more met (as `item_name` calls them), commonest first.

    An item of one run alone tells that run from others and nothing else.  At most `most`, each with
    LEAST_EVENTS events, and with LEAST_IN_RUN in each of two runs.
    """
    counts: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for course_id in source.courses if most else ():
        met = _items_met(source.sequences(course_id))
        counts.update(met)
        runs.update(name for name, count in met.items() if count >= LEAST_IN_RUN)
    names = [name for name, count in counts.items() if runs[name] > 1 and count >= LEAST_EVENTS]
    return tuple(sorted(names, key=lambda name: (-counts[name], name))[:most])


def _items_met(sequences: Sequences) -> Counter[str]:
    """How many events each item of a course run has."""
    items = np.asarray(sequences.items)
    found = np.bincount(items[items >= 0], minlength=len(sequences.item_names))
    counts: Counter[str] = Counter()
    for name, count in zip(sequences.item_names, found.tolist(), strict=True):
        if name and count:
            counts[item_name(name)] += count
    return counts


def _kept(counts: Counter[str], spread: Counter[str], min_count: int, min_courses: int) -> list[str]:
    names = [
        name
        for name, count in counts.items()
        if name != OTHER and count >= min_count and spread[name] >= min_courses
    ]
    return sorted(names, key=lambda name: (-counts[name], name))


def _coverage(kept: Iterable[str], counts: Counter[str]) -> float:
    known = counts.total() - counts[OTHER]
    return sum(counts[name] for name in kept) / known if known else 1.0
