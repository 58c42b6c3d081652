"""One learner's mail: the letter filled in, in its frame, with the headers that let them leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from nudge_xblock.addressees import Addressee
from nudge_xblock.atrisk import steps
from nudge_xblock.atrisk.steps import Next
from nudge_xblock.compat import CourseDates, platform

from . import filling, letters, senders, tokens
from .models import Channel, Letter
from .places import places
from .suppression import mark

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

NOWHERE = "#"
NAME = "letter"  # of its templates; see templates/nudge_xblock/edx_ace


@dataclass(frozen=True, slots=True)
class Mail:
    """Ready to be posted.  `frame`: what the templates of the site's own channel are filled in with."""

    to: str
    sender: str
    reply_to: str
    subject: str
    html: str
    text: str
    language: str
    user_id: int
    course: str
    headers: Mapping[str, str] = field(default_factory=dict)
    frame: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message_id(self) -> str:
        return self.headers.get("Message-ID", "")


def said_of(dates: CourseDates) -> dict[str, str]:
    """The days of a course in words, in the language of now; empty where there is none."""
    return {name: _day(getattr(dates, name)) for name in filling.DAYS}


def _day(at: datetime | None) -> str:
    return "" if at is None else formats.date_format(timezone.localtime(at), "DATE_FORMAT")


def _dated(composed: filling.Composed, dates: CourseDates) -> filling.Composed:
    """The letter, with what keeps it from being sent where it says a day that the course does not have."""
    missing = [name for name in filling.DAYS if name in composed.fields and getattr(dates, name) is None]
    text = _("This course has no such day, so [:%(name)s:] cannot be said.")
    return replace(composed, problems=(*composed.problems, *(text % {"name": name} for name in missing)))


class Writer:
    """Makes the mails of one letter; what is the same in all of them is made once."""

    def __init__(self, letter: Letter) -> None:
        host = platform()
        self.letter = letter
        self.course_key: CourseKey = letter.course_key
        self.dates = host.course_dates(letter.course_key)
        self.title = self.dates.title or str(letter.course_key)
        self.composed = _dated(
            letters.compose(letter.subject, letter.body, places(letter.course_key), letter.links), self.dates
        )
        self._postal = host.postal_address()
        self._root = host.root_url()
        self._sender = senders.header(letter.sender, self.title)
        # Looked at anew for each batch: weeks may lie between the writing and an automatic letter's mails.
        self._reply_to = senders.answer(letter)
        self._ahead: dict[int, Next] = {}

    @property
    def is_own(self) -> bool:
        """Whether the letter says anything of a learner's own progress."""
        return not self.composed.fields.isdisjoint(filling.OWN)

    def look_up(self, user_ids: Iterable[int], now: datetime) -> None:
        """Find out what these learners can do next, where the letter says so: once for a whole batch."""
        if self.is_own:
            self._ahead |= steps.ahead(self.course_key, user_ids, now)

    def mail(self, addressee: Addressee, user_id: int, learner: int, delivery: int | None) -> Mail:
        """The mail to this learner.  Without a delivery nothing is counted, as in a test to oneself."""
        language = addressee.language or settings.LANGUAGE_CODE
        with translation.override(language):
            filled = self.filled(filling.person(addressee.full, addressee.first), delivery, user_id)
            leave = self._address("unsubscribe", self._leave(addressee.email, learner))
            frame = self._frame(filled, leave, delivery)
            return Mail(
                to=addressee.email,
                sender=self._sender,
                reply_to=self._reply_to,
                subject=filled.subject,
                html=render_to_string("nudge_xblock/mail.html", frame),
                text=render_to_string("nudge_xblock/mail.txt", frame),
                language=language,
                user_id=user_id,
                course=str(self.course_key),
                headers=self._headers(leave, delivery),
                frame=frame,
            )

    def example(self, person: Mapping[str, str], user_id: int | None = None) -> filling.Rendered:
        """The mail as this person would get it, frame and all; its link to leave leads nowhere."""
        filled = self.filled(person, None, user_id)
        if self.letter.channel == Channel.NUDGE:
            return filled
        frame = self._frame(filled, NOWHERE, None)
        return filling.Rendered(
            filled.subject,
            render_to_string("nudge_xblock/mail_body.html", frame),
            render_to_string("nudge_xblock/mail.txt", frame),
        )

    def filled(
        self, person: Mapping[str, str], delivery: int | None = None, user_id: int | None = None
    ) -> filling.Rendered:
        """The letter with this person's names and next steps, and links that count clicks where the site
        allows it.

        Of whom nothing was looked up, nothing is due and the one step is to go on.
        """
        ahead = self._ahead.get(user_id or 0) or steps.nothing(self.course_key)
        fields = {**person, **said_of(self.dates), "course": self.title, "due": ahead.due_words}
        wrap = partial(self._counted, delivery) if settings.NUDGE_MAIL_TRACKING and delivery else None
        own = [filling.Step(step.words, step.url) for step in ahead.steps]
        return filling.render(self.composed, fields, wrap, own)

    def _counted(self, delivery: int, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            return url
        return self._address("click", tokens.click_token(delivery, url))

    def _leave(self, email: str, learner: int) -> str:
        return tokens.subscriber_token(tokens.Subscriber(learner, mark(email), str(self.course_key)))

    def _address(self, name: str, token: str) -> str:
        return self._root + reverse(f"nudge_xblock:{name}", args=[token])

    def _frame(self, filled: filling.Rendered, leave: str, delivery: int | None) -> dict[str, Any]:
        counted = settings.NUDGE_MAIL_TRACKING and delivery is not None
        return {
            "subject": filled.subject,
            "html": filled.html,
            "text": filled.text,
            "course": self.title,
            "from_name": self.title,
            "unsubscribe": leave,
            "postal": self._postal,
            "language": translation.get_language() or "",
            "bidi": translation.get_language_bidi(),
            "pixel": self._address("open", tokens.open_token(delivery)) if counted and delivery else "",
        }

    def _headers(self, leave: str, delivery: int | None) -> dict[str, str]:
        """RFC 8058: one click, and one POST, is enough to leave."""
        domain = self.letter.sender.rpartition("@")[2] or "localhost"
        headers = {
            "Message-ID": f"<nudge.{delivery or 'test'}.{uuid4().hex}@{domain}>",
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Precedence": "bulk",
        }
        return headers | ({"Auto-Submitted": "auto-generated"} if self.letter.automatic_until else {})
