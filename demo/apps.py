"""The demo as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class DemoConfig(AppConfig):
    name = "demo"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        connection_created.connect(write_ahead, dispatch_uid="demo.apps.write_ahead")


def write_ahead(connection: Any, **_kwargs: Any) -> None:
    """Learners read while the night writes; by SQLite's own default they would wait for each other.

    The log goes into the database at 40 MB: at SQLite's own 4 every hundredth decision would wait for that.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=wal")
            cursor.execute("PRAGMA synchronous=normal")
            cursor.execute("PRAGMA wal_autocheckpoint=10000")
