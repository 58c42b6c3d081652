"""Every setting of the plugin, with its default; an operator's value always wins.

The platform calls `plugin_settings` while it builds its settings, before its own configuration file is
read (`common`) and again after (`production`).  Both calls are safe to repeat.
"""

from __future__ import annotations

from typing import Any

from .mail import mail
from .risk import risk
from .wiring import add_filters, add_letters_beat, add_live_events, add_nightly_beat, add_templates


def plugin_settings(settings: Any) -> None:
    """Give `settings` a default for each setting it lacks, and add the live event backend."""
    for name, value in defaults().items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
    add_live_events(settings)
    add_filters(settings)
    add_templates(settings)
    add_nightly_beat(settings)
    add_letters_beat(settings)


def defaults() -> dict[str, Any]:
    """Return the name and default of every setting, mutable values fresh each time."""
    return {**_places(), **_gate(), **_learning(), **_promotion(), **mail(), **risk(), **_platform()}


def _places() -> dict[str, Any]:
    return {
        # .. setting_name: NUDGE_EVENTS_DIR
        # .. setting_default: "/openedx/data/nudge/events"
        # .. setting_description: Directory of the event store. Every worker and web process must see the
        #    same one.
        "NUDGE_EVENTS_DIR": "/openedx/data/nudge/events",
        # .. setting_name: NUDGE_MODEL_DIR
        # .. setting_default: "/openedx/data/nudge/models"
        # .. setting_description: Directory of the model store. Workers write it, web processes read it.
        "NUDGE_MODEL_DIR": "/openedx/data/nudge/models",
        # .. setting_name: NUDGE_TRACKING_LOGS
        # .. setting_default: ["/openedx/data/logs/tracking.log*"]
        # .. setting_description: Glob patterns of the tracking logs, plain, .gz or .zst, which the night
        #    reads.
        "NUDGE_TRACKING_LOGS": ["/openedx/data/logs/tracking.log*"],
    }


