"""Work in a process of its own, so that no process of Django's ever imports what it needs.

The child is `python -m MODULE` with an order in JSON on standard input; it reports a JSON line at a time, and
dies with its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, NamedTuple

PR_SET_PDEATHSIG = 1  # prctl(2)
SILENCE = 5.0  # seconds

Report = dict[str, Any]


class Ending(NamedTuple):
    """How a child ended: whether with status 0, its last report, and its last words."""

    well: bool
    report: Report
    words: str


def run(module: str, order: Mapping[str, Any], heed: Callable[[Report], None]) -> Ending:
    """Run a child to its end; `heed` gets each report, and the newest again when none came for a while."""
    last: Report = {}
    tail: deque[str] = deque(maxlen=20)
    with _child(module, order) as child:
        complaints = Thread(target=lambda: tail.extend(map(str.rstrip, child.stderr)), daemon=True)
        complaints.start()
        for line in lines(child.stdout):
            if line:
                last = json.loads(line)
            heed(last)
        child.wait()
        complaints.join()
    words = last.get("error") or " ".join(tail) or f"it ended with status {child.returncode}"
    return Ending(child.returncode == 0, last, words)


def lines(stream: IO[str]) -> Iterator[str]:
    """The lines as they come, and an empty one whenever none came for a while, so that the night can beat."""
    queue: Queue[str | None] = Queue()

    def read() -> None:
        for line in stream:
            queue.put(line)
        queue.put(None)

    Thread(target=read, daemon=True).start()
    while True:
        try:
            line = queue.get(timeout=SILENCE)
        except Empty:
            yield ""
            continue
        if line is None:
            return
        yield line


@contextmanager
def _child(module: str, order: Mapping[str, Any]) -> Iterator[Any]:
    """The process, with its order on standard input; killed when its parent stops in the middle."""
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        preexec_fn=_dies_with_parent(),
    )
    with child:
        try:
            assert child.stdin
            child.stdin.write(json.dumps(order))
            child.stdin.close()
            yield child
        except BaseException:
            child.kill()
            raise


def _dies_with_parent() -> Callable[[], None] | None:
    """What makes the kernel end the child when the night's process is killed; None where it cannot."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
