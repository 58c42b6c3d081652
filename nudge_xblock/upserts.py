"""Rows written so that those that exist are brought up to date, on every database in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

BATCH = 500


def upsert(model: Any, rows: list[Any], fields: Iterable[str], unique: Iterable[str]) -> None:
    """Insert rows, or bring `fields` of those that exist up to date; `unique` tells which exist."""
    targeted = connection.features.supports_update_conflicts_with_target
    model.objects.bulk_create(
        rows,
        update_conflicts=True,
        update_fields=list(fields),
        unique_fields=list(unique) if targeted else None,
        batch_size=BATCH,
    )
