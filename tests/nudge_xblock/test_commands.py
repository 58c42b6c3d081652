"""The commands, as cron and operators call them."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from nudge_xblock import courses, slots
from nudge_xblock.management.progress import Bar, Lines, reporter_for
from nudge_xblock.models import Enrolment, Learner, Night
from nudge_xblock.night import ENGAGEMENT, models

from . import engagement
from .atrisk import term
from .moments import COURSE
from .nighttime import NOW, event, store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


class Out(io.StringIO):
    """Standard output that is a terminal or not."""

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def run(*arguments: str, **options: Any) -> str:
    out = Out()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_the_night_tells_its_steps_line_by_line_and_its_verdict() -> None:
    said = run("nudge_nightly", "--now", "2026-11-20T03:00:00")
    assert "0% models" in said
    assert "refresh: No model serves yet" in said
    assert "\r" not in said
    assert f"Night {Night.objects.get().pk} is done." in said
    assert Night.objects.get().started == NOW


def test_a_failed_step_is_the_commands_failure(settings: Any, stores: Path) -> None:
    (stores / "logs").mkdir()
    (stores / "logs" / "tracking.log.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(CommandError, match=r"failed in step ingest.*tracking.log.gz") as error:
        run("nudge_nightly")
    assert error.value.returncode == 1


def test_a_night_under_way_is_an_error_in_words() -> None:
    slots.claim(NOW)
    for command in ("nudge_nightly", "nudge_train", "nudge_refresh", "nudge_assess"):
        with pytest.raises(CommandError, match="already running"):
            run(command)


def test_on_a_terminal_a_bar_is_drawn_over_and_each_step_leaves_its_words() -> None:
    out = Out(terminal=True)
    call_command("nudge_nightly", stdout=out)
    said = out.getvalue()
    assert said.count("\r") > 20
    assert "[########################] 100% tidy" in said
    assert "  ingest: 0 live events" in said


def test_the_reporter_fits_the_output() -> None:
    from django.core.management.base import OutputWrapper

    assert isinstance(reporter_for(OutputWrapper(Out(terminal=True))), Bar)
    assert isinstance(reporter_for(OutputWrapper(Out())), Lines)


def test_logs_are_ingested_with_a_report_and_missing_ones_are_named(stores: Path) -> None:
    log = stores / "some.log"
    log.write_text("no json\n")
    assert "1 malformed lines" in run("nudge_ingest", str(log))
    with pytest.raises(CommandError, match="nowhere"):
        run("nudge_ingest", str(stores / "nowhere"))
    (stores / "cut.log.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(CommandError, match=r"Not read to the end: .*cut.log.gz"):
        run("nudge_ingest", str(stores / "cut.log.gz"))


def test_a_course_is_refreshed_by_its_key(settings: Any) -> None:
    engagement.publish(settings.NUDGE_MODEL_DIR)
    store(event(7, timedelta(days=1)))
    assert f"{COURSE}: 1 enrolments refreshed." in run("nudge_refresh", str(COURSE), now=NOW)
    assert Enrolment.objects.get().predicted_at == NOW
    with pytest.raises(CommandError, match="Harbour is no course key"):
        run("nudge_refresh", "Harbour")


def test_courses_are_assessed_by_name_and_what_is_missing_is_said() -> None:
    with pytest.raises(CommandError, match="no risk model has been promoted"):
        run("nudge_assess", str(COURSE))
    with pytest.raises(CommandError, match="Harbour is no course key"):
        run("nudge_assess", "Harbour")
    assert "No risk model serves yet" in run("nudge_assess")
    term.serve(models().path)
    Enrolment.objects.create(learner=Learner.objects.create(user_id=7), course_key=COURSE)
    store(event(7, timedelta(days=3)))
    assert run("nudge_assess", str(COURSE), "--now", NOW.isoformat()) == f"{COURSE}: 1 learners assessed.\n"
    assert "1 learners of 1 course runs were assessed" in run("nudge_assess", "--now", NOW.isoformat())


def test_versions_are_promoted_and_rolled_back_by_name(settings: Any) -> None:
    old = engagement.publish(settings.NUDGE_MODEL_DIR, seed=1)
    new = engagement.publish(settings.NUDGE_MODEL_DIR, seed=2)
    assert f"engagement model {old} serves again" in run("nudge_rollback")
    assert f"engagement model {new} serves." in run("nudge_promote", new)
    assert models().current(ENGAGEMENT) == new
    with pytest.raises(CommandError, match="there is no engagement model"):
        run("nudge_promote", "20200101T000000Z-00000000")
    with pytest.raises(CommandError, match="nothing to roll back to"):
        run("nudge_rollback", "--kind", "helpfulness")
    file = models().path / ENGAGEMENT / old / "model.safetensors"
    file.write_bytes(b"x")
    with pytest.raises(CommandError, match="cut short or edited"):
        run("nudge_promote", old)
    assert models().current(ENGAGEMENT) == new


def test_a_learner_is_retired_by_name_or_id_and_digits_are_always_an_id() -> None:
    people = get_user_model().objects
    people.create_user("lena", pk=7)
    people.create_user("8", pk=9)
    for user_id in (7, 8, 9):
        Learner.objects.create(user_id=user_id)
        store(event(user_id, timedelta(days=1)))
    assert "1 events" in run("nudge_retire", "lena")
    run("nudge_retire", "8")
    assert list(Learner.objects.values_list("user_id", flat=True)) == [9]
    assert courses.event_store().sequences(str(COURSE)).learners == ["9"]
    with pytest.raises(CommandError, match="There is no user called nobody"):
        run("nudge_retire", "nobody")


@pytest.mark.parametrize("name", ["nightly", "ingest", "train", "refresh", "promote", "rollback", "retire"])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import load_command_class

    command = load_command_class("nudge_xblock", f"nudge_{name}")
    assert len(command.help) > 50
    command.print_help("manage.py", f"nudge_{name}")
    assert command.help.split()[0] in capsys.readouterr().out
