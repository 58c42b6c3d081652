"""REST v1 of letters: what a course's staff write to the learners they chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied, Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from nudge_xblock import api
from nudge_xblock.compat import platform

from .course import of_course
from .errors import Refused, changed
from .permissions import course_key_of
from .plain import described
from .staff import StaffView

TAKEN = "letter_taken"
"""What a copy is called in the audit of the course that it was copied from."""
NUMBER = r"(?P<number>[0-9]{1,18})"


class LinkSerializer(serializers.Serializer):  # type: ignore[misc]
    """A place in the course attached to a letter."""

    label = serializers.CharField()
    url = serializers.CharField(help_text="A usage key, a page of the course, or a web address.")


class DraftSerializer(serializers.Serializer):  # type: ignore[misc]
    """What a letter says, to whom, and when; what is left out stays as it is."""

    subject = serializers.CharField(required=False)
    body = serializers.CharField(required=False, help_text="Rich text as HTML, sanitised when stored.")
    links = LinkSerializer(many=True, required=False)
    sender = serializers.CharField(required=False)
    reply_to = serializers.CharField(required=False)
    selection = serializers.CharField(required=False, help_text="The query of a selection, or everyone=1.")
    channel = serializers.ChoiceField(["mail", "nudge", "nudge_then_mail"], required=False)
    wait_days = serializers.IntegerField(required=False)
    at = serializers.DateTimeField(required=False, allow_null=True)
    automatic_until = serializers.DateField(required=False, allow_null=True)


class LetterSerializer(DraftSerializer):
    """A letter and what became of it."""

    id = serializers.IntegerField()
    author = serializers.CharField(
        help_text="User name of the member of staff who wrote it; empty once retired."
    )
    state = serializers.CharField()
    words = serializers.CharField(help_text="The state in words.")
    matched = serializers.IntegerField(allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    tracking = serializers.BooleanField(help_text="Whether opens and clicks are counted on this site.")
    created = serializers.DateTimeField()
    updated = serializers.DateTimeField(help_text="When the draft was changed last.")
    confirmed = serializers.DateTimeField(allow_null=True)
    finished = serializers.DateTimeField(allow_null=True)
    reused_from = serializers.IntegerField(allow_null=True)
    resend = serializers.BooleanField()


class ChangeSerializer(DraftSerializer):
    """What changes in a draft."""

    seen = serializers.CharField(
        required=False, help_text="`updated` as it was told; refused where the draft was changed since."
    )


class PreviewedSerializer(DraftSerializer):
    """A letter as it is being written, and what of its preview is wanted."""

    id = serializers.IntegerField(required=False, help_text="The draft's, where it is stored already.")
    example = serializers.CharField(required=False, help_text="The pseudonym to show it for.")
    count = serializers.BooleanField(
        default=True, help_text="False: only the words changed; nobody is counted, and counts are null."
    )


class AudienceSerializer(serializers.Serializer):  # type: ignore[misc]
    """How many of the selected a channel reaches."""

    mail = serializers.IntegerField()
    nudge = serializers.IntegerField()


class PreviewSerializer(serializers.Serializer):  # type: ignore[misc]
    """The mail as an example of the selected gets it."""

    subject = serializers.CharField()
    html = serializers.CharField()
    text = serializers.CharField()
    example = serializers.CharField(help_text="The example's pseudonym; empty where nobody is selected.")
    examples = serializers.ListField(child=serializers.CharField(), allow_null=True)
    matched = serializers.IntegerField(allow_null=True)
    reachable = serializers.IntegerField(allow_null=True, help_text="By mail.")
    audience = AudienceSerializer(allow_null=True)
    digest = serializers.CharField(
        allow_null=True, help_text="Of who matches; to be given when the letter is sent."
    )
    problems = serializers.ListField(child=serializers.CharField())


class ConfirmSerializer(serializers.Serializer):  # type: ignore[misc]
    """How many matches the person saw, and the preview's digest of them."""

    expected = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    digest = serializers.CharField(required=False, allow_null=True, max_length=64)


class DeliverySerializer(serializers.Serializer):  # type: ignore[misc]
    """What became of a letter for one learner."""

    learner = serializers.CharField(help_text="The pseudonym.")
    state = serializers.CharField()
    words = serializers.CharField()
    reason = serializers.CharField()
    because = serializers.CharField(help_text="The reason in words.")
    why = serializers.DictField(help_text="The figures by which the selection held them.")
    sent_at = serializers.DateTimeField(allow_null=True)
    seen = serializers.BooleanField()
    opened = serializers.BooleanField()
    clicked = serializers.BooleanField()


