"""Rich text as mails may hold it: plain formatting and links, nothing that does or hides anything."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import nh3

TAGS = {
    "a", "b", "blockquote", "br", "code", "em", "h2", "h3", "hr", "i", "li", "ol", "p", "pre", "strong", "u",
    "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}
DROPPED_WITH_CONTENT = {
    "script",
    "style",
    "title",
    "textarea",
    "iframe",
    "noscript",
    "template",
    "svg",
    "math",
}
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def sanitise(html: str) -> str:
    """The author's rich text without anything but plain formatting and links."""
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=DROPPED_WITH_CONTENT,
        attributes={"a": {"href"}},
        url_schemes=SCHEMES,
        link_rel=None,
    )


def is_address(url: str) -> bool:
    """Whether a mail program can follow the link: http(s) with a host, or a mail address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if CONTROL.search(url) or " " in url:
        return False
    return bool(parts.netloc) if parts.scheme in ("http", "https") else parts.scheme == "mailto"


def one_line(text: str) -> str:
    """Text without line breaks and control characters, which could begin a header of their own."""
    return " ".join(CONTROL.sub(" ", text).split())


def plain(html: str) -> str:
    """A stretch of sanitised HTML as text."""
    return one_line(unescape(re.sub(r"<[^<>]*>", "", html)))
