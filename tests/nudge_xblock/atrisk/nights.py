"""Nights and mornings of a course whose letters of the tiers are switched on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from nudge_xblock.atrisk import casework, noted
from nudge_xblock.atrisk.interventions import switch
from nudge_xblock.communicator import automation
from nudge_xblock.communicator.models import Letter

from ..communicator.conftest import SENDER, deliver
from ..moments import COURSE, placed

FIRST = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def site() -> Any:
    """A site that can send, without a control group, in a course whose pages ask for pop-ups."""
    placed()
    with override_settings(
        NUDGE_SITE_URL="https://learn.example.org",
        NUDGE_MAIL_SENDERS={"*": [SENDER]},
        NUDGE_CONTROL_SHARE=0.0,
        NUDGE_COOL_DOWN_MINUTES=0,
        NUDGE_CAP_PER_DAY=99,
        NUDGE_CAP_PER_WEEK=99,
    ):
        yield


def on(now: datetime = FIRST) -> list[str]:
    return switch(COURSE, 21, True, now)


def night(now: datetime) -> None:
    """What the night and the morning do, twice over, as beat, cron and a repeated night would."""
    for _again in range(2):
        casework.settle(COURSE, now)
        automation.sweep(now)
        for letter in Letter.objects.filter(pk__in=automation.waiting(now)):
            deliver(letter, now)
        noted.note(now)
