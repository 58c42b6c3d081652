"""The words of the screens on which staff help learners at risk; see communicator_texts.py."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .atrisk.models import Owner


def cases() -> dict[str, str]:
    """Every text of the screens by its name; tiers and reasons are called as where learners are chosen."""
    return {
        **{f"case_owner_{owner.value}": str(owner.label) for owner in Owner},
        **_parts(),
        **_list(),
        **_filters(),
        **_rows(),
        **_case(),
        **_why(),
        **_work(),
        **_said(),
        **_limits(),
        **_plan(),
        **_automatic(),
        **_worked(),
        **_fairness(),
        **_states(),
    }


def _parts() -> dict[str, str]:
    return {
        "view_cases": _("At risk"),
        "case_part_list": _("Cases"),
        "case_part_worked": _("What worked"),
        "case_part_fairness": _("Fairness"),
        "case_part_settings": _("Tiers and plan"),
        "case_programme": _("All your courses"),
        "plot_walk": _("Plot. Left and right move between its points, T shows a table."),
    }


def _list() -> dict[str, str]:
    return {
        "case_nobody": _("Nobody needs help today"),
        "case_none_yet": _("No risks are known yet"),
        "case_none_yet_words": _(
            "They are worked out each night, once learners are enrolled and there is a model: it needs "
            "courses that are over. Whoever runs this site sees in the nights what is missing."
        ),
        "case_all_well": _("No open cases"),
        "case_all_well_words": _("A case opens by itself when a learner comes into one of the tiers."),
        "case_no_match": _("No case is like that"),
        "case_no_match_words": _("Take away some of the filters to see more."),
        "case_all_open": _("Show all open cases"),
        "case_as_of": _("As of {time}."),
        "case_tiles": _("How many there are of each"),
        "case_assignee_me": _("Mine"),
        "case_assignee_none": _("Nobody’s yet"),
        "case_list": _("Cases"),
        "case_pages": _("Pages"),
        "case_earlier": _("Previous"),
        "case_later": _("Next"),
        "case_page_of": _("Page {page} of {pages}"),
        "case_courses_table": _("Open cases by course"),
        "case_course": _("Course"),
        "case_course_page": _("Course page"),
        "case_head_open": _("Open"),
    }


def _filters() -> dict[str, str]:
    return {
        "case_filters": _("Filters"),
        "case_by_group": _("Reason"),
        "case_by_owner": _("Who can help"),
        "case_by_assignee": _("Whose"),
        "case_by_state": _("State"),
        "case_by_order": _("Order"),
        "case_group_any": _("Any reason"),
        "case_owner_any": _("Anyone"),
        "case_assignee_any": _("Anybody’s"),
        "case_colleague": _("A colleague’s"),
        "case_state_open": _("Open"),
        "case_state_ended": _("Ended"),
        "case_state_all": _("All"),
        "case_order_urgency": _("Most urgent first"),
        "case_order_opened": _("Newest first"),
    }


def _rows() -> dict[str, str]:
    return {
        "case_learners_head": _("Learners"),
        "case_head_tier": _("Tier"),
        "case_head_risk": _("Risk"),
        "case_head_why": _("Reason"),
        "case_head_who": _("Who helps"),
        "case_unassigned": _("nobody yet"),
        "case_left": _("somebody who has left"),
        "case_same": _("as a week ago"),
        "case_seen": _("Last seen {when}"),
        "case_never_came": _("Never came"),
    }


def _case() -> dict[str, str]:
    return {
        "case_back": _("All cases"),
        "case_opened": _("Case opened {time}"),
        "case_closed": _("ended {time}"),
        "case_partial_words": _(
            "This learner never came, so only the enrolment and the course are known. Take the figure as a "
            "hint."
        ),
        "case_question_days": _("Risk of not completing, day by day"),
        "case_note_days": _("A diamond marks a day on which something was done; the day says what."),
        "case_day": _("Day"),
        "case_risk_now": _("Risk: {now}"),
        "case_moved": _("What moved it"),
        "case_done": _("What was done"),
        "case_move": _("{what}: {points}"),
        "case_first_days": _("{now} in the first days it is known"),
        "case_steady": _("{now}, as a week ago"),
        "case_mostly": _("What moved it most: {what}."),
        "case_history": _("What was done so far"),
        "case_by_night": _("by itself"),
        "case_write": _("Write to this learner"),
        "case_write_alike": _("Write to all with this reason and tier"),
        "case_others": _("In other courses"),
        "case_no_risk": _("not at risk"),
        "case_steps": _("Next steps for this learner"),
        "case_note_steps": _("From their own progress; the automatic mail holds the same."),
    }


def _why() -> dict[str, str]:
    return {
        "case_question_why": _("Why"),
        "case_no_reasons": _("No single reason stands out"),
        "case_note_why": _(
            "Typical learners are those who were there at this point of the course and completed it later. "
            "A reason is only told where the prediction would be better without it; it need not be the "
            "cause."
        ),
        "case_unknown": _("Nothing is known of: {list}."),
        "case_if_typical": _("Were this as usual, the risk would be {without}, not {now}."),
        "case_numbers": _("Numbers behind it: {what}"),
        "case_number": _("Number"),
        "case_this_learner": _("This learner"),
        "case_typical": _("Typically"),
    }


def _work() -> dict[str, str]:
    return {
        "case_work": _("Work on this case"),
        "case_owner": _("Who can help"),
        "case_plan": _("What they do"),
        "case_assignee": _("Whose case"),
        "case_assign_to": _("Give the case to"),
        "case_assign": _("Assign"),
        "case_take": _("Take it"),
        "case_me": _("{name} (you)"),
        "case_note": _("Note"),
        "case_note_hint": _("For your colleagues; the learner may ask to see it."),
        "case_add_note": _("Add note"),
        "case_outcome": _("How it ended"),
        "case_outcome_pick": _("Choose…"),
        "case_outcome_text": _("What was done, in a sentence"),
        "case_resolve": _("Close the case"),
        "case_reopen": _("Open it again"),
        "case_overtaken_kept": _("You see it as it is now, and what you typed is still here."),
    }


def _said() -> dict[str, str]:
    return {
        "case_said_assigned": _("It is now {name}’s case."),
        "case_said_unassigned": _("It is nobody’s case now."),
        "case_said_note": _("The note is kept."),
        "case_said_resolved": _("The case is closed."),
        "case_said_reopened": _("The case is open again."),
    }


def _limits() -> dict[str, str]:
    return {
        "case_question_limits": _("Where the tiers begin"),
        "case_note_limits": _(
            "Bars are the learners of today by their risk of not completing. Drag a line, move it by the "
            "arrow keys, or type a number. Nothing changes before you save."
        ),
        "case_limits_keys": _(
            "Plot. The arrow keys move a limit, Page Up and Page Down by ten, T shows a table."
        ),
        "case_limit_from": _("from"),
        "case_limit_of": _("{tier}: from"),
    }


def _plan() -> dict[str, str]:
    return {
        "case_question_plan": _("The plan"),
        "case_plan_title": _("Who helps with which reason, and how"),
        "case_note_plan": _("Open cases go to whoever the plan names now; whose case it is stays as it is."),
        "case_usual": _("Back to the usual"),
        "case_save": _("Save"),
        "case_undo": _("Undo changes"),
        "case_unsaved": _("Not saved yet."),
        "case_settings_kept": _("Saved. Cases follow within minutes."),
        "case_settings_overtaken": _("A colleague saved other settings meanwhile."),
        "case_settings_both": _("Theirs are in force; yours are still in the fields."),
        "case_settings_mine": _("Save mine over theirs"),
        "case_settings_theirs": _("Show theirs"),
    }


def _automatic() -> dict[str, str]:
    return {
        "case_question_automatic": _("Letters that go out by themselves"),
        "case_is_on": _("Letters go out by themselves"),
        "case_is_off": _("Nothing goes out by itself"),
        "case_on_words": _(
            "Each morning, to learners who newly came into a tier. Learners in the highest get none."
        ),
        "case_off_words": _("Learners are listed here, and you write to them yourselves."),
        "case_switch_on": _("Switch on…"),
        "case_switch_off": _("Switch off…"),
        "case_on_sure": _("This is what will happen"),
        "case_off_sure": _("Stop these letters?"),
        "case_on_restraint": _(
            "Nobody gets the same one twice, at night, more often than this site allows, or after "
            "opting out. The letters are then listed below, and can be written anew."
        ),
        "case_off_told": _("From now on nothing goes out by itself. What was sent stays sent."),
        "case_also_saves": _("What you changed above is saved with it."),
        "case_on_yes": _("Yes, switch on"),
        "case_off_yes": _("Yes, stop them"),
        "case_not_yet": _("Not yet"),
        "case_letters": _("The letters"),
        "case_channel_mail": _("mail"),
        "case_channel_nudge": _("pop-up"),
        "case_channel_nudge_then_mail": _("pop-up, then mail"),
        "case_letter_stopped": _("Stopped"),
        "case_letter_anew": _("Write anew"),
        "case_note_letters": _(
            "A letter’s title leads to what became of it. What is written anew takes its place once it is "
            "sent to new matches each morning."
        ),
    }


def _worked() -> dict[str, str]:
    return {
        "case_assumption": _("What this assumes:"),
        "case_worked_none": _("Too early to say"),
        "case_worked_none_words": _(
            "Two weeks after the first learners were helped, this shows what became of them beside "
            "comparable learners who were not."
        ),
        "case_worked_hidden": _("Too few learners so far to say anything"),
        "case_worked_unsure": _("No difference is certain yet"),
        "case_outcome_seen": _("Seen again within two weeks"),
        "case_outcome_risk": _("Risk two weeks later"),
        "case_outcome_completed": _("Completed the course"),
        "case_worse_seen": _("fewer came back"),
        "case_better_seen": _("more came back"),
        "case_worse_risk": _("risk is higher"),
        "case_better_risk": _("risk is lower"),
        "case_worse_completed": _("fewer completed"),
        "case_better_completed": _("more completed"),
        "case_help": _("Help"),
        "case_help_for": _("{help} – {group} ({tier})"),
        "case_with": _("With it"),
        "case_without": _("Without"),
        "case_difference": _("Difference"),
        "case_interval": _("95 percent interval"),
        "case_n_with": _("Learners with"),
        "case_n_without": _("Learners without"),
        "case_points_signed": _("{points} points"),
        "case_hidden": _("Not shown, as too few learners are there to stay unknown: {list}."),
        "no_difference": _("no difference"),
    }


def _fairness() -> dict[str, str]:
    return {
        "case_fair_none": _("Nothing can be said yet"),
        "case_fair_none_words": _(
            "This looks at learners who completed although they had been flagged, group by group. It needs "
            "ten or more who completed, and groups of ten or more."
        ),
        "case_fair_as_of": _("Flagged as of {day}, in {run}."),
        "case_fair_how": _(
            "Of learners who completed, how many had been flagged all the same: each group beside everyone "
            "else. The line is the 95 percent interval of the difference: where the ring lies outside it, "
            "there is more than chance. What is looked at here is never among the reasons."
        ),
        "case_wrongly": _("Completed, but had been flagged"),
        "case_wrongly_others": _("The same of everyone else"),
        "case_flagged": _("Flagged"),
        "case_did_not": _("Did not complete"),
        "case_group": _("Group"),
        "case_p": _("p, corrected"),
        "case_auc": _("AUC"),
        "case_ece": _("Calibration error"),
        "case_abroca": _(
            "ABROCA {value}, the largest of these groups: how far the model’s ranking of a group differs "
            "from that of everyone else; 0 is not at all."
        ),
    }


def _states() -> dict[str, str]:
    return {
        "case_waiting": _("Fetching today’s cases…"),
        "case_waiting_one": _("Fetching this case…"),
        "case_waiting_settings": _("Fetching this course’s tiers and plan…"),
        "case_waiting_worked": _("Comparing learners who were helped with others…"),
        "case_waiting_fairness": _("Comparing groups of learners…"),
        "case_what_list": _("The cases could not be fetched"),
        "case_what_one": _("This case could not be fetched"),
        "case_what_settings": _("The settings could not be fetched"),
        "case_what_settings_kept": _("The settings were not saved"),
        "case_what_worked": _("What worked could not be worked out"),
        "case_what_fairness": _("Groups could not be compared"),
        "case_what_act": _("That could not be done"),
        "case_kept": _("Nothing was changed; what you look at is in the address."),
        "case_kept_typed": _("What you typed is kept here."),
        "case_settings_typed": _("What you changed is still in the fields."),
    }


def counted() -> dict[str, Callable[[int], str]]:
    """The sentences with a number in them, each a function of it."""
    return {**_counted_list(), **_counted_case(), **_counted_settings()}


def _counted_list() -> dict[str, Callable[[int], str]]:
    return {
        "case_open": lambda n: ngettext("{count} learner needs help", "{count} learners need help", n),
        "case_urgent": lambda n: ngettext("{count} urgently", "{count} urgently", n),
        "case_assessed": lambda n: ngettext(
            "{count} learner was assessed.", "{count} learners were assessed.", n
        ),
        "case_never": lambda n: ngettext("{count} never came.", "{count} never came.", n),
        "case_shown": lambda n: ngettext("{count} case", "{count} cases", n),
        "case_courses": lambda n: ngettext("{count} course", "{count} courses", n),
        "case_up": lambda n: ngettext("{count} point more in a week", "{count} points more in a week", n),
        "case_down": lambda n: ngettext("{count} point less in a week", "{count} points less in a week", n),
    }


def _counted_case() -> dict[str, Callable[[int], str]]:
    return {
        "case_rose": lambda n: ngettext(
            "{now}, {count} point more than a week ago.", "{now}, {count} points more than a week ago.", n
        ),
        "case_fell": lambda n: ngettext(
            "{now}, {count} point less than a week ago.", "{now}, {count} points less than a week ago.", n
        ),
        "case_plus": lambda n: ngettext("{count} point more", "{count} points more", n),
        "case_minus": lambda n: ngettext("{count} point less", "{count} points less", n),
        "case_points": lambda n: ngettext("{count} point", "{count} points", n),
    }


def _counted_settings() -> dict[str, Callable[[int], str]]:
    return {
        "case_learners": lambda n: ngettext("{count} learner", "{count} learners", n),
        "case_limits_found": lambda n: ngettext(
            "Today {count} learner is high, {moderate} moderate, {marginal} marginal",
            "Today {count} learners are high, {moderate} moderate, {marginal} marginal",
            n,
        ),
        "case_on_marginal": lambda n: ngettext(
            "Marginal, {count} learner today: a mail with next steps from their own progress.",
            "Marginal, {count} learners today: a mail with next steps from their own progress.",
            n,
        ),
        "case_on_moderate": lambda n: ngettext(
            "Moderate, {count} learner today: a pop-up at the next visit, and a mail.",
            "Moderate, {count} learners today: a pop-up at the next visit, and a mail.",
            n,
        ),
        "case_on_high": lambda n: ngettext(
            "High, {count} learner today: no letter; they are on your list, for a person.",
            "High, {count} learners today: no letter; they are on your list, for a person.",
            n,
        ),
        "case_worked_some": lambda n: ngettext(
            "{count} of {all} kinds of help made a difference: {list}",
            "{count} of {all} kinds of help made a difference: {list}",
            n,
        ),
    }
