"""Runs every benchmark, or those named: `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time

NAMES = (
    "ingest",
    "live_event",
    "decision",
    "experiments",
    "training",
    "streaming",
    "effects",
    "evaluation",
    "ablation",
    "risk",
    "programme",
    "cases",
    "offpolicy",
    "kills",
    "mail_kills",
    "learners",
    "learners_browser",
    "bad_models",
    "paper_size",
)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all by default")
    names = parser.parse_args(argv).names or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}: choose from {', '.join(NAMES)}")
    for name in names:
        print(f"\n== {name}", flush=True)
        started = time.perf_counter()
        importlib.import_module(f"benchmarks.{name}").main(_options(name))
        print(f"   ({time.perf_counter() - started:.0f} s)", flush=True)
    return 0


def _options(name: str) -> list[str]:
    """A decision is measured on MariaDB too where there is one."""
    return ["--mariadb"] if name == "decision" and shutil.which("mariadbd") else []


if __name__ == "__main__":
    sys.exit(main())
