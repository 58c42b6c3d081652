"""REST v1 of the places in a course that a letter can link to."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from nudge_xblock import api

from .course import of_course
from .plain import described
from .staff import StaffView


class PlaceSerializer(serializers.Serializer):  # type: ignore[misc]
    """One subsection of a course."""

    url = serializers.CharField(help_text="Its usage key, as a letter's link takes it.")
    label = serializers.CharField()


class SectionSerializer(serializers.Serializer):  # type: ignore[misc]
    """A section of a course and what it holds."""

    title = serializers.CharField()
    places = PlaceSerializer(many=True)


class PlacesView(StaffView):
    """The course's outline as learners see it; empty where the platform tells none."""

    audited = {"get": "places_seen"}

    @described(responses=SectionSerializer(many=True))
    def get(self, request: Request, course_key: str) -> Response:
        return Response(api.communicator.outline(self.course_key))


urlpatterns = [of_course(r"places/?$", PlacesView, "places")]
