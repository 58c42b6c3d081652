"""What the plugin learns from the platform's tables, and what it answers where there is no platform."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import modify_settings
from opaque_keys.edx.keys import CourseKey, UsageKey

from nudge_xblock import compat
from nudge_xblock.addressees import Addressee, Section
from nudge_xblock.compat import CourseDates, Enrolled, Platform, platform
from nudge_xblock.models import Enrolment, Learner, Placement
from tests.openedx import APPS

COURSE = CourseKey.from_string("course-v1:Org+Course+Run")
OTHER = CourseKey.from_string("course-v1:Org+Other+Run")
START = datetime(2026, 9, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def block(name: str, kind: str = "html") -> UsageKey:
    return COURSE.make_usage_key(kind, name)


@pytest.fixture
def openedx(transactional_db: None) -> Iterator[None]:
    """The platform's apps installed and their tables made."""
    with modify_settings(INSTALLED_APPS={"append": APPS}):
        models = [
            model for name in APPS for model in apps.get_app_config(name.rpartition(".")[2]).get_models()
        ]
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(models):
                editor.delete_model(model)


def user(name: str, **fields: Any) -> int:
    return int(get_user_model().objects.create_user(name, **fields).pk)


def make(label: str, name: str, **fields: Any) -> Any:
    return apps.get_model(label, name).objects.create(**fields)


def enrol(
    name: str, mode: str = "audit", on: float = 0, active: bool = True, course: CourseKey = COURSE
) -> int:
    learner = user(name)
    make(
        "student",
        "CourseEnrollment",
        user_id=learner,
        course_id=course,
        mode=mode,
        created=day(on),
        is_active=active,
    )
    return learner


def complete(learner: int, *blocks: str, from_day: float = 1) -> None:
    for number, name in enumerate(blocks):
        when = day(from_day + number)
        make(
            "completion", "BlockCompletion", user_id=learner, context_key=COURSE, block_key=block(name),
            block_type="html", completion=1.0, created=when, modified=when,
        )  # fmt: skip


