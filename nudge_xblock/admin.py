"""What an operator can look at: decisions, nudges, learners, nights and letters.  Nothing is edited here.

Decisions and states are evidence: they are written by the gate and the night alone, and erased by retirement.
One thing can be deleted: that an address must not be mailed, where that was a mistake.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from . import decisions, remarks
from .atrisk.models import Case, CaseEvent, Notice, Risk, RiskSettings
from .communicator.models import Audit, Delivery, Letter, Suppression
from .communicator.suppression import mark
from .models import Decision, Enrolment, Learner, Night, Placement, Variant
from .reasons import Reason

if TYPE_CHECKING:
    Table = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
else:  # generic for the type checker alone
    Table, Inline = admin.ModelAdmin, admin.TabularInline


class ReadOnly:
    """Nobody adds, changes or deletes through the admin."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SentOrHeld(admin.SimpleListFilter):
    """Whether a decision sent something."""

    title = _("what was done")
    parameter_name = "sent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("sent")), ("no", _("held back"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        if self.value() is None:
            return queryset
        return queryset.filter(variant__isnull=self.value() == "no")


class ByReason(admin.SimpleListFilter):
    """The codes there are, rather than those that a scan of all decisions would find."""

    title = Decision._meta.get_field("reason").verbose_name
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(reason), str(reason)) for reason in Reason]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        return queryset if self.value() is None else queryset.filter(reason=self.value())


def _pretty(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


@admin.register(Decision)
class DecisionAdmin(ReadOnly, Table):
    """Why a learner did or did not see a nudge."""

    list_display = ("created", "course_key", "placement", "done", "reason", "explored", "propensity", "vote")
    list_filter = (SentOrHeld, ByReason, "explored", "helpful")
    list_select_related = ("placement", "variant")
    search_fields = ("=id", "=learner__user_id", "placement__key", "=course_key")
    show_full_result_count = False
    ordering = ("-created",)
    exclude = ("propensities", "predictions", "features", "inputs", "outcome")
    readonly_fields = (
        "chances", "model_predictions", "model_features", "gate_inputs", "what_followed", "replayed",
    )  # fmt: skip

    @admin.display(description=_("done"))
    def done(self, decision: Decision) -> str:
        """What was sent, or that it was held back."""
        return decision.variant.heading if decision.variant else str(_("held back"))

    @admin.display(description=_("vote"), boolean=True)
    def vote(self, decision: Decision) -> bool | None:
        """The vote as it stands."""
        return decision.helpful

    @admin.display(description=_("propensities"))
    def chances(self, decision: Decision) -> SafeString:
        """Each candidate's probability, holding back included."""
        return _pretty(decision.propensities)

    @admin.display(description=_("predictions"))
    def model_predictions(self, decision: Decision) -> SafeString:
        """What the model said of each candidate."""
        return _pretty(decision.predictions)

    @admin.display(description=_("features"))
    def model_features(self, decision: Decision) -> SafeString:
        """What the model saw."""
        return _pretty(decision.features)

    @admin.display(description=_("inputs"))
    def gate_inputs(self, decision: Decision) -> SafeString:
        """What else the gate saw."""
        return _pretty(decision.inputs)

    @admin.display(description=_("outcome"))
    def what_followed(self, decision: Decision) -> SafeString:
        """What happened afterwards."""
        return _pretty(decision.outcome)

    @admin.display(description=_("decided the same again"), boolean=True)
    def replayed(self, decision: Decision) -> bool | None:
        """Whether the gate, given the stored input and draw, decides the same; None if it cannot be read."""
        try:
            return decisions.replay(decision.pk).same
        except (KeyError, TypeError, ValueError):  # written by a release that stored its inputs otherwise
            return None


class VariantInline(ReadOnly, Inline):
    """The wordings of a nudge, those no longer in use too."""

    model = Variant
    fields = ("heading", "body", "action_label", "action_url", "position", "active", "created")
    readonly_fields = fields
    extra = 0


@admin.register(Placement)
class PlacementAdmin(ReadOnly, Table):
    """The nudges of every course, and how they fare."""

    list_display = (
        "title", "course_key", "kind", "course_wide", "active", "decided", "shown", "helpful", "not_helpful",
    )  # fmt: skip
    list_filter = ("kind", "active", "course_wide")
    search_fields = ("key", "title", "=course_key")
    inlines = (VariantInline,)
    ordering = ("course_key", "title")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        """Count decisions, impressions and votes in the same query."""
        counted = {
            "decisions_made": Count("decisions"),
            "times_shown": Count("decisions", filter=Q(decisions__shown_at__isnull=False)),
            "times_helpful": Count("decisions", filter=Q(decisions__helpful=True)),
            "times_not_helpful": Count("decisions", filter=Q(decisions__helpful=False)),
        }
        rows: QuerySet[Placement] = super().get_queryset(request)
        return rows.annotate(**counted)

    @admin.display(description=_("decisions"), ordering="decisions_made")
    def decided(self, placement: Any) -> int:
        """Moments decided, sent or held back."""
        return int(placement.decisions_made)

    @admin.display(description=_("shown"), ordering="times_shown")
    def shown(self, placement: Any) -> int:
        """Times the card was on a screen."""
        return int(placement.times_shown)

    @admin.display(description=_("helpful"), ordering="times_helpful")
    def helpful(self, placement: Any) -> int:
        """Votes for."""
        return int(placement.times_helpful)

    @admin.display(description=_("not helpful"), ordering="times_not_helpful")
    def not_helpful(self, placement: Any) -> int:
        """Votes against."""
        return int(placement.times_not_helpful)


@admin.register(Night)
class NightAdmin(ReadOnly, Table):
    """What each night did, measured, promoted or refused."""

    list_display = ("started", "finished", "step", "done", "failed", "promoted", "model_version", "told")
    list_filter = ("failed", "promoted")
    exclude = ("steps", "metrics", "verdict")
    readonly_fields = ("told", "reports", "measured")

    @admin.display(description=_("done"))
    def done(self, night: Night) -> str:
        """How far it is."""
        return f"{night.progress:.0%}"

    @admin.display(description=_("verdict"))
    def told(self, night: Night) -> str:
        """What was promoted or refused, and why."""
        return remarks.text(night.verdict)

    @admin.display(description=_("steps"))
    def reports(self, night: Night) -> SafeString:
        """Each step's report."""
        return _pretty(night.steps)

    @admin.display(description=_("metrics"))
    def measured(self, night: Night) -> SafeString:
        """What the models were judged by."""
        return _pretty(night.metrics)


@admin.register(Learner)
class LearnerAdmin(ReadOnly, Table):
    """Who opted out or asked for fewer; found by user id."""

    list_display = ("user_id", "opted_out", "fewer")
    list_filter = ("opted_out",)
    search_fields = ("=user_id",)
    show_full_result_count = False
    ordering = ("user_id",)


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnly, Table):
    """How current the state and predictions of each enrolment are."""

    list_display = (
        "learner", "course_key", "mode", "last_seen", "state_model", "state_through", "needs_rebuild",
        "predicted_at",
    )  # fmt: skip
    list_filter = ("needs_rebuild", "state_model")
    list_select_related = ("learner",)
    search_fields = ("=learner__user_id", "=course_key")
    show_full_result_count = False
    ordering = ("-pk",)
    exclude = ("state",)


