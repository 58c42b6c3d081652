"""The part of the platform's answers that is about coursework: what was due, handed in, graded, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from .addressees import batches, objects

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from opaque_keys.edx.keys import CourseKey


class Handed(NamedTuple):
    """One learner's assignment; a time is None where the thing has not happened or is not set."""

    user_id: int
    due: datetime | None = None
    handed_in: datetime | None = None
    graded: datetime | None = None
    earned: float | None = None
    possible: float | None = None


class _Rule(NamedTuple):
    """When something is due: at a time, or so long after a learner's own start."""

    at: datetime | None
    after: timedelta | None


class CourseworkFacts:
    """What the risk model asks of the host; `compat.Platform` is one."""

    def assignments(self, course_key: CourseKey, user_ids: Iterable[int]) -> Iterator[Handed]:
        """Yield each of these users' graded subsections: due when, first attempted when, and their points.

        What has no due date is there for its points; what is due counts from when anybody attempted it, since
        the platform does not tell before whether there is anything to hand in.  Personal extensions and
        schedules count.  Absent platform: none.
        """
        names = self._attempted(course_key)
        rules = self._rules(course_key)
        for some in batches(user_ids):
            grades, dues = self._grades(course_key, some), self._dues(course_key, rules, some)
            for user_id in some:
                mine, due = grades.get(user_id, {}), dues.of(user_id)
                for block in names:
                    done = mine.get(block)
                    if done is not None:
                        yield done._replace(due=due.get(block))
                    elif block in due:
                        yield Handed(user_id, due[block])

    def open_dues(
        self, course_key: CourseKey, user_ids: Iterable[int]
    ) -> dict[int, list[tuple[datetime, str]]]:
        """Return (due when, block) of what each of these users has not attempted yet, soonest first.

        Personal extensions and schedules count; nothing is read of anybody else.  Absent platform: nothing
        is due.
        """
        rules = self._rules(course_key)
        found: dict[int, list[tuple[datetime, str]]] = {}
        for some in batches(user_ids):
            # Where nothing has a date, nobody's points are asked for.
            grades = self._grades(course_key, some) if rules else {}
            dues = self._dues(course_key, rules, some)
            for user_id in some:
                done = grades.get(user_id, {})
                found[user_id] = sorted(
                    (due, block) for block, due in dues.of(user_id).items() if block not in done
                )
        return found

    def passing_grade(self, course_key: CourseKey) -> float | None:
        """Return the share of points that the course run is passed with.  Absent platform: None."""
        rows = objects("course_overviews", "CourseOverview")
        found = (
            rows.filter(id=course_key).values_list("lowest_passing_grade", flat=True).first()
            if rows
            else None
        )
        return None if found is None else float(found)

    def courses_of(self, user_ids: Iterable[int]) -> Iterator[tuple[int, CourseKey, datetime]]:
        """Yield (user id, course run, since when) of each course run these users take.  Absent: none."""
        rows = objects("student", "CourseEnrollment")
        if rows is None:
            return
        for some in batches(user_ids):
            found = rows.filter(user_id__in=some, is_active=True, created__isnull=False)
            yield from found.values_list("user_id", "course_id", "created")

    def programme_since(self, user_ids: Iterable[int]) -> dict[int, datetime]:
        """Return since when each of these users is in a programme.  Absent platform, or in none: left out."""
        rows = objects("program_enrollments", "ProgramEnrollment")
        since: dict[int, datetime] = {}
        if rows is None:
            return since
        for some in batches(user_ids):
            for user_id, created in rows.filter(user_id__in=some).values_list("user_id", "created"):
                since[user_id] = min(created, since.get(user_id, created))
        return since

    def _attempted(self, course_key: CourseKey) -> list[str]:
        """Subsections that count and that anybody attempted."""
        rows = _counted(course_key)
        if rows is None:
            return []
        blocks = rows.order_by().values_list("usage_key", flat=True).distinct()
        return sorted({str(block.map_into_course(course_key)) for block in blocks})

    def _grades(self, course_key: CourseKey, user_ids: Sequence[int]) -> dict[int, dict[str, Handed]]:
        """User id to subsection to what became of it, of subsections that count and were attempted."""
        rows = _counted(course_key)
        found: dict[int, dict[str, Handed]] = {}
        if rows is None:
            return found
        mine = rows.filter(user_id__in=user_ids)
        columns = ("user_id", "usage_key", "first_attempted", "modified", "earned_graded", "possible_graded")
        for user_id, block, *told in mine.values_list(*columns).iterator(chunk_size=2000):
            name = str(block.map_into_course(course_key))
            found.setdefault(user_id, {})[name] = Handed(user_id, None, *told)
        return found

    def _rules(self, course_key: CourseKey) -> dict[str, _Rule]:
        """When the course run's blocks are due for everybody."""
        dated = _dated(course_key)
        if dated is None:
            return {}
        columns = ("location", "policy__abs_date", "policy__rel_date")
        return {
            str(block.map_into_course(course_key)): _Rule(at, after)
            for block, at, after in dated.values_list(*columns)
            if block is not None
        }

    def _dues(self, course_key: CourseKey, rules: Mapping[str, _Rule], user_ids: Sequence[int]) -> _Dues:
        """The same with what is different for these users."""
        dated, own = _dated(course_key), objects("edx_when", "UserDate")
        if dated is None or own is None or not rules:
            return _Dues({}, {}, {})
        changed: dict[int, dict[str, _Rule]] = {}
        extended = own.filter(content_date__in=dated, user_id__in=user_ids).order_by("modified")
        for user_id, block, at, after in extended.values_list(
            "user_id", "content_date__location", "abs_date", "rel_date"
        ):
            if block is not None:
                changed.setdefault(user_id, {})[str(block.map_into_course(course_key))] = _Rule(at, after)
        relative = any(rule.at is None for rule in rules.values())
        return _Dues(rules, changed, self._schedules(course_key, user_ids) if relative else {})

    def _schedules(self, course_key: CourseKey, user_ids: Sequence[int]) -> dict[int, datetime]:
        """User id to the beginning that relative dates count from."""
        rows = objects("schedules", "Schedule")
        if rows is None:
            return {}
        mine = rows.filter(enrollment__course_id=course_key, enrollment__user_id__in=user_ids)
        return dict(mine.values_list("enrollment__user_id", "start_date"))


