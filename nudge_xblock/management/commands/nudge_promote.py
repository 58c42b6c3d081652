"""Let a kept model version serve."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nudge_xblock import api


class Command(BaseCommand):
    """Exit code 1 when there is no such version, or its files are not what was published."""

    help = "Let VERSION serve from now on, whatever the night's verdict was. nudge_rollback undoes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="VERSION")
        parser.add_argument("--kind", default="engagement", choices=["engagement", "helpfulness", "risk"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            api.promote(options["kind"], options["version"])
        except api.ModelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['kind']} model {options['version']} serves. Run nudge_refresh to predict with it."
        )
