"""The demo as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class DemoConfig(AppConfig):
    name = "demo"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(_write_ahead, dispatch_uid="demo.apps.write_ahead")


def _write_ahead(connection: Any, **_kwargs: Any) -> None:
    """Learners read while the night writes; by SQLite's own default they would wait for each other."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=wal")
            cursor.execute("PRAGMA synchronous=normal")
