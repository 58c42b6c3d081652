"""Work that waits until the request is over, so that no learner waits for it.

Views that run in other threads copy the context and share what it holds, so the same list is seen under
WSGI and ASGI alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

LOG = logging.getLogger(__name__)

Work = Callable[[list[Any]], Any]

# None outside a request.
_collected: ContextVar[dict[Work, list[Any]] | None] = ContextVar("nudge_xblock_collected", default=None)


def collect(work: Work, item: Any) -> None:
    """Have `work` called once, with every item collected for it, when the request ends; outside one, now."""
    collected = _collected.get()
    if collected is None:
        _do(work, [item])
    else:
        collected.setdefault(work, []).append(item)


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


def _do(work: Work, items: list[Any]) -> None:
    try:
        work(items)
    except Exception:
        LOG.exception("%s failed for %d items", work.__qualname__, len(items))
