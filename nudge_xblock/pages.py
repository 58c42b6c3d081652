"""Pages of their own: a course's learners, and the at-risk cases of all courses that somebody is staff of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from . import communicator_page
from .compat import platform


def address(course_key: CourseKey) -> str:
    """Where the page is, below the site's root."""
    return reverse("nudge_xblock:page", args=[str(course_key)])


def section(course_key: CourseKey) -> str:
    """The screens as a piece of somebody else's page, which has a token of its own; idle until it is seen."""
    return render_to_string(
        "nudge_xblock/communicator_section.html", {"args": communicator_page.mount(course_key)}
    )


@require_safe
@never_cache
def page(request: HttpRequest, course_key: str) -> HttpResponse:
    """GET: the screens, for the course's staff.  Whoever is not logged in is asked to; others are refused."""
    try:
        key = CourseKey.from_string(course_key)
    except InvalidKeyError:
        raise Http404(f"{course_key} is no course key.") from None
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not platform().is_course_staff(request.user.pk, key):
        raise PermissionDenied
    title = platform().course_dates(key).title or str(key)
    return _page(
        request,
        communicator_page.mount(key) or {},
        title=_("Learners of %(course)s") % {"course": title},
        back=platform().page_url(key, "course") if platform().root_url() else "",
        back_words=_("Back to the course"),
    )


@require_safe
@never_cache
def programme(request: HttpRequest) -> HttpResponse:
    """GET: the cases of several courses, for staff of any and for who works on the cases of every course."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    teaches = platform().teaches(request.user.pk)
    if not (teaches or platform().may_work_cases(request.user.pk)):
        raise PermissionDenied
    return _page(
        request,
        communicator_page.programme(teaches),
        title=_("Learners at risk in your courses"),
        back=platform().root_url(),
        back_words=_("Back to your courses"),
    )


def _page(request: HttpRequest, args: Mapping[str, Any], **words: str) -> HttpResponse:
    """A page with the screens and a token of its own; `words` are its title and the way back."""
    context = {
        **words,
        "language": get_language(),
        "rtl": get_language_bidi(),
        "args": {**args, "csrf": get_token(request)},
    }
    return render(request, "nudge_xblock/page.html", context)
