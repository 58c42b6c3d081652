"""What nudges changed in what learners did afterwards, for whoever wants the figures."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import api
from nudge_xblock.management.commands.nudge_nightly import as_time


class Command(BaseCommand):
    """JSON on the standard output; what cannot be told says why."""

    help = (
        "Estimate what nudges changed in the items completed, in coming back and in later votes: from chance "
        "(inverse propensity weighting, doubly robust), against the control group, or, where there is "
        "neither, between course runs over time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", nargs="?", help="A course run's key; the whole site by default.")
        parser.add_argument(
            "--now", type=as_time, metavar="TIME", help="As of this ISO time; the present by default."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = CourseKey.from_string(options["course"]) if options["course"] else None
        except InvalidKeyError as error:
            raise CommandError(f"{options['course']} is no course key") from error
        self.stdout.write(json.dumps(api.effects(key, options["now"]), indent=2))