@pytest.mark.usefixtures("openedx")
class TestOnThePlatform:
    def test_a_profile_holds_what_is_known(self) -> None:
        learner = user("ada")
        make(
            "student", "UserProfile", user_id=learner, gender="f", year_of_birth=1990, country="FR",
            level_of_education="m", language="fr",
        )  # fmt: skip
        expected = {"gender": "f", "birth_year": 1990, "country": "FR", "education": "m", "language": "fr"}
        assert platform().profile(learner) == expected
        assert platform().profiles([learner, 999]) == {learner: expected}

    def test_without_leave_demographics_are_not_even_read(self, settings: Any) -> None:
        learner = user("ada")
        make("student", "UserProfile", user_id=learner, gender="f", year_of_birth=1990, language="fr")
        settings.NUDGE_USE_DEMOGRAPHICS = False
        assert platform().profile(learner) == {"language": "fr"}

    def test_an_empty_profile_says_nothing(self) -> None:
        learner = user("ada")
        make("student", "UserProfile", user_id=learner)
        assert platform().profile(learner) == {}

    def test_course_dates_come_from_the_overview(self) -> None:
        make(
            "course_overviews", "CourseOverview", id=COURSE, display_name="Course", start=day(0), end=day(90),
            self_paced=True, language="en",
        )  # fmt: skip
        assert platform().course_dates(COURSE) == CourseDates(day(0), day(90), True, "Course", "en", "")
        assert platform().course_keys() == [COURSE]

    def test_those_who_take_the_course_now_are_no_staff_and_have_not_left(self) -> None:
        ada, bob, cleo = enrol("ada"), enrol("bob", active=False), enrol("cleo", course=OTHER)
        dan, eve = enrol("dan"), enrol("eve")
        get_user_model().objects.filter(pk=dan).update(is_staff=True)
        make("student", "CourseAccessRole", user_id=eve, course_id=COURSE, org="Org", role="staff")
        assert platform().takers(COURSE, [ada, bob, cleo, dan, eve, 999]) == {ada}
        assert platform().takers(COURSE, [bob]) == set()

    def test_enrolments_are_of_the_course_alone(self) -> None:
        ada, bob = enrol("ada", "verified"), enrol("bob", on=3, active=False)
        enrol("cleo", course=OTHER)
        assert sorted(platform().enrolments(COURSE)) == [
            Enrolled(ada, "verified", day(0), True),
            Enrolled(bob, "audit", day(3), False),
        ]

    def test_passing_is_read_off_the_persistent_grade(self) -> None:
        ada, bob = enrol("ada"), enrol("bob")
        grade = {"course_id": COURSE, "percent_grade": 0.7, "letter_grade": "Pass"}
        make("grades", "PersistentCourseGrade", user_id=ada, passed_timestamp=day(30), **grade)
        make("grades", "PersistentCourseGrade", user_id=bob, passed_timestamp=None, **grade)
        found = {row.user_id: (row.passed, row.passed_at) for row in platform().outcomes(COURSE)}
        assert found == {ada: (True, day(30)), bob: (False, None)}

    @pytest.mark.parametrize(
        ("status", "held"),
        [("downloadable", True), ("generating", True), ("notpassing", False), ("unverified", False)],
    )
    def test_a_certificate_counts_by_its_status(self, status: str, held: bool) -> None:
        ada = enrol("ada")
        make(
            "certificates",
            "GeneratedCertificate",
            user_id=ada,
            course_id=COURSE,
            status=status,
            created_date=day(60),
        )
        row = platform().outcomes(COURSE)[0]
        assert (row.passed, row.completed, row.passed_at) == (held, held, day(60) if held else None)
        assert platform().has_certificate(ada, COURSE) is held
        assert not platform().has_certificate(ada, OTHER)

    def test_passing_dates_from_the_earlier_of_grade_and_certificate(self) -> None:
        ada = enrol("ada")
        make(
            "certificates", "GeneratedCertificate", user_id=ada, course_id=COURSE, status="downloadable",
            created_date=day(60),
        )  # fmt: skip
        make(
            "grades", "PersistentCourseGrade", user_id=ada, course_id=COURSE, passed_timestamp=day(30),
            percent_grade=1, letter_grade="Pass",
        )  # fmt: skip
        row = platform().outcomes(COURSE)[0]
        assert (row.passed_at, row.completed_at) == (day(30), day(60))

    def test_a_course_is_complete_with_the_share_of_blocks_anyone_completed(self, settings: Any) -> None:
        settings.NUDGE_COMPLETE_SHARE = 0.8
        ada, bob, cleo = enrol("ada"), enrol("bob"), enrol("cleo")
        complete(ada, "a", "b", "c", "d", "e")
        complete(bob, "a", "b", "c", "d")
        complete(cleo, "a", "b", "c")
        found = {
            row.user_id: (row.completed, row.completed_at, row.completions)
            for row in platform().outcomes(COURSE)
        }
        assert found == {ada: (True, day(4), 5), bob: (True, day(4), 4), cleo: (False, None, 3)}

    def test_staff_of_the_course_and_of_its_organisation_are_known(self) -> None:
        ada, bob, cleo, dora = (user(name) for name in ("ada", "bob", "cleo", "dora"))
        make("student", "CourseAccessRole", user_id=ada, org="Org", course_id=COURSE, role="staff")
        make("student", "CourseAccessRole", user_id=bob, org="Org", course_id=None or "", role="instructor")
        make("student", "CourseAccessRole", user_id=cleo, org="Org", course_id=OTHER, role="staff")
        make("student", "CourseAccessRole", user_id=dora, org="Org", course_id=COURSE, role="beta_testers")
        assert platform().staff_ids(COURSE) == {ada, bob}

    def test_time_zone_and_language_are_the_users_own(self, settings: Any) -> None:
        settings.TIME_ZONE, settings.LANGUAGE_CODE = "Europe/Paris", "en"
        ada, bob = user("ada"), user("bob")
        make("user_api", "UserPreference", user_id=ada, key="time_zone", value="Asia/Tokyo")
        make("user_api", "UserPreference", user_id=ada, key="pref-lang", value="ar")
        assert (platform().time_zone(ada), platform().language(ada)) == (ZoneInfo("Asia/Tokyo"), "ar")
        assert (platform().time_zone(bob), platform().language(bob)) == (ZoneInfo("Europe/Paris"), "en")

    def test_an_unknown_time_zone_is_utc(self) -> None:
        ada = user("ada")
        make("user_api", "UserPreference", user_id=ada, key="time_zone", value="Mars/Olympus")
        assert platform().time_zone(ada) == UTC

    def test_a_retired_user_is_known_under_both_names(self) -> None:
        ada = user("retired__user_x")
        make("user_api", "UserRetirementStatus", user_id=ada, original_username="ada")
        assert platform().usernames(ada) == ["ada", "retired__user_x"]

    def test_roles_are_asked_of_the_platforms_own_rule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[Any, ...]] = []
        access = ModuleType("lms.djangoapps.courseware.access")
        access.has_access = lambda *question: asked.append(question) or True  # type: ignore[attr-defined]
        for name in ("lms", "lms.djangoapps", "lms.djangoapps.courseware"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, access.__name__, access)
        ada = user("ada")
        assert platform().is_course_staff(ada, COURSE) is True
        assert [(who.pk, action, where) for who, action, where in asked] == [(ada, "staff", COURSE)]
        assert platform().is_course_staff(999, COURSE) is False


