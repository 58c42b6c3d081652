"""Let the model serve that served before."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nudge_xblock import api


class Command(BaseCommand):
    """Exit code 1 when no model served before the present one."""

    help = "Let the model serve that served before the present one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", default="engagement", choices=["engagement", "helpfulness", "risk"])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = api.rollback(options["kind"])
        except api.ModelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['kind']} model {version} serves again. Run nudge_refresh to predict with it."
        )
