"""What is stored of risk: each enrolment's newest assessment, its days, cases and their history, settings.

Learners are reached through `Enrolment`, so that retirement finds them; members of staff are held by the
platform's user id, which retirement empties.  Names and mail addresses are never stored.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.django.models import CourseKeyField


class Tier(models.TextChoices):
    """How much help a learner needs, least first."""

    MARGINAL = "marginal", _("Marginal")
    MODERATE = "moderate", _("Moderate")
    HIGH = "high", _("High")


class Owner(models.TextChoices):
    """Who can help with a reason."""

    ADVISER = "adviser", _("Adviser")
    ASSISTANT = "assistant", _("Teaching assistant")
    TEAM = "team", _("Course team")


class Risk(models.Model):
    """What the risk model says of one enrolment, as of the newest night.

    .. pii: How likely a learner is not to complete, and the figures behind it.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    enrolment = models.OneToOneField(
        "nudge_xblock.Enrolment", on_delete=models.CASCADE, primary_key=True, related_name="risk"
    )
    chance = models.FloatField(help_text=_("Probability of not completing."))
    baseline = models.FloatField(
        help_text=_("Log-odds of a typical learner who completes, at this point of the course.")
    )
    contributions = models.JSONField(
        default=dict, help_text=_("Reason group to log-odds; with the baseline they are the log-odds.")
    )
    reasons = models.JSONField(
        default=list,
        help_text=_(
            "The groups that raise it, strongest first: group, contribution, chance_if_typical, numbers."
        ),
    )
    days = models.FloatField(help_text=_("Days that the learner has been in the course run."))
    share = models.FloatField(help_text=_("Share of the course passed, 0 to 1."))
    partial = models.BooleanField(default=False, help_text=_("The learner never came."))
    unknown = models.JSONField(default=list, help_text=_("Groups of which nothing is known."))
    group = models.CharField(
        max_length=16, blank=True, help_text=_("The first of the reasons; empty: no single one stands out.")
    )
    tier = models.CharField(
        max_length=8, choices=Tier.choices, blank=True, help_text=_("Empty: not at risk.")
    )
    at = models.DateTimeField(help_text=_("The moment that it speaks of."))
    model_version = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tier"], name="nudge_risk_tier")]

    def __str__(self) -> str:
        return f"{self.enrolment_id}: {self.chance:.2f}"


class RiskDay(models.Model):
    """One enrolment's risk as of one day, and what it was made of: for the line, and what moved it.

    .. pii: How likely a learner is not to complete.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    # Found by the constraint below, which begins with it.
    enrolment = models.ForeignKey(
        "nudge_xblock.Enrolment", on_delete=models.CASCADE, related_name="risk_days", db_index=False
    )
    day = models.DateField(db_index=True)
    chance = models.FloatField()
    contributions = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "day"], name="nudge_risk_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment_id} on {self.day}: {self.chance:.2f}"


class Case(models.Model):
    """One learner who needs somebody, from the night that found it until it is closed.

    .. pii: That a learner was thought to be at risk, why, and what was done about it.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """Open; then resolved by a person, or closed because nothing is left to do."""

        OPEN = "open", _("Open")
        RESOLVED = "resolved", _("Resolved")
        CLOSED = "closed", _("Closed by itself")

    enrolment = models.ForeignKey("nudge_xblock.Enrolment", on_delete=models.CASCADE, related_name="cases")
    course_key = CourseKeyField(max_length=255)
    group = models.CharField(
        max_length=16,
        blank=True,
        help_text=_("The reason it was opened for; empty: no single one stood out."),
    )
    tier = models.CharField(max_length=8, choices=Tier.choices)
    chance = models.FloatField(help_text=_("Probability of not completing, as of the newest night."))
    chance_opened = models.FloatField(help_text=_("The same as it was opened."))
    owner = models.CharField(max_length=16, choices=Owner.choices)
    assignee_id = models.BigIntegerField(null=True, help_text=_("Whose case it is; empty: nobody's yet."))
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=16, blank=True, help_text=_("How it ended; a code of outcomes.py."))
    opened = models.DateTimeField()
    tier_since = models.DateTimeField(help_text=_("Since when it is in its tier."))
    closed = models.DateTimeField(null=True)
    known = models.JSONField(
        default=list,
        help_text=_(
            "The reasons there were as it ended: these are not flagged again until the learner is better."
        ),
    )
    kept = models.BooleanField(
        default=False,
        help_text=_("A person opened it again: it does not close because the learner is better."),
    )
    rearmed = models.DateTimeField(
        null=True,
        help_text=_("When the learner was better, after the end: from then the same may be flagged again."),
    )
    slot = models.CharField(  # noqa: DJ001 - empty must be NULL, of which a unique column holds many
        max_length=32, null=True, unique=True, help_text=_("Filled while open: one open case a learner.")
    )
    version = models.PositiveIntegerField(
        default=0, help_text=_("Raised by each change, so that two people cannot overwrite each other.")
    )

    class Meta:
        permissions = [("work_cases", _("May see and work on the at-risk cases of every course"))]
        ordering = ["-opened", "-id"]
        indexes = [
            models.Index(fields=["course_key", "state", "tier"], name="nudge_case_course"),
            models.Index(fields=["assignee_id", "state"], name="nudge_case_assignee"),
        ]

    def __str__(self) -> str:
        return f"{self.group} ({self.tier}), {self.state}"


