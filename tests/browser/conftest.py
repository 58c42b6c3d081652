"""A real Chromium on the real demo course, and a fresh learner for each test."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, Route, sync_playwright

from .stage import LEARNERS
from .writing import FEW, QUERY

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 60.0
CROWD = 600
TAKERS = 120
"""Learners of the course whose cases are worked on."""
UNIT = "correlation"
STAFF = "grace"
NUDGE = "block-v1:Harbour+NUM101+2026_T4+type@nudge+block@"


Look = Callable[..., Page]
"""Opens the analytics; see `look`."""


@dataclass
class Site:
    """The served course."""

    url: str
    database: Path
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(LEARNERS)))

    def learner(self) -> str:
        """The name of a learner whom no test has met."""
        return f"learner{next(self._numbers)}"

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as connection:
            return connection.execute(sql, values).fetchall()

    def decision(self, learner: str) -> dict[str, Any]:
        """The learner's newest decision."""
        names = ("helpful", "shown_at", "clicked_at", "dismissed_at", "reason")
        [row] = self.rows(
            f"SELECT {', '.join('d.' + name for name in names)} FROM nudge_xblock_decision d"
            " JOIN nudge_xblock_learner l ON l.id = d.learner_id JOIN auth_user u ON u.id = l.user_id"
            " WHERE u.username = ? ORDER BY d.created DESC LIMIT 1",
            learner,
        )
        return dict(zip(names, row, strict=True))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("demo")) as site:
        yield site


@contextmanager
def served(home: Path, **told: str) -> Iterator[Site]:
    """The demo course on a port and in a directory of its own, until the block ends.

    `told`: more of the server's environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "NUDGE_DEMO_DIR": str(home), "NUDGE_DEMO_URL": url, **told}
    with (home / "server.log").open("wb") as log:
        command = [sys.executable, str(ROOT / "tests" / "browser" / "stage.py"), str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(f"{url}/static/demo/demo.css", process, home / "server.log")
            yield Site(url, home / "demo.sqlite3")
        finally:
            process.terminate()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the demo did not start:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.2)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("Browser tests need Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


class Visit:
    """One person at the course, in a browser window of their own."""

    def __init__(self, site: Site, context: BrowserContext, name: str) -> None:
        self.site, self.context, self.name = site, context, name
        self.page: Page = context.new_page()
        self.trouble: list[str] = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.posted: list[dict[str, Any]] = []
        self.page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if "/respond/" in request.url:
            self.posted.append(json.loads(request.post_data))

    def said(self, what: str) -> int:
        """How often the page has sent this answer."""
        return sum(body["what"] == what for body in self.posted)

    def open(self, path: str = f"/course/{UNIT}/") -> Visit:
        self.page.goto(f"{self.site.url}/as/{self.name}/?next={path.replace('+', '%2B')}")
        return self

    @property
    def unit(self) -> FrameLocator | Page:
        """The unit, whether in its iframe or a page of its own."""
        return self.page.frame_locator("#unit-iframe") if "/course/" in self.page.url else self.page

    @property
    def card(self) -> Locator:
        return self.unit.locator(".nudge-card")

    def button(self, name: str) -> Locator:
        return self.card.get_by_role("button", name=name, exact=True)

    def fail(self, tries: int = 2) -> None:
        """Answer the unit's quiz wrongly."""
        fields = self.unit.locator(".demo-quiz fieldset")
        fields.first.wait_for()
        for index in range(fields.count()):
            fields.nth(index).locator("input").first.check()
        for number in range(1, tries + 1):
            self.unit.locator(".demo-check").click()
            self.unit.locator(".demo-result", has_text=f"try {number}").wait_for()

    def nudged(self) -> Visit:
        """Bring the card about."""
        self.open()
        self.fail()
        self.card.wait_for()
        return self

    def until(self, check: Callable[[], bool], why: str) -> None:
        """Wait for something outside the page."""
        for _ in range(100):
            if check():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{why}; so far the page sent {self.posted}")


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Makes a visit: of a fresh learner, or of the account `name`, in a window like `options`."""
    contexts = []
    visits = []

    def make(name: str = "", **options: Any) -> Visit:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        contexts.append(context)
        visits.append(Visit(site, context, name or site.learner()))
        return visits[-1]

    yield make
    trouble = list(itertools.chain.from_iterable(each.trouble for each in visits))
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A course after a busy month."""
    home = tmp_path_factory.mktemp("busy")
    with served(home) as site:
        environment = {**os.environ, "NUDGE_DEMO_DIR": str(home)}
        fill = [sys.executable, str(ROOT / "tests" / "browser" / "fill.py")]
        subprocess.run(fill, env=environment, check=True, capture_output=True)
        yield site


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A course with learners of every kind, and what is predicted of them."""
    home = tmp_path_factory.mktemp("crowded")
    with served(home) as site:
        gather(home, CROWD)
        yield site


def gather(home: Path, count: int) -> None:
    """Let so many learners of every kind take the course that is served from `home`."""
    fill = [sys.executable, str(ROOT / "tests" / "browser" / "crowd.py"), str(count)]
    subprocess.run(fill, env={**os.environ, "NUDGE_DEMO_DIR": str(home)}, check=True, capture_output=True)


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two courses some of whose learners are at risk."""
    home = tmp_path_factory.mktemp("ward")
    with served(home) as site:
        night(home, "begin", str(TAKERS))
        yield site


def night(home: Path, *told: str) -> None:
    """Let risks.py do something with the courses that are served from `home`."""
    command = [sys.executable, str(ROOT / "tests" / "browser" / "risks.py"), *told]
    subprocess.run(command, env={**os.environ, "NUDGE_DEMO_DIR": str(home)}, check=True, capture_output=True)


@contextmanager
def opening(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the unit as course staff, at a hash, until something is there; no page may fail."""
    contexts, trouble = [], []

    def open_(site: Site, hash_: str, wait: str, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"{site.url}/as/{STAFF}/?next=/xblock/{UNIT}/")
        if wait:
            page.goto(f"{site.url}/xblock/{UNIT}/#{hash_}")
            page.reload()
            page.locator(wait).wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def screen(browser: Browser) -> Iterator[Look]:
    """Opens the state of the learners' screens that a hash names."""
    with opening(browser) as open_:

        def screen(site: Site, state: str = "learners", wait: str = ".nudge-count", **options: Any) -> Page:
            return open_(site, f"nudge-{state}", wait, **options)

        yield screen


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A course of a few learners, whose mails lie in a folder."""
    home = tmp_path_factory.mktemp("course")
    with served(home) as site:
        gather(home, FEW)
        yield site


@pytest.fixture
def desk(course: Site, screen: Look) -> Page:
    """The screen for writing to some of them."""
    return screen(course, f"write&{QUERY}", wait=".nudge-compose")


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Opens the analytics of a site, in a window like `options`."""
    with opening(browser) as open_:

        def look(site: Site, state: str = "days:30", wait: bool = True, **options: Any) -> Page:
            return open_(site, f"nudge={state}", ".nudge-header" if wait else "", **options)

        yield look


def violations(page: Any, selector: str) -> list[str]:
    """What axe finds wrong in `selector`, in words; WCAG 2.2 AA and best practice."""
    if not AXE.exists():
        raise RuntimeError("Browser tests need axe-core: cd frontend && npm ci")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async (selector) => (await axe.run(selector, {runOnly: [
            "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})).violations""",
        selector,
    )
    return [f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}" for one in found]


def slow(seconds: float) -> Callable[[Route], None]:
    """A route that takes its time."""

    def handle(route: Route) -> None:
        time.sleep(seconds)
        route.continue_()

    return handle
