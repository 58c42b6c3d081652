"""The addresses of REST v1, under api/nudge/v1/."""

from __future__ import annotations

from django.urls import path

from . import cases, learners, letters, outside, places, views
from .course import of_course
from .description import Description

urlpatterns = [
    of_course(r"overview/?$", views.Overview, "overview"),
    of_course(r"decisions/?$", views.Decisions, "decisions"),
    of_course(r"placements/?$", views.Placements, "placements"),
    of_course(r"enrolments/?$", views.Enrolments, "enrolments"),
    path("nights", views.Nights.as_view(), name="nights"),
    path("nights/<int:night_id>", views.OneNight.as_view(), name="night"),
    path("models", views.Models.as_view(), name="models"),
    path("models/rollback", views.Rollback.as_view(), name="rollback"),
    path("me/preferences", views.Preferences.as_view(), name="preferences"),
    path("decisions/<uuid:decision_id>/response", views.Respond.as_view(), name="respond"),
    path("openapi.json", Description.as_view(), name="openapi"),
    *cases.urlpatterns,
    *learners.urlpatterns,
    *letters.urlpatterns,
    *outside.urlpatterns,
    *places.urlpatterns,
]
