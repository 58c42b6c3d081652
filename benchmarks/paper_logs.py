"""Tracking logs of the size of the Communicator study, made up and the same for the same seed.

Twenty courses of 4 to 19 weeks, 88 kinds of events, streams of a lognormal length up to 6,909 events.  The
lines are those of `benchmarks.tracking`, rendered once per kind, course and item and then filled in, which is
some ten times faster.  They lie in order of time in rotated files, every second one compressed; each file
begins with the last lines of the one before, as files do that are shipped while they are being written.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise, repeat
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tracking import KINDS, START, record

COURSES = 20
LONGEST = 6_909
"""Le & Pardos' longest stream."""
MEDIAN_LENGTH = 40
SESSION = 20
"""Events in one sitting, about."""
ITEMS = 40
FILES = 20
OVERLAP = 2_000
"""Lines that a file repeats of the one before."""
CHUNK = 50_000
DAY = 86_400.0

PAGES = (
    "about",
    "syllabus",
    "dates",
    "bookmarks",
    "teams",
    "notes",
    "courseware_search",
    "jump_to/{problem}",
    "jump_to_id/x",
    "pdfbook/0/",
    "wiki/page",
    "tab/x",
    "other",
    "discussion/forum/users/7",
    "discussion/forum/search",
    "discussion/forum/x/inline",
    "discussion/forum/x/threads/y",
    "discussion/x/threads/create",
    "discussion/x/follow",
    "discussion/upload",
)
NAMES = (
    "seq_prev",
    "stop_video",
    "speed_change_video",
    "hide_transcript",
    "show_transcript",
    "video_hide_cc_menu",
    "video_show_cc_menu",
    "complete_video",
    "edx.bookmark.added",
    "edx.bookmark.removed",
    "edx.bookmark.listed",
    "edx.forum.thread.created",
    "edx.forum.response.created",
    "edx.forum.comment.created",
    "edx.forum.thread.viewed",
    "edx.course.enrollment.activated",
    "edx.course.enrollment.mode_changed",
    "edx.problem.hint.demandhint_displayed",
    "edx.ui.lms.link_clicked",
    "edx.ui.lms.outline.selected",
    "edx.course.student_notes.added",
    "edx.course.student_notes.viewed",
    "textbook.pdf.page.navigated",
    "textbook.pdf.page.scrolled",
    "openassessmentblock.create_submission",
    "openassessmentblock.peer_assess",
)
VERBS = (
    "close",
    "delete",
    "downvote",
    "endorse",
    "flagAbuse",
    "follow",
    "pin",
    "reply",
    "unFlagAbuse",
    "unfollow",
    "unpin",
    "unvote",
    "update",
    "upvote",
)
POSTS = tuple(f"discussion/{kind}s/x/{verb}" for kind in ("thread", "comment") for verb in VERBS)
RARE = [*NAMES, *(f"/courses/{{course}}/{page}" for page in (*PAGES, *POSTS))]
RARE_SHARE = 0.1


@dataclass(frozen=True)
class Plan:
    """Every line in order of time: course, learner, kind, item and time; N lines.

    `owner` [N] is unique over all courses, `course` [owners]; `kind` [N] is an index into `kinds()`.
    """

    course: NDArray[np.uint8]
    start: NDArray[np.float64]
    owner: NDArray[np.int32]
    kind: NDArray[np.uint8]
    item: NDArray[np.uint8]
    time: NDArray[np.float64]

    def save(self, folder: Path) -> None:
        """Keep it, for the processes that write."""
        for name, values in vars(self).items():
            np.save(folder / f"{name}.npy", values)

    @classmethod
    def load(cls, folder: Path) -> Plan:
        """The plan that was kept, mapped from disk."""
        return cls(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in cls.__annotations__})

    @property
    def events(self) -> int:
        """Lines that are events of learners."""
        kept = np.array([not set_aside(kind) for kind in kinds()])
        return int(kept[self.kind].sum())


def kinds() -> list[str]:
    """All kinds of lines, as `benchmarks.tracking` knows them."""
    return [*KINDS, *RARE]


def set_aside(kind: str) -> bool:
    """Whether such a line is no learner's action: a browser's copy, or a request behind a page."""
    return kind in ("browser problem_check", "problem_graded") or "/xblock/" in kind


