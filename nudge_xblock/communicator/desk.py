"""What a course's staff do with letters: preview, try, send, stop, copy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.atrisk import succession
from nudge_xblock.compat import platform

from . import cards, claims, confirmed, drafts, launching, markup, picking, posting, senders
from .mails import Writer
from .models import Audit, Letter
from .picking import Chosen
from .places import carried
from .posting import NotPosted
from .trends import NAME, behind

State = Letter.State
TESTS_AN_HOUR = 20
TESTED = "letter_tested"


class Missing(ValueError):
    """There is no such letter in this course."""


class NotReady(ValueError):
    """What has to be mended before a letter can go out."""


class Changed(ValueError):
    """The selection does not hold the number of learners any more that the person saw."""

    def __init__(self, matched: int, reachable: int) -> None:
        self.matched, self.reachable = matched, reachable
        said = _("The selection holds %(count)d learners now. Look at it again, then send.")
        super().__init__(said % {"count": matched})


class TooMany(ValueError):
    """More test mails than anyone needs."""


class NotPossible(ValueError):
    """Something that the letter's state, or the mail server, does not allow now."""


def find(course_key: CourseKey, number: int) -> Letter:
    """A letter of this course alone.  Raises Missing."""
    letter = Letter.objects.filter(course_key=course_key, pk=number).select_related("reused_from").first()
    if letter is None:
        raise Missing(_("There is no message %(number)d in this course.") % {"number": number})
    return letter


