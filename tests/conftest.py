"""Fixtures that every test may use: real private servers, and caches that start cold."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as property_settings

# Property tests are judged by what they find, not by how busy the machine is.
property_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_settings.load_profile("patient")

WAIT_SECONDS = 60.0


class Server(NamedTuple):
    """A database or broker of our own: where it listens."""

    socket: str
    url: str


@pytest.fixture(autouse=True)
def cold_caches() -> None:
    """Start each test without what another one made a process remember."""
    if find_spec("django") is None:  # the predictor is tested where there is none
        return
    from nudge_xblock import catalogue, serving, situation, states, trials
    from nudge_xblock.atrisk import steps
    from nudge_xblock.communicator import trends

    for shelf in (serving.engagement, serving.helpfulness):
        shelf.forget()
    states.forget()
    catalogue.forget()
    situation.forget()
    steps.forget()
    trends.forget()
    trials.forget()


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Path]:
    """Point both stores and the logs at empty directories of this test's own."""
    from django.test import override_settings

    places = {
        "NUDGE_EVENTS_DIR": str(tmp_path / "events"),
        "NUDGE_MODEL_DIR": str(tmp_path / "models"),
        "NUDGE_TRACKING_LOGS": [str(tmp_path / "logs" / "tracking.log*")],
    }
    with override_settings(**places):
        yield tmp_path


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A MariaDB server of this run's own, with the platform's character set, on a socket alone."""
    _require("mariadbd", "mariadb-install-db")
    home = tmp_path_factory.mktemp("db")
    data, sock = home / "data", home / "s"
    # Only root may run the server as another user, and the server refuses to run as root by itself.
    user = ["--user=root"] if os.geteuid() == 0 else []
    options = ["--no-defaults", f"--datadir={data}"]
    install = ["mariadb-install-db", *options, *user, "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True)
    command = [
        "mariadbd", *options, *user, f"--socket={sock}", "--skip-networking", f"--pid-file={home}/pid",
        "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2",
        "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
        "--transaction-isolation=READ-COMMITTED",
    ]  # fmt: skip
    with _running(command, home / "log", lambda: _answers(str(sock))):
        yield Server(str(sock), f"mysql://root@localhost/?unix_socket={sock}")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Redis server of this run's own, on a socket alone."""
    _require("redis-server")
    home = tmp_path_factory.mktemp("redis")
    sock = home / "s"
    command = ["redis-server", "--port", "0", "--unixsocket", str(sock), "--dir", str(home), "--save", ""]
    with _running(command, home / "log", lambda: _answers(str(sock))):
        yield Server(str(sock), f"redis+socket://{sock}")


@pytest.fixture(scope="session")
def _mariadb_schema(mariadb: Server, django_db_setup: None, django_db_blocker: Any) -> dict[str, Any]:
    """The settings of a database in our MariaDB with all migrations run."""
    from django.core.management import call_command

    config = {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "nudge",
        "USER": "root",
        "HOST": mariadb.socket,
        "OPTIONS": {"charset": "utf8mb4"},
    }
    client = ["mariadb", "--no-defaults", f"--socket={mariadb.socket}", "--user=root"]
    subprocess.run([*client, "-e", "CREATE DATABASE nudge"], check=True, capture_output=True)
    with django_db_blocker.unblock(), _default_database(config):
        call_command("migrate", verbosity=0)
    return config


@pytest.fixture
def on_mariadb(_mariadb_schema: dict[str, Any], django_db_blocker: Any) -> Iterator[Server]:
    """Make MariaDB the default database of this test and of the threads it starts; emptied afterwards."""
    from django.core.management import call_command

    with django_db_blocker.unblock(), _default_database(_mariadb_schema):
        yield Server(_mariadb_schema["HOST"], "")
        call_command("flush", interactive=False, verbosity=0)


@contextmanager
def _default_database(config: dict[str, Any]) -> Iterator[None]:
    """Put another database in the place of the default one; the in-memory one is kept open meanwhile."""
    from django.db import connections

    kept, before = connections["default"], connections.settings["default"]
    connections.settings["default"] = connections.configure_settings({"default": config})["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = kept


def _require(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} not found: `make system` installs them")


@contextmanager
def _running(command: list[str], log: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    """Run a server until the block ends; fail with its log when it does not come up."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            return False
    return True
