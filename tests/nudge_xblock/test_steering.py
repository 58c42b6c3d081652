"""What the newest decisions say of the threshold and of what a "not helpful" weighs."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import override_settings

from nudge_xblock import holding, policy, steering
from nudge_xblock.gate import Policy
from nudge_xblock.models import Decision

from .moments import COURSE, NOW, enrolled, placed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> None:
    steering.forget()


def decided(count: int, reason: str = "helpful", helpful: bool | None = None, sent: bool = True) -> None:
    """Decisions whose messages were worth 0.0, 0.001, 0.002 and so on."""
    placement, enrolment = placed(), enrolled()
    variant = placement.variants.get(position=0)
    Decision.objects.bulk_create(
        Decision(
            moment=uuid4().hex,
            learner=enrolment.learner,
            course_key=COURSE,
            placement=placement,
            variant=variant if sent else None,
            reason=reason,
            propensity=0.9,
            propensities={},
            predictions={str(variant.pk): [0.1 + place / 1000, 0.1, 0.8 - place / 1000]},
            draw=0.5,
            helpful=helpful,
            created=NOW - timedelta(minutes=place),
        )
        for place in range(count)
    )


def test_without_a_wish_the_margins_decide_and_nothing_is_read(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert policy.current() == Policy(spared=0.0)


@override_settings(NUDGE_HOLD_BACK_SHARE=0.3)
def test_a_share_becomes_a_threshold_once_there_are_decisions() -> None:
    assert policy.current().threshold is None
    decided(400)
    steering.forget()
    found = policy.current().threshold
    assert found is not None
    assert 0.3 * 0.4 < found < 0.4


@override_settings(NUDGE_HOLD_BACK_SHARE=0.3, NUDGE_EFFECT_WEIGHT=2.0)
def test_the_threshold_counts_what_follows_as_the_gate_does() -> None:
    decided(400)
    plain = policy.current().threshold
    name = str(Decision.objects.first().variant_id)  # type: ignore[union-attr]
    Decision.objects.update(inputs={"candidates": [[name, [], False, -0.1]]})
    steering.forget()
    assert plain is not None
    assert policy.current().threshold == pytest.approx(plain - 0.2)


@override_settings(NUDGE_EFFECT_WEIGHT=None)
def test_the_weight_of_what_follows_can_go_by_how_much_messages_differ() -> None:
    assert policy.current().effect_weight == 0.0
    decided(400)
    steering.forget()
    assert policy.current().effect_weight == pytest.approx(holding.TILT * 0.4 / 12**0.5, rel=0.01)


@override_settings(NUDGE_HOLD_BACK_SHARE=0.3)
def test_what_restraint_held_back_is_no_part_of_the_share() -> None:
    decided(holding.ENOUGH - 1)
    decided(400, reason="cap_day", sent=False)
    assert policy.current().threshold is None


@override_settings(NUDGE_NOT_HELPFUL_WEIGHT=None)
def test_the_weight_can_be_the_ratio_that_is_reached() -> None:
    decided(400, helpful=True)
    decided(100, helpful=False)
    assert policy.current().not_helpful_weight == pytest.approx(4.0, abs=0.05)


@override_settings(NUDGE_HOLD_BACK_SHARE=0.3)
def test_it_is_read_once_a_minute(django_assert_max_num_queries: object) -> None:
    decided(300)
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        for _ in range(20):
            policy.current()
