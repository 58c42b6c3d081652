"""What the plugin stores: events waiting to be learned from, learners, nudges, decisions and nights.

All times are aware and in UTC.  Learners are held by the platform's user id; names and addresses are
never stored here.  Every row of one learner is reached from `Learner`, which is how retirement finds it.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class Learner(models.Model):
    """One learner's standing towards nudges, across courses.

    .. pii: The platform's user id and what the learner answered to nudges.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    user_id = models.BigIntegerField(unique=True)
    opted_out = models.BooleanField(default=False, help_text=_("Receives no nudges at all."))
    fewer = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often the learner asked for fewer nudges; each halves the caps.")
    )
    sends = models.JSONField(
        default=list,
        help_text=_("Recent sends, oldest first: [unix time, kind, placement id], a week's worth."),
    )
    answers = models.JSONField(
        default=dict,
        help_text=_("Counts over all time: sent, answered, helpful and so on, and per kind; see answers.py."),
    )
    profile = models.JSONField(
        default=dict,
        help_text=_("Profile as of the last night: gender, birth_year, country, education, language."),
    )
    version = models.PositiveIntegerField(
        default=0,
        help_text=_("Raised by each send, so that two moments at once cannot both spend the last cap."),
    )

    def __str__(self) -> str:
        return f"learner {self.user_id}"


