"""Signed tokens in mails: who may be unsubscribed, which mail was opened, where a link leads.

A token holds no name, no address and no user id, never expires, and cannot be made without the site's key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

SIGNATURE = 16  # bytes; 128 bits cannot be guessed
UNSUBSCRIBE, OPEN, CLICK = "unsubscribe", "open", "click"


class Forged(ValueError):
    """A token that was not made here, or not for this."""


class Subscriber(NamedTuple):
    """Whom a mail went to: the learner's row, the keyed hash of the address, and the course run."""

    learner: int
    address: str
    course: str


def subscriber_token(subscriber: Subscriber) -> str:
    """The token of a mail's unsubscribe link."""
    return _made(UNSUBSCRIBE, f"{subscriber.learner} {subscriber.address} {subscriber.course}")


def subscriber(token: str) -> Subscriber:
    """Whom an unsubscribe link is about.  Raises Forged."""
    learner, address, course = _read(UNSUBSCRIBE, token).split(" ", 2)
    return Subscriber(int(learner), address, course)


def open_token(delivery: int) -> str:
    """The token of a mail's picture."""
    return _made(OPEN, str(delivery))


def opened(token: str) -> int:
    """Which delivery a picture belongs to.  Raises Forged."""
    return int(_read(OPEN, token))


def click_token(delivery: int, url: str) -> str:
    """The token of one link of a mail."""
    return _made(CLICK, f"{delivery} {url}")


def clicked(token: str) -> tuple[int, str]:
    """The delivery and the address a link leads to; only one that was signed.  Raises Forged."""
    delivery, url = _read(CLICK, token).split(" ", 1)
    return int(delivery), url


def digest(purpose: str, text: str) -> str:
    """A keyed hash, in 64 hex digits; the same text under another purpose has another."""
    return hashlib.blake2b(text.encode(), key=_key(purpose), digest_size=32).hexdigest()


def _key(purpose: str) -> bytes:
    return _derived(settings.NUDGE_MAIL_KEY or settings.SECRET_KEY, purpose)


@lru_cache(maxsize=16)
def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"nudge mail {purpose}".encode(), hashlib.sha256).digest()


def _made(purpose: str, content: str) -> str:
    plain = content.encode()
    signature = hmac.new(_key(purpose), plain, hashlib.sha256).digest()[:SIGNATURE]
    return base64.urlsafe_b64encode(signature + plain).rstrip(b"=").decode()


def _read(purpose: str, token: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise Forged("This link is damaged.") from None
    signature, plain = raw[:SIGNATURE], raw[SIGNATURE:]
    wanted = hmac.new(_key(purpose), plain, hashlib.sha256).digest()[:SIGNATURE]
    if len(signature) < SIGNATURE or not hmac.compare_digest(signature, wanted):
        raise Forged("This link is not one of ours, or it is damaged.")
    return plain.decode()
