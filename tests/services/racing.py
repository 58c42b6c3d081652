"""Work that is begun in as many threads at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

Task, Found = TypeVar("Task"), TypeVar("Found")


def at_once(work: Callable[[Task], Found], tasks: Iterable[Task]) -> list[Found]:
    """What the work finds for each task; none begins before a thread waits for every one."""
    each = list(tasks)
    barrier = Barrier(len(each))

    def one(task: Task) -> Found:
        try:
            barrier.wait()
            return work(task)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(one, each))
