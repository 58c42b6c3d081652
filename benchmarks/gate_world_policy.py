"""The product's own gate, driven through a simulated campus that judges gates.

    PYTHONPATH=<the folder that holds gate_world>:. python -m gate_world.referee \
        --policy gate_world.baselines:MessageOnly --policy benchmarks.gate_world_policy:NudgePolicy --seeds 1

Nothing here decides or learns: the verdict is `nudge_xblock.gate.decide`, the vectors are made by
`nudge_xblock.described` and `predictor.features`, the model is `predictor.helpfulness` over the LSTM of
`predictor.training` and `predictor.streaming`, the share held back is steered by `nudge_xblock.holding`, a
learner's counts are kept by `nudge_xblock.answers`, what follows a send is judged by `nudge_xblock.activity`
and `nudge_xblock.harm`.  This file translates the campus's words into ours and
keeps in memory what the plugin keeps in its database.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gate_world.protocol import Decision
from gate_world.world import Event, Message, Moment, Response

from benchmarks.gate_world_lstm import Engagement, Key
from nudge_xblock import activity, answers, described, gate, harm, holding
from nudge_xblock.gate import Candidate, History, Policy, Tally
from nudge_xblock.normaltree import Belief
from predictor import features
from predictor.features import Behaviour, Course, Vector
from predictor.helpfulness import ANSWERS, HelpfulnessModel, Keys, lesson_weights
from predictor.plan import TrainConfig

DAY = 86400.0
EPOCH = 1_600_000_000.0 - 1_600_000_000.0 % (7 * DAY)  # the campus counts from zero, we from 1970
NIGHTS = (9, 27)
LSTM = TrainConfig(hidden=32, embedding=24, epochs=3, next_event=1.0, min_courses=1, clock="course")
KINDS = {"practice": "practise", "social": "people"}
TRIGGERS = {"inactive_return": "return_after_absence"}
OUTCOMES = {name: place for place, name in enumerate(ANSWERS)}

HOLD_BACK = 0.30
EXPLORATION = 0.02
SHRINKAGE = 60.0
TALLY_HALF_LIFE = 60.0  # days
NEWEST = 200
SENDS = 40
LESSONS = 40_000
COMPLETING = frozenset({"item_completed", "problem_check_correct"})  # of those in predictor.completing
OUTCOME_DAYS = 3.0
RECENT = 3000


@dataclass(slots=True)
class Person:
    """What the plugin keeps of one learner."""

    counts: dict[str, Any] = field(default_factory=dict)
    sends: deque[float] = field(default_factory=lambda: deque(maxlen=SENDS))


@dataclass(frozen=True, slots=True)
class Asked:
    """One moment as it was judged: the vectors [k, d] of its messages, whose effects they share [k], and what
    was foreseen of somebody unknown [k, 3].
    """

    rows: Vector
    keys: Sequence[Keys]
    foreseen: Any


@dataclass(frozen=True, slots=True)
class Decided:
    """One moment until its days are over; `before` counts items completed."""

    key: Key
    time: float
    sent: str | None
    chances: Mapping[str, float]
    before: int


class Aftermath:
    """What followed each moment, kept as `nudge_xblock.followup` does, and the night's findings on it."""

    def __init__(self) -> None:
        self.completed: dict[Key, list[float]] = defaultdict(list)
        self.items: set[tuple[str, str]] = set()
        self.open: deque[Decided] = deque()
        self.met: list[activity.Moment] = []
        self.came: dict[str, set[int]] = defaultdict(set)
        self.moments: list[harm.Moment] = []
        self.groups: dict[str, tuple[str, str]] = {}
        self.effects: dict[str, Belief] = {}
        self.harmful: frozenset[str] = frozenset()

    def add(self, event: Event) -> None:
        """Count a day, and an item that is completed for the first time."""
        self.came[event.learner_id].add(int(event.time // DAY))
        item = event.learner_id, event.item_id
        if event.event_type in COMPLETING and item not in self.items:
            self.items.add(item)
            self.completed[event.course_id, event.learner_id].append(event.time)

    def decided(self, moment: Moment, sent: str | None, chances: Mapping[str, float]) -> None:
        """Keep a moment until its days are over."""
        key, at, span = (moment.course.id, moment.learner.id), moment.time, OUTCOME_DAYS * DAY
        before = self._between(key, at - span, at)
        self.open.append(Decided(key, at, sent, chances, before))
        self.met.append(activity.Moment(key[1], int(at // DAY), key[0], moment.placement.id, sent))
        for message in moment.messages:
            self.groups[message.id] = message.kind, message.placement_id

    def judge(self, now: float) -> None:
        """The night's step."""
        while self.open and self.open[0].time + OUTCOME_DAYS * DAY <= now:
            each = self.open.popleft()
            items = self._between(each.key, each.time, each.time + OUTCOME_DAYS * DAY)
            if each.chances[each.sent or gate.HOLD] < 1.0:
                self.moments.append(harm.Moment(each.chances, each.sent or gate.HOLD, items, each.before))
        self.effects = activity.effects(self.met, self.came, int(now // DAY))
        findings = harm.judge(harm.tally(self.moments), self.groups, retired=self.harmful)
        self.harmful = harm.harmful(findings)

    def of(self, message: str) -> tuple[bool, float]:
        """Whether a message was found to do harm, and by which share learners come more often after it."""
        belief = self.effects.get(message)
        return message in self.harmful, 0.0 if belief is None else belief.mean

    def _between(self, key: Key, start: float, end: float) -> int:
        times = self.completed[key]
        return bisect_right(times, end) - bisect_right(times, start)


class NudgePolicy:
    """The gate as an operator who wants 30% of moments held back would set it."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.rng = random.Random(seed * 104_729 + 7)
        self.people: dict[str, Person] = defaultdict(Person)
        self.events: dict[tuple[str, str], deque[tuple[float, str]]] = defaultdict(
            lambda: deque(maxlen=NEWEST)
        )
        self.tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self.lstm = Engagement(LSTM)
        self.names = features.names(0, ())
        self.rows = np.zeros((LESSONS, len(self.names)), np.float32)
        self.whose: list[tuple[Key, float, float]] = [(("", ""), 0.0, 0.0)] * LESSONS
        self.keys: list[Keys] = [described.NOBODYS] * LESSONS
        self.facts = np.zeros((LESSONS, 4))  # outcome, propensity, day, learner
        self.learned = 0
        self.numbers: dict[str, int] = {}
        self.model: HelpfulnessModel | None = None
        self.policy = Policy(
            exploration=EXPLORATION,
            spared=0.0,
            curiosity=0.0,
            cold_start_answers=0,
            shrinkage=SHRINKAGE,
            not_helpful_weight=2.0,
            effect_weight=0.0,
        )
        self.recent: deque[tuple[float | None, bool]] = deque(maxlen=RECENT)
        self.votes: deque[int] = deque(maxlen=RECENT)
        self.worths: deque[float] = deque(maxlen=RECENT)  # by answers alone
        self.moments = 0
        self.asked: Asked | None = None
        self.aftermath = Aftermath()

    def observe(self, events: Sequence[Event]) -> None:
        """Keep each learner's newest events in a course."""
        for event in events:
            self.events[event.learner_id, event.course_id].append((event.time, event.event_type))
            key = event.course_id, event.learner_id
            self.lstm.add(key, event.event_type, EPOCH + event.time, event.item_id)
            self.aftermath.add(event)

    def decide(self, moment: Moment, now: float) -> Decision:
        """Ask the gate."""
        person = self.people[moment.learner.id]
        chains = [self._chain(message) for message in moment.messages]
        rows = self._rows(moment, person, chains, now)
        keys = [_keys(message, moment) for message in moment.messages]
        told, foreseen = self._predictions(rows, keys)
        self.asked = Asked(rows, keys, foreseen)
        candidates = [
            Candidate(message.id, chain, prediction, *self.aftermath.of(message.id))
            for message, chain, prediction in zip(moment.messages, chains, told, strict=True)
        ]
        counts = person.counts
        history = History(answers.count(counts, "sent"), answers.count(counts, "answered"))
        verdict = gate.decide(candidates, history, self.policy, self.rng.random())
        worth = None if self.model is None else gate.best(candidates, self.policy)[1]
        self.recent.append((worth, verdict.variant is None))
        if self.model is not None:
            self.worths.append(max(gate.score(each, self.policy) for each in told if each is not None))
        self._steer()
        self.aftermath.decided(moment, verdict.variant, verdict.propensities)
        propensities = {
            None if key == gate.HOLD else key: value for key, value in verdict.propensities.items()
        }
        return Decision(verdict.variant, propensities, str(verdict.reason))

    def feedback(self, moment: Moment, decision: Decision, response: Response) -> None:
        """Count the answer, and keep it for tonight."""
        if decision.message_id is None or self.asked is None:
            return
        place = moment.message_ids.index(decision.message_id)
        message = moment.messages[place]
        label = OUTCOMES[str(response.outcome)]
        person = self.people[moment.learner.id]
        person.sends.append(moment.time)
        changes: dict[str, float] = {
            "sent": 1,
            "answered": int(response.clicked or response.outcome != "none"),
            "helpful": int(label == 0),
            "not_helpful": int(label == 1),
            "clicked": int(response.clicked),
            "dismissed": int(response.outcome == "dismissed"),
            **dict(zip(answers.FORESEEN, self.asked.foreseen[place].tolist(), strict=True)),
        }
        person.counts = answers.changed(person.counts, _kind(message), changes)
        for key in _groups(message):
            self.tallies[key] += Tally(1.0, float(label == 0), float(label == 1))
        self.votes.append(label)
        row = self.learned % LESSONS
        learner = self.numbers.setdefault(moment.learner.id, len(self.numbers))
        self.rows[row], self.keys[row] = self.asked.rows[place], self.asked.keys[place]
        key = moment.course.id, moment.learner.id
        self.whose[row] = key, _start(moment), EPOCH + moment.time
        self.facts[row] = label, decision.propensities[decision.message_id], moment.time / DAY, learner
        self.learned += 1

    def nightly(self, day: int) -> None:
        """Judge what followed, fade the tallies and learn."""
        self.aftermath.judge((day + 1) * DAY)
        for key, tally in self.tallies.items():
            self.tallies[key] = tally.faded(0.5 ** (1.0 / TALLY_HALF_LIFE))
        if day in NIGHTS:
            self._renew()
        count = min(self.learned, LESSONS)
        outcomes, propensities, days, learners = self.facts[:count].T
        if min((outcomes == 0).sum(), (outcomes == 1).sum()) < 30:
            return
        self.model = HelpfulnessModel.fit(
            self.rows[:count], outcomes.astype(np.int64), lesson_weights(propensities, day + 1 - days),
            self.names, self.seed + day, start=self.model, groups=learners.astype(np.int64),
            keys=self.keys[:count],
        )  # fmt: skip

    def _renew(self) -> None:
        """Train the LSTM, and see every lesson's moment through it."""
        self.lstm.train()
        count = min(self.learned, LESSONS)
        hidden, readings = self.lstm.again((*whose, row) for row, whose in enumerate(self.whose[:count]))
        old = self.rows[:count]
        self.names, rows = features.with_state(old, self.names, hidden, readings, self.lstm.targets)
        self.rows = np.zeros((LESSONS, len(self.names)), np.float32)
        self.rows[:count] = rows
        self.model = None

    def _steer(self) -> None:
        """Set the threshold and the weights from the newest decisions and votes."""
        self.moments += 1
        if self.moments % 50:
            return
        worth = holding.weight(self.votes.count(0), self.votes.count(1))
        found = holding.threshold(self.recent, HOLD_BACK, EXPLORATION, self.policy.spared)
        tilt = holding.effect_weight(self.worths)
        self.policy = replace(self.policy, threshold=found, not_helpful_weight=worth, effect_weight=tilt)

    def _chain(self, message: Message) -> tuple[Tally, ...]:
        return tuple(self.tallies[key] for key in _groups(message))

    def _rows(self, moment: Moment, person: Person, chains: Sequence[Sequence[Tally]], now: float) -> Vector:
        past = described.history(person.counts, person.sends, now)
        newest = self.events[moment.learner.id, moment.course.id]
        behaviour = Behaviour(
            tokens=[token for _, token in newest],
            ages=[max(0.0, now - time) for time, _ in newest],
            mode=moment.learner.mode or "",
            completed=moment.learner.courses_completed or 0,
        )
        week = max(0.0, now / DAY - moment.course.start_day) / 7.0
        course = Course(moment.course.difficulty, moment.course.self_paced, week, moment.course.weeks)
        told = self.lstm.reading((moment.course.id, moment.learner.id), _start(moment), EPOCH + now)
        hidden: Any = () if told is None else told.hidden
        outlook = {} if told is None else told.probabilities
        shared = features.shared(hidden, outlook, past, _profile(moment), behaviour, course)
        trigger = TRIGGERS.get(moment.placement.trigger, moment.placement.trigger)
        parts = [
            features.of_message(past, described.message(_kind(message), trigger, chain, SHRINKAGE))
            for message, chain in zip(moment.messages, chains, strict=True)
        ]
        return np.stack([np.concatenate([shared, part]) for part in parts])

    def _predictions(self, rows: Vector, keys: Sequence[Keys]) -> tuple[list[gate.Prediction | None], Any]:
        foreseen = described.foreseen(self.model, self.names, rows, keys)
        if self.model is None:
            return [None] * len(rows), foreseen
        told = [(float(row[0]), float(row[1]), float(row[2])) for row in self.model.predict(rows, keys)]
        return list(told), foreseen


def _start(moment: Moment) -> float:
    return EPOCH + moment.course.start_day * DAY


def _kind(message: Message) -> str:
    return KINDS.get(message.kind, message.kind)


def _keys(message: Message, moment: Moment) -> Keys:
    """Whose effects a message shares."""
    return described.keys(
        message.id, message.placement_id, moment.course.id, _kind(message), moment.placement.trigger
    )


def _groups(message: Message) -> tuple[tuple[str, str], ...]:
    """Site, kind, placement, wording."""
    return ("site", ""), ("kind", message.kind), ("placement", message.placement_id), ("wording", message.id)


def _profile(moment: Moment) -> Mapping[str, Any]:
    who = moment.learner
    known = {
        "gender": who.gender,
        "country": who.country,
        "language": who.language,
        "birth_year": who.birth_year,
        "education": who.education,
    }
    return {name: value for name, value in known.items() if value is not None}
