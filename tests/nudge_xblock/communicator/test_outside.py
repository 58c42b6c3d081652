"""What comes from mails and mail providers without a login: done for its own token alone, harmless twice."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from nudge_xblock.communicator import suppression, tokens
from nudge_xblock.communicator.models import Delivery, Letter, Suppression
from nudge_xblock.communicator.reach import reachable
from nudge_xblock.communicator.tokens import Forged, Subscriber
from nudge_xblock.models import Enrolment, Learner

from ..moments import COURSE
from .conftest import send, written
from .learners import learner
from .post_office import PostOffice, parts

pytestmark = [pytest.mark.django_db(transaction=True)]
SECRET = "a secret of the mail provider"
BOUNCES = "/api/nudge/v1/letters/bounces"
OTHER = "course-v1:Elsewhere+X+1"


@pytest.fixture
def strict() -> Client:
    """A client whose every unsafe request is checked for a CSRF token, logged in nowhere."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture(autouse=True)
def no_cool_down() -> Iterator[None]:
    with override_settings(NUDGE_COOL_DOWN_MINUTES=0, NUDGE_CAP_PER_DAY=99, NUDGE_CAP_PER_WEEK=99):
        yield


def link(office: PostOffice, place: int = 0) -> str:
    """The path of a mail's unsubscribe link."""
    found = office.mails[place]["List-Unsubscribe"].strip(" <>")
    assert found.startswith("https://learn.example.org/")
    return str(found).removeprefix("https://learn.example.org")


def test_looking_at_the_page_changes_nothing(office: PostOffice, strict: Client) -> None:
    learner(1)
    send(written())
    for method in (strict.get, strict.head):
        page = method(link(office))
        assert page.status_code == 200
    assert "No more mail about" in strict.get(link(office)).content.decode()
    assert not Suppression.objects.exists()
    assert page["Cache-Control"] == "private, no-store"
    assert page["Referrer-Policy"] == "no-referrer"


