"""The simulated programme, and whether reasons name the causes that were planted in it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from benchmarks.risk import Found, causes_found, trained
from benchmarks.risk_world import CAUSES, World, world


@pytest.fixture(scope="module")
def programme() -> World:
    return world(families=4, runs=3, learners=110, seed=3)


@pytest.fixture(scope="module")
def found(programme: World) -> Found:
    return causes_found(trained(programme), programme, 21.0)


def test_every_cause_is_planted_and_costs_completions(programme: World) -> None:
    planted = [cause for causes in programme.causes.values() for cause in causes]
    assert set(planted) == set(CAUSES)
    lost = {
        bool(programme.causes[course_id, learner]): []
        for course_id in programme.outcomes.courses
        for learner in programme.outcomes.of(course_id).learners
    }
    for course_id in programme.outcomes.courses:
        course = programme.outcomes.of(course_id)
        for learner, completed in zip(course.learners, course.labels["completed"].tolist(), strict=True):
            lost[bool(programme.causes[course_id, learner])].append(1 - completed)
    assert np.mean(lost[True]) > 0.75
    assert np.mean(lost[False]) < 0.2


def test_the_same_seed_plants_the_same(programme: World) -> None:
    assert world(families=4, runs=3, learners=110, seed=3).causes == programme.causes


def test_the_planted_cause_ranks_first(found: Found) -> None:
    """In a programme smaller than the benchmark's, on runs that nobody has trained on."""
    assert found.flagged > 100
    assert found.share >= 0.85


def test_most_of_the_flagged_have_a_cause(found: Found) -> None:
    assert found.without_cause / found.flagged < 0.25
