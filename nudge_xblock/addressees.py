"""The part of the platform's answers that is about mail: whom it may reach, under which name, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import is_password_usable
from django.db.models import Manager, QuerySet

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey, UsageKey

BATCH = 2000  # ids in one statement

PAGES = {
    "course": "course/",
    "progress": "progress",
    "dates": "dates",
    "discussion": "discussion/forum/",
    "certificate": "progress",
}
"""Pages of a course run that a letter can link to, and where they are below /courses/<key>/.

The platform leads on from there to its newer pages, so that a link written today still works after a move.
"""


class Addressee(NamedTuple):
    """One user as a mail needs to know them; `first` and `full` may be empty."""

    email: str
    verified: bool
    first: str = ""
    full: str = ""
    language: str = ""
    time_zone: str = ""


def objects(label: str, name: str) -> Manager[Any] | None:
    """Return the default manager of a platform model, or None when its app is not installed."""
    try:
        manager: Manager[Any] = apps.get_model(label, name)._default_manager
    except LookupError:
        return None
    return manager


class Section(NamedTuple):
    """A section of a course, and the usage key and name of each subsection."""

    title: str
    places: list[tuple[UsageKey, str]]


class Addressees:
    """What sending mail asks of the host; `compat.Platform` is one."""

    def addresses(self, user_ids: Iterable[int] | QuerySet[Any]) -> Iterator[tuple[int, str, bool]]:
        """Yield (user id, mail address, whether it is verified) of each user that exists.

        user_ids: numbers, or a query for them, which is quicker where they are many.

        The platform activates an account once its address was confirmed, and gives a disabled or retired
        one a password that cannot be used.
        """
        on_platform = objects("student", "UserProfile") is not None
        for some in [user_ids] if isinstance(user_ids, QuerySet) else batches(user_ids):
            rows = get_user_model().objects.filter(pk__in=some)
            for pk, email, active, password in rows.values_list("pk", "email", "is_active", "password"):
                usable = not on_platform or is_password_usable(password)
                yield pk, email, bool(active and usable and "@" in email)

    def addressees(self, user_ids: Sequence[int]) -> dict[int, Addressee]:
        """Return what a mail to each of these users needs, by id."""
        found = {pk: Addressee(email, verified) for pk, email, verified in self.addresses(user_ids)}
        firsts = (
            get_user_model().objects.filter(pk__in=list(found)).values_list("pk", "first_name", "last_name")
        )
        for pk, first, last in firsts:
            found[pk] = found[pk]._replace(first=first, full=f"{first} {last}".strip())
        profiles = objects("student", "UserProfile")
        if profiles is not None:
            for pk, full in profiles.filter(user_id__in=list(found)).values_list("user_id", "name"):
                found[pk] = found[pk]._replace(full=full or found[pk].full)
        preferences = objects("user_api", "UserPreference")
        if preferences is not None:
            wanted = {"pref-lang": "language", "time_zone": "time_zone"}
            rows = preferences.filter(user_id__in=list(found), key__in=list(wanted))
            for pk, key, value in rows.values_list("user_id", "key", "value"):
                found[pk] = found[pk]._replace(**{wanted[key]: value})
        return found

    def declined(self, course_key: CourseKey, some: Iterable[int] | None = None) -> set[int]:
        """Return the users, of all or of `some`, who declined the platform's own mail from this course run.

        Absent platform: none.
        """
        rows = objects("bulk_email", "Optout")
        if rows is None:
            return set()
        found = rows.filter(course_id=course_key, user_id__isnull=False)
        if some is not None:
            found = found.filter(user_id__in=list(some))
        return set(found.values_list("user_id", flat=True))

    def root_url(self) -> str:
        """Return the address of the site, without a slash at its end; empty where it is not known."""
        return str(settings.NUDGE_SITE_URL or getattr(settings, "LMS_ROOT_URL", "") or "").rstrip("/")

    def page_url(self, course_key: CourseKey, page: str) -> str:
        """Return the address of one of PAGES.  Raises KeyError for another."""
        return f"{self.root_url()}/courses/{course_key}/{PAGES[page]}"

    def block_url(self, usage_key: UsageKey) -> str:
        """Return the address that leads to a block wherever it stands in its course run."""
        return f"{self.root_url()}/courses/{usage_key.course_key}/jump_to/{usage_key}"

    def outline(self, course_key: CourseKey) -> list[Section]:
        """Return the sections of the course run and their subsections, as learners see them.

        Absent platform, or a course run that was not published since the platform keeps outlines: none.
        """
        rows = objects("learning_sequences", "CourseSectionSequence")
        if rows is None:
            return []
        seen = {
            f"{part}{flag}": False
            for part in ("", "section__")
            for flag in ("hide_from_toc", "visible_to_staff_only")
        }
        found = rows.filter(course_context__learning_context__context_key=course_key, **seen)
        columns = ("section_id", "section__title", "sequence__usage_key", "sequence__title")
        sections: dict[int, Section] = {}
        for number, title, usage_key, name in found.order_by("ordering").values_list(*columns):
            sections.setdefault(number, Section(title, [])).places.append((usage_key, name))
        return list(sections.values())

    def site_senders(self) -> list[str]:
        """Return the addresses that the host itself sends mail from."""
        names = ("BULK_EMAIL_DEFAULT_FROM_EMAIL", "DEFAULT_FROM_EMAIL")
        found = [str(getattr(settings, name, "") or "") for name in names]
        return list(dict.fromkeys(filter(None, found)))

    def postal_address(self) -> str:
        """Return where the site's operator can be written to on paper; empty where it is not set."""
        return str(getattr(settings, "CONTACT_MAILING_ADDRESS", "") or "")

    def has_ace(self) -> bool:
        """Return whether the host sends its own mail through edx-ace."""
        return apps.is_installed("edx_ace") and bool(getattr(settings, "ACE_ENABLED_CHANNELS", None))


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """Ids, as many at a time as one statement may hold."""
    rest = iter(ids)
    while some := list(islice(rest, BATCH)):
        yield some
