"""Asking the gate: from a browser's question to a logged decision, and back again.

With warm caches a decision takes two reads (see `situation`) and, when something is sent, two writes: the
learner's sends, conditional on nobody else having spent them meanwhile, and the decision (see `recording`).
A nudge is never worth an error page: whatever goes wrong, nothing is shown, and where the database lives the
decision says why.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.conf import settings

from . import (
    addressed,
    answers,
    catalogue,
    gate,
    policy,
    recording,
    restraint,
    serving,
    situation,
    states,
    triggers,
    vectors,
)
from .catalogue import Book, Spot
from .gate import Candidate, History, Verdict
from .inputs import Input, judge, unstored
from .models import Decision, Enrolment
from .reasons import SENT, Reason
from .recording import Answer, Judged, Moment
from .restraint import Send, Standing

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

LOG = logging.getLogger(__name__)

REPEAT = timedelta(minutes=10)
"""How long a nudge that was sent but not yet seen is given again to the page that asks again."""
PAYING = frozenset(
    {"verified", "professional", "no-id-professional", "credit", "masters", "executive-education"}
)

Predictions = Mapping[str, gate.Prediction]

_chance = random.SystemRandom()


class Replay(NamedTuple):
    """A verdict computed again from what was stored; `differences` names what is not the same bit for bit."""

    same: bool
    verdict: Verdict
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One learner's question and all that is known when it is answered."""

    enrolled: Enrolment
    whose: situation.Person
    known: situation.Past
    book: Book
    claim: triggers.Claim
    now: datetime
    draw: float
    deadline: float


def ask(
    user_id: int,
    course_key: CourseKey,
    placement_keys: Sequence[str],
    occasion: Mapping[str, Any],
    now: datetime | None = None,
    draw: float | None = None,
) -> Answer:
    """Decide what to show this learner now.  Never raises, and never waits for a model.

    `draw` in [0, 1) is the chance to decide by; a fresh one when not given.
    """
    at = now or datetime.now(UTC)
    deadline = time.perf_counter() + settings.NUDGE_DECISION_BUDGET_MS / 1000.0
    try:
        book = catalogue.book(course_key)
        spots = [book.spots[key] for key in dict.fromkeys(placement_keys) if key in book.spots]
        chance = _chance.random() if draw is None else draw
        if book.letters and (found := _addressed(user_id, course_key, book, at, chance, deadline)):
            return found
        if not spots:
            return Answer()
        question = _question(user_id, course_key, spots, occasion, book, at, chance, deadline)
        return _answered(question, spots)
    except Exception:
        LOG.exception("No nudge: deciding for user %s in %s failed", user_id, course_key)
        return Answer(reason=Reason.FAILED)


def awaits(user_id: int, course_key: CourseKey) -> bool:
    """Whether a letter's card waits for this learner.  Never raises; without letters it reads nothing."""
    try:
        book = catalogue.book(course_key)
        return bool(book.letters) and addressed.waiting(user_id, list(book.letters)) is not None
    except Exception:
        LOG.exception("Whether a letter waits for user %s in %s is not known", user_id, course_key)
        return False


def _addressed(
    user_id: int, course_key: CourseKey, book: Book, now: datetime, draw: float, deadline: float
) -> Answer | None:
    """A letter's card that waits for this learner; None where there is none or it is held back."""
    card = addressed.waiting(user_id, list(book.letters))
    if card is None or addressed.key(card.letter) not in book.letters:
        return None
    if card.given and card.given_at and now - card.given_at < addressed.REPEAT:
        return recording.answer(Decision.objects.select_related("variant", "placement").get(pk=card.given))
    spot = book.letters[addressed.key(card.letter)]
    question = _question(user_id, course_key, [], {}, book, now, draw, deadline)
    moment = Moment(spot, addressed.occasion(now), addressed.digest(user_id, card, now))
    if moment.digest in question.known.decided:
        return None
    candidates = _candidates(spot, {})
    given = _input(question, spot, candidates, policy.current(), None, None)
    given = replace(given, ordered=candidates[0].id)
    judged = Judged(moment, given, draw, *judge(given, draw), {}, card=card)
    found = recording.record(judged, question.enrolled, now)
    return found if found.nudge is not None else None


def replay(decision_id: UUID | str) -> Replay:
    """Compute a stored decision's verdict again from its own row.  Raises Decision.DoesNotExist."""
    row = Decision.objects.get(pk=decision_id)
    _, verdict = judge(unstored(row), row.draw)
    pairs = {
        "variant": (verdict.variant, None if row.variant_id is None else str(row.variant_id)),
        "propensities": (verdict.propensities, row.propensities),
        "propensity": (verdict.propensity, row.propensity),
        "reason": (str(verdict.reason), row.reason),
        "explored": (verdict.explored, row.explored),
    }
    differences = tuple(name for name, (now, then) in pairs.items() if now != then)
    return Replay(not differences, verdict, differences)


def _question(
    user_id: int,
    course_key: CourseKey,
    spots: Sequence[Spot],
    occasion: Any,
    book: Book,
    now: datetime,
    draw: float,
    deadline: float,
) -> Question:
    whose = situation.person(user_id, course_key)
    enrolled = situation.enrolment(user_id, course_key)
    claim = triggers.Claim.parse(occasion)
    known = situation.past(enrolled, book, _timeless(user_id, spots, claim), now)
    return Question(enrolled, whose, known, book, claim, now, draw, deadline)


def _timeless(user_id: int, spots: Sequence[Spot], claim: triggers.Claim) -> list[str]:
    """Digests of the occasions that come once ever: they may have been decided long ago."""
    found = []
    for spot in spots:
        items = {spot.trigger.item, claim.item} - {""}
        keys = [f"{spot.trigger.when}:{item}" for item in sorted(items)]
        found += [triggers.moment(user_id, spot.key, key) for key in ("unit_seen", *keys)]
    return found


