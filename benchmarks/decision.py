"""One decision, p50 and p99, with its SQL count, beside GrowthBook's and Vowpal Wabbit's evaluation.

    python -m benchmarks.decision [--count N] [--mariadb]

In the same run: `gate.decide` alone and with the helpfulness model, what the rivals do for one choice among
four (GrowthBook: an experiment by hash; Vowpal Wabbit: contextual-bandit prediction from text features), and
`decisions.ask` end to end on SQLite and, with `--mariadb`, on a MariaDB server that the benchmark starts.
The rivals are measured where their packages are installed (`growthbook`, `vowpalwabbit`), and touch no
database.

A learner has 100 events today, of which the LSTM (64 units) reads the newest 40 at the moment of asking: its
stored state holds the others.  SQLite keeps a write-ahead log, as the demo does; MariaDB is as installed:
each commit waits for the disk, and what the disk alone takes for that is printed beside it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from demo.apps import write_ahead
from nudge_xblock.gate import Candidate, History, Policy, Tally, decide
from predictor import features
from predictor.helpfulness import HelpfulnessModel

ARMS = 4
EVENTS = 100
TAIL = 40
HIDDEN = 64
WARM = 50
TOKENS = ("problem_check_incorrect", "play_video", "seq_next")


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="decisions measured of each kind")
    parser.add_argument("--mariadb", action="store_true", help="also on a MariaDB of the benchmark's own")
    parser.add_argument("--inside", metavar="SOCKET", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside is not None:
        with_database(options.count)
        return 0
    without_database(options.count)
    _again(options.count, "")
    if options.mariadb:
        show("one durable write of this disk alone", durable_writes(options.count // 10))
        with mariadb() as socket:
            _again(options.count, socket)
    return 0


class Times(NamedTuple):
    """Seconds of each call on the wall clock, and of this thread's own computing."""

    wall: list[float]
    own: list[float]


def show(name: str, times: Times, rest: str = "") -> None:
    """One line: microseconds at the median and the 99th percentile; a busy machine shows in the first two."""
    wall, own = (np.quantile(each, [0.5, 0.99]) * 1e6 for each in times)
    figures = f"p50 {wall[0]:7.0f}  p99 {wall[1]:7.0f}  computing p50 {own[0]:7.0f}  p99 {own[1]:7.0f} µs"
    print(f"{name:<46} {figures}  {rest}", flush=True)


def timed(work: Callable[[int], Any], count: int) -> Times:
    """Measure `count` calls, after a few to warm up."""
    for number in range(WARM):
        work(number)
    times = Times([], [])
    for number in range(count):
        begun, began = time.perf_counter(), time.thread_time()
        work(number)
        times.own.append(time.thread_time() - began)
        times.wall.append(time.perf_counter() - begun)
    return times


def without_database(count: int) -> None:
    """The gate, the model in front of it, and the rivals: one choice among four."""
    chance = random.Random(1)
    rows = (Tally(1e5, 2e4, 8e3), Tally(2e4, 5e3, 900), Tally(400, 90, 30), Tally(150, 30, 9))
    arms = [Candidate(str(arm), rows, (0.3, 0.1 + arm / 100, 0.6 - arm / 100)) for arm in range(ARMS)]
    show(
        "gate.decide, 4 wordings",
        timed(lambda _: decide(arms, History(9, 5), Policy(), chance.random()), count),
    )
    show("features, model and gate.decide, 4 wordings", timed(_whole(chance), count))
    for name, make in (("GrowthBook, experiment of 4 arms", _growthbook), ("Vowpal Wabbit, 4 arms", _vowpal)):
        rival = make()
        if rival is None:
            print(f"{name:<46} not installed")
        else:
            show(name, timed(rival, count))