def plan(events: int, seed: int = 1) -> Plan:
    """Lines that hold about `events` events."""
    draw = np.random.default_rng(seed)
    names, chance = kinds(), _chances()
    aside = sum(share for name, share in zip(names, chance, strict=True) if set_aside(name))
    sizes = _sizes(draw, round(events / (1 - aside)))
    people, count = len(sizes), int(sizes.sum())
    course = (np.arange(people) % COURSES).astype(np.uint8)
    weeks = draw.integers(4, 20, COURSES)
    start = START.timestamp() + draw.integers(0, 8, COURSES) * 7 * DAY
    stay = draw.uniform(0.02, 1, people) * weeks[course] * 7 * DAY
    owner = np.repeat(np.arange(people, dtype=np.int32), sizes)
    place = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    sitting = np.random.default_rng([seed, 1]).random(count)[np.arange(count) - place % SESSION]
    time = start[course[owner]] + sitting * stay[owner] + place % SESSION * 45 + draw.random(count) * 40
    order = np.argsort(time, kind="stable")
    kind = draw.choice(len(names), count, p=chance).astype(np.uint8)
    item = draw.integers(0, ITEMS, count).astype(np.uint8)
    return Plan(course, start, owner[order], kind, item, time[order])


def _sizes(draw: np.random.Generator, lines: int) -> NDArray[np.int64]:
    """Lines of each learner, `lines` in all, one of them the longest."""
    mean = MEDIAN_LENGTH * np.exp(1.5**2 / 2)
    drawn = MEDIAN_LENGTH * draw.lognormal(0, 1.5, int(2 * lines / mean) + 2)
    sizes = np.clip(drawn, 1, LONGEST).astype(np.int64)
    sizes[0] = min(LONGEST, lines)
    enough = int(np.searchsorted(np.cumsum(sizes), lines)) + 1
    sizes = sizes[:enough]
    sizes[-1] -= sizes.sum() - lines
    return sizes


def _chances() -> list[float]:
    common = sum(KINDS.values())
    rare = 1 / np.arange(1, len(RARE) + 1)
    return [
        *((1 - RARE_SHARE) * weight / common for weight in KINDS.values()),
        *(RARE_SHARE * rare / rare.sum()).tolist(),
    ]


def write(made: Plan, folder: Path, processes: int) -> list[Path]:
    """Write the lines of a plan as log files below `folder`; the files, oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    made.save(folder.parent)
    bounds = np.linspace(0, len(made.time), FILES + 1).astype(int).tolist()
    parts = [
        (folder / f"tracking.log-{number:02d}{'.gz' if number % 2 == 0 else ''}", max(0, low - OVERLAP), high)
        for number, (low, high) in enumerate(pairwise(bounds))
    ]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        list(pool.map(_write_file, repeat(folder.parent), *zip(*parts, strict=True)))
    return [path for path, _, _ in parts]


def _write_file(kept: Path, path: Path, low: int, high: int) -> None:
    made = Plan.load(kept)
    file: IO[bytes]
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else open(path, "wb") as file:  # type: ignore[assignment]
        for begin in range(low, high, CHUNK):
            file.write("".join(rendered(made, begin, min(begin + CHUNK, high))).encode())


def rendered(made: Plan, low: int, high: int) -> Iterator[str]:
    """The lines `low` to `high`."""
    owners = made.owner[low:high]
    moments = np.datetime_as_string((made.time[low:high] * 1e6).astype("datetime64[us]"))
    rows = (owners, made.course[owners], made.kind[low:high], made.item[low:high], moments)
    for owner, course, kind, item, moment in zip(*(row.tolist() for row in rows), strict=True):
        learner = owner + 1
        session = f"{learner * 7919:032x}"
        yield template(kind, course, item) % (learner, moment + "+00:00", session, learner)


@cache
def template(kind: int, course: int, item: int) -> str:
    """A line with places for learner, time, session and learner."""
    learner, moment = 10**14 + 7, datetime(2001, 2, 3, 4, 5, 6, 789, UTC)
    draw = random.Random(f"{kind} {course} {item}")
    made: Mapping[str, Any] = record(kinds()[kind], course, learner, moment, item, draw)
    line = json.dumps(made).replace("%", "%%")
    for told in (f"learner{learner}", moment.isoformat(), f"{learner * 7919:032x}", f'"user_id": {learner}'):
        assert line.count(told) == 1
        line = line.replace(
            told, "learner%d" if told[0] == "l" else '"user_id": %d' if told[0] == '"' else "%s"
        )
    return line + "\n"


def write_outcomes(made: Plan, path: Path) -> None:
    """What became of everyone: the longer the stream, the likelier a certificate."""
    sizes = np.bincount(made.owner, minlength=len(made.course))
    draw = np.random.default_rng(len(sizes))
    effort = np.log(np.maximum(sizes, 1) / MEDIAN_LENGTH) + draw.normal(0, 1, len(sizes))
    with open(path, "w") as file:
        file.write("course_id,learner_id,course_start,certified,completed\n")
        for owner, course in enumerate(made.course.tolist()):
            labels = f"{int(effort[owner] > 1.8)},{int(effort[owner] > 1.2)}"
            file.write(f"{course_id(course)},{owner + 1},{made.start[course]},{labels}\n")


def course_id(course: int) -> str:
    """The key that `benchmarks.tracking` gives a course."""
    return f"course-v1:Made+C{course:03d}+2016"
