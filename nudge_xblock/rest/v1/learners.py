"""REST v1 of the learners' figures: what a course's staff choose whom to write to by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from nudge_xblock import api

from .course import of_course
from .errors import Refused
from .plain import described
from .staff import StaffView

SELECTION = [
    OpenApiParameter(name, str, description=words)
    for name, words in {
        "pass": "Percent range of the chance to pass: 0-40, 60-, -30.",
        "complete": "Percent range of the chance to complete.",
        "leave": "Percent range of the chance to leave.",
        "progress": "Percent range of the items completed.",
        "seen": "Range of whole days since the learner was seen, or `never`.",
        "mode": "Enrolment modes, with commas between.",
        "reason": "Any of absent, never_came and fell, with commas between.",
        "tier": "Any of marginal, moderate and high, with commas between.",
        "risk": "Any of the groups of reasons, or several, with commas between.",
        "who": "Pseudonyms, with commas between.",
        "everyone": "1: all, where nothing else is asked.",
    }.items()
]
"""The query that a selection is; see nudge_xblock/communicator/selection.py."""


class ColumnSerializer(serializers.Serializer):  # type: ignore[misc]
    """One figure of all learners."""

    type = serializers.ChoiceField(["u8", "u16", "u32"])
    data = serializers.CharField(help_text="Base64 of little-endian numbers; 255 or 65535 is unknown.")


class PhraseSerializer(serializers.Serializer):  # type: ignore[misc]
    """A reason, or a ready selection, in words."""

    key = serializers.CharField()
    words = serializers.CharField()
    query = serializers.CharField(required=False)


class LearnersSerializer(serializers.Serializer):  # type: ignore[misc]
    """All learners of a course run in columns."""

    course = serializers.CharField()
    at = serializers.DateTimeField()
    n = serializers.IntegerField()
    columns = serializers.DictField(child=ColumnSerializer())
    pseudonyms = serializers.CharField(help_text="Base64 of eight bytes a learner.")
    modes = serializers.ListField(child=serializers.CharField())
    reasons = PhraseSerializer(many=True)
    presets = PhraseSerializer(many=True)


class CountSerializer(serializers.Serializer):  # type: ignore[misc]
    """How many a selection means."""

    matched = serializers.IntegerField()
    reachable = serializers.IntegerField()


class TrendsSerializer(serializers.Serializer):  # type: ignore[misc]
    """Predictions over time: pseudonym to prediction to a percent, or null, for each day."""

    days = serializers.ListField(child=serializers.DateField())
    learners = serializers.DictField(
        child=serializers.DictField(
            child=serializers.ListField(child=serializers.IntegerField(allow_null=True))
        )
    )


class SelectionSerializer(serializers.Serializer):  # type: ignore[misc]
    """A selection with a name."""

    n = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=80)
    query = serializers.CharField(max_length=1000, allow_blank=True)


class AuditSerializer(serializers.Serializer):  # type: ignore[misc]
    """One call of a member of staff."""

    n = serializers.IntegerField()
    at = serializers.DateTimeField()
    times = serializers.IntegerField(help_text="How often, where a look was repeated within ten minutes.")
    last = serializers.DateTimeField(help_text="When the last of these looks was.")
    who = serializers.CharField(help_text="User name of the member of staff; empty once retired.")
    what = serializers.CharField()
    words = serializers.CharField()
    letter = serializers.IntegerField(allow_null=True)
    detail = serializers.DictField()


class AuditPage(serializers.Serializer):  # type: ignore[misc]
    """Which calls are asked for."""

    before = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="`n` of the last row of the page before."
    )
    looks = serializers.BooleanField(default=True, help_text="0: only what was done, not what was looked at.")


@contextmanager
def readable(field: str) -> Iterator[None]:
    """Answer what cannot be read with 400 and its words."""
    try:
        yield
    except api.communicator.Unreadable as error:
        raise ValidationError({field: [str(error)]}) from error


@method_decorator([never_cache, gzip_page], name="dispatch")
class Learners(StaffView):
    """Everyone's figures under pseudonyms, to choose by in the browser."""

    audited = {"get": "learners_seen"}

    @described(responses=LearnersSerializer)
    def get(self, request: Request, course_key: str) -> Response:
        told = api.communicator.learners(self.course_key)
        self.detail = {"learners": told["n"]}
        return Response(told)


