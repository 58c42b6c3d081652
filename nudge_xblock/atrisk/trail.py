"""The way that learners of a course run took through its items, and how far each one is on it.

The order is the mates': an item's place is the mean position at which they came to it.  An item is on the way
where most of those who came as far have been at it, ten of them at least, so that it tells of nobody.

The night finds it and stores it; pages and mails read what is stored, never the event store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
import numpy.typing as npt
from django.db import IntegrityError, transaction
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses
from nudge_xblock.addressees import batches
from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment, InboxEvent
from nudge_xblock.upserts import upsert
from predictor.pace import ItemPace
from predictor.sequences import Sequences

from .models import Way, Whereabouts

MATES = 10
USUAL = 0.5
KEPT = 12
"""So many places left out are stored: more than are told, as some are seen to during the day."""
BATCH = 500

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trail:
    """The usual items of a course run in their order, and the places among them that each learner was at."""

    items: tuple[str, ...]
    learners: tuple[str, ...]
    offsets: Places
    places: npt.NDArray[np.int32]

    def spots(self) -> Iterator[tuple[str, Spot]]:
        """Each learner who was anywhere on the way, and how far."""
        for row, learner in enumerate(self.learners):
            been = set(self.places[self.offsets[row] : self.offsets[row + 1]].tolist())
            if been:
                yield learner, START.after(been)


@dataclass(frozen=True)
class Spot:
    """How far somebody came: the furthest place, -1 where they were nowhere, and the first they left out."""

    furthest: int = -1
    left_out: tuple[int, ...] = ()

    def after(self, been: Iterable[int]) -> Spot:
        """The same after further places."""
        new = set(been)
        furthest = max(new, default=-1)
        passed = range(self.furthest + 1, furthest)
        left_out = (place for place in (*self.left_out, *passed) if place not in new)
        return Spot(max(furthest, self.furthest), tuple(islice(left_out, KEPT)))


START = Spot()
NOWHERE = Trail((), (), np.zeros(1, np.int64), np.zeros(0, np.int32))


def write(course_key: CourseKey, now: datetime) -> None:
    """Store the way of a course run that is not over, and where everybody is on it; safe to be repeated."""
    if platform().course_dates(course_key).is_over(now):
        return
    way = found(courses.sequences_of(course_key, now), now.timestamp())
    spots = dict(way.spots())
    try:
        _store(course_key, way, spots, now)
    except IntegrityError:  # somebody was retired meanwhile
        _store(course_key, way, spots, now)


@transaction.atomic
def _store(course_key: CourseKey, way: Trail, spots: Mapping[str, Spot], now: datetime) -> None:
    """Both at once, since places count along the way; what has not changed is not written."""
    Way.objects.update_or_create(course_key=course_key, defaults={"items": list(way.items), "at": now})
    mine = Whereabouts.objects.filter(enrolment__course_key=course_key)
    known = {
        pk: Spot(furthest, tuple(left_out))
        for pk, furthest, left_out in mine.values_list("pk", "furthest", "left_out")
    }
    enrolments = Enrolment.objects.filter(course_key=course_key).values_list("pk", "learner__user_id")
    there = {pk: spots[str(user_id)] for pk, user_id in enrolments if str(user_id) in spots}
    changed = sorted(pk for pk, spot in there.items() if known.get(pk) != spot)
    for at in range(0, len(changed), BATCH):
        rows = [
            Whereabouts(enrolment_id=pk, furthest=there[pk].furthest, left_out=list(there[pk].left_out))
            for pk in changed[at : at + BATCH]
        ]
        upsert(Whereabouts, rows, ("furthest", "left_out"), ("enrolment",))
    for some in batches(sorted({*known} - {*there})):
        Whereabouts.objects.filter(pk__in=some).delete()


def way_of(course_key: CourseKey) -> list[str]:
    """The usual items of a course run in their order, as of the newest night; empty before the first."""
    items = Way.objects.filter(course_key=course_key).values_list("items", flat=True).first()
    return list(items or ())


def spots_of(course_key: CourseKey, user_ids: Iterable[int]) -> dict[int, Spot]:
    """How far these users came, of those who were on the way by the newest night."""
    spots: dict[int, Spot] = {}
    for some in batches(user_ids):
        rows = Whereabouts.objects.filter(
            enrolment__course_key=course_key, enrolment__learner__user_id__in=some
        )
        told = rows.values_list("enrolment__learner__user_id", "furthest", "left_out")
        spots |= {user_id: Spot(furthest, tuple(left_out)) for user_id, furthest, left_out in told}
    return spots


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
