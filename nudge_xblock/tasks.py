"""Celery tasks: identifiers in, api.py out.  Each may run twice without harm, hence `acks_late`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery import shared_task
from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import api


def send(task: Any, *arguments: Any, eta: datetime | None = None) -> None:
    """Queue a task (not to be begun before `eta`), or raise at once what keeps the broker from taking it.

    Where the platform routes tasks by EXPLICIT_QUEUES, it is asked; elsewhere NUDGE_QUEUE is the queue.
    """
    routed = hasattr(settings, "EXPLICIT_QUEUES")
    task.apply_async(arguments, queue=None if routed else settings.NUDGE_QUEUE, retry=False, eta=eta)


class NightFailed(RuntimeError):
    """A step of the night failed; the message is the night's verdict, and why."""


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def night() -> int:
    """Tonight's work; returns the night's id.  A second one at once leaves the work to the first."""
    try:
        done = api.run_night()
    except api.Busy as busy:
        return int(busy.night.pk)
    if done.failed:
        raise NightFailed(f"{api.verdict(done)} {api.night_errors(done)}")
    return int(done.pk)


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def ingest_log(path: str) -> dict[str, Any]:
    """Read one tracking log into the event store; a large site queues one task per file."""
    return api.ingest_logs([path])


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def refresh_course(course_key: str) -> int:
    """Refresh the states and predictions of one course; returns how many enrolments."""
    return api.refresh_course(CourseKey.from_string(course_key))


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def assess_course(course_key: str) -> int:
    """Assess everyone who takes one course run, and settle its cases; how many learners."""
    return api.assess_course(CourseKey.from_string(course_key))


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def settle_cases(course_key: str) -> dict[str, int]:
    """Open, move and close the at-risk cases of one course run; what was done, counted."""
    return api.atrisk.settle(CourseKey.from_string(course_key))


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def case_notices() -> dict[str, int]:
    """Tell the operator's system of at-risk cases, and come back for what it did not take."""
    done = api.atrisk.send_notices()
    if done.again is not None:
        send(case_notices, eta=done.again)
    return {"taken": done.taken, "put_off": done.put_off, "given_up": done.given_up}


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def retire(user_id: int) -> dict[str, Any]:
    """Erase one learner everywhere."""
    return api.retire(user_id)


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def due(letter_id: int) -> bool:
    """Start a letter whose time has come and let others share its sending; whether it was started here."""
    started = api.communicator.begin_letter(letter_id)
    if letter_id in api.communicator.idle_letters():
        api.communicator.share_letter(letter_id)
    return started


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def deliver(letter_id: int) -> str | None:
    """Send one batch of a letter, and come back for the next; when that is."""
    again = api.communicator.deliver_letter(letter_id)
    if again is None:
        return None
    send(deliver, letter_id, eta=again)
    return again.isoformat()


@shared_task(acks_late=True)  # type: ignore[untyped-decorator]
def letters() -> dict[str, int]:
    """Look at all letters: what is due is done, and their sending shared; what was done, counted."""
    done = api.communicator.sweep_letters()
    for letter_id in api.communicator.idle_letters():
        api.communicator.share_letter(letter_id)
    return done
