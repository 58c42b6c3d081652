"""Learners' earlier courses, read off the night's outcome tables for those alone who are asked about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.test import override_settings

from nudge_xblock import labels
from nudge_xblock.atrisk import records
from predictor.risk import RiskModel

from .. import nighttime
from ..nighttime import NOW
from . import term
from .term import PAST, School

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


@pytest.fixture(autouse=True)
def school() -> Iterator[None]:
    School.forget()
    with override_settings(NUDGE_COMPAT=f"{term.__name__}.School", NUDGE_HELD_OUT_SHARE=0.5):
        yield


def columns(model: RiskModel, *learners: str) -> dict[str, list[float]]:
    found = records.of(learners, model)
    assert found is not None
    told = found.columns(np.array(learners), np.full(len(learners), NOW.timestamp()))
    return {name: values.tolist() for name, values in told.items()}


def test_before_the_first_night_nothing_is_known() -> None:
    assert records.of(["1"], term.made()) is None


def test_taught_and_held_out_learners_are_known_alike_and_nobody_else_is_read() -> None:
    people = range(1, 21)
    for number, course_key in enumerate(PAST):
        start = term.run(course_key, (number + 1) * 50 * term.DAY, *people)
        term.visits(course_key, 1, 2)
        School.completed[course_key] = dict.fromkeys(range(1, 11), start + 30 * term.DAY)
    labels.collect(nighttime.run())
    assert len({labels.is_held_out(str(user_id)) for user_id in people}) == 2
    told = columns(term.made(), *map(str, people), "99")
    assert told["courses before"][:20] == [3.0] * 20
    assert told["completed before"][:20] == pytest.approx([3.5 / 4] * 10 + [0.5 / 4] * 10)
    assert np.isnan(told["courses before"][20])
    found = records.of(["7"], term.made())
    assert found is not None
    assert set(found.courses) == {"7"}


def test_a_model_of_what_nobody_knows_has_no_records() -> None:
    term.run(PAST[0], 50 * term.DAY, 1)
    term.visits(PAST[0], 1, 2)
    labels.collect(nighttime.run())
    assert records.of(["1"], term.made(target="graduated")) is None
