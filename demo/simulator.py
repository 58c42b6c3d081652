"""Learners who do not exist, leaving the tracking-log lines that real ones would.

A learner is a generator: it yields what it does in order of time, and where a nudge could appear it yields a
moment and is told what it was shown.  Everything is drawn from the seed, the run and the learner's number.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opaque_keys.edx.keys import CourseKey

from .lines import Line, Record

DAY = 86400.0
MOODS = ("fluent", "struggling", "skimming", "drifting")
COUNTRIES = ("NG", "SE", "MX", "EG", "GB", "IN", "BR", "US", "DE", "ID")
HELP = {  # what suits whom: log-odds that a shown card helps, by situation and mood
    "problem_failed": {"fluent": -0.4, "struggling": 1.6, "skimming": -1.2, "drifting": 0.0},
    "item_completed": {"fluent": 0.8, "struggling": 0.2, "skimming": -0.8, "drifting": -0.6},
    "return_after_absence": {"fluent": 0.2, "struggling": 0.8, "skimming": -0.4, "drifting": 1.2},
}


@dataclass(frozen=True)
class Run:
    """One course run to simulate; times in UTC."""

    key: CourseKey
    start: datetime
    weeks: int
    learners: int
    first_user_id: int


@dataclass(frozen=True)
class Learner:
    """Who somebody is: what moves them stays hidden from everything but the simulation."""

    user_id: int
    username: str
    enrolled: float
    mode: str
    gender: str
    birth_year: int
    country: str
    education: str
    ability: float
    drive: float
    stamina: float
    receptive: float


@dataclass(frozen=True)
class Moment:
    """Where a nudge could appear; ``item`` is the block's usage key."""

    user_id: int
    time: float
    when: str
    item: str
    mood: str
    receptive: float
    luck: float


@dataclass(frozen=True)
class Reply:
    """What came of a moment, as the learner felt it."""

    shown: bool = False
    helped: bool = False


@dataclass
class Result:
    """How an enrolment ended."""

    learner: Learner
    passed_at: float | None = None
    completed_at: float | None = None


Step = Record | Moment
Life = Generator[Step, "Reply | None", Result]
Answer = Callable[[Moment], Reply]


def learner(run: Run, number: int, seed: int = 1) -> Learner:
    rng = random.Random(f"{seed}/{run.key}/{number}/who")
    start = run.start.timestamp()
    return Learner(
        user_id=run.first_user_id + number,
        username=f"learner{run.first_user_id + number}",
        enrolled=start + DAY * min(10.0, rng.expovariate(0.4)) + 3600 * rng.uniform(6, 20),
        mode="verified" if rng.random() < 0.3 else "audit",
        gender=rng.choice(("f", "f", "m", "m", "o", "")),
        birth_year=int(rng.gauss(1992, 9)),
        country=rng.choice(COUNTRIES),
        education=rng.choice(("hs", "b", "b", "m", "p")),
        ability=rng.gauss(0.4, 0.8),
        drive=rng.lognormvariate(0.1, 0.6),
        stamina=rng.lognormvariate(math.log(18), 0.8),
        receptive=rng.gauss(0.0, 0.8),
    )


def play(run: Run, until: float, answer: Answer, seed: int = 1) -> Generator[Record, None, list[Result]]:
    """Everything that happens in a run up to ``until`` (unix seconds), in order of time.

    ``answer`` is asked at each moment and says what the learner saw.
    """
    lives: list[tuple[float, int, Step, Life]] = []
    results: list[Result] = []
    for number in range(run.learners):
        _advance(_live(run, learner(run, number, seed), seed, until), None, number, lives, results)
    while lives:
        _, number, step, life = heapq.heappop(lives)
        reply = None
        if isinstance(step, Moment):
            reply = answer(step)
        else:
            yield step
        _advance(life, reply, number, lives, results)
    return results


def _advance(life: Life, reply: Reply | None, number: int, lives: list[Any], results: list[Result]) -> None:
    try:
        step = life.send(reply)
    except StopIteration as end:
        results.append(end.value)
    else:
        heapq.heappush(lives, (step.time, number, step, life))


def helps(moment: Moment, quality: float = 0.0) -> str:
    """How the learner answers a shown card: helpful, not_helpful, dismissed or none."""
    fit = HELP[moment.when][moment.mood] + moment.receptive + quality
    weights = {
        "helpful": math.exp(-0.6 + 0.5 * fit),
        "not_helpful": math.exp(-1.5 - 0.5 * fit),
        "dismissed": math.exp(-0.8 - 0.3 * fit),
        "none": 1.0,
    }
    left = moment.luck * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return "none"


