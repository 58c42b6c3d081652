"""What is known of each learner who takes a course run now, in columns: what staff choose by.

Read in a handful of statements and held in arrays, so that 100,000 learners are there within a second or so.
Rows are in the order of the pseudonyms, which tells nothing of who enrolled first.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from django.db.models import CharField, FilteredRelation, Max, Q, TextField
from django.db.models.functions import Cast, Coalesce, Left
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.compat import platform
from nudge_xblock.models import Enrolment, InboxEvent, Night
from predictor.factors import GROUPS

from . import reach
from .selection import (
    MOST_DAYS,
    NAMED,
    NEVER,
    PERCENTS,
    REASONS,
    SEEN,
    SEVERAL,
    UNKNOWN,
    Column,
    Figures,
    bits,
)

PREDICTED = ("pass", "complete", "leave")
ABSENT_DAYS = 7
FELL_POINTS = 15
PSEUDONYM = 8
"""Bytes of a pseudonym here: the first sixteen hexadecimal digits of it."""
LONGEST_NIGHT = timedelta(days=7)
"""How far back events are looked at where no night ever read them."""
MARGIN = timedelta(hours=1)

Ids = npt.NDArray[np.int64]
DAY = 86400
NOT = np.datetime64("NaT")


@dataclass(frozen=True)
class Learners:
    """The learners of a course run, a row each."""

    course_key: CourseKey
    at: datetime
    user_ids: Ids
    """int64[n]; never leaves the server."""
    pseudonyms: npt.NDArray[np.uint64]
    """Sorted, most significant byte first."""
    figures: Figures
    """`columns` beside those to choose by: "reachable" (0 or 1), whether a mail may reach them."""

    def __len__(self) -> int:
        return len(self.user_ids)

    @property
    def reachable(self) -> npt.NDArray[np.bool_]:
        """Whom a mail may reach [n]."""
        return self.figures.columns["reachable"].astype(np.bool_)

    def why(self, row: int) -> dict[str, Any]:
        """One learner's figures, by which a selection held them; unknown ones are left out."""
        columns = self.figures.columns
        told: dict[str, Any] = {
            name: int(columns[name][row]) for name in PERCENTS if columns[name][row] != UNKNOWN
        }
        seen = int(columns[SEEN][row])
        told[SEEN] = "never" if seen == NEVER else seen
        told["mode"] = self.figures.modes[int(columns["mode"][row])]
        held = int(columns["reasons"][row])
        told["reasons"] = [name for place, name in enumerate(REASONS) if held >> place & 1]
        told |= {key: names[columns[key][row] - 1] for key, names in NAMED.items() if columns[key][row]}
        return told

    def names(self) -> list[str]:
        """Every learner's pseudonym."""
        digits, wide = self.pseudonyms.tobytes().hex(), 2 * PSEUDONYM
        return [digits[at : at + wide] for at in range(0, len(digits), wide)]


def learners(course_key: CourseKey, now: datetime | None = None) -> Learners:
    """Everyone who takes the course run now, staff left out."""
    now = now or timezone.now()
    modes = platform().members(course_key)
    for user_id in platform().staff_ids(course_key):
        modes.pop(user_id, None)
    user_ids = np.fromiter(modes, np.int64, len(modes))
    names = pseudonyms(course_key, user_ids)
    order = np.argsort(names, kind="stable")
    user_ids, names = user_ids[order], names[order]
    kinds = {mode: place for place, mode in enumerate(sorted(set(modes.values())))}
    listed = user_ids.tolist()
    columns = _figures(course_key, user_ids, now) | {
        "mode": np.array([kinds[modes[user_id]] for user_id in listed], np.uint8),
        "reachable": np.isin(user_ids, list(reach.reachable(course_key, listed))).astype(np.uint8),
    }
    return Learners(course_key, now, user_ids, names, Figures(columns, tuple(kinds), names))


def pseudonyms(course_key: CourseKey, user_ids: Ids) -> npt.NDArray[np.uint64]:
    """The pseudonym of each user as a number, most significant byte first."""
    names = platform().anonymous_ids(user_ids.tolist(), course_key)
    return np.frombuffer(bytes.fromhex("".join(name[: 2 * PSEUDONYM] for name in names)), ">u8")


def payload(found: Learners) -> dict[str, Any]:
    """The learners as the browser gets them: columns in base64, little-endian, under pseudonyms."""
    return {
        "course": str(found.course_key),
        "at": found.at.astimezone(UTC).isoformat(),
        "n": len(found),
        "columns": {
            name: {
                "type": f"u{8 * column.itemsize}",
                "data": _text(column.astype(column.dtype.newbyteorder("<"))),
            }
            for name, column in found.figures.columns.items()
        },
        "pseudonyms": _text(found.pseudonyms),
        "modes": list(found.figures.modes),
    }


def _text(column: Column) -> str:
    return base64.b64encode(column.tobytes()).decode()


