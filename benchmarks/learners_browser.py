"""Choosing among 100,000 learners in Chromium: payload, first plot, and each frame while a brush moves.

    python -m benchmarks.learners_browser [--learners N] [--frames N] [--runs N]

The page is served from this process: the payload as the server packs and compresses it, the committed
bundle, and the words.  A frame is timed from its first callback until the browser has laid it out and painted
it.  The rival in the same run answers the same question for the same brush as one would write it first: an
array of row objects, filtered anew for each of the four plots.  Skips where there is no Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import django
import numpy as np

BUNDLE = Path(__file__).resolve().parents[1] / "static" / "nudge_xblock" / "communicator.js"
OWN = 200
"""Frames whose processor time is taken one by one."""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Learners</title>
<link rel="icon" href="data:,">
<main><h1>Learners</h1><div class="nudge-communicator" data-args="args"></div></main>
<script type="application/json" id="args">{args}</script><script src="/communicator.js"></script></html>"""

WATCH = """
window.firstPlot = new Promise((resolve) => {
    const look = () => {
        const root = document.querySelector(".nudge-communicator")?.shadowRoot;
        if (!root?.querySelector(".nudge-bars-all")?.getAttribute("d")) return requestAnimationFrame(look);
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now());
        port2.postMessage(0);
    };
    requestAnimationFrame(look);
});
"""

BRUSH = """async (count) => {
    const choice = document.querySelector(".nudge-communicator").nudgeCommunicator.screens.learners;
    const times = [];
    for (let i = 0; i < count; i += 1) {
        const low = Math.round(45 + 45 * Math.sin(i / 9));
        times.push(await new Promise((resolve) => {
            requestAnimationFrame(() => {
                const started = performance.now();
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => resolve(performance.now() - started);
                port2.postMessage(0);
            });
            const figure = ["pass", "complete", "leave"][Math.floor(i / 100) % 3];
            choice.move(figure, [low, Math.min(100, low + 25)]);
        }));
    }
    return times;
}"""

SETTLE = """() => {
    const choice = document.querySelector(".nudge-communicator").nudgeCommunicator.screens.learners;
    const started = performance.now();
    choice.settle();
    return performance.now() - started;
}"""

COMPUTE = """(count) => {
    const choice = document.querySelector(".nudge-communicator").nudgeCommunicator.screens.learners;
    const { model } = choice;
    const NAMES = ["pass", "complete", "leave", "progress"];
    const { columns, n } = model.learners;
    const row = (_, i) => Object.fromEntries(NAMES.map((name) => [name, columns[name][i]]));
    const rows = Array.from({ length: n }, row);
    const naive = (ranges) => NAMES.map((name) => {
        const bins = new Array(20).fill(0);
        rows.filter((row) => Object.entries(ranges).every(([other, [low, high]]) =>
            other === name || (row[other] >= low && row[other] <= high)))
            .forEach((row) => { if (row[name] <= 100) bins[Math.min(Math.floor(row[name] / 5), 19)] += 1; });
        return bins;
    });
    choice.take(choice.read("complete=20-90&leave=10-80"));
    const told = { ours: [], naive: [], same: true };
    for (let i = 0; i < count; i += 1) {
        const low = Math.round(45 + 45 * Math.sin(i / 9));
        const range = [low, Math.min(100, low + 25)];
        let started = performance.now();
        model.range("pass", range);
        const ours = NAMES.map((name) => model.spread(name));
        told.ours.push(performance.now() - started);
        if (i % 10) continue;
        started = performance.now();
        const theirs = naive(model.selection.ranges);
        told.naive.push(performance.now() - started);
        told.same &&= JSON.stringify(ours) === JSON.stringify(theirs);
    }
    return told;
}"""


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.learners_browser", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--learners", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--runs", type=int, default=5, help="Page loads; the first plot is their median.")
    options = parser.parse_args(argv)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("skipped: needs Chromium (apt-get install chromium)")
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    packed = gzip.compress(json.dumps(payload(options.learners)).encode(), 6)
    bundle = gzip.compress(BUNDLE.read_bytes(), 9)
    print(f"payload of {options.learners:,} learners: {len(packed) / 1e6:.2f} MB compressed (bar 2)")
    print(f"bundle of all screens: {len(bundle) / 1e3:.1f} KB compressed (bar 90)")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(packed, bundle))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        measure(chromium, f"http://127.0.0.1:{server.server_port}/", options.frames, options.runs)
    finally:
        server.shutdown()
    return 0