@pytest.mark.django_db
class TestWithoutThePlatform:
    def test_every_answer_is_the_documented_one(self) -> None:
        ada = user("ada")
        assert platform().profile(ada) == {}
        assert platform().course_dates(COURSE) == CourseDates()
        assert list(platform().enrolments(COURSE)) == []
        assert platform().outcomes(COURSE) == []
        assert platform().has_certificate(ada, COURSE) is False
        assert platform().staff_ids(COURSE) == set()
        assert platform().due_dates(COURSE, ada) == {}
        assert platform().labels([block("a")]) == {}
        assert platform().usernames(ada) == ["ada"]

    def test_course_keys_are_those_with_a_nudge_or_an_enrolment(self) -> None:
        Placement.objects.create(key="n", course_key=OTHER)
        Enrolment.objects.create(learner=Learner.objects.create(user_id=1), course_key=COURSE)
        assert platform().course_keys() == [COURSE, OTHER]

    def test_staff_are_djangos(self) -> None:
        assert platform().is_course_staff(user("ada", is_staff=True), COURSE)
        assert not platform().is_course_staff(user("bob"), COURSE)
        assert not platform().is_course_staff(user("gone", is_staff=True, is_active=False), COURSE)

    def test_ids_are_found_by_name(self) -> None:
        assert platform().user_ids(["ada", "nobody"]) == {}
        ada = user("ada")
        assert platform().user_ids(["ada", "nobody"]) == {"ada": ada}


def test_a_pseudonym_is_stable_per_course_and_depends_on_our_key(settings: Any) -> None:
    mine = platform().anonymous_id(7, COURSE)
    assert mine == platform().anonymous_id(7, COURSE)
    assert len({mine, platform().anonymous_id(8, COURSE), platform().anonymous_id(7, OTHER)}) == 3
    settings.SECRET_KEY = "another"
    assert platform().anonymous_id(7, COURSE) != mine


def test_due_dates_are_the_learners_own(monkeypatch: pytest.MonkeyPatch) -> None:
    when = ModuleType("edx_when")
    when.api = ModuleType("edx_when.api")  # type: ignore[attr-defined]
    dates = {(block("a"), "due"): day(5), (block("b"), "start"): day(1), (block("c"), "due"): None}
    when.api.get_dates_for_course = lambda course, user: dates if (course, user) == (COURSE, 7) else {}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "edx_when", when)
    monkeypatch.setitem(sys.modules, "edx_when.api", when.api)  # type: ignore[attr-defined]
    monkeypatch.setattr(apps, "is_installed", lambda name: name == "edx_when")
    assert platform().due_dates(COURSE, 7) == {str(block("a")): day(5)}


def test_an_addressee_is_known_by_the_profiles_name_and_preferences(openedx: None) -> None:
    kim = user("kim", email="kim@example.org", password="x", first_name="K")
    apps.get_model("student", "UserProfile").objects.create(user_id=kim, name="Kim Lee")
    make("user_api", "UserPreference", user_id=kim, key="pref-lang", value="ar")
    make("user_api", "UserPreference", user_id=kim, key="time_zone", value="Asia/Tokyo")
    make("user_api", "UserPreference", user_id=kim, key="other", value="x")
    assert platform().addressees([kim, 99]) == {
        kim: Addressee("kim@example.org", True, "K", "Kim Lee", "ar", "Asia/Tokyo")
    }


@pytest.mark.parametrize(
    ("fields", "verified"),
    [
        ({"email": "a@example.org", "password": "x"}, True),
        ({"email": "a@example.org", "password": "x", "is_active": False}, False),
        ({"email": "a@example.org", "password": None}, False),
        ({"email": "", "password": "x"}, False),
    ],
)
def test_an_address_counts_once_its_account_is_active(
    openedx: None, fields: dict[str, Any], verified: bool
) -> None:
    pk = user("kim", **fields)
    assert list(platform().addresses([pk])) == [(pk, fields["email"], verified)]


