"""What the helpfulness model sees of a learner, a moment and a message, as one named vector.

The vector has two parts: what is the same for every message of a moment (`shared`), then what belongs to
one message (`of_message`).  Every value is finite and of order one; what is unknown is zero beside a flag
that says so.  Names are `group.what`; the model finds the learner's momentary state by its group.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from . import leanings
from .leanings import Answers

Vector = NDArray[np.float32]

KINDS = ("review", "practise", "encourage", "plan", "people", "return", "celebrate", "stretch", "other")
TRIGGERS = (
    "unit_seen",
    "item_completed",
    "problem_failed",
    "problem_passed",
    "score_below",
    "return_after_absence",
    "inactivity",
    "deadline_near",
)
OBJECTIVES = ("click", "items")
"""What else than a vote a nudge may be for."""
STATE_GROUPS = ("hidden", "reading", "recent")

DAY = 86400.0
VISIT_GAP = 1800.0
FATIGUE_DAYS = 1.5
WINDOWS = (1200.0, DAY)
DECAYS = (0.6, 0.9)
USUAL_PAUSE = 3.0  # log of seconds
LAST = 100
"""How many of the newest events have a place in the decayed order; what comes before them weighs nothing."""
COUNTRY_BUCKETS = 12
DIFFICULTIES = ("introductory", "intermediate", "advanced")
EDUCATION = {
    "p": "doctorate", "p_se": "doctorate", "p_oth": "doctorate", "doctorate": "doctorate",
    "m": "master", "master": "master",
    "b": "bachelor", "a": "bachelor", "bachelor": "bachelor",
    "hs": "school", "jhs": "school", "el": "school", "secondary": "school",
}  # fmt: skip

# What an event tells about the state of mind; everything else is "other".
ACTIONS = (
    "play", "pause", "seek", "speed", "stop", "right", "wrong", "answer", "hint", "next", "back", "goto",
    "forum", "done", "leave", "other",
)  # fmt: skip
_ACTION_OF = {
    "play_video": "play", "load_video": "play", "pause_video": "pause", "seek_video": "seek",
    "speed_change_video": "speed", "stop_video": "stop", "complete_video": "stop",
    "problem_check_correct": "right", "problem_check_incorrect": "wrong", "showanswer": "answer",
    "edx.problem.hint.demandhint_displayed": "hint", "edx.problem.hint.feedback_displayed": "hint",
    "seq_next": "next", "seq_prev": "back", "seq_goto": "goto", "nav_content": "goto",
    "thread discussion": "forum", "forum homepage": "forum", "inline discussion": "forum",
    "create discussion": "forum", "reply thread discussion": "forum", "edx.forum.thread.created": "forum",
    "edx.forum.response.created": "forum", "edx.forum.comment.created": "forum",
    "edx.forum.thread.viewed": "forum", "forum_view": "forum", "forum_post": "forum",
    "edx.completion.block_completion.changed": "done", "item_completed": "done", "page_close": "leave",
}  # fmt: skip
_CODES = {token: ACTIONS.index(action) for token, action in _ACTION_OF.items()}
_OTHER = ACTIONS.index("other")
_WRONG, _RIGHT = ACTIONS.index("wrong"), ACTIONS.index("right")


@dataclass(frozen=True, slots=True)
class History:
    """A learner's past with our messages.  `ages`: seconds since each send of the last week."""

    total: Answers = field(default_factory=Answers)
    kinds: Mapping[str, Answers] = field(default_factory=dict)
    ages: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Recent events, oldest first, with their ages in seconds; the mode and what was completed before."""

    tokens: Sequence[str] = ()
    ages: Sequence[float] = ()
    mode: str = ""
    completed: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of the course run.  `week` counts from its start; `length` is in weeks, 0 unknown."""

    difficulty: str = ""
    self_paced: bool = False
    week: float = 0.0
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """One wording at one placement: its kind, what triggers it, and its shrunken share of helpful votes.

    `objective`: "vote", or what else success is; `helpful` and `not_helpful` are then success and failure.
    """

    kind: str = "other"
    trigger: str = ""
    helpful: float = 0.2
    not_helpful: float = 0.1
    shown: float = 0.0
    objective: str = "vote"


def features(
    hidden: Sequence[float] | Vector,
    reading: Mapping[str, float],
    history: History,
    profile: Mapping[str, Any],
    behaviour: Behaviour,
    course: Course,
    message: Message,
) -> tuple[tuple[str, ...], Vector]:
    """Names and values of one (learner, moment, message).  An empty `profile` is one not to be used.

    `hidden` is the LSTM's state (empty: none), `reading` its predictions by target.
    """
    common = shared(hidden, reading, history, profile, behaviour, course)
    vector = np.concatenate([common, of_message(history, message)])
    return names(len(hidden), tuple(sorted(reading))), vector


