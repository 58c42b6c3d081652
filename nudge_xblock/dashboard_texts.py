"""The words of the staff tab that do not depend on its figures, translated on the server.

Blanks in braces are filled in by the browser, with numbers and dates written as the reader's language does.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from .remarks import STEPS


def dashboard() -> dict[str, str]:
    """Every text of the staff tab by its name."""
    return {
        **_questions(),
        **_figures(),
        **_notes(),
        **_nights(),
        **_experiments(),
        **_moments(),
        **_states(),
    }


def _questions() -> dict[str, str]:
    return {
        "question_shown": _("What was shown and held back?"),
        "question_groups": _("To whom?"),
        "question_votes": _("Did it help? What learners say"),
        "question_effect": _("Did it help? What learners completed in the {days} days after"),
        "question_nights": _("Is tonight’s model better than the one before?"),
        "question_moments": _("What happened lately?"),
        "moments_title": _("The latest moments, one by one"),
        "period": _("Period"),
        "last_days": _("{days} days"),
        "show_table": _("Table"),
        "show_plot": _("Plot"),
        "plot_keys": _("Plot. Arrow keys move between points, T shows the table."),
        "refresh": _("Refresh"),
        "as_of": _("As of {time}"),
        "copy_link": _("Copy link"),
        "copied": _("Copied: your colleagues will see the same."),
        "link": _("Link to what you see"),
    }


def _figures() -> dict[str, str]:
    return {
        "range": _("{value} ({low} to {high})"),
        "range_only": _("{low} to {high}"),
        "shown": _("Shown"),
        "day": _("Day"),
        "so_far": _("{day}, so far"),
        "share_held": _("Share held back"),
        "held_share": _("Held back: {share}"),
        "nothing_that_day": _("No nudge came up"),
        "group": _("Group"),
        "learners": _("Learners"),
        "about": _("about {count}"),
        "about_learners": _("about {count} learners"),
        "shown_share": _("Shown at this share of moments"),
        "shown_words": _("Shown at {share} of moments"),
        "helpful_share": _("Found helpful, of those who voted"),
        "helpful_words": _("Found helpful by {share}"),
        "helpful_of": _("Votes: {count}"),
        "clicks_share": _("Followed its link, of those who saw it"),
        "clicks_words": _("Link followed by {share}"),
        "clicks_of": _("Seen: {count}"),
        "too_few_votes": _("Too few votes to show"),
        "no_votes": _("No votes yet"),
        "not_seen": _("Not seen yet"),
        "no_link": _("Has no link"),
        "message": _("Message"),
        "no_longer_used": _("no longer in use"),
        "on_screen": _("Seen on screen"),
        "helpful": _("Helpful"),
        "not_helpful": _("Not helpful"),
        "clicked": _("Link followed"),
        "side": _("What was done"),
        "moments": _("Moments"),
        "items_after": _("Items completed in the {days} days after, on average"),
        "sent_side": _("Nudge shown"),
        "held_side": _("Held back"),
        "difference": _("Difference"),
        "no_change": _("No change"),
        "fewer_items": _("Fewer items"),
        "more_items": _("More items"),
        "journey": _("{learners} of about {all} learners"),
        "none": _("None"),
    }


def _notes() -> dict[str, str]:
    return {
        "note_days": _("Days are counted in UTC. The band shows where the share could lie by chance alone."),
        "note_groups": _(
            "The whole course through {day}, in round figures, so that nobody can be picked out. "
            "The dashed line is the share of all moments."
        ),
        "some_hidden": _(
            "Groups of fewer than ten learners are hidden, and others where they would give them away."
        ),
        "note_secret": _("Not shown, as nearly everyone is in one group or groups are too small: {list}."),
        "note_votes": _("Lines show 95 percent intervals that stay true however often you look."),
        "note_effect": _(
            "The shaded band marks changes too small to matter. The interval stays true however "
            "often you look, "
            "and counts learners, not moments."
        ),
    }


def _nights() -> dict[str, str]:
    return {
        "run_now": _("Run tonight’s job now"),
        "running": _("Tonight’s job"),
        "night": _("Night"),
        "why": _("Why"),
        "verdict": _("Verdict"),
        "tonights_model": _("The night’s new model"),
        "serving_model": _("The model in use before"),
        "new_of": _("{target}: new"),
        "serving_of": _("{target}: in use before"),
        "error_of": _("{target}: average error, new and before"),
        "answers_error": _("Error in foreseeing answers to nudges, new and before"),
        "pair": _("{new} and {old}"),
        "new_scored": _("New model: {value}"),
        "serving_scored": _("In use before: {value}"),
        "new_off": _("Its probabilities are off by {value} on average"),
        "measured_on": _("Measured on {count} held-out learners"),
        "not_measured": _("Not measured"),
        "serving_now": _("In use now: {version}"),
        "note_nights": _(
            "The score is the chance that the model ranks a learner who will do something above one "
            "who will not: "
            "0.5 is guessing, 1 is always right. It is measured on learners the model never learned from."
        ),
        "night_promoted": _("Taken into use"),
        "night_partly": _("Partly taken into use"),
        "night_refused": _("Refused"),
        "night_failed": _("Failed"),
        "night_idle": _("Nothing new"),
        "night_running": _("Running"),
        "night_over_promoted": _("Tonight’s job is done: the new model {version} is in use."),
        "night_over_refused": _("Tonight’s job is done: model {version} stays in use."),
        "night_over_failed": _("Tonight’s job has failed in part; the line of the night says where."),
        "night_unheard": _("No word from the job for the moment; it goes on by itself."),
        "night_not_started": _("The job could not be started. {why}"),
        **{f"step_{name}": str(words) for name, words in STEPS.items()},
    }


def _experiments() -> dict[str, str]:
    return {
        "question_experiments": _("Experiments: what works better?"),
        "experiments_waiting": _("Working out what the experiments say…"),
        "experiments_failed": _("The experiments could not be worked out."),
        "note_experiments": _(
            "Counted through midnight (UTC) before {day}. “No effect found” is an answer: a larger one is "
            "ruled out. “Too early” is none yet."
        ),
        "who_sees": _("Who gets what"),
        "moments_count": _("Moments: {count}"),
        "only_for": _("Only {audience}"),
        "by_chance": _("Left to chance: {chance} of {count}"),
        "look_closer": _("Look closer"),
        "close": _("Close"),
        "verdict_helps": _("Works better"),
        "verdict_harms": _("Works worse"),
        "verdict_none": _("No effect found"),
        "verdict_early": _("Too early"),
        "verdict_no_comparison": _("No comparison"),
        "measured_by": _("Measured by"),
        "measure_helpful": _("Found helpful"),
        "measure_clicked": _("Link followed"),
        "measure_items": _("Items completed"),
        "day_by_day": _("Day by day"),
        "axis_items": _("Difference in items completed"),
        "axis_helpful": _("Difference in percentage points"),
        "axis_clicked": _("Difference in percentage points"),
        "learners_then": _("Learners by then: {count}"),
        "of_moments": _("({count} moments)"),
        "note_looks": _(
            "The band is the interval as it stood each day; the shaded stripe marks differences too small to "
            "matter. It stays true however often you look, and you may stop whenever you like."
        ),
        "question_segments": _("For whom?"),
        "note_segments": _(
            "Of the groups marked as found, at most one in ten is expected to be so by mistake, however many "
            "are looked at; that is why their intervals are wider. The dashed line is everyone. Groups are "
            "by what was known of learners before."
        ),
        "too_few_side": _("Too few to compare"),
        "too_few_sides": _("Too few to compare: {list}."),
        "no_difference": _("No difference"),
        "not_begun": _("Nothing to compare yet: {list}."),
        "found_alone": _("Found by itself"),
        "found_head": _("By itself"),
    }


def _moments() -> dict[str, str]:
    return {
        "learner": _("Learner {name}"),
        "answer_held": _("Held back"),
        "answer_helpful": _("Found it helpful"),
        "answer_not_helpful": _("Found it not helpful"),
        "answer_clicked": _("Followed the link"),
        "answer_dismissed": _("Put it off"),
        "answer_seen": _("Seen, no answer"),
        "answer_unseen": _("Not seen yet"),
    }


def _states() -> dict[str, str]:
    return {
        "waiting": _("Counting this course’s decisions and votes…"),
        "still_waiting": _("Still counting after {seconds} seconds. Large courses take a moment."),
        "empty": _("No nudges shown yet"),
        "empty_words": _(
            "Add a message to this unit in Studio and publish it: figures appear here with the first "
            "learner who "
            "meets it. Until then you can look at a simulated week."
        ),
        "example_enter": _("Look at a simulated week"),
        "example": _("Simulated week"),
        "example_words": _("These learners do not exist. Nothing here is from your course."),
        "example_leave": _("Back to this course"),
        "try_again": _("Try again"),
        "kept": _("What you see below is from {time}; nothing is lost."),
        "kept_nothing": _("Decisions and votes go on being recorded; nothing is lost."),
        "failed_offline": _("The figures could not be fetched: no connection to the server."),
        "failed_slow": _("The figures could not be fetched: the server took too long."),
        "failed_forbidden": _(
            "The figures could not be fetched: you are no longer signed in as this course’s staff."
        ),
        "failed_broken": _("The figures could not be fetched: the server met an error."),
        "remedy_offline": _("Check your connection, then try again."),
        "remedy_slow": _("Wait a minute, then try again."),
        "remedy_forbidden": _("Sign in again in another tab, then come back and try again."),
        "remedy_broken": _(
            "Try again; if it stays so, tell whoever runs this site. The server’s log says more."
        ),
    }