def payload(count: int) -> dict[str, Any]:
    """Learners as the server hands them over, with figures that belong together."""
    from nudge_xblock.communicator import figures
    from nudge_xblock.communicator.selection import NAMED, NEVER, UNKNOWN, Figures

    rng = np.random.default_rng(5)
    keen = rng.normal(size=count)

    def percent(level: float, slope: float) -> Any:
        share = 100 / (1 + np.exp(-(level + slope * keen + rng.normal(scale=0.5, size=count))))
        return np.where(rng.random(count) < 0.04, UNKNOWN, np.rint(share)).astype(np.uint8)

    days = np.minimum(rng.exponential(9.0 * np.exp(-0.5 * keen)), 300.0)
    columns = {
        "pass": percent(-0.8, 1.4),
        "complete": percent(0.0, 1.3),
        "leave": percent(-0.5, -1.5),
        "progress": percent(-1.0, 1.2),
        "seen": np.where(rng.random(count) < 0.08, NEVER, days).astype(np.uint16),
        "mode": (rng.random(count) < 0.18).astype(np.uint8),
        "reasons": rng.integers(0, 8, count).astype(np.uint32),
        "reachable": (rng.random(count) < 0.97).astype(np.uint8),
        "tier": np.maximum(rng.integers(-4, 4, count), 0).astype(np.uint8),
    }
    columns["risk"] = np.where(columns["tier"], rng.integers(1, 9, count), 0).astype(np.uint8)
    names = np.sort(rng.integers(0, 2**63, count, dtype=np.uint64)).astype(">u8")
    found = figures.Learners(
        "course-v1:Any+Course+Run",  # type: ignore[arg-type]
        datetime.now(UTC),
        np.arange(count, dtype=np.int64),
        names,
        Figures(columns, ("audit", "verified"), names),
    )
    reasons = [{"key": key, "words": key} for key in ("absent", "never_came", "fell")]
    named = {f"{kind}s": [{"key": key, "words": key} for key in keys] for kind, keys in NAMED.items()}
    return {**figures.payload(found), "reasons": reasons, **named, "presets": []}


def handler(packed: bytes, bundle: bytes) -> type[BaseHTTPRequestHandler]:
    """What serves the page, its bundle and its payload, compressed as a platform's web server does."""
    from nudge_xblock import communicator_texts

    told = {"api": "/api/", "language": "en", "rtl": False, "text": communicator_texts.communicator()}
    args = json.dumps(told).replace("<", "\\u003c")
    known = {
        "/": ("text/html; charset=utf-8", gzip.compress(PAGE.replace("{args}", args).encode())),
        "/communicator.js": ("text/javascript; charset=utf-8", bundle),
        "/api/learners": ("application/json", packed),
        "/api/selections": ("application/json", gzip.compress(b"[]")),
    }
    none = ("application/json", gzip.compress(b'{"days": [], "learners": {}}'))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = known.get(self.path.split("?")[0], none)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def measure(chromium: str, url: str, frames: int, runs: int) -> None:
    """Load the page, move its brushes, and print what it took."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        first = []
        for _ in range(runs):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(WATCH)
            page.goto(url)
            first.append(page.evaluate("window.firstPlot"))
            if len(first) < runs:
                page.close()
        page.wait_for_timeout(1000)
        page.evaluate(BRUSH, 60)
        tool = page.context.new_cdp_session(page)
        tool.send("Performance.enable", {"timeDomain": "threadTicks"})
        times = page.evaluate(BRUSH, frames)
        marks = [computing(tool)]
        for place in range(OWN):
            page.evaluate(BRUSH.replace("let i = 0", f"let i = {place}"), place + 1)
            marks.append(computing(tool))
        own = (1e3 * np.diff(marks)).tolist()
        settled = [page.evaluate(SETTLE) for _ in range(9)]
        told = page.evaluate(COMPUTE, 300)
        browser.close()
    middle, worst = statistics.median(first) / 1e3, max(first) / 1e3
    print(f"first plot: {middle:.2f} s, median of {runs}; worst {worst:.2f} s (bar 2)")
    print(f"a frame while a brush moves: {spread(times)}, {frames} frames (bar: p95 16 ms)")
    print(f"the page's own processor time of it: {spread(own)}, {OWN} frames, each asked for from outside")
    print(f"words, filters, table and address once it rests: {statistics.median(settled):.0f} ms")
    ours, naive = statistics.median(told["ours"]), statistics.median(told["naive"])
    print(f"computing a frame: {spread(told['ours'])}; row objects filtered anew: {spread(told['naive'])}")
    print(f"ratio of the medians {naive / ours:.0f}; both count the same: {told['same']}")


def computing(tool: Any) -> float:
    """Seconds of processor time that the page's thread has had for its tasks."""
    metrics = {each["name"]: each["value"] for each in tool.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def spread(times: list[float]) -> str:
    """Median and 95th percentile of milliseconds."""
    return f"{np.percentile(times, 50):.1f} / {np.percentile(times, 95):.1f} ms p50 / p95"


if __name__ == "__main__":
    raise SystemExit(main())
