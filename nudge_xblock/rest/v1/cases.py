"""REST v1 of at-risk cases: what staff work on, in one course or over all of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from drf_spectacular.types import OpenApiTypes
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nudge_xblock import api

from . import caseshapes as shapes
from .course import of_course
from .errors import Refused, changed
from .permissions import IsAuthenticated, IsCourseStaff, MaySeeCases, WorksOnCases, course_key_of
from .plain import Plain, described
from .staff import StaffView

NUMBER = r"(?P<number>[0-9]{1,18})"
CSV = {(200, "text/csv"): OpenApiTypes.STR}


@contextmanager
def answered() -> Iterator[None]:
    """Answer what cannot be done with the status that says so, and its words."""
    door = api.atrisk
    try:
        yield
    except door.Unreadable as error:
        raise ValidationError({error.field: [str(error)]}) from error
    except door.Invalid as error:
        raise ValidationError({name: [text] for name, text in error.problems.items()}) from error
    except door.Missing as error:
        raise NotFound(str(error)) from error
    except door.NotPossible as error:
        raise Refused(str(error)) from error


def table(text: str) -> HttpResponse:
    headers = {"Content-Disposition": 'attachment; filename="cases.csv"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


def asked(request: Request) -> dict[str, str]:
    """The query; what is given several times is joined by commas."""
    return {name: ",".join(values) for name, values in request.query_params.lists()}


def listed(query: Mapping[str, str]) -> dict[str, str]:
    """What of a query the audit tells: not which learner it was about."""
    return {name: value for name, value in query.items() if name not in ("who", "page")}


@method_decorator(never_cache, name="dispatch")
class CasesView(StaffView):
    """A call about the cases of one course run, for its staff and for who works on those of every one."""

    permission_classes = (IsAuthenticated, MaySeeCases)

    @property
    def user_id(self) -> int:
        """Who calls."""
        return int(self.request.user.pk)


class Cases(CasesView):
    """A page of the course's cases."""

    audited = {"get": "cases_seen"}

    @described(operation_id="cases_list", parameters=shapes.QUERY, responses=shapes.CasesSerializer)
    def get(self, request: Request, course_key: str) -> Response:
        query = asked(request)
        self.detail = {"query": listed(query)}
        with answered():
            return Response(api.atrisk.cases(self.course_key, self.user_id, query))


class CasesTable(CasesView):
    """The course's cases as CSV under pseudonyms, all pages at once."""

    audited = {"get": "cases_exported"}

    @described(parameters=shapes.TABLE_QUERY, responses=CSV)
    def get(self, request: Request, course_key: str) -> HttpResponse:
        query = asked(request)
        with answered():
            text = api.atrisk.cases_table(self.course_key, self.user_id, query)
        self.detail = {"query": listed(query)}
        return table(text)


class OneCase(CasesView):
    """A case with all that helps to work on it."""

    audited = {"get": "case_seen"}

    @described(responses=shapes.OneCaseSerializer)
    def get(self, request: Request, course_key: str, number: str) -> Response:
        self.detail = {"case": int(number)}
        with answered():
            return Response(api.atrisk.case(self.course_key, self.user_id, int(number)))


class Change(CasesView):
    """Something that a person does with a case, which is answered; by 409 with the case where it changed."""

    def change(self, number: str, shape: Any, work: Callable[..., dict[str, Any]]) -> Response:
        """Do `work` with what was sent, in the shape that it must have."""
        asked = shape(data=self.request.data)
        asked.is_valid(raise_exception=True)
        self.detail = {"case": int(number)}
        try:
            with answered():
                return Response(work(asked.validated_data))
        except api.atrisk.Changed as error:
            with answered():
                return changed(error, case=api.atrisk.case(self.course_key, self.user_id, int(number)))


class Notes(Change):
    """Write a note."""

    audited = {"post": "case_noted"}

    @described(request=shapes.NoteSerializer, responses=shapes.OneCaseSerializer)
    def post(self, request: Request, course_key: str, number: str) -> Response:
        def work(sent: Mapping[str, Any]) -> dict[str, Any]:
            return api.atrisk.note(self.course_key, self.user_id, int(number), sent["text"])

        return self.change(number, shapes.NoteSerializer, work)


class Assign(Change):
    """Give a case to somebody, or to nobody."""

    audited = {"post": "case_assigned"}

    @described(request=shapes.AssignSerializer, responses=shapes.OneCaseSerializer)
    def post(self, request: Request, course_key: str, number: str) -> Response:
        def work(sent: Mapping[str, Any]) -> dict[str, Any]:
            to, version = sent["user"], sent["version"]
            return api.atrisk.assign(self.course_key, self.user_id, int(number), to, version)

        return self.change(number, shapes.AssignSerializer, work)


class Resolve(Change):
    """Be done with a case."""

    audited = {"post": "case_resolved"}

    @described(request=shapes.ResolveSerializer, responses=shapes.OneCaseSerializer)
    def post(self, request: Request, course_key: str, number: str) -> Response:
        def work(sent: Mapping[str, Any]) -> dict[str, Any]:
            return api.atrisk.resolve(self.course_key, self.user_id, int(number), **sent)

        return self.change(number, shapes.ResolveSerializer, work)


