"""Who is learned from, and which labels at which moments."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from predictor.cohort import cohort
from predictor.events import Event
from predictor.inputs import DAY, InputConfig
from predictor.outcomes import Outcomes
from predictor.sequences import EventTable
from predictor.streams import Streams
from predictor.trainset import (
    Pool,
    Roll,
    Scope,
    call_roll,
    held_out,
    join,
    labelled_steps,
    parts,
    pools,
    random_moments,
    read_pool,
    undersampled,
    without_outliers,
)

START = 1_600_000_000.0
CONFIG = InputConfig(("seq_next",))


def events(course: str, learner: str, *days: float) -> list[Event]:
    return [Event(course, learner, START + day * DAY, "seq_next") for day in days]


SOURCE = EventTable.of(
    [*events("c1", "ada", 0.5, 1.5, 6.5), *events("c1", "bob", 0.2), *events("c2", "cid", 0.1, 0.2)]
)


def outcomes(**known_at: str) -> Outcomes:
    rows = [
        {
            "course_id": "c1",
            "learner_id": name,
            "course_start": str(START),
            "passed": label,
            "passed_at": when,
        }
        for name, label, when in (
            ("ada", "1", known_at.get("ada", "")),
            ("bob", "0", ""),
            ("eve", "0", ""),
        )
    ]
    return Outcomes.from_rows(rows)


def rolls(table: Outcomes | None = None) -> list[Roll]:
    return call_roll(SOURCE, table or outcomes(), ["passed"], SOURCE.courses)


def test_everyone_with_an_event_or_an_outcome_is_called() -> None:
    first, second = rolls()
    assert first.learners == ("ada", "bob", "eve")
    assert first.labels[:, 0].tolist() == [1, 0, 0]
    assert first.starts.tolist() == [START] * 3
    assert second.learners == ("cid",)
    assert np.isnan(second.labels).all()
    assert second.starts[0] == START + 0.1 * DAY
    assert np.isinf(second.known_at).all()


def test_a_course_begins_for_training_when_it_begins_for_a_study() -> None:
    table = Outcomes.from_rows(
        [
            {"course_id": course, "learner_id": name, "passed": "1"}
            for course, name in (("c1", "ada"), ("c2", "cid"))
        ]
    )
    studied = cohort(SOURCE, table, "passed", "course").enrolments
    for roll in rolls(table):
        assert set(roll.starts.tolist()) == set(studied.begins[studied.courses == roll.course_id].tolist())


def test_a_known_outcome_is_not_asked_for_any_more() -> None:
    roll = rolls(outcomes(ada=str(START + 3.5 * DAY)))[0]
    steps, labels = labelled_steps(CONFIG, read_pool(SOURCE, roll, CONFIG), leave_days=0)
    ada = steps.reading_owners == 0
    assert steps.reading_days[ada].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert np.isnan(labels[ada, 0]).tolist() == [False, False, False, True, True, True, True]
    assert labels[steps.reading_owners == 2, 0].tolist() == [0] * 7


def test_leaving_is_told_from_the_stream_and_unknown_at_its_end() -> None:
    pool = read_pool(SOURCE, rolls()[0], CONFIG)
    steps, labels = labelled_steps(CONFIG, pool, leave_days=2)
    ada, bob = (labels[steps.reading_owners == row, 1] for row in (0, 1))
    np.testing.assert_array_equal(ada, [0, 1, 1, 1, 0, 0, np.nan])
    np.testing.assert_array_equal(bob, [1, 1, 1, 1, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("clock", ["course", "learner"])
def test_nothing_is_learned_after_a_long_absence_nor_after_the_horizon(
    clock: Literal["course", "learner"],
) -> None:
    config, whole = InputConfig(("seq_next",), clock=clock), read_pool(SOURCE, rolls()[0], CONFIG)
    everything, everywhere = labelled_steps(config, whole, leave_days=2)
    scope = Scope(live_days=2, horizon_days=5)
    pool = scope.narrowed(config, whole, 2)
    steps, labels = labelled_steps(config, pool, leave_days=2, scope=scope)
    inside = (everything.reading_days <= 5) & (everything.reading_away <= 2 * DAY)
    known = np.isfinite(labels).any(axis=1)
    np.testing.assert_array_equal(labels[known], everywhere[inside & np.isfinite(everywhere).any(axis=1)])
    np.testing.assert_allclose(steps.readings[known], everything.readings[inside], atol=1e-6)
    assert 0 < len(steps.tokens) < len(everything.tokens)


def test_early_readings_count_more_when_asked_to() -> None:
    steps, _ = labelled_steps(CONFIG, read_pool(SOURCE, rolls()[0], CONFIG), leave_days=0)
    assert set(Scope().weights(steps).tolist()) == {1.0}
    np.testing.assert_allclose(Scope(early=1.0).weights(steps), 1 / (1 + steps.reading_days), rtol=1e-6)


def test_moments_lie_right_after_events_of_their_learner() -> None:
    pool = join([read_pool(SOURCE, roll, CONFIG) for roll in rolls()])
    extra = random_moments(pool, 5, np.random.default_rng(0))
    steps, _ = labelled_steps(CONFIG, pool, 2.0, extra)
    asked = ~steps.markers
    assert asked.sum() == len(extra[0]) >= 4
    for step, owner, time in zip(
        steps.reading_steps[asked], steps.reading_owners[asked], steps.reading_times[asked], strict=True
    ):
        own = pool.streams.times[pool.streams.offsets[owner] : pool.streams.offsets[owner + 1]]
        assert time in own
        assert steps.times[step] == time


def test_pools_hold_whole_courses_and_stay_small() -> None:
    sizes = [len(pool) for pool in pools(SOURCE, rolls(), CONFIG, most_events=1)]
    assert sizes == [3, 1]
    together = list(pools(SOURCE, rolls(), CONFIG, most_events=1000))
    assert [len(pool) for pool in together] == [4]
    assert isinstance(together[0].streams, Streams)
    assert np.diff(together[0].streams.offsets).tolist() == [3, 1, 0, 2]
    assert isinstance(together[0].take(np.array([3])), Pool)


def roll_of(labels: list[float]) -> Roll:
    size = len(labels)
    names = tuple(f"l{place:03d}" for place in range(size))
    column = np.array(labels, dtype=np.float32)[:, None]
    return Roll("c1", names, np.full(size, START), column, np.full((size, 1), np.inf))


def test_undersampling_keeps_the_rare_the_unknown_and_a_draw_of_the_common() -> None:
    roll = roll_of([1.0] * 5 + [0.0] * 50 + [np.nan] * 3)
    kept = undersampled([roll], 2.0, np.random.default_rng(0))[0]
    values = kept.labels[:, 0]
    assert ((values == 1).sum(), (values == 0).sum(), np.isnan(values).sum()) == (5, 10, 3)
    assert list(kept.learners) == sorted(kept.learners)


def test_streams_far_longer_than_those_who_passed_are_left_out() -> None:
    sizes = {f"l{place:03d}": 10 + place for place in range(8)} | {"l008": 400}
    source = EventTable.of(
        [Event("c1", name, START + n, "seq_next") for name, size in sizes.items() for n in range(size)]
    )
    roll = roll_of([1.0] * 8 + [0.0])
    assert without_outliers(source, roll, 1.5).learners == roll.learners[:8]
    assert without_outliers(source, roll_of([1.0, 0.0] + [0.0] * 7), 1.5).learners == roll.learners


@pytest.mark.parametrize("by_course", [True, False])
def test_nobody_is_both_learned_from_and_held_out(by_course: bool) -> None:
    called = [roll_of([0.0, 1.0] * 30) for _ in range(4)]
    split = held_out(called, 0.25, by_course, np.random.default_rng(1))
    sizes = sum(map(len, split.learning)), sum(map(len, split.held))
    assert sum(sizes) == 240
    assert 30 < sizes[1] < 90
    if by_course:
        assert [len(roll) for roll in split.held] == [60]
    else:
        for kept, out in zip(split.learning, split.held, strict=True):
            assert not set(kept.learners) & set(out.learners)


def test_parts_hold_every_learner_once_in_about_equal_shares() -> None:
    sizes = np.array([3, 900, 40, 5, 0, 250, 60, 2])
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    count = offsets[-1]
    ones = np.ones(count, np.int64)
    streams = Streams(offsets, ones, START + np.arange(count), -ones, 0 * ones)
    marks = np.arange(len(sizes), dtype=np.float32)[:, None]
    start = np.full(len(sizes), START)
    pool = Pool(streams, start, start, marks, np.full((len(sizes), 1), np.inf))
    found = [part.labels[:, 0].astype(int).tolist() for part in parts(pool, 300)]
    assert sorted(row for part in found for row in part) == list(range(len(sizes)))
    assert found[-1] == [1]
    assert len(found) == 3
    assert [part.labels[:, 0].tolist() for part in parts(pool, 10_000)] == [[4, 7, 0, 3, 2, 6, 5, 1]]


def test_nobody_is_one_empty_part() -> None:
    pool = read_pool(SOURCE, rolls()[0], CONFIG).take(np.zeros(0, np.int64))
    assert [len(part) for part in parts(pool, 100)] == [0]
