"""Letters: what staff write, checked and cut into the pieces that `filling` makes the mail of one learner of.

Pure.  The author's rich text is sanitised once.

Placeholders: `[:firstname:]`, `[:fullname:]`, `[:course:]`, the days `[:start:]` and `[:end:]` of the course,
what is `[:due:]` next, and in the body `[:link:<place>|<words>:]`, where the place is a usage key of the
course or one of its pages (see places.py), and `[:next_steps:]`, a list of links of the learner's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape, unescape
from html.parser import HTMLParser
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .filling import FIELDS, STEPS, Composed, Link, Piece, Slot, Steps
from .markup import CONTROL, is_address, one_line, sanitise

SUBJECT = 200
BODY = 50_000
LINKS = 10
WORDS = 200
_PLACEHOLDER = re.compile(r"\[:(?P<inside>[^\[\]]*?):\]")
_OPEN = re.compile(r"\[:|:\]")
_BLOCKS = {"p", "h2", "h3", "blockquote", "pre", "ul", "ol", "li", "hr"}


Places = Callable[[str], str]
"""The address of a usage key or a page of the course.  Raises ValueError, saying why, where there is none."""


def compose(subject: str, body: str, places: Places, links: Iterable[Mapping[str, str]] = ()) -> Composed:
    """Check and cut a letter.  `links`: the places attached to it, as {"label", "url"}."""
    head, problems = _subject(subject)
    cut = _Cut(places)
    if len(body) > BODY:
        problems.append(_("The message is too long: use at most %(count)d characters.") % {"count": BODY})
    else:
        cut.feed(sanitise(body))
        cut.close()
        problems += cut.problems
        if not any(piece.strip() if isinstance(piece, str) else True for piece in cut.text):
            problems.append(_("Write the message."))
    html, text, more = _attached(list(links), places)
    problems += more
    return Composed(
        tuple(head),
        _standing(_joined([*cut.html, *html])),
        _joined([*cut.text, *text]),
        tuple(dict.fromkeys(problems)),
    )


def header_problems(name: str, value: str) -> list[str]:
    """What keeps a value out of a header of the mail."""
    if CONTROL.search(value):
        return [_("%(name)s must be a single line without control characters.") % {"name": name}]
    return []


def _subject(subject: str) -> tuple[list[Piece], list[str]]:
    problems = header_problems(_("The subject"), subject)
    if not subject.strip():
        problems.append(_("Write a subject."))
    if len(subject) > SUBJECT:
        text = _("The subject is too long: use at most %(count)d characters.")
        problems.append(text % {"count": SUBJECT})
    pieces: list[Piece] = []
    for found in _split(subject, problems):
        if isinstance(found, str):
            pieces.append(found)
        elif found.inside in FIELDS:
            pieces.append(Slot(found.inside))
        elif found.inside.startswith("link:"):
            problems.append(_("A link cannot stand in the subject; put it into the message."))
        elif found.inside == STEPS:
            problems.append(_("The next steps cannot stand in the subject; put them into the message."))
        else:
            problems.append(_unknown(found.inside))
    return pieces, problems


class _Found(NamedTuple):
    """What stands between `[:` and `:]`."""

    inside: str


def _split(text: str, problems: list[str]) -> list[str | _Found]:
    """Plain stretches and placeholders in turn; a bracket left over is a problem."""
    found: list[str | _Found] = []
    at = 0
    for match in _PLACEHOLDER.finditer(text):
        found += [text[at : match.start()], _Found(match["inside"].strip())]
        at = match.end()
    found.append(text[at:])
    for stretch in found:
        if isinstance(stretch, str) and _OPEN.search(stretch):
            problems.append(_("A placeholder is not finished: write it as [:firstname:], in one format."))
    return [each for each in found if each != ""]


def _unknown(name: str) -> str:
    known = ", ".join(f"[:{each}:]" for each in (*FIELDS, STEPS))
    text = _("There is no placeholder [:%(name)s:]. Use %(known)s or [:link:place|words:].")
    return text % {"name": name[:40], "known": known}


class _Cut(HTMLParser):
    """Cuts sanitised HTML into pieces, and into those of the plain text beside it."""

    def __init__(self, places: Places) -> None:
        super().__init__(convert_charrefs=False)
        self.html: list[Piece] = []
        self.text: list[Piece] = []
        self.problems: list[str] = []
        self._places = places
        self._kept = ""  # a stretch of text, as HTML, which a character reference may have cut in two
        self._address: str | None = None
        self._numbers: list[int] = []  # of the lists under way; 0: bullets
        self._pre = 0

    def handle_data(self, data: str) -> None:
        self._kept += data

    def handle_entityref(self, name: str) -> None:
        self._kept += f"&{name};"

    def handle_charref(self, name: str) -> None:
        self._kept += f"&#{name};"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._flush()
        if tag == "a":
            self._open_link(dict(attrs).get("href") or "")
            return
        self.html.append(f"<{tag}>")
        self._pre += tag == "pre"
        if tag in ("ul", "ol"):
            self._numbers.append(int(tag == "ol"))
        if tag in _BLOCKS:
            self._break()
        self.text.append(
            {"br": "\n", "hr": "----\n", "li": self._bullet() if tag == "li" else ""}.get(tag, "")
        )

    def handle_endtag(self, tag: str) -> None:
        self._flush()
        if tag == "a":
            self._close_link()
            return
        self.html.append(f"</{tag}>")
        self._pre -= tag == "pre"
        if tag in ("ul", "ol") and self._numbers:
            self._numbers.pop()
        if tag in _BLOCKS:
            self.text.append("\n" if tag == "li" else "\n\n")

    def close(self) -> None:
        super().close()
        self._flush()

    def _bullet(self) -> str:
        if not self._numbers or not self._numbers[-1]:
            return "- "
        self._numbers[-1] += 1
        return f"{self._numbers[-1] - 1}. "

    def _spaced(self, text: str) -> str:
        """Text as a browser shows it: a stretch of white space is one space, and none begins a line."""
        plain = re.sub(r"[ \t\r\n\f]+", " ", text)
        return plain.lstrip(" ") if self._begins_line() else plain

    def _begins_line(self) -> bool:
        last = next((piece for piece in reversed(self.text) if piece != ""), "\n")
        return isinstance(last, str) and last.endswith("\n")

    def _break(self) -> None:
        if not self._begins_line():
            self.text.append("\n")

    def _open_link(self, url: str) -> None:
        if _OPEN.search(url):
            self.problems.append(_("A placeholder works in the text of a link, not in its address."))
        elif not is_address(url):
            text = _(
                "The link to “%(url)s” is not complete: begin it with https://, or use [:link:place|words:]."
            )
            self.problems.append(text % {"url": url[:80]})
        self._address = url
        self.html += ['<a href="', Link(url), '">']

    def _close_link(self) -> None:
        self.html.append("</a>")
        if self._address is not None:
            said = self.text[-1] if self.text else ""
            if not (isinstance(said, str) and said.strip() == self._address):
                self.text += [" (", Link(self._address), ")"]
        self._address = None

    def _flush(self) -> None:
        """Take in the stretch of text that has just ended."""
        kept, self._kept = self._kept, ""
        for found in _split(kept, self.problems):
            if isinstance(found, str):
                self.html.append(found)
                self.text.append(unescape(found) if self._pre else self._spaced(unescape(found)))
            elif unescape(found.inside) in FIELDS:
                self.html.append(Slot(found.inside))
                self.text.append(Slot(found.inside))
            elif found.inside == STEPS:
                self._steps()
            elif found.inside.startswith("link:"):
                self._place(found.inside.removeprefix("link:"))
            else:
                self.problems.append(_unknown(unescape(found.inside)))

    def _steps(self) -> None:
        if self._address is not None:
            self.problems.append(_("The next steps cannot stand inside a link: each is one itself."))
            return
        self._break()
        self.html.append(Steps())
        self.text += [Steps(), "\n"]

    def _place(self, inside: str) -> None:
        place, _bar, words = (part.strip() for part in inside.partition("|"))
        if not words:
            self.problems.append(_("Say what a link is to read: [:link:place|words:]."))
            return
        if self._address is not None:
            self.problems.append(_("A [:link:…:] cannot stand inside another link."))
            return
        try:
            address = self._places(unescape(place))
        except ValueError as error:
            self.problems.append(str(error))
            return
        self.html += ['<a href="', Link(address), '">', words, "</a>"]
        self.text += [unescape(words), " (", Link(address), ")"]


def _attached(
    links: Sequence[Mapping[str, str]], places: Places
) -> tuple[list[Piece], list[Piece], list[str]]:
    """The places attached to a letter, as a list below it."""
    if not links:
        return [], [], []
    problems = []
    if len(links) > LINKS:
        most = ngettext("Attach at most %(count)d link.", "Attach at most %(count)d links.", LINKS)
        problems.append(most % {"count": LINKS})
    html: list[Piece] = ["<ul>"]
    text: list[Piece] = ["\n"]
    for link in links[:LINKS]:
        label = one_line(str(link.get("label") or ""))[:WORDS]
        try:
            if not label:
                raise ValueError(_("Say what an attached link is to read."))
            address = places(str(link.get("url") or ""))
        except ValueError as error:
            problems.append(str(error))
            continue
        html += ['<li><a href="', Link(address), '">', escape(label), "</a></li>"]
        text += ["- ", label, " (", Link(address), ")\n"]
    return [*html, "</ul>"], text, problems


def _joined(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbouring strings as one; three blank lines or more in a row as one."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return tuple(re.sub(r"\n{3,}", "\n\n", piece) if isinstance(piece, str) else piece for piece in joined)


def _standing(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same, a list in place of each paragraph that is nothing but the next steps."""
    found = list(pieces)
    for at, piece in enumerate(found):
        if not isinstance(piece, Steps) or not 0 < at < len(found) - 1:
            continue
        before, after = found[at - 1], found[at + 1]
        if isinstance(before, str) and isinstance(after, str):
            opened, closes = before.rstrip(), after.lstrip()
            if opened.endswith("<p>") and closes.startswith("</p>"):
                alone = Steps(alone=True)
                found[at - 1 : at + 2] = [opened.removesuffix("<p>"), alone, closes.removeprefix("</p>")]
    return tuple(found)
