"""REST v1 keeps what its description promises, whatever is sent: no call ends in a server error."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from nudge_xblock.atrisk.models import Case
from nudge_xblock.communicator.models import Letter, SavedSelection
from nudge_xblock.rest.v1.description import document
from tests.nudge_xblock.atrisk.people import clients
from tests.nudge_xblock.atrisk.somebody import flagged
from tests.nudge_xblock.communicator.learners import learner
from tests.nudge_xblock.moments import COURSE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]

CHECKS = [not_a_server_error, response_schema_conformance]
EXAMPLES = 8
NUMBER = 5
CALLS = [(path, method) for path, methods in document()["paths"].items() for method in methods]
TOKEN = "q7Wm2Zk9Tn4Rb8Yc1Vx6Hd3Jf5Lg0Psa"
HEADERS = {"X-CSRFToken": TOKEN, "Accept-Encoding": "identity"}
WHO = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
"""We bring who we are ourselves."""


@pytest.fixture
def session(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Somebody who may call everything, in a site with a few learners."""
    settings.NUDGE_COMPAT = "tests.nudge_xblock.atrisk.people.Roles"
    monkeypatch.setattr("nudge_xblock.starting._launch", lambda night: None)
    for user_id in (7, 8, 9):
        learner(user_id, chances={"pass": user_id / 10})
    case = flagged(8, now=timezone.now())
    case.events.all().delete()
    Case.objects.filter(pk=case.pk).update(id=NUMBER)
    SavedSelection.objects.create(pk=NUMBER, course_key=COURSE, name="Mine")
    Letter.objects.create(
        pk=NUMBER, course_key=COURSE, author_id=22, subject="Hello", body="<p>Hello [:firstname:]</p>",
        sender="webmaster@localhost", selection="everyone=1",
    )  # fmt: skip
    return clients()["global staff"]


@pytest.mark.parametrize(("path", "method"), CALLS, ids=lambda part: part.removeprefix("/api/nudge/v1/"))
def test_no_call_ends_in_a_server_error(session: Client, path: str, method: str) -> None:
    described = schemathesis.openapi.from_dict(document(), config=WHO)
    described.app = get_wsgi_application()
    operation = described[path][method]
    cases = st.sampled_from(GenerationMode).flatmap(lambda mode: operation.as_strategy(generation_mode=mode))
    cookies = {name: morsel.value for name, morsel in session.cookies.items()} | {"csrftoken": TOKEN}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, known=st.booleans())
    def call(case: Any, known: bool) -> None:
        if known:
            there = {"course_key": str(COURSE), "number": str(NUMBER)}
            case.path_parameters |= {name: there[name] for name in there if name in case.path_parameters}
        with transaction.atomic():
            answer = case.call(cookies=cookies, headers=HEADERS)
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)
            transaction.set_rollback(True)

    statuses: set[int] = set()
    call()
    assert not statuses & {401}, "the calls get past the door"
