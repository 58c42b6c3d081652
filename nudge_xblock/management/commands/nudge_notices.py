"""Tell the operator's system of at-risk cases, for cron: `manage.py lms nudge_notices`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from nudge_xblock import api


class Command(BaseCommand):
    """Sends the notices about cases that are due."""

    help = "Send the notices about at-risk cases that are due to NUDGE_CASE_WEBHOOK_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        taken = put_off = given_up = 0
        more = True
        while more:
            done = api.atrisk.send_notices()
            taken, put_off, given_up = taken + done.taken, put_off + done.put_off, given_up + done.given_up
            more = done.again is not None and not done.put_off
        self.stdout.write(f"{taken} taken, {put_off} put off, {given_up} given up")
