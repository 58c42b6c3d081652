"""Everything the plugin serves by itself; the block's own handlers come through the XBlock runtime."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

app_name = "nudge_xblock"
urlpatterns: list[URLPattern | URLResolver] = []
if find_spec("nudge_xblock.rest.v1.urls"):
    urlpatterns.append(path("api/nudge/v1/", include("nudge_xblock.rest.v1.urls")))
