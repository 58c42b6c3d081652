"""A setting that makes no sense is told with what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from nudge_xblock import checks


def found(**settings: Any) -> list[tuple[str, str]]:
    with override_settings(**settings):
        return [(message.id or "", message.msg) for message in run_checks(tags=["nudge_xblock"])]


def test_the_defaults_pass(stores: Path) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("NUDGE_EXPLORATION_SHARE", 10, "E001"),
        ("NUDGE_EXPLORATION_SHARE", "0.1", "E001"),
        ("NUDGE_PLACEMENT_MIN_HELPFUL", -0.1, "E001"),
        ("NUDGE_MARGIN_NOT_HELPFUL", 2, "E001"),
        ("NUDGE_LEAVE_DAYS", 0, "E001"),
        ("NUDGE_STATE_LAG_SECONDS", -1, "E001"),
        ("NUDGE_STATE_TAIL", 0, "E001"),
        ("NUDGE_EXPLORATION_SHARE", float("nan"), "E001"),
        ("NUDGE_CAP_PER_DAY", 1.5, "E002"),
        ("NUDGE_CAP_PER_WEEK", True, "E002"),
        ("NUDGE_MIN_IMPRESSIONS", -1, "E002"),
        ("NUDGE_TRACKING_LOGS", "/var/log/tracking.log", "E003"),
        ("NUDGE_LIVE_EVENTS", "play_video", "E003"),
        ("NUDGE_TRAINING", [], "E003"),
        ("NUDGE_COMPAT", "nowhere.Platform", "E004"),
        ("NUDGE_COMPAT", "types.SimpleNamespace", "E004"),
        ("NUDGE_QUIET_HOURS", ["22:00"], "E005"),
        ("NUDGE_QUIET_HOURS", "22:00", "E005"),
        ("NUDGE_RISK_MIN_RUNS", -1, "E002"),
        ("NUDGE_RISK_TIERS", {"marginal": 50, "moderate": 50, "high": 85}, "E007"),
        ("NUDGE_RISK_TIERS", "50,70,85", "E007"),
        ("NUDGE_RISK_FEATURES", "/nowhere/features.csv", "W005"),
        ("NUDGE_RISK_FEATURES", 3, "W005"),
        ("NUDGE_MAIL_BATCH", 0, "E001"),
        ("NUDGE_MAIL_LEASE_MINUTES", 0, "E001"),
        ("NUDGE_MAIL_PER_MINUTE", -1, "E002"),
        ("NUDGE_MAIL_SENDERS", ["courses@example.org"], "E003"),
        ("NUDGE_MAIL_SENDERS", {"*": "courses@example.org"}, "E003"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_that_names_it(
    stores: Path, name: str, value: Any, error: str
) -> None:
    errors = found(**{name: value})
    assert [code for code, _ in errors] == [f"nudge_xblock.{error}"]
    assert name in errors[0][1]


def test_every_message_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    bad = {"NUDGE_CAP_PER_DAY": -1, "NUDGE_EXPLORATION_SHARE": 2, "NUDGE_TRAINING": 1, "NUDGE_COMPAT": "x.y"}
    with override_settings(**bad, NUDGE_EVENTS_DIR=str(tmp_path / "file")):
        messages = run_checks(tags=["nudge_xblock"])
    assert len(messages) == 5
    assert all(message.hint for message in messages)


def test_a_directory_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no directory")
    assert [code for code, _ in found(NUDGE_EVENTS_DIR=str(file / "events"))] == ["nudge_xblock.W001"]


def test_a_directory_yet_to_be_made_is_fine(tmp_path: Path) -> None:
    assert checks._writable(tmp_path / "a" / "b" / "c")


def test_a_short_secret_and_a_lease_shorter_than_the_mail_server_may_take_are_warnings(stores: Path) -> None:
    assert [code for code, _ in found(NUDGE_MAIL_BOUNCE_SECRET="short")] == ["nudge_xblock.W002"]
    assert [code for code, _ in found(EMAIL_TIMEOUT=900)] == ["nudge_xblock.W003"]
    assert found(EMAIL_TIMEOUT=60, NUDGE_MAIL_BOUNCE_SECRET="long enough a secret") == []
