"""Look at all letters and send what is due, for cron: `manage.py lms nudge_letters`."""

from __future__ import annotations

import logging
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from nudge_xblock import api

LOG = logging.getLogger(__name__)
LONGEST_SLEEP = 60.0


class Command(BaseCommand):
    """Starts letters whose time has come, looks for new matches once a day, and sends what waits."""

    help = "Start letters whose time has come, look for new matches, and send in this process what waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--minutes", type=float, default=9.0, help="Stop sending after so many minutes (9 by default)."
        )
        parser.add_argument(
            "--queue", action="store_true", help="Leave the sending to Celery workers instead."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        done = api.communicator.sweep_letters()
        self.stdout.write(", ".join(f"{count} {name}" for name, count in done.items()))
        if options["queue"]:
            shared = [api.communicator.share_letter(pk) for pk in api.communicator.idle_letters()]
            self.stdout.write(f"{sum(map(bool, shared))} letters left to workers")
            return
        self.stdout.write(f"{_sent(time.monotonic() + 60.0 * options['minutes'])} batches sent")


def _sent(until: float) -> int:
    """Send until nothing waits that may go out now, or until the time is up; how many batches."""
    batches = 0
    broken: set[int] = set()
    while letters := [pk for pk in api.communicator.waiting_letters() if pk not in broken]:
        again = []
        for letter_id in letters:
            try:
                again.append(api.communicator.deliver_letter(letter_id))
            except Exception:  # the other letters go on
                LOG.exception("Letter %s met an error and waits for the next run", letter_id)
                broken.add(letter_id)
        batches += len(again)
        soonest = min((at for at in again if at is not None), default=None)
        if soonest is None:
            continue
        pause = (soonest - timezone.now()).total_seconds()
        if pause > LONGEST_SLEEP or time.monotonic() + pause > until:
            break
        time.sleep(max(0.0, pause))
    return batches