def preview(course_key: CourseKey, user_id: int, fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The mail as an example of the selected will get it, under a pseudonym, and how many they are.

    `fields` may name the letter's `id` and the `example`.  With `count` false, as while only words change,
    nobody is counted and what would tell of them is null.  Raises drafts.Invalid.
    """
    letter = drafts.made(course_key, user_id, fields)
    number = fields.get("id")
    if isinstance(number, int):  # whom it has reached is known of what is stored
        stored = find(course_key, number)
        letter.pk, letter.resend, letter.reused_from = stored.pk, stored.resend, stored.reused_from
    found = None if fields.get("count") is False else picking.recipients(letter, now)
    examples = None if found is None else found.examples
    example = _example(fields.get("example"), examples)
    writer = Writer(letter)
    whose = _whose(course_key, example, found, now) if writer.is_own else None
    writer.look_up([] if whose is None else [whose], now)
    mail = writer.example(pseudonymous(example), whose)
    return {
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        "example": example,
        "examples": examples,
        "problems": problems(letter, writer, found, now),
        **counted(found),
    }


def counted(found: Chosen | None) -> dict[str, Any]:
    """How many are selected, how many of them each channel reaches, and a digest of who they are."""
    if found is None:
        return {"matched": None, "reachable": None, "audience": None, "digest": None}
    reachable = found.reachable
    return {
        "matched": len(found.rows),
        "reachable": reachable,
        "audience": {"mail": reachable, "nudge": found.shown},
        "digest": found.digest,
    }


def _example(asked: Any, examples: list[str] | None) -> str:
    """The pseudonym that was asked for where it can be one, else the first."""
    if isinstance(asked, str) and (asked in examples if examples is not None else NAME.fullmatch(asked)):
        return asked
    return examples[0] if examples else ""


def _whose(course_key: CourseKey, example: str, found: Chosen | None, now: datetime) -> int | None:
    """The user behind the example, for what is said of their own progress."""
    if found is None:
        return next(iter(behind(course_key, [example], now) if example else ()), None)
    return found.user_ids[found.examples.index(example)] if example in found.examples else None


def pseudonymous(example: str) -> dict[str, str]:
    """How the example is addressed: visibly nobody's name."""
    nobody = _("Learner")
    return {"firstname": nobody, "fullname": f"{nobody} {example[:6].upper()}".strip()}


def problems(letter: Letter, writer: Writer, found: Chosen | None, now: datetime) -> list[str]:
    """What has to be mended before the letter can go out, in words."""
    told = [*writer.composed.problems, *cards.problems(letter, writer.composed)]
    today = timezone.localdate(now)
    if letter.channel != "nudge":
        if letter.sender not in senders.senders(letter.course_key):
            told.append(_("Choose the address that the message comes from."))
        if letter.reply_to and not senders.answer(letter):
            told.append(_("Answers cannot go to this address any more; choose another."))
        if not platform().root_url():
            told.append(_("The site's address is not set, so nobody could unsubscribe; ask its operator."))
    if not letter.selection:
        told.append(_("Choose to whom the message goes."))
    elif (
        found is not None
        and not found.rows
        and letter.automatic_until is None
        and (letter.at is None or letter.at <= now)
    ):
        told.append(_("The selection holds nobody now."))
    if letter.automatic_until is not None and letter.automatic_until < today:
        told.append(_("The last day of automatic sending is over; choose a later one."))
    return told


def test(course_key: CourseKey, user_id: int, fields: Mapping[str, Any], now: datetime) -> str:
    """Send the letter to the caller's own verified address; the address.

    Raises drafts.Invalid, NotReady, TooMany, NotPossible.
    """
    tested = Audit.objects.filter(
        course_key=course_key, user_id=user_id, what=TESTED, at__gt=now - timedelta(hours=1)
    )
    if tested.count() >= TESTS_AN_HOUR:
        raise TooMany(_("These were enough test mails for now; try again in an hour."))
    writer = Writer(drafts.made(course_key, user_id, fields))
    if writer.composed.problems:
        raise NotReady(" ".join(writer.composed.problems))
    who = platform().addressees([user_id]).get(user_id)
    if who is None or not who.verified:
        raise NotPossible(_("Your own address is not confirmed, so no test mail can be sent to it."))
    if not writer.letter.sender:
        raise NotReady(_("Choose the address that the message comes from."))
    writer.look_up([user_id], now)
    try:
        with posting.post() as post:
            post.send(writer.mail(who, user_id, 0, None))
    except NotPosted as error:
        raise NotPossible(_("The mail server did not take the test mail; ask its operator.")) from error
    return who.email


def send(
    course_key: CourseKey,
    user_id: int,
    number: int,
    expected: int | None,
    now: datetime,
    digest: str | None = None,
) -> tuple[Letter, int]:
    """Confirm a draft: it goes out now, at its time, or to new matches each day; the letter and how many.

    What goes out now goes to those who are selected at this moment, whatever becomes of their figures.

    `expected`, `digest`: how many matches the person saw, and which, as the preview told.  Raises Missing,
    drafts.NotOpen, NotReady and Changed.
    """
    letter = find(course_key, number)
    if letter.state != State.DRAFT:
        raise drafts.NotOpen(_("This message was sent already; copy it to write another."))
    found = picking.recipients(letter, now)
    if told := problems(letter, Writer(letter), found, now):
        raise NotReady(" ".join(told))
    ahead = letter.at if letter.at is not None and letter.at > now else None
    others = digest is not None and ahead is None and digest != found.digest
    if others or (expected is not None and expected != len(found.rows)):
        raise Changed(len(found.rows), found.reachable)
    letter.confirmed_for = confirmed.packed(found) if ahead is None else None
    with transaction.atomic():
        _confirm(letter, user_id, len(found.rows), ahead, now)
        succession.adopt(letter, now)
    letter.refresh_from_db()
    launching.launch(letter, ahead)
    return letter, len(found.rows)


def _confirm(letter: Letter, user_id: int, matched: int, ahead: datetime | None, now: datetime) -> None:
    """Let the draft go as it was read, and as it was looked at.  Raises drafts.NotOpen."""
    still = Letter.objects.filter(pk=letter.pk, state=State.DRAFT)
    if still.filter(updated=letter.updated).update(
        state=State.SCHEDULED, confirmed=now, at=ahead or now, matched=matched, author_id=user_id,
        confirmed_for=letter.confirmed_for,
    ):  # fmt: skip
        return
    if still.exists():
        raise drafts.NotOpen(_("This message was changed meanwhile. Look at it again, then send."))
    raise drafts.NotOpen(_("This message was sent already; copy it to write another."))


def stop(course_key: CourseKey, number: int, now: datetime) -> Letter:
    """Let nothing more of a letter go out.  What was sent stays.  Raises Missing and NotPossible."""
    letter = find(course_key, number)
    if not claims.stop(letter.pk, now):
        raise NotPossible(_("There is nothing to stop: the message is not being sent."))
    cards.withdraw(letter)
    letter.refresh_from_db()
    return letter


def delete(course_key: CourseKey, number: int) -> None:
    """Throw a draft away.  Raises Missing and drafts.NotOpen: what was sent is kept."""
    letter = find(course_key, number)
    if not Letter.objects.filter(pk=letter.pk, state=State.DRAFT).delete()[0]:
        raise drafts.NotOpen(_("Only drafts can be thrown away; what was sent is kept in the history."))


def copy(
    course_key: CourseKey, user_id: int, number: int, source: CourseKey | None = None, resend: bool = False
) -> Letter:
    """A new draft with what an earlier letter says, of this run or of an earlier one; links lead into this.

    `resend`: to those of the selection whom the earlier letter has not reached.  The caller must have checked
    that the person is staff of `source` too.  Raises Missing and NotPossible.
    """
    old = find(source or course_key, number)
    if resend and source not in (None, course_key):
        raise NotPossible(_("A message can be sent again within its own course run alone."))
    usual = senders.senders(course_key)
    allowed = [*senders.answers(course_key, user_id), ""]
    reply_to = old.reply_to if old.reply_to in allowed else ""
    return Letter.objects.create(
        course_key=course_key,
        author_id=user_id,
        subject=old.subject,
        body=markup.sanitise(carried(old.body, old.course_key, course_key)),
        links=[{**link, "url": carried(link["url"], old.course_key, course_key)} for link in old.links],
        sender=old.sender if old.sender in usual else (usual[0] if usual else ""),
        reply_to=reply_to,
        reply_owner_id=senders.owner(course_key, reply_to, user_id),
        selection=old.selection,
        channel=old.channel,
        wait_days=old.wait_days,
        reused_from=old,
        resend=resend,
    )