class Reopen(Change):
    """Open an ended case again."""

    audited = {"post": "case_reopened"}

    @described(request=shapes.SeenSerializer, responses=shapes.OneCaseSerializer)
    def post(self, request: Request, course_key: str, number: str) -> Response:
        def work(sent: Mapping[str, Any]) -> dict[str, Any]:
            return api.atrisk.reopen(self.course_key, self.user_id, int(number), sent["version"])

        return self.change(number, shapes.SeenSerializer, work)


class CourseView(CasesView):
    """A call about the course itself, for its own staff alone: who works on the cases of all sees cases."""

    permission_classes = (IsAuthenticated, IsCourseStaff)


class Settings(CourseView):
    """The course's limits and plan."""

    audited = {"get": "case_settings_seen", "put": "case_settings_changed"}

    @described(responses=shapes.SettingsSerializer)
    def get(self, request: Request, course_key: str) -> Response:
        return Response(api.atrisk.settings(self.course_key))

    @described(request=shapes.ChangeSettingsSerializer, responses=shapes.SettingsSerializer)
    def put(self, request: Request, course_key: str) -> Response:
        if not isinstance(request.data, Mapping):
            raise ValidationError({"": ["Settings are a JSON object."]})
        sent = dict(request.data.items())
        self.detail = {name: sent[name] for name in ("limits", "automatic") if name in sent}
        try:
            with answered():
                return Response(api.atrisk.change_settings(self.course_key, self.user_id, sent))
        except api.atrisk.Changed as error:
            return changed(error, settings=api.atrisk.settings(self.course_key))


class Worked(CourseView):
    """What became of learners with each kind of help, beside comparable ones without it."""

    audited = {"get": "worked_seen"}

    @described(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, course_key: str) -> Response:
        return Response(api.atrisk.worked(self.course_key))


class Fairness(CourseView):
    """Which groups of learners are flagged without need more often than others; small ones are hidden."""

    audited = {"get": "fairness_seen"}

    @described(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, course_key: str) -> Response:
        return Response(api.atrisk.fairness(self.course_key))


@method_decorator([never_cache, transaction.non_atomic_requests], name="dispatch")
class Everywhere(Plain, APIView):  # type: ignore[misc]
    """The cases of every course run whose staff the caller is, or of all for who works on those of all."""

    permission_classes = (IsAuthenticated, WorksOnCases)
    audited = "cases_seen"

    @described(
        operation_id="cases_everywhere",
        parameters=[*shapes.QUERY, shapes.COURSES],
        responses=shapes.EverywhereSerializer,
    )
    def get(self, request: Request) -> Response:
        query = self.query(request)
        with answered():
            told = api.atrisk.cases_everywhere(self.scope(request), query)
        self.record(request, {each["course"] for each in told["cases"]}, query)
        return Response(told)

    def query(self, request: Request) -> dict[str, str]:
        """What is asked of the cases in the scope."""
        return {name: value for name, value in asked(request).items() if name != "course"}

    def scope(self, request: Request) -> Any:
        """What the caller may see, or what they name of it."""
        keys = [course_key_of(text) for text in request.query_params.getlist("course")]
        return api.atrisk.everywhere(request.user.pk, keys)

    def record(self, request: Request, courses: set[str], query: Mapping[str, str]) -> None:
        """Write down in each course whose learners were shown that they were."""
        keys = [course_key_of(course) for course in sorted(courses)]
        api.communicator.record_everywhere(keys, request.user.pk, self.audited, query=listed(query))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Write down who was refused."""
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code >= status.HTTP_400_BAD_REQUEST and request.user.is_authenticated:
            api.communicator.record_refusal(None, request.user.pk, self.audited, answer.status_code)
        return answer


class TableEverywhere(Everywhere):
    """The same as CSV, all pages at once."""

    audited = "cases_exported"

    @described(
        operation_id="cases_everywhere_table",
        parameters=[*shapes.TABLE_QUERY, shapes.COURSES],
        responses=CSV,
    )
    def get(self, request: Request) -> HttpResponse:
        query = self.query(request)
        with answered():
            text, keys = api.atrisk.table_everywhere(self.scope(request), query)
        self.record(request, set(map(str, keys)), query)
        return table(text)


urlpatterns = [
    path("cases", Everywhere.as_view(), name="cases-everywhere"),
    path("cases.csv", TableEverywhere.as_view(), name="cases-everywhere-table"),
    of_course(r"cases/?$", Cases, "cases"),
    of_course(r"cases\.csv$", CasesTable, "cases-table"),
    of_course(r"cases/settings/?$", Settings, "case-settings"),
    of_course(r"cases/worked/?$", Worked, "cases-worked"),
    of_course(r"cases/fairness/?$", Fairness, "cases-fairness"),
    of_course(rf"cases/{NUMBER}/?$", OneCase, "case"),
    of_course(rf"cases/{NUMBER}/notes/?$", Notes, "case-notes"),
    of_course(rf"cases/{NUMBER}/assign/?$", Assign, "case-assign"),
    of_course(rf"cases/{NUMBER}/resolve/?$", Resolve, "case-resolve"),
    of_course(rf"cases/{NUMBER}/reopen/?$", Reopen, "case-reopen"),
]
