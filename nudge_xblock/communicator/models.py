"""What the Communicator stores: letters, one row per learner written to, who must not be written to, audit.

Learners are reached through `Learner`, so that retirement finds them; members of staff are held by the
platform's user id, which retirement empties.  Names and mail addresses are never stored: a suppressed
address is kept as a keyed hash alone.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.django.models import CourseKeyField


class Channel(models.TextChoices):
    """How a letter reaches a learner."""

    MAIL = "mail", _("Mail")
    NUDGE = "nudge", _("Pop-up at the next visit")
    NUDGE_THEN_MAIL = "nudge_then_mail", _("Pop-up, and a mail where it is not seen")


class Letter(models.Model):
    """One message of a course's staff, from draft to sent, and to whom it goes.

    .. pii: The platform's user id of the member of staff who wrote it, and perhaps their mail address.
    .. pii_types: id, email_address
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """Draft; then waiting for its time, or sending, or automatic; at last sent or stopped."""

        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Waiting for its time")
        AUTOMATIC = "automatic", _("To new matches each morning")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        STOPPED = "stopped", _("Stopped")

    course_key = CourseKeyField(max_length=255)
    author_id = models.BigIntegerField(null=True, help_text=_("Who wrote it; empty once they were retired."))
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True, help_text=_("Sanitised HTML with placeholders; see letters.py."))
    links = models.JSONField(
        default=list, help_text=_('Places in the course that it points to: [{"label", "url"}].')
    )
    sender = models.CharField(max_length=320, blank=True, help_text=_("The From address; a verified one."))
    reply_to = models.CharField(max_length=320, blank=True)
    reply_owner_id = models.BigIntegerField(
        null=True, help_text=_("Whose own address `reply_to` is; empty for one of the course.")
    )
    selection = models.TextField(blank=True, help_text=_("The query of selection.py; everyone=1 is all."))
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.MAIL)
    wait_days = models.PositiveSmallIntegerField(
        default=3, help_text=_("After so many days unseen a pop-up is followed by a mail.")
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    at = models.DateTimeField(null=True, help_text=_("When it goes out; empty: as soon as it is confirmed."))
    automatic_until = models.DateField(
        null=True, help_text=_("The last day on which new matches receive it; empty: sent once.")
    )
    matched = models.PositiveIntegerField(
        null=True, help_text=_("How many the selection held when it was confirmed.")
    )
    reused_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="reuses",
        help_text=_("The letter it was copied from, perhaps of an earlier run of the course."),
    )
    resend = models.BooleanField(
        default=False, help_text=_("Leaves out whom the letter it was copied from has reached.")
    )
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    confirmed = models.DateTimeField(null=True)
    confirmed_for = models.BinaryField(
        null=True, help_text=_("Who was chosen as it was confirmed, until their rows are made.")
    )
    last_run = models.DateTimeField(null=True, help_text=_("When matches were last queued."))
    finished = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)  # why it could not begin, in words
    attended_until = models.DateTimeField(null=True)  # until then workers are at it, or will come back

    class Meta:
        ordering = ["-created", "-id"]
        indexes = [
            models.Index(fields=["course_key", "created"], name="nudge_letter_course"),
            models.Index(fields=["state", "at"], name="nudge_letter_due"),
        ]

    def __str__(self) -> str:
        return self.subject or f"letter {self.pk}"


