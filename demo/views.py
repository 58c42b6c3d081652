"""The demo's pages: courseware with the unit in an iframe, Studio with its form, and switching users."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST
from eventtracking import tracker
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import UsageKey
from web_fragments.fragment import Fragment
from xblock.django.request import django_to_webob_request, webob_to_django_response
from xblock.exceptions import NoSuchHandlerError, NoSuchUsage

from . import outline, people
from .runtime import DemoRuntime


def home(request: HttpRequest) -> HttpResponse:
    """The first unit, as the first learner when nobody is signed in."""
    if not request.user.is_authenticated:
        login(request, User.objects.get(username=people.PEOPLE[0].username), _BACKEND)
    return redirect("courseware", outline.units()[0].slug)


def switch(request: HttpRequest, username: str) -> HttpResponse:
    """Become another user and stay on the page; the demo has no passwords."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise Http404(f"Nobody here is called {username}.")
    logout(request)
    login(request, user, _BACKEND)
    person = people.by_name(username)
    response = redirect(_local(request.GET.get("next")))
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, person.language if person else "en")
    return response


@ensure_csrf_cookie
def courseware(request: HttpRequest, slug: str) -> HttpResponse:
    """The outer page: outline and users around the unit's iframe, which is as tall as its content."""
    if not request.user.is_authenticated:
        return redirect("workbench_index")
    return render(request, "demo/courseware.html", _frame(request, slug))


@ensure_csrf_cookie
def unit(request: HttpRequest, slug: str) -> HttpResponse:
    """The unit alone, as the learning app embeds it."""
    this = _unit(slug)
    tracker.emit(
        f"/courses/{outline.COURSE_KEY}/courseware/week{this.week}/{this.slug}/", {"GET": {}, "POST": {}}
    )
    runtime = DemoRuntime(request.user)
    block = runtime.get_block(outline.COURSE_KEY.make_usage_key("unit", slug))
    return _page(request, block.render("student_view", {}), this)


@ensure_csrf_cookie
def studio(request: HttpRequest, slug: str) -> HttpResponse:
    """The unit as its authors see it, each nudge with a button that opens its form."""
    this = _unit(slug)
    runtime = DemoRuntime(request.user, studio=True)
    parts = []
    page = Fragment()
    for kind, name in this.blocks:
        block = runtime.get_block(outline.COURSE_KEY.make_usage_key(kind, name))
        view = "author_view" if getattr(block, "has_author_view", False) else "student_view"
        fragment = block.render(view, {})
        page.add_fragment_resources(fragment)
        parts.append({"html": fragment.content, "key": block.location if kind == "nudge" else None})
    return render(request, "demo/studio.html", {**_frame(request, slug), "parts": parts, "page": page})


@ensure_csrf_cookie
def studio_edit(request: HttpRequest, usage_id: str) -> HttpResponse:
    """The editing form of one block, alone on a page as in Studio's dialog."""
    key = _usage_key(usage_id)
    this = outline.unit_of(key)
    fragment = DemoRuntime(request.user, studio=True).get_block(key).render("studio_view", {})
    return render(request, "demo/studio_edit.html", {**_frame(request, this.slug), "page": fragment})


def handler(request: HttpRequest, usage_id: str, handler_slug: str, suffix: str = "") -> HttpResponse:
    """Hand a browser's call to the block, for the signed-in user."""
    key = _usage_key(usage_id)
    runtime = DemoRuntime(request.user, studio=handler_slug.startswith("studio"))
    try:
        return webob_to_django_response(
            runtime.handle(runtime.get_block(key), handler_slug, django_to_webob_request(request), suffix)
        )
    except (NoSuchUsage, NoSuchHandlerError) as error:
        raise Http404(str(error)) from error


@require_POST
def event(request: HttpRequest) -> HttpResponse:
    """A browser's event, as the page's Logger sends it."""
    context = {"event_source": "browser", "page": request.POST.get("page", "")}
    with tracker.get_tracker().context("demo.browser", context):
        tracker.emit(request.POST["event_type"], json.loads(request.POST["event"]))
    return JsonResponse({})


_BACKEND = "django.contrib.auth.backends.ModelBackend"


def _page(request: HttpRequest, fragment: Fragment, this: outline.Unit) -> HttpResponse:
    return render(
        request, "demo/unit.html", {"page": fragment, "unit": this, "rtl": translation.get_language_bidi()}
    )


def _frame(request: HttpRequest, slug: str) -> dict[str, object]:
    this, every = _unit(slug), outline.units()
    place = every.index(this)
    return {
        "title": outline.TITLE,
        "course_key": outline.COURSE_KEY,
        "unit": this,
        "units": every,
        "weeks": sorted({each.week for each in every}),
        "before": every[place - 1] if place else None,
        "after": every[place + 1] if place + 1 < len(every) else None,
        "people": people.PEOPLE,
        "person": people.by_name(request.user.username),
        "rtl": translation.get_language_bidi(),
    }


def _unit(slug: str) -> outline.Unit:
    this = outline.unit(slug)
    if this is None:
        raise Http404(f"The course has no unit {slug}.")
    return this


def _usage_key(text: str) -> UsageKey:
    try:
        return UsageKey.from_string(text)
    except InvalidKeyError as error:
        raise Http404(f"{text} is not a usage key.") from error


def _local(address: str | None) -> str:
    return address if address and url_has_allowed_host_and_scheme(address, allowed_hosts=None) else "/"
