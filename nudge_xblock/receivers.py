"""What the plugin does when Django or the platform signals something."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_finished, request_started

from . import afterwards


def connect() -> None:
    """Bracket each request, so that its events are written together at its end."""
    request_started.connect(afterwards.begin_request, dispatch_uid="nudge_xblock.afterwards.begin")
    request_finished.connect(afterwards.finish_request, dispatch_uid="nudge_xblock.afterwards.finish")


def retire_learner(sender: Any = None, user: Any = None, **_kwargs: Any) -> None:
    """Erase what is held of `user`, whom the platform is retiring; safe to repeat."""
    from .retirement import retire

    if user is not None and user.pk is not None:
        retire(user.pk)
