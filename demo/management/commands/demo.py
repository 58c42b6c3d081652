"""Sets the stage, and serves it: a course, a history, models trained from it by the nightly job."""

from __future__ import annotations

import os
import shutil
from argparse import ArgumentParser
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
        parser.add_argument(
            "--data", help="tracking logs of your own (a file, folder or pattern) in place of simulated ones"
        )
        parser.add_argument("--serve", metavar="HOST:PORT", help="serve the course when all is ready")
        parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo made")
        parser.add_argument(
            "--learners", type=int, default=160, help="simulated learners in each of five course runs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        ready = Path(settings.VAR) / "ready"
        wanted = _source(options["data"])
        if options["fresh"] or (ready.exists() and ready.read_text(encoding="utf-8") != wanted):
            self._forget()
        if not ready.exists():
            self._stage(options)
            ready.write_text(wanted, encoding="utf-8")
        if options["serve"]:
            self.stdout.write(self.style.SUCCESS(f"\nReady: http://{options['serve']}/\n"))
            self.stdout.write(
                "Fail a quiz twice as Amara; then be Grace (staff) to see what the gate did. Stop with Ctrl-C.\n"
            )
            call_command("runserver", options["serve"], use_reloader=False)

    def _stage(self, options: dict[str, Any]) -> None:
        self.stdout.write("Making the database and the course …")
        call_command("migrate", run_syncdb=True, verbosity=0)
        people.create()
        runtime.load_course()
        if options["data"]:
            history.own(options["data"], self.stdout)
        else:
            history.simulated(timezone.now(), options["learners"], self.stdout)

    def _forget(self) -> None:
        for name in ("demo.sqlite3", "campus.json", "ready"):
            (Path(settings.VAR) / name).unlink(missing_ok=True)
        for name in ("logs", "events", "models"):
            shutil.rmtree(Path(settings.VAR) / name, ignore_errors=True)
        (Path(settings.VAR) / "logs").mkdir()


def _source(data: str | None) -> str:
    """What a stage was made from, so that another source makes another stage."""
    if data is None:
        return "simulated"
    if not Path(data).exists() and "*" not in data:
        raise CommandError(
            f"{data} does not exist: DATA takes a tracking log, a folder of them, or a pattern."
        )
    return os.path.abspath(data)
