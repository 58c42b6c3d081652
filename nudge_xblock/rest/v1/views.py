"""REST v1, thin over api.py.  Authentication is the platform's; errors come in one shape (errors.py)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nudge_xblock import api

from . import errors, serializers
from .permissions import IsAuthenticated, IsCourseStaff, IsGlobalStaff, course_key_of
from .plain import Plain, described

LARGEST_ID = 2**63 - 1
"""What fits a database's integer."""


class NewestFirst(CursorPagination):  # type: ignore[misc]
    """Pages that stay put while rows are added."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    ordering: tuple[str, ...] = ("-created", "id")


class ByNumber(NewestFirst):
    """Pages in the order of the rows' ids, for what has no time of its own."""

    ordering = ("id",)


class Overview(Plain, APIView):  # type: ignore[misc]
    """GET: the numbers of the staff tab's first screen, over the last `days`; small cells hidden."""

    permission_classes = (IsAuthenticated, IsCourseStaff)

    @described(parameters=[serializers.PageSerializer], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, course_key: str) -> Response:
        asked = serializers.PageSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        try:
            return Response(api.analytics(course_key_of(course_key), "overview", **asked.validated_data))
        except ValueError as error:
            raise ValidationError({"days": [str(error)]}) from error


class Decisions(Plain, ListAPIView):  # type: ignore[misc]
    """GET: the course's decisions, sent and held, newest first, under pseudonyms."""

    permission_classes = (IsAuthenticated, IsCourseStaff)
    serializer_class = serializers.DecisionSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Any]:
        return api.decisions(course_key_of(self.kwargs["course_key"]))


class Placements(Plain, ListAPIView):  # type: ignore[misc]
    """GET: the course's nudges with their wordings."""

    permission_classes = (IsAuthenticated, IsCourseStaff)
    serializer_class = serializers.PlacementSerializer
    pagination_class = ByNumber

    def get_queryset(self) -> QuerySet[Any]:
        return api.placements(course_key_of(self.kwargs["course_key"]))


class Enrolments(Plain, ListAPIView):  # type: ignore[misc]
    """GET: the newest predictions of every enrolment of the course, under pseudonyms."""

    permission_classes = (IsAuthenticated, IsCourseStaff)
    serializer_class = serializers.EnrolmentSerializer
    pagination_class = ByNumber

    def get_queryset(self) -> QuerySet[Any]:
        return api.enrolments(course_key_of(self.kwargs["course_key"]))


class Nights(Plain, APIView):  # type: ignore[misc]
    """GET: the last nights, newest first.  POST: run tonight's job now; 202 and the night to poll."""

    permission_classes = (IsAuthenticated, IsGlobalStaff)

    @described(operation_id="nights_list", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response({"results": api.nights()})

    @described(request=None, responses={202: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        night = api.start_night()
        return Response(api.night_status(night.pk), status=status.HTTP_202_ACCEPTED)


class OneNight(Plain, APIView):  # type: ignore[misc]
    """GET: how far one night is."""

    permission_classes = (IsAuthenticated, IsGlobalStaff)

    @described(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, night_id: int) -> Response:
        found = api.night_status(night_id) if night_id <= LARGEST_ID else {}
        if not found:
            raise NotFound(f"There is no night {night_id}.")
        return Response(found)


class Models(Plain, APIView):  # type: ignore[misc]
    """GET: every kept model version by kind, which one serves, and all promotions and rollbacks."""

    permission_classes = (IsAuthenticated, IsGlobalStaff)

    @described(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(api.models())


class Rollback(Plain, APIView):  # type: ignore[misc]
    """POST {"kind"}: let the model serve that served before the present one."""

    permission_classes = (IsAuthenticated, IsGlobalStaff)

    @described(request=serializers.RollbackSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        asked = serializers.RollbackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        kind = asked.validated_data["kind"]
        try:
            return Response({"kind": kind, "serving": api.rollback(kind)})
        except api.ModelError as error:
            raise errors.Refused(str(error)) from error


class Preferences(Plain, APIView):  # type: ignore[misc]
    """GET, PUT: what the learner who calls asks of the nudges; what PUT leaves out stays as it is."""

    permission_classes = (IsAuthenticated,)

    @described(responses=serializers.PreferencesSerializer)
    def get(self, request: Request) -> Response:
        return Response(api.preferences(request.user.pk).as_json())

    @described(request=serializers.PreferencesSerializer, responses=serializers.PreferencesSerializer)
    def put(self, request: Request) -> Response:
        asked = serializers.PreferencesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(api.set_preferences(request.user.pk, **asked.validated_data).as_json())


class Respond(Plain, APIView):  # type: ignore[misc]
    """POST {"what", "at", "key"}: the calling learner's answer to a nudge that was decided for them."""

    permission_classes = (IsAuthenticated,)

    @described(request=serializers.ResponseSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, decision_id: UUID) -> Response:
        asked = serializers.ResponseSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        at, what, key = (asked.validated_data.get(name) for name in ("at", "what", "key"))
        moment = None if at is None else datetime.fromtimestamp(at / 1000, UTC)
        try:
            return Response(api.respond(request.user.pk, decision_id, what, moment, key))
        except api.Unanswerable as error:
            raise ValidationError({"what": error.messages}) from error