def _answered(question: Question, spots: Sequence[Spot]) -> Answer:
    due = _due(question, spots)
    fresh = [moment for moment in due if moment.digest not in question.known.decided]
    if not fresh:
        return _again(question, due)
    try:
        judged = _judged(question, fresh)
    except Exception:
        LOG.exception("No nudge: the gate failed for user %s", question.enrolled.learner.user_id)
        judged = _failed(question, fresh[0])
    return recording.record(judged, question.enrolled, question.now)


def _due(question: Question, spots: Sequence[Spot]) -> list[Moment]:
    """The placements whose occasion is here, for learners of their audience."""
    found = []
    for spot in spots:
        facts = situation.facts(
            question.enrolled, question.known, question.whose, spot.course_wide, question.book, question.now
        )
        occasion = triggers.due(spot.trigger, question.claim, facts)
        if occasion is not None and _is_for(spot.audience, question.enrolled.mode):
            digest = triggers.moment(question.enrolled.learner.user_id, spot.key, occasion)
            found.append(Moment(spot, occasion, digest))
    return found


def _is_for(audience: str, mode: str) -> bool:
    if audience == "verified":
        return mode in PAYING
    return mode not in PAYING if audience == "audit" else True


def _again(question: Question, due: Sequence[Moment]) -> Answer:
    """The nudge of a moment already decided, where it was sent and no page has shown it yet."""
    decided = question.known.decided
    sent = [moment.digest for moment in due if decided[moment.digest] in SENT]
    if not sent:
        return Answer(reason=decided[due[0].digest] if due else "")
    rows = Decision.objects.filter(moment__in=sent, shown_at__isnull=True, dismissed_at__isnull=True)
    rows = rows.filter(created__gt=question.now - REPEAT).select_related("variant", "placement")
    row = rows.order_by("-created").first()
    return Answer() if row is None else recording.answer(row)


def _judged(question: Question, fresh: Sequence[Moment]) -> Judged:
    """Judge the most promising of the moments."""
    rules = policy.current()
    helpfulness = serving.helpfulness.current()
    tail = situation.tail(question.known, question.enrolled) if question.known.whole else ()
    outlook = states.outlook(question.enrolled, tail, question.now)
    reading = outlook.reading if question.known.whole else None
    spots = [moment.spot for moment in fresh]
    seen = vectors.see(
        question.enrolled, reading, question.known.rows, spots, question.book, rules.shrinkage, question.now
    )
    predictions, missing = _predictions(helpfulness, seen, outlook.version)
    moment, candidates = _ranked(fresh, predictions, rules)
    late = Reason.SLOW if time.perf_counter() > question.deadline else None
    given = _input(question, moment.spot, candidates, rules, missing, late)
    kept = vectors.kept(seen, [candidate.id for candidate in candidates])
    verdicts = judge(given, question.draw)
    foreseen = vectors.foresee(helpfulness.model if missing is None else None, seen)
    return Judged(
        moment, given, question.draw, *verdicts, kept, outlook.version, helpfulness.version, foreseen
    )


def _failed(question: Question, moment: Moment) -> Judged:
    """A decision that says that judging failed."""
    candidates = _candidates(moment.spot, {})
    given = _input(question, moment.spot, candidates, policy.current(), None, Reason.FAILED)
    return Judged(moment, given, question.draw, *judge(given, question.draw), {})


def _predictions(
    served: serving.Served[Any], seen: vectors.Seen, engagement: str
) -> tuple[Predictions, Reason | None]:
    """Predictions by variant id; or none, and why although there is a model."""
    model = served.model
    if model is None:
        return {}, Reason.BROKEN_MODEL if served.why == serving.BROKEN_MODEL else None
    fits = not model.hidden_size or model.engagement in ("", engagement)
    found = vectors.predict(model, seen) if fits else None
    return (found, None) if found is not None else ({}, Reason.NO_STATE)


def _ranked(
    fresh: Sequence[Moment], predictions: Predictions, rules: gate.Policy
) -> tuple[Moment, tuple[Candidate, ...]]:
    """The moment whose best wording is worth most; the first of equals.  The others may come another time."""
    offers = [(moment, _candidates(moment.spot, predictions)) for moment in fresh]
    worths = [gate.best(candidates, rules)[1] for _, candidates in offers]
    return offers[max(range(len(offers)), key=lambda index: (worths[index], -index))]


def _candidates(spot: Spot, predictions: Predictions) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(each.id, each.tallies, predictions.get(each.id), each.harmful, each.effect)
        for each in spot.wordings
    )


def _input(
    question: Question,
    spot: Spot,
    candidates: tuple[Candidate, ...],
    rules: gate.Policy,
    missing: Reason | None,
    overruled: Reason | None,
) -> Input:
    learner, now = question.enrolled.learner, question.now.timestamp()
    sends = [Send(*send) for send in learner.sends]
    dues, dates = question.whose.dues or {}, question.book.dates
    standing = Standing(
        sends=tuple(restraint.recent(sends, now)),
        fewer=learner.fewer,
        opted_out=learner.opted_out,
        staff=question.whose.staff,
        certified=question.whose.certified,
        starts=dates.start.timestamp() if dates.start else None,
        ends=dates.end.timestamp() if dates.end else None,
        due=dues.get(spot.trigger.item or spot.key),
        time_zone=question.whose.time_zone,
        control=policy.is_control(learner.user_id, question.enrolled.course_key),
    )
    counts = learner.answers
    history = History(answers.count(counts, "sent"), answers.count(counts, "answered"), missing)
    return Input(candidates, history, rules, standing, policy.limits(), spot.kind, now, overruled)
