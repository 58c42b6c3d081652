"""Handing over: what each answer of a mail server means, by Django's own mail and by the real edx-ace."""

from __future__ import annotations

import gc
import smtplib
import socket
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.mail import BadHeaderError
from django.test import modify_settings, override_settings
from edx_ace import channel as ace_channel
from edx_ace import policy as ace_policy
from edx_ace import presentation
from edx_ace.channel import ChannelType
from edx_ace.policy import Policy, PolicyResult
from edx_ace.signals import ACE_MESSAGE_SENT

from nudge_xblock.communicator import posting
from nudge_xblock.communicator.posting import AcePost, DjangoPost, Fate, NotPosted, fate
from nudge_xblock.compat import platform
from nudge_xblock.models import Learner

from ..moments import COURSE
from . import post_office
from .conftest import SENDER, answered, send, written
from .learners import learner
from .post_office import PostOffice, parts

pytestmark = [pytest.mark.django_db(transaction=True)]


def refused(code: int, said: str) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused({"a@b.c": (code, said.encode())})


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (refused(550, "5.1.1 no such user"), Fate.NO_MAILBOX),
        (refused(550, "5.2.1 mailbox disabled"), Fate.NO_MAILBOX),
        (refused(550, "No such user here"), Fate.NO_MAILBOX),
        (refused(553, "sorry"), Fate.NO_MAILBOX),
        (refused(550, "5.7.1 you are blocked"), Fate.REFUSED),
        (refused(552, "5.2.2 mailbox full"), Fate.REFUSED),
        (refused(554, "no"), Fate.REFUSED),
        (refused(450, "4.2.0 greylisted"), Fate.LATER),
        (refused(452, "4.2.2 mailbox full"), Fate.LATER),
        (smtplib.SMTPSenderRefused(451, b"later", "a@b.c"), Fate.LATER),
        (smtplib.SMTPSenderRefused(553, b"never", "a@b.c"), Fate.REFUSED),
        (smtplib.SMTPDataError(451, b"later"), Fate.LATER),
        (smtplib.SMTPDataError(554, b"spam"), Fate.REFUSED),
        (smtplib.SMTPConnectError(421, b"busy"), Fate.DOWN),
        (smtplib.SMTPAuthenticationError(535, b"who"), Fate.DOWN),
        (ConnectionRefusedError(), Fate.DOWN),
        (socket.gaierror(), Fate.DOWN),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), Fate.REFUSED),
        (BadHeaderError("newline"), Fate.REFUSED),
        (smtplib.SMTPServerDisconnected("gone"), Fate.UNKNOWN),
        (TimeoutError(), Fate.UNKNOWN),
        (ConnectionResetError(), Fate.UNKNOWN),
        (RuntimeError("?"), Fate.UNKNOWN),
    ],
)
def test_what_a_mail_server_says_is_told_apart(error: Exception, meaning: Fate) -> None:
    assert fate(error) is meaning


class DenyMail(Policy):  # type: ignore[misc]
    """A site's rule against this mail."""

    asked: list[Any] = []

    def check(self, message: Any) -> PolicyResult:
        self.asked.append(message)
        return PolicyResult(deny={ChannelType.EMAIL})


def forget_plugins() -> None:
    """Let edx-ace, which looks once per process, find its channels and policies anew."""
    for function in (ace_channel.channels, ace_policy.policies):
        function.__wrapped__.__dict__.pop("__once_result", None)


@pytest.fixture
def ace() -> Iterator[None]:
    """A site that sends its mail through edx-ace's own Django channel, as the platform is set up."""
    settings = {
        "ACE_ENABLED_CHANNELS": ["django_email"],
        "ACE_CHANNEL_DEFAULT_EMAIL": "django_email",
        "ACE_CHANNEL_TRANSACTIONAL_EMAIL": "django_email",
        "ACE_ENABLED_POLICIES": [],
    }
    with modify_settings(INSTALLED_APPS={"append": "edx_ace"}), override_settings(**settings):
        forget_plugins()
        yield
    forget_plugins()
    with warnings.catch_warnings():  # Django leaves a connection open that a mail server refused something on
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_without_edx_ace_mail_is_djangos(office: PostOffice) -> None:
    with posting.post() as post:
        assert isinstance(post, DjangoPost)


