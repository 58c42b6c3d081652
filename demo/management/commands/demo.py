"""Sets the stage, and serves it: a course, a history, models trained from it by the nightly job."""

from __future__ import annotations

import shutil
import socket
from argparse import ArgumentParser
from glob import glob
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from demo import history, people, runtime


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--serve", metavar="HOST:PORT", help="serve the course when all is ready")
        parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo made")
        parser.add_argument("--learners", type=int, default=160, help="simulated learners in each course run")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["serve"]:
            _require_free(options["serve"])
        ready = Path(settings.VAR) / "ready"
        source = _source()
        if options["fresh"] or not ready.exists() or ready.read_text(encoding="utf-8") != source:
            self._forget()  # also what a demo that was stopped halfway has left
            self._stage(options["learners"])
            ready.write_text(source, encoding="utf-8")
        if options["serve"]:
            self.stdout.write(self.style.SUCCESS(f"\nReady: http://{options['serve']}/"))
            self.stdout.write("Fail a quiz twice as Amara; then be Grace (staff) and see what the gate did.")
            call_command("runserver", options["serve"], use_reloader=False)

    def _stage(self, learners: int) -> None:
        self.stdout.write("Making the database and the course …")
        call_command("migrate", run_syncdb=True, verbosity=0)
        people.create()
        runtime.load_course()
        if settings.DEMO_DATA:
            history.own(settings.DEMO_DATA, self.stdout)
        else:
            history.simulated(timezone.now(), learners, self.stdout)

    def _forget(self) -> None:
        var = Path(settings.VAR)
        for name in ("demo.sqlite3", "campus.json", "ready"):
            (var / name).unlink(missing_ok=True)
        for name in ("logs", "events", "models"):
            shutil.rmtree(var / name, ignore_errors=True)
        (var / "logs").mkdir()


def _require_free(address: str) -> None:
    """Say at once that nothing can be served at HOST:PORT, rather than after minutes of staging."""
    host, _, port = address.rpartition(":")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host or "127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError) as error:
        raise CommandError(
            f"Nothing can be served at {address} ({error}). "
            "Choose another address: make demo HOST=127.0.0.1:8001"
        ) from error


def _source() -> str:
    """What the stage is made from, so that another source makes another stage."""
    if settings.DEMO_DATA and not glob(settings.DEMO_DATA):
        raise CommandError(
            f"{settings.DEMO_DATA} does not exist: DATA takes a tracking log, a folder of them, or a pattern."
        )
    return settings.DEMO_DATA or "simulated"
