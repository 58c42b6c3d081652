"""How a case can end: what a person says of it, and what the night finds."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .rules import COMPLETED, IMPROVED, LEFT, OVER

BY_PERSON: Mapping[str, Promise] = {
    "agreed": _("Reached, and agreed on what comes next"),
    "helped": _("Got the help that was needed"),
    "no_answer": _("Could not be reached"),
    "leaving": _("Has decided to leave the course"),
    "not_needed": _("Needs no help: flagged without cause"),
    "other": _("Something else"),
}
"""What a person can say as they resolve a case."""

WORDS: Mapping[str, Promise] = {
    **BY_PERSON,
    IMPROVED: _("Is doing better"),
    COMPLETED: _("Completed the course"),
    LEFT: _("Left the course"),
    OVER: _("The course is over"),
}


def words(outcome: str) -> str:
    """An outcome in words; empty while there is none."""
    return str(WORDS.get(outcome, outcome))


def choices() -> list[dict[str, str]]:
    """What a person can choose from."""
    return [{"value": value, "words": str(words)} for value, words in BY_PERSON.items()]
