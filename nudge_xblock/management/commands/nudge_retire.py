"""Erase one learner."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nudge_xblock import api
from nudge_xblock.compat import platform


class Command(BaseCommand):
    """Exit code 1 when there is no such user."""

    help = (
        "Erase all that is held of a learner, in the database and in the event store, for good: "
        "tonight's model forgets, and logs that are read again do not bring the learner back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="A user id; or a username, unless it is all digits.")

    def handle(self, *args: Any, **options: Any) -> None:
        erased = api.retire(_user_id(options["user"]))
        for what, count in sorted(erased.items()):
            self.stdout.write(f"{count:8} {what}")


def _user_id(text: str) -> int:
    """Digits are always an id: a username of digits alone must not erase somebody else."""
    if text.isascii() and text.isdigit():
        return int(text)
    found = platform().user_ids([text]).get(text)
    if found is None:
        raise CommandError(f"There is no user called {text}. Give a username, or the user's id.")
    return found
