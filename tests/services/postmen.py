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
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

WORKERS = 2
LEASE_MINUTES = 0.1
BATCH = 10
LONGEST = 0.04  # seconds between the beginning of a mail and the kill
MOST_MAILS = 4
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
    settings.NUDGE_CAP_PER_DAY = settings.NUDGE_CAP_PER_WEEK = 999  # what is delivered again must not wait


class Worker(NamedTuple):
    """A process, and the pipe into which it writes a byte before each mail that it hands over."""

    pid: int
    pipe: int


def run(letter: int, kills: int, chance: random.Random, redeliver: bool) -> int:
    """Keep WORKERS at work, kill one after some of its mails, and return how many were killed.

    Now and then the next mail is under way by then, now and then its record, now and then neither.
    """
    workers = [start(letter, redeliver) for _number in range(WORKERS)]
    killed = 0
    while killed < kills:
        at = chance.randrange(WORKERS)
        if not _began(workers[at].pipe, chance.randrange(1, MOST_MAILS)):
            break  # it has ended by itself
        time.sleep(chance.random() * LONGEST)
        os.kill(workers[at].pid, signal.SIGKILL)
        _status(workers[at])
        killed += 1
        workers[at] = start(letter, redeliver)
    if any(_status(worker) for worker in workers):
        raise SystemExit("a worker failed by itself")
    return killed


def _began(pipe: int, mails: int) -> bool:
    """Wait until a worker begins with so many mails from now on; False where it ended before."""
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        while os.read(pipe, 4096):
            pass
    os.set_blocking(pipe, True)
    return all(os.read(pipe, 1) for _mail in range(mails))


def _status(worker: Worker) -> int:
    """How a worker ended, once it has."""
    os.close(worker.pipe)
    return os.waitpid(worker.pid, 0)[1]


def start(letter: int, redeliver: bool) -> Worker:
    pipe, end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(end)
        return Worker(pid, pipe)
    try:
        os.close(pipe)
        tell(end)
        work(letter, redeliver)
        os._exit(DONE)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def tell(end: int) -> None:
    """Let this process write a byte before each mail; one that nobody reads any more is no error."""
    from nudge_xblock.communicator.posting import DjangoPost

    send = DjangoPost.send
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def telling(post: DjangoPost, mail: Any) -> None:
        with suppress(BrokenPipeError):
            os.write(end, b".")
        send(post, mail)

    DjangoPost.send = telling  # type: ignore[method-assign]


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
            again = partial(left.update, state=Delivery.State.QUEUED, worker="", claimed_at=None)
            claims.surely(again)
        claims.lapse(now)
        if delivery.work(letter).again is None:
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
