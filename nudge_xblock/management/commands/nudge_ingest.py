"""Tracking logs into the event store."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nudge_xblock import api
from nudge_xblock.management.progress import reporter_for


class Command(BaseCommand):
    """Exit code 0: all was read, though lines may have been skipped.  1: a file is not there or cut short."""

    help = (
        "Read tracking logs (plain, .gz or .zst; folders and patterns too; - for standard input) into the "
        "event store. What is already there is not stored twice. Ends with the lines skipped, by reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("logs", nargs="+", metavar="LOG")
        parser.add_argument(
            "--queue", action="store_true", help="Leave each file to a Celery worker instead."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["queue"]:
                count = api.queue_logs(options["logs"])
                self.stdout.write(f"{count} files are queued.")
                return
            report = api.ingest_logs(options["logs"], reporter_for(self.stdout))
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("")
        self.stdout.write(report["words"])
        if report["broken_files"]:
            raise CommandError("Not read to the end: " + "; ".join(report["broken_files"]))
