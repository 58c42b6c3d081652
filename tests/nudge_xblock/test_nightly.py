"""The night as a whole: steps apart from each other, and a record that says what happened."""

from __future__ import annotations

from typing import Any

import pytest

from nudge_xblock import api, nightly, nights, remarks, slots
from nudge_xblock.models import Night
from nudge_xblock.night import Run, Skipped
from nudge_xblock.nightly import Step

from .nighttime import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


def fine(job: Run) -> str:
    job.figures["count"] = 3
    job.report(0.5, "half way")
    return "All is done."


def idle(job: Run) -> str:
    raise Skipped("Nothing to do.")


def stay(job: Run) -> str:
    raise Skipped(remarks.remark("all_stay"))


def bad(job: Run) -> str:
    raise OSError("the disk is full")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace the night's steps, keeping the two that the verdict is made of."""

    def put(*middle: Step) -> None:
        ends = (Step("models", fine, 0.1), *middle, Step("promote", idle, 0.1))
        monkeypatch.setattr(nightly, "STEPS", ends)

    return put


def test_a_failed_step_is_recorded_and_only_what_needs_it_is_left_out(steps: Any) -> None:
    steps(Step("a", bad, 0.4), Step("b", fine, 0.2, ("a",)), Step("c", fine, 0.2))
    night = api.run_night(NOW)
    assert night.failed
    assert night.step == "a"
    assert {name: report["state"] for name, report in night.steps.items()} == {
        "models": "done", "a": "failed", "b": "skipped", "c": "done", "promote": "skipped",
    }  # fmt: skip
    assert [each["code"] for each in night.verdict] == ["failed_step"]
    assert "This step failed: “a”." in remarks.text(night.verdict)
    assert night.steps["b"]["words"] == "Not done, because it needs what the step a did not give."
    assert night.steps["c"]["count"] == 3
    assert night.slot is None


def test_course_staff_read_that_a_step_failed_and_whoever_runs_the_site_why(
    steps: Any, caplog: pytest.LogCaptureFixture
) -> None:
    steps(Step("train", bad, 0.4))
    told: list[str] = []
    night = api.run_night(NOW, lambda step, progress, words: told.append(words))
    for shown in (api.night_status(night.pk), nights.describe([night]), api.verdict(night), api.nights()):
        assert "the disk is full" not in str(shown)
    assert "This step failed: “Training the new model”." in api.verdict(night)
    assert "the disk is full" in caplog.text
    assert "OSError: the disk is full" in told
    assert api.night_errors(night) == "train: OSError: the disk is full"


def test_progress_only_rises_is_told_to_the_reporter_and_written_as_it_goes(steps: Any) -> None:
    written: list[tuple[str, float]] = []

    def look(job: Run) -> str:
        row = Night.objects.get()
        written.append((row.step, row.progress))
        return "Looked."

    steps(Step("a", fine, 0.4), Step("look", look, 0.2))
    told: list[tuple[str, float, str]] = []
    night = api.run_night(NOW, lambda *said: told.append(said))
    shares = [share for _, share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert ("a", pytest.approx(0.1 / 0.8 + 0.2 / 0.8), "half way") in told
    assert written == [("look", pytest.approx(0.5 / 0.8))]
    assert (night.progress, night.failed, night.step) == (1.0, False, "")


def test_a_night_that_is_told_to_stop_leaves_the_slot_and_says_where_it_was(steps: Any) -> None:
    def stopped(job: Run) -> str:
        raise KeyboardInterrupt

    steps(Step("a", stopped, 0.5))
    with pytest.raises(KeyboardInterrupt):
        api.run_night(NOW)
    night = Night.objects.get()
    assert (night.slot, night.failed) == (None, True)
    assert "stopped at “a”" in remarks.text(night.verdict)


def test_a_night_that_lost_its_slot_stops_at_once_and_writes_nothing_more(steps: Any) -> None:
    def robbed(job: Run) -> str:
        Night.objects.update(slot=None, verdict=[remarks.remark("all_stay")])
        job._beaten = 0.0
        job.report(0.5)
        raise AssertionError("it went on")

    steps(Step("a", robbed, 0.5))
    with pytest.raises(slots.LostSlot):
        api.run_night(NOW)
    assert Night.objects.get().verdict == [remarks.remark("all_stay")]


def test_what_the_steps_remark_on_is_the_verdict_in_the_readers_language(steps: Any) -> None:
    def mend(job: Run) -> str:
        return job.tell("mended", version="v1")

    steps(Step("a", mend, 0.2), Step("b", stay, 0.2), Step("c", idle, 0.2))
    night = api.run_night(NOW)
    assert [each["code"] for each in night.verdict] == ["mended", "all_stay"]
    assert night.steps["a"]["words"] == "The one before it, v1, serves again."
    assert night.steps["b"]["words"] == "The models that serve stay."
    assert nightly.describe(night)["verdict"] == (
        "The one before it, v1, serves again. The models that serve stay."
    )


@pytest.mark.train
def test_a_night_on_an_empty_site_is_no_failure_and_says_what_is_missing() -> None:
    night = api.run_night(NOW)
    assert not night.failed
    assert "there are no events yet" in remarks.text(night.verdict)
    assert night.model_version == ""
    assert (
        night.steps["refresh"]["words"] == "No model serves yet: 0 enrolments are known, none is predicted."
    )


def test_parts_of_the_night_are_nights_too() -> None:
    night = api.refresh(NOW)
    assert list(night.steps) == ["models", "refresh", "risk"]
    assert remarks.text(night.verdict) == "Done."
    assert list(api.assess(NOW).steps) == ["models", "risk"]
    learning = ["models", "label", "train", "evaluate", "helpfulness", "risk_train", "promote"]
    assert list(api.train(NOW).steps) == learning


def test_the_status_of_a_killed_night_is_its_end() -> None:
    Night.objects.create(
        started=NOW, slot=slots.SLOT, runner=f"{slots._place()}/999999999/1/x", beat=NOW, step="train"
    )
    found = api.night_status()
    assert (found["running"], found["failed"]) == (False, True)
    assert "The night stopped at “Training the new model”: its process is gone." in found["verdict"]
    assert api.night_status(12345) == {}
    assert [night["id"] for night in api.nights()] == [found["id"]]
