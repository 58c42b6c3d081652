"""URLs of the test run, as the platform would mount the plugin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("", include("nudge_xblock.urls"))]
