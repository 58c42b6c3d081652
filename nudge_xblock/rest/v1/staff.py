"""The base of every call that staff make about a course's learners: allowed to them alone, and audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from opaque_keys.edx.keys import CourseKey
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nudge_xblock import api

from .permissions import IsAuthenticated, IsCourseStaff, course_key_of
from .plain import Plain


# What was refused is written down too, which the request's own transaction would take back.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class StaffView(Plain, APIView):  # type: ignore[misc]
    """A call about one course run.  Subclasses name in `audited` what each method is called in the audit.

    A method adds to `self.detail` what the audit shall tell beside that: counts and queries, nobody's name.
    """

    permission_classes = (IsAuthenticated, IsCourseStaff)
    audited: ClassVar[Mapping[str, str]]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.detail: dict[str, Any] = {}
        self.letter_id: int | None = None

    @property
    def course_key(self) -> CourseKey:
        """The course run that the call is about."""
        return course_key_of(self.kwargs["course_key"])

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Write down who called what, and with which result."""
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        try:
            user, course_key = request.user, self.course_key
        except APIException:  # nobody we know, or no course that there could be
            return answer
        if user.is_authenticated:
            self._record(request, course_key, answer.status_code)
        return answer

    def _record(self, request: Request, course_key: CourseKey, status: int) -> None:
        method = "get" if request.method == "HEAD" else request.method.lower()
        what = self.audited.get(method, "")
        if status >= 400:
            api.communicator.record_refusal(course_key, request.user.pk, what or method, status)
        elif what:
            api.communicator.record(course_key, request.user.pk, what, self.letter_id, **self.detail)