def _gate() -> dict[str, Any]:
    return {
        # .. setting_name: NUDGE_EXPLORATION_SHARE
        # .. setting_default: 0.10
        # .. setting_description: Share of moments, 0 to 1, at which the message is sent whatever the
        #    model says, so that tomorrow's model still learns from learners who would have been held back.
        "NUDGE_EXPLORATION_SHARE": 0.10,
        # .. setting_name: NUDGE_TRICKLE_SHARE
        # .. setting_default: 0.02
        # .. setting_description: Share of moments, 0 to 1, at which a message held back as a whole is
        #    sent all the same, so that it can win its way back.
        "NUDGE_TRICKLE_SHARE": 0.02,
        # .. setting_name: NUDGE_SPARED_SHARE
        # .. setting_default: 0.05
        # .. setting_description: Share of moments, 0 to 1, at which a message that would be sent is left
        #    out by chance, so that what sending changes can be known, and a message found that does harm.
        "NUDGE_SPARED_SHARE": 0.05,
        # .. setting_name: NUDGE_CONTROL_SHARE
        # .. setting_default: 0.02
        # .. setting_description: Share of learners, 0 to 1, who are never nudged in a course run, to compare
        #    the others with. Who belongs to it is drawn per learner and course run and stays. 0: nobody.
        "NUDGE_CONTROL_SHARE": 0.02,
        # .. setting_name: NUDGE_CONTROL_KEY
        # .. setting_default: ""
        # .. setting_description: The secret by which the never-nudged learners are drawn. Empty: the site's
        #    SECRET_KEY; set this to its old value before that one is changed, or the group is drawn anew.
        "NUDGE_CONTROL_KEY": "",
        # .. setting_name: NUDGE_VARIANT_CURIOSITY
        # .. setting_default: 1.0
        # .. setting_description: How far the choice among a nudge's wordings follows what is not known of
        #    them yet. 1: each is shown as often as it is likely to be the best (Thompson sampling). 0: always
        #    the best so far.
        "NUDGE_VARIANT_CURIOSITY": 1.0,
        # .. setting_name: NUDGE_COLD_START_ANSWERS
        # .. setting_default: 2
        # .. setting_description: A learner who has answered (voted on, followed or put away) fewer
        #    nudges than this always receives them.
        "NUDGE_COLD_START_ANSWERS": 2,
        # .. setting_name: NUDGE_COLD_START_SENDS
        # .. setting_default: 8
        # .. setting_description: A learner who was sent this many nudges is no longer new, answered or
        #    not.
        "NUDGE_COLD_START_SENDS": 8,
        # .. setting_name: NUDGE_MIN_IMPRESSIONS
        # .. setting_default: 50
        # .. setting_description: A nudge is judged as a whole, and perhaps held back, only after it was
        #    shown this often.
        "NUDGE_MIN_IMPRESSIONS": 50,
        # .. setting_name: NUDGE_PLACEMENT_MIN_HELPFUL
        # .. setting_default: 0.10
        # .. setting_description: A nudge whose share of "helpful" per impression is predicted below
        #    this, 0 to 1, is held back for everyone but explored learners.
        "NUDGE_PLACEMENT_MIN_HELPFUL": 0.10,
        # .. setting_name: NUDGE_MARGIN_NOT_HELPFUL
        # .. setting_default: 0.0
        # .. setting_description: By how much "helpful" must exceed "not helpful" for one learner, -1 to
        #    1.
        "NUDGE_MARGIN_NOT_HELPFUL": 0.0,
        # .. setting_name: NUDGE_MARGIN_NO_INTERACTION
        # .. setting_default: -0.8
        # .. setting_description: By how much "helpful" must exceed "no interaction" for one learner, -1
        #    to 1. Most learners answer nothing, so zero would hold nearly everything back.
        "NUDGE_MARGIN_NO_INTERACTION": -0.8,
        # .. setting_name: NUDGE_NOT_HELPFUL_WEIGHT
        # .. setting_default: 1.0
        # .. setting_description: How many "helpful" answers one "not helpful" undoes when messages are
        #    compared. None: as many as there are of the one for each of the other, which makes that ratio
        #    largest where NUDGE_HOLD_BACK_SHARE is set.
        "NUDGE_NOT_HELPFUL_WEIGHT": 1.0,
        # .. setting_name: NUDGE_EFFECT_WEIGHT
        # .. setting_default: 1.0
        # .. setting_description: How many "helpful" answers it is worth that a learner comes back twice as
        #    often in the days after, when messages are compared. 0: what follows is not looked at, other
        #    than to retire what does harm. None: the more, the more the answers to messages differ.
        "NUDGE_EFFECT_WEIGHT": 1.0,
        # .. setting_name: NUDGE_HOLD_BACK_SHARE
        # .. setting_default: None
        # .. setting_description: Share of moments, 0 to 1, that the gate holds back: those where the message
        #    promises least. None: as many as the margins above come to.
        "NUDGE_HOLD_BACK_SHARE": None,
        # .. setting_name: NUDGE_CAP_PER_DAY
        # .. setting_default: 2
        # .. setting_description: The most nudges one learner sees in 24 hours, over all courses.
        "NUDGE_CAP_PER_DAY": 2,
        # .. setting_name: NUDGE_CAP_PER_WEEK
        # .. setting_default: 5
        # .. setting_description: The most nudges one learner sees in seven days, over all courses.
        "NUDGE_CAP_PER_WEEK": 5,
        # .. setting_name: NUDGE_COOL_DOWN_MINUTES
        # .. setting_default: 60
        # .. setting_description: Minutes between two nudges to the same learner.
        "NUDGE_COOL_DOWN_MINUTES": 60,
        # .. setting_name: NUDGE_KIND_COOL_DOWN_MINUTES
        # .. setting_default: 0
        # .. setting_description: Minutes between two nudges of the same kind to the same learner, where
        #    they are to be further apart than NUDGE_COOL_DOWN_MINUTES.
        "NUDGE_KIND_COOL_DOWN_MINUTES": 0,
        # .. setting_name: NUDGE_QUIET_HOURS
        # .. setting_default: None
        # .. setting_description: A start and an end, such as ["22:00", "07:00"], on the learner's own
        #    clock, between which no nudge is shown. Empty by default: a nudge answers what the learner is
        #    doing just then.
        "NUDGE_QUIET_HOURS": None,
        # .. setting_name: NUDGE_DECISION_BUDGET_MS
        # .. setting_default: 100
        # .. setting_description: Milliseconds that a decision may take; a slower one holds back.
        "NUDGE_DECISION_BUDGET_MS": 100,
        # .. setting_name: NUDGE_TALLY_HALF_LIFE_DAYS
        # .. setting_default: 90
        # .. setting_description: Days after which an answer counts half when a nudge is judged as a
        #    whole.
        "NUDGE_TALLY_HALF_LIFE_DAYS": 90,
    }


