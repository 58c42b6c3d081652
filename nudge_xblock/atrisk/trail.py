"""The way that learners of a course run took through its items, and who has been where.

The order is the mates': an item's place is the mean position at which they came to it.  An item is on the way
where most of those who came as far have been at it, ten of them at least, so that it tells of nobody.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses
from nudge_xblock.models import InboxEvent
from predictor.pace import ItemPace
from predictor.sequences import Sequences

MATES = 10
USUAL = 0.5
SHELF_SECONDS = 3600

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trail:
    """The usual items of a course run in their order, and the places among them that each learner was at."""

    items: tuple[str, ...]
    learners: tuple[str, ...]
    offsets: Places
    places: npt.NDArray[np.int32]

    def been(self, user_id: int) -> set[int]:
        """The places that a learner was at, as far as the event store knows."""
        at = bisect_left(self.learners, str(user_id))
        if at == len(self.learners) or self.learners[at] != str(user_id):
            return set()
        return set(self.places[self.offsets[at] : self.offsets[at + 1]].tolist())


NOWHERE = Trail((), (), np.zeros(1, np.int64), np.zeros(0, np.int32))


def of(course_key: CourseKey, now: datetime) -> Trail:
    """The trail of a course run, found anew every hour: mails are written a batch at a time."""
    return _of(course_key, int(now.timestamp()) // SHELF_SECONDS)


@lru_cache(maxsize=2)
def _of(course_key: CourseKey, hour: int) -> Trail:
    now = datetime.fromtimestamp((hour + 1) * SHELF_SECONDS, UTC)
    return found(courses.sequences_of(course_key, now), now.timestamp())


def forget() -> None:
    """Find trails anew."""
    _of.cache_clear()


def found(sequences: Sequences, moment: float) -> Trail:
    """The trail of a course run from all its events; what mates did counts up to the start of the day."""
    pace = ItemPace.of(sequences)
    if pace is None:
        return NOWHERE
    width = len(sequences.item_names)
    day = pace.days(np.full(width, moment))
    visitors, position, _stopped = pace.of_items(np.arange(width), day)
    order = np.argsort(np.where(np.isfinite(position), position, np.inf), kind="stable")
    rank = np.empty(width, np.int64)
    rank[order] = np.arange(width)
    owners, items = _visits(sequences)
    usual = order[_is_usual(visitors[order], rank[items], owners)]
    place = np.full(width, -1, np.int64)
    place[usual] = np.arange(len(usual))
    kept = place[items] >= 0
    owners, places = owners[kept], place[items[kept]]
    offsets = np.searchsorted(owners, np.arange(len(sequences.learners) + 1))
    names = tuple(sequences.item_names[item] for item in usual.tolist())
    return Trail(names, tuple(sequences.learners), offsets.astype(np.int64), places.astype(np.int32))


def _visits(sequences: Sequences) -> tuple[Places, Places]:
    """Learner and item [m] of each pair that met, by learner."""
    width = len(sequences.item_names)
    owners = np.repeat(np.arange(len(sequences.learners)), np.diff(sequences.offsets))
    items = np.asarray(sequences.items, np.int64)
    named = items >= 0
    pairs = np.unique(owners[named] * width + items[named])
    return pairs // width, pairs % width


def _is_usual(visitors: npt.NDArray[np.float64], ranks: Places, owners: Places) -> npt.NDArray[np.bool_]:
    """Whether most of those who came as far have been at each item [width], in the mates' order."""
    furthest = np.full(int(owners.max(initial=-1)) + 1, -1, np.int64)
    np.maximum.at(furthest, owners, ranks)
    ends = np.bincount(furthest[furthest >= 0], minlength=len(visitors))
    reached = ends[::-1].cumsum()[::-1]
    return (visitors >= MATES) & (visitors >= USUAL * reached)


def lately(course_key: CourseKey, user_ids: Iterable[int]) -> dict[int, set[str]]:
    """The items that these users were at since the night stored events, in one statement."""
    rows = InboxEvent.objects.filter(course_key=course_key, user_id__in=list(user_ids)).exclude(item_id="")
    met: dict[int, set[str]] = {}
    for user_id, item in rows.order_by().values_list("user_id", "item_id").distinct():
        met.setdefault(user_id, set()).add(item)
    return met
