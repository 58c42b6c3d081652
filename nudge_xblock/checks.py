"""Django's system checks of the settings: each says what is wrong and what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from .policy import limits

SHARES = (
    "NUDGE_EXPLORATION_SHARE",
    "NUDGE_PLACEMENT_MIN_HELPFUL",
    "NUDGE_COMPLETE_SHARE",
    "NUDGE_TRICKLE_SHARE",
    "NUDGE_HELD_OUT_SHARE",
)
MARGINS = ("NUDGE_MARGIN_NOT_HELPFUL", "NUDGE_MARGIN_NO_INTERACTION")
WHOLE = (
    "NUDGE_COLD_START_ANSWERS",
    "NUDGE_COLD_START_SENDS",
    "NUDGE_MIN_IMPRESSIONS",
    "NUDGE_CAP_PER_DAY",
    "NUDGE_CAP_PER_WEEK",
    "NUDGE_VOCABULARY_MIN_COUNT",
    "NUDGE_VOCABULARY_MIN_COURSES",
    "NUDGE_MAIL_PER_MINUTE",
    "NUDGE_RISK_MIN_RUNS",
)
COUNTS = ("NUDGE_MAIL_BATCH", "NUDGE_MAIL_SHARDS", "NUDGE_MAIL_TRIES")
LENGTHS = (
    "NUDGE_COOL_DOWN_MINUTES",
    "NUDGE_KIND_COOL_DOWN_MINUTES",
    "NUDGE_STATE_LAG_SECONDS",
    "NUDGE_INBOX_DAYS",
    "NUDGE_LETTERS_MINUTES",
    "NUDGE_SELF_PACED_DAYS",
)
POSITIVE = (
    "NUDGE_LEAVE_DAYS",
    "NUDGE_OUTCOME_DAYS",
    "NUDGE_TALLY_HALF_LIFE_DAYS",
    "NUDGE_DECISION_BUDGET_MS",
    "NUDGE_MAIL_LEASE_MINUTES",
    "NUDGE_MAIL_PATIENCE_HOURS",
)
SECRET = 16  # characters; a shorter one can be guessed
DIRECTORIES = ("NUDGE_EVENTS_DIR", "NUDGE_MODEL_DIR")


def register() -> None:
    """Register every check; Django forgets repeats."""
    for check in (
        check_numbers,
        check_directories,
        check_kinds,
        check_quiet_hours,
        check_risk,
        check_compat,
        check_mail,
        check_notices,
    ):
        checks.register(check, "nudge_xblock")


def check_numbers(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Shares lie in [0, 1], margins in [-1, 1], counts are whole, lengths of time not negative."""
    return [
        *_outside(SHARES, 0, 1, "It is a share: 0.1 means one in ten."),
        *_outside(MARGINS, -1, 1, "It is a difference of two probabilities."),
        *_outside(LENGTHS, 0, float("inf"), "It is a length of time; 0 turns it off."),
        *_outside(POSITIVE, 1e-9, 1e6, "It is a length of time above zero."),
        *_outside(("NUDGE_STATE_TAIL",), 1, 100_000, "It is a number of events of at least one."),
        *_outside(COUNTS, 1, 1000, "It is a number of at least one."),
        *_not_whole(WHOLE),
    ]


def _outside(names: tuple[str, ...], low: float, high: float, hint: str) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"{name} is {value!r}, not a number from {low:g} to {high:g}.", hint=hint, id="nudge_xblock.E001"
        )
        for name in names
        if not _is_number(value := getattr(settings, name)) or not low <= value <= high
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _not_whole(names: tuple[str, ...]) -> list[checks.CheckMessage]:
    return [
        checks.Error(
            f"{name} is {value!r}, not a whole number of at least 0.",
            hint="It is a count.",
            id="nudge_xblock.E002",
        )
        for name in names
        if not isinstance(value := getattr(settings, name), int) or isinstance(value, bool) or value < 0
    ]


