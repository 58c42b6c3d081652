"""What the plots of the staff tab say, in a sentence each.

A sentence is a translated template with its values beside it, so that the browser writes numbers and dates as
the reader's language does: {"text": "{count} nudges were shown", "values": {"count": {"as": "number",
"value": 1234}}}.  `as` is number, decimal, ratio, fine (one, two, three digits), share, date or text.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .comparison import Comparison
from .experiments import ENOUGH_LEARNERS, Interval

WORTH_SAYING = 0.02  # an interval narrower by less is as wide

Sentence = dict[str, Any]
Value = tuple[str, Any]


def say(template: str, **values: Value) -> Sentence:
    """A sentence from a translated template; each value is (how to write it, the value)."""
    written = {name: {"as": how, "value": value} for name, (how, value) in values.items()}
    return {"text": template, "values": written}


def number(value: float) -> Value:
    """Written as a whole number."""
    return "number", value


def decimal(value: float) -> Value:
    """Written with one digit after the point."""
    return "decimal", value


def factor(value: float) -> Value:
    """Written with two digits after the point."""
    return "ratio", value


def share(value: float) -> Value:
    """Written as a percentage."""
    return "share", value


def day(value: date) -> Value:
    """Written as a day and a month."""
    return "date", value.isoformat()


def words(value: str) -> Value:
    """Written as it is."""
    return "text", value


# What was shown and held back


def shown_and_held(sent: int, held: int, main: str) -> Sentence:
    """`main`: the words for why most were held back."""
    if not sent and not held:
        return say(_("Nothing was shown or held back in these days"))
    if not held:
        text = ngettext(
            "{count} nudge was shown, none held back", "{count} nudges were shown, none held back", sent
        )
        return say(text, count=number(sent))
    text = ngettext(
        "{count} nudge was shown; {share} of all were held back, mostly because {main}",
        "{count} nudges were shown; {share} of all were held back, mostly because {main}",
        sent,
    )
    return say(text, count=number(sent), share=share(held / (sent + held)), main=words(main))


# To whom


def reach(most: str, most_share: float, least: str, least_share: float) -> Sentence:
    """The two groups that differ most, beyond chance."""
    return say(
        _("Shown at {most_share} of moments to “{most}”, but at {least_share} to “{least}”"),
        most=words(most),
        most_share=share(most_share),
        least=words(least),
        least_share=share(least_share),
    )


def reach_alike() -> Sentence:
    """No two groups differ beyond chance."""
    return say(_("No group is clearly shown more nudges than another"))


def reach_unknown() -> Sentence:
    """Before the first midnight, or with fewer than ten learners in every group."""
    return say(_("Groups appear here once they hold ten learners or more, from the day after"))


# Did it help: votes


def votes(ratio: Interval, voters: int) -> Sentence:
    """How many helpful votes there are for each not-helpful one."""
    if not voters:
        return say(_("Nobody has voted yet"))
    if voters < ENOUGH_LEARNERS:
        text = ngettext(
            "Too early to say: {voters} learner has voted, {needed} more are needed",
            "Too early to say: {voters} learners have voted, {needed} more are needed",
            voters,
        )
        return say(text, voters=number(voters), needed=number(ENOUGH_LEARNERS - voters))
    return say(
        _("Helpful {ratio} times for each time not helpful (between {low} and {high})"),
        ratio=decimal(ratio.estimate),
        low=decimal(ratio.low),
        high=decimal(ratio.high),
    )


def model_against_chance(change: Interval | None) -> Sentence:
    """Whether the learners whom the model chose found it helpful more often than those whom chance chose."""
    if change is None:
        return say(_("Too few votes yet to compare what the model sent with what chance sent."))
    if change.low > 1:
        return say(
            _(
                "Where the model chose, that ratio is {times} times what it is where chance chose "
                "({low} to {high})."
            ),
            times=factor(change.estimate),
            low=factor(change.low),
            high=factor(change.high),
        )
    if change.high < 1:
        return say(
            _(
                "Where the model chose, that ratio is lower than where chance chose: {times} times "
                "({low} to {high})."
            ),
            times=factor(change.estimate),
            low=factor(change.low),
            high=factor(change.high),
        )
    return say(
        _(
            "No difference found between what the model sent and what chance sent ({low} to {high} "
            "times the ratio)."
        ),
        low=factor(change.low),
        high=factor(change.high),
    )


def harmful(change: float, low: float, high: float, days: float, since: date | None) -> Sentence:
    """Learners complete less after a message; held back `since`, or kept in use by its author (None)."""
    bounds = {name: decimal(value) for name, value in (("change", -change), ("low", -high), ("high", -low))}
    if since is None:
        text = _(
            "After it, learners completed {change} fewer items in {days} days (between {low} and {high}). "
            "Its author keeps it in use all the same."
        )
        return say(text, days=number(days), **bounds)
    text = _(
        "Held back since {since}: after it, learners completed {change} fewer items in {days} days (between "
        "{low} and {high}). It is still tried now and then, and comes back when that ends; Studio can keep "
        "it in use."
    )
    return say(text, since=day(since), days=number(days), **bounds)


# Did it help: what learners did afterwards


def effect(found: Comparison, days: float) -> Sentence:
    """What sending changed in the items completed within so many days."""
    if found.verdict == "no_comparison":
        return say(
            _("Not known yet: no moment was left to chance whose {days} days are over"), days=number(days)
        )
    change, needed = found.change, found.needed
    if change is None:
        text = ngettext(
            "Too early to say what learners did afterwards: {needed} more learner is needed",
            "Too early to say what learners did afterwards: {needed} more learners are needed",
            needed or 0,
        )
        return say(text, needed=number(needed or 0))
    bounds = {"low": decimal(abs(change.low)), "high": decimal(abs(change.high))}
    if found.verdict == "helps":
        text = _(
            "After a nudge, learners completed {change} more items in {days} days (between {low} and {high})"
        )
    elif found.verdict == "harms":
        text = _(
            "After a nudge, learners completed {change} fewer items in {days} days (between {high} and {low})"
        )
    elif found.verdict == "none":
        text = _(
            "No effect found: between {low} fewer and {high} more items in {days} days, too little to matter"
        )
    elif needed:
        text = ngettext(
            "Too early to say: between {low} fewer and {high} more items; {needed} more learner is needed",
            "Too early to say: between {low} fewer and {high} more items; {needed} more learners are needed",
            needed,
        )
        return say(text, needed=number(needed), **bounds)
    else:
        text = _("No effect found so far: between {low} fewer and {high} more items in {days} days")
    return say(text, change=decimal(abs(change.estimate)), days=number(days), **bounds)


def how_compared(found: Comparison, moments: int) -> Sentence:
    """Where the comparison comes from, and where it does not reach."""
    text = ngettext(
        "Compared at the {decided} of {moments} moment where chance decided between sending and "
        "holding back, "
        "each weighted by how likely that was. It says nothing of moments that were never left to chance.",
        "Compared at the {decided} of {moments} moments where chance decided between sending and "
        "holding back, "
        "each weighted by how likely that was. It says nothing of moments that were never left to chance.",
        moments,
    )
    return say(text, decided=number(found.count + found.base_count), moments=number(moments))


def narrowed(found: Comparison) -> Sentence | None:
    """How much narrower an interval is for knowing what learners did before; nothing where it hardly is."""
    if found.change is None or found.narrowed is None or found.narrowed < WORTH_SAYING:
        return None
    text = _("Knowing what the same learners did before makes the interval {share} narrower.")
    return say(text, share=share(found.narrowed))


def never_nudged(found: Comparison, days: float) -> Sentence:
    """Learners who may be nudged beside those who never are, once there are enough of these."""
    if found.change is None:
        return say(_("Some learners are never nudged, to compare with; there are too few of them yet."))
    bounds = {"low": decimal(found.change.low), "high": decimal(found.change.high)}
    counts = {"count": number(found.base_count), "days": number(days)}
    if found.verdict == "helps":
        text = _(
            "Beside {count} learners who are never nudged, the others completed {change} more items in the "
            "first {days} days (between {low} and {high})."
        )
    elif found.verdict == "harms":
        text = _(
            "Beside {count} learners who are never nudged, the others completed {change} fewer items in the "
            "first {days} days (between {low} and {high})."
        )
        bounds = {"low": decimal(-found.change.high), "high": decimal(-found.change.low)}
    else:
        text = _(
            "Beside {count} learners who are never nudged, no difference was found in the items completed in "
            "the first {days} days (between {low} and {high})."
        )
        return say(text, **counts, **bounds)
    return say(text, change=decimal(abs(found.change.estimate)), **counts, **bounds)


def mismatch(sent: int, expected: float) -> Sentence:
    """Sending did not happen as often as the logged chances say."""
    return say(
        _(
            "Do not trust this comparison: {sent} nudges were sent where the logged chances say {expected}. "
            "Decisions are being lost or repeated; please tell whoever runs this site."
        ),
        sent=number(sent),
        expected=number(expected),
    )


# One moment


def exact(prediction: tuple[float, float] | None, propensity: float) -> Sentence:
    """The figures behind one decision: P(helpful), P(not helpful) where predicted; how likely it was."""
    if prediction is None:
        text = _("There was no prediction. This decision was {propensity} likely.")
        return say(text, propensity=share(propensity))
    return say(
        _("Predicted helpful {helpful}, not helpful {not_helpful}. This decision was {propensity} likely."),
        helpful=share(prediction[0]),
        not_helpful=share(prediction[1]),
        propensity=share(propensity),
    )


# The nights


def no_night() -> Sentence:
    """Before the first nightly job."""
    return say(_("No night has run yet: tonight’s job will train the first model"))


def promoted(target: str, new: float, old: float) -> Sentence:
    """The new model took over; figures of the target on which they differ most."""
    template = _("The newest model is in use: on “{target}” it scores {new}, the one before {old}")
    return say(template, target=words(target), new=("fine", new), old=("fine", old))


def first_promoted() -> Sentence:
    """A model without a predecessor took over."""
    return say(_("The first model is in use; from now on every night’s model has to be better"))


def answers_promoted() -> Sentence:
    """Only the model of what learners answer was replaced."""
    return say(_("A newer model of what helps is in use; the model of what learners will do stays"))


def not_promoted(outcome: str) -> Sentence:
    """The model that served before still does."""
    said = {
        "failed": _("The last night failed in part, and no new model was taken into use"),
        "refused": _("The last night’s model was not better, so the one before stays in use"),
        "idle": _("No new model was trained in the last night"),
    }
    return say(said[outcome])