class Delivery(models.Model):
    """What became of one letter for one learner: at most one row each, whatever crashes or is repeated.

    .. pii: That a learner was written to, a keyed hash of the address, why, and whether it was opened.
    .. pii_types: id, email_address, other
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """A pop-up waits, then was seen; a mail is queued, claimed, handed over, then sent or failed.

        What has not been handed over may be skipped, or be queued again.
        """

        WAITING = "waiting", _("Waits for the next visit")
        SEEN = "seen", _("Seen as a pop-up")
        QUEUED = "queued", _("Waits to be sent")
        CLAIMED = "claimed", _("Claimed by a worker")
        HANDED = "handed", _("Being handed over to the mail server")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    # Found by the constraint below, which begins with it.
    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    learner = models.ForeignKey("nudge_xblock.Learner", on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it failed or was skipped: a code of delivery.py.")
    )
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.MAIL)
    why = models.JSONField(
        default=dict, help_text=_("The learner's figures by which the selection held them, in percent.")
    )
    worker = models.CharField(max_length=80, blank=True, help_text=_("The process that claimed it."))
    due_at = models.DateTimeField(
        null=True, help_text=_("Not before: quiet hours, caps or a mail server that was busy put it off.")
    )
    put_off_since = models.DateTimeField(null=True)  # the first time; patience runs from then
    tries = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often a mail server refused it for the moment.")
    )
    decision = models.ForeignKey(
        "nudge_xblock.Decision",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("The gate's decision by which the pop-up was given."),
    )
    address = models.CharField(max_length=64, blank=True)  # keyed hash of where the mail went
    message_id = models.CharField(max_length=255, blank=True, help_text=_("The mail's Message-ID."))
    created = models.DateTimeField(auto_now_add=True)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True, help_text=_("When the mail server took it over."))
    shown_at = models.DateTimeField(null=True, help_text=_("When the pop-up was on the learner's screen."))
    opened_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    escalate_at = models.DateTimeField(
        null=True, help_text=_("From when a mail follows a pop-up that was not seen.")
    )

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["letter", "learner"], name="nudge_delivery_once"),
        ]
        indexes = [
            models.Index(fields=["letter", "state"], name="nudge_delivery_state"),
            models.Index(fields=["state", "escalate_at"], name="nudge_delivery_escalate"),
            models.Index(fields=["state", "claimed_at"], name="nudge_delivery_claimed"),
            models.Index(fields=["message_id"], name="nudge_delivery_message"),
        ]

    def __str__(self) -> str:
        return f"{self.letter_id} to {self.learner_id}: {self.state}"


class Rate(models.Model):
    """The one row that workers lock as they claim, so that all letters together keep to the site's rate.

    .. no_pii:
    """

    class Meta:
        verbose_name_plural = "rate"

    def __str__(self) -> str:
        return "rate"


class Suppression(models.Model):
    """Someone who must not be mailed, and why.  It outlives enrolments and retirement, as a keyed hash alone.

    .. pii: A keyed hash of a mail address, and the learner it belonged to until that one is retired.
    .. pii_types: id, email_address
    .. pii_retirement: local_api
    """

    class Why(models.TextChoices):
        """What made the address one not to write to."""

        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        BOUNCED = "bounced", _("The address does not exist")
        COMPLAINED = "complained", _("Reported as spam")

    address = models.CharField(max_length=64, help_text=_("Keyed hash of the address; see suppression.py."))
    scope = models.CharField(
        max_length=255, blank=True, help_text=_("The course run it holds for; empty: the whole site.")
    )
    learner = models.ForeignKey(
        "nudge_xblock.Learner", on_delete=models.SET_NULL, null=True, related_name="suppressions"
    )
    why = models.CharField(max_length=16, choices=Why.choices, default=Why.UNSUBSCRIBED)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["address", "scope", "why"], name="nudge_suppression_once"),
        ]
        indexes = [
            models.Index(fields=["scope"], name="nudge_suppression_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.why} ({self.scope or 'everywhere'})"


class SavedSelection(models.Model):
    """A course team's own named selection of learners.

    .. pii: The platform's user id of the member of staff who named it.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    course_key = CourseKeyField(max_length=255)
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True, help_text=_("As in the address of the page; see selection.py."))
    author_id = models.BigIntegerField(null=True, help_text=_("Who named it; empty once they were retired."))
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["course_key", "name"], name="nudge_selection_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Audit(models.Model):
    """One call of a member of staff, or one look repeated within minutes: who, what, when, and to how many.

    .. pii: The platform's user id of the member of staff.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    course_key = CourseKeyField(max_length=255)
    user_id = models.BigIntegerField(null=True, help_text=_("Empty once they were retired."))
    at = models.DateTimeField(auto_now_add=True)
    times = models.PositiveIntegerField(default=1, help_text=_("How often, where a look was repeated."))
    last = models.DateTimeField(auto_now_add=True, help_text=_("When the last of them was."))
    what = models.CharField(max_length=40, help_text=_("A code of audit.py."))
    letter = models.ForeignKey(Letter, on_delete=models.SET_NULL, null=True, related_name="audit")
    detail = models.JSONField(default=dict, help_text=_("Counts and queries; never who was written to."))

    class Meta:
        verbose_name_plural = "audit"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["course_key", "at"], name="nudge_audit_course"),
        ]

    def __str__(self) -> str:
        return f"{self.what} by {self.user_id} in {self.course_key}"
