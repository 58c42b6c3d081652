"""Triggers: whether a placement's moment is here now, and which occasion it is.

Pure and without Django.  A browser may claim that something just happened on its page; what the server can
check against the learner's own events, it checks.  Everything else is found from those events, whichever
page asks.  Times are unix seconds, UTC.

An occasion key names what happened, not who asked or when: asking twice about one failed attempt gives one
key, the next failed attempt another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

WHENS = (
    "unit_seen",
    "item_completed",
    "problem_failed",
    "problem_passed",
    "score_below",
    "return_after_absence",
    "inactivity",
    "deadline_near",
)
FROM_EVENTS = frozenset({"score_below", "return_after_absence", "inactivity", "deadline_near"})

RIGHT = "problem_check_correct"
WRONG = "problem_check_incorrect"
WORK = frozenset(
    {RIGHT, WRONG, "play_video", "edx.completion.block_completion.changed", "save_problem_success"}
)
FINISHING = frozenset(
    {"edx.completion.block_completion.changed", "complete_video", "stop_video", RIGHT, "item_completed"}
)
"""Tokens that bear out a browser's claim that an item was just finished.

A stopped video does, although it may not be complete (see `predictor.completing.COMPLETING`): the browser
knows that it played to its end before the server's record of that arrives.
"""

CLAIM_SECONDS = 600.0
"""How old the server's own record of what a browser claims may be."""
FRESH_SECONDS = 86400.0
"""How long an answer or a low score stays worth a word on the learner's next pages."""
VISIT_GAP = 1800.0
"""Events closer than this belong to one visit; a return is noticed during the visit's first half hour."""
DAY = 86400.0
HOUR = 3600.0