class DeliveriesSerializer(serializers.Serializer):  # type: ignore[misc]
    """A page of them."""

    deliveries = DeliverySerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="What `after` is for the next page.")


@contextmanager
def answered() -> Iterator[None]:
    """Answer what staff cannot do with the status that says so, and its words."""
    door = api.communicator
    try:
        yield
    except door.Invalid as error:
        raise ValidationError({name: [text] for name, text in error.problems.items()}) from error
    except door.Unreadable as error:
        raise ValidationError({"selection": [str(error)]}) from error
    except door.Missing as error:
        raise NotFound(str(error)) from error
    except door.NotReady as error:
        raise ValidationError({"letter": [str(error)]}) from error
    except door.TooMany as error:
        raise Throttled(detail=str(error)) from error
    except door.Overtaken as error:
        raise Refused(str(error), code="overtaken") from error
    except (door.NotOpen, door.NotPossible) as error:
        raise Refused(str(error)) from error


def fields(request: Request) -> dict[str, Any]:
    """The body, which must be a JSON object."""
    if not isinstance(request.data, Mapping):
        raise ValidationError({"": ["A letter is a JSON object."]})
    return dict(request.data.items())


def table(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


class Senders(StaffView):
    """The verified addresses that this course's letters may come from, or answers go to."""

    audited = {"get": "senders_seen"}

    @described(
        parameters=[OpenApiParameter("for", str, enum=["sender", "reply_to"])],
        responses={200: {"type": "array", "items": {"type": "string"}}},
    )
    def get(self, request: Request, course_key: str) -> Response:
        answers = request.query_params.get("for") == "reply_to"
        return Response(api.communicator.senders(self.course_key, request.user.pk, answers))


class Letters(StaffView):
    """The course's letters; a new draft."""

    audited = {"get": "letters_seen", "post": "letter_drafted"}

    @described(responses=LetterSerializer(many=True))
    def get(self, request: Request, course_key: str) -> Response:
        return Response(api.communicator.letters(self.course_key))

    @described(request=DraftSerializer, responses={201: LetterSerializer})
    def post(self, request: Request, course_key: str) -> Response:
        with answered():
            row = api.communicator.draft(self.course_key, request.user.pk, fields(request))
        self.letter_id = row["id"]
        return Response(row, status=status.HTTP_201_CREATED)


class CopySerializer(serializers.Serializer):  # type: ignore[misc]
    """Which letter to copy."""

    letter = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    course = serializers.CharField(required=False, help_text="An earlier run, whose staff the caller is too.")
    resend = serializers.BooleanField(required=False, default=False)


class Copy(StaffView):
    """A new draft from an earlier letter, of this run or of another that the caller is staff of."""

    audited = {"post": "letter_copied"}

    @described(request=CopySerializer, responses={201: LetterSerializer})
    def post(self, request: Request, course_key: str) -> Response:
        asked = CopySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        told = asked.validated_data
        source = course_key_of(told["course"]) if told.get("course") else None
        if source is not None and not platform().is_course_staff(request.user.pk, source):
            api.communicator.record_refusal(source, request.user.pk, TAKEN, status.HTTP_403_FORBIDDEN)
            raise PermissionDenied("Only staff of the other course too may copy its messages.")
        self.detail = {"from": told["letter"], "resend": told["resend"]}
        with answered():
            row = api.communicator.copy_letter(
                self.course_key, request.user.pk, told["letter"], source, told["resend"]
            )
        if source not in (None, self.course_key):
            self.detail["course"] = str(source)
            api.communicator.record(source, request.user.pk, TAKEN, told["letter"], to=str(self.course_key))
        self.letter_id = row["id"]
        return Response(row, status=status.HTTP_201_CREATED)


class OneLetter(StaffView):
    """One letter; a draft can be changed and thrown away."""

    audited = {"get": "letter_seen", "patch": "letter_changed", "delete": "letter_deleted"}

    @described(responses=LetterSerializer)
    def get(self, request: Request, course_key: str, number: str) -> Response:
        with answered():
            row = api.communicator.letter(self.course_key, int(number))
        self.letter_id = row["id"]
        return Response(row)

    @described(request=ChangeSerializer, responses=LetterSerializer)
    def patch(self, request: Request, course_key: str, number: str) -> Response:
        changes = fields(request)
        seen = changes.pop("seen", None)
        if not isinstance(seen, str | None):
            raise ValidationError({"seen": ["This is the letter's `updated`, as it was told."]})
        with answered():
            row = api.communicator.change_letter(self.course_key, request.user.pk, int(number), changes, seen)
        self.letter_id = row["id"]
        self.detail = {"fields": [name for name in DraftSerializer().fields if name in request.data]}
        return Response(row)

    @described(responses={204: OpenApiResponse(description="It is gone.")})
    def delete(self, request: Request, course_key: str, number: str) -> Response:
        self.detail = {"letter": int(number)}
        with answered():
            api.communicator.delete_letter(self.course_key, int(number))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Preview(StaffView):
    """The mail as a pseudonymous example gets it, and whom it would go to."""

    audited = {"post": "letter_previewed"}

    @described(request=PreviewedSerializer, responses=PreviewSerializer)
    def post(self, request: Request, course_key: str) -> Response:
        with answered():
            told = api.communicator.preview(self.course_key, request.user.pk, fields(request))
        if told["matched"] is not None:
            self.detail = {"matched": told["matched"], "reachable": told["reachable"]}
        return Response(told)


class Test(StaffView):
    """The letter as a mail to the caller's own address."""

    audited = {"post": "letter_tested"}

    @described(request=DraftSerializer, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request, course_key: str) -> Response:
        with answered():
            address = api.communicator.test_letter(self.course_key, request.user.pk, fields(request))
        return Response({"sent_to": address})


class Send(StaffView):
    """Confirm a draft: it goes out now, at its time, or to new matches each day."""

    audited = {"post": "letter_sent"}

    @described(request=ConfirmSerializer, responses=LetterSerializer)
    def post(self, request: Request, course_key: str, number: str) -> Response:
        asked = ConfirmSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        seen = asked.validated_data
        try:
            with answered():
                row = api.communicator.send_letter(
                    self.course_key, request.user.pk, int(number), seen.get("expected"), seen.get("digest")
                )
        except api.communicator.Changed as error:
            return changed(error, matched=error.matched, reachable=error.reachable)
        self.letter_id = row["id"]
        self.detail = {"matched": row["matched"], "selection": row["selection"], "channel": row["channel"]}
        return Response(row)


class Stop(StaffView):
    """Let nothing more of a letter go out; what was sent stays."""

    audited = {"post": "letter_stopped"}

    @described(request=None, responses=LetterSerializer)
    def post(self, request: Request, course_key: str, number: str) -> Response:
        with answered():
            row = api.communicator.stop_letter(self.course_key, int(number))
        self.letter_id, self.detail = row["id"], {"sent": row["counts"]["sent"]}
        return Response(row)


class Deliveries(StaffView):
    """Under pseudonyms: to whom a letter went, why they matched, and what became of it."""

    audited = {"get": "deliveries_seen"}

    @described(parameters=[OpenApiParameter("after", int)], responses=DeliveriesSerializer)
    def get(self, request: Request, course_key: str, number: str) -> Response:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= 18):
            raise ValidationError({"after": ["This is the number that the page before gave as next."]})
        with answered():
            told = api.communicator.deliveries(self.course_key, int(number), int(after))
        self.letter_id = int(number)
        return Response(told)


