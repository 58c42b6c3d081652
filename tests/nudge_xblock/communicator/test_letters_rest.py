"""REST of letters: from draft to sent, for the staff of that course alone, audited, against real mail."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from nudge_xblock.communicator import automation, history
from nudge_xblock.communicator.models import Audit, Delivery, Letter
from nudge_xblock.models import Enrolment

from ..moments import COURSE, placed
from .conftest import SENDER, deliver, written
from .people import ALLOWED, API, OTHER, STAFF, WHO, clients
from .post_office import PostOffice, parts
from .staffed import DRAFT, call, learners

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site")]


def test_a_letter_from_draft_to_history(
    office: PostOffice, staff: Client, launched: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    learners()
    made = call(staff, "POST", "letters", DRAFT).json()
    assert (made["state"], made["sender"]) == ("draft", SENDER)
    number = made["id"]
    changed = call(staff, "PATCH", f"letters/{number}", {"subject": "Hi [:firstname:]"}).json()
    assert (changed["subject"], changed["body"]) == ("Hi [:firstname:]", DRAFT["body"])
    seen = call(staff, "POST", "letters/preview", {**DRAFT, "subject": "Hi [:firstname:]"}).json()
    assert (seen["matched"], seen["reachable"], seen["problems"]) == (3, 2, [])
    sent = call(staff, "POST", f"letters/{number}/send", {"expected": seen["matched"]})
    assert sent.json()["state"] == "scheduled"
    assert [letter_id for letter_id, _at in launched] == [number]
    letter = Letter.objects.get()
    automation.begin(number, timezone.now())
    deliver(letter, timezone.now())
    assert letter.deliveries.count() == seen["matched"]
    assert office.received.total() == seen["reachable"], "what was counted, chosen and sent is the same"
    assert office.received == {"learner1@example.org": 1, "learner2@example.org": 1}
    told = call(staff, "GET", f"letters/{number}").json()
    assert (told["state"], told["counts"]["sent"], told["counts"]["skipped"]) == ("sent", 2, 1)
    rows = call(staff, "GET", f"letters/{number}/deliveries").json()["deliveries"]
    assert {(row["state"], row["because"]) for row in rows} == {
        ("sent", ""),
        ("skipped", "No address is known."),
    }
    assert sorted(row["why"]["pass"] for row in rows) == [10, 20, 30]
    assert call(staff, "GET", "letters").json()[0]["id"] == number
    done = [row["what"] for row in call(staff, "GET", "audit").json()]
    assert (
        done[::-1]
        == [
            *("letter_drafted", "letter_changed", "letter_previewed", "letter_sent", "letter_seen"),
            *("deliveries_seen", "letters_seen", "audit_seen"),
        ][: len(done)]
    )
    assert Audit.objects.filter(what="letter_sent", letter=letter, detail__matched=3).exists()


def test_a_preview_and_the_history_tell_nobodys_name(office: PostOffice, staff: Client) -> None:
    learners()
    get_user_model().objects.filter(pk__lt=10).update(first_name="Secretname", last_name="Hidden")
    seen = call(staff, "POST", "letters/preview", DRAFT)
    assert seen.json()["subject"] == "Hello Learner"
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    call(staff, "POST", f"letters/{number}/send")
    automation.begin(number, timezone.now())
    deliver(Letter.objects.get(), timezone.now())
    assert "Secretname" in office.mails[0]["Subject"]
    texts = [seen.content.decode()]
    for path in ("letters", f"letters/{number}", f"letters/{number}/deliveries", "letters.csv"):
        texts.append(call(staff, "GET", path).content.decode())
    texts.append(call(staff, "GET", f"letters/{number}/deliveries.csv").content.decode())
    for text in texts:
        assert "Secretname" not in text
        assert "Hidden" not in text
        assert "learner1@" not in text
        assert "learner-1" not in text


def test_a_selection_that_changed_meanwhile_is_asked_about_again(staff: Client, launched: list[Any]) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    Enrolment.objects.filter(learner__user_id=4).update(predictions={"pass": 0.1})
    answer = call(staff, "POST", f"letters/{number}/send", {"expected": 3})
    assert answer.status_code == 409
    assert (answer.json()["matched"], answer.json()["reachable"]) == (4, 3)
    assert Letter.objects.get().state == "draft"
    assert launched == []


def test_of_two_who_change_a_draft_the_second_is_told_and_overwrites_nothing(staff: Client) -> None:
    first = call(staff, "POST", "letters", DRAFT).json()
    path, seen = f"letters/{first['id']}", first["updated"]
    changed = call(staff, "PATCH", path, {"subject": "From one", "seen": seen})
    assert changed.status_code == 200
    refused = call(staff, "PATCH", path, {"subject": "From another", "seen": seen})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "overtaken")
    assert Letter.objects.get().subject == "From one"
    again = call(staff, "PATCH", path, {"subject": "From another", "seen": changed.json()["updated"]})
    assert (again.status_code, again.json()["subject"]) == (200, "From another")
    assert call(staff, "PATCH", path, {"seen": 7}).status_code == 400


def test_a_letter_is_sent_once_however_often_the_button_is_pressed(
    staff: Client, launched: list[Any]
) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    answers = [call(staff, "POST", f"letters/{number}/send").status_code for _press in range(3)]
    assert answers == [200, 409, 409]
    assert len(launched) == 1


def test_what_was_sent_can_be_neither_changed_nor_thrown_away(staff: Client) -> None:
    number = written().pk
    assert call(staff, "PATCH", f"letters/{number}", {"subject": "x"}).status_code == 409
    assert call(staff, "DELETE", f"letters/{number}").status_code == 409
    draft = call(staff, "POST", "letters", {}).json()["id"]
    assert call(staff, "DELETE", f"letters/{draft}").status_code == 204
    assert Letter.objects.get().pk == number


def test_stop(staff: Client, office: PostOffice) -> None:
    learners()
    letter = written()
    automation.begin(letter.pk, timezone.now())
    told = call(staff, "POST", f"letters/{letter.pk}/stop").json()
    assert (told["state"], told["counts"]["skipped"]) == ("stopped", 4)
    assert call(staff, "POST", f"letters/{letter.pk}/stop").status_code == 409
    deliver(letter, timezone.now())
    assert office.mails == []


def test_a_test_mail_goes_to_the_caller_alone(staff: Client, office: PostOffice) -> None:
    learners()
    get_user_model().objects.filter(pk=STAFF).update(email="teacher@example.org", last_name="Teacher")
    answer = call(staff, "POST", "letters/test", DRAFT)
    assert answer.json() == {"sent_to": "teacher@example.org"}
    assert office.received == {"teacher@example.org": 1}
    assert "Teacher" in parts(office.mails[0])[0]
    assert not Delivery.objects.exists()


def test_test_mails_have_an_end(staff: Client, office: PostOffice) -> None:
    get_user_model().objects.filter(pk=STAFF).update(email="teacher@example.org")
    answers = [call(staff, "POST", "letters/test", DRAFT).status_code for _again in range(21)]
    assert answers == [200] * 20 + [429]


def test_a_mail_server_that_is_down_is_said(staff: Client) -> None:
    get_user_model().objects.filter(pk=STAFF).update(email="teacher@example.org")
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=1
    ):
        answer = call(staff, "POST", "letters/test", DRAFT)
    assert answer.status_code == 409
    assert "mail server" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "a\r\nBcc: everyone@example.org"}, {"subject": "x" * 201}, {"subject": 5},
        {"sender": "somebody@else.org"}, {"sender": f"{SENDER}\nBcc: x@y.z"},
        {"reply_to": "somebody@else.org"},
        {"selection": "pass=40-0"}, {"selection": "height=1-2"}, {"channel": "pigeon"}, {"wait_days": 0},
        {"wait_days": True}, {"at": "tomorrow"}, {"at": "2026-05-04T08:00:00"}, {"automatic_until": "soon"},
        {"automatic_until": "2026-02-31"}, {"links": "x"}, {"links": [1]}, {"links": [{}] * 11},
        {"body": "x" * 50_001}, {"body": "a\u0000b"}, [], "x",
    ],
)  # fmt: skip
def test_what_a_letter_cannot_hold_is_refused_in_words(staff: Client, wrong: Any) -> None:
    for path in ("letters", "letters/preview", "letters/test"):
        answer = call(staff, "POST", path, wrong)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]
    assert not Letter.objects.exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"subject": ""}, "Write a subject"),
        ({"body": ""}, "Write the message"),
        ({"body": "<p>[:nickname:]</p>"}, "no placeholder"),
        ({"selection": ""}, "Choose to whom"),
        ({"selection": "pass=99-100"}, "holds nobody"),
        ({"automatic_until": "2020-01-01"}, "is over"),
        ({"channel": "nudge", "body": "<p>[:firstname:]</p>", "subject": "x"}, "cannot say"),
    ],
)
def test_an_unfinished_letter_says_what_is_missing_and_is_not_sent(
    staff: Client, launched: list[Any], change: dict[str, Any], problem: str
) -> None:
    learners()
    placed()
    draft = DRAFT | change
    assert problem in " ".join(call(staff, "POST", "letters/preview", draft).json()["problems"])
    number = call(staff, "POST", "letters", draft).json()["id"]
    answer = call(staff, "POST", f"letters/{number}/send")
    assert answer.status_code == 400
    assert problem in answer.json()["error"]["message"]
    assert launched == []


def test_markup_is_cleaned_before_it_is_stored(staff: Client) -> None:
    row = call(staff, "POST", "letters", {"body": "<p>x</p><script>alert(1)</script><img src=x onerror=y>"})
    assert row.json()["body"] == "<p>x</p>"


def test_senders_are_those_of_the_course_and_answers_may_go_to_the_writer(staff: Client) -> None:
    get_user_model().objects.filter(pk=STAFF).update(email="teacher@example.org")
    with override_settings(NUDGE_MAIL_SENDERS={str(COURSE): ["num101@example.org"], "*": [SENDER]}):
        assert call(staff, "GET", "senders").json() == ["num101@example.org", SENDER]
        answers = call(staff, "GET", "senders?for=reply_to").json()
        assert answers == ["num101@example.org", SENDER, "teacher@example.org"]


def test_a_copy_is_a_new_draft_and_a_resend_leaves_out_whom_the_first_reached(
    staff: Client, office: PostOffice
) -> None:
    learners()
    number = call(staff, "POST", "letters", DRAFT).json()["id"]
    call(staff, "POST", f"letters/{number}/send")
    automation.begin(number, timezone.now())
    deliver(Letter.objects.get(), timezone.now())
    get_user_model().objects.filter(pk=3).update(email="learner3@example.org")
    copied = call(staff, "POST", "letters/copy", {"letter": number}).json()
    assert (copied["state"], copied["subject"], copied["reused_from"]) == ("draft", DRAFT["subject"], number)
    again = call(staff, "POST", "letters/copy", {"letter": number, "resend": True}).json()
    for each, matched in ((copied, 3), (again, 1)):
        draft = {name: each[name] for name in DRAFT}
        assert (
            call(staff, "POST", "letters/preview", {**draft, "id": each["id"]}).json()["matched"] == matched
        )
    call(staff, "POST", f"letters/{again['id']}/send", {"expected": 1})
    automation.begin(again["id"], timezone.now())
    deliver(Letter.objects.get(pk=again["id"]), timezone.now())
    assert office.received == {f"learner{user_id}@example.org": 1 for user_id in (1, 2, 3)}


def test_a_letter_is_carried_to_a_later_run_and_its_links_lead_there(staff: Client) -> None:
    old = str(COURSE).replace("2026", "2025")
    block = f"block-v1:{old.removeprefix('course-v1:')}+type@video+block@v1"
    get_user_model().objects.filter(pk=STAFF).update(is_staff=True)
    row = Letter.objects.create(
        course_key=old,
        subject="s",
        body=f'<p>[:link:{block}|here:] <a href="https://x.org/courses/{old}/x">y</a></p>',
        links=[{"label": "z", "url": block}],
        selection="seen=7-",
        sender="old@example.org",
    )
    copied = call(staff, "POST", "letters/copy", {"letter": row.pk, "course": old}).json()
    now = block.replace("2025", "2026")
    assert copied["body"] == f'<p>[:link:{now}|here:] <a href="https://x.org/courses/{COURSE}/x">y</a></p>'
    assert copied["links"] == [{"label": "z", "url": now}]
    assert (copied["selection"], copied["sender"]) == ("seen=7-", SENDER)


CALLS = (
    ("GET", "senders", None), ("GET", "letters", None), ("POST", "letters", DRAFT),
    ("POST", "letters/preview", DRAFT), ("POST", "letters/test", DRAFT), ("GET", "letters/{n}", None),
    ("PATCH", "letters/{n}", {"subject": "x"}), ("DELETE", "letters/{n}", None),
    ("POST", "letters/{n}/send", {}), ("POST", "letters/{n}/stop", {}),
    ("GET", "letters/{n}/deliveries", None), ("GET", "letters/{n}/deliveries.csv", None),
    ("GET", "letters.csv", None), ("POST", "letters/copy", {"letter": 1}),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_only_the_staff_of_this_course_may(method: str, path: str, body: Any, launched: list[Any]) -> None:
    number = written(state=Letter.State.DRAFT).pk
    people = clients()
    for who in WHO:
        if who not in ALLOWED:
            answer = call(people[who], method, path.format(n=number), body)
            assert answer.status_code == (401 if who == "anonymous" else 403), who
    assert Letter.objects.get().state == Letter.State.DRAFT
    assert launched == []


@pytest.mark.parametrize(("method", "path", "body"), [each for each in CALLS if "{n}" in each[1]])
def test_a_letter_of_another_course_is_not_there(
    staff: Client, method: str, path: str, body: Any, launched: list[Any]
) -> None:
    number = written(course_key=OTHER, state=Letter.State.DRAFT).pk
    before = list(Letter.objects.values())
    assert call(staff, method, path.format(n=number), body).status_code == 404
    assert list(Letter.objects.values()) == before
    assert launched == []


def test_a_letter_of_another_course_is_neither_copied_nor_counted(staff: Client) -> None:
    number = written(course_key=OTHER).pk
    assert call(staff, "POST", "letters/copy", {"letter": number}).status_code == 404
    assert call(staff, "POST", "letters/copy", {"letter": number, "course": OTHER}).status_code == 403
    assert call(staff, "POST", "letters/preview", {**DRAFT, "id": number}).status_code == 404
    assert Letter.objects.count() == 1


@pytest.mark.parametrize("token", ["", "forged", "anothers"])
@pytest.mark.parametrize(("method", "path", "body"), [each for each in CALLS if each[0] != "GET"])
def test_without_a_csrf_token_of_this_browser_nothing_is_done(
    method: str, path: str, body: Any, token: str, launched: list[Any]
) -> None:
    number = written(state=Letter.State.DRAFT).pk
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = clients()["course staff"].cookies
    strict.cookies["csrftoken"] = "c" * 32
    given = {"": {}, "forged": {"X-CSRFToken": "f" * 32}}.get(token)
    if given is None:
        given = {"X-CSRFToken": get_token(RequestFactory().get("/"))}
    answer = strict.generic(
        method, API + path.format(n=number), json.dumps(body), content_type="application/json", headers=given
    )
    assert answer.status_code == 403
    assert Letter.objects.count() == 1
    assert Letter.objects.get().state == Letter.State.DRAFT


def test_with_the_token_of_this_browser_it_is_done() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = clients()["course staff"].cookies
    strict.cookies["csrftoken"] = "c" * 32
    answer = strict.post(
        API + "letters", json.dumps({}), content_type="application/json", headers={"X-CSRFToken": "c" * 32}
    )
    assert answer.status_code == 201


def test_a_letter_at_a_time_is_asked_of_a_worker_for_then(staff: Client, launched: list[Any]) -> None:
    learners()
    at = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    number = call(staff, "POST", "letters", {**DRAFT, "at": at.isoformat()}).json()["id"]
    call(staff, "POST", f"letters/{number}/send")
    assert launched == [(number, at)]
    assert not automation.begin(number, timezone.now())


def test_history_is_told_a_page_at_a_time(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    learners()
    letter = written()
    automation.begin(letter.pk, timezone.now())
    monkeypatch.setattr(history, "PAGE", 3)
    first = call(staff, "GET", f"letters/{letter.pk}/deliveries").json()
    rest = call(staff, "GET", f"letters/{letter.pk}/deliveries?after={first['next']}").json()
    assert (len(first["deliveries"]), len(rest["deliveries"]), rest["next"]) == (3, 1, None)
    assert call(staff, "GET", f"letters/{letter.pk}/deliveries?after=x").status_code == 400


def test_tables_can_be_opened_in_a_spreadsheet(staff: Client, office: PostOffice) -> None:
    learners()
    letter = written(subject="=1+1")
    automation.begin(letter.pk, timezone.now())
    deliver(letter, timezone.now())
    table = call(staff, "GET", "letters.csv").content.decode().split("\r\n")
    assert table[0].startswith("id,state,subject,")
    assert "'=1+1" in table[1]
    rows = call(staff, "GET", f"letters/{letter.pk}/deliveries.csv").content.decode().split("\r\n")
    assert len(rows) == 1 + 4 + 1
