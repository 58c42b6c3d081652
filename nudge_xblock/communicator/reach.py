"""Who of a course can be mailed at all: a verified address, no opt-out, no suppression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from nudge_xblock.compat import platform
from nudge_xblock.models import Learner

from .suppression import Blocked

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

MANY = 2000
NO_ADDRESS, UNVERIFIED, OPTED_OUT, DECLINED = "no_address", "unverified", "opted_out", "declined"


class Reach:
    """Says of the learners of one course run why they cannot be mailed, from a few reads for all of them.

    `user_ids`: who is asked about; `some`: their rows and addresses, where they are known.
    """

    def __init__(
        self, course_key: CourseKey, user_ids: Iterable[int], some: Mapping[int, str] | None = None
    ) -> None:
        self._blocked = Blocked(course_key, some)
        self._declined = platform().declined(course_key, user_ids)

    def why_not(self, learner: tuple[int, int, bool], email: str, verified: bool) -> str:
        """A code, empty for who can be mailed.  `learner`: (row id, user id, opted out)."""
        row, user_id, opted_out = learner
        if opted_out:
            return OPTED_OUT
        if user_id in self._declined:
            return DECLINED
        if not email:
            return NO_ADDRESS
        return self._blocked.why(row, email) or ("" if verified else UNVERIFIED)


def reachable(course_key: CourseKey, user_ids: Iterable[int]) -> set[int]:
    """Which of these users can be mailed about this course run: those to whom `why_not` has no objection."""
    wanted, blocked = set(user_ids), Blocked(course_key)
    refused = platform().declined(course_key)
    refused.update(Learner.objects.filter(opted_out=True).values_list("user_id", flat=True))
    refused.update(_user_ids(blocked.learners))
    return {
        user_id
        for user_id, email, verified in _addresses(course_key, wanted)
        if verified and user_id not in refused and not blocked.has(email)
    }


def _user_ids(learners: Iterable[int]) -> Iterator[int]:
    rows = sorted(learners)
    for begin in range(0, len(rows), MANY):
        some = Learner.objects.filter(pk__in=rows[begin : begin + MANY])
        yield from some.values_list("user_id", flat=True)


def _addresses(course_key: CourseKey, wanted: set[int]) -> Iterator[tuple[int, str, bool]]:
    """The addresses of these users, those who take the course in one statement where they are many."""
    rest = wanted
    if len(wanted) > MANY:
        rest = set(wanted)
        for found in platform().addresses(platform().member_ids(course_key)):
            if found[0] in rest:
                rest.discard(found[0])
                yield found
    yield from platform().addresses(rest)


def reasons(course_key: CourseKey, user_ids: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Each existing user and why they cannot be mailed, empty where they can."""
    wanted = list(user_ids)
    reach = Reach(course_key, wanted)
    known = {user_id: (pk, opted_out) for pk, user_id, opted_out in _learners(wanted)}
    for user_id, email, verified in platform().addresses(wanted):
        row, opted_out = known.get(user_id, (0, False))
        yield user_id, reach.why_not((row, user_id, opted_out), email, verified)


def _learners(user_ids: list[int]) -> Iterator[tuple[int, int, bool]]:
    for begin in range(0, len(user_ids), MANY):
        rows = Learner.objects.filter(user_id__in=user_ids[begin : begin + MANY])
        yield from rows.values_list("pk", "user_id", "opted_out")
