"""Handing a mail over: to edx-ace where the site sends its own mail through it, else to Django's backend.

What became of a mail is told apart with care, because only a mail that certainly did not go out may be sent
again.  edx-ace's own `ace.send` reports a failure to the site's monitoring and returns as if nothing had been
wrong, so its steps (policies, channel, rendering, delivery) are taken here one by one.
"""

from __future__ import annotations

import logging
import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives, get_connection

from nudge_xblock.compat import platform

from .mails import NAME, Mail

LOG = logging.getLogger(__name__)


class Fate(Enum):
    """What a failure to hand over means."""

    DOWN = "down"  # nothing was handed over, and not because of this mail
    LATER = "later"  # refused for the moment
    NO_MAILBOX = "bounced"  # refused for good: the address does not exist
    REFUSED = "refused"  # refused for good, for another reason
    DECLINED = "declined"  # the platform's own rules forbid it
    UNKNOWN = "unknown"  # nobody knows whether it went out


class NotPosted(Exception):
    """A mail that was not handed over, or of which that is not known."""

    def __init__(self, fate: Fate, said: str) -> None:
        self.fate = fate
        super().__init__(said)


class Post(Protocol):
    """A way to hand mails over."""

    def send(self, mail: Mail) -> None:
        """Hand over one mail.  Raises NotPosted."""


@contextmanager
def post() -> Iterator[Post]:
    """The site's way.  Raises NotPosted (DOWN) when the mail server cannot be reached."""
    if platform().has_ace():
        yield AcePost()
        return
    django = DjangoPost()
    django.ready()
    try:
        yield django
    finally:
        django.close()


class DjangoPost:
    """Django's backend, one connection for all mails of a batch."""

    def __init__(self) -> None:
        self._connection: Any = get_connection(fail_silently=False)

    def ready(self) -> None:
        """See to it that the connection lives, so that its loss cannot be mistaken for the mail's.

        Raises NotPosted (DOWN).
        """
        live = getattr(self._connection, "connection", None)
        try:
            if live is not None and hasattr(live, "noop") and not _answers(live):
                self._connection.close()
            self._connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise NotPosted(Fate.DOWN, said(error)) from error

    def send(self, mail: Mail) -> None:
        message = _message(mail)
        self.ready()
        try:
            self._connection.send_messages([message])
        except Exception as error:
            raise NotPosted(fate(error), said(error)) from error

    def close(self) -> None:
        try:
            self._connection.close()
        except (OSError, smtplib.SMTPException):
            return  # what was handed over stays so


