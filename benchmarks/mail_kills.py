"""Mails sent by two workers that are killed (SIGKILL) at random moments: who got how many.

    python -m benchmarks.mail_kills [--learners N] [--kills N]

A letter goes to a course's learners over a real SMTP server on this machine, which answers 20 ms after it has
accepted a mail, from a MariaDB of the benchmark's own.  Each learner must have one mail, or a failure on
record with at most one.  The rival is the same sender doing as a queue that delivers at least once: what a
dead worker had handed over is sent again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.decision import mariadb

ROOT = Path(__file__).resolve().parents[1]


def main(argv: list[str] | None = None) -> int:
    """Measure both, each on a fresh letter, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mail_kills", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--learners", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside:
        measure(options.learners, options.kills)
        return 0
    with mariadb() as socket:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "NUDGE_TEST_MYSQL": socket}
        command = [sys.executable, "-m", "benchmarks.mail_kills", "--inside"]
        sizes = ["--learners", str(options.learners), "--kills", str(options.kills)]
        return subprocess.run([*command, *sizes], cwd=ROOT, env=environment, check=True).returncode


def measure(learners: int, kills: int) -> None:
    """Send one letter in each way."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    enrol(learners)
    for name, more in (("claimed and handed over", []), ("rival: delivered at least once", ["--redeliver"])):
        show(name, *send(kills, more))


def enrol(count: int) -> None:
    """A course of so many learners with addresses."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from nudge_xblock.models import Enrolment, Learner
    from tests.nudge_xblock.moments import COURSE

    users, now = get_user_model(), timezone.now()
    users.objects.bulk_create(
        users(pk=n, username=f"u{n}", email=f"u{n}@example.org", first_name=f"N{n}")
        for n in range(1, count + 1)
    )
    Learner.objects.bulk_create(Learner(user_id=n) for n in range(1, count + 1))
    Enrolment.objects.bulk_create(
        Enrolment(learner=each, course_key=COURSE, mode="audit", last_seen=now)
        for each in Learner.objects.all()
    )


def send(kills: int, more: list[str]) -> tuple[Any, Counter[str], int, float]:
    """The letter, what each address got, how many workers were killed, and the seconds it took."""
    from django.conf import settings
    from django.utils import timezone

    from nudge_xblock.communicator import automation
    from nudge_xblock.communicator.models import Letter
    from nudge_xblock.models import Learner
    from tests.nudge_xblock.communicator import post_office
    from tests.nudge_xblock.moments import COURSE

    Learner.objects.update(sends=[])
    letter = Letter.objects.create(
        course_key=COURSE, author_id=0, subject="To [:firstname:]", body="<p>[:fullname:]</p>",
        sender="courses@example.org", selection="everyone=1", state=Letter.State.SCHEDULED,
    )  # fmt: skip
    automation.begin(letter.pk, timezone.now())
    with post_office.opened() as office:
        taken = office.handle_DATA

        async def slowly(server: Any, session: Any, envelope: Any) -> str:
            answer = await taken(server, session, envelope)
            await asyncio.sleep(0.02)
            return answer

        office.handle_DATA = slowly  # type: ignore[method-assign]
        begun = time.perf_counter()
        child = subprocess.run(
            [
                *(sys.executable, "-m", "tests.services.postmen", str(letter.pk)),
                *("--kills", str(kills), "--seed", "11", *more),
            ],
            cwd=ROOT,
            env=os.environ | {"NUDGE_TEST_SMTP": str(settings.EMAIL_PORT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return letter, office.received, int(child.stdout.split()[-1]), time.perf_counter() - begun


def show(name: str, letter: Any, received: Counter[str], killed: int, seconds: float) -> None:
    """One line; raises SystemExit where our own sender broke its word."""
    rows = list(letter.deliveries.values_list("learner__user_id", "state", "reason"))
    states = Counter(f"{state} {reason}".strip() for _user, state, reason in rows)
    mails = Counter(received[f"u{user}@example.org"] for user, _state, _reason in rows)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    got = ", ".join(f"{count} learners got {number}" for number, count in sorted(mails.items()))
    print(f"{name:32} {killed} kills, {seconds:.0f} s: {told}; {got}", flush=True)
    wrong = [
        user
        for user, state, reason in rows
        if (state, reason) not in (("sent", ""), ("failed", "unknown"))
        or received[f"u{user}@example.org"] > 1
        or (state == "sent" and received[f"u{user}@example.org"] != 1)
    ]
    if wrong and not name.startswith("rival"):
        raise SystemExit(f"{len(wrong)} learners have neither one mail nor a failure on record")


if __name__ == "__main__":
    sys.exit(main())
