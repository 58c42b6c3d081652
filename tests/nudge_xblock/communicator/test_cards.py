"""Letters as pop-ups: through restraint alone, decided for certain, and a mail where nobody saw them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import catalogue, decisions, effects, lessons, votes
from nudge_xblock.communicator import automation, cards, claims, letters
from nudge_xblock.communicator.models import Delivery, Letter
from nudge_xblock.communicator.places import places
from nudge_xblock.compat import Platform
from nudge_xblock.models import Decision, Enrolment, Learner, Placement
from nudge_xblock.reasons import GATED, SENT, Reason
from nudge_xblock.recording import Answer

from ..moments import CLAIM, COURSE, NOW, fields, happened, placed
from .conftest import deliver, written
from .learners import learner
from .post_office import PostOffice

pytestmark = [pytest.mark.django_db(transaction=True)]
State = Delivery.State
UNRELATED = {"when": "item_completed", "item": "x"}


def card(channel: str = "nudge", **fields: Any) -> Letter:
    """A letter that waits for its learners as a pop-up."""
    usual = {"subject": "Week 3", "body": "<p>A second look at [:course:] helps.</p>", "channel": channel}
    letter = written(**(usual | fields))
    assert automation.begin(letter.pk, NOW)
    catalogue.forget()
    return letter


def visit(user_id: int = 1, now: datetime = NOW, draw: float = 0.5, claim: Any = UNRELATED) -> Answer:
    return decisions.ask(user_id, COURSE, [fields()["key"]], claim, now, draw)


@pytest.fixture(autouse=True)
def page() -> Iterator[None]:
    """A page with a nudge whose own moment is not here, and a learner who comes by."""
    placed()
    learner(1)
    with override_settings(NUDGE_COOL_DOWN_MINUTES=0):
        yield


def test_the_next_visit_shows_the_letter_and_says_why() -> None:
    letter = card()
    answer = visit()
    assert answer.nudge is not None
    assert (answer.nudge.heading, answer.nudge.body) == ("Week 3", f"A second look at {COURSE} helps.")
    row = Decision.objects.get()
    assert (row.reason, row.propensity, row.explored) == ("staff_letter", 1.0, False)
    assert row.propensities == {str(row.variant_id): 1.0, "hold": 0.0}
    assert decisions.replay(row.pk).same
    assert letter.deliveries.get().decision_id == row.pk


@pytest.mark.parametrize("draw", [0.0, 0.02, 0.5, 0.999])
def test_chance_has_no_part_in_it(draw: float) -> None:
    card()
    with override_settings(NUDGE_SPARED_SHARE=0.9, NUDGE_EXPLORATION_SHARE=0.1):
        assert visit(draw=draw).nudge is not None
    assert Decision.objects.get().propensity == 1.0


def test_what_learns_from_chance_does_not_look_at_it() -> None:
    card()
    visit()
    row = Decision.objects.get()
    votes.respond(1, row.pk, "helpful")
    assert Reason.LETTER not in GATED | SENT
    assert effects.sends(Decision.objects.all()) == []
    catalogue.settle(NOW + timedelta(days=1))
    site, kinds = catalogue._site("vote", 0)
    assert site.shown == 0.0
    assert "letter" not in kinds

    class Job:
        now = NOW + timedelta(days=2)
        figures: dict[str, Any] = {}

    assert list(lessons.shown_nudges(Job())) == []  # type: ignore[arg-type]
    assert Job.figures["left_out"] == 0


@pytest.mark.parametrize(
    ("settings", "changes", "reason"),
    [
        ({}, {"opted_out": True}, "opted_out"),
        ({"NUDGE_QUIET_HOURS": ["11:00", "13:00"]}, {}, "quiet_hours"),
        ({"NUDGE_CAP_PER_DAY": 1}, {"sends": [[NOW.timestamp() - 7200, "review", 1]]}, "cap_day"),
        ({"NUDGE_CONTROL_SHARE": 1.0}, {}, "control_group"),
    ],
)
def test_restraint_stands_above_staff(settings: dict[str, Any], changes: dict[str, Any], reason: str) -> None:
    letter = card()
    Learner.objects.update(**changes)
    with override_settings(**settings):
        assert visit().nudge is None
    row = Decision.objects.get()
    assert (row.variant_id, row.reason, row.propensity) == (None, reason, 1.0)
    assert decisions.replay(row.pk).same
    assert letter.deliveries.get().state == State.WAITING, "another visit may show it"


def test_a_card_that_was_held_back_has_another_chance_at_a_later_visit() -> None:
    card()
    with override_settings(NUDGE_QUIET_HOURS=["11:00", "13:00"]):
        assert visit().nudge is None
        assert visit().nudge is None
        assert Decision.objects.count() == 1, "one decision an hour"
        assert visit(now=NOW + timedelta(hours=2)).nudge is not None


def test_a_page_that_asks_again_gets_the_same_card_and_no_second_one() -> None:
    card()
    first, second = visit(), visit(now=NOW + timedelta(minutes=1))
    assert first.nudge == second.nudge
    assert Decision.objects.count() == 1
    assert len(Learner.objects.get().sends) == 1


def test_a_card_that_was_seen_is_over() -> None:
    letter = card()
    answer = visit()
    assert answer.nudge is not None
    votes.respond(1, answer.nudge.decision, "shown", NOW)
    assert visit(now=NOW + timedelta(hours=3)).nudge is None
    cards.settle([letter.pk])
    row = letter.deliveries.get()
    assert row.state == State.SEEN
    assert row.shown_at is not None


def test_it_goes_to_nobody_else_and_not_to_other_courses() -> None:
    learner(2, chances={"pass": 0.1})
    card(selection="pass=0-30")
    assert visit(1).nudge is None
    assert visit(2).nudge is not None


def test_the_learners_own_moment_comes_at_another_time() -> None:
    card()
    happened("problem_check_incorrect", 1.0, user_id=1)
    given = visit(claim=CLAIM)
    assert given.nudge is not None
    assert Decision.objects.get().reason == "staff_letter"
    votes.respond(1, given.nudge.decision, "shown", NOW)
    answer = visit(claim=CLAIM, now=NOW + timedelta(minutes=2))
    assert answer.nudge is not None
    assert Decision.objects.get(pk=answer.nudge.decision).placement.key == fields()["key"]


def test_a_card_that_nobody_saw_is_given_again_at_a_later_visit() -> None:
    letter = card()
    first = visit()
    assert visit(now=NOW + timedelta(minutes=30)).nudge is None, "one decision an hour"
    again = visit(now=NOW + timedelta(hours=2))
    assert first.nudge is not None
    assert again.nudge is not None
    assert again.nudge.decision != first.nudge.decision
    assert letter.deliveries.get().decision_id == again.nudge.decision


def test_a_page_knows_as_it_opens_whether_a_letter_waits() -> None:
    assert not decisions.awaits(1, COURSE)
    card()
    assert decisions.awaits(1, COURSE)
    assert not decisions.awaits(2, COURSE)
    answer = visit()
    assert answer.nudge is not None
    votes.respond(1, answer.nudge.decision, "shown", NOW)
    assert not decisions.awaits(1, COURSE)


def test_a_course_without_letters_pays_nothing(django_assert_num_queries: Any) -> None:
    catalogue.book(COURSE)
    visit()
    with django_assert_num_queries(2):
        visit()


def test_a_mail_follows_a_card_that_nobody_saw(office: PostOffice) -> None:
    letter = card("nudge_then_mail", wait_days=3)
    assert automation.sweep(NOW + timedelta(days=2, hours=23))["escalated"] == 0
    later = NOW + timedelta(days=3)
    assert automation.sweep(later)["escalated"] == 1
    assert visit(now=later).nudge is None, "it is a mail now"
    deliver(letter, later)
    assert letter.deliveries.get().state == State.SENT
    assert office.received.total() == 1
    assert letter.state == Letter.State.SENT


def test_no_mail_follows_a_card_that_was_seen(office: PostOffice) -> None:
    letter = card("nudge_then_mail", wait_days=3)
    answer = visit()
    assert answer.nudge is not None
    votes.respond(1, answer.nudge.decision, "shown", NOW)
    automation.sweep(NOW + timedelta(days=4))
    deliver(letter, NOW + timedelta(days=4))
    assert office.mails == []
    assert letter.deliveries.get().state == State.SEEN
    assert letter.state == Letter.State.SENT


def test_a_card_that_a_page_has_just_got_is_not_overtaken_by_a_mail(office: PostOffice) -> None:
    letter = card("nudge_then_mail", wait_days=3)
    last = NOW + timedelta(days=3, minutes=-1)
    assert visit(now=last).nudge is not None
    assert automation.sweep(NOW + timedelta(days=3))["escalated"] == 0
    assert automation.sweep(NOW + timedelta(days=3, minutes=10))["escalated"] == 1, "and nobody saw it"
    deliver(letter, NOW + timedelta(days=3, minutes=10))
    assert office.received.total() == 1


def test_a_card_seen_in_a_page_left_open_is_followed_by_no_mail(office: PostOffice) -> None:
    letter = card("nudge_then_mail", wait_days=3)
    answer = visit()
    later = NOW + timedelta(days=3)
    assert automation.sweep(later)["escalated"] == 1
    assert answer.nudge is not None
    votes.respond(1, answer.nudge.decision, "shown", later)
    deliver(letter, later)
    row = letter.deliveries.get()
    assert (row.state, row.shown_at) == (State.SEEN, later)
    assert office.mails == []


def test_a_card_seen_or_given_while_mails_take_over_stays_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    learner(2)
    learner(3)
    letter = card("nudge_then_mail", wait_days=3)
    seen = visit(1)
    takers, later = Platform.takers, NOW + timedelta(days=3)

    def meanwhile(self: Platform, *given: Any) -> set[int]:
        assert seen.nudge is not None
        votes.respond(1, seen.nudge.decision, "shown", later)
        assert visit(2, now=later).nudge is not None
        return takers(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Platform, "takers", meanwhile)
        assert cards.escalate(later) == 1
    cards.settle([letter.pk])
    found = dict(letter.deliveries.values_list("learner__user_id", "state"))
    assert found == {1: State.SEEN, 2: State.WAITING, 3: State.QUEUED}


def test_the_control_group_and_those_who_left_get_no_mail_instead(office: PostOffice) -> None:
    learner(2)
    letter = card("nudge_then_mail")
    Enrolment.objects.filter(learner__user_id=2).delete()
    with override_settings(NUDGE_CONTROL_SHARE=1.0):
        automation.sweep(NOW + timedelta(days=4))
        deliver(letter, NOW + timedelta(days=4))
    assert dict(letter.deliveries.values_list("learner__user_id", "reason")) == {
        1: "control_group",
        2: "gone",
    }
    assert office.mails == []


def test_a_stopped_letter_shows_no_card() -> None:
    letter = card()
    claims.stop(letter.pk, NOW)
    assert visit().nudge is None, "although the page's own memory still has it"


def test_a_card_nobody_came_for_is_left_out_at_last() -> None:
    letter = card()
    Delivery.objects.update(created=NOW)
    automation.sweep(NOW + timedelta(days=61))
    assert letter.deliveries.get().reason == "not_seen"
    letter.refresh_from_db()
    assert letter.state == Letter.State.SENT
    automation.sweep(NOW + timedelta(days=61))
    assert not Placement.objects.get(key=f"letter-{letter.pk}").active


def problems(body: str, subject: str = "Week 3", channel: str = "nudge") -> list[str]:
    letter = Letter(course_key=COURSE, subject=subject, body=body, channel=channel)
    return cards.problems(letter, letters.compose(subject, body, places(COURSE)))


def test_what_does_not_fit_on_a_card_is_said() -> None:
    assert problems("<p>Fine.</p>") == []
    assert "name" in problems("<p>[:firstname:]</p>")[0]
    assert "too long" in problems(f"<p>{'x' * 601}</p>")[0]
    assert "too long" in problems("<p>x</p>", subject="x" * 121)[0]
    two = '<p><a href="https://a.org">a</a> <a href="https://b.org">b</a></p>'
    assert "one link" in problems(two)[0]
    assert problems(two, channel="mail") == []


def test_a_link_is_the_cards_button() -> None:
    letter = card(body="<p>Look: [:link:progress|your progress:]</p>")
    with override_settings(NUDGE_SITE_URL=""):
        answer = visit()
    assert answer.nudge is not None
    assert answer.nudge.action == {"label": "your progress", "url": f"/courses/{COURSE}/progress"}
    assert answer.nudge.body == "Look: your progress"
    assert letter.pk


def test_a_course_whose_pages_ask_for_no_cards_is_told_so() -> None:
    Placement.objects.all().delete()
    assert "add a nudge" in problems("<p>x</p>")[0]


def test_looking_at_a_courses_letters_settles_its_open_ones_alone() -> None:
    here, old = card(), card()
    there = card(course_key=CourseKey.from_string("course-v1:Elsewhere+X+1"))
    by_mail = written(state=Letter.State.SENDING)
    long_ago = NOW - timedelta(days=8)
    Letter.objects.filter(pk=old.pk).update(state=Letter.State.SENT, finished=long_ago)
    Letter.objects.filter(pk=there.pk).update(state=Letter.State.SENDING)
    assert cards.open_letters(NOW, COURSE) == [here.pk]
    assert sorted(cards.open_letters(NOW)) == [here.pk, there.pk]
    assert by_mail.pk not in cards.open_letters(NOW)
