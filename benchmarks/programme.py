"""How long a night's assessment takes: a course of 5,000 learners, and a programme shared by two workers.

    python -m benchmarks.programme [--learners N] [--courses N] [--each N] [--explained N]

On a MariaDB and a Redis of the benchmark's own, with the platform's tables: a risk model is trained by the
night from six finished runs and let serve.  Then everyone in a large course is assessed, from reading its
events, due dates, points, earlier courses and a feature table to the rows with reasons and the cases; once
for the first time and once again.  The programme's courses are then queued for two Celery workers; the rival
in the same run is one process that takes them one after the other.

The large course's other rival explains a logistic regression (scikit-learn) of the same numbers by sampled
Shapley values, learner by learner, as tools do that know nothing of the model.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import programme_world as campus
from benchmarks.decision import mariadb

ROOT = Path(__file__).resolve().parents[1]
FINISHED, LEARNERS_OF_FINISHED = 6, 300
PERMUTATIONS = 100
PATIENCE = 600.0
SUCCEEDED = re.compile(r"succeeded in ([\d.]+)s")


def main(argv: list[str] | None = None) -> int:
    """Measure in a process with settings of its own, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.programme", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--learners", type=int, default=5000, help="of the large course (5000)")
    parser.add_argument("--courses", type=int, default=50, help="of the programme (50)")
    parser.add_argument("--each", type=int, default=200, help="learners of each of them (200)")
    parser.add_argument("--explained", type=int, default=200, help="learners explained by the rival (200)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside:
        measure(options)
        return 0
    sizes = [f"--{name}={getattr(options, name)}" for name in ("learners", "courses", "each", "explained")]
    with tempfile.TemporaryDirectory() as folder, mariadb() as database, redis(Path(folder)) as broker:
        environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.programme_settings",
            "NUDGE_PROGRAMME_DIR": folder,
            "NUDGE_TEST_MYSQL": database,
            "NUDGE_TEST_BROKER": broker,
        }
        command = [sys.executable, "-m", "benchmarks.programme", "--inside", *sizes]
        return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A broker of our own on a socket."""
    if shutil.which("redis-server") is None:
        raise SystemExit("there is no redis-server here; `make system` installs it")
    socket = folder / "redis"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield f"redis+socket://{socket}"
    finally:
        process.terminate()
        process.wait(30)


def measure(options: argparse.Namespace) -> None:
    """Fill, train, then time both."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests.services.worker import app

    app.set_current()
    call_command("migrate", verbosity=0)
    campus.make_tables()
    large, programme = fill(options, Path(settings.NUDGE_RISK_FEATURES))
    train()
    of_course(large)
    explained(large, options.explained)
    shared(programme, Path(os.environ["NUDGE_PROGRAMME_DIR"]))


def fill(options: argparse.Namespace, features: Path) -> tuple[str, list[str]]:
    """Finished runs, the large course and the programme; the ids of the latter two."""
    began, first = time.monotonic(), 1
    sizes = [LEARNERS_OF_FINISHED] * FINISHED + [options.learners] + [options.each] * options.courses
    people: dict[str, range] = {}
    for number, size in enumerate(sizes):
        people[campus.make(number, size, first, number < FINISHED)] = range(first, first + size)
        first += size
    campus.write_features(features, people)
    ids = list(people)
    print(f"{len(ids)} runs of {first - 1:,} learners made in {time.monotonic() - began:.0f} s", flush=True)
    return ids[FINISHED], ids[FINISHED + 1 :]


def train() -> None:
    """A night's training, of the risk model alone."""
    from nudge_xblock import nightly, remarks

    began = time.monotonic()
    night = nightly.run(campus.NOW, only=("models", "label", "risk_train", "promote"))
    print(
        f"trained and judged in {time.monotonic() - began:.0f} s: {remarks.text(night.verdict)}", flush=True
    )


def of_course(course: str) -> None:
    """The large course, for the first time and again."""
    from nudge_xblock import api
    from nudge_xblock.atrisk.models import Case, Risk, RiskDay
    from nudge_xblock.night import models
    from predictor.risk import RiskModel

    factors = len(RiskModel.load(models()).factors)
    for words in ("first", "again"):
        took, busy, count = timed(lambda: api.assess_course(key_of(course), campus.NOW))
        print(
            f"a course, {words}: {count:,} learners, {factors} features, in {took:.1f} s "
            f"({busy:.1f} s of this process's computing); rows: {Risk.objects.count():,} risks, "
            f"{RiskDay.objects.count():,} days, {Case.objects.count():,} cases",
            flush=True,
        )


