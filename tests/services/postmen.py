"""Workers that send a letter's mails and are killed (SIGKILL) at random moments, until all is settled.

    python -m tests.services.postmen LETTER --kills N --seed N [--redeliver]

Prints how many were killed.  The database and the mail server are those of the environment.  A worker is a
fork of this process, which holds no connection, so that the next one begins at once.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from datetime import timedelta

WORKERS = 2
LEASE_MINUTES = 0.02
BATCH = 10
LONGEST = 0.25  # seconds between two kills
DONE = 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("letter", type=int)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--redeliver", action="store_true", help="do as a queue that delivers at least once")
    options = parser.parse_args(argv)
    setup()
    print(run(options.letter, options.kills, random.Random(options.seed), options.redeliver))
    return 0


def setup() -> None:
    """Load everything a worker needs, so that a fork need not."""
    import django

    django.setup()
    from django.conf import settings

    from nudge_xblock.communicator import delivery  # noqa: F401

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(os.environ["NUDGE_TEST_SMTP"])
    settings.EMAIL_TIMEOUT = 20
    settings.NUDGE_SITE_URL = "https://learn.example.org"
    settings.NUDGE_MAIL_SENDERS = {"*": ["courses@example.org"]}
    settings.NUDGE_MAIL_LEASE_MINUTES = LEASE_MINUTES
    settings.NUDGE_MAIL_BATCH, settings.NUDGE_MAIL_PER_MINUTE = BATCH, 0
    settings.NUDGE_COOL_DOWN_MINUTES = 0


def run(letter: int, kills: int, chance: random.Random, redeliver: bool) -> int:
    """Keep WORKERS at work, kill one now and then, and return how many were killed while at work."""
    workers = [start(letter, redeliver) for _number in range(WORKERS)]
    killed = 0
    while True:
        time.sleep(chance.random() * LONGEST)
        at = chance.randrange(WORKERS)
        if killed < kills:
            os.kill(workers[at], signal.SIGKILL)
        _pid, status = os.waitpid(workers[at], 0 if killed < kills else os.WNOHANG)
        if _pid and os.WIFEXITED(status):
            if os.WEXITSTATUS(status) == DONE:
                break
            workers[at] = start(letter, redeliver)
        elif _pid:
            killed += 1
            workers[at] = start(letter, redeliver)
    for pid in workers:
        if pid != _pid:
            os.waitpid(pid, 0)
    return killed


def start(letter: int, redeliver: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work(letter, redeliver)
        os._exit(DONE)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def work(letter: int, redeliver: bool) -> None:
    """What a worker does: settle what dead ones left, send a batch, again, until the letter is sent."""
    from django.utils import timezone

    from nudge_xblock.communicator import claims, delivery
    from nudge_xblock.communicator.models import Delivery, Letter

    while Letter.objects.get(pk=letter).state != Letter.State.SENT:
        now = timezone.now()
        if redeliver:
            old = now - timedelta(minutes=LEASE_MINUTES)
            left = Delivery.objects.filter(state=Delivery.State.HANDED, claimed_at__lt=old)
            left.update(state=Delivery.State.QUEUED, worker="", claimed_at=None)
        claims.lapse(now)
        if delivery.work(letter).again is None:
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
