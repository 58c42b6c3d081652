"""Retirement leaves nothing of a learner in any table or file, and can be repeated."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import labels, receivers, retirement
from nudge_xblock.apps import NudgeConfig
from nudge_xblock.atrisk.models import Case, CaseEvent, Notice, Risk, RiskDay, RiskSettings
from nudge_xblock.communicator.models import Audit, Delivery, Letter, SavedSelection, Suppression
from nudge_xblock.models import (
    Decision,
    Enrolment,
    InboxEvent,
    Learner,
    Placement,
    PredictionDay,
    Variant,
)
from predictor.events import Event
from predictor.sequences import EventStore

pytestmark = pytest.mark.django_db

COURSE = CourseKey.from_string("course-v1:Org+Course+Run")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
GONE, STAYS = 918273645, 192837465
USERNAME = "ada-of-the-logs"
HOLDING = {
    "Learner", "Enrolment", "Decision", "InboxEvent", "Letter", "Delivery", "SavedSelection", "Audit",
    "Case", "CaseEvent", "RiskSettings",
}  # fmt: skip


@pytest.fixture
def learners(stores: Path) -> Path:
    """Two learners with something of theirs in every table and file."""
    get_user_model().objects.create_user(USERNAME, pk=GONE)
    placement = Placement.objects.create(key="n", course_key=COURSE)
    variant = Variant.objects.create(placement=placement, digest="d", heading="h", body="b")
    for user_id in (GONE, STAYS):
        learner = Learner.objects.create(user_id=user_id, profile={"country": "FR"})
        enrolment = Enrolment.objects.create(learner=learner, course_key=COURSE, state=str(user_id).encode())
        PredictionDay.objects.create(enrolment=enrolment, day=date(2026, 11, 20), predictions={"pass": 0.5})
        Decision.objects.create(
            moment=f"m{user_id}", learner=learner, course_key=COURSE, placement=placement, variant=variant,
            reason="cold", propensity=1, propensities={}, draw=0.5, created=NOW, inputs={"user": user_id},
        )  # fmt: skip
        InboxEvent.objects.create(
            digest=f"{user_id:032}", course_key=COURSE, user_id=user_id, time=NOW, token="play_video"
        )
        letter = Letter.objects.create(
            course_key=COURSE,
            author_id=user_id,
            reply_to=f"{user_id}@example.org",
            reply_owner_id=user_id,
        )
        Delivery.objects.create(letter=letter, learner=learner, why={"pass": 12}, message_id=f"<{user_id}>")
        Suppression.objects.create(address=f"hash-{len(str(user_id))}-{user_id == GONE}", learner=learner)
        SavedSelection.objects.create(course_key=COURSE, name=f"of {user_id == GONE}", author_id=user_id)
        Audit.objects.create(course_key=COURSE, user_id=user_id, what="learners_seen", letter=letter)
        at_risk(enrolment, user_id)
    events = [
        Event(str(COURSE), learner, NOW.timestamp() + second, "play_video", "v1")
        for learner in (str(GONE), str(STAYS), USERNAME)
        for second in range(3)
    ]
    EventStore(settings.NUDGE_EVENTS_DIR).append(events)
    for table in (labels.trained_on(), labels.held_out()):
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(
            f"course_id,learner_id,pass\n{COURSE},{GONE},1\n{COURSE},{STAYS},0\n", encoding="utf-8"
        )
    return stores


def at_risk(enrolment: Enrolment, user_id: int) -> Case:
    """The enrolment's risk, day and case; the user beside worked on it, as if a member of staff."""
    Risk.objects.create(enrolment=enrolment, chance=0.9, baseline=0.0, days=3, share=0.5, at=NOW)
    RiskDay.objects.create(enrolment=enrolment, day=NOW.date(), chance=0.9)
    case = Case.objects.create(
        enrolment=enrolment, course_key=COURSE, group="absence", tier="high", chance=0.9, chance_opened=0.9,
        owner="adviser", assignee_id=user_id, opened=NOW, tier_since=NOW, slot=f"enrolment {enrolment.pk}",
    )  # fmt: skip
    note = CaseEvent.objects.create(
        case=case, at=NOW, what="note", author_id=user_id, about_id=user_id, text="Called them."
    )
    Notice.objects.create(event=note, next_try=NOW)
    RiskSettings.objects.create(
        course_key=f"course-v1:Org+Course+{user_id == GONE}",
        marginal=50,
        moderate=70,
        high=85,
        author_id=user_id,
    )
    return case


