"""REST v1 is described in OpenAPI, all of it, whatever the host describes its own interfaces by."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from django.urls import URLPattern
from drf_spectacular.validation import validate_schema

from nudge_xblock.rest.v1 import outside, urls
from nudge_xblock.rest.v1.description import document
from nudge_xblock.rest.v1.plain import Plain

UNTOLD = {"openapi"}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    document.cache_clear()
    yield
    document.cache_clear()


def views() -> list[URLPattern]:
    return [pattern for pattern in urls.urlpatterns if pattern.name not in UNTOLD]


def test_it_is_valid_openapi() -> None:
    validate_schema(document())


def test_it_is_drawn_up_without_a_doubt(capsys: pytest.CaptureFixture[str]) -> None:
    document()
    assert capsys.readouterr().err == ""


def test_every_method_of_every_address_is_in_it() -> None:
    told = {(path.rstrip("/"), method) for path, methods in document()["paths"].items() for method in methods}
    there = set()
    for pattern in views():
        path = _path(str(pattern.pattern))
        there |= {(path, method) for method in METHODS if hasattr(pattern.callback.view_class, method)}
    assert told == there


def _path(pattern: str) -> str:
    """As OpenAPI writes it."""
    bare = pattern.replace("(?:/|\\+)", "")
    bare = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"{\1}", bare)
    bare = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", bare)
    return "/api/nudge/v1/" + bare.strip("^$").removesuffix("/?").replace("\\", "").rstrip("/")


def test_every_view_but_those_for_mail_programs_answers_errors_in_the_one_shape() -> None:
    others = [pattern for pattern in urls.urlpatterns if pattern not in outside.urlpatterns]
    assert all(issubclass(pattern.callback.view_class, Plain) for pattern in others)


def test_everybody_may_read_it(client: Client) -> None:
    answer = client.get("/api/nudge/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")


def test_the_hosts_own_habits_do_not_change_it() -> None:
    before = document()
    document.cache_clear()
    with override_settings(SPECTACULAR_SETTINGS={"TITLE": "Studio", "PREPROCESSING_HOOKS": ["nowhere.hook"]}):
        assert document() == before