def shared(
    hidden: Sequence[float] | Vector,
    reading: Mapping[str, float],
    history: History,
    profile: Mapping[str, Any],
    behaviour: Behaviour,
    course: Course,
) -> Vector:
    """The part that all messages of one moment share."""
    rest = [
        *(_logit(reading[name]) for name in sorted(reading)),
        *_recent(behaviour),
        *_history(history),
        *_profile(profile),
        *_course(behaviour, course),
    ]
    return np.concatenate([np.asarray(hidden, np.float32), np.asarray(rest, np.float32)])


def of_message(history: History, message: Message) -> Vector:
    """The part that belongs to one message."""
    kind = message.kind if message.kind in KINDS else "other"
    own = leanings.of_learner(history.total, history.kinds)
    mine = history.kinds.get(message.kind, Answers())
    row = [
        *_one_hot(kind, KINDS),
        *_one_hot(message.trigger, TRIGGERS),
        *_one_hot(message.objective, OBJECTIVES),
        _logit(message.helpful),
        _logit(message.not_helpful),
        math.log1p(message.shown),
        math.log1p(mine.sent),
        own.tastes.get(message.kind, 0.0),
    ]
    return np.asarray(row, np.float32)


@lru_cache(maxsize=16)
def names(hidden_size: int, targets: tuple[str, ...]) -> tuple[str, ...]:
    """The name of each value, in order."""
    return (
        *(f"hidden.{index}" for index in range(hidden_size)),
        *(f"reading.{name}" for name in targets),
        *_recent_names(),
        *(f"history.{name}" for name in ("sent", "fatigue", "hours_since", "liking", "readiness")),
        *_profile_names(),
        *(f"course.{name}" for name in ("verified", "completed", "self_paced", "week", "share")),
        *(f"course.{name}" for name in DIFFICULTIES),
        *(f"kind.{name}" for name in KINDS),
        *(f"trigger.{name}" for name in TRIGGERS),
        *(f"objective.{name}" for name in OBJECTIVES),
        *(f"message.{name}" for name in ("helpful", "not_helpful", "shown")),
        *(f"message.kind_{name}" for name in ("sent", "liking")),
    )


