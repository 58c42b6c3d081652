"""Everything the plugin serves by itself; the block's own handlers come through the XBlock runtime."""

from __future__ import annotations

from django.urls import include, path, re_path

from .pages import page, programme
from .rest.v1.course import COURSE

app_name = "nudge_xblock"
urlpatterns = [
    path("api/nudge/v1/", include("nudge_xblock.rest.v1.urls")),
    re_path(r"^nudge/" + COURSE.removeprefix("^") + r"learners/?$", page, name="page"),
    re_path(r"^nudge/cases/?$", programme, name="programme"),
]
