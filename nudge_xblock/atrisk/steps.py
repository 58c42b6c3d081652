"""What a learner can do next, from their own progress: what is due, and what mates did that they have not.

At most three steps, the most pressing first.  They are worded as they are read, in the learner's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, UsageKey

from nudge_xblock.compat import platform

from . import trail
from .trail import START, Spot

MOST = 3
SHELF_SECONDS = 3600
AHEAD = timedelta(days=14)
"""What is due later than this is no step yet."""
BEHIND = timedelta(days=30)
"""What was due longer ago than this is no step any more."""
OVERDUE, DUE, BEGIN, GO_ON, SKIPPED, COURSE = "overdue", "due", "begin", "go_on", "skipped", "course"


@dataclass(frozen=True)
class Step:
    """One thing to do: the block's `name`, empty where nobody named it, its type, and where it is."""

    kind: str
    url: str
    name: str = ""
    block_type: str = ""
    due: datetime | None = None

    @property
    def words(self) -> str:
        """What to do, in the language in use."""
        what = _("“{name}”").format(name=self.name) if self.name else _unnamed(self.block_type)
        texts = {
            OVERDUE: _("Catch up on {what}, which was due on {day}"),
            DUE: _("Hand in {what} by {day}"),
            BEGIN: _("Begin with {what}"),
            GO_ON: _("Go on with {what}"),
            SKIPPED: _("Look at {what}, as most others did"),
            COURSE: _("Go on where you left off"),
        }
        return texts[self.kind].format(what=what, day=_day(self.due))


@dataclass(frozen=True)
class Next:
    """What one learner can do next: `steps`, and what of it all is `due` first, where something is."""

    steps: tuple[Step, ...]
    due: Step | None = None

    @property
    def due_words(self) -> str:
        """What is due next and when, in the language in use."""
        if self.due is None:
            return _("nothing soon")
        what = _("“{name}”").format(name=self.due.name) if self.due.name else _unnamed(self.due.block_type)
        return _("{what}, {day}").format(what=what, day=_day(self.due.due))


def next_steps(course_key: CourseKey, user_ids: Iterable[int], now: datetime) -> dict[int, list[Step]]:
    """The next steps of each of these users, at most three and never none."""
    return {user_id: list(told.steps) for user_id, told in ahead(course_key, user_ids, now).items()}


def ahead(course_key: CourseKey, user_ids: Iterable[int], now: datetime) -> dict[int, Next]:
    """What each of these users can do next, in a few statements however many they are.

    Nothing is read of anybody else, nor of the event store.
    """
    asked = list(user_ids)
    way = trail.way_of(course_key)
    spots = trail.spots_of(course_key, asked)
    met = trail.lately(course_key, asked)
    dues = platform().open_dues(course_key, asked)
    places = {item: place for place, item in enumerate(way)}
    found = {}
    for user_id in asked:
        since = (places[item] for item in met.get(user_id, ()) if item in places)
        spot = spots.get(user_id, START).after(since)
        found[user_id] = _next(course_key, way, spot, dues.get(user_id, []), now)
    return found


def _next(
    course_key: CourseKey,
    way: Sequence[str],
    spot: Spot,
    dues: Sequence[tuple[datetime, str]],
    now: datetime,
) -> Next:
    late = [(due, block) for due, block in dues if now - BEHIND <= due < now]
    soon = [(due, block) for due, block in dues if now <= due <= now + AHEAD]
    told = [_step(OVERDUE, course_key, block, now, due) for due, block in late[-1:]]
    coming = [_step(DUE, course_key, block, now, due) for due, block in soon[:1]]
    told += coming
    told += [
        _step(kind, course_key, way[place], now) for kind, place in _along(len(way), spot)[: MOST - len(told)]
    ]
    return Next(tuple(told), coming[0] if coming else None) if told else nothing(course_key)


def nothing(course_key: CourseKey) -> Next:
    """Where nothing is known: go on."""
    return Next((Step(COURSE, platform().page_url(course_key, "course")),))


def _along(length: int, spot: Spot) -> list[tuple[str, int]]:
    """Where on the way to go: on from the furthest place, then what was left out, from the beginning."""
    following = spot.furthest + 1
    kind = GO_ON if following else BEGIN
    skipped = [(SKIPPED, place) for place in spot.left_out]
    return [*([(kind, following)] if following < length else []), *skipped]


def _step(kind: str, course_key: CourseKey, block: str, now: datetime, due: datetime | None = None) -> Step:
    try:
        key = UsageKey.from_string(block)
    except InvalidKeyError:
        return Step(kind, platform().page_url(course_key, "course"), due=due)
    key = key if key.course_key.run else key.map_into_course(course_key)
    name = _name(str(key), int(now.timestamp()) // SHELF_SECONDS)
    return Step(kind, platform().block_url(key), name, key.block_type, due)


@lru_cache(maxsize=4096)
def _name(block: str, _hour: int) -> str:
    """What the teacher called a block, asked once an hour; empty where nobody says."""
    return platform().labels([UsageKey.from_string(block)]).get(block, "")


def forget() -> None:
    """Look at everything anew."""
    _name.cache_clear()


def _unnamed(block_type: str) -> str:
    known = {
        "video": _("the next video"),
        "problem": _("the next problem"),
        "sequential": _("the next assignment"),
    }
    return known.get(block_type, _("the next page"))


def _day(at: datetime | None) -> str:
    return "" if at is None else formats.date_format(timezone.localtime(at), "DATE_FORMAT")
