"""What the plugin adds to settings that are the platform's: the event backend and the beat schedule."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

BACKEND = "nudge"
NIGHT = "nudge-night"
UNIT_RENDERED = "org.openedx.learning.vertical_block.render.completed.v1"
UNIT_STEP = "nudge_xblock.filters.AddCourseWideNudges"
STEPS = {
    UNIT_RENDERED: UNIT_STEP,
    "org.openedx.learning.instructor.dashboard.render.started.v1": "nudge_xblock.filters.AddLearnersSection",
    "org.openedx.learning.instructor.dashboard.tabs.requested.v1": "nudge_xblock.filters.AddLearnersTab",
}
TEMPLATES = Path(__file__).parents[1] / "templates"
NIGHT_TASK = "nudge_xblock.tasks.night"
LETTERS = "nudge-letters"
LETTERS_TASK = "nudge_xblock.tasks.letters"
TASKS = tuple(
    f"nudge_xblock.tasks.{name}"
    for name in (
        "night",
        "ingest_log",
        "refresh_course",
        "assess_course",
        "settle_cases",
        "case_notices",
        "retire",
        "letters",
        "deliver",
        "due",
    )
)

# The names under which the platform emits what predictor.events understands.  Names the platform gives to
# page views are URL paths: they reach the logs alone and are read at night.
LIVE_EVENTS = (
    "book",
    "complete_video",
    "edx.bookmark.added",
    "edx.bookmark.removed",
    "edx.certificate.created",
    "edx.certificate.evidence_visited",
    "edx.cohort.user_added",
    "edx.completion.block_completion.changed",
    "edx.course.enrollment.activated",
    "edx.course.enrollment.deactivated",
    "edx.course.enrollment.mode_changed",
    "edx.course.grade.passed.first_time",
    "edx.course.home.resume_course.clicked",
    "edx.forum.comment.created",
    "edx.forum.response.created",
    "edx.forum.response.voted",
    "edx.forum.searched",
    "edx.forum.thread.created",
    "edx.forum.thread.viewed",
    "edx.forum.thread.voted",
    "edx.problem.hint.demandhint_displayed",
    "edx.problem.hint.feedback_displayed",
    "edx.ui.lms.jump_nav.selected",
    "edx.ui.lms.link_clicked",
    "edx.ui.lms.outline.selected",
    "edx.ui.lms.sequence.next_selected",
    "edx.ui.lms.sequence.previous_selected",
    "edx.ui.lms.sequence.tab_selected",
    "edx.video.closed_captions.hidden",
    "edx.video.closed_captions.shown",
    "edx.video.completed",
    "edx.video.language_menu.hidden",
    "edx.video.language_menu.shown",
    "edx.video.loaded",
    "edx.video.paused",
    "edx.video.played",
    "edx.video.position.changed",
    "edx.video.seeked",
    "edx.video.speed.changed",
    "edx.video.stopped",
    "edx.video.transcript.hidden",
    "edx.video.transcript.shown",
    "hide_transcript",
    "load_video",
    "openassessmentblock.create_submission",
    "openassessmentblock.get_peer_submission",
    "openassessmentblock.peer_assess",
    "openassessmentblock.save_submission",
    "openassessmentblock.self_assess",
    "page_close",
    "pause_video",
    "play_video",
    "problem_check",
    "problem_rescore",
    "problem_show",
    "reset_problem",
    "save_problem_success",
    "seek_video",
    "seq_goto",
    "seq_next",
    "seq_prev",
    "show_transcript",
    "showanswer",
    "speed_change_video",
    "stop_video",
    "textbook.pdf.chapter.navigated",
    "textbook.pdf.display.scaled",
    "textbook.pdf.page.scrolled",
    "textbook.pdf.search.executed",
    "textbook.pdf.search.navigatednext",
    "textbook.pdf.zoom.buttons.changed",
    "video_hide_cc_menu",
    "video_show_cc_menu",
    "xblock.poll.submitted",
    "xblock.survey.submitted",
)


def add_live_events(settings: Any) -> None:
    """Add our own top-level entry to EVENT_TRACKING_BACKENDS, where the host has that setting.

    The platform merges an operator's EVENT_TRACKING_BACKENDS into its entry `tracking_logs` alone, hence
    an entry beside it.  An entry an operator put under our name stays as it is.
    """
    if settings.NUDGE_LIVE_EVENTS is None:
        settings.NUDGE_LIVE_EVENTS = list(LIVE_EVENTS)
    if not hasattr(settings, "EVENT_TRACKING_BACKENDS"):
        return
    entry = settings.EVENT_TRACKING_BACKENDS.get(BACKEND)
    if entry is not None and not _is_ours(entry):
        return
    settings.EVENT_TRACKING_BACKENDS.pop(BACKEND, None)
    if settings.NUDGE_LIVE_EVENTS:
        settings.EVENT_TRACKING_BACKENDS[BACKEND] = _routing(settings.NUDGE_LIVE_EVENTS)


def _routing(names: list[str]) -> dict[str, Any]:
    return {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {
            "backends": {"inbox": {"ENGINE": "nudge_xblock.tracking.InboxBackend", "OPTIONS": {}}},
            "processors": [
                {
                    "ENGINE": "eventtracking.processors.whitelist.NameWhitelistProcessor",
                    "OPTIONS": {"whitelist": list(names)},
                }
            ],
        },
    }


def _is_ours(entry: dict[str, Any]) -> bool:
    """Whether `entry` is what an earlier call of `add_live_events` wrote, whatever its names."""
    processors = entry.get("OPTIONS", {}).get("processors") or [{}]
    names = processors[0].get("OPTIONS", {}).get("whitelist", [])
    return entry == _routing(names)


def add_filters(settings: Any) -> None:
    """Add our steps to OPEN_EDX_FILTERS_CONFIG, where there is one.

    What other plugins and the operator put there stays, in the dict, list or string that they put.
    """
    if not hasattr(settings, "OPEN_EDX_FILTERS_CONFIG"):
        return
    filters = settings.OPEN_EDX_FILTERS_CONFIG
    for name, step in STEPS.items():
        found = filters.get(name) or {"fail_silently": True}
        config = (
            dict(found)
            if isinstance(found, dict)
            else {"pipeline": [found] if isinstance(found, str) else found}
        )
        steps = list(config.get("pipeline", []))
        filters[name] = config | {"pipeline": steps if step in steps else [*steps, step]}


def add_templates(settings: Any) -> None:
    """Let Mako, which the instructor dashboard is written in, find our section, where the host has Mako."""
    folders = getattr(settings, "MAKO_TEMPLATE_DIRS_BASE", None)
    if folders is not None and TEMPLATES not in folders:
        folders.append(TEMPLATES)


def add_nightly_beat(settings: Any) -> None:
    """Add the nightly job to CELERYBEAT_SCHEDULE when NUDGE_NIGHT_AT names a time.

    Raises ValueError when it is no "HH:MM".
    """
    if not settings.NUDGE_NIGHT_AT:
        return
    from celery.schedules import crontab  # not at the top: most sites run no beat

    try:
        at = time.fromisoformat(settings.NUDGE_NIGHT_AT)
    except ValueError as error:
        raise ValueError(f'NUDGE_NIGHT_AT must be "HH:MM", not {settings.NUDGE_NIGHT_AT!r}') from error
    if not hasattr(settings, "CELERYBEAT_SCHEDULE"):
        settings.CELERYBEAT_SCHEDULE = {}
    entry = {"task": NIGHT_TASK, "schedule": crontab(hour=at.hour, minute=at.minute)}
    settings.CELERYBEAT_SCHEDULE.setdefault(NIGHT, entry)


def add_letters_beat(settings: Any) -> None:
    """Add the look at letters whose time has come to CELERYBEAT_SCHEDULE when NUDGE_LETTERS_MINUTES is set.

    Raises ValueError when it is no number of minutes.
    """
    minutes = settings.NUDGE_LETTERS_MINUTES
    if not minutes:
        return
    if not isinstance(minutes, int | float) or minutes < 0:
        raise ValueError(f"NUDGE_LETTERS_MINUTES must be a number of minutes, not {minutes!r}")
    if not hasattr(settings, "CELERYBEAT_SCHEDULE"):
        settings.CELERYBEAT_SCHEDULE = {}
    settings.CELERYBEAT_SCHEDULE.setdefault(LETTERS, {"task": LETTERS_TASK, "schedule": 60.0 * minutes})


def route_tasks(settings: Any) -> None:
    """Send the plugin's Celery tasks to NUDGE_QUEUE unless an operator routed them.

    Called when the apps are ready: the platform's production settings assign EXPLICIT_QUEUES afresh after
    the plugins had their turn.
    """
    queues = getattr(settings, "EXPLICIT_QUEUES", None)
    if queues is not None:
        for name in TASKS:
            queues.setdefault(name, {"queue": settings.NUDGE_QUEUE})