def test_through_edx_ace_a_mail_arrives_whole(office: PostOffice, ace: None) -> None:
    told: list[Any] = []

    def note(**signal: Any) -> None:
        told.append(signal["message"])

    ACE_MESSAGE_SENT.connect(note)
    learner(1)
    letter = written(**answered())
    with posting.post() as post:
        assert isinstance(post, AcePost)
    send(letter)
    ACE_MESSAGE_SENT.disconnect(note)
    assert letter.deliveries.get().state == "sent"
    mail = office.mails[0]
    text, html = parts(mail)
    assert mail["Subject"] == "Week 3, Zoë"
    assert mail["From"] == f'"{COURSE}" <{SENDER}>'
    assert mail["Reply-To"] == "teacher@example.org"
    assert mail["Message-ID"] == letter.deliveries.get().message_id
    link = mail["List-Unsubscribe"].strip(" <>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Dear Zoë, look again." in text
    assert link in text
    assert "<p>Dear Zoë, look again.</p>" in html
    assert link in html
    assert told[0]["name"] == "letter"
    assert told[0]["context"] == {"course_id": str(COURSE)}, "what listens is told nobody's name"


def test_the_platforms_own_opt_out_is_asked_by_edx_ace(office: PostOffice, ace: None) -> None:
    learner(1)
    letter = written()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ace_policy, "policies", lambda: [DenyMail()])
        send(letter)
    assert office.mails == []
    assert letter.deliveries.get().reason == "declined"
    message = DenyMail.asked[-1]
    assert message.context["course_ids"] == [str(COURSE)]
    assert message.recipient.lms_user_id == 1


@pytest.mark.parametrize(
    ("refuse", "refuse_mail", "state", "reason"),
    [
        ("550 5.1.1 unknown", "", "failed", "bounced"),
        ("451 4.7.1 later", "", "queued", "later"),
        ("", "554 5.7.1 spam", "failed", "refused"),
    ],
)
def test_edx_ace_hides_no_refusal(
    office: PostOffice, ace: None, refuse: str, refuse_mail: str, state: str, reason: str
) -> None:
    learner(1)
    if refuse:
        office.refuse["learner1@example.org"] = refuse
    if refuse_mail:
        office.refuse_mail["learner1@example.org"] = refuse_mail
    letter = written()
    send(letter)
    row = letter.deliveries.get()
    assert (row.state, row.reason) == (state, reason)
    assert office.mails == []


def test_edx_ace_without_a_mail_server_loses_nothing(office: PostOffice, ace: None) -> None:
    learner(1)
    letter = written()
    with override_settings(EMAIL_PORT=post_office.free_port()):
        send(letter)
    row = letter.deliveries.get()
    assert (row.state, row.reason) == ("queued", "down")


@pytest.mark.parametrize(
    ("name", "state", "reason"), [("channels_for", "queued", "later"), ("render", "failed", "refused")]
)
def test_what_edx_ace_fails_at_before_it_hands_over_certainly_did_not_go_out(
    office: PostOffice, ace: None, monkeypatch: pytest.MonkeyPatch, name: str, state: str, reason: str
) -> None:
    def failing(*arguments: Any) -> Any:
        raise RuntimeError("learner1@example.org")

    monkeypatch.setattr(ace_policy if name == "channels_for" else presentation, name, failing)
    learner(1)
    letter = written()
    send(letter)
    row = letter.deliveries.get()
    assert (row.state, row.reason) == (state, reason)
    assert Learner.objects.get().sends == [], "what did not go out spends no cap"
    assert office.mails == []


def test_a_mail_that_went_out_is_sent_although_who_listens_fails(
    office: PostOffice, ace: None, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(**signal: Any) -> None:
        raise RuntimeError("learner1@example.org is not known here")

    ACE_MESSAGE_SENT.connect(failing)
    learner(1)
    letter = written()
    send(letter)
    ACE_MESSAGE_SENT.disconnect(failing)
    assert letter.deliveries.get().state == "sent"
    assert office.received.total() == 1
    assert "RuntimeError" in caplog.text
    assert "learner1" not in caplog.text


def test_the_log_holds_no_words_of_a_mail_server(
    office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    learner(1)
    office.refuse["learner1@example.org"] = "451 4.7.1 learner1@example.org is greylisted"
    send(written())
    assert "was not sent" in caplog.text
    assert "learner1@example.org" not in caplog.text


def test_a_site_with_edx_ace_but_no_channel_sends_by_django(office: PostOffice) -> None:
    with modify_settings(INSTALLED_APPS={"append": "edx_ace"}):
        assert not platform().has_ace()


@pytest.mark.parametrize("settings", [{}, {"ace": True}])
@pytest.mark.parametrize("field", ["subject", "sender", "reply_to"])
def test_a_header_that_would_begin_another_never_reaches_a_mail_server(
    office: PostOffice, request: pytest.FixtureRequest, settings: dict[str, bool], field: str
) -> None:
    if settings:
        request.getfixturevalue("ace")
    learner(1)
    evil = "x\r\nBcc: victim@example.org" if field == "subject" else "a@b.org\r\nBcc: victim@example.org"
    letter = written(**{field: evil})
    send(letter)
    assert "victim@example.org" not in office.received
    assert not any("Bcc" in mail for mail in office.mails)


def test_not_posted_says_what_it_means() -> None:
    error = NotPosted(Fate.LATER, "busy")
    assert (error.fate, str(error)) == (Fate.LATER, "busy")
