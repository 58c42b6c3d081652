"""What a night has to say to staff: kept as codes with their figures, put into words when it is read.

A remark is plain JSON, {"code": "worse_auc", "target": "pass", "new": 0.7, "old": 0.8}; its sentence is
written in the reader's language.  Codes are stored, so they never change meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from . import groups

Remark = dict[str, Any]

DIGITS, MOST_DIGITS = 3, 8

NAMES: Mapping[str, Promise] = {
    "leave": _("leaving"),
    "pass": _("passing"),
    "complete": _("completing"),
    "helpful": _("finding a nudge helpful"),
    "events": _("kinds of events"),
}

STEPS: Mapping[str, Promise] = {
    "queued": _("Waiting to start"),
    "models": _("Checking the models in use"),
    "ingest": _("Reading new events"),
    "label": _("Looking up how enrolments ended"),
    "outcomes": _("Looking up what followed each nudge"),
    "harm": _("Looking for messages after which less is completed"),
    "train": _("Training the new model"),
    "helpfulness": _("Learning from the votes"),
    "risk_train": _("Learning who did not complete, and why"),
    "tallies": _("Counting how each message fared"),
    "evaluate": _("Measuring new and old on learners neither has seen"),
    "promote": _("Deciding which model to use"),
    "refresh": _("Predicting anew for every learner"),
    "risk": _("Assessing who is at risk"),
    "letters": _("Looking for new learners for automatic messages"),
    "drift": _("Comparing last week with the weeks before"),
    "tidy": _("Tidying up"),
}
"""The steps of a night."""

_OF_THE_NIGHT: Mapping[str, Promise] = {
    "done": _("Done."),
    "failed_step": _(
        "This step failed: “{step}”. What does not need it went on. The reason is in the server’s log, for "
        "whoever runs this site."
    ),
    "stopped_step": _("The night was stopped at “{step}”. The next run goes on from there."),
    "died_gone": _("The night stopped at “{step}”: its process is gone. The next run goes on from there."),
    "died_silent": _(
        "The night stopped at “{step}”: it showed no sign of life for {minutes} minutes. "
        "The next run goes on from there."
    ),
    "not_started": _(
        "The night could not be started; the reason is in the server’s log. Whoever runs this site can check "
        "that the Celery broker is up, or run `manage.py nudge_nightly`."
    ),
    "not_trained_no_torch": _(
        "No engagement model was trained, because torch is not installed here: {install}"
    ),
    "not_trained_no_events": _("No engagement model was trained, because there are no events yet."),
    "not_trained_nothing_new": _("No engagement model was trained: nothing is new since {version} was."),
    "no_stack": _(
        "No stack, which compares learners with their course mates, could be trained beside tonight’s "
        "engagement model; the reason is in the server’s log."
    ),
    "stack_dropped": _(
        "The stack beside tonight’s engagement model, which compares learners with their course mates, was "
        "left out."
    ),
    "all_stay": _("The models that serve stay."),
    "broken_engagement": _("The file of the engagement model that served is broken."),
    "broken_helpfulness": _("The file of the helpfulness model that served is broken."),
    "broken_risk": _("The file of the risk model that served is broken."),
    "no_risk_runs": _(
        "No risk model was trained: {n} course runs are over of which enough is known, {enough} are needed."
    ),
    "no_risk_learners": _(
        "No risk model was trained: of {n} learners of course runs that are over {completed} completed; at "
        "least {enough} learners are needed, and {least} of either kind."
    ),
    "no_risk_scipy": _("No risk model was trained, because scipy is not installed here: {install}"),
    "mended": _("The one before it, {version}, serves again."),
    "not_mended": _("There is no whole one before it, so none serves until one is trained and promoted."),
}

_PROMOTED: Mapping[str, Promise] = {
    "promoted_engagement": _("The new engagement model {version} serves."),
    "promoted_helpfulness": _("The new helpfulness model {version} serves."),
    "promoted_risk": _("The new risk model {version} serves."),
    "scored": _("It foresees {target} with an AUC of {new} on held-out learners."),
    "scored_before": _("It foresees {target} with an AUC of {new} on held-out learners, before: {old}."),
    "scored_stack": _(
        "With its stack it foresees {target} over whole course runs with an AUC of {new}, without: {old}."
    ),
    "scored_votes": _("Its log loss is {new} on {n} nudges to held-out learners."),
    "scored_votes_before": _("Its log loss is {new} on {n} nudges to held-out learners, before: {old}."),
    "worth": _(
        "Judged by the log of {n} moments, nudging by it is worth {new} a moment, as it was done "
        "{logged}, and by "
        "the model before it {old}; the difference lies between {low} and {high}."
    ),
    "worth_alone": _(
        "Judged by the log of {n} moments, nudging by it is worth {new} a moment, as it was done "
        "{logged}, and "
        "nudging as often without telling learners apart {old}; the difference lies between {low} and {high}."
    ),
    "worth_unknown": _(
        "The log holds {n} moments of learners kept out of training, too few to tell what nudging by it is "
        "worth, so its foresight decided."
    ),
    "worth_unsupported": _(
        "What nudging by it is worth cannot be told from the log, so its foresight decided: a "
        "share of {share} "
        "of what it would send had no chance of being sent."
    ),
    "worth_unsure": _(
        "The log of {n} moments is too short to tell its worth apart to {limit}, so its foresight decided: "
        "the difference lies between {low} and {high} a moment."
    ),
    "refused_engagement": _("Tonight’s engagement model was refused, {version} stays."),
    "refused_helpfulness": _("Tonight’s helpfulness model was refused, {version} stays."),
    "refused_risk": _("Tonight’s risk model was refused, {version} stays."),
    "refused_engagement_first": _("Tonight’s engagement model was refused, none serves yet."),
    "refused_helpfulness_first": _("Tonight’s helpfulness model was refused, none serves yet."),
    "refused_risk_first": _("Tonight’s risk model was refused, none serves yet."),
}

_OBJECTIONS: Mapping[str, Promise] = {
    "worse_unseen_auc": _(
        "In {target} its AUC on course runs kept out while it was fitted is {new}, the serving model’s {old}."
    ),
    "unmeasured": _("It was not measured."),
    "unreadable": _("It cannot be read; the reason is in the server’s log."),
    "not_numbers": _("It does not answer with numbers."),
    "not_numbers_for": _("It does not answer with numbers for {targets}."),
    "unjudged": _("It could not be judged: {n} held-out answers are too few, {enough} are needed."),
    "unjudged_votes": _(
        "It could not be judged: only {n} nudges were shown to held-out learners, {enough} are needed."
    ),
    "indistinct": _("It hardly tells learners apart: its best AUC is {new}, {least} is the least."),
    "lost": _("It could not be judged on {targets}, which the serving model foresees."),
    "below_chance": _("In {target} it is worse than chance: AUC {new}."),
    "worse_auc": _("In {target} its AUC on held-out learners is {new}, the serving model’s {old}."),
    "worse_foresight": _(
        "Its log loss in foreseeing {target} is {new} on held-out learners, the serving model’s {old}."
    ),
    "worse_than_alone": _(
        "In {target} its AUC on held-out learners is {new}, that of the engagement model alone {old}."
    ),
    "worse_courses": _(
        "Over whole course runs its AUC in {target} on held-out learners is {new}, the serving model’s {old}."
    ),
    "worse_courses_loss": _(
        "Over whole course runs its log loss in foreseeing {target} is {new} on held-out learners, the "
        "serving model’s {old}."
    ),
    "miscalibrated_courses": _(
        "Over whole course runs its probabilities of {target} are off by {new} on average, the serving "
        "model’s by {old}."
    ),
    "miscalibrated": _("Its probabilities of {target} are off by {new} on average; {allowed} is the most."),
    "too_good": _(
        "In {target} its AUC of {new} is too good to be true, over {limit}: look for events that tell the "
        "outcome before it is known."
    ),
    "telling_event": _(
        "The event {event} tells {target} before it is known, to {accuracy}: a model that learns from it "
        "looks good only where the outcome is known."
    ),
    "knows_the_judges": _(
        "It foresees {target} better for learners kept out of training (AUC {new}) than for those it "
        "learned from ({taught}): it was trained on those it is judged on."
    ),
    "knows_the_judges_votes": _(
        "It foresees votes better for learners kept out of training (log loss {new}) than for those it "
        "learned from ({taught}): it was trained on those it is judged on."
    ),
    "impure": _(
        "What it says of a past moment changes with what happened afterwards, by up to {change}: it was "
        "shown the future."
    ),
    "same_for_all": _("It says the same of every learner and message."),
    "gap_grew": _(
        "In {target} it serves one group less alike than before: the gap (ABROCA) between “{group}” and "
        "everyone else is {new}, the serving model’s {old}."
    ),
    "old_events": _(
        "Its newest event is of {seen}, the serving model’s of {known}: events are missing, "
        "so look at NUDGE_EVENTS_DIR and NUDGE_TRACKING_LOGS."
    ),
    "stale_events": _(
        "Its newest event is of {seen}, the event store’s of {known}: it was trained on old data."
    ),
    "stale_answers": _("It learned from answers up to {seen}; tonight is {known}."),
    "other_learners": _(
        "It was trained with a share of {new} of the learners kept out, this site keeps out {old}: it may "
        "have learned from those it is judged on."
    ),
    "other_features": _("It was trained on other features than this release makes."),
    "worse_than_shares": _(
        "It foresees votes worse than their mere shares do: log loss {new}, theirs {shares}."
    ),
    "worse_loss": _("Its log loss on held-out learners’ votes is {new}, the serving model’s {old}."),
    "too_good_votes": _(
        "Its log loss of {new} is too good to be true where the mere shares of votes have {shares}: look "
        "for features that tell the vote before it is given."
    ),
    "worth_less": _(
        "Judged by the log of {n} moments, nudging by it is worth {new} a moment, by the serving "
        "model {old}: "
        "the difference may be as low as {low}, and {limit} is the most that may be lost."
    ),
    "worth_less_alone": _(
        "Judged by the log of {n} moments, nudging by it is worth {new} a moment, and nudging as "
        "often without "
        "telling learners apart {old}: the difference may be as low as {low}, and {limit} is the most that "
        "may be lost."
    ),
    "no_pair": _("No helpfulness model goes with it."),
}

_DRIFT: Mapping[str, Promise] = {
    "drift_none": _("Last week was like the weeks before: the models in use still fit."),
    "drift_events": _(
        "What learners do has changed since the model in use was trained: the mix of events "
        "differs by {value} "
        "(population stability index), {limit} is usual at most."
    ),
    "drift_readings": _(
        "Last week’s predictions of {target} differ from those of the weeks before by {value} (population "
        "stability index); {limit} is usual at most."
    ),
    "drift_rate": _(
        "Last week the share of learners {target} was {observed}, foreseen was {expected}: the "
        "model in use no "
        "longer fits."
    ),
    "drift_votes": _(
        "Last week the share of shown nudges that succeeded was {observed}, foreseen was "
        "{expected}: the model "
        "in use no longer fits."
    ),
}

TEXTS: Mapping[str, Promise] = {**_OF_THE_NIGHT, **_PROMOTED, **_OBJECTIONS, **_DRIFT}


def remark(code: str, **figures: Any) -> Remark:
    """A remark as it is stored.  Raises KeyError for a code without words."""
    TEXTS[code]
    return {"code": code, **figures}


def text(remarks: Iterable[Remark]) -> str:
    """The sentences one after the other, in the language in use."""
    return " ".join(map(sentence, remarks))


def sentence(told: Remark) -> str:
    """One remark in words; the code itself when this release does not know it."""
    code = str(told.get("code", ""))
    if code not in TEXTS:
        return code
    figures = {name: value for name, value in told.items() if name != "code"}
    if "step" in figures:
        figures["step"] = str(STEPS.get(figures["step"], figures["step"]))
    digits = _digits([value for value in figures.values() if isinstance(value, float)])
    written = {name: _written(value, digits) for name, value in figures.items()}
    return str(TEXTS[code]).format(**written)


def _digits(values: list[float]) -> int:
    """As many digits as tell the different ones apart."""
    different = len(set(values))
    for digits in range(DIGITS, MOST_DIGITS):
        if len({round(value, digits) for value in values}) == different:
            return digits
    return MOST_DIGITS


def _written(value: Any, digits: int) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return number_format(round(value, digits), digits, use_l10n=get_language() is not None)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(_written(each, digits) for each in value)
    known = NAMES.get(value) or groups.LABELS.get(value)
    return str(known or value)
