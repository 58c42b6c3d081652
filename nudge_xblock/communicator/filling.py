"""A letter that was cut into pieces, and the mail of one learner that filling them in makes of it.

Pure.  Filling in is joining strings, in one pass, so that a learner whose name looks like markup, a
placeholder or a header changes nothing but that learner's own greeting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from django.utils.translation import gettext as _

from .markup import one_line

NAMES = ("firstname", "fullname")
DAYS = ("start", "end")
DUE, STEPS = "due", "next_steps"
OWN = (DUE, STEPS)
"""What is made of a learner's own progress."""
FIELDS = (*NAMES, "course", *DAYS, DUE)
_ADDRESS_LIKE = re.compile(r"://|www\.|@", re.IGNORECASE)
LONGEST_NAME = 100


class Slot(NamedTuple):
    """A place for one of FIELDS."""

    name: str


class Link(NamedTuple):
    """The address of a link, which may be replaced by one that counts clicks."""

    url: str


class Steps(NamedTuple):
    """A place for the learner's next steps; `alone`: it is a paragraph, so that a list may stand there."""

    name: str = STEPS
    alone: bool = False


class Step(NamedTuple):
    """One of a learner's next steps: what to do, as plain text, and where."""

    words: str
    url: str


Piece = str | Slot | Link | Steps


class Rendered(NamedTuple):
    """One learner's mail."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter ready to be filled in; usable only while `problems` is empty."""

    subject: tuple[Piece, ...]
    html: tuple[Piece, ...]
    text: tuple[Piece, ...]
    problems: tuple[str, ...]

    @property
    def fields(self) -> frozenset[str]:
        """Which of FIELDS it says, and whether STEPS."""
        said = (*self.subject, *self.html)
        return frozenset(piece.name for piece in said if isinstance(piece, Slot | Steps))

    @property
    def names(self) -> bool:
        """Whether it says a learner's name."""
        return not self.fields.isdisjoint(NAMES)

    @property
    def links(self) -> frozenset[str]:
        """The addresses that its links lead to."""
        return frozenset(piece.url for piece in self.html if isinstance(piece, Link))


def render(
    letter: Composed,
    fields: Mapping[str, str],
    wrap: Callable[[str], str] | None = None,
    steps: Sequence[Step] = (),
) -> Rendered:
    """The mail of the learner with these FIELDS and next steps; `wrap` replaces each address in the HTML.

    The plain text keeps the true addresses: whoever reads it sees where they lead.
    """
    plain = {name: one_line(fields.get(name, "")) for name in FIELDS}
    turned: Callable[[str], str] = wrap or (lambda url: url)
    return Rendered(
        "".join(piece if isinstance(piece, str) else plain[piece.name] for piece in letter.subject
                if not isinstance(piece, Link | Steps)),
        "".join(_in_html(piece, plain, turned, steps) for piece in letter.html),
        "".join(_in_text(piece, plain, steps) for piece in letter.text).strip() + "\n",
    )  # fmt: skip


def person(full: str, first: str = "") -> dict[str, str]:
    """How a learner of this name is addressed.

    A name that holds an address is not one to greet by: mail programs would make a link of it, and anyone may
    choose a name.
    """
    whole = one_line(full)
    if not whole or len(whole) > LONGEST_NAME or _ADDRESS_LIKE.search(whole + first):
        whole = first = ""
    given = one_line(first) or whole.partition(" ")[0]
    nobody = _("learner")
    return {"firstname": given or nobody, "fullname": whole or given or nobody}


def _in_html(
    piece: Piece, fields: Mapping[str, str], wrap: Callable[[str], str], steps: Sequence[Step]
) -> str:
    if isinstance(piece, Slot):
        return escape(fields[piece.name])
    if isinstance(piece, Steps):
        links = [f'<a href="{escape(wrap(url))}">{escape(one_line(words))}</a>' for words, url in steps]
        listed = "".join(f"<li>{link}</li>" for link in links)
        return f"<ul>{listed}</ul>" if piece.alone else "<br>".join(links)
    return escape(wrap(piece.url)) if isinstance(piece, Link) else piece


def _in_text(piece: Piece, fields: Mapping[str, str], steps: Sequence[Step]) -> str:
    if isinstance(piece, Slot):
        return fields[piece.name]
    if isinstance(piece, Steps):
        return "\n".join(f"- {one_line(words)} ({url})" for words, url in steps)
    return piece.url if isinstance(piece, Link) else piece