def _whole(chance: random.Random) -> Callable[[int], Any]:
    """From a learner's events to a verdict: what a decision does between its reads and its writes."""
    names = features.names(HIDDEN, ("complete", "leave", "pass"))
    draws = np.random.default_rng(1)
    rows = draws.normal(size=(600, len(names))).astype(np.float32)
    model = HelpfulnessModel.fit(rows, draws.integers(0, 3, 600), np.ones(600), names, seed=1)
    hidden = draws.normal(size=HIDDEN).astype(np.float32)
    past = features.History(features.Answers(9, 4, 1, 2, 1), {"review": features.Answers(3, 2)}, [9e4, 3e5])
    behaviour = features.Behaviour(
        [("play_video", "problem_check_incorrect", "seq_next")[number % 3] for number in range(EVENTS)],
        [float(EVENTS - number) * 60 for number in range(EVENTS)],
        "verified",
    )
    reading = {"complete": 0.4, "leave": 0.2, "pass": 0.5}

    def work(_: int) -> Any:
        shared = features.shared(hidden, reading, past, {"country": "KE"}, behaviour, features.Course(week=3))
        parts = [features.of_message(past, features.Message("review", "problem_failed")) for _ in range(ARMS)]
        found = model.predict(np.stack([np.concatenate([shared, part]) for part in parts]))
        arms = [
            Candidate(str(arm), (), (float(row[0]), float(row[1]), float(row[2])))
            for arm, row in enumerate(found)
        ]
        return decide(arms, History(9, 5), Policy(), chance.random())

    return work


def _growthbook() -> Callable[[int], Any] | None:
    try:
        from growthbook import GrowthBook
    except ImportError:
        return None
    rule = {"variations": list(range(ARMS)), "weights": [1 / ARMS] * ARMS, "coverage": 1.0, "key": "nudge"}
    known = {"nudge": {"defaultValue": 0, "rules": [rule]}}

    def work(number: int) -> Any:
        book = GrowthBook(attributes={"id": str(number), "country": "KE", "mode": "verified"}, features=known)
        return book.get_feature_value("nudge", 0)

    return work


def _vowpal() -> Callable[[int], Any] | None:
    try:
        import vowpalwabbit
    except ImportError:
        return None
    learner = vowpalwabbit.Workspace("--cb_explore_adf --epsilon 0.1 --quiet -q LM")
    state = " ".join(f"h{index}:{value:.3f}" for index, value in enumerate(np.linspace(-1, 1, HIDDEN)))
    lines = [f"shared |L {state}", *(f"|M kind=review variant={arm}" for arm in range(ARMS))]
    return lambda _: learner.predict(lines)


def _again(count: int, socket: str) -> None:
    """This module in a process of its own: Django is set up for one database alone."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "NUDGE_TEST_MYSQL": socket}
    command = [sys.executable, "-m", "benchmarks.decision", "--count", str(count), "--inside", socket]
    subprocess.run(command, check=True, env=environment)


def durable_writes(count: int) -> Times:
    """4 KB to a file and the wait until they are safe: what a commit on a server as installed waits for."""
    with tempfile.TemporaryFile(buffering=0) as file:

        def write(_: int) -> None:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())

        return timed(write, count)


@contextmanager
def mariadb() -> Iterator[str]:
    """A server of our own on a socket; gone afterwards, with its data."""
    if shutil.which("mariadbd") is None:
        raise SystemExit("there is no mariadbd here; install mariadb-server, or leave --mariadb out")
    with tempfile.TemporaryDirectory() as folder:
        data, socket = Path(folder) / "data", f"{folder}/s"
        owner = ["--user=root"] if os.geteuid() == 0 else []
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", *owner]
        subprocess.run(
            [*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True
        )
        server = ["mariadbd", "--no-defaults", f"--datadir={data}", *owner, f"--socket={socket}"]
        process = subprocess.Popen([*server, "--skip-networking"], stderr=subprocess.DEVNULL)
        try:
            client = [
                "mariadb",
                "--no-defaults",
                f"--socket={socket}",
                "-uroot",
                "-e",
                "CREATE DATABASE nudge",
            ]
            for _ in range(100):
                if subprocess.run(client, capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.2)
            yield socket
        finally:
            process.terminate()
            process.wait(30)


def with_database(count: int) -> None:
    """`decisions.ask` from question to logged decision, with warm caches, sent and held."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from nudge_xblock.models import Decision

    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":
            settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = f"{folder}/db.sqlite3"
        settings.NUDGE_MODEL_DIR = f"{folder}/models"
        write_ahead(connection)
        call_command("migrate", verbosity=0)
        world = _World(count + WARM + 1)
        sent = timed(world.ask, count)
        with CaptureQueriesContext(connection) as captured:
            world.ask(0)
        assert Decision.objects.count() == count + WARM + 1
        words = [each["sql"].lstrip("(").split(None, 1)[0] for each in captured.captured_queries]
        reads, writes = words.count("SELECT"), sum(word in ("INSERT", "UPDATE", "DELETE") for word in words)
        where = connection.display_name
        show(f"decisions.ask on {where}, {world.share():.0%} sent", sent, f"{reads} reads, {writes} writes")


