"""Microseconds that one live event adds to a request, beside event-routing-backends' own transform of it.

    python -m benchmarks.live_event [--count N] [--per-request N]

The events are made up (`benchmarks.tracking`), in the shape in which event-tracking hands them to a backend,
of the kinds that both sides know.  Like for like is what happens to an event in memory: ours is parsed and
made a row with a digest, the rival's becomes an xAPI statement.  Then ours with the one insert at the end of
the request, into a SQLite file whose every commit waits for the disk, and into one in WAL mode, where none
does.  The rival's router, which queues a task for each event and sends it over the network, is left out, and
the platform's user look-ups that it makes are answered from memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from benchmarks.tracking import record

KINDS = {
    "play_video": 16,
    "pause_video": 9,
    "load_video": 8,
    "seek_video": 6,
    "problem_check": 9,
    "showanswer": 2,
}
LEARNERS = 100
ROUNDS = 5


def main(argv: list[str] | None = None) -> int:
    """Measure in a process with settings of its own, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.live_event", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--count", type=int, default=1000, help="events of each kind of measurement")
    parser.add_argument("--per-request", type=int, default=5, help="events in one request")
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside is None:
        with tempfile.TemporaryDirectory() as folder:
            mine = ["--count", str(options.count), "--per-request", str(options.per_request)]
            command = [sys.executable, "-m", "benchmarks.live_event", *mine, "--inside", folder]
            return subprocess.run(command, env=os.environ, check=False).returncode
    prepare(Path(options.inside))
    measure(options.count, options.per_request)
    return 0


def prepare(folder: Path) -> None:
    """Set Django up with the plugin, the rival and a database in `folder`."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from event_routing_backends.settings import common as rival

    from nudge_xblock.settings import common as ours

    stand_in_for_the_platform()
    host = SimpleNamespace(
        SECRET_KEY="only for a benchmark",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "config_models",
            "nudge_xblock",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LMS_ROOT_URL="https://learn.example.org",
        LOGGING_CONFIG=None,
    )
    host.INSTALLED_APPS.append("event_routing_backends")
    ours.plugin_settings(host)
    rival.plugin_settings(host)
    settings.configure(**vars(host))
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    from django.contrib.auth import get_user_model

    people = get_user_model().objects
    people.bulk_create(
        people.model(pk=number, username=f"learner{number}") for number in range(1, LEARNERS + 1)
    )


def stand_in_for_the_platform() -> None:
    """Answer from memory what the rival asks of edx-platform."""
    ids = SimpleNamespace(add_new_user_id=lambda user, kind: (external_id(user.pk), False))
    overviews = {"get_course_overviews": lambda keys: [{"display_name": str(key)} for key in keys]}
    contents: dict[str, dict[str, Any]] = {
        "common.djangoapps.student.models": {"get_potentially_retired_user_by_username": lambda name: None},
        "openedx.core.djangoapps.content.course_overviews.api": overviews,
        "openedx.core.djangoapps.external_user_ids.models": {
            "ExternalId": ids,
            "ExternalIdType": SimpleNamespace(XAPI="xapi", LTI="lti"),
        },
    }
    for name, content in contents.items():
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:end]), ModuleType(".".join(parts[:end])))
        vars(sys.modules[name]).update(content)


def external_id(number: int) -> SimpleNamespace:
    """A learner's id outside the platform."""
    return SimpleNamespace(external_user_id=uuid5(NAMESPACE_URL, str(number)))


def events(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """`count` events as a backend receives them."""
    draw = random.Random(seed)
    moment = datetime.now(UTC) - timedelta(seconds=count / 1000)  # nothing is late
    for kind in draw.choices(list(KINDS), weights=list(KINDS.values()), k=count):
        moment += timedelta(microseconds=draw.randrange(1, 2000))
        line = record(
            kind, draw.randrange(20), 1 + draw.randrange(LEARNERS), moment, draw.randrange(40), draw
        )
        names = ("username", "event_source", "agent", "page", "host", "session", "referer", "ip")
        context = line["context"] | {name: line[name] for name in names}
        data = json.loads(line["event"]) if isinstance(line["event"], str) else line["event"]
        yield {"name": line["name"], "timestamp": moment, "data": data, "context": context}


def measure(count: int, per_request: int) -> None:
    """Print both sides' figures and their ratios: medians of a few rounds, taken in turns."""
    work = {
        "ours, up to the row": rows,
        "event-routing-backends, up to the statement": statements,
        f"ours, with an insert per {per_request} events, in WAL mode": partial(
            requests, per_request, "WAL", "NORMAL"
        ),
        f"ours, with an insert per {per_request} events, synced": partial(
            requests, per_request, "DELETE", "FULL"
        ),
    }
    spent: dict[str, list[float]] = {name: [] for name in work}
    for number in range(ROUNDS):
        made = list(events(count * len(work), number))
        for turn, (name, what) in enumerate(work.items()):
            spent[name].append(what(made[turn * count : (turn + 1) * count]))
    found = {name: sorted(each)[ROUNDS // 2] for name, each in spent.items()}
    _, rival, *_ = found.values()
    for name, each in found.items():
        print(f"   {name:<60} {each:8.1f} µs an event   {each / rival:6.3f} of the rival's")


def requests(per_request: int, journal: str, sync: str, made: list[dict[str, Any]]) -> float:
    """Microseconds an event for whole requests; fails when an event was not stored."""
    from django.db import connection

    from nudge_xblock import afterwards, tracking
    from nudge_xblock.models import InboxEvent

    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA journal_mode={journal}")
        cursor.execute(f"PRAGMA synchronous={sync}")
    backend, before = tracking.InboxBackend(), InboxEvent.objects.count()
    begun = time.perf_counter()
    for start in range(0, len(made), per_request):
        afterwards.begin_request()
        for event in made[start : start + per_request]:
            backend.send(event)
        afterwards.finish_request()
    spent = time.perf_counter() - begun
    stored = InboxEvent.objects.count() - before
    if stored != len(made):
        raise SystemExit(f"{len(made) - stored} of {len(made)} events were not stored: {tracking.COUNTS}")
    return spent / len(made) * 1e6


def rows(made: list[dict[str, Any]]) -> float:
    """Microseconds an event up to its unsaved row."""
    from nudge_xblock import tracking

    begun = time.perf_counter()
    for event in made:
        tracking.row_of(event)
    return (time.perf_counter() - begun) / len(made) * 1e6


def statements(made: list[dict[str, Any]]) -> float:
    """Microseconds an event for the rival's statements; fails when one was not made."""
    from event_routing_backends.processors.xapi.transformer_processor import XApiProcessor

    transform = XApiProcessor()
    begun = time.perf_counter()
    done = sum(bool(transform([event])) for event in made)
    spent = time.perf_counter() - begun
    if done != len(made):
        raise SystemExit(f"event-routing-backends made {done} statements of {len(made)} events")
    return spent / len(made) * 1e6


if __name__ == "__main__":
    sys.exit(main())
