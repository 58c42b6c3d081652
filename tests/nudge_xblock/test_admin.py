"""The admin shows every page of the plugin to an operator, and lets nobody change anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from nudge_xblock.atrisk.models import Case, CaseEvent, Notice, Risk, RiskSettings
from nudge_xblock.communicator.models import Audit, Delivery, Letter, Suppression
from nudge_xblock.communicator.suppression import mark
from nudge_xblock.models import Decision, Enrolment, Learner, Night, Placement, Variant

pytestmark = pytest.mark.django_db

COURSE = "course-v1:Org+Course+Run"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
MODELS = [
    Audit, Case, Decision, Delivery, Enrolment, Learner, Letter, Night, Notice, Placement, Risk, RiskSettings,
    Suppression,
]  # fmt: skip


@pytest.fixture
def rows() -> dict[type, str]:
    learner = Learner.objects.create(user_id=41)
    placement = Placement.objects.create(
        key="block-v1:Org+Course+Run+type@nudge+block@n", course_key=COURSE, title="Quiz"
    )
    variant = Variant.objects.create(placement=placement, digest="d", heading="<b>Try again</b>", body="Body")
    decision = Decision.objects.create(
        moment="m", learner=learner, course_key=COURSE, placement=placement, variant=variant, reason="cold",
        propensity=1.0, propensities={str(variant.pk): 1.0, "hold": 0.0}, draw=0.5, created=NOW, shown_at=NOW,
        helpful=True,
    )  # fmt: skip
    enrolment = Enrolment.objects.create(learner=learner, course_key=COURSE, state=b"x")
    night = Night.objects.create(started=NOW, steps={"ingest": {"events": 3}})
    letter = Letter.objects.create(course_key=COURSE, subject="Come back")
    risk = Risk.objects.create(enrolment=enrolment, chance=0.9, baseline=0.0, days=3, share=0.5, at=NOW)
    case = Case.objects.create(
        enrolment=enrolment, course_key=COURSE, group="absence", tier="high", chance=0.9, chance_opened=0.9,
        owner="adviser", opened=NOW, tier_since=NOW,
    )  # fmt: skip
    event = CaseEvent.objects.create(case=case, at=NOW, what="note", text="Called.")
    found = [
        risk, case, Notice.objects.create(event=event),
        RiskSettings.objects.create(course_key=COURSE, marginal=50, moderate=70, high=85),
        decision, enrolment, learner, night, placement, letter,
        Delivery.objects.create(letter=letter, learner=learner),
        Suppression.objects.create(address=mark("ada@example.org"), learner=learner),
        Audit.objects.create(course_key=COURSE, user_id=41, what="learners_seen"),
    ]  # fmt: skip
    return {type(row): str(row.pk) for row in found}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.org", "x"))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_and_every_row_can_be_looked_at(
    operator: Client, rows: dict[type, str], model: type
) -> None:
    name = f"admin:nudge_xblock_{model._meta.model_name}"
    assert operator.get(reverse(f"{name}_changelist"), {"q": "41"}).status_code == 200
    assert operator.get(reverse(f"{name}_change", args=[rows[model]])).status_code == 200


def test_a_message_with_markup_is_shown_as_text(operator: Client, rows: dict[type, str]) -> None:
    page = operator.get(reverse("admin:nudge_xblock_decision_changelist")).content.decode()
    assert "&lt;b&gt;Try again" in page
    assert "<b>Try again" not in page


def test_decisions_are_told_apart_by_what_was_done(operator: Client, rows: dict[type, str]) -> None:
    url = reverse("admin:nudge_xblock_decision_changelist")
    assert rows[Decision] in operator.get(url, {"sent": "yes"}).content.decode()
    assert rows[Decision] not in operator.get(url, {"sent": "no"}).content.decode()
    assert rows[Decision] in operator.get(url, {"reason": "cold"}).content.decode()
    assert rows[Decision] not in operator.get(url, {"reason": "helpful"}).content.decode()


def test_a_nudge_is_listed_with_its_figures_in_one_query(operator: Client, rows: dict[type, str]) -> None:
    found = operator.get(reverse("admin:nudge_xblock_placement_changelist")).context["cl"].result_list[0]
    assert (found.decisions_made, found.times_shown, found.times_helpful, found.times_not_helpful) == (
        1,
        1,
        1,
        0,
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_nobody_adds_changes_or_deletes(operator: Client, rows: dict[type, str], model: Any) -> None:
    name = f"admin:nudge_xblock_{model._meta.model_name}"
    assert operator.get(reverse(f"{name}_add")).status_code == 403
    assert operator.post(reverse(f"{name}_change", args=[rows[model]]), {}).status_code == 403
    deleted = operator.post(reverse(f"{name}_delete", args=[rows[model]]), {"post": "yes"})
    assert deleted.status_code == (302 if model is Suppression else 403)
    assert model.objects.filter(pk=rows[model]).exists() == (model is not Suppression)


@pytest.mark.parametrize(
    ("typed", "found"), [(" Ada@Example.org ", 1), ("41", 1), ("bob@example.org", 0), ("42", 0)]
)
def test_who_must_not_be_mailed_is_found_by_address_or_id(
    operator: Client, rows: dict[type, str], typed: str, found: int
) -> None:
    page = operator.get(reverse("admin:nudge_xblock_suppression_changelist"), {"q": typed})
    assert len(page.context["cl"].result_list) == found


def test_live_events_are_not_for_looking_at() -> None:
    assert {
        model.__name__ for model in admin.site._registry if model.__module__.startswith("nudge_xblock.")
    } == {model.__name__ for model in MODELS}