def test_without_the_platform_a_user_needs_no_password_to_be_mailed(db: None) -> None:
    pk = user("kim", email="a@example.org", first_name="Kim", last_name="Lee")
    assert platform().addressees([pk]) == {pk: Addressee("a@example.org", True, "Kim", "Kim Lee")}
    assert platform().declined(COURSE) == set()


def test_who_declined_the_platforms_course_mail_is_known_by_course(openedx: None) -> None:
    kim, lee = user("kim"), user("lee")
    make("bulk_email", "Optout", user_id=kim, course_id=COURSE)
    make("bulk_email", "Optout", user_id=lee, course_id=OTHER)
    make("bulk_email", "Optout", user_id=None, course_id=COURSE)
    assert platform().declined(COURSE) == {kim}
    assert platform().declined(COURSE, [kim, kim + 1]) == {kim}
    assert platform().declined(COURSE, [kim + 1]) == set()


def test_links_lead_to_the_site(settings: Any) -> None:
    settings.NUDGE_SITE_URL, settings.LMS_ROOT_URL = "", "https://lms.example.org/"
    host = platform()
    assert host.page_url(COURSE, "progress") == f"https://lms.example.org/courses/{COURSE}/progress"
    assert host.block_url(block("b")) == f"https://lms.example.org/courses/{COURSE}/jump_to/{block('b')}"
    settings.NUDGE_SITE_URL = "https://learn.example.org"
    assert host.root_url() == "https://learn.example.org"


def test_mail_comes_from_where_the_platforms_own_does(settings: Any) -> None:
    settings.BULK_EMAIL_DEFAULT_FROM_EMAIL = "courses@example.org"
    settings.DEFAULT_FROM_EMAIL = "site@example.org"
    assert platform().site_senders() == ["courses@example.org", "site@example.org"]


class Host(Platform):
    """Another host's answers."""

    def has_certificate(self, user_id: int, course_key: CourseKey) -> bool:
        return True


def test_a_host_names_its_own_platform(settings: Any) -> None:
    settings.NUDGE_COMPAT = f"{__name__}.Host"
    assert isinstance(platform(), Host)


def test_an_outline_is_in_course_order_without_what_learners_do_not_see(openedx: None) -> None:
    course = make("learning_sequences", "LearningContext", context_key=COURSE, title="Numbers")
    context = make("learning_sequences", "CourseContext", learning_context=course)

    def section(title: str, **hidden: bool) -> Any:
        mine = {
            "course_context": context,
            "usage_key": block(title, "chapter"),
            "title": title,
            "ordering": 0,
        }
        return make("learning_sequences", "CourseSection", **mine, **hidden)

    def sequence(place: int, within: Any, title: str, **hidden: bool) -> None:
        key = block(title, "sequential")
        one = make(
            "learning_sequences", "LearningSequence", learning_context=course, usage_key=key, title=title
        )
        mine = {"course_context": context, "section": within, "sequence": one, "ordering": place}
        make("learning_sequences", "CourseSectionSequence", **mine, **hidden)

    first, second, secret = section("One"), section("Two"), section("Notes", visible_to_staff_only=True)
    sequence(2, second, "Quiz")
    sequence(0, first, "Storks")
    sequence(1, first, "Draft", visible_to_staff_only=True)
    sequence(3, second, "Extra", hide_from_toc=True)
    sequence(4, secret, "Answers")
    assert platform().outline(COURSE) == [
        Section("One", [(block("Storks", "sequential"), "Storks")]),
        Section("Two", [(block("Quiz", "sequential"), "Quiz")]),
    ]
    assert platform().outline(OTHER) == []


def test_a_host_without_outlines_has_none() -> None:
    assert platform().outline(COURSE) == []


def test_a_host_that_is_no_platform_is_refused(settings: Any) -> None:
    settings.NUDGE_COMPAT = "types.SimpleNamespace"
    assert not isinstance(SimpleNamespace(), Platform)
    with pytest.raises(TypeError, match="no subclass of"):
        platform()


def test_no_other_module_imports_the_platform() -> None:
    folder = Path(compat.__file__).parent
    roots = ("lms", "cms", "common", "openedx", "xmodule", "completion", "edx_when")
    guilty = [
        f"{path.name}: {line.strip()}"
        for path in folder.rglob("*.py")
        if path.name != "compat.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(
            tuple(
                f"{verb} {root}{end}" for verb in ("import", "from") for root in roots for end in (".", " ")
            )
        )
    ]
    assert guilty == []