def _figures(course_key: CourseKey, user_ids: Ids, now: datetime) -> dict[str, Column]:
    """The columns that the night and the events since then tell; who is new has none."""
    rows = _rows(course_key)
    known = np.array([row[0] for row in rows], np.int64)
    at = _places(user_ids, known)
    columns: dict[str, Column] = _percents([row[1] for row in rows], at)
    progress = np.array([UNKNOWN if row[3] is None else row[3] for row in rows], np.uint8)
    columns["progress"] = _taken(progress, at, UNKNOWN)
    columns[SEEN] = seen = _seen(course_key, user_ids, _taken(_times([row[2] for row in rows]), at, NOT), now)
    fell = _taken(np.array([row[4] for row in rows], np.int64), at, 0)
    absent = (seen >= ABSENT_DAYS) & (seen != NEVER)
    signs = {"absent": absent, "never_came": seen == NEVER, "fell": fell >= FELL_POINTS}
    columns["reasons"] = sum(
        (holds.astype(np.uint32) * bits([name]) for name, holds in signs.items()),
        np.zeros(len(seen), np.uint32),
    )
    return columns | _at_risk([row[5:] for row in rows], at)


def _at_risk(told: Sequence[tuple[str | None, str | None]], places: Ids) -> dict[str, Column]:
    """The tier of each learner at risk and the leading reason, by their places in NAMED; 0 for who is not.

    Who has an open case is in its tier: a chance that moves a little beside a limit moves nobody.
    """
    numbers: dict[tuple[str | None, str | None], tuple[int, int]] = {
        (tier, group): (NAMED["tier"].index(tier) + 1, NAMED["risk"].index(group or SEVERAL) + 1)
        for tier in NAMED["tier"]
        for group in ("", *GROUPS)
    }
    found = np.array([numbers.get(each, (0, 0)) for each in told], np.uint8).reshape(-1, 2)
    return {key: _taken(found[:, column], places, 0) for column, key in enumerate(NAMED)}


def _rows(
    course_key: CourseKey,
) -> list[tuple[int, str, str | None, int | None, int, str | None, str | None]]:
    """User id, predictions, last seen, progress, fall, tier and leading reason of each enrolment, times and
    JSON as text.

    Reading 100,000 of either through Django's fields would take longer than all the rest.
    """
    rows = Enrolment.objects.filter(course_key=course_key).annotate(
        told=Cast("predictions", TextField()),
        at=Left(Cast("last_seen", CharField(max_length=32)), 19),
        open=FilteredRelation("cases", condition=Q(cases__state="open")),
        tier=Coalesce("open__tier", "risk__tier"),
        group=Coalesce("risk__group", "open__group"),
    )
    known = ("learner__user_id", "told", "at", "progress", "fell", "tier", "group")
    return list(rows.values_list(*known))


def _places(user_ids: Ids, known: Ids) -> Ids:
    """Where each user is among the known ones [n]; -1 for who is not."""
    order = np.argsort(known)
    found = np.searchsorted(known, user_ids, sorter=order)
    places = order[np.minimum(found, len(known) - 1)] if len(known) else np.zeros(len(user_ids), np.int64)
    there = known[places] == user_ids if len(known) else np.zeros(len(user_ids), np.bool_)
    return np.where(there, places, -1)


def _taken(values: npt.NDArray[Any], places: Ids, missing: Any) -> npt.NDArray[Any]:
    """The values at these places, `missing` where the place is -1."""
    return np.append(values, np.array([missing], values.dtype))[places]


def _percents(texts: Sequence[str], places: Ids) -> dict[str, Column]:
    """Whole percents of what is predicted, rounded half up."""
    told: list[Mapping[str, float]] = orjson.loads(f"[{','.join(texts)}]")
    columns: dict[str, Column] = {}
    for name in PREDICTED:
        chances = np.array([each.get(name, np.nan) for each in told], np.float64)
        percents = np.floor(100.0 * np.clip(chances, 0.0, 1.0) + 0.5)
        columns[name] = _taken(
            np.where(np.isnan(percents), UNKNOWN, percents).astype(np.uint8), places, UNKNOWN
        )
    return columns


def _times(texts: Sequence[str | None]) -> npt.NDArray[np.datetime64]:
    return np.array([text or "NaT" for text in texts], "datetime64[s]")


def _seen(
    course_key: CourseKey, user_ids: Ids, stored: npt.NDArray[np.datetime64], now: datetime
) -> npt.NDArray[np.uint16]:
    """Whole days since each was last seen, by the night or by the events that came after it."""
    recent = _recently(course_key, now)
    newest = _taken(
        _times(list(recent.values())), _places(user_ids, np.fromiter(recent, np.int64, len(recent))), NOT
    )
    last = np.fmax(stored, newest)
    never = np.isnat(last)
    seconds = int(now.timestamp()) - np.where(never, 0, last.astype(np.int64))
    days = np.clip(seconds // DAY, 0, MOST_DAYS)
    return np.where(never, NEVER, days).astype(np.uint16)


def _recently(course_key: CourseKey, now: datetime) -> dict[int, str]:
    """The newest live event of each user since the last night, as text."""
    night = (
        Night.objects.filter(finished__isnull=False, failed=False).values_list("started", flat=True).first()
    )
    since = (night or now - LONGEST_NIGHT) - MARGIN
    rows = InboxEvent.objects.filter(course_key=course_key, arrived__gte=since, time__lte=now)
    newest = rows.order_by().values("user_id").annotate(newest=Max("time"))
    return dict(newest.values_list("user_id", Left(Cast("newest", CharField(max_length=32)), 19)))
