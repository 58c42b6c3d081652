"""What is reached from mails and by the mail provider, without a login: each call proves itself by a token.

These are plain views: no session is read, so that nothing of a browser's login leaks into them, and a mail
program that posts RFC 8058's one click has no CSRF token to send.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from nudge_xblock import api

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
LARGEST = 1_000_000  # bytes of a provider's reports


def private(response: HttpResponse) -> HttpResponse:
    """Not to be kept by anyone, nor to tell the token in it to another site."""
    patch_cache_control(response, private=True, no_store=True)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


@method_decorator(csrf_exempt, name="dispatch")
class Unsubscribe(View):
    """GET: a page with buttons; it changes nothing, as programs follow links too.  POST: does it."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return self._page(request, api.communicator.subscription(token))
        except api.communicator.Forged:
            return self._unknown(request)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        scope = request.POST.get("scope", "course")
        try:
            told = api.communicator.subscribe(
                token, scope if scope in ("course", "site", "none") else "course"
            )
        except api.communicator.Forged:
            return self._unknown(request)
        said = {
            "site": _("Done. You will get no such mail about any course of this site."),
            "course": _("Done. You will get no more mail about this course."),
            "": told["kept"] or _("Done. You will get mail about this course again."),
        }
        return self._page(request, told, said[told["standing"]])

    def _page(self, request: HttpRequest, told: dict[str, str], said: str = "") -> HttpResponse:
        frame = {"known": True, "course": told["title"], "standing": told["standing"], "said": said}
        return self._rendered(request, frame | {"title": _("Mail about your course")})

    def _unknown(self, request: HttpRequest) -> HttpResponse:
        said = _("This link is damaged. Open it from the mail again, or copy it whole.")
        return self._rendered(request, {"known": False, "said": said, "title": _("Unknown link")}, 404)

    def _rendered(self, request: HttpRequest, frame: dict[str, Any], status: int = 200) -> HttpResponse:
        frame |= {"language": get_language() or "", "bidi": get_language_bidi()}
        return private(render(request, "nudge_xblock/unsubscribe.html", frame, status=status))


class Open(View):
    """The picture of a mail; always a picture, whatever the token."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        with suppress(api.communicator.Forged):  # an error would show as a broken picture
            api.communicator.opened(token)
        return private(HttpResponse(PIXEL, content_type="image/gif"))


class Click(View):
    """On to the address that was signed; no other, so that the site cannot be used to lead elsewhere."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return private(HttpResponseRedirect(api.communicator.clicked(token)))
        except api.communicator.Forged:
            return private(HttpResponse(_("This link is damaged."), status=404, content_type="text/plain"))


@method_decorator(csrf_exempt, name="dispatch")
class Bounces(View):
    """POST {"reports": […]}: what the provider reports, with NUDGE_MAIL_BOUNCE_SECRET as bearer token."""

    def post(self, request: HttpRequest) -> HttpResponse:
        kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not api.communicator.may_report(secret.strip()):
            return _refused("permission_denied", "The secret is not the one that is set.", 403)
        length = request.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return _refused("invalid", "Content-Length says how many bytes are sent.", 400)
        if int(length) > LARGEST:
            return _refused("invalid", "Send at most a megabyte at once.", 413)
        try:
            told = json.loads(request.body)
            reports = told.get("reports") if isinstance(told, dict) else None
            if not isinstance(reports, list):
                raise ValueError('The body is {"reports": […]}.')
            return JsonResponse(api.communicator.bounced(reports))
        except ValueError as error:
            return _refused("invalid", str(error), 400)


def _refused(code: str, message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "fields": {}}}, status=status)


urlpatterns = [
    path("unsubscribe/<str:token>", Unsubscribe.as_view(), name="unsubscribe"),
    path("letters/open/<str:token>", Open.as_view(), name="open"),
    path("letters/click/<str:token>", Click.as_view(), name="click"),
    path("letters/bounces", Bounces.as_view(), name="bounces"),
]