class _World:
    """A course with one nudge of four wordings, and learners who each fail the quiz again and again."""

    def __init__(self, count: int) -> None:
        from django.conf import settings

        from tests.nudge_xblock import engagement, moments

        self.moments, self.count, self.chance = moments, count, random.Random(3)
        moments.placed(variants=[moments.wording(f"Wording {arm}") for arm in range(ARMS)])
        self.engagement = engagement.publish(settings.NUDGE_MODEL_DIR, hidden=HIDDEN)
        targets = tuple(sorted(engagement.TARGETS))
        moments.serve([0.3, 0.1, 0.6], settings.NUDGE_MODEL_DIR, HIDDEN, self.engagement, targets)
        self._learners()

    def _state(self) -> bytes:
        """The LSTM's state before the tail; every learner did the same."""
        from nudge_xblock import serving

        streamer = serving.engagement.current().model
        assert streamer is not None
        before = range(EVENTS - 1, TAIL - 1, -1)
        times = [self.moments.NOW.timestamp() - 20.0 * number - 1.0 for number in before]
        state = streamer.begin(times[0])
        return streamer.pack(streamer.advance(state, [TOKENS[number % 3] for number in before], times))

    def _learners(self) -> None:
        """Each with an enrolment, a day's events in the inbox, the newest of them not yet in the state."""
        from datetime import timedelta
        from uuid import uuid4

        from nudge_xblock import situation
        from nudge_xblock.models import Enrolment, InboxEvent, Learner

        m = self.moments
        answers = {"sent": 20, "answered": 9, "helpful": 5, "not_helpful": 1}
        Learner.objects.bulk_create([Learner(user_id=user, answers=answers) for user in range(self.count)])
        learners, state = Learner.objects.order_by("user_id"), self._state()
        Enrolment.objects.bulk_create(
            Enrolment(
                learner=learner,
                course_key=m.COURSE,
                started=m.NOW - timedelta(days=9),
                state=state,
                state_model=self.engagement,
                state_through=m.NOW - timedelta(seconds=20 * TAIL),
            )
            for learner in learners
        )
        for user in range(self.count):
            InboxEvent.objects.bulk_create(
                InboxEvent(
                    digest=uuid4().hex,
                    course_key=m.COURSE,
                    user_id=user,
                    time=m.NOW - timedelta(seconds=20 * number + 1),
                    token=TOKENS[number % 3],
                    item_id=m.QUIZ if number % 3 == 0 else "",
                )
                for number in range(EVENTS)
            )
            situation.person(user, m.COURSE)

    def ask(self, number: int) -> Any:
        """The next learner's question; a warm site's caches are warm for each learner too."""
        from nudge_xblock import decisions

        m = self.moments
        user = self.asked = getattr(self, "asked", -1) + 1
        return decisions.ask(
            user % self.count, m.COURSE, [m.fields()["key"]], m.CLAIM, m.NOW, self.chance.random()
        )

    def share(self) -> float:
        from nudge_xblock.models import Decision

        return Decision.objects.filter(variant__isnull=False).count() / Decision.objects.count()


if __name__ == "__main__":
    sys.exit(main())
