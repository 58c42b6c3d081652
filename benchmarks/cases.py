"""The at-risk cases of a whole programme: how long a night's settling, a page of them and their table take.

    python -m benchmarks.cases [--courses N] [--learners N] [--rounds N]

On a SQLite file: everybody assessed with two reasons and a week of days, about a third of them at risk.  A
course is settled for the first time, when its cases are opened, and once again; then the first page over all
courses is read, with counts and courses, as the screen asks for it.  The rival in the same run asks course by
course, as a screen without a programme's list would have to.  Of rounds the least is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
BATCH = 2000


def main(argv: list[str] | None = None) -> int:
    """Measure in a process with settings of its own, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases", description=__doc__.split("\n")[0])
    parser.add_argument("--courses", type=int, default=50)
    parser.add_argument("--learners", type=int, default=2000, help="of each course (2000)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside is None:
        with tempfile.TemporaryDirectory() as folder:
            sizes = [f"--{name}={getattr(options, name)}" for name in ("courses", "learners", "rounds")]
            command = [sys.executable, "-m", "benchmarks.cases", *sizes, "--inside", folder]
            return subprocess.run(command, env=os.environ, check=False).returncode
    prepare(Path(options.inside))
    measure(fill(options.courses, options.learners), options)
    return 0


def prepare(folder: Path) -> None:
    """Django on a database file."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from tests import settings

    settings.DATABASES["default"]["NAME"] = str(folder / "db.sqlite3")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def fill(courses: int, learners: int) -> list[Any]:
    """Everybody assessed; the keys of the courses."""
    from opaque_keys.edx.keys import CourseKey

    from nudge_xblock.models import Learner

    rng = np.random.default_rng(7)
    Learner.objects.bulk_create([Learner(user_id=number + 1) for number in range(2 * learners)], BATCH)
    people = np.array(Learner.objects.values_list("pk", flat=True))
    keys = [CourseKey.from_string(f"course-v1:Made+C{number}+2026") for number in range(courses)]
    for key in keys:
        assessed(key, rng.choice(people, learners, replace=False), rng)
    return keys


def assessed(key: Any, people: Any, rng: np.random.Generator) -> None:
    """What a night leaves of one course's learners."""
    from nudge_xblock.atrisk import plan, tiers
    from nudge_xblock.atrisk.models import Risk, RiskDay
    from nudge_xblock.models import Enrolment
    from tests.nudge_xblock.atrisk.somebody import ABSENCE, GRADES

    seen = NOW - timedelta(days=9)
    Enrolment.objects.bulk_create(
        [Enrolment(learner_id=int(pk), course_key=key, last_seen=seen) for pk in people], BATCH
    )
    numbers = list(Enrolment.objects.filter(course_key=key).values_list("pk", flat=True))
    chances, limits = rng.random(len(numbers)) ** 1.6, plan.site_limits()
    Risk.objects.bulk_create(
        [
            Risk(
                enrolment_id=number, chance=float(chance), baseline=-1.0, days=20.0, share=0.4, at=NOW,
                contributions={"absence": 1.5, "grades": 0.6}, reasons=[ABSENCE, GRADES], group="absence",
                tier=tiers.tier_of(float(chance), limits), model_version="risk-1",
            )
            for number, chance in zip(numbers, chances, strict=True)
        ],
        BATCH,
    )  # fmt: skip
    before = NOW.date() - timedelta(days=7)
    RiskDay.objects.bulk_create(
        [RiskDay(enrolment_id=number, day=before, chance=0.5) for number in numbers], BATCH
    )


def measure(keys: list[Any], options: argparse.Namespace) -> None:
    """Settle, list and write out; print."""
    from django.contrib.auth import get_user_model

    from nudge_xblock import api
    from nudge_xblock.atrisk.models import Case

    user_id = get_user_model().objects.create(username="adviser", is_staff=True).pk
    first, again = (
        once(lambda: api.atrisk.settle(keys[0], NOW)),
        once(lambda: api.atrisk.settle(keys[0], NOW)),
    )
    for key in keys[1:]:
        api.atrisk.settle(key, NOW)
    print(f"{len(keys)} courses of {options.learners} learners, {Case.objects.count()} open cases")
    print(f"settling a course: {first:.2f} s the first night, {again:.2f} s when nothing changed")

    def programme() -> None:
        api.atrisk.cases_everywhere(api.atrisk.everywhere(user_id), {})

    def course_by_course() -> None:
        for key in keys:
            api.atrisk.cases(key, user_id, {})

    for name, work in (("over all courses", programme), ("course by course", course_by_course)):
        least = min(once(work) for _round in range(options.rounds))
        print(f"the first page {name}: {1000 * least:.0f} ms, {statements(work)} statements")
    table = once(lambda: api.atrisk.cases_table(keys[0], user_id, {}))
    written = Case.objects.filter(course_key=keys[0]).count()
    print(f"the table of one course: {1000 * table:.0f} ms, {written} rows")


def once(work: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def statements(work: Callable[[], Any]) -> int:
    """How many statements it sends."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as told:
        work()
    return len(told)


if __name__ == "__main__":
    sys.exit(main())
