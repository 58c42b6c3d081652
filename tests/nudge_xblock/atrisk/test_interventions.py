"""Letters of the tiers: what goes out by itself, to whom, once, and what the case's history says of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from django.utils import translation

from nudge_xblock import catalogue, decisions, policy
from nudge_xblock.atrisk import casework, happenings, interventions, planning, starters
from nudge_xblock.atrisk.interventions import switch
from nudge_xblock.atrisk.models import Case, CaseEvent, Intervention, Risk, RiskSettings
from nudge_xblock.communicator import automation, desk, drafts
from nudge_xblock.communicator import history as letter_history
from nudge_xblock.communicator.models import Delivery, Letter, Suppression
from nudge_xblock.communicator.suppression import mark
from nudge_xblock.compat import CourseDates, Platform
from nudge_xblock.models import Decision, Enrolment, Learner
from predictor.factors import GROUPS

from ..communicator.conftest import launched, office
from ..communicator.post_office import PostOffice, parts
from ..moments import COURSE, fields, placed
from .nights import DAY, FIRST, night, on, site
from .somebody import at_risk
from .walkers import walked

__all__ = ["launched", "office", "site"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("stores")]
EVERY = len(GROUPS) + 1
State = Letter.State
BESIDE = ("letter__intervention", "learner")


def going(tier: str = "", channel: str = "") -> list[Letter]:
    return [
        letter
        for letter in interventions.letters(COURSE)
        if letter.state == State.AUTOMATIC
        and tier in ("", letter.intervention.tier)
        and channel in ("", letter.channel)
    ]


def visit(user_id: int, now: datetime) -> str:
    """A page asks for a pop-up, and it is on the screen at once; its heading."""
    answer = decisions.ask(user_id, COURSE, [fields()["key"]], {"when": "item_completed", "item": "x"}, now)
    if answer.nudge is None:
        return ""
    Decision.objects.filter(pk=answer.nudge.decision).update(shown_at=now)
    return str(answer.nudge.heading)


def went_out(row: Delivery) -> datetime:
    at = row.sent_at or row.shown_at
    assert at is not None
    return at


def test_each_lower_tier_has_its_letters_and_the_highest_has_none() -> None:
    assert on() == []
    assert len(going("marginal", "mail")) == len(going("moderate", "mail")) == EVERY
    assert len(going("moderate", "nudge")) == EVERY
    assert not going("high")
    assert not going("marginal", "nudge")
    assert {letter.selection for letter in going("marginal")} == {
        f"tier=marginal&risk={group}" for group in (*GROUPS, "several")
    }
    for letter in going("", "mail"):
        assert "[:next_steps:]" in letter.body
        assert not any(word in letter.body.lower() for word in ("risk", "predict", "fail", "drop"))


def test_switching_on_twice_makes_nothing_new_and_off_stops_all() -> None:
    on()
    on()
    assert Letter.objects.count() == Intervention.objects.count() == 3 * EVERY
    assert switch(COURSE, 21, False, FIRST) == []
    assert not going()
    switch(COURSE, 21, False, FIRST)
    on()
    assert len(going()) == 3 * EVERY
    assert len(interventions.told(COURSE)) == 3 * EVERY


def test_without_an_address_to_write_from_nothing_is_begun() -> None:
    with override_settings(NUDGE_SITE_URL="", LMS_ROOT_URL=""), pytest.raises(desk.NotReady):
        on()
    assert not Letter.objects.exists()
    assert not Intervention.objects.exists()


def test_a_course_without_pop_ups_has_its_mails_and_gets_its_pop_ups_later() -> None:
    from nudge_xblock import placements

    placements.withdraw(fields()["key"])
    RiskSettings.objects.create(
        course_key=COURSE, marginal=50, moderate=70, high=85, automatic=True, author_id=21
    )
    (problem,) = on()
    assert "asks for pop-ups" in problem
    assert len(going()) == 2 * EVERY
    placed()
    interventions.complete(FIRST)
    assert len(going()) == 3 * EVERY
    interventions.complete(FIRST)
    assert Letter.objects.count() == 3 * EVERY


def test_a_letter_that_was_stopped_by_hand_stays_stopped() -> None:
    RiskSettings.objects.create(
        course_key=COURSE, marginal=50, moderate=70, high=85, automatic=True, author_id=21
    )
    on()
    desk.stop(COURSE, going()[0].pk, FIRST)
    interventions.complete(FIRST)
    assert len(going()) == 3 * EVERY - 1


def test_a_mail_holds_the_learners_own_steps_and_stands_in_the_case(office: PostOffice) -> None:
    at_risk(4, 0.55, now=FIRST)
    walked({str(user_id): user_id for user_id in range(1, 30)})
    on()
    night(FIRST)
    text, html = parts(office.to("learner4@example.org")[0])
    assert "jump_to/block-v1:Harbour+NUM101+2026+type@html+block@i04" in html
    assert "We have not seen you in the course for a while" in text
    assert office.received.total() == 1
    event = CaseEvent.objects.get(what=happenings.MAIL)
    assert (event.case, event.at) == (Case.objects.get(), FIRST)
    assert event.detail["letter"] == Delivery.objects.get().letter_id


def test_a_moderate_case_gets_a_pop_up_and_a_mail_both_noted(office: PostOffice) -> None:
    at_risk(4, 0.75, now=FIRST)
    on()
    night(FIRST)
    catalogue.forget()
    assert visit(4, FIRST + timedelta(hours=1)) == "Good to see you"
    night(FIRST + timedelta(hours=2))
    assert office.received.total() == 1
    told = CaseEvent.objects.filter(what__in=[happenings.MAIL, happenings.POPUP])
    assert sorted(told.values_list("what", flat=True)) == ["mail", "popup"]


def test_who_needs_a_person_gets_nothing_by_itself(office: PostOffice) -> None:
    at_risk(4, 0.95, now=FIRST)
    on()
    night(FIRST)
    assert Case.objects.get().tier == "high"
    assert not Delivery.objects.exists()


def test_who_is_better_is_not_written_to_any_more() -> None:
    at_risk(4, 0.75, now=FIRST)
    on()
    casework.settle(COURSE, FIRST)
    automation.sweep(FIRST)
    assert Delivery.objects.count() == 2
    at_risk(4, 0.1, now=FIRST)
    casework.settle(COURSE, FIRST)
    automation.sweep(FIRST)
    assert set(Delivery.objects.values_list("state", "reason")) == {("skipped", "better")}
    assert letter_history.because("better").endswith(".")


def test_without_an_open_case_nobody_is_written_to() -> None:
    at_risk(4, 0.55, now=FIRST)
    on()
    automation.sweep(FIRST)
    assert not Delivery.objects.exists()


def test_the_same_reason_again_in_a_lower_tier_is_the_same_thing(office: PostOffice) -> None:
    on()
    for day, (chance, group) in enumerate(
        ((0.75, "absence"), (0.60, "absence"), (0.55, "absence"), (0.55, "grades"), (0.75, "absence"))
    ):
        at_risk(4, chance, group=group, now=FIRST + day * DAY)
        night(FIRST + day * DAY)
    rows = Delivery.objects.filter(letter__channel="mail").order_by("pk")
    places = rows.values_list("letter__intervention__tier", "letter__intervention__group")
    assert list(places) == [("moderate", "absence")], "another reason leads, and it is the same case"
    assert office.received.total() == 1


def test_switched_off_and_on_again_nobody_is_written_to_twice(office: PostOffice) -> None:
    at_risk(4, 0.55, now=FIRST)
    on()
    night(FIRST)
    switch(COURSE, 21, False, FIRST + DAY)
    on(FIRST + 2 * DAY)
    at_risk(5, 0.55, now=FIRST)
    night(FIRST + 2 * DAY)
    assert office.received == {"learner4@example.org": 1, "learner5@example.org": 1}


def test_the_control_group_gets_nothing_by_itself() -> None:
    with override_settings(NUDGE_CONTROL_SHARE=0.5):
        for user_id in range(1, 31):
            at_risk(user_id, 0.55, now=FIRST)
        on()
        casework.settle(COURSE, FIRST)
        automation.sweep(FIRST)
        wanted = {user_id for user_id in range(1, 31) if not policy.is_control(user_id, COURSE)}
        assert set(Delivery.objects.values_list("learner__user_id", flat=True)) == wanted
        assert 0 < len(wanted) < 30


def test_a_copy_that_goes_to_new_matches_takes_its_letters_place(office: PostOffice) -> None:
    at_risk(4, 0.55, now=FIRST)
    on()
    night(FIRST)
    old = Letter.objects.get(intervention__tier="marginal", intervention__group="absence")
    copy = desk.copy(COURSE, 21, old.pk)
    drafts.change(copy, 21, {"subject": "In our words", "automatic_until": "2027-01-31"})
    at_risk(5, 0.55, now=FIRST)
    casework.settle(COURSE, FIRST + DAY)
    sent, count = desk.send(COURSE, 21, copy.pk, None, FIRST + DAY)
    assert count == 1, "learner 4 had the letter that it was copied from"
    assert automation.begin(sent.pk, FIRST + DAY)
    old.refresh_from_db()
    assert old.state == State.STOPPED
    night(FIRST + DAY)
    assert [mail["Subject"] for mail in office.to("learner5@example.org")] == ["In our words"]
    assert office.received["learner4@example.org"] == 1
    places = {(each.intervention.tier, each.intervention.group, each.channel): each for each in going()}
    assert places["marginal", "absence", "mail"].pk == copy.pk
    on()
    assert len(going()) == 3 * EVERY


def test_a_copy_that_is_sent_once_takes_nobodys_place() -> None:
    at_risk(4, 0.55, now=FIRST)
    on()
    old = going("marginal", "mail")[0]
    copy = desk.copy(COURSE, 21, old.pk)
    drafts.change(copy, 21, {"selection": "everyone=1"})
    assert desk.send(COURSE, 21, copy.pk, None, FIRST)[1] == 1
    old.refresh_from_db()
    assert old.state == State.AUTOMATIC


class Spanish(Platform):
    """A course in Spanish that ends."""

    def course_dates(self, course_key: Any) -> CourseDates:
        return CourseDates(end=FIRST + 60 * DAY, language="es-419")


def test_words_are_in_the_courses_language_and_go_out_until_its_end() -> None:
    used = []

    def starter(*place: str) -> starters.Starter:
        used.append(translation.get_language())
        return starters.Starter("Hola", "<p>[:next_steps:]</p>" if place[2] == "mail" else "<p>Hola</p>")

    with (
        override_settings(NUDGE_COMPAT=f"{__name__}.Spanish"),
        translation.override("ar"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(starters, "starter", starter)
        on()
    assert set(used) == {"es-419"}
    assert {letter.automatic_until for letter in going()} == {(FIRST + 60 * DAY).date()}


def test_over_thirty_days_nobody_is_written_to_twice_for_the_same_thing(office: PostOffice) -> None:
    rng = np.random.default_rng(11)
    people, groups = range(1, 21), ("absence", "grades", "")
    chance = rng.uniform(0.2, 0.9, len(people))
    for user_id in people:
        at_risk(user_id, 0.1, now=FIRST)
    Learner.objects.filter(user_id=1).update(opted_out=True)
    Suppression.objects.create(address=mark("learner2@example.org"), scope=str(COURSE))
    on()
    rows: set[int] = set()
    with override_settings(NUDGE_CAP_PER_DAY=2, NUDGE_CAP_PER_WEEK=3):
        for day in range(30):
            now = FIRST + day * DAY
            chance = np.clip(chance + rng.normal(0, 0.12, len(people)), 0.02, 0.98)
            for user_id, each in zip(people, chance.tolist(), strict=True):
                at_risk(user_id, each, group=groups[int(rng.integers(len(groups)))], now=now)
            night(now)
            for row in Delivery.objects.exclude(pk__in=rows).select_related(*BESIDE):
                rows.add(row.pk)
                place, user_id = row.letter.intervention, row.learner.user_id
                case = Case.objects.get(enrolment__learner__user_id=user_id, state=Case.State.OPEN)
                risk = Risk.objects.get(enrolment__learner__user_id=user_id)
                assert (case.tier, risk.group) == (place.tier, place.group)
                assert place.tier != "high"
            catalogue.forget()
            for user_id in rng.permutation(np.array(people))[:10].tolist():
                visit(user_id, now + timedelta(hours=3))
    night(FIRST + 30 * DAY)
    gone = Delivery.objects.filter(state__in=["sent", "seen"]).select_related(*BESIDE)
    seen: dict[tuple[int, str, str], list[tuple[datetime, str]]] = {}
    for row in gone:
        place, mine = row.letter.intervention, Case.objects.filter(enrolment__learner=row.learner_id)
        opened = mine.filter(opened__lte=went_out(row)).order_by("-opened").values_list("pk", flat=True)[0]
        for what in (f"reason {place.group}", f"case {opened}"):
            seen.setdefault((row.learner.user_id, what, row.letter.channel), []).append(
                (went_out(row), place.tier)
            )
    for told in seen.values():
        tiers = [tier for _at, tier in sorted(told)]
        assert tiers in (["marginal"], ["moderate"], ["marginal", "moderate"])
    assert office.received.total() == gone.filter(letter__channel="mail").count() > 15
    assert not office.to("learner1@example.org")
    assert not office.to("learner2@example.org")
    assert gone.filter(letter__channel="nudge").count() >= 3
    for user_id in people:
        times = sorted(
            at.timestamp()
            for row in gone.filter(learner__user_id=user_id)
            for at in (row.sent_at, row.shown_at)
            if at is not None
        )
        assert all(later - first > 7 * 86400 - 3600 for first, later in zip(times, times[3:], strict=False))
    events = CaseEvent.objects.filter(what__in=[happenings.MAIL, happenings.POPUP])
    keys = [(event.what, event.detail["delivery"]) for event in events]
    assert len(keys) == len(set(keys))
    during = [
        row.pk
        for row in gone
        for case in Case.objects.filter(enrolment__learner=row.learner_id)
        if case.opened <= went_out(row) and (case.closed is None or case.closed >= went_out(row))
    ]
    assert {pk for _what, pk in keys} == set(during)
    assert Enrolment.objects.count() == len(people)


def test_a_courses_settings_switch_them() -> None:
    planning.change(COURSE, 21, {"version": 0, "automatic": True}, FIRST)
    assert len(planning.told(COURSE)["letters"]) == len(going()) == 3 * EVERY
    planning.change(COURSE, 21, {"version": 1, "automatic": False}, FIRST)
    assert not going()
    with override_settings(NUDGE_SITE_URL="", LMS_ROOT_URL=""), pytest.raises(planning.Invalid):
        planning.change(COURSE, 21, {"version": 2, "automatic": True}, FIRST)
    assert not RiskSettings.objects.get().automatic