def with_state(
    vectors: NDArray[np.float32],
    old: Sequence[str],
    hidden: NDArray[np.float32],
    readings: NDArray[np.float32],
    targets: Sequence[str],
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Replace the LSTM part of stored vectors by that of another LSTM.

    Decisions keep what the model of their day saw.  A newer LSTM has another hidden space, so tonight's
    helpfulness model is trained on the newer state at the same moments.  `vectors` is [n, d] with names
    `old`, `hidden` [n, H], `readings` [n, T] probabilities in the order of `targets`.
    """
    keep = [index for index, name in enumerate(old) if name.partition(".")[0] not in ("hidden", "reading")]
    order = np.argsort(np.asarray(targets, dtype=object))
    clipped = np.clip(readings[:, order], 0.005, 0.995)
    parts = [hidden, np.log(clipped / (1.0 - clipped)), vectors[:, keep]]
    return names(hidden.shape[1], tuple(sorted(targets))), np.concatenate(parts, axis=1).astype(np.float32)


def _recent_names() -> list[str]:
    windows = [f"recent.{action}_{int(window)}s" for window in WINDOWS for action in ACTIONS]
    decays = [f"recent.{action}_last_{decay}" for decay in DECAYS for action in ACTIONS]
    pauses = [f"recent.{action}_{what}" for what in ("pause", "unusual_pause") for action in ACTIONS]
    rest = ("wrong_in_a_row", "gap", "pace", "visit_minutes", "visit_events", "days_away", "known")
    return [*windows, *decays, *pauses, *(f"recent.{name}" for name in rest)]


def _recent(behaviour: Behaviour) -> list[float]:
    """How much, in which order and how fast: window counts, decayed order, pace, the visit so far."""
    codes = [_CODES.get(token, _OTHER) for token in behaviour.tokens]
    ages = behaviour.ages
    if len(codes) != len(ages):
        raise ValueError(f"{len(codes)} events cannot have {len(ages)} ages")
    places, old = np.asarray(codes, np.intp), np.asarray(ages, np.float64)
    values: list[NDArray[Any]] = [
        np.log1p(np.bincount(places[old <= window], minlength=len(ACTIONS))) for window in WINDOWS
    ]
    newest, order = places[::-1][:LAST], np.arange(min(LAST, len(places)))
    for decay in DECAYS:
        values.append(np.bincount(newest, (1.0 - decay) * decay**order, minlength=len(ACTIONS)))
    values += _pauses(newest, old[::-1][: LAST + 1])
    return [*np.concatenate(values).tolist(), *_pace(codes, ages)]


def _pauses(newest: NDArray[np.intp], ages: NDArray[np.float64]) -> list[NDArray[Any]]:
    """By action, how long learners took before it, and how unlike half a minute that was; newest first.

    The same two wrong answers are a struggle after minutes and a guess after seconds.
    """
    gaps = np.maximum(np.diff(ages), 0.0)
    lengths = np.log1p(np.minimum(gaps, VISIT_GAP)) - USUAL_PAUSE
    weights = (1.0 - DECAYS[0]) * DECAYS[0] ** np.arange(len(gaps)) * (gaps < VISIT_GAP)
    actions = newest[: len(gaps)]
    signed, unusual = weights * lengths, weights * np.abs(lengths)
    return [np.bincount(actions, each, minlength=len(ACTIONS)) for each in (signed, unusual)]


def _pace(codes: Sequence[int], ages: Sequence[float]) -> list[float]:
    if not codes:
        return [0.0] * 7
    gaps = [max(0.0, older - newer) for older, newer in pairwise(ages)]
    visit = len(gaps)
    while visit > 0 and gaps[visit - 1] <= VISIT_GAP:
        visit -= 1
    inside = gaps[visit:]
    away = gaps[visit - 1] if visit > 0 else 0.0
    last = inside[-8:]
    return [
        min(5.0, float(_wrong_in_a_row(codes))),
        math.log1p(max(0.0, ages[-1])) / 4.0,
        sum(math.log1p(gap) for gap in last) / max(1, len(last)) / 4.0,
        math.log1p(sum(inside) / 60.0),
        math.log1p(len(inside)),
        math.log1p(away / DAY),
        1.0,
    ]


def _wrong_in_a_row(codes: Sequence[int]) -> int:
    count = 0
    for code in reversed(codes):
        if code == _RIGHT:
            break
        count += code == _WRONG
    return count


def _history(history: History) -> list[float]:
    fatigue = sum(math.exp(-max(0.0, age) / (FATIGUE_DAYS * DAY)) for age in history.ages)
    newest = min(history.ages, default=7 * DAY)
    own = leanings.of_learner(history.total, history.kinds)
    return [
        math.log1p(history.total.sent),
        fatigue,
        math.log1p(max(0.0, newest) / 3600.0),
        own.liking,
        own.readiness,
    ]


def _profile_names() -> list[str]:
    education = ("doctorate", "master", "bachelor", "school")
    return [
        *(f"profile.{name}" for name in ("known", "female", "male", "birth_known", "decades")),
        *(f"profile.{name}" for name in education),
        *(f"profile.{name}" for name in ("english", "language_known")),
        *(f"profile.country_{bucket}" for bucket in range(COUNTRY_BUCKETS)),
    ]


def _profile(profile: Mapping[str, Any]) -> list[float]:
    """Demographics; countries share a few buckets, as most are rare."""
    gender, country = str(profile.get("gender") or ""), str(profile.get("country") or "")
    language = str(profile.get("language") or "")
    year = profile.get("birth_year")
    born = year if isinstance(year, int) and 1900 < year < 2100 else None
    education = EDUCATION.get(str(profile.get("education") or ""), "")
    bucket = crc32(country.encode()) % COUNTRY_BUCKETS if country else -1
    return [
        float(bool(profile)),
        float(gender.startswith("f")),
        float(gender.startswith("m")),
        float(born is not None),
        0.0 if born is None else (1990 - born) / 10.0,
        *_one_hot(education, ("doctorate", "master", "bachelor", "school")),
        float(language.startswith("en")),
        float(bool(language)),
        *(float(bucket == index) for index in range(COUNTRY_BUCKETS)),
    ]


def _course(behaviour: Behaviour, course: Course) -> list[float]:
    share = min(1.5, course.week / course.length) if course.length > 0 else 0.0
    return [
        float(behaviour.mode not in ("", "audit", "honor")),
        math.log1p(max(0, behaviour.completed)),
        float(course.self_paced),
        math.log1p(max(0.0, course.week)),
        share,
        *_one_hot(course.difficulty, DIFFICULTIES),
    ]


def _one_hot(value: str, values: Sequence[str]) -> list[float]:
    return [float(value == each) for each in values]


def _logit(share: float) -> float:
    clipped = min(0.995, max(0.005, share))
    return math.log(clipped / (1.0 - clipped))
