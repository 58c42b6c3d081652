"""The words of the screens on which staff choose learners and write to them, translated on the server.

Blanks in braces are filled in by the browser.  A sentence with a number in it is a list: the sentence as it
is said of each of SAMPLES, among which the browser finds one of the form that its number takes.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import atrisk_texts, letter_texts
from .communicator.presets import REASONS, WORDS

SAMPLES = (0, 1, 2, 3, 11, 100)
"""Between them they meet every plural form of every language; the last stands in for any other."""

Text = str | list[str]


def communicator() -> dict[str, Text]:
    """Every text of the screens by its name."""
    return {
        **_views(),
        **_choosing(),
        **_figures(),
        **_filters(),
        **{f"reason_{key}": str(words) for key, words in REASONS.items()},
        **{f"{kind}_{key}": str(words) for kind, names in WORDS.items() for key, words in names.items()},
        **_table(),
        **_states(),
        **letter_texts.letters(),
        **atrisk_texts.cases(),
        **{
            name: [say(number) for number in SAMPLES]
            for name, say in {**_counted(), **letter_texts.counted(), **atrisk_texts.counted()}.items()
        },
    }


def _views() -> dict[str, Text]:
    return {
        "views": _("Learners and letters"),
        "view_learners": _("Choose learners"),
        "view_write": _("Write"),
        "view_sent": _("Letters"),
        "copy_link": _("Copy link"),
        "copied": _("Copied: your colleagues will see the same."),
        "link": _("Link to what you see"),
    }


def _choosing() -> dict[str, Text]:
    return {
        "nobody_yet": _("Pick a phrase, or drag across a plot."),
        "start_over": _("Start over"),
        "csv": _("Download as CSV"),
        "phrases": _("Ready and saved selections"),
        "presets": _("Ready selections"),
        "everyone": _("Everyone in the course"),
        "saved": _("Your team’s selections"),
        "save_selection": _("Save this selection"),
        "save_name": _("Name"),
        "save": _("Save"),
        "cancel": _("Cancel"),
        "saved_as": _("Saved as “{name}”."),
        "delete_of": _("Delete “{name}”"),
        "deleted": _("“{name}” is deleted."),
        "unreadable": _("This link holds a selection that cannot be read, so nobody is chosen."),
    }


def _figures() -> dict[str, Text]:
    return {
        "plots": _("Predictions"),
        "pass": _("Likely to pass"),
        "complete": _("Likely to complete"),
        "leave": _("Likely to leave"),
        "progress": _("Progress"),
        "middle_pass": _("Half are {share} likely to pass, or less"),
        "middle_complete": _("Half are {share} likely to complete, or less"),
        "middle_leave": _("Half are {share} likely to leave, or less"),
        "middle_progress": _("Half have done {share} of the course, or less"),
        "unknown_to_all": _("Not known of anyone yet"),
        "brush_keys": _(
            "Plot. Drag to choose a range. The arrow keys move its edges, Escape removes it, T shows a table."
        ),
        "from_of": _("{figure}: from"),
        "to_of": _("{figure}: to"),
        "range_of": _("{low} to {high}"),
        "any": _("Any"),
        "any_figure": _("Any"),
        "no_limit": _("no limit"),
        "show_table": _("Table"),
        "show_plot": _("Plot"),
        "table_of": _("{figure}, as a table"),
        "chosen": _("Chosen"),
        "everyone_in_course": _("Everyone in the course"),
        "note_figures": _(
            "Pale: everyone; in colour: the chosen. Of learners who are 30 percent likely to pass, about "
            "three in ten do. As of {time}."
        ),
    }


def _filters() -> dict[str, Text]:
    return {
        "filters": _("Further limits"),
        "reason": _("Why they may be at risk"),
        "signs": _("What stands out"),
        "tier": _("Risk of not completing"),
        "risk": _("Leading reason of the risk"),
        "at_risk_for": _("{tier}: {risk}"),
        "mode": _("Enrolled as"),
        "mode_audit": _("Audit"),
        "mode_honor": _("Honour code"),
        "mode_verified": _("Verified"),
        "mode_professional": _("Professional"),
        "mode_no-id-professional": _("Professional"),
        "mode_credit": _("Credit"),
        "mode_masters": _("Master’s"),
        "seen": _("Last seen"),
        "seen_any": _("At any time, or never"),
        "seen_0_6": _("Within the last 7 days"),
        "seen_7": _("Not for 7 days"),
        "seen_14": _("Not for 14 days"),
        "seen_30": _("Not for 30 days"),
        "seen_never": _("Never came"),
        "seen_from": _("Not for {low} days"),
        "seen_before": _("Not for {low} days, but before"),
        "seen_range": _("{low} to {high} days ago"),
    }


def _table() -> dict[str, Text]:
    return {
        "table_chosen": _("The chosen, under pseudonyms"),
        "table_empty": _("Nobody is chosen yet."),
        "note_table": _(
            "The lines show each prediction over the last 30 days. Names are in the mails alone."
        ),
        "learner": _("Learner"),
        "learner_name": _("Learner {name}"),
        "sort_by": _("Sort by"),
        "sort_falling": _("{figure}: highest first"),
        "sort_rising": _("{figure}: lowest first"),
        "unknown": _("not known"),
        "never": _("never"),
        "from_to": _("{before}, now {now}"),
    }


def _states() -> dict[str, Text]:
    return {
        "waiting_learners": _("Fetching this course’s learners and what is predicted of them…"),
        "still_waiting": _("Still at it after {seconds} seconds. Large courses take a moment."),
        "no_learners": _("Nobody is enrolled yet"),
        "no_learners_words": _(
            "Learners appear here as soon as they enrol, and their predictions after the night that follows "
            "their first visit."
        ),
        "what_learners": _("The learners could not be fetched"),
        "kept_learners": _("Your selection is in the address; nothing is lost."),
        "failed": _("{what}: {why}"),
        "try_again": _("Try again"),
        "why_offline": _("no connection to the server."),
        "why_slow": _("the server took too long."),
        "why_forbidden": _("you are not signed in as this course’s staff."),
        "why_broken": _("the server did not do it."),
        "remedy_offline": _("Check your connection, then try again."),
        "remedy_slow": _("Wait a minute, then try again."),
        "remedy_forbidden": _("Sign in again in another tab, then come back and try again."),
        "remedy_broken": _("Try again; if it stays so, tell whoever runs this site."),
    }


def _counted() -> dict[str, Callable[[int], str]]:
    return {
        "of_learners": lambda n: ngettext("of {count} learner chosen", "of {count} learners chosen", n),
        "chosen_count": lambda n: ngettext("{count} learner chosen", "{count} learners chosen", n),
        "can_be_written": lambda n: ngettext("{count} can be written to.", "{count} can be written to.", n),
        "write_to": lambda n: ngettext("Write to {count} learner", "Write to {count} learners", n),
    }
