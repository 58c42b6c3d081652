"""What every view of REST v1 has: errors in one shape, and a description of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from . import errors

Method = TypeVar("Method", bound=Callable[..., Any])


class Plain:
    """Errors in our one shape; described by drf-spectacular, whatever the host describes its own views by."""

    schema = AutoSchema()

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return errors.handle


def described(**told: Any) -> Callable[[Method], Method]:
    """Describe a method of a view as `extend_schema` does, which by itself builds on what the host names."""

    def decorate(method: Method) -> Method:
        method.schema = AutoSchema  # type: ignore[attr-defined]
        decorated: Method = extend_schema(**told)(method)
        return decorated

    return decorate
