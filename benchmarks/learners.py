"""A course of 100,000 learners as staff choose among them: how long its payload takes, and how large it is.

    python -m benchmarks.learners [--learners N] [--rounds N]

On a SQLite file with the platform's tables beside the plugin's: everybody enrolled with a verified address
and the night's predictions, two fifths of them at risk, a tenth seen since then by 200,000 live events and
with a month of predictions, and some opted out, unsubscribed or of the staff.  The least of the rounds is
printed, with what this process alone computed in it, since other work on the machine shows in the first
figure.

The browser's half is `python -m benchmarks.learners_browser`.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

COURSE = "course-v1:Made+Large+2026"
BATCH = 5000
STATE = 800
"""Bytes of a packed state."""
LIMITS = {"built": 1.5, "compressed": 2_000_000}


def main(argv: list[str] | None = None) -> int:
    """Measure in a process with settings of its own, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learners", description=__doc__.split("\n")[0])
    parser.add_argument("--learners", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside is None:
        with tempfile.TemporaryDirectory() as folder:
            mine = ["--learners", str(options.learners), "--rounds", str(options.rounds)]
            command = [sys.executable, "-m", "benchmarks.learners", *mine, "--inside", folder]
            return subprocess.run(command, env=os.environ, check=False).returncode
    prepare(Path(options.inside))
    fill(options.learners)
    measure(options.rounds)
    return 0


def prepare(folder: Path) -> None:
    """Django with the platform's tables, on a database file."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from tests import settings
    from tests.openedx import APPS

    settings.INSTALLED_APPS += APPS
    settings.NUDGE_SITE_URL, settings.DEFAULT_FROM_EMAIL = "https://campus.example.org", "team@example.org"
    settings.DATABASES["default"]["NAME"] = str(folder / "db.sqlite3")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)


def fill(count: int) -> None:
    """The course, a pass over its learners for each table."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from nudge_xblock import models as tables
    from nudge_xblock.atrisk.models import Risk
    from nudge_xblock.atrisk.tiers import ORDER as TIERS
    from nudge_xblock.communicator.models import Suppression
    from nudge_xblock.communicator.suppression import mark
    from predictor.factors import GROUPS
    from tests.openedx.course_overviews.models import CourseOverview
    from tests.openedx.student.models import CourseAccessRole, CourseEnrollment

    now, rng = timezone.now(), np.random.default_rng(1)
    users, people = get_user_model(), range(1, count + 1)
    chances = rng.beta(1.2, 1.2, (count, 3)).round(6).tolist()
    away = (rng.exponential(20.0, count) * 86400).tolist()
    night = now - timedelta(hours=8)
    insert(users, (users(pk=n, username=f"u{n}", email=f"learner{n}@example.org") for n in people))
    insert(tables.Learner, (tables.Learner(pk=n, user_id=n, opted_out=n % 50 == 0) for n in people))
    CourseOverview.objects.create(id=COURSE, display_name="Large")
    mode = ("audit", "verified", "honor")
    insert(
        CourseEnrollment,
        (CourseEnrollment(user_id=n, course_id=COURSE, mode=mode[n % 3], created=now) for n in people),
    )
    CourseAccessRole.objects.create(user_id=1, org="Made", course_id=COURSE, role="staff")
    insert(
        tables.Enrolment,
        (
            tables.Enrolment(
                pk=n, learner_id=n, course_key=COURSE, mode=mode[n % 3], state=bytes(STATE), fell=n % 20,
                last_seen=None if n % 7 == 0 else night - timedelta(seconds=away[n - 1]), progress=n % 101,
                predictions=dict(zip(("pass", "complete", "leave"), chances[n - 1], strict=True)),
            )
            for n in people
        ),
    )  # fmt: skip
    insert(
        Risk,
        (
            Risk(
                pk=n, chance=0.6, baseline=-2.0, days=20.0, share=0.3, at=night,
                tier=TIERS[n % len(TIERS)], group=GROUPS[n * 7 % 31 % len(GROUPS)],
            )
            for n in people
            if n % 5 < 2
        ),
    )  # fmt: skip
    tables.Night.objects.create(started=night, finished=night + timedelta(hours=1))
    insert(
        tables.InboxEvent,
        (
            tables.InboxEvent(
                digest=f"{n:032x}", course_key=COURSE, user_id=1 + n % (count // 10), token="play_video",
                time=now - timedelta(seconds=n % 20_000),
            )
            for n in range(2 * count)
        ),
    )  # fmt: skip
    insert(
        Suppression,
        (Suppression(address=mark(f"learner{n}@example.org"), learner_id=n) for n in people if n % 100 == 7),
    )
    predict(now.date())


def insert(model: Any, rows: Iterator[Any]) -> None:
    """All the rows, a few thousand in memory at a time."""
    while some := list(islice(rows, BATCH)):
        model.objects.bulk_create(some)


def predict(today: Any) -> None:
    """A month of predictions of a tenth, made inside the database."""
    from django.db import connection

    days = ", ".join(f"('{today - timedelta(days=ago)}')" for ago in range(30))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO nudge_xblock_predictionday (enrolment_id, day, predictions)"
            f" SELECT id, days.column1, predictions FROM nudge_xblock_enrolment, (VALUES {days}) AS days"
            " WHERE id % 10 = 0"
        )


def measure(rounds: int) -> None:
    """Print one line a call that staff's browsers make."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from opaque_keys.edx.keys import CourseKey

    from nudge_xblock.communicator import export, figures

    key = CourseKey.from_string(COURSE)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = figures.learners(key)
    built = show("payload built, as JSON", rounds, lambda: export.payload(key, found.at))
    print(f"  {len(found):,} learners, {len(queries)} SQL statements")
    staff = get_user_model().objects.create_user("staff", pk=10**9, is_staff=True)
    client = Client(headers={"Accept-Encoding": "gzip"})
    client.force_login(staff)
    base = f"/api/nudge/v1/courses/{COURSE}/"
    answer = client.get(base + "learners")
    size = len(answer.content)
    print(f"  {size:,} bytes compressed, {len(gzip.decompress(answer.content)):,} as they are")
    show("GET learners, compressed", rounds, lambda: client.get(base + "learners"))
    show("GET learners/count", rounds, lambda: client.get(base + "learners/count?pass=0-40&seen=7-"))
    show("GET learners.csv of two fifths", rounds, lambda: client.get(base + "learners.csv?pass=0-40"))
    who = ",".join(found.names()[:100])
    show("GET learners/trends of a hundred", rounds, lambda: client.get(f"{base}learners/trends?who={who}"))
    letter = {"subject": "To all", "body": "<p>Hello</p>", "selection": "everyone=1"}
    show("POST letters/preview, counted", rounds, lambda: posted(client, base + "letters/preview", letter))
    show("POST letters/N/send, to everyone", 1, lambda: sent(client, base, letter))
    print(f"  at most {LIMITS['built']} s: {'kept' if built <= LIMITS['built'] else 'NOT KEPT'};", end=" ")
    print(f"at most {LIMITS['compressed']:,} bytes: {'kept' if size <= LIMITS['compressed'] else 'NOT KEPT'}")


def posted(client: Any, address: str, body: Any) -> Any:
    """What a POST answers; raises SystemExit where it is refused."""
    answer = client.post(address, body, content_type="application/json")
    if answer.status_code >= 400:
        raise SystemExit(f"{address}: {answer.status_code} {answer.content.decode()[:300]}")
    return answer.json()


def sent(client: Any, base: str, letter: Any) -> None:
    """A draft, confirmed; no worker is there to take it on."""
    number = posted(client, base + "letters", letter)["id"]
    posted(client, f"{base}letters/{number}/send", {})


def show(name: str, rounds: int, work: Callable[[], Any]) -> float:
    """Print and return the least wall time of some rounds, with the least computing beside it."""
    wall, own = [], []
    for _ in range(rounds):
        begun, began = time.perf_counter(), time.process_time()
        work()
        own.append(time.process_time() - began)
        wall.append(time.perf_counter() - begun)
    print(f"{name:<34} {min(wall):6.2f} s  (computing {min(own):5.2f} s)", flush=True)
    return min(wall)


if __name__ == "__main__":
    sys.exit(main())
