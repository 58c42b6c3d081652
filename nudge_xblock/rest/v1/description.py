"""REST v1 described in OpenAPI 3, read off the views themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .plain import Plain, described

HOW = {
    "TITLE": "Nudge",
    "DESCRIPTION": "Nudges, predictions and letters of the course runs of this site.",
    "VERSION": "1",
    "OAS_VERSION": "3.0.3",
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": [],
    "COMPONENT_SPLIT_REQUEST": True,
}
"""What must not depend on how the host describes interfaces of its own."""

ERROR = {
    "type": "object",
    "description": "Why a call was refused.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string", "description": "In words."},
                "fields": {"type": "object", "description": "What is wrong, by field of the call."},
            },
            "required": ["code", "message", "fields"],
        }
    },
    "required": ["error"],
}
REFUSED = {
    "description": "Refused.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def _outside(words: str, answer: str, kind: str = "", **more: Any) -> dict[str, Any]:
    """One call that needs no login, which drf-spectacular does not see."""
    content = {"content": {kind: {"schema": {"type": "string"}}}} if kind else {}
    return {
        "description": words,
        "tags": ["letters"],
        "security": [{}],
        "responses": {answer: {"description": words, **content}},
        **more,
    }


TOKEN: dict[str, Any] = {
    "parameters": [{"in": "path", "name": "token", "required": True, "schema": {"type": "string"}}]
}
OUTSIDE = {
    "unsubscribe/{token}": {
        "get": _outside(
            "A page with buttons to unsubscribe; it changes nothing.", "200", "text/html", **TOKEN
        ),
        "post": _outside(
            "Unsubscribe in one click (RFC 8058).",
            "200",
            "text/html",
            requestBody={
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "properties": {"scope": {"type": "string", "enum": ["course", "site", "none"]}},
                        }
                    }
                }
            },
            **TOKEN,
        ),
    },
    "letters/open/{token}": {"get": _outside("The picture that tells of an open.", "200", **TOKEN)},
    "letters/click/{token}": {"get": _outside("On to the address that was signed.", "302", **TOKEN)},
    "letters/bounces": {
        "post": _outside(
            "What the mail provider reports of addresses.",
            "200",
            "application/json",
            security=[{"provider": []}],
            requestBody={
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {"reports": {"type": "array", "items": {"type": "object"}}},
                            "required": ["reports"],
                        }
                    }
                },
            },
        )
    },
}
"""What is reached from mails and by the mail provider; see outside.py."""


class Description(Plain, APIView):  # type: ignore[misc]
    """GET: this description.  It tells nothing of anybody, so everybody may read it."""

    permission_classes = ()

    @described(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document())


@cache
def document() -> dict[str, Any]:
    """The whole of REST v1 as an OpenAPI document."""
    with patched_settings(HOW):
        told: dict[str, Any] = SchemaGenerator(urlconf="nudge_xblock.urls").get_schema(public=True)
    told["components"]["schemas"]["Error"] = ERROR
    told["components"]["securitySchemes"]["provider"] = {"type": "http", "scheme": "bearer"}
    told["paths"] |= {f"/api/nudge/v1/{path}": calls for path, calls in OUTSIDE.items()}
    for operations in told["paths"].values():
        for operation in operations.values():
            operation["responses"] = {**operation["responses"], "4XX": REFUSED}
    return told
