"""What the tests of letters by REST share: a draft, the learners it is for, and how calls are made."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.utils import timezone

from .learners import learner
from .people import API

DRAFT = {"subject": "Hello [:firstname:]", "body": "<p>Dear [:fullname:]</p>", "selection": "pass=0-40"}


def call(client: Client, method: str, path: str, body: Any = None) -> Any:
    text = "" if body is None else json.dumps(body)
    return client.generic(method, API + path, text, content_type="application/json")


def learners() -> None:
    """Three who are likely to fail, one of them not to be reached, and one who is not."""
    now = timezone.now()
    for user_id, chance in ((1, 0.1), (2, 0.3), (3, 0.2), (4, 0.9)):
        learner(user_id, chances={"pass": chance}, now=now, address="" if user_id == 3 else None)
