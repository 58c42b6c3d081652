"""What experiments found, in a sentence each; see `findings` for what a sentence is."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .comparison import Comparison
from .findings import Sentence, Value, decimal, number, say, words

NAMED = 4  # groups that a sentence names at most


def points(value: float) -> Value:
    """Written as percentage points, with one digit after the point."""
    return "points", value


def controlled(found: Comparison, days: float) -> Sentence:
    """Learners who may be nudged, against those who never are."""
    change = found.change
    if found.verdict == "no_comparison" or change is None:
        return say(_("Too early to compare learners who may be nudged with those who never are"))
    text = {
        "helps": _(
            "Learners who may be nudged completed {change} more items in {days} days than those who never "
            "are (between {low} and {high})"
        ),
        "harms": _(
            "Learners who may be nudged completed {change} fewer items in {days} days than those who never "
            "are (between {high} and {low})"
        ),
        "none": _(
            "No effect found: learners who may be nudged completed between {low} fewer and {high} more items "
            "in {days} days than those who never are, too little to matter"
        ),
        "early": _(
            "Too early to say: learners who may be nudged completed between {low} fewer and {high} more "
            "items in {days} days than those who never are"
        ),
    }[found.verdict]
    values = {"low": decimal(abs(change.low)), "high": decimal(abs(change.high)), "days": number(days)}
    if found.verdict in ("helps", "harms"):
        values["change"] = decimal(abs(change.estimate))
    return say(text, **values)


def worded(found: Comparison, measure: str, first: str, base: str) -> Sentence:
    """One wording against another."""
    names = {"first": words(first), "base": words(base)}
    if found.verdict == "no_comparison":
        return say(
            _("“{first}” and “{base}” cannot be compared: chance has not decided between them yet"), **names
        )
    change, write = found.change, decimal if measure == "items" else points
    if change is None:
        text = ngettext(
            "Too early to compare “{first}” with “{base}”: {needed} more learner is needed",
            "Too early to compare “{first}” with “{base}”: {needed} more learners are needed",
            found.needed or 1,
        )
        return say(text, needed=number(found.needed or 1), **names)
    kind = "open" if found.verdict == "early" and found.needed is None else found.verdict
    bounds = {"low": write(abs(change.low)), "high": write(abs(change.high))}
    if kind in ("helps", "harms"):
        bounds["change"] = write(abs(change.estimate))
    return say(_worded()[measure][kind], **names, **bounds)


def _worded() -> dict[str, dict[str, str]]:
    return {
        "helpful": {
            "helps": _(
                "“{first}” is found helpful more often than “{base}”: by {change} points "
                "(between {low} and {high})"
            ),
            "harms": _(
                "“{first}” is found helpful less often than “{base}”: by {change} points "
                "(between {high} and {low})"
            ),
            "none": _(
                "No difference found: “{first}” is found helpful between {low} points less and {high} points "
                "more often than “{base}”, too little to matter"
            ),
            "early": _(
                "Too early to say: “{first}” is found helpful between {low} points less and {high} points "
                "more often than “{base}”"
            ),
            "open": _(
                "No difference found so far: “{first}” is found helpful between {low} points less and "
                "{high} points more often than “{base}”"
            ),
        },
        "clicked": {
            "helps": _(
                "The link of “{first}” is followed more often than that of “{base}”: by {change} points "
                "(between {low} and {high})"
            ),
            "harms": _(
                "The link of “{first}” is followed less often than that of “{base}”: by {change} points "
                "(between {high} and {low})"
            ),
            "none": _(
                "No difference found: the link of “{first}” is followed between {low} points less and {high} "
                "points more often than that of “{base}”, too little to matter"
            ),
            "early": _(
                "Too early to say: the link of “{first}” is followed between {low} points less and {high} "
                "points more often than that of “{base}”"
            ),
            "open": _(
                "No difference found so far: the link of “{first}” is followed between {low} points less and "
                "{high} points more often than that of “{base}”"
            ),
        },
        "items": {
            "helps": _(
                "After “{first}” learners completed {change} more items than after “{base}” "
                "(between {low} and {high})"
            ),
            "harms": _(
                "After “{first}” learners completed {change} fewer items than after “{base}” "
                "(between {high} and {low})"
            ),
            "none": _(
                "No difference found: after “{first}” learners completed between {low} fewer and {high} more "
                "items than after “{base}”, too little to matter"
            ),
            "early": _(
                "Too early to say: after “{first}” learners completed between {low} fewer and {high} more "
                "items than after “{base}”"
            ),
            "open": _(
                "No difference found so far: after “{first}” learners completed between {low} fewer and "
                "{high} more items than after “{base}”"
            ),
        },
    }


def how(measure: str, moments: int, days: float) -> Sentence:
    """What was counted, and where it came from."""
    counted = {
        "helpful": _(
            "Votes: of everyone who was sent the wording, the share who voted it helpful within a day."
        ),
        "clicked": _(
            "Links: of everyone who was sent the wording, the share who followed its link within a day."
        ),
        "items": _("Items: how many each learner completed for the first time in the {days} days after."),
    }[measure]
    text = ngettext(
        "It rests on {moments} moment at which chance could have decided either way, weighted by how likely "
        "each way was.",
        "It rests on {moments} moments at which chance could have decided either way, each weighted by how "
        "likely each way was.",
        moments,
    )
    values = {"moments": number(moments)} | ({"days": number(days)} if measure == "items" else {})
    return say(f"{counted} {text}", **values)


def mismatch(count: int, expected: float) -> Sentence:
    """The first of two did not happen as often as the logged chances say."""
    return say(
        _(
            "Do not trust this comparison: the first happened {count} times where the logged chances say "
            "{expected}. Decisions are being lost or repeated; please tell whoever runs this site."
        ),
        count=number(count),
        expected=number(expected),
    )


# Many at once


def segments(effects: Sequence[tuple[str, str]], asked: int) -> Sentence:
    """The groups that show an effect by themselves, each as (division, group); out of so many looked at."""
    if not asked:
        return say(_("No group is large enough yet to be looked at by itself"))
    if not effects:
        text = ngettext(
            "No effect found in the {asked} group large enough to be looked at by itself",
            "No effect found in any of the {asked} groups by itself",
            asked,
        )
        return say(text, asked=number(asked))
    if len(effects) > NAMED:
        text = ngettext(
            "{count} of {asked} groups shows an effect by itself",
            "{count} of {asked} groups show an effect by themselves",
            len(effects),
        )
        return say(text, count=number(len(effects)), asked=number(asked))
    named = [f"{division}: {group}" for division, group in effects]
    text = ngettext(
        "{count} of {asked} groups shows an effect by itself: {list}",
        "{count} of {asked} groups show an effect by themselves: {list}",
        len(effects),
    )
    return say(text, count=number(len(effects)), asked=number(asked), list=("list", named))


def overview(answered: int, asked: int) -> Sentence:
    """How many questions have an answer, "no effect" being one."""
    if not asked:
        return say(_("Nothing to compare yet: chance has not decided between two things at any moment"))
    if not answered:
        text = ngettext(
            "{asked} question is being asked; it has no answer yet",
            "{asked} questions are being asked; none has an answer yet",
            asked,
        )
        return say(text, asked=number(asked))
    text = ngettext(
        "{answered} of {asked} question has an answer",
        "{answered} of {asked} questions have an answer",
        asked,
    )
    return say(text, answered=number(answered), asked=number(asked))