def check_directories(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """This process can make and write the stores.  Without them nudges still show, hence a warning."""
    return [
        checks.Warning(
            f"{name} is {os.fspath(path)!r}, which this process cannot write.",
            hint="Name a directory on a volume that workers and web processes share and may write.",
            id="nudge_xblock.W001",
        )
        for name in DIRECTORIES
        if not _writable(path := Path(getattr(settings, name)))
    ]


def _writable(path: Path) -> bool:
    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def check_kinds(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Lists are lists and tables are tables, where a YAML file easily has a lone string."""
    wanted = (
        ("NUDGE_TRACKING_LOGS", (list, tuple), 'a list, such as ["/openedx/data/logs/tracking.log*"]'),
        ("NUDGE_LIVE_EVENTS", (list, tuple), "a list of event names; an empty one turns live events off"),
        ("NUDGE_TRAINING", (dict,), "a table of fields of predictor.training.TrainConfig"),
        ("NUDGE_MAIL_SENDERS", (dict,), 'a table such as {"*": ["courses@example.org"]}'),
    )
    return [
        checks.Error(
            f"{name} is {getattr(settings, name)!r}.", hint=f"It must be {hint}.", id="nudge_xblock.E003"
        )
        for name, kinds, hint in wanted
        if not isinstance(getattr(settings, name), kinds)
    ]


def check_quiet_hours(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """NUDGE_QUIET_HOURS is empty or a pair of times of day."""
    try:
        limits()
    except TypeError:  # another setting, which check_numbers names
        return []
    except ValueError as error:
        hint = "Times are the learner's own; the pair may span midnight."
        return [checks.Error(str(error), hint=hint, id="nudge_xblock.E005")]
    return []


def check_compat(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """NUDGE_COMPAT names a subclass of Platform."""
    from .compat import Platform

    hint = "Leave it out on Open edX; elsewhere name a subclass of nudge_xblock.compat.Platform."
    try:
        found = import_string(settings.NUDGE_COMPAT)
    except ImportError as error:
        return [checks.Error(f"NUDGE_COMPAT cannot be imported: {error}", hint=hint, id="nudge_xblock.E004")]
    if not (isinstance(found, type) and issubclass(found, Platform)):
        return [checks.Error("NUDGE_COMPAT names something else.", hint=hint, id="nudge_xblock.E004")]
    return []


def check_mail(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """What letters need beside numbers: lists of senders, a secret worth the name, a server that answers."""
    found: list[checks.CheckMessage] = []
    senders, secret = settings.NUDGE_MAIL_SENDERS, settings.NUDGE_MAIL_BOUNCE_SECRET
    if isinstance(senders, dict) and not all(isinstance(each, list | tuple) for each in senders.values()):
        hint = 'It must be a table of lists, such as {"*": ["courses@example.org"]}.'
        found.append(checks.Error(f"NUDGE_MAIL_SENDERS is {senders!r}.", hint=hint, id="nudge_xblock.E003"))
    if secret and len(secret) < SECRET:
        hint = f"Use at least {SECRET} characters; until then nobody may report bounces."
        found.append(checks.Warning("NUDGE_MAIL_BOUNCE_SECRET is short.", hint=hint, id="nudge_xblock.W002"))
    lease, timeout = settings.NUDGE_MAIL_LEASE_MINUTES, getattr(settings, "EMAIL_TIMEOUT", None)
    if _is_number(lease) and _is_number(timeout) and timeout >= 60 * lease:
        hint = "A worker that waits for the mail server would be taken for dead."
        text = f"EMAIL_TIMEOUT is {timeout} seconds, NUDGE_MAIL_LEASE_MINUTES {lease} minutes."
        found.append(checks.Warning(text, hint=hint, id="nudge_xblock.W003"))
    return found


def check_notices(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Cases are told to an address that nobody on the way reads along, and signed."""
    from .atrisk import notices

    url, secret = settings.NUDGE_CASE_WEBHOOK_URL, settings.NUDGE_CASE_WEBHOOK_SECRET
    found: list[checks.CheckMessage] = []
    if url and not notices.may_call(url):
        hint = "Use https, or http on this machine; until then nobody is told of cases."
        found.append(checks.Error(f"NUDGE_CASE_WEBHOOK_URL is {url!r}.", hint=hint, id="nudge_xblock.E006"))
    if url and len(secret) < SECRET:
        hint = f"Use at least {SECRET} characters; until then nobody is told of cases."
        found.append(checks.Warning("NUDGE_CASE_WEBHOOK_SECRET is short.", hint=hint, id="nudge_xblock.W004"))
    return found


def check_risk(app_configs: Any = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Tiers rise, and the operator's own feature table is a file that this process can read."""
    from .atrisk import plan

    found: list[checks.CheckMessage] = []
    try:
        plan.site_limits()
    except ValueError as error:
        hint = 'It must be a table of whole percents, such as {"marginal": 50, "moderate": 70, "high": 85}.'
        found.append(checks.Error(str(error), hint=hint, id="nudge_xblock.E007"))
    path = settings.NUDGE_RISK_FEATURES
    if path and not (isinstance(path, (str, os.PathLike)) and os.access(path, os.R_OK)):
        hint = "Name a table on a volume that all workers share; until it is there nobody's risk is assessed."
        text = f"NUDGE_RISK_FEATURES is {path!r}, which this process cannot read."
        found.append(checks.Warning(text, hint=hint, id="nudge_xblock.W005"))
    return found
