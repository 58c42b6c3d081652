"""Notices to the operator's system: signed, once, under pseudonyms, and nothing lost while it is down."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from nudge_xblock import starting, tasks
from nudge_xblock.atrisk import desk, notices
from nudge_xblock.atrisk.casework import settle
from nudge_xblock.atrisk.models import Case, CaseEvent, Notice
from nudge_xblock.checks import check_notices
from nudge_xblock.compat import platform

from ..moments import COURSE
from .receiver import SECRET, Receiver, listening
from .somebody import DAY, NOW, at_risk, flagged

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with listening() as server:
        settings.NUDGE_CASE_WEBHOOK_URL, settings.NUDGE_CASE_WEBHOOK_SECRET = server.url, SECRET
        yield server


def lived(user_id: int = 1) -> Case:
    """A case from the night that finds it until somebody resolves it."""
    case = flagged(user_id, 0.6)
    at_risk(user_id, 0.9)
    settle(COURSE, NOW + DAY)
    get_user_model().objects.create_user("tutor", pk=700, is_staff=True)
    for step in (
        lambda at: desk.assign(COURSE, 700, case.pk, 700, at, NOW + 2 * DAY),
        lambda at: desk.resolve(COURSE, 700, case.pk, "helped", "They told me why.", at, NOW + 3 * DAY),
        lambda at: desk.reopen(COURSE, 700, case.pk, at, NOW + 4 * DAY),
    ):
        case.refresh_from_db()
        step(case.version)
    desk.note(COURSE, 700, case.pk, "Between us.", NOW + 5 * DAY)
    return case


def test_each_change_is_told_once_in_order_and_signed(receiver: Receiver) -> None:
    case = lived()
    assert notices.send().taken == 5
    assert [told["what"] for told in receiver.told] == ["opened", "tier", "assigned", "resolved", "reopened"]
    assert len({told["id"] for told in receiver.told}) == 5
    for headers, body in receiver.calls:
        wanted = hmac.new(SECRET.encode(), f"{headers['Nudge-Timestamp']}.".encode() + body, hashlib.sha256)
        assert headers["Nudge-Signature"] == f"sha256={wanted.hexdigest()}"
        assert headers["Nudge-Id"] == json.loads(body)["id"]
    last = receiver.told[-1]["case"]
    assert (last["id"], last["course"], last["state"], last["assignee"]) == (
        case.pk,
        str(COURSE),
        "open",
        "tutor",
    )
    assert notices.send().taken == 0
    assert len(receiver.calls) == 5


def test_the_receiver_in_the_reference_tells_genuine_calls_from_others(receiver: Receiver) -> None:
    text = (Path(__file__).parents[3] / "docs/reference/cases.md").read_text(encoding="utf-8")
    told: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], told)
    flagged(1)
    notices.send()
    [(headers, body)] = receiver.calls
    stamp, signature = headers["Nudge-Timestamp"], headers["Nudge-Signature"]
    assert told["genuine"](SECRET, stamp, signature, body)
    assert not told["genuine"](SECRET, str(int(stamp) + 1), signature, body)
    assert not told["genuine"](SECRET, stamp, signature, body + b" ")
    assert not told["genuine"]("another secret of many letters", stamp, signature, body)
    example = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    sent = json.loads(body)
    assert (set(sent), set(sent["case"])) == (set(example), set(example["case"]))


def test_the_learner_is_told_under_a_pseudonym_and_nothing_that_staff_wrote(receiver: Receiver) -> None:
    case = lived(918273645)
    notices.send()
    sent = b"".join(body for _headers, body in receiver.calls)
    assert receiver.told[0]["case"]["learner"] == platform().anonymous_id(918273645, COURSE)[:16]
    for secret in ("918273645", "learner-918273645", "Between us", "They told me", "Zoë", SECRET):
        assert secret.encode() not in sent
    assert Case.objects.get(pk=case.pk).events.count() == 6


def test_nothing_is_lost_while_the_other_side_is_down(receiver: Receiver) -> None:
    lived()
    receiver.status = 503
    first = notices.send()
    assert (first.taken, first.put_off) == (0, 5)
    assert len(receiver.calls) == 1, "the others are not tried while it is down"
    assert first.again is not None
    assert first.again > timezone.now()
    assert Notice.objects.filter(problem="answered 503", tries=1).count() == 1
    receiver.status = 200
    assert notices.send().taken == 0, "all wait for the time at which it is asked again"
    assert notices.send(first.again).taken == 5
    assert len({told["id"] for told in receiver.told}) == 5
    assert not Notice.objects.filter(next_try__isnull=False).exists()
    assert set(Notice.objects.values_list("problem", flat=True)) == {""}


def test_nobody_at_the_address_is_not_the_end(settings: Any, receiver: Receiver) -> None:
    there = settings.NUDGE_CASE_WEBHOOK_URL
    settings.NUDGE_CASE_WEBHOOK_URL = "http://127.0.0.1:1/"
    flagged(1)
    for tries in range(1, 4):
        sent = notices.send(timezone.now() + tries * DAY)
        assert (sent.taken, sent.put_off) == (0, 1)
    assert Notice.objects.get().problem == "not reached: ConnectionError"
    settings.NUDGE_CASE_WEBHOOK_URL = there
    assert notices.send(timezone.now() + 9 * DAY).taken == 1


def test_one_that_is_refused_does_not_keep_the_others_back(receiver: Receiver) -> None:
    lived()
    receiver.status = 400
    sent = notices.send()
    assert (sent.taken, sent.put_off, len(receiver.calls)) == (0, 5, 5)


def test_pauses_grow_and_have_an_end() -> None:
    pauses = [notices.pause(tries) for tries in range(40)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[1], pauses[-1]) == (
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=30),
    )


def test_after_a_month_it_is_given_up_and_says_why(receiver: Receiver) -> None:
    flagged(1, now=timezone.now() - 31 * DAY)
    receiver.status = 500
    assert notices.send().given_up == 1
    row = Notice.objects.get()
    assert (row.next_try, row.taken, row.problem) == (None, None, "answered 500")


def test_a_worker_that_died_leaves_its_notice_to_another(receiver: Receiver) -> None:
    flagged(1)
    [due] = notices._due(timezone.now())
    assert notices._claim(due)
    assert not notices._claim(due), "of two that take up the same, one has it"
    assert notices.send().taken == 0
    assert notices.send(timezone.now() + notices.LEASE).taken == 1


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with listening() as other:
        receiver.status, receiver.elsewhere = 307, other.url
        flagged(1)
        assert notices.send().put_off == 1
        assert other.calls == []


@pytest.mark.parametrize(
    ("url", "secret"),
    [("", SECRET), ("http://example.org/cases", SECRET), ("ftp://example.org", SECRET), ("https://", SECRET),
     ("https://example.org/cases", "short")],
)  # fmt: skip
def test_without_a_safe_address_and_a_secret_nobody_is_told(settings: Any, url: str, secret: str) -> None:
    settings.NUDGE_CASE_WEBHOOK_URL, settings.NUDGE_CASE_WEBHOOK_SECRET = url, secret
    flagged(1)
    assert not Notice.objects.exists()
    assert notices.send() == notices.Sent()
    assert bool(check_notices()) is bool(url)


def test_a_safe_address_with_a_secret_is_nothing_to_complain_about(settings: Any) -> None:
    settings.NUDGE_CASE_WEBHOOK_URL = "https://example.org/cases"
    settings.NUDGE_CASE_WEBHOOK_SECRET = SECRET
    assert check_notices() == []


def test_what_a_rolled_back_change_would_have_told_is_not_told(receiver: Receiver) -> None:
    case = flagged(1)
    with pytest.raises(desk.Changed):
        desk.assign(COURSE, 700, case.pk, None, 5, NOW)
    assert Notice.objects.count() == 1


def test_a_worker_is_asked_once_the_change_is_stored_and_comes_back(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    asked: list[tuple[str, Any]] = []
    monkeypatch.setattr(starting, "has_broker", lambda: True)
    monkeypatch.setattr(tasks, "send", lambda task, *args, eta=None: asked.append((task.name, eta)))
    with django_capture_on_commit_callbacks(execute=True):
        flagged(1)
    assert asked == [("nudge_xblock.tasks.case_notices", None)]
    receiver.status = 503
    assert tasks.case_notices() == {"taken": 0, "put_off": 1, "given_up": 0}
    assert asked[1][0] == "nudge_xblock.tasks.case_notices"
    assert asked[1][1] > timezone.now()
    assert tasks.case_notices() == {"taken": 0, "put_off": 0, "given_up": 0}
    assert len(asked) == 2, "a second worker that finds nothing due does not come back as well"


@pytest.mark.parametrize("status", [500, 503, 401, 404, 429])
def test_however_many_changes_there_are_one_worker_asks_whether_the_other_side_is_up_again(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    status: int,
) -> None:
    queued: list[Any] = []
    monkeypatch.setattr(starting, "has_broker", lambda: True)
    monkeypatch.setattr(tasks, "send", lambda task, *args, eta=None: queued.append(eta))
    receiver.status = status
    with django_capture_on_commit_callbacks(execute=True):
        for user_id in range(1, 5):
            flagged(user_id)
    for _ in range(len(queued)):
        tasks.case_notices()
    assert len(receiver.calls) == 1, "the first finds it down for all"
    [again] = [eta for eta in queued if eta is not None]
    with django_capture_on_commit_callbacks(execute=True):
        flagged(9)
    assert [eta for eta in queued if eta is not None] == [again]
    assert queued.count(None) == 4, "while it is down nobody else is asked to try"
    receiver.status = 200
    assert notices.send(again + timedelta(seconds=1)).taken == 5


def test_of_two_workers_that_find_it_down_one_comes_back(receiver: Receiver) -> None:
    for user_id in (1, 2):
        flagged(user_id)
    receiver.status = 503
    mine, other = notices._due(timezone.now())
    assert notices._claim(other)
    first = notices.send()
    assert first.again is not None
    with requests.Session() as session:
        second = notices.Sent()
        assert not notices._sent(session, other, second)
    assert (second.put_off, second.again) == (1, None)
    waits = set(Notice.objects.values_list("next_try", flat=True))
    assert waits == {first.again}, "and then all are sent"
    assert mine.pk != other.pk


def test_what_is_stored_while_a_worker_sends_is_not_left_lying(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    flagged(1)
    post = notices._post

    def meanwhile(session: Any, notice: Notice) -> None:
        post(session, notice)
        if len(receiver.calls) == 1:
            flagged(2)

    monkeypatch.setattr(notices, "_post", meanwhile)
    first = notices.send()
    assert (first.taken, first.again is not None) == (1, True)
    assert notices.send().taken == 1


def test_cron_sends_what_waits(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "BATCH", 2)
    lived()
    said = StringIO()
    call_command("nudge_notices", stdout=said)
    assert said.getvalue() == "5 taken, 0 put off, 0 given up\n"


def test_a_database_that_tells_no_numbers_stores_notices_all_the_same(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = CaseEvent.objects.bulk_create

    def silent(rows: Any, **options: Any) -> Any:
        made = real(rows, **options)
        for row in made:
            row.pk = None
        return made

    monkeypatch.setattr(CaseEvent.objects, "bulk_create", silent)
    for user_id in (1, 2):
        at_risk(user_id, 0.9)
    settle(COURSE, NOW)
    at_risk(1, 0.1)
    settle(COURSE, NOW)
    assert sorted(Notice.objects.values_list("event__what", flat=True)) == ["closed", "opened", "opened"]