def tables_with(text: str) -> list[str]:
    """Every table of ours in which some column of some row holds `text`."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("nudge_xblock").get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            rows = cursor.fetchall()
            if any(text.encode() in _bytes(value) for row in rows for value in row):
                found.append(model.__name__)
    return found


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_the_learner_is_in_tables_and_files_before(learners: Path) -> None:
    assert set(tables_with(str(GONE))) >= HOLDING
    assert len(files_with(str(GONE), learners)) >= 3
    assert files_with(USERNAME, learners)


def test_nothing_of_the_learner_is_left_anywhere(learners: Path) -> None:
    retirement.retire(GONE)
    assert tables_with(str(GONE)) == []
    assert files_with(str(GONE), learners) == []
    assert files_with(USERNAME, learners) == []


def test_what_was_erased_is_counted(learners: Path) -> None:
    found = retirement.retire(GONE)
    assert (found["events"], found["labels"], found["live_events"]) == (6, 2, 1)
    assert found["rows"] >= 4


def test_others_keep_everything(learners: Path) -> None:
    retirement.retire(GONE)
    assert set(tables_with(str(STAYS))) >= HOLDING
    assert EventStore(settings.NUDGE_EVENTS_DIR).sequences(str(COURSE)).learners == [str(STAYS)]
    assert Variant.objects.count() == 1
    assert PredictionDay.objects.count() == 1


def test_who_must_not_be_mailed_stays_so_and_leads_to_nobody(learners: Path) -> None:
    before = set(Suppression.objects.values_list("address", flat=True))
    retirement.retire(GONE)
    rows = dict(Suppression.objects.values_list("address", "learner__user_id"))
    assert set(rows) == before
    assert sorted(rows.values(), key=bool) == [None, STAYS]


def test_what_staff_wrote_and_did_stays_without_them(learners: Path) -> None:
    assert retirement.retire(GONE)["written"] == 4, "a letter, a selection, a call, a course's settings"
    letter = Letter.objects.get(author_id=None)
    assert letter.reply_to == ""
    assert (letter.audit.get().what, letter.audit.get().user_id) == ("learners_seen", None)
    assert SavedSelection.objects.filter(author_id=None).count() == 1


def test_of_a_learner_no_risk_and_no_case_is_left(learners: Path) -> None:
    retirement.retire(GONE)
    for table in (Risk, RiskDay, Case):
        assert list(table.objects.values_list("enrolment__learner__user_id", flat=True)) == [STAYS]
    assert list(CaseEvent.objects.values_list("case__enrolment__learner__user_id", flat=True)) == [STAYS]
    assert Notice.objects.count() == 1


def test_notes_of_a_member_of_staff_stay_without_them_and_their_cases_wait_for_somebody(
    learners: Path,
) -> None:
    case = Case.objects.get(enrolment__learner__user_id=STAYS)
    Case.objects.filter(pk=case.pk).update(assignee_id=GONE)
    case.events.update(author_id=GONE, about_id=GONE)
    retirement.retire(GONE)
    case.refresh_from_db()
    note = case.events.get()
    assert (case.assignee_id, case.state) == (None, "open")
    assert (note.text, note.author_id, note.about_id) == ("Called them.", None, None)


def test_an_address_for_answers_goes_with_its_owner_though_somebody_else_sent_the_letter(
    learners: Path,
) -> None:
    sent = Letter.objects.get(author_id=GONE)
    Letter.objects.filter(pk=sent.pk).update(author_id=STAYS)
    of_the_course = Letter.objects.create(course_key=COURSE, author_id=GONE, reply_to="course@example.org")
    assert retirement.retire(GONE)["written"] == 5
    sent.refresh_from_db()
    assert (sent.author_id, sent.reply_to, sent.reply_owner_id) == (STAYS, "", None)
    of_the_course.refresh_from_db()
    assert (of_the_course.author_id, of_the_course.reply_to) == (None, "course@example.org")


def test_it_can_be_repeated(learners: Path) -> None:
    retirement.retire(GONE)
    assert set(retirement.retire(GONE).values()) == {0}


def test_a_learner_who_was_never_here_is_no_error(stores: Path) -> None:
    assert set(retirement.retire(5).values()) == {0}


def test_interrupted_in_the_files_it_is_finished_by_the_next_attempt(
    learners: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(retirement, "_erase_rows", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            retirement.retire(GONE)
    assert "Learner" in tables_with(str(GONE)), "the rows still say that it must be repeated"
    retirement.retire(GONE)
    assert tables_with(str(GONE)) == []
    assert files_with(str(GONE), learners) == []


def test_the_draft_of_an_attempt_that_was_killed_is_removed_by_the_next(learners: Path) -> None:
    draft = labels.trained_on().with_name(f".{labels.trained_on().name}.4711")
    draft.write_text(f"course_id,learner_id,pass\n{COURSE},{GONE},1\n", encoding="utf-8")
    long_ago = time.time() - 2 * retirement.ABANDONED
    os.utime(draft, (long_ago, long_ago))
    retirement.retire(GONE)
    assert not draft.exists()


def test_a_draft_that_is_finished_meanwhile_is_no_error(
    learners: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = labels.trained_on().with_name(f".{labels.trained_on().name}.4711")
    monkeypatch.setattr(Path, "rglob", lambda *_: iter([finished]))
    retirement._sweep(learners)


def test_events_that_are_read_again_do_not_bring_the_learner_back(learners: Path) -> None:
    retirement.retire(GONE)
    store = EventStore(settings.NUDGE_EVENTS_DIR)
    store.append([Event(str(COURSE), str(GONE), NOW.timestamp() + 99, "play_video")])
    assert store.sequences(str(COURSE)).learners == [str(STAYS)]


def test_the_platforms_signal_erases_the_user_it_names(learners: Path) -> None:
    receivers.retire_learner(sender=None, user=get_user_model().objects.get(pk=GONE))
    assert tables_with(str(GONE)) == []


def test_both_signals_of_the_platform_are_listened_to_in_the_lms() -> None:
    config = NudgeConfig.plugin_app["signals_config"]["lms.djangoapp"]
    listened = {each["signal_path"].rpartition(".")[2]: each for each in config["receivers"]}
    assert set(listened) == {"USER_RETIRE_LMS_MISC", "USER_RETIRE_LMS_CRITICAL"}
    for each in listened.values():
        assert getattr(receivers, each["receiver_func_name"]) is receivers.retire_learner