class LettersTable(StaffView):
    """The letters as CSV."""

    audited = {"get": "letters_exported"}

    @described(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, course_key: str) -> HttpResponse:
        return table(api.communicator.letters_table(self.course_key), "letters.csv")


class DeliveriesTable(StaffView):
    """To whom a letter went, as CSV under pseudonyms."""

    audited = {"get": "deliveries_exported"}

    @described(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, course_key: str, number: str) -> HttpResponse:
        with answered():
            text = api.communicator.deliveries_table(self.course_key, int(number))
        self.letter_id = int(number)
        return table(text, f"letter-{int(number)}.csv")


urlpatterns = [
    of_course(r"senders/?$", Senders, "senders"),
    of_course(r"letters/preview/?$", Preview, "letter-preview"),
    of_course(r"letters/test/?$", Test, "letter-test"),
    of_course(r"letters/copy/?$", Copy, "letter-copy"),
    of_course(r"letters\.csv$", LettersTable, "letters-table"),
    of_course(r"letters/?$", Letters, "letters"),
    of_course(rf"letters/{NUMBER}/send/?$", Send, "letter-send"),
    of_course(rf"letters/{NUMBER}/stop/?$", Stop, "letter-stop"),
    of_course(rf"letters/{NUMBER}/deliveries/?$", Deliveries, "deliveries"),
    of_course(rf"letters/{NUMBER}/deliveries\.csv$", DeliveriesTable, "deliveries-table"),
    of_course(rf"letters/{NUMBER}/?$", OneLetter, "letter"),
]
