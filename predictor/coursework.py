"""What a learner handed in, how it was graded, and where help was sought: columns for the risk model.

Beside `signals`, which knows events only by how many and when. Kinds of events are told by their
course-general names: a problem's attempts, right and wrong answers, hints, the forum, videos. NaN stands
where there is nothing to speak of, such as a score where nothing was graded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .handfeatures import SESSION_PAUSE
from .moments import HOUR, FloatArray, IntArray, Past
from .sequences import Sequences
from .signals import Columns, Stream

Mask = NDArray[np.bool_]

ADMINISTRATIVE = (
    "edx.certificate.", "edx.cohort.", "edx.completion.", "edx.course.enrollment.", "edx.course.grade.",
    "edx.grades.",
)  # fmt: skip
"""Events that can happen to a learner who never came."""
POSTS = (
    "create discussion", "edx.forum.comment.created", "edx.forum.response.created",
    "edx.forum.thread.created", "reply discussion comment", "reply thread discussion",
)  # fmt: skip
RECENT_DAYS = 14


def is_attempt(name: str) -> bool:
    """Whether an event hands in an answer."""
    return name == "problem" or name.startswith("problem_check") or name.endswith(".create_submission")


def is_forum(name: str) -> bool:
    """Whether an event reads or writes in the forum."""
    return "discussion" in name or "forum" in name


def is_hint(name: str) -> bool:
    """Whether an event asks for a hint or shows the answer."""
    return "hint" in name or name == "showanswer"


def is_visit(name: str) -> bool:
    """Whether an event shows that the learner was there."""
    return not name.startswith(ADMINISTRATIVE)


def first_submission(sequences: Sequences) -> float:
    """When somebody in a course run first handed in anything; inf where nobody does."""
    chosen = np.asarray([is_attempt(name) for name in sequences.names], dtype=np.bool_)
    if not chosen.any() or not len(sequences.times):
        return np.inf
    return float(np.min(sequences.times[chosen[sequences.tokens]], initial=np.inf))


def _firsts(owners: IntArray, items: IntArray) -> IntArray:
    """Places of every owner's first event with each item, in order; an event without item counts as one."""
    named = np.flatnonzero(items >= 0)
    span = int(items.max(initial=0)) + 1
    _, first = np.unique(owners[named] * span + items[named], return_index=True)
    return np.sort(np.concatenate((named[first], np.flatnonzero(items < 0))))


def coursework(known: Past, first: float) -> Columns:
    """Columns [n] of enrolments of one course run whose events before their moments are `known`.

    `first` is when somebody first handed in anything: before, it means nothing not to have done so.

    What is done is counted per active day, a day with events: who is away does not do less of it for that.
    """
    stream = Stream.of(known, ())
    attempt, visit = _mask(known, is_attempt), _mask(known, is_visit)
    active = np.maximum(stream.distinct(_days(stream), visit), 1.0)
    return {
        "never": (stream.count(visit) == 0).astype(np.float64),
        **_pace(known, stream, visit, active),
        **_submissions(stream, attempt, visit, active, first),
        **_grades(known, stream, attempt),
        **_help(known, stream, attempt, active),
    }


def _pace(known: Past, stream: Stream, visit: Mask, active: FloatArray) -> Columns:
    recent = visit & (stream.age <= RECENT_DAYS)
    lately = stream.distinct(_days(stream), recent)
    there = np.where(lately > 0, np.maximum(lately, 1.0), np.nan)
    spent, named = _hours(stream), stream.items >= 0
    return {
        "days there": active,
        "hours per active day": stream.total(spent) / active,
        "hours per active day 14": stream.total(spent * recent) / there,
        "items per active day": stream.distinct(stream.items, visit & named) / active,
        "items per active day 14": stream.distinct(stream.items, recent & named) / there,
        "videos per active day": stream.count(_mask(known, lambda name: "video" in name)) / active,
    }


def _days(stream: Stream) -> IntArray:
    return np.floor(stream.age).astype(np.int64)


def _hours(stream: Stream) -> FloatArray:
    """Hours from the event before to each event [N]; pauses of more than half an hour are none."""
    pause = np.diff(stream.times, prepend=np.nan)
    same = np.diff(stream.owners, prepend=-1) == 0
    return np.where(same & (pause <= SESSION_PAUSE), pause, 0.0) / HOUR


def _mask(known: Past, chosen: Callable[[str], bool]) -> Mask:
    names = np.asarray([chosen(name) for name in known.names], dtype=np.bool_)
    return names[known.tokens] if len(known.tokens) else np.zeros(0, dtype=np.bool_)


def _submissions(stream: Stream, attempt: Mask, visit: Mask, active: FloatArray, first: float) -> Columns:
    places = np.flatnonzero(attempt)
    firsts = places[_firsts(stream.owners[places], stream.items[places])]
    submitted = np.bincount(stream.owners[firsts], minlength=stream.n).astype(np.float64)
    latest = np.full(stream.n, -np.inf)
    latest[stream.owners[places]] = stream.times[places]
    since = visit & (stream.times > latest[stream.owners])
    visited = stream.distinct(stream.items, visit & (stream.items >= 0))
    begun = stream.moments > first
    return {
        "submitted per active day": np.where(begun, submitted / active, np.nan),
        "days there without submitting": np.where(begun, stream.distinct(_days(stream), since), np.nan),
        "submitted of visited": np.where((visited > 0) & begun, submitted / np.maximum(visited, 1), np.nan),
        "tries": np.where(submitted > 0, stream.count(attempt) / np.maximum(submitted, 1), np.nan),
    }


def _grades(known: Past, stream: Stream, attempt: Mask) -> Columns:
    right = _mask(known, lambda name: name == "problem_check_correct")
    wrong = _mask(known, lambda name: name == "problem_check_incorrect")
    told = right | wrong
    answers = stream.count(told)
    scored = attempt & np.isfinite(known.scores)
    recent = scored & (stream.age <= RECENT_DAYS)
    return {
        "right": np.where(answers > 0, stream.count(right) / np.maximum(answers, 1), np.nan),
        "wrong in a row": _run_of(stream, right, wrong) + np.where(answers > 0, 0.0, np.nan),
        "score": _mean(stream, scored, known.scores),
        "recent score": _mean(stream, recent, known.scores),
    }


def _mean(stream: Stream, mask: Mask, values: FloatArray) -> FloatArray:
    count = stream.count(mask)
    total = stream.total(np.where(mask, values, 0.0))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _run_of(stream: Stream, right: Mask, wrong: Mask) -> FloatArray:
    """Wrong answers since the last right one, per enrolment [n]."""
    latest = np.full(stream.n, -np.inf)
    latest[stream.owners[right]] = np.flatnonzero(right)
    return stream.count(wrong & (np.arange(len(wrong)) > latest[stream.owners]))


def _help(known: Past, stream: Stream, attempt: Mask, active: FloatArray) -> Columns:
    attempts = stream.count(attempt)
    hints = stream.count(_mask(known, is_hint))
    return {
        "forum per active day": stream.count(_mask(known, is_forum)) / active,
        "posts": stream.count(_mask(known, lambda name: name in POSTS)),
        "hints per attempt": np.where(attempts > 0, hints / np.maximum(attempts, 1), np.nan),
    }
