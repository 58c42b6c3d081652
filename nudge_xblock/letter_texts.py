"""The words of the screens on which staff write letters and see what was sent; see communicator_texts.py."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def letters() -> dict[str, str]:
    """Every text of the two screens by its name."""
    return {**_message(), **_places(), **_choices(), **_sending(), **_sent(), **_fates(), **_states()}


def _message() -> dict[str, str]:
    return {
        "to_nobody": _("Nobody is chosen yet"),
        "to_everyone": _("Write to everyone"),
        "change_whom": _("Change whom"),
        "counting": _("Counting whom this reaches…"),
        "subject": _("Subject"),
        "no_subject": _("(no subject)"),
        "message": _("Message"),
        "insert": _("Put in, for each learner"),
        "field_firstname": _("First name"),
        "field_fullname": _("Full name"),
        "field_course": _("Name of the course"),
        "field_start": _("First day of the course"),
        "field_end": _("Last day of the course"),
        "field_due": _("What is due next"),
        "field_next_steps": _("Next steps"),
        "edit_tools": _("Formatting"),
        "edit_bold": _("Bold"),
        "edit_italic": _("Italic"),
        "edit_insertUnorderedList": _("List"),
        "edit_insertOrderedList": _("Numbered list"),
        "edit_link": _("Link"),
        "link_address": _("Address"),
        "link_set": _("Make a link"),
        "link_wrong": _("This is not a web or mail address."),
        "preview": _("Preview"),
        "preview_of": _("As learner {name} will get it, but greeted by name"),
        "example": _("Learner to show it for"),
        "plain_text": _("As plain text"),
        "preview_failed": _("The preview could not be made:"),
    }


def _places() -> dict[str, str]:
    return {
        "places": _("Links into the course, below the message"),
        "place_begin": _("Attach a link"),
        "place": _("Where to"),
        "place_course": _("Course home"),
        "place_progress": _("Progress page"),
        "place_dates": _("Dates"),
        "place_discussion": _("Discussion"),
        "place_certificate": _("Certificate"),
        "place_other": _("Another place…"),
        "place_key": _("Its address or location ID"),
        "place_label": _("Words of the link"),
        "place_add": _("Attach"),
        "place_remove": _("Remove “{label}”"),
        "remove": _("Remove"),
    }


def _choices() -> dict[str, str]:
    return {
        "sender": _("From"),
        "reply_to": _("Answers go to"),
        "channel": _("How"),
        "channel_mail": _("By mail"),
        "channel_nudge": _("As a pop-up at the next visit"),
        "channel_nudge_then_mail": _("As a pop-up, then by mail where it is not seen"),
        "wait_days": _("Days to wait before the mail"),
        "when": _("When"),
        "time_now": _("Now"),
        "time_at": _("At a time"),
        "time_of": _("When it goes out"),
        "time_daily": _("Now, and to new matches each morning until"),
        "until": _("Last day"),
    }


def _sending() -> dict[str, str]:
    return {
        "send_ask": _("Send…"),
        "send_sure": _("Send “{subject}”?"),
        "send_yes": _("Yes, send it"),
        "send_no": _("Not yet"),
        "test": _("Send a test to myself"),
        "test_going": _("Sending the test…"),
        "test_gone": _("A test mail is on its way to {address}"),
        "keep_draft": _("Keep as a draft"),
        "draft_kept": _("The draft is kept, under Letters."),
        "new_letter": _("Begin a new letter"),
        "stop": _("Stop"),
        "look_at_letter": _("Who got it"),
        "told_draft": _("This is a draft."),
        "told_scheduled": _("Goes out on {time}"),
        "told_automatic": _("Goes to new matches each morning until {day}"),
        "told_sending": _("Being sent…"),
        "told_waiting": _("Shown to each of them at the next visit"),
        "told_sent": _("Sent"),
        "told_stopped": _("Stopped: what was sent by then stays sent, nothing more goes out."),
        "held_up": _("The rest waits: nobody is written to more often than this site allows, or at night."),
        "state_waiting": _("Waits for visits"),
        "unheard": _("No word from the server for the moment; sending goes on by itself."),
        "state_sending": _("Being sent"),
    }


def _sent() -> dict[str, str]:
    return {
        "letters": _("What was written in this course"),
        "no_letters": _("No letters yet. Choose learners, then write to them."),
        "no_letters_there": _("No letters were written in that run."),
        "by": _("By {name}, {time}"),
        "due_at": _("for {time}"),
        "due_daily": _("to new matches until {day}"),
        "copied_from": _("copied from an earlier letter"),
        "go_on": _("Go on writing"),
        "throw_away": _("Delete"),
        "use_again": _("Use again"),
        "send_rest": _("Send to those not reached"),
        "who_got_it": _("Who got it"),
        "nobody_got_it": _("Nobody yet."),
        "more_rows": _("Show more"),
        "calls": _("Who did what here"),
        "calls_looks": _("Also what was only looked at"),
        "who": _("Who"),
        "what": _("What"),
        "somebody": _("somebody"),
        "earlier_run": _("Carry a letter over from an earlier run of the course"),
        "earlier_key": _("Course ID of that run"),
        "earlier_show": _("Show its letters"),
    }


def _fates() -> dict[str, str]:
    return {
        "what_became": _("What became of it"),
        "why_chosen": _("Why they were chosen"),
        "when_sent": _("When"),
        "opened": _("Opened"),
        "clicked": _("Link followed"),
        "yes": _("Yes"),
        "days": _("{days} days"),
    }


def _states() -> dict[str, str]:
    return {
        "what_letter": _("That could not be done"),
        "kept_letter": _("Your message is kept on this page; nothing was sent."),
        "overtaken_kept": _("What you wrote is kept on this page, and what they wrote on the server."),
        "overtaken_mine": _("Keep mine as a new draft"),
        "overtaken_theirs": _("Go on with theirs"),
        "what_send": _("The letter was not sent"),
        "what_letters": _("The letters could not be fetched"),
        "kept_letters": _("What was sent or planned is not touched."),
        "what_deliveries": _("Who got it could not be fetched"),
        "waiting_letters": _("Fetching this course’s letters…"),
        "waiting_deliveries": _("Fetching who got it…"),
    }


def counted() -> dict[str, Callable[[int], str]]:
    """The sentences with a number in them, each a function of it."""
    return {**_reach(), **_tally()}


def _reach() -> dict[str, Callable[[int], str]]:
    return {
        "goes_mail_now": lambda n: ngettext(
            "This goes to {count} learner now.", "This goes to {count} learners now.", n
        ),
        "goes_mail_at": lambda n: ngettext(
            "This goes out on {time}, to whoever matches then: {count} learner today.",
            "This goes out on {time}, to whoever matches then: {count} learners today.",
            n,
        ),
        "goes_mail_daily": lambda n: ngettext(
            "This goes to {count} learner now, and to new matches each morning until {day}.",
            "This goes to {count} learners now, and to new matches each morning until {day}.",
            n,
        ),
        "goes_nudge_now": lambda n: ngettext(
            "{count} learner sees this as a pop-up at the next visit.",
            "{count} learners see this as a pop-up at their next visit.",
            n,
        ),
        "goes_nudge_at": lambda n: ngettext(
            "From {time} on, whoever matches then sees this as a pop-up: {count} learner today.",
            "From {time} on, whoever matches then sees this as a pop-up: {count} learners today.",
            n,
        ),
        "goes_nudge_daily": lambda n: ngettext(
            "{count} learner sees this as a pop-up at the next visit, and so do new matches until {day}.",
            "{count} learners see this as a pop-up at their next visit, and so do new matches until {day}.",
            n,
        ),
        "then_mail": lambda n: ngettext(
            "Where it is not seen within {days} day, a mail follows.",
            "Where it is not seen within {days} days, a mail follows.",
            n,
        ),
        "out_of_reach": lambda n: ngettext(
            "{count} of the {all} chosen cannot be written to: they opted out, or have no confirmed address.",
            "{count} of the {all} chosen cannot be written to: they opted out, or have no confirmed address.",
            n,
        ),
        "out_of_sight": lambda n: ngettext(
            "{count} of the {all} chosen sees no pop-ups: they opted out, or are in the control group.",
            "{count} of the {all} chosen see no pop-ups: they opted out, or are in the control group.",
            n,
        ),
        "times": lambda n: ngettext("{count} time", "{count} times", n),
        "send_to": lambda n: ngettext("Send to {count} learner…", "Send to {count} learners…", n),
    }


def _tally() -> dict[str, Callable[[int], str]]:
    return {
        "count_sent": lambda n: ngettext("{count} mail sent", "{count} mails sent", n),
        "count_waiting": lambda n: ngettext("{count} waits for a visit", "{count} wait for a visit", n),
        "count_seen": lambda n: ngettext("{count} seen as a pop-up", "{count} seen as pop-ups", n),
        "count_to_go": lambda n: ngettext("{count} still to go", "{count} still to go", n),
        "count_failed": lambda n: ngettext("{count} failed", "{count} failed", n),
        "count_skipped": lambda n: ngettext("{count} left out", "{count} left out", n),
        "count_opened": lambda n: ngettext("{count} opened", "{count} opened", n),
        "count_clicked": lambda n: ngettext("{count} link followed", "{count} links followed", n),
    }