def key_of(course: str) -> Any:
    """The course key."""
    from opaque_keys.edx.keys import CourseKey

    return CourseKey.from_string(course)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds on the clock, seconds that this process computed, and what came of it."""
    began, computed = time.monotonic(), time.process_time()
    found = work()
    return time.monotonic() - began, time.process_time() - computed, found


def explained(course: str, count: int) -> None:
    """Reasons of the same numbers: ours, of everyone, beside sampled Shapley values of some."""
    from sklearn.linear_model import LogisticRegression

    from nudge_xblock.atrisk import assessing, runs
    from nudge_xblock.night import models
    from predictor.risk import RiskModel

    model, run = RiskModel.load(models()), runs.of(key_of(course), campus.NOW)
    assert run is not None
    assessed = assessing.assessed(run, model, sorted(run.enrolled))
    took, _, cases = timed(lambda: list(assessed.cases()))
    table, lost = assessed.distances, assessed.chances > 0.5
    rival = LogisticRegression(max_iter=1000).fit(table, lost)
    rng = np.random.default_rng(0)
    sampled, _, _ = timed(lambda: [shapley(rival, row, rng) for row in table[:count]])
    ours, theirs = 1000 * took / len(cases), 1000 * sampled / count
    print(
        f"reasons alone: {ours:.2f} ms a learner, exact; rival: {theirs:.1f} ms a learner, from "
        f"{PERMUTATIONS} permutations ({len(cases):,} and {count:,} learners explained)",
        flush=True,
    )


def shapley(model: Any, row: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Sampled Shapley values of a row [d], against a typical learner, whose distances are 0."""
    d = len(row)
    found = np.zeros(d)
    for _ in range(PERMUTATIONS):
        order = rng.permutation(d)
        steps = np.zeros((d + 1, d))
        for place, factor in enumerate(order):
            steps[place + 1] = steps[place]
            steps[place + 1, factor] = row[factor]
        found[order] += np.diff(model.decision_function(steps))
    values: np.ndarray[Any, Any] = found / PERMUTATIONS
    return values


def shared(courses: list[str], folder: Path) -> None:
    """The programme by two workers, then in a row; both from nothing."""
    from nudge_xblock import api
    from nudge_xblock.atrisk.models import Case, Risk, RiskDay

    keys = [key_of(course) for course in courses]
    mine = {"enrolment__course_key__in": keys}

    def learners() -> int:
        return Risk.objects.filter(**mine).count()

    before = os.times()
    with workers(folder, 2) as done:
        began = time.monotonic()
        api.queue_assessment(keys)
        while done() < len(keys):
            if time.monotonic() - began > PATIENCE:
                raise SystemExit(f"the workers did not finish; see their logs: {done()} of {len(keys)} done")
            time.sleep(0.1)
        took = time.monotonic() - began
    tasks = [
        sum(map(float, SUCCEEDED.findall(log.read_text()))) for log in sorted(folder.glob("worker*.log"))
    ]
    busy = os.times().children_user - before.children_user
    each = " and ".join(f"{seconds:.1f}" for seconds in tasks)
    print(
        f"a programme: {len(keys)} courses of {learners():,} learners by two workers in {took:.1f} s "
        f"({each} s in tasks; {busy:.0f} s of the workers' computing, "
        "their start included)",
        flush=True,
    )
    kept = dict(Risk.objects.filter(**mine).values_list("pk", "chance"))
    for model in (Case, Risk, RiskDay):
        model.objects.filter(**mine).delete()
    alone, computed, _ = timed(lambda: [api.assess_course(key, campus.NOW) for key in keys])
    again = dict(Risk.objects.filter(**mine).values_list("pk", "chance"))
    print(
        f"rival: the same in a row by one process in {alone:.1f} s ({computed:.0f} s of computing); "
        f"rows are {'the same' if again.keys() == kept.keys() else 'not the same'}",
        flush=True,
    )


@contextmanager
def workers(folder: Path, count: int) -> Iterator[Callable[[], int]]:
    """Celery workers of one process each, ready; yields how many tasks succeeded so far."""
    logs = [folder / f"worker{number}.log" for number in range(count)]
    command = [sys.executable, "-m", "celery", "--app", "tests.services.worker", "worker"]
    options = ["--queues", "nudges", "--pool", "solo", "--loglevel", "INFO", "--prefetch-multiplier", "1"]
    processes = [
        subprocess.Popen(
            [*command, *options, "--hostname", f"{log.stem}@here"],
            cwd=ROOT,
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
        )
        for log in logs
    ]
    try:
        while not all("ready." in log.read_text() for log in logs):
            time.sleep(0.1)
        yield lambda: sum(log.read_text().count("] succeeded in ") for log in logs)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
