"""States and predictions with the model that serves."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import api

from . import nudge_nightly


class Command(nudge_nightly.Command):
    """The exit codes of nudge_nightly."""

    help = "Bring the states and predictions of every enrolment up to date, in all courses or in those named."
    work = staticmethod(api.refresh)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("courses", nargs="*", metavar="COURSE", help="Such as course-v1:Org+Course+Run.")
        parser.add_argument(
            "--queue", action="store_true", help="Leave each course to a Celery worker instead."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys = [course_key(text) for text in options["courses"]]
        if options["queue"]:
            self.stdout.write(f"{api.queue_refresh(keys)} courses are queued.")
        elif keys:
            for key in keys:
                self.stdout.write(f"{key}: {api.refresh_course(key, options['now'])} enrolments refreshed.")
        else:
            super().handle(*args, **options)


def course_key(text: str) -> CourseKey:
    try:
        return CourseKey.from_string(text)
    except InvalidKeyError:
        raise CommandError(f"{text} is no course key; one looks like course-v1:Org+Course+Run.") from None
