"""The demo's pages, beside the workbench's resources and the plugin's own addresses."""

from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path, re_path
from workbench.views import package_resource

from . import views

urlpatterns = [
    path("", views.home, name="workbench_index"),
    path("as/<str:username>/", views.switch, name="switch"),
    path("course/<str:slug>/", views.courseware, name="courseware"),
    path("xblock/<str:slug>/", views.unit, name="unit"),
    path("studio/<str:slug>/", views.studio, name="studio"),
    path("studio/edit/<path:usage_id>/", views.studio_edit, name="studio_edit"),
    path("event", views.event, name="event"),
    re_path(
        r"^handler/(?P<usage_id>[^/]+)/(?P<handler_slug>[^/]*)/(?P<suffix>.*)$", views.handler, name="handler"
    ),
    re_path(r"^resource/(?P<block_type>[^/]+)/(?P<resource>.*)$", package_resource, name="package_resource"),
    path("admin/", admin.site.urls),
    path("", include("nudge_xblock.urls")),
    *staticfiles_urlpatterns(),
]