def _learning() -> dict[str, Any]:
    return {
        # .. setting_name: NUDGE_LEAVE_DAYS
        # .. setting_default: 2
        # .. setting_description: A learner "leaves" when no event comes for this many days.
        "NUDGE_LEAVE_DAYS": 2,
        # .. setting_name: NUDGE_OUTCOME_DAYS
        # .. setting_default: 7
        # .. setting_description: Days after a moment over which what the learner did is counted.
        "NUDGE_OUTCOME_DAYS": 7,
        # .. setting_name: NUDGE_SELF_PACED_DAYS
        # .. setting_default: 60
        # .. setting_description: Days after enrolment at which a learner of a course without an end is
        #    taken to have passed or not, and to have completed it or not.
        "NUDGE_SELF_PACED_DAYS": 60,
        # .. setting_name: NUDGE_HELD_OUT_SHARE
        # .. setting_default: 0.1
        # .. setting_description: Share of learners, 0 to 1, that models are judged on and never trained
        #    on.
        "NUDGE_HELD_OUT_SHARE": 0.1,
        # .. setting_name: NUDGE_COMPLETE_SHARE
        # .. setting_default: 0.8
        # .. setting_description: Share, 0 to 1, of the blocks anyone completed in a course run that
        #    makes it complete. A certificate does too. Optional and experiment content is why it is not 1.
        "NUDGE_COMPLETE_SHARE": 0.8,
        # .. setting_name: NUDGE_STATE_LAG_SECONDS
        # .. setting_default: 300
        # .. setting_description: A learner's stored state trails the present by this much, so that
        #    events that arrive late by less than it still fall into place at once; later ones are mended at
        #    night.
        "NUDGE_STATE_LAG_SECONDS": 300,
        # .. setting_name: NUDGE_STATE_TAIL
        # .. setting_default: 64
        # .. setting_description: Events after the stored state that are recomputed at each reading
        #    before the state is moved forward.
        "NUDGE_STATE_TAIL": 64,
        # .. setting_name: NUDGE_STATE_HALF
        # .. setting_default: False
        # .. setting_description: Whether the LSTM's part of a stored state is kept in float16 and the
        #    rest compressed. A state then takes 600 to 900 bytes instead of 1,800, and a
        #    probability may be off by some thousandths. States stored either way are read either way.
        "NUDGE_STATE_HALF": False,
        # .. setting_name: NUDGE_USE_DEMOGRAPHICS
        # .. setting_default: True
        # .. setting_description: Whether gender, birth year, country and education may be used to
        #    predict. Off, they are not even read.
        "NUDGE_USE_DEMOGRAPHICS": True,
        # .. setting_name: NUDGE_VOCABULARY_MIN_COUNT
        # .. setting_default: 1000
        # .. setting_description: An event type is learned on its own when it was seen at least this
        #    often.
        "NUDGE_VOCABULARY_MIN_COUNT": 1000,
        # .. setting_name: NUDGE_VOCABULARY_MIN_COURSES
        # .. setting_default: 3
        # .. setting_description: An event type is learned on its own when it was seen in more courses
        #    than this.
        "NUDGE_VOCABULARY_MIN_COURSES": 3,
        # .. setting_name: NUDGE_TRAINING
        # .. setting_default: {}
        # .. setting_description: Values that replace those of predictor.training.TrainConfig, by field
        #    name.
        "NUDGE_TRAINING": {},
        # .. setting_name: NUDGE_STACK
        # .. setting_default: True
        # .. setting_description: Beside the LSTM, the night trains boosted trees on what learners and their
        #    course mates did, which makes the dashboard's predictions better. Training takes three times as
        #    long; nudges are decided by the LSTM alone in either case.
        "NUDGE_STACK": True,
        # .. setting_name: NUDGE_INBOX_DAYS
        # .. setting_default: 14
        # .. setting_description: Days after which the night deletes live events that the event store
        #    holds.
        "NUDGE_INBOX_DAYS": 14,
    }