class CaseEvent(models.Model):
    """One thing that happened to a case: what the night found, what was sent, what a person wrote or did.

    .. pii: The user id of a member of staff, and what they wrote about a learner.
    .. pii_types: id, other
    .. pii_retirement: local_api
    """

    # Found by the index below, which begins with it.
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField()
    author_id = models.BigIntegerField(null=True, help_text=_("Empty: the night, or someone retired."))
    about_id = models.BigIntegerField(
        null=True, help_text=_("The member of staff it is about: to whom a case was given.")
    )
    what = models.CharField(max_length=16, help_text=_("A code of history.py."))
    text = models.TextField(blank=True, help_text=_("What a person wrote."))
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["case", "at"], name="nudge_case_event")]

    def __str__(self) -> str:
        return f"{self.what} of case {self.case_id}"


class RiskSettings(models.Model):
    """A course team's limits between tiers, and who helps with what; a course without a row has the site's.

    .. pii: The user id of the member of staff who changed it.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    course_key = CourseKeyField(max_length=255, unique=True)
    marginal = models.PositiveSmallIntegerField(help_text=_("From this percent on the risk is marginal."))
    moderate = models.PositiveSmallIntegerField(help_text=_("From this percent on it is moderate."))
    high = models.PositiveSmallIntegerField(help_text=_("From this percent on it is high."))
    automatic = models.BooleanField(
        default=False, help_text=_("Whether mails and pop-ups go out by themselves.")
    )
    plan = models.JSONField(
        default=dict, help_text=_('Reason group to {"owner", "intervention"}, where they are not the usual.')
    )
    author_id = models.BigIntegerField(null=True)
    updated = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "risk settings"

    def __str__(self) -> str:
        return f"{self.course_key}: {self.marginal}, {self.moderate}, {self.high}"


class Notice(models.Model):
    """One call to the operator's own system about a case, until it was taken.

    .. no_pii: It points at a case.
    """

    event = models.OneToOneField(CaseEvent, on_delete=models.CASCADE, related_name="notice")
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True, db_index=True, help_text=_("Empty: taken, or given up."))
    taken = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    down = models.BooleanField(default=False, help_text=_("It waits because the other side took nothing."))

    def __str__(self) -> str:
        return f"notice of event {self.event_id}"


class Way(models.Model):
    """The usual items of a course run in the order in which learners come to them, as of the newest night.

    .. no_pii: An item is in it where most of those who came as far were there, ten of them at least.
    """

    course_key = CourseKeyField(max_length=255, unique=True)
    items = models.JSONField(default=list, help_text=_("Usage keys."))
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{len(self.items)} items of {self.course_key}"


class Whereabouts(models.Model):
    """How far one enrolment came on the way, and what it left out; nothing of who was never on it.

    .. pii: Where in a course a learner has been.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    enrolment = models.OneToOneField(
        "nudge_xblock.Enrolment", on_delete=models.CASCADE, primary_key=True, related_name="whereabouts"
    )
    furthest = models.PositiveIntegerField(help_text=_("The place on the way, from 0."))
    left_out = models.JSONField(
        default=list, help_text=_("The first places before that one without a visit.")
    )

    class Meta:
        verbose_name_plural = "whereabouts"

    def __str__(self) -> str:
        return f"{self.enrolment_id}: {self.furthest}"


class Intervention(models.Model):
    """A letter that goes out by itself to learners of one tier, for one leading reason.

    .. no_pii: It points at a letter.
    """

    letter = models.OneToOneField(
        "nudge_xblock.Letter", on_delete=models.CASCADE, related_name="intervention"
    )
    course_key = CourseKeyField(max_length=255)
    tier = models.CharField(max_length=8, choices=Tier.choices)
    group = models.CharField(max_length=16, blank=True, help_text=_("Empty: no single reason stands out."))

    class Meta:
        indexes = [
            models.Index(fields=["course_key", "tier", "group"], name="nudge_intervention_course"),
        ]

    def __str__(self) -> str:
        return f"letter {self.letter_id} for {self.group} ({self.tier})"
