"""Kills (SIGKILL) while models are published, promoted, rolled back and pruned; how long rollback takes.

    python -m benchmarks.kills [--kills N]

A process publishes, promotes, rolls back and prunes models as fast as it can and is killed at a random
moment; after each kill every version in the store must be whole, and the one that serves must be one of them.
In the end the serving version is rolled back, by the store and by `manage.py nudge_rollback`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from predictor.store import BrokenModel, ModelStore

KIND = "engagement"
KILLS = 200
SHAPE = (256, 1024)
LONGEST = 0.05
ROOT = Path(__file__).resolve().parents[1]
WRITER = f"""
import random, sys
import numpy as np
from predictor.store import ModelStore, NoModel
store, chance = ModelStore(sys.argv[1]), random.Random(int(sys.argv[2]))
while True:
    tensors = {{"weight": np.full({SHAPE}, len(store.versions("{KIND}")), dtype=np.float32)}}
    for work in (
        lambda: store.promote("{KIND}", store.publish("{KIND}", tensors, {{"targets": ["pass"]}})),
        lambda: store.rollback("{KIND}"),
        lambda: store.prune("{KIND}", 4),
    ):
        print("on", flush=True)
        try:
            work()
        except NoModel:
            pass
"""


def kill_once(folder: Path, chance: random.Random) -> str:
    """Let a writer work on the store and kill it; what is wrong afterwards, in words, "" where nothing is."""
    command = [sys.executable, "-c", WRITER, str(folder), str(chance.randrange(1 << 30))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=dict(os.environ)) as writer:
        assert writer.stdout is not None
        for _ in range(chance.randrange(1, 4)):
            writer.stdout.readline()
        time.sleep(chance.random() * LONGEST)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    return wrong(ModelStore(folder))


def wrong(store: ModelStore) -> str:
    """What is half done in a store, in words; "" where nothing is."""
    versions = store.versions(KIND)
    current = store.current(KIND)
    if current is not None and current not in versions:
        return f"{current} serves and is not there"
    for version in versions:
        try:
            weight = store.load(KIND, version)[0]["weight"]
        except BrokenModel as error:
            return str(error)
        if weight.shape != SHAPE or len(np.unique(weight)) != 1:
            return f"{version} is mixed"
    return ""


def rollback_seconds(folder: Path, times: int = 20) -> list[float]:
    """How long the store takes for each of some rollbacks."""
    store, took = ModelStore(folder), []
    for number in range(times + 1):
        tensors = {"weight": np.full(SHAPE, number, dtype=np.float32)}
        store.promote(KIND, store.publish(KIND, tensors, {}))
    for _ in range(times):
        began = time.perf_counter()
        store.rollback(KIND)
        took.append(time.perf_counter() - began)
    return took


def command_seconds() -> tuple[float, float]:
    """How long `manage.py nudge_rollback` takes as a process, and its work alone within it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.flow.settings",
            "NUDGE_FLOW_DIR": folder,
            "PYTHONPATH": str(ROOT),
        }
        store = ModelStore(Path(folder) / "models")
        for number in range(2):
            store.promote(KIND, store.publish(KIND, {"weight": np.full(SHAPE, number, np.float32)}, {}))
        began = time.perf_counter()
        command = [sys.executable, "-m", "django", "nudge_rollback"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        whole = time.perf_counter() - began
        code = (
            "import django, time; django.setup(); from django.core.management import call_command\n"
            f"from nudge_xblock import api; api.promote('{KIND}', '{store.versions(KIND)[-1]}')\n"
            f"began = time.perf_counter(); call_command('nudge_rollback')\n"
            "print(time.perf_counter() - began)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return whole, float(done.stdout.split()[-1])


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    options = parser.parse_args(argv)
    chance, found = random.Random(20), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.kills):
            found[kill_once(Path(folder) / "store", chance)] += 1
        left = sum(path.name.startswith(".2") for path in (Path(folder) / "store" / KIND).iterdir())
    broken = options.kills - found[""]
    print(f"{options.kills} kills: {broken} left a half model ({left} hidden drafts are swept later)")
    for words in found:
        if words:
            print(f"  {words}")
    with tempfile.TemporaryDirectory() as folder:
        took = rollback_seconds(Path(folder))
    print(f"rollback in the store: {np.median(took):.4f} s, at most {max(took):.4f} s")
    whole, inside = command_seconds()
    print(f"nudge_rollback: {inside:.3f} s, {whole:.2f} s with the start of the process")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
