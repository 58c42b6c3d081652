"""The statements of a decision that run while a learner waits, written as SQL.

Each is made once rather than at every question: the ORM's making of a query and reading of rows takes longer
than the database's own work.  They are plain enough to be the same in SQLite, MySQL, MariaDB and PostgreSQL,
and all that differs between them (times, JSON) goes through the fields' own conversions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model

from .models import Decision, Enrolment, InboxEvent, Learner

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

Made = TypeVar("Made", bound=Model)
Convert = Callable[[Any, Any, Any], Any]


class Reader(NamedTuple):
    """How rows of an enrolment beside its learner are read: the SQL, and per column its conversions."""

    sql: str
    converters: tuple[tuple[int, Any, tuple[Convert, ...]], ...]
    enrolment: tuple[str, ...]
    learner: tuple[str, ...]


_PAST = f"""
SELECT 1 AS label, time AS at, token, item_id, score FROM {InboxEvent._meta.db_table}
WHERE user_id = %s AND course_key = %s AND time > %s AND time <= %s
UNION ALL
SELECT 0, created, moment, reason, propensity FROM {Decision._meta.db_table}
WHERE learner_id = %s AND ((course_key = %s AND created > %s) OR moment IN ({{marks}}))
ORDER BY label, at DESC LIMIT %s
"""
_SPEND = f"""
UPDATE {Learner._meta.db_table} SET sends = %s, answers = %s, version = version + 1
WHERE id = %s AND version = %s
"""


def enrolment(user_id: int, course_key: CourseKey) -> Enrolment | None:
    """The enrolment with its learner, in one read; None when there is none."""
    reader = _reader(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(reader.sql, [user_id, str(course_key)])
        row = cursor.fetchone()
    if row is None:
        return None
    values, database = list(row), connections[DEFAULT_DB_ALIAS]
    for place, column, converters in reader.converters:
        for convert in converters:
            values[place] = convert(values[place], column, database)
    split = len(reader.enrolment)
    found = Enrolment.from_db(connection.alias, reader.enrolment, values[:split])
    found.learner = Learner.from_db(connection.alias, reader.learner, values[split:])
    return found


def past(
    enrolled: Enrolment, since: datetime, earlier: datetime, moments: Sequence[str], now: datetime, most: int
) -> Sequence[tuple[Any, ...]]:
    """Events after `since`, and decisions after `earlier` or of these moments; one read.

    Rows are (1, time, token, item, score) and (0, created, moment, reason, propensity), decisions first so
    that a long history of events cannot push them out of the `most` newest rows, each kind newest first.
    """
    course, learner = str(enrolled.course_key), enrolled.learner
    digests = list(moments) or [""]
    sql = _PAST.format(marks=", ".join(["%s"] * len(digests)))
    values = [learner.user_id, course, _stored(since), _stored(now)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, learner.pk, course, _stored(earlier), *digests, most])
        return list(cursor.fetchall())


def spend(learner: Learner, sends: Sequence[Sequence[Any]], counts: dict[str, Any]) -> bool:
    """Store the learner's sends and counts unless another page changed them since; whether it did."""
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [json.dumps(sends), json.dumps(counts), learner.pk, learner.version])
        return bool(cursor.rowcount == 1)


def insert(decision: Decision) -> None:
    """Store a new decision.  Raises IntegrityError where its moment has one already."""
    database = connections[DEFAULT_DB_ALIAS]  # itself rather than its proxy, which every field would ask
    fields = Decision._meta.concrete_fields
    values = [field.get_db_prep_save(getattr(decision, str(field.attname)), database) for field in fields]
    with database.cursor() as cursor:
        cursor.execute(_insertion(database.vendor), values)


def loaded(at: Any) -> float:
    """Unix seconds of a time as this database gives it: text in SQLite, without a zone in MySQL."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return float((found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp())


def _stored(at: datetime) -> Any:
    """A time as this database compares it."""
    return connection.ops.adapt_datetimefield_value(at)


@lru_cache(maxsize=4)
def _reader(vendor: str) -> Reader:
    """The first read, made once per kind of database."""
    fields = [*Enrolment._meta.concrete_fields, *Learner._meta.concrete_fields]
    columns = [field.get_col(field.model._meta.db_table) for field in fields]
    converters = []
    for place, column in enumerate(columns):
        found = (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        if found:
            converters.append((place, column, found))
    name = connection.ops.quote_name
    selected = ", ".join(f"{name(field.model._meta.db_table)}.{name(str(field.column))}" for field in fields)
    ours, theirs = name(Enrolment._meta.db_table), name(Learner._meta.db_table)
    sql = (
        f"SELECT {selected} FROM {theirs} JOIN {ours} ON {ours}.learner_id = {theirs}.id "
        f"WHERE {theirs}.user_id = %s AND {ours}.course_key = %s"
    )
    return Reader(sql, tuple(converters), _names(Enrolment), _names(Learner))


@lru_cache(maxsize=4)
def _insertion(vendor: str) -> str:
    name = connection.ops.quote_name
    columns = [name(str(field.column)) for field in Decision._meta.concrete_fields]
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {name(Decision._meta.db_table)} ({', '.join(columns)}) VALUES ({marks})"


def _names(model: type[Made]) -> tuple[str, ...]:
    return tuple(str(field.attname) for field in model._meta.concrete_fields)
