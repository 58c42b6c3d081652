"""Who is at risk, with the risk model that serves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from nudge_xblock import api

from . import nudge_nightly, nudge_refresh


class Command(nudge_refresh.Command):
    """The exit codes of nudge_nightly."""

    help = "Assess who is at risk and why, in all courses or in those named, and open and close their cases."
    work = staticmethod(api.assess)

    def handle(self, *args: Any, **options: Any) -> None:
        keys = [nudge_refresh.course_key(text) for text in options["courses"]]
        if options["queue"]:
            self.stdout.write(f"{api.queue_assessment(keys)} courses are queued.")
        elif keys:
            for key in keys:
                self.stdout.write(f"{key}: {self._count(key, options['now'])} learners assessed.")
        else:
            nudge_nightly.Command.handle(self, *args, **options)

    def _count(self, key: Any, now: Any) -> int:
        try:
            return api.assess_course(key, now)
        except api.ModelError as error:
            raise CommandError(str(error)) from error