class Count(StaffView):
    """How many learners a selection means, and how many of them a mail may reach."""

    audited = {"get": "learners_counted"}

    @described(parameters=SELECTION, responses=CountSerializer)
    def get(self, request: Request, course_key: str) -> Response:
        query = request.query_params.urlencode(safe=",")
        with readable("selection"):
            told = api.communicator.count(self.course_key, query)
        self.detail = {"query": query, **told}
        return Response(told)


@method_decorator([never_cache, gzip_page], name="dispatch")
class Table(StaffView):
    """The learners whom a selection means, as CSV under pseudonyms."""

    audited = {"get": "learners_exported"}

    @described(parameters=SELECTION, responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, course_key: str) -> HttpResponse:
        query = request.query_params.urlencode(safe=",")
        with readable("selection"):
            text = api.communicator.table(self.course_key, query)
        self.detail = {"query": query, "learners": text.count("\r\n") - 1}
        headers = {"Content-Disposition": 'attachment; filename="learners.csv"'}
        return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


class Trends(StaffView):
    """The last 30 days of each prediction of up to a hundred learners."""

    audited = {"get": "trends_seen"}

    @described(
        parameters=[OpenApiParameter("who", str, required=True, description="Pseudonyms, with commas.")],
        responses=TrendsSerializer,
    )
    def get(self, request: Request, course_key: str) -> Response:
        who = [name for name in request.query_params.get("who", "").split(",") if name]
        self.detail = {"learners": len(who)}
        try:
            return Response(api.communicator.trends(self.course_key, who))
        except ValueError as error:
            raise ValidationError({"who": [str(error)]}) from error


class Selections(StaffView):
    """The selections that the course's staff named."""

    audited = {"get": "selections_seen", "post": "selection_saved"}

    @described(responses=SelectionSerializer(many=True))
    def get(self, request: Request, course_key: str) -> Response:
        return Response(api.communicator.selections(self.course_key))

    @described(request=SelectionSerializer, responses={201: SelectionSerializer})
    def post(self, request: Request, course_key: str) -> Response:
        asked = SelectionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        self.detail = dict(asked.validated_data)
        try:
            with readable("query"):
                row = api.communicator.save_selection(
                    self.course_key, request.user.pk, **asked.validated_data
                )
        except api.communicator.Taken as error:
            raise Refused(str(error)) from error
        return Response(row, status=status.HTTP_201_CREATED)


class OneSelection(StaffView):
    """One of them."""

    audited = {"delete": "selection_deleted"}

    @described(responses={204: OpenApiResponse(description="It is gone.")})
    def delete(self, request: Request, course_key: str, number: int) -> Response:
        self.detail = {"selection": int(number)}
        if not api.communicator.delete_selection(self.course_key, int(number)):
            raise NotFound(f"There is no selection {number} in this course.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class Audit(StaffView):
    """What the course's staff did here, newest first."""

    audited = {"get": "audit_seen"}

    @described(parameters=[AuditPage], responses=AuditSerializer(many=True))
    def get(self, request: Request, course_key: str) -> Response:
        asked = AuditPage(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(api.communicator.audited(self.course_key, **asked.validated_data))


urlpatterns = [
    of_course(r"learners/?$", Learners, "learners"),
    of_course(r"learners/count/?$", Count, "learners-count"),
    of_course(r"learners/trends/?$", Trends, "learners-trends"),
    of_course(r"learners\.csv$", Table, "learners-table"),
    of_course(r"selections/?$", Selections, "selections"),
    of_course(r"selections/(?P<number>[0-9]{1,18})/?$", OneSelection, "selection"),
    of_course(r"audit/?$", Audit, "audit"),
]
