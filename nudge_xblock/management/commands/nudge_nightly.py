"""Tonight's work: for cron, a Kubernetes CronJob, or by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nudge_xblock import api
from nudge_xblock.management.progress import reporter_for


def as_time(text: str) -> datetime:
    """An ISO time; UTC when it names no zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Command(BaseCommand):
    """Exit code 0: every step is done or had nothing to do.  1: a step failed, or a night is under way."""

    help = (
        "Read new events, label, train, judge and promote models, and refresh every prediction. "
        "Safe to run again at any time: a night that was killed is taken up where it stopped."
    )

    work = staticmethod(api.run_night)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--now",
            type=as_time,
            metavar="TIME",
            help="Learn and predict as of this ISO time; the present by default.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            night = self.work(options["now"], reporter_for(self.stdout))
        except (api.Busy, api.LostSlot) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("")
        words = api.verdict(night)
        if night.failed:
            errors = api.night_errors(night)
            raise CommandError(f"Night {night.pk} failed in step {night.step}. {words} {errors}")
        self.stdout.write(self.style.SUCCESS(f"Night {night.pk} is done. {words}"))