class Row(NamedTuple):
    """One recent event of the learner in this course."""

    time: float
    token: str
    item: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a placement's message may be sent.  `item` empty: any in the unit (or the course)."""

    when: str
    item: str = ""
    attempts: int = 1
    threshold: float = 0.5
    days: float = 7.0
    hours: float = 24.0

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Trigger:
        """Read the stored JSON; what is absent or not usable takes its default.

        Raises ValueError where `when` is none of WHENS.
        """
        when = str(value.get("when", ""))
        if when not in WHENS:
            raise ValueError(f"unknown trigger {when!r}; use one of {', '.join(WHENS)}")
        return cls(
            when,
            str(value.get("item") or ""),
            max(1, int(_number(value.get("attempts"), 1))),
            _number(value.get("threshold"), 0.5),
            _number(value.get("days"), 7.0),
            _number(value.get("hours"), 24.0),
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What the browser says has just happened on its page; `elsewhere`: it has only been opened, and asks."""

    when: str = ""
    item: str = ""
    attempts: int = 0
    elsewhere: bool = False

    @classmethod
    def parse(cls, value: Any) -> Claim:
        """Read what a browser sent, whatever it is; nonsense claims nothing."""
        if not isinstance(value, Mapping) or value.get("when") not in WHENS:
            return cls()
        item = value.get("item")
        attempts = min(1000, max(0, int(_number(value.get("attempts"), 0))))
        name = item if isinstance(item, str) else ""
        return cls(str(value["when"]), name, attempts, value.get("elsewhere") is True)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server knows: the learner's recent events, oldest first, and the course's deadlines.

    `last_seen` is the newest event known from before `rows`.  `since`: every event after it that the server
    has kept is in `rows`, and the learner was enrolled by then; None where that is not known.  `kept`: how
    many seconds the server keeps events.
    """

    rows: Sequence[Row]
    now: float
    last_seen: float | None = None
    since: float | None = None
    kept: float = 14 * DAY
    deadlines: Sequence[tuple[str, float]] = ()
    course_wide: bool = False


def due(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """The key of the occasion that is here now, or None."""
    return _RULES[trigger.when](trigger, claim, facts)


def moment(user_id: int, placement_key: str, occasion: str) -> str:
    """The digest that makes a decision unique: one learner, one placement, one occasion."""
    return hashlib.blake2b(f"{user_id}\n{placement_key}\n{occasion}".encode(), digest_size=32).hexdigest()


def window(trigger: Trigger) -> float:
    """How many seconds of events the trigger needs to see."""
    return trigger.days * DAY + HOUR if trigger.when == "inactivity" else FRESH_SECONDS


def _unit_seen(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """Once per learner: the page was opened.  The request itself is the evidence."""
    return "unit_seen" if claim.when == "unit_seen" else None


def _item_completed(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """Once per item.

    Not every block tells the server that it was completed, so the claim of the page that holds it suffices.
    """
    item = claim.item if claim.when == "item_completed" and claim.item else trigger.item
    if not item and facts.course_wide:
        item = next((row.item for row in reversed(facts.rows) if row.token in FINISHING), "")
    if not item or trigger.item not in ("", item):
        return None
    seen = any(row.item == item and row.token in FINISHING for row in facts.rows)
    claimed = claim.when == "item_completed" and not claim.elsewhere
    return f"item_completed:{item}" if seen or claimed else None


def _problem_failed(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """Each wrong answer from the given attempt on.

    The server's own record of the wrong answer is needed.  Earlier ones may have left the inbox, so the
    number of attempts is the larger of the server's and the browser's.
    """
    item = _item(trigger, claim, facts, WRONG)
    last = _newest(facts, WRONG, item)
    if last is None or not _is_recent(last, trigger, claim, facts):
        return None
    claimed = claim.attempts if (claim.when, claim.item) == ("problem_failed", item) else 0
    if max(_wrong_in_a_row(facts.rows, item), claimed) < trigger.attempts:
        return None
    return f"problem_failed:{item}:{last.time:.3f}"


def _problem_passed(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """Once per problem, when the server has recorded the right answer."""
    item = _item(trigger, claim, facts, RIGHT)
    last = _newest(facts, RIGHT, item)
    return f"problem_passed:{item}" if last and _is_recent(last, trigger, claim, facts) else None


def _score_below(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """The newest score of the item, or the newest score anywhere, is below the threshold."""
    scored = [row for row in facts.rows if row.score is not None and trigger.item in ("", row.item)]
    if not scored:
        return None
    last = scored[-1]
    if last.score is None or last.score >= trigger.threshold or facts.now - last.time > FRESH_SECONDS:
        return None
    return f"score_below:{last.item}:{last.time:.3f}"


def _return_after_absence(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """The visit under way began after at least that many days without any event.

    The key is the event before the absence: the same whether or not this visit's first event is in yet.
    """
    start = facts.now
    for time in reversed([row.time for row in facts.rows if row.time <= facts.now]):
        if start - time >= trigger.days * DAY:
            return _returned(time, start, facts)
        start = time
    before = facts.last_seen
    if before is None or start - before < trigger.days * DAY:
        return None
    return _returned(before, start, facts)


def _returned(before: float, start: float, facts: Facts) -> str | None:
    return f"return_after_absence:{before:.3f}" if facts.now - start <= VISIT_GAP else None


def _inactivity(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """The learner comes, but has not worked (answered, watched, completed) for that many days.

    Nothing is said of a time that the known events do not reach back to; a rule of more days than events are
    kept looks at as many as are.
    """
    worked = [row.time for row in facts.rows if row.token in WORK]
    since = worked[-1] if worked else facts.since
    away = max(1.0, min(trigger.days * DAY, facts.kept))
    if since is None or facts.now - since < away:
        return None
    return f"inactivity:{worked[-1]:.3f}" if worked else f"inactivity:{int(facts.now // away)}"


def _deadline_near(trigger: Trigger, claim: Claim, facts: Facts) -> str | None:
    """The next deadline (of the item, where one is given) is at most that many hours away."""
    ahead = [at for item, at in facts.deadlines if at > facts.now and trigger.item in ("", item)]
    if not ahead or min(ahead) - facts.now > trigger.hours * HOUR:
        return None
    return f"deadline_near:{int(min(ahead))}"


_RULES: Mapping[str, Callable[[Trigger, Claim, Facts], str | None]] = {
    "unit_seen": _unit_seen,
    "item_completed": _item_completed,
    "problem_failed": _problem_failed,
    "problem_passed": _problem_passed,
    "score_below": _score_below,
    "return_after_absence": _return_after_absence,
    "inactivity": _inactivity,
    "deadline_near": _deadline_near,
}


def _item(trigger: Trigger, claim: Claim, facts: Facts, token: str) -> str:
    """The problem in question: the rule's own, the one claimed, or, for a rule of the course, the newest."""
    if trigger.item:
        return trigger.item
    if claim.when == trigger.when and claim.item:
        return claim.item
    newest = next((row for row in reversed(facts.rows) if row.token == token), None)
    return newest.item if facts.course_wide and newest is not None else ""


def _newest(facts: Facts, token: str, item: str) -> Row | None:
    """The item's newest answer, where it is of this kind."""
    for row in reversed(facts.rows):
        if item and row.item == item and row.token in (RIGHT, WRONG):
            return row if row.token == token else None
    return None


def _is_recent(row: Row, trigger: Trigger, claim: Claim, facts: Facts) -> bool:
    """A page's own claim must be about just now; what a rule finds elsewhere waits for the next page."""
    here = claim.when == trigger.when and not claim.elsewhere
    return abs(facts.now - row.time) <= (CLAIM_SECONDS if here else FRESH_SECONDS)


def _wrong_in_a_row(rows: Sequence[Row], item: str) -> int:
    count = 0
    for row in rows:
        if row.item == item and row.token in (RIGHT, WRONG):
            count = count + 1 if row.token == WRONG else 0
    return count


def _number(value: Any, default: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return number if abs(number) < 1e9 else default
