"""Every error in one JSON shape: {"error": {"code", "message", "fields"}}."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Refused(exceptions.APIException):  # type: ignore[misc]
    """Something asked for properly that cannot be done now; the message says why."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


def changed(error: ValueError, **now: Any) -> Response:
    """Answer that something is not as the caller saw it, with what there is `now`."""
    refused = {"code": "changed", "message": str(error), "fields": {}}
    return Response({"error": refused, **now}, status=status.HTTP_409_CONFLICT)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer `error` in our shape; None for what is no API error, which is left to Django."""
    response: Response | None = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        response.status_code = status.HTTP_401_UNAUTHORIZED
    response.data = {"error": _described(error, response)}
    return response


def _described(error: Exception, response: Response) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        message = "; ".join(
            f"{name}: {' '.join(map(str, texts))}".lstrip(": ") for name, texts in fields.items()
        )
        return {"code": "invalid", "message": message, "fields": fields}
    if isinstance(error, exceptions.APIException):
        return {"code": str(error.get_codes()), "message": str(error.detail), "fields": {}}
    code = "not_found" if response.status_code == status.HTTP_404_NOT_FOUND else "permission_denied"
    return {"code": code, "message": str(error) or code, "fields": {}}