def test_one_click_is_enough_and_needs_no_login_and_no_csrf_token(office: PostOffice, strict: Client) -> None:
    learner(1)
    send(written())
    answer = strict.post(link(office), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    row = Suppression.objects.get()
    assert (row.scope, row.why, row.learner) == (str(COURSE), "unsubscribed", Learner.objects.get())
    send(written())
    assert office.received.total() == 1


def test_a_replayed_click_changes_nothing_more(office: PostOffice, strict: Client) -> None:
    learner(1)
    send(written())
    for _again in range(3):
        assert strict.post(link(office), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Suppression.objects.count() == 1


def test_the_whole_site_can_be_left_and_entered_again(office: PostOffice, strict: Client) -> None:
    learner(1)
    send(written())
    strict.post(link(office), {"scope": "site"})
    assert Suppression.objects.get().scope == ""
    assert "Receive them again" in strict.get(link(office)).content.decode()
    strict.post(link(office), {"scope": "none"})
    assert not Suppression.objects.exists()
    send(written())
    assert office.received.total() == 2


def test_coming_back_does_not_bring_a_dead_address_back(office: PostOffice, strict: Client) -> None:
    learner(1)
    send(written())
    suppression.suppress(suppression.mark("learner1@example.org"), "", "bounced")
    strict.post(link(office), {"scope": "none"})
    assert Suppression.objects.get().why == "bounced"


@pytest.mark.parametrize("why", ["complained", "bounced"])
def test_each_reason_to_write_no_more_stands_for_itself(office: PostOffice, strict: Client, why: str) -> None:
    row = learner(1)
    send(written())
    suppression.suppress(suppression.mark("learner1@example.org"), "", why, row.learner.pk)
    page = strict.post(link(office), {"scope": "site"}).content.decode()
    assert "no such mail about any course" in page
    assert set(Suppression.objects.values_list("why", flat=True)) == {why, "unsubscribed"}
    again = strict.post(link(office), {"scope": "none"}).content.decode()
    assert "about this course again" not in again, "it would not be true"
    assert str(Suppression.Why(why).label) in again
    assert Suppression.objects.get().why == why


@pytest.mark.parametrize("change", ["enrol again", "new address", "new account with the old address"])
def test_leaving_survives(office: PostOffice, strict: Client, change: str) -> None:
    learner(1)
    send(written())
    strict.post(link(office), {"List-Unsubscribe": "One-Click"})
    if change == "enrol again":
        Enrolment.objects.all().delete()
        learner(1)
    elif change == "new address":
        get_user_model().objects.update(email="another@example.org")
    else:
        Enrolment.objects.all().delete()
        Learner.objects.all().delete()
        get_user_model().objects.all().delete()
        learner(2, address="Learner1@Example.org")
    letter = written()
    send(letter)
    assert letter.deliveries.get().reason == "unsubscribed"
    assert office.received.total() == 1


def test_leaving_one_course_leaves_the_others(office: PostOffice, strict: Client) -> None:
    learner(1)
    send(written())
    strict.post(link(office), {"List-Unsubscribe": "One-Click"})
    assert reachable(COURSE, [1]) == set()
    assert reachable(CourseKey.from_string(OTHER), [1]) == {1}


def test_a_forged_or_damaged_link_is_refused(office: PostOffice, strict: Client) -> None:
    learner(1)
    learner(2)
    send(written())
    path = link(office)
    token = path.rpartition("/")[2]
    for bad in (token[:-3], token[:10] + "A" + token[11:], "x", "AAAA", token + "AAAA", "é", "%00"):
        for call in (strict.get, strict.post):
            if bad != token:
                assert call(f"/api/nudge/v1/unsubscribe/{bad}").status_code == 404
    assert not Suppression.objects.exists()


def test_a_token_for_one_thing_is_no_token_for_another() -> None:
    click = tokens.click_token(1, "https://evil.org")
    with pytest.raises(Forged):
        tokens.subscriber(click)
    with pytest.raises(Forged):
        tokens.opened(click)
    with pytest.raises(Forged):
        tokens.clicked(tokens.open_token(1))


def test_another_key_makes_every_token_forged() -> None:
    token = tokens.subscriber_token(Subscriber(1, "a", str(COURSE)))
    assert tokens.subscriber(token) == Subscriber(1, "a", str(COURSE))
    with override_settings(NUDGE_MAIL_KEY="another"), pytest.raises(Forged):
        tokens.subscriber(token)


@given(st.text(max_size=200))
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_else(text: str) -> None:
    for read in (tokens.subscriber, tokens.opened, tokens.clicked):
        with pytest.raises(Forged):
            read(text)


def test_an_unsubscribe_link_tells_no_name_and_no_address(office: PostOffice) -> None:
    learner(1)
    send(written())
    token = link(office).rpartition("/")[2]
    plain = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"example.org" not in plain
    assert "Zoë".encode() not in plain


def test_opens_and_clicks_are_counted_only_where_the_site_allows_it(
    office: PostOffice, strict: Client
) -> None:
    learner(1)
    letter = written(body='<p><a href="https://x.org/?a=1&amp;b=2">Read</a></p>')
    send(letter)
    assert "letters/click" not in parts(office.mails[0])[1]
    assert "letters/open" not in parts(office.mails[0])[1]
    with override_settings(NUDGE_MAIL_TRACKING=True):
        counted = written(body='<p><a href="https://x.org/?a=1&amp;b=2">Read</a></p>')
        send(counted)
        text, html = parts(office.mails[1])
        click, picture = (
            re.findall(r'"https://learn\.example\.org(/api/nudge/v1/letters/' + what + r'/[^"]+)"', html)[0]
            for what in ("click", "open")
        )
        assert "https://x.org/?a=1&b=2" in text
        assert strict.get(picture)["Content-Type"] == "image/gif"
        row = counted.deliveries.get()
        assert row.opened_at is not None
        assert row.clicked_at is None
        answer = strict.get(click)
        assert (answer.status_code, answer["Location"]) == (302, "https://x.org/?a=1&b=2")
        row.refresh_from_db()
        assert row.clicked_at is not None


def test_turning_counting_off_stops_it_for_mails_already_sent(strict: Client) -> None:
    row = learner(1)
    delivery = Delivery.objects.create(letter=written(), learner=row.learner, state="sent")
    strict.get(f"/api/nudge/v1/letters/open/{tokens.open_token(delivery.pk)}")
    found = strict.get(f"/api/nudge/v1/letters/click/{tokens.click_token(delivery.pk, 'https://x.org')}")
    assert found["Location"] == "https://x.org"
    delivery.refresh_from_db()
    assert (delivery.opened_at, delivery.clicked_at) == (None, None)


def test_the_site_leads_to_no_address_that_it_did_not_sign(strict: Client) -> None:
    assert strict.get("/api/nudge/v1/letters/click/aHR0cHM6Ly9ldmlsLm9yZw").status_code == 404
    assert strict.get("/api/nudge/v1/letters/open/x").status_code == 200, "never a broken picture"


def report(client: Client, body: Any, secret: str = SECRET, **headers: str) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    given = {"HTTP_AUTHORIZATION": f"Bearer {secret}", **headers}
    return client.post(BOUNCES, text, content_type="application/json", **given)


@override_settings(NUDGE_MAIL_BOUNCE_SECRET=SECRET)
def test_a_providers_hard_bounce_suppresses_the_address_and_fails_its_mail(office: PostOffice) -> None:
    learner(1)
    letter = written()
    send(letter)
    answer = report(Client(), {"reports": [{"kind": "hard", "message_id": office.mails[0]["Message-ID"]}]})
    assert answer.json() == {"suppressed": 1, "hard": 1}
    row = letter.deliveries.get()
    assert (row.state, row.reason) == ("failed", "bounced")
    again = report(Client(), {"reports": [{"kind": "hard", "address": "LEARNER1@example.org"}]})
    assert again.json() == {"suppressed": 0, "hard": 1}
    send(written())
    assert office.received.total() == 1


@override_settings(NUDGE_MAIL_BOUNCE_SECRET=SECRET)
def test_a_bounce_suppresses_the_address_that_the_mail_went_to_not_the_one_of_today(
    office: PostOffice,
) -> None:
    learner(1)
    send(written())
    get_user_model().objects.update(email="another@example.org")
    answer = report(Client(), {"reports": [{"kind": "hard", "message_id": office.mails[0]["Message-ID"]}]})
    assert answer.json() == {"suppressed": 1, "hard": 1}
    assert Suppression.objects.get().address == suppression.mark("learner1@example.org")
    again = written()
    send(again)
    assert office.received["another@example.org"] == 1


@pytest.mark.parametrize("length", ["many", "-1x", ""])
@override_settings(NUDGE_MAIL_BOUNCE_SECRET=SECRET)
def test_a_length_that_is_no_number_is_no_error_of_the_server(length: str) -> None:
    assert report(Client(), {"reports": []}, CONTENT_LENGTH=length).status_code == 400


@override_settings(NUDGE_MAIL_BOUNCE_SECRET=SECRET)
def test_a_complaint_suppresses_the_learner_and_a_soft_bounce_nobody(office: PostOffice) -> None:
    learner(1)
    learner(2)
    letter = written()
    send(letter)
    ids = [mail["Message-ID"] for mail in office.mails]
    body = {
        "reports": [{"kind": "soft", "message_id": ids[0]}, {"kind": "complaint", "message_id": ids[1]}],
    }
    assert report(Client(), body).json() == {"suppressed": 1, "soft": 1, "complaint": 1}
    assert Suppression.objects.get().why == "complained"
    assert letter.deliveries.get(message_id=ids[0]).reason == "soft_bounce"


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", "x" * 5000, "ü"])
@override_settings(NUDGE_MAIL_BOUNCE_SECRET=SECRET)
def test_bounces_without_the_secret_are_refused(secret: str) -> None:
    body = {"reports": [{"kind": "hard", "address": "a@b.c"}]}
    assert report(Client(), body, secret).status_code == 403
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_proper_secret_nobody_may_report(secret: str) -> None:
    with override_settings(NUDGE_MAIL_BOUNCE_SECRET=secret):
        assert report(Client(), {"reports": []}, secret).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        "no json", "[]", "{}", {"reports": {}}, {"reports": [1]},
        {"reports": [{"kind": "x", "address": "a"}]},
        {"reports": [{"kind": "hard"}]}, {"reports": [{"kind": "hard", "address": 5}]},
        {"reports": [{"kind": "soft", "address": "a"}] * 1001},
        {"reports": [{"kind": "hard", "address": "a@b.c"}, {"kind": "hard"}]},
    ],
)  # fmt: skip
@override_settings(NUDGE_MAIL_BOUNCE_SECRET=SECRET)
def test_a_report_that_is_none_is_refused_whole(body: Any) -> None:
    assert report(Client(), body).status_code == 400
    assert not Suppression.objects.exists()


def test_retirement_leaves_the_hash_alone() -> None:
    row = learner(1)
    suppression.suppress(suppression.mark("learner1@example.org"), "", "unsubscribed", row.learner.pk)
    row.learner.delete()
    kept = Suppression.objects.get()
    assert kept.learner is None
    assert re.fullmatch("[0-9a-f]{64}", kept.address)
    assert not Letter.objects.exists()