class _Days:
    """The visits of one learner, one after the other."""

    def __init__(self, run: Run, who: Learner, seed: int) -> None:
        self.run, self.who = run, who
        self.rng = random.Random(f"{seed}/{run.key}/{who.user_id}/life")
        self.log = Line(run.key, who.user_id, who.username, who.mode)
        self.position = 0
        self.items = [(week, kind) for week in range(1, run.weeks + 1) for kind in ("lecture", "quiz")]
        self.right = 0
        self.done = 0
        self.passed_at: float | None = None
        self.completed_at: float | None = None
        self.last = 0.0
        self.energy = 0.0

    def finish(self, time: float) -> None:
        """One more item is done."""
        self.done += 1
        if self.completed_at is None and self.done >= 0.8 * len(self.items):
            self.completed_at = time

    def answer(self, time: float) -> None:
        """One more quiz is right."""
        self.right += 1
        self.finish(time)
        if self.passed_at is None and self.right >= 0.6 * self.run.weeks:
            self.passed_at = time

    def week(self, time: float) -> int:
        return 1 + int((time - self.run.start.timestamp()) // (7 * DAY))

    def chance(self, day: int) -> float:
        """Of a visit on a day, falling with time since enrolment."""
        rate = self.who.drive * math.exp(-day / self.who.stamina + self.energy)
        return min(0.9, 0.26 * rate * (0.7 if day % 7 > 4 else 1.0))

    def mood(self, hard: float) -> str:
        z = self.who.ability - hard
        weights = (math.exp(0.3 + z), math.exp(-z), math.exp(-0.2), math.exp(-0.5 - 0.4 * self.who.drive))
        return self.rng.choices(MOODS, weights)[0]


def _live(run: Run, who: Learner, seed: int, until: float) -> Life:
    days = _Days(run, who, seed)
    rng = days.rng
    if who.enrolled < until:
        yield days.log.enrolled(who.enrolled)
    end = run.start.timestamp() + run.weeks * 7 * DAY + 10 * DAY
    day = 0
    while (midnight := who.enrolled - who.enrolled % DAY + day * DAY) < min(end, until):
        days.energy *= 0.8
        if day == 0 or rng.random() < days.chance(day):
            start = who.enrolled + 60 if day == 0 else midnight + 3600 * min(21.0, max(5.0, rng.gauss(17, 3)))
            for_visit = _visit(days, start)
            reply = None
            while True:
                try:
                    step = for_visit.send(reply)
                except StopIteration:
                    break
                if step.time >= until:
                    return Result(who, days.passed_at, days.completed_at)
                reply = yield step
        day += 1
    return Result(who, days.passed_at, days.completed_at)


def _visit(days: _Days, time: float) -> Generator[Step, Reply | None, None]:
    rng, log = days.rng, days.log
    away = time - days.last if days.last else 0.0
    week, kind = days.items[min(days.position, len(days.items) - 1)]
    hard = 0.25 * week - 0.4
    mood = days.mood(hard)
    yield log.url(time, f"courseware/week{week}/")
    if away > 5 * DAY:
        time += rng.uniform(3, 9)
        reply = yield _moment(days, time, "return_after_absence", log.item("unit", "welcome"), mood)
        days.energy += 0.4 if reply and reply.helped else 0.0
    for _ in range(1 + min(4, int(rng.expovariate(0.6)))):
        if days.position >= len(days.items):
            break
        week, kind = days.items[days.position]
        if week > days.week(time):
            break
        hard = 0.25 * week - 0.4
        time = yield from (_lecture if kind == "lecture" else _quiz)(days, time, week, hard, mood)
        if rng.random() < 0.3:
            mood = days.mood(hard)
        if rng.random() < {"fluent": 0.05, "struggling": 0.15, "skimming": 0.1, "drifting": 0.4}[mood]:
            break
    if rng.random() < 0.15:
        time += rng.uniform(10, 60)
        yield log.url(time, "discussion/forum/")
        if rng.random() < 0.3:
            time += rng.uniform(30, 90)
            yield log.url(time, f"discussion/forum/i4x-general/threads/{rng.getrandbits(64):016x}")
    if rng.random() < 0.2:
        time += rng.uniform(5, 30)
        yield log.url(time, "progress")
    time += rng.uniform(3, 60)
    yield log.browser(time, "page_close", {})
    days.last = time


def _lecture(
    days: _Days, time: float, week: int, hard: float, mood: str
) -> Generator[Step, Reply | None, float]:
    rng, log = days.rng, days.log
    item = log.item("lecture", f"lecture{week}")
    at = 0.0
    time += rng.uniform(1, 4)
    yield log.video(time, "load_video", item, at)
    yield log.video(time + 0.4, "play_video", item, at)
    stops = int(rng.expovariate({"fluent": 1.2, "struggling": 0.25, "skimming": 0.4, "drifting": 0.9}[mood]))
    for _ in range(min(stops, 8)):
        time += rng.uniform(4, 40)
        at += rng.uniform(4, 40)
        if mood == "skimming":
            yield log.video(time, "seek_video", item, at)
        else:
            yield log.video(time, "pause_video", item, at)
            time += rng.uniform(2, 20) * (6 if mood == "drifting" else 1)
            yield log.video(time, "play_video", item, at)
    time += rng.uniform(20, 90) * (0.3 if mood == "skimming" else 1)
    yield log.video(time, "stop_video", item, at)
    if rng.random() < {"fluent": 0.97, "struggling": 0.93, "skimming": 0.75, "drifting": 0.65}[mood]:
        days.finish(time)
        yield log.completed(time + 0.5, item)
        time += 1.5
        reply = yield _moment(days, time, "item_completed", item, mood)
        days.energy += 0.15 if reply and reply.helped else 0.0
    days.position += 1
    time += rng.uniform(1, 5)
    yield log.browser(time, "seq_next", {"old": week, "new": week + 1})
    return time


def _quiz(
    days: _Days, time: float, week: int, hard: float, mood: str
) -> Generator[Step, Reply | None, float]:
    rng, log = days.rng, days.log
    item = log.item("quiz", f"quiz{week}")
    boost = 0.0
    for attempt in range(1, 6):
        time += (
            rng.uniform(8, 40) * {"fluent": 1.0, "struggling": 2.5, "skimming": 0.4, "drifting": 2.0}[mood]
        )
        z = 0.2 + days.who.ability - hard + 0.35 * attempt + boost - (0.8 if mood == "skimming" else 0.0)
        right = rng.random() < 1 / (1 + math.exp(-z))
        yield log.browser(time, "problem_check", f"input_{week}=choice_{attempt}")
        yield log.checked(time + 0.2, item, attempt, right)
        if right:
            days.answer(time)
            yield log.completed(time + 0.4, item)
            days.position += 1
            return time + 1
        if attempt == 2:
            time += 1.5
            reply = yield _moment(days, time, "problem_failed", item, mood)
            boost += 0.8 if reply and reply.helped else 0.0
        if mood == "skimming" and rng.random() < 0.5:
            time += rng.uniform(2, 6)
            yield log.showed(time, item)
            break
        if mood == "struggling" and rng.random() < 0.4:
            time += rng.uniform(4, 12)
            yield log.browser(time, "seq_prev", {"old": week + 1, "new": week})
            time += rng.uniform(20, 80)
            yield log.video(time, "seek_video", log.item("lecture", f"lecture{week}"), rng.uniform(0, 30))
        if mood == "drifting" and rng.random() < 0.4:
            break
    days.position += 1 if rng.random() < 0.7 else 0
    return time


def _moment(days: _Days, time: float, when: str, item: str, mood: str) -> Moment:
    return Moment(days.who.user_id, time, when, item, mood, days.who.receptive, days.rng.random())


def runs(current: CourseKey, start: datetime, weeks: int, learners: int) -> Iterator[Run]:
    """Finished runs of the same and of a sister course, then the one under way, which is the largest."""
    for number, (key, weeks_ago) in enumerate(
        [
            ("course-v1:Harbour+LOG101+2025_T4", 48),
            ("course-v1:Harbour+NUM101+2026_T1", 40),
            ("course-v1:Harbour+LOG101+2026_T2", 28),
            ("course-v1:Harbour+NUM101+2026_T2", 20),
        ]
    ):
        yield Run(
            CourseKey.from_string(key),
            start - timedelta(weeks=weeks_ago),
            weeks,
            learners,
            10_000 * (number + 1),
        )
    yield Run(current, start, weeks, 3 * learners, 90_000)