class Enrolment(models.Model):
    """One learner in one course run: the LSTM state, and the newest predictions.

    .. pii: What a learner is predicted to do, and the state computed from the learner's events.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="enrolments")
    course_key = CourseKeyField(max_length=255)
    mode = models.CharField(max_length=32, blank=True)
    started = models.DateTimeField(
        null=True, help_text=_("When the enrolment, or its first known event, was.")
    )
    last_seen = models.DateTimeField(null=True, help_text=_("The newest event folded into the state."))
    state = models.BinaryField(null=True, help_text=_("Packed streaming state; see predictor.streaming."))
    state_model = models.CharField(
        max_length=64, blank=True, help_text=_("The model version the state belongs to.")
    )
    state_through = models.DateTimeField(
        null=True, help_text=_("Every event up to here is in the state; later ones are the tail.")
    )
    needs_rebuild = models.BooleanField(
        default=False, help_text=_("An event arrived later than the checkpoint allows; mended at night.")
    )
    predictions = models.JSONField(
        default=dict, help_text=_("Target name to probability, as of predicted_at.")
    )
    predicted_at = models.DateTimeField(null=True)
    predicted_by = models.CharField(max_length=64, blank=True, help_text=_("The model version."))
    progress = models.PositiveSmallIntegerField(
        null=True,
        help_text=_("Percent of the items that learners of this run completed, as of the night."),
    )
    fell = models.PositiveSmallIntegerField(
        default=0, help_text=_("Percent points by which passing or completing became less likely in a week.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course_key"], name="nudge_enrolment_once"),
        ]
        indexes = [
            models.Index(fields=["course_key", "learner"], name="nudge_enrolment_course"),
        ]

    def __str__(self) -> str:
        return f"{self.learner} in {self.course_key}"


class InboxEvent(models.Model):
    """One live event, as it came; append-only until the night has stored and folded it in.

    .. pii: The platform's user id and what the learner did.
    .. pii_types: id, other
    .. pii_retirement: local_api
    """

    digest = models.CharField(
        max_length=32, unique=True, help_text=_("Of the whole event: a repeat is dropped.")
    )
    course_key = CourseKeyField(max_length=255)
    user_id = models.BigIntegerField()
    time = models.DateTimeField()
    arrived = models.DateTimeField(auto_now_add=True, db_index=True)
    token = models.CharField(max_length=128)
    item_id = models.CharField(max_length=255, blank=True)
    score = models.FloatField(
        null=True, help_text=_("Share of the points reached, where the event carries one.")
    )

    class Meta:
        indexes = [
            models.Index(fields=["user_id", "course_key", "time"], name="nudge_inbox_tail"),
        ]

    def __str__(self) -> str:
        return f"{self.token} by {self.user_id} at {self.time}"


class Placement(models.Model):
    """A nudge block in a unit, or a course-wide rule, as last published or seen.

    .. no_pii:
    """

    key = models.CharField(max_length=255, unique=True, help_text=_("The usage key of the nudge block."))
    usage_key = UsageKeyField(max_length=255, null=True)
    course_key = CourseKeyField(max_length=255, db_index=True)
    title = models.CharField(max_length=255, blank=True)
    kind = models.CharField(
        max_length=32, blank=True, help_text=_("The situation, such as review or encourage.")
    )
    trigger = models.JSONField(
        default=dict, help_text=_('{"when": "problem_failed", "item": …, …}; see triggers.py.')
    )
    audience = models.CharField(max_length=32, default="all")
    course_wide = models.BooleanField(default=False, help_text=_("May show in any unit of the course."))
    objective = models.CharField(
        max_length=16, default="vote", help_text=_("What counts as success; one of objectives.OBJECTIVES.")
    )
    objective_days = models.FloatField(
        default=7.0, help_text=_("Days after the nudge that count, where its objective is what is completed.")
    )
    may_retire = models.BooleanField(
        default=True, help_text=_("Whether the night holds back a wording after which less is completed.")
    )
    active = models.BooleanField(default=True)
    updated = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title or self.key


class Variant(models.Model):
    """One wording of a message.  An edited wording is a new variant with a new digest.

    .. no_pii:
    """

    placement = models.ForeignKey(Placement, on_delete=models.CASCADE, related_name="variants")
    digest = models.CharField(max_length=32, help_text=_("Of heading, body and call to action."))
    heading = models.CharField(max_length=120)
    body = models.TextField()
    action_label = models.CharField(max_length=60, blank=True)
    action_url = models.CharField(max_length=500, blank=True)
    position = models.PositiveSmallIntegerField(default=0, help_text=_("The first is the default."))
    active = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)
    shown = models.FloatField(
        default=0.0,
        help_text=_("How often it was on a screen, up to counted_through; older counts weigh less."),
    )
    helpful = models.FloatField(
        default=0.0,
        help_text=_("How often it succeeded by its objective (voted helpful), counted likewise."),
    )
    not_helpful = models.FloatField(
        default=0.0,
        help_text=_("How often it failed by its objective (voted not helpful), counted likewise."),
    )
    counted_through = models.DateTimeField(null=True, help_text=_("As of which night the counts are."))
    effect = models.JSONField(
        default=dict,
        help_text=_(
            "What sending it changed in the items completed and in learners coming back, as of the night."
        ),
    )
    harmful_since = models.DateTimeField(
        null=True, help_text=_("Since which night it is held back because less was completed after it.")
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["placement", "digest"], name="nudge_variant_once"),
        ]

    def __str__(self) -> str:
        return self.heading


class Decision(models.Model):
    """What the gate did at one moment, sent or held, with all that is needed to replay and reuse it.

    .. pii: The platform's user id, and the features seen of the learner.
    .. pii_types: id, other
    .. pii_retirement: local_api
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    moment = models.CharField(
        max_length=64,
        unique=True,
        help_text=_("Digest of learner, placement and occasion: one decision each."),
    )
    # Found by the indexes below, which begin with them; each index more is paid for while a learner waits.
    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    course_key = CourseKeyField(max_length=255)
    placement = models.ForeignKey(
        Placement, on_delete=models.CASCADE, related_name="decisions", db_index=False
    )
    variant = models.ForeignKey(
        Variant,
        on_delete=models.CASCADE,
        null=True,
        related_name="decisions",
        help_text=_("Empty: held back."),
    )
    reason = models.CharField(max_length=40, help_text=_("A code of reasons.py, such as explore or cold."))
    explored = models.BooleanField(default=False)
    propensity = models.FloatField(help_text=_("Probability with which what was done would have been done."))
    propensities = models.JSONField(help_text=_('Variant id, or "hold", to probability; they sum to one.'))
    predictions = models.JSONField(default=dict, help_text=_("Variant id to [helpful, not helpful, none]."))
    features = models.JSONField(
        default=dict, help_text=_("The feature vector per candidate that the model saw; see vectors.py.")
    )
    inputs = models.JSONField(
        default=dict, help_text=_("History, placement figures and policy: the rest of the input.")
    )
    draw = models.FloatField(help_text=_("The uniform number that decided."))
    model_version = models.CharField(max_length=64, blank=True)
    helpfulness_version = models.CharField(max_length=64, blank=True)
    created = models.DateTimeField(db_index=True)
    helpful = models.BooleanField(null=True, help_text=_("The vote as it stands; empty when there is none."))
    voted_at = models.DateTimeField(null=True)
    shown_at = models.DateTimeField(
        null=True, help_text=_("When the card was really on the learner's screen.")
    )
    clicked_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)
    keys = models.JSONField(
        default=list, help_text=_("Once-only ids of the answers taken in, so that a repeat changes nothing.")
    )
    outcome = models.JSONField(default=dict, help_text=_("What happened afterwards, filled in by the night."))

    class Meta:
        indexes = [
            # Wide, so that what staff see of a course is counted from the index alone: rows are heavy.
            models.Index(
                fields=[
                    "course_key",
                    "created",
                    "reason",
                    "learner",
                    "variant",
                    "propensity",
                    "helpful",
                    "voted_at",
                    "shown_at",
                    "clicked_at",
                ],
                name="nudge_decision_course",
            ),
            models.Index(fields=["learner", "created"], name="nudge_decision_learner"),
            models.Index(fields=["placement", "created"], name="nudge_decision_placement"),
        ]

    def __str__(self) -> str:
        return f"{'sent' if self.variant_id else 'held'} ({self.reason})"


