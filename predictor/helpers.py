"""Other Pythons that work for this one: each answers messages, and ends when this process ends."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

_LENGTH: Final = 8


class Helper:
    """A process that runs a module of this package, asked over pipes."""

    def __init__(self, module: str, *arguments: str, advice: str) -> None:
        """Start `python -m module arguments…`, which calls `serve`; `advice` tells what to do if it dies."""
        path = os.pathsep.join(filter(None, sys.path))
        self._advice = advice
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # the keyboard interrupts the parent, whose end ends the helper
        )

    def tell(self, message: bytes) -> None:
        """Send what needs no answer."""
        assert self._process.stdin is not None
        send(self._process.stdin, message)

    def ask(self, question: bytes) -> bytes:
        """The helper's answer; `RuntimeError` when it died."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        try:
            send(into, question)
            answer = receive(out)
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise RuntimeError(f"a helper process ended with {self._process.wait()}: {self._advice}")
        return answer

    def kill(self) -> None:
        """End the helper in the middle of its work."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the helper when it has done its work."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._process.wait()


def serve(answer: Callable[[bytes], bytes]) -> None:
    """In a helper: answer the parent's messages until it ends."""
    while (question := receive(sys.stdin.buffer)) is not None:
        try:
            send(sys.stdout.buffer, answer(question))
        except BrokenPipeError:
            return


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def send(stream: IO[bytes], data: bytes) -> None:
    """Write one message."""
    stream.write(len(data).to_bytes(_LENGTH, "little"))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one message; None at the end."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "little")
    data = stream.read(size)
    return data if len(data) == size else None
