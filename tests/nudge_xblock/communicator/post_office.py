"""A real SMTP server on this machine, which may be told to refuse or to break off."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from django.test import override_settings


class PostOffice:
    """Takes mails in; `refuse` and `refuse_mail` map an address to what RCPT or DATA is answered with."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, str]] = []
        self.refuse: dict[str, str] = {}
        self.refuse_mail: dict[str, str] = {}
        self.break_off: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        address = envelope.rcpt_tos[0]
        if address in self.refuse_mail:
            return self.refuse_mail[address]
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.envelopes += [(envelope.mail_from, each) for each in envelope.rcpt_tos]
        if address in self.break_off:
            server.transport.close()
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that this address was sent."""
        return [mail for mail, (_from, to) in zip(self.mails, self.envelopes, strict=True) if to == address]

    @property
    def received(self) -> Counter[str]:
        """Address to how many mails it was sent."""
        return Counter(to for _from, to in self.envelopes)


def parts(mail: EmailMessage) -> tuple[str, str]:
    """The plain text and the HTML of a mail."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


@contextmanager
def opened(**settings: Any) -> Iterator[PostOffice]:
    """A server of this test's own, and the settings that lead to it."""
    office = PostOffice()
    controller = Controller(office, hostname="127.0.0.1", port=free_port())
    controller.start()
    office.port = controller.port
    try:
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=controller.port,
            EMAIL_TIMEOUT=20,
            **settings,
        ):
            yield office
    finally:
        controller.stop(no_assert=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