class PredictionDay(models.Model):
    """One enrolment's predictions as of one day, for the line over time.

    .. pii: What a learner is predicted to do.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    predictions = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "day"], name="nudge_prediction_day_once"),
        ]
        indexes = [
            models.Index(fields=["day"], name="nudge_prediction_day"),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment} on {self.day}"


class Night(models.Model):
    """One run of the nightly job: how far it is, what it measured, what it promoted or refused.

    .. no_pii:
    """

    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    step = models.CharField(
        max_length=40, blank=True, help_text=_("The step under way, or the one that failed.")
    )
    progress = models.FloatField(default=0.0, help_text=_("Share done, 0 to 1."))
    failed = models.BooleanField(default=False)
    steps = models.JSONField(default=dict, help_text=_("Step name to its report."))
    model_version = models.CharField(max_length=64, blank=True, help_text=_("What serves after this night."))
    promoted = models.BooleanField(default=False)
    verdict = models.JSONField(
        default=list, help_text=_("Why the new model was promoted or refused; see remarks.py.")
    )
    metrics = models.JSONField(default=dict)
    slot = models.CharField(  # noqa: DJ001 - empty must be NULL, of which a unique column holds many
        max_length=16,
        null=True,
        unique=True,
        help_text=_("Filled while queued or running: one night at a time."),
    )
    runner = models.CharField(
        max_length=80, blank=True, help_text=_("The process at work; empty while queued.")
    )
    beat = models.DateTimeField(null=True, help_text=_("When the process last showed that it lives."))

    class Meta:
        ordering = ["-started", "-id"]

    def __str__(self) -> str:
        return f"night of {self.started:%Y-%m-%d}"


# Last, so that Django finds the tables of these rooms; they name those above by their labels.
from .atrisk import models as _risk  # noqa: E402, F401
from .communicator import models as _letters  # noqa: E402, F401