def _promotion() -> dict[str, Any]:
    return {
        # .. setting_name: NUDGE_PROMOTION_MIN_LEARNERS
        # .. setting_default: 30
        # .. setting_description: Held-out answers that a target of a new engagement model must be measured
        #    on for the model to be judged by it; a model that no target can be judged of is refused.
        "NUDGE_PROMOTION_MIN_LEARNERS": 30,
        # .. setting_name: NUDGE_PROMOTION_MIN_AUC
        # .. setting_default: 0.55
        # .. setting_description: AUC on held-out learners that a new engagement model must reach in its
        #    best target.
        "NUDGE_PROMOTION_MIN_AUC": 0.55,
        # .. setting_name: NUDGE_PROMOTION_MAX_AUC
        # .. setting_default: 0.998
        # .. setting_description: AUC on held-out learners in foreseeing an outcome above which (with its
        #    whole interval) a new engagement model is refused as too good to be true. Leaving, which is read
        #    off the events themselves, is not held to it.
        "NUDGE_PROMOTION_MAX_AUC": 0.998,
        # .. setting_name: NUDGE_PROMOTION_AUC_DROP
        # .. setting_default: 0.02
        # .. setting_description: By how much the AUC of any target may be below the serving model's.
        "NUDGE_PROMOTION_AUC_DROP": 0.02,
        # .. setting_name: NUDGE_PROMOTION_MAX_ECE
        # .. setting_default: 0.1
        # .. setting_description: By how much a new model's probabilities may be off on average (expected
        #    calibration error), beyond what chance does to the measure; as much as the serving model's may.
        "NUDGE_PROMOTION_MAX_ECE": 0.1,
        # .. setting_name: NUDGE_PROMOTION_MIN_NUDGES
        # .. setting_default: 20
        # .. setting_description: Nudges that must have been shown to held-out learners for a new
        #    helpfulness model to be judged; below, it is refused.
        "NUDGE_PROMOTION_MIN_NUDGES": 20,
        # .. setting_name: NUDGE_PROMOTION_LOSS_RISE
        # .. setting_default: 0.05
        # .. setting_description: By how much a new model's log loss on held-out learners may be above the
        #    serving model's, and a helpfulness model's above that of always answering with the shares of the
        #    votes.
        "NUDGE_PROMOTION_LOSS_RISE": 0.05,
        # .. setting_name: NUDGE_PROMOTION_WORTH_DROP
        # .. setting_default: 0.03
        # .. setting_description: What nudging by a new helpfulness model may be worth less a moment than by
        #    the serving one, in helpful votes, judged by the log: it is refused when the lower end of the 95%
        #    interval of the difference lies below minus this. Where the log is too short to tell that much
        #    apart, the night says so and the log loss decides, unless the whole interval lies below zero and
        #    its middle below minus this.
        "NUDGE_PROMOTION_WORTH_DROP": 0.03,
        # .. setting_name: NUDGE_PROMOTION_WORTH_DAYS
        # .. setting_default: 28
        # .. setting_description: Days of the log that the worth of a new helpfulness model is judged by.
        "NUDGE_PROMOTION_WORTH_DAYS": 28,
        # .. setting_name: NUDGE_PROMOTION_GAP_RISE
        # .. setting_default: 0.05
        # .. setting_description: By how much the gap between how well one group of learners and everyone else
        #    are told apart (ABROCA, 0 to 1) may be above the serving model's, beyond chance.
        "NUDGE_PROMOTION_GAP_RISE": 0.05,
        # .. setting_name: NUDGE_DRIFT_LIMIT
        # .. setting_default: 0.25
        # .. setting_description: Population stability index, between last week and the weeks that the serving
        #    model was trained on, above which the night warns of drift; only differences that chance does not
        #    explain are warned of.
        "NUDGE_DRIFT_LIMIT": 0.25,
    }


def _platform() -> dict[str, Any]:
    return {
        # .. setting_name: NUDGE_LIVE_EVENTS
        # .. setting_default: the names in nudge_xblock.settings.wiring.LIVE_EVENTS
        # .. setting_description: Names of the tracking events that are read as they happen. Empty: none
        #    are, and what the models know is as old as the last night.
        "NUDGE_LIVE_EVENTS": None,
        # .. setting_name: NUDGE_QUEUE
        # .. setting_default: "edx.lms.core.default"
        # .. setting_description: Celery queue of the plugin's tasks.
        "NUDGE_QUEUE": "edx.lms.core.default",
        # .. setting_name: NUDGE_NIGHT_AT
        # .. setting_default: ""
        # .. setting_description: "HH:MM", in Celery's time zone, at which Celery beat starts the nightly
        #    job. Empty: beat does not; run `manage.py lms nudge_nightly` from cron instead.
        "NUDGE_NIGHT_AT": "",
        # .. setting_name: NUDGE_COMPAT
        # .. setting_default: "nudge_xblock.compat.Platform"
        # .. setting_description: Dotted path of the class that answers for the platform: users, roles,
        #    dates.
        "NUDGE_COMPAT": "nudge_xblock.compat.Platform",
    }