def _counted(course_key: CourseKey) -> QuerySet[Any] | None:
    """Grades of subsections that count and were attempted."""
    rows = objects("grades", "PersistentSubsectionGrade")
    if rows is None:
        return None
    return rows.filter(course_id=course_key, possible_graded__gt=0, first_attempted__isnull=False)


def _dated(course_key: CourseKey) -> QuerySet[Any] | None:
    """The blocks of a course run that are due some time."""
    rows = objects("edx_when", "ContentDate")
    return None if rows is None else rows.filter(course_id=course_key, field="due", active=True)


class _Dues(NamedTuple):
    """When a course run's blocks are due: for everybody, who has other dates, and when each learner began."""

    rules: Mapping[str, _Rule]
    changed: Mapping[int, Mapping[str, _Rule]]
    begun: Mapping[int, datetime]

    def of(self, user_id: int) -> dict[str, datetime]:
        """Block to due date of one learner; what has none is left out."""
        changed, begun = self.changed.get(user_id, {}), self.begun.get(user_id)
        found = {}
        for block, rule in self.rules.items():
            when = _when(rule, begun)
            mine = changed.get(block)
            if mine is not None:
                when = mine.at or (when + (mine.after or timedelta()) if when else None)
            if when is not None:
                found[block] = when
        return found


def _when(rule: _Rule, begun: datetime | None) -> datetime | None:
    if rule.after is None:
        return rule.at
    return begun + rule.after if begun else None
