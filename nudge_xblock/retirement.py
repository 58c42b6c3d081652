"""Erasing a learner everywhere: tables, event store and the tables that training reads."""

from __future__ import annotations

import contextlib
import csv
import os
import time
from pathlib import Path

from django.conf import settings
from django.db import transaction

from predictor.sequences import EventStore

from . import trials
from .atrisk.models import Case, CaseEvent, RiskSettings
from .communicator import forgetting
from .communicator.models import Audit, Letter, SavedSelection
from .compat import platform
from .models import InboxEvent, Learner

ABANDONED = 3600.0
"""Seconds after which nobody is writing a draft any more."""


def retire(user_id: int) -> dict[str, int]:
    """Erase everything held of the user and return how much was found, by kind; safe to repeat.

    Files come first: when this is interrupted, the rows that name the learner are still there to say that
    it must be repeated.  Logs read again do not bring the learner back.
    """
    names = {str(user_id), *platform().usernames(user_id)}
    store = EventStore(settings.NUDGE_EVENTS_DIR)
    _sweep(Path(settings.NUDGE_MODEL_DIR))
    found = {
        "events": sum(store.forget(name) for name in sorted(names)),
        "labels": sum(
            _erase_rows(path, names) for path in sorted(Path(settings.NUDGE_MODEL_DIR).rglob("*.csv"))
        ),
    }
    with transaction.atomic():
        found["live_events"] = InboxEvent.objects.filter(user_id=user_id).delete()[0]
        found["named"] = forgetting.forget(user_id)
        found["rows"] = Learner.objects.filter(user_id=user_id).delete()[0]
        found["written"] = _forget_author(user_id)
    trials.forget()  # other processes read their logs anew within minutes
    return found


def _forget_author(user_id: int) -> int:
    """Keep what a member of staff wrote to learners and did, without saying who it was; how many rows.

    That somebody must not be mailed is kept as well, by a keyed hash of the address that leads to nobody.
    """
    written = Letter.objects.filter(author_id=user_id)
    answered = Letter.objects.filter(reply_owner_id=user_id)
    found = (written | answered).count()
    written.update(author_id=None)
    answered.update(reply_owner_id=None, reply_to="")
    return (
        found
        + SavedSelection.objects.filter(author_id=user_id).update(author_id=None)
        + Audit.objects.filter(user_id=user_id).update(user_id=None)
        + _forget_caseworker(user_id)
    )


def _forget_caseworker(user_id: int) -> int:
    """Keep cases and what was written about them, without saying who worked on them; how many rows.

    Whose case it was is nobody's then, so that it is seen among those that wait for somebody.
    """
    return (
        Case.objects.filter(assignee_id=user_id).update(assignee_id=None)
        + CaseEvent.objects.filter(author_id=user_id).update(author_id=None)
        + CaseEvent.objects.filter(about_id=user_id).update(about_id=None)
        + RiskSettings.objects.filter(author_id=user_id).update(author_id=None)
    )


def _sweep(folder: Path) -> None:
    """Remove the drafts of tables that an interrupted retirement left, which still name learners."""
    for draft in folder.rglob(".*.csv.*"):
        with contextlib.suppress(FileNotFoundError):  # finished by whoever writes it
            if time.time() - draft.stat().st_mtime > ABANDONED:
                draft.unlink()


def _erase_rows(path: Path, learners: set[str]) -> int:
    """Rewrite an outcome table without `learners`, in one rename; return how many rows went."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    kept = [row for row in rows if row.get("learner_id") not in learners]
    if len(kept) < len(rows):
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(kept)
        draft.replace(path)
    return len(rows) - len(kept)