@admin.register(Letter)
class LetterAdmin(ReadOnly, Table):
    """What a course's staff wrote, and how far it is."""

    list_display = (
        "created",
        "course_key",
        "subject",
        "state",
        "channel",
        "matched",
        "at",
        "automatic_until",
    )
    list_filter = ("state", "channel")
    search_fields = ("=course_key", "subject", "=author_id")
    ordering = ("-created",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, Table):
    """What became of a letter for one learner."""

    list_display = ("created", "letter", "learner", "channel", "state", "reason", "sent_at")
    list_filter = ("state", "channel")
    list_select_related = ("letter", "learner")
    search_fields = ("=learner__user_id", "=message_id", "=letter__course_key")
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(Suppression)
class SuppressionAdmin(ReadOnly, Table):
    """Who must not be mailed.  Searched by the whole address, of which only a keyed hash is stored."""

    list_display = ("created", "why", "scope", "learner")
    list_filter = ("why",)
    list_select_related = ("learner",)
    search_fields = ("=learner__user_id",)
    search_help_text = _("A whole mail address, or a user id.")
    ordering = ("-created",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        """Those of the address that was typed, or of the learner."""
        if "@" in search_term:
            return queryset.filter(address=mark(search_term)), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Audit)
class AuditAdmin(ReadOnly, Table):
    """What staff did about their learners."""

    list_display = ("at", "course_key", "user_id", "what", "times", "letter")
    list_filter = ("what",)
    list_select_related = ("letter",)
    search_fields = ("=course_key", "=user_id")
    ordering = ("-at",)


@admin.register(Risk)
class RiskAdmin(ReadOnly, Table):
    """What the risk model says of each enrolment."""

    list_display = ("enrolment", "chance", "tier", "group", "partial", "at", "model_version")
    list_filter = ("tier", "group", "partial")
    list_select_related = ("enrolment__learner",)
    search_fields = ("=enrolment__learner__user_id", "=enrolment__course_key")
    show_full_result_count = False
    ordering = ("-at", "pk")


class CaseEventInline(ReadOnly, Inline):
    """What happened to a case, and what staff wrote about it."""

    model = CaseEvent
    fields = ("at", "what", "author_id", "about_id", "text", "detail")
    readonly_fields = fields
    extra = 0


@admin.register(Case)
class CaseAdmin(ReadOnly, Table):
    """Learners who need somebody, and how it ended."""

    list_display = (
        "opened", "course_key", "enrolment", "group", "tier", "chance", "owner", "assignee_id", "state",
        "outcome", "closed",
    )  # fmt: skip
    list_filter = ("state", "tier", "group", "owner", "outcome")
    list_select_related = ("enrolment__learner",)
    search_fields = ("=course_key", "=enrolment__learner__user_id", "=assignee_id")
    inlines = (CaseEventInline,)
    show_full_result_count = False
    ordering = ("-opened", "-pk")


@admin.register(RiskSettings)
class RiskSettingsAdmin(ReadOnly, Table):
    """Limits and plans that course teams changed."""

    list_display = ("course_key", "marginal", "moderate", "high", "automatic", "author_id", "updated")
    search_fields = ("=course_key",)
    ordering = ("course_key",)


@admin.register(Notice)
class NoticeAdmin(ReadOnly, Table):
    """What the operator's own system was told of cases, and what it has not taken yet."""

    list_display = ("event", "tries", "next_try", "taken", "problem")
    list_select_related = ("event",)
    search_fields = ("=event__case__id",)
    show_full_result_count = False
    ordering = ("-pk",)