class AcePost:
    """edx-ace: the site's policies, its channel, and the templates under edx_ace/letter."""

    def send(self, mail: Mail) -> None:
        from edx_ace.errors import FatalChannelDeliveryError, RecoverableChannelDeliveryError

        _message(mail)
        message = self._message(mail)
        channel = self._channel(message)
        rendered = self._rendered(channel, message)
        try:
            channel.deliver(message, rendered)
        except RecoverableChannelDeliveryError as error:
            raise NotPosted(Fate.LATER, said(error)) from error
        except Exception as error:
            ours = isinstance(error, FatalChannelDeliveryError)
            cause = error.__cause__ if ours else error
            # A fatal error without a mail server's behind it: the channel did not even try.
            raise NotPosted(Fate.REFUSED if cause is None else fate(cause), said(cause or error)) from error
        self._tell(channel, message, mail.course)

    def _channel(self, message: Any) -> Any:
        """The site's channel for mail.  Raises NotPosted: nothing is handed over yet, whatever fails."""
        from edx_ace import policy
        from edx_ace.channel import ChannelType, get_channel_for_message
        from edx_ace.errors import UnsupportedChannelError

        try:
            message.report_basics()
            allowed = ChannelType.EMAIL in policy.channels_for(message)
            channel = get_channel_for_message(ChannelType.EMAIL, message) if allowed else None
        except UnsupportedChannelError as error:
            raise NotPosted(Fate.DOWN, said(error)) from error
        except Exception as error:
            raise NotPosted(Fate.LATER, said(error)) from error
        if channel is None:
            raise NotPosted(Fate.DECLINED, "The site's mail policies forbid it.")
        return channel

    def _rendered(self, channel: Any, message: Any) -> Any:
        from edx_ace import presentation

        try:
            return presentation.render(channel, message)
        except Exception as error:
            raise NotPosted(Fate.REFUSED, said(error)) from error

    def _tell(self, channel: Any, message: Any, course: str) -> None:
        """Tell the site that the mail went out; who fails to listen does not undo it."""
        from edx_ace.utils.signals import send_ace_message_sent_signal

        try:
            message.report("email_delivery_succeeded", True)
            # Whoever listens learns to which course the mail belonged, not what it said, which holds names.
            message.context = {"course_id": course}
            send_ace_message_sent_signal(channel, message)
        except Exception as error:
            LOG.error("A mail went out, but a receiver of edx-ace's signal failed: %s", said(error))

    def _message(self, mail: Mail) -> Any:
        from edx_ace.message import Message
        from edx_ace.recipient import Recipient

        return Message(
            app_label="nudge_xblock",
            name=NAME,
            recipient=Recipient(lms_user_id=mail.user_id, email_address=mail.to),
            language=mail.language,
            # `course_ids` is what the platform's own opt-out from course mail goes by.
            context={**mail.frame, "course_ids": [mail.course]},
            options={
                "from_address": mail.sender,
                "reply_to": [mail.reply_to] if mail.reply_to else None,
                # Not every channel carries headers, without which nobody could leave with one click.
                "override_default_channel": settings.NUDGE_MAIL_ACE_CHANNEL,
            },
            headers=dict(mail.headers),
        )


def _message(mail: Mail) -> EmailMultiAlternatives:
    """The mail as Django has it.  Raises NotPosted (REFUSED) for headers that cannot be."""
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=mail.sender,
        to=[mail.to],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=dict(mail.headers),
    )
    message.attach_alternative(mail.html, "text/html")
    try:
        message.message()
    except (BadHeaderError, UnicodeError, ValueError) as error:
        raise NotPosted(Fate.REFUSED, said(error)) from error
    return message


def _answers(live: Any) -> bool:
    try:
        return bool(live.noop()[0] == 250)
    except (OSError, smtplib.SMTPException):
        return False


def said(error: BaseException) -> str:
    """For the log: what kind of error, and a mail server's code, but not its words, which hold addresses."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()


def fate(error: BaseException) -> Fate:
    """What an exception of a mail server says of the mail."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()), (550, b""))
        return _refusal(code, said)
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return Fate.LATER if 400 <= error.smtp_code < 500 else Fate.REFUSED
    at_the_door = (
        smtplib.SMTPConnectError,
        smtplib.SMTPHeloError,
        smtplib.SMTPAuthenticationError,
        ConnectionRefusedError,
        socket.gaierror,
    )
    if isinstance(error, at_the_door):
        return Fate.DOWN
    before = (BadHeaderError, UnicodeError, smtplib.SMTPNotSupportedError)
    return Fate.REFUSED if isinstance(error, before) else Fate.UNKNOWN


def _refusal(code: int, said: bytes | str) -> Fate:
    """RFC 5321 and RFC 3463: 5.1.x and 5.2.1 are about the mailbox, other refusals about the mail or us."""
    if 400 <= code < 500:
        return Fate.LATER
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    enhanced = re.match(r"\s*5\.(\d{1,3})\.(\d{1,3})", words)
    if enhanced:
        subject, detail = int(enhanced[1]), int(enhanced[2])
        return Fate.NO_MAILBOX if subject == 1 or (subject, detail) == (2, 1) else Fate.REFUSED
    return Fate.NO_MAILBOX if code in (550, 551, 553) else Fate.REFUSED
