"""Work that waits until the request is over, so that no learner waits for it.

That is so under WSGI, as the platform is served.  Under ASGI, where Django tells of a request's beginning in
a context that its view does not see, work is done at once instead, in a thread of its own where it must be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.db import connections

LOG = logging.getLogger(__name__)

Work = Callable[[list[Any]], Any]

# None outside a request.
_collected: ContextVar[dict[Work, list[Any]] | None] = ContextVar("nudge_xblock_collected", default=None)


def collect(work: Work, item: Any) -> None:
    """Have `work` called once, with every item collected for it, when the request ends; outside one, now."""
    collected = _collected.get()
    if collected is not None:
        collected.setdefault(work, []).append(item)
    elif (loop := _running_loop()) is not None:
        loop.run_in_executor(None, _do_in_thread, work, [item])
    else:
        _do(work, [item])


def begin_request(**_kwargs: Any) -> None:
    """Collect from here on.  What a request that never ended left behind is done now, apart from this one."""
    leftover = _collected.get()
    _collected.set({})
    _do_all(leftover)


def finish_request(**_kwargs: Any) -> None:
    """Do what the request collected."""
    collected = _collected.get()
    _collected.set(None)
    _do_all(collected)


def _do_all(collected: dict[Work, list[Any]] | None) -> None:
    for work, items in (collected or {}).items():
        _do(work, items)


def _do_in_thread(work: Work, items: list[Any]) -> None:
    _do(work, items)
    connections.close_all()


def _do(work: Work, items: list[Any]) -> None:
    try:
        work(items)
    except Exception:
        LOG.exception("%s failed for %d items", work.__qualname__, len(items))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
