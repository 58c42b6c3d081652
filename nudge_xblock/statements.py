"""The statements of a decision that run while a learner waits, written as SQL.

Each is made once rather than at every question: the ORM's making of a query and reading of rows takes longer
than the database's own work.  They are plain enough to be the same in SQLite, MySQL, MariaDB and PostgreSQL,
and all that differs between them (times, JSON) goes through the fields' own conversions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DateTimeField, Field, JSONField, Model, UUIDField
from opaque_keys.edx.django.models import CourseKeyField

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
    course: int  # where the course key stands


class Writer(NamedTuple):
    """How a decision is written: the SQL, and per column what prepares a value and what stands for none."""

    sql: str
    columns: tuple[tuple[str, Callable[[Any], Any], Any], ...]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_PAST = f"""
SELECT 1 AS label, time AS at, token, item_id, score FROM {InboxEvent._meta.db_table}
WHERE user_id = %s AND course_key = %s AND time > %s AND time <= %s
UNION ALL
SELECT 0, created, moment, reason, propensity FROM {Decision._meta.db_table}
WHERE learner_id = %s AND created > %s AND course_key = %s
UNION ALL
SELECT 0, created, moment, reason, propensity FROM {Decision._meta.db_table}
WHERE moment IN ({{marks}}) AND learner_id = %s
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
    if values[reader.course] == str(course_key):
        values[reader.course] = course_key  # rather than parse it once more
    split = len(reader.enrolment)
    found = Enrolment.from_db(connection.alias, reader.enrolment, values[:split])
    found.learner = Learner.from_db(connection.alias, reader.learner, values[split:])
    return found


def past(
    enrolled: Enrolment, since: datetime, earlier: datetime, moments: Sequence[str], now: datetime, most: int
) -> Sequence[tuple[Any, ...]]:
    """Events after `since`, and decisions after `earlier` or of these moments; one read.

    Rows are (1, time, token, item, score) and (0, created, moment, reason, propensity), decisions first so
    that a long history of events cannot push them out of the `most` newest rows, each kind newest first.  A
    decision may come twice: two plain selects use an index each, one with OR would read all a learner has.
    """
    course, learner = str(enrolled.course_key), enrolled.learner
    digests = list(moments) or [""]
    sql = _PAST.format(marks=", ".join(["%s"] * len(digests)))
    events = [learner.user_id, course, _stored(since), _stored(now)]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*events, learner.pk, _stored(earlier), course, *digests, learner.pk, most])
        return list(cursor.fetchall())


def spend(learner: Learner, sends: Sequence[Sequence[Any]], counts: dict[str, Any]) -> bool:
    """Store the learner's sends and counts unless another page changed them since; whether it did."""
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [_json(sends), _json(counts), learner.pk, learner.version])
        return bool(cursor.rowcount == 1)


def insert(decision: Mapping[str, Any]) -> None:
    """Store a new decision, given by its columns' attributes; one left out takes the model's default.

    Raises IntegrityError where its moment has a decision already.
    """
    database = connections[DEFAULT_DB_ALIAS]
    writer = _writer(database.vendor)
    values = [
        prepare(decision[name]) if decision.get(name) is not None else blank
        for name, prepare, blank in writer.columns
    ]
    with database.cursor() as cursor:
        cursor.execute(writer.sql, values)


def loaded(at: Any) -> float:
    """Unix seconds of a time as this database gives it: text in SQLite, without a zone in MySQL."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    epoch = _NAIVE_EPOCH if found.tzinfo is None else _EPOCH
    return float((found - epoch).total_seconds())


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
    names = _names(Enrolment)
    return Reader(sql, tuple(converters), names, _names(Learner), names.index("course_key"))


@lru_cache(maxsize=4)
def _writer(vendor: str) -> Writer:
    """The last write, made once per kind of database."""
    name, fields = connection.ops.quote_name, Decision._meta.concrete_fields
    columns = ", ".join(name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {name(Decision._meta.db_table)} ({columns}) VALUES ({marks})"
    return Writer(sql, tuple((str(field.attname), *_written(field)) for field in fields))


def _written(field: Field[Any, Any]) -> tuple[Callable[[Any], Any], Any]:
    """What prepares a value of this column, and what is stored where there is none."""
    database = connections[DEFAULT_DB_ALIAS]
    if isinstance(field, JSONField):
        return _json, _json(field.get_default())
    if isinstance(field, DateTimeField):
        return _stored, None
    if isinstance(field, UUIDField):
        return lambda value: field.get_db_prep_save(value, database), None
    if isinstance(field, CourseKeyField):
        return str, None
    return lambda value: value, field.get_db_prep_save(field.get_default(), database)


def _json(value: Any) -> str:
    """A value as the database takes JSON; tuples of any kind become lists, numpy's numbers plain ones."""
    return orjson.dumps(value, default=list, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _names(model: type[Made]) -> tuple[str, ...]:
    return tuple(str(field.attname) for field in model._meta.concrete_fields)
