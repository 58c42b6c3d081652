"""How likely a learner was to come in is known from the days before, and from those alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nudge_xblock.attendance import FADING, LASTS, OWN, Attendance, chance, faded

DAYS = 30
WEEKEND = (5, 6)
Days = dict[str, list[int]]

SOME_DAYS = st.lists(st.integers(0, DAYS - 1), max_size=12)
HISTORY = st.fixed_dictionaries({"a": SOME_DAYS, "b": SOME_DAYS, "c": SOME_DAYS})


def everybody(attendance: Attendance) -> npt.NDArray[np.int64]:
    return np.arange(len(attendance.place))


def habitual(learners: int, seed: int, days: int = 40) -> tuple[Attendance, npt.NDArray[np.float64]]:
    """Learners with habits, at weekends half as strong, who meet a moment on some days; and their chances."""
    rng = np.random.default_rng(seed)
    quiet = np.isin(np.arange(days) % 7, WEEKEND)
    true = rng.beta(2.0, 3.0, learners)[:, None] * np.where(quiet, 0.4, 0.8)
    there = rng.random(true.shape) < true
    met = there & (rng.random(true.shape) < 0.4)
    names = [f"u{number}" for number in range(learners)]
    came: Days = {name: np.flatnonzero(row).tolist() for name, row in zip(names, there, strict=True)}
    moments: Days = {name: np.flatnonzero(row).tolist() for name, row in zip(names, met, strict=True)}
    return Attendance(came, moments, days), true


def test_days_are_foreseen_as_often_as_they_come() -> None:
    attendance, true = habitual(2000, seed=1)
    weights = attendance.weights()
    assert weights is not None
    counts = attendance.counted(everybody(attendance))
    told = chance(attendance.inputs(everybody(attendance)), weights)
    assert 0.0 < told.min() < told.max() < 1.0
    assert told[counts].mean() == pytest.approx(attendance.came[counts].mean(), rel=0.01)
    assert np.corrcoef(told[counts], true[counts])[0, 1] > 0.8
    for part in np.array_split(np.argsort(told[counts]), 4):  # those rarely and those often foreseen alike
        assert told[counts][part].mean() == pytest.approx(attendance.came[counts][part].mean(), abs=0.03)


def test_days_of_the_week_are_told_apart() -> None:
    attendance, _ = habitual(2000, seed=2)
    weights = attendance.weights()
    assert weights is not None
    told = chance(attendance.inputs(everybody(attendance)), weights)[:, 28:35].mean(axis=0)
    assert told[list(WEEKEND)].max() < 0.7 * np.delete(told, WEEKEND).min()


def test_a_sample_of_many_learners_says_what_all_of_them_say(monkeypatch: pytest.MonkeyPatch) -> None:
    attendance, _ = habitual(4000, seed=3)
    everyone = attendance.weights()
    monkeypatch.setattr("nudge_xblock.attendance._SAMPLE", 4000 * 40 // 3)
    some = attendance.weights()
    assert everyone is not None
    assert some is not None
    inputs = attendance.inputs(everybody(attendance))[attendance.counted(everybody(attendance))]
    assert not np.array_equal(some, everyone)
    assert np.abs(chance(inputs, some) - chance(inputs, everyone)).mean() < 0.02


@given(HISTORY, HISTORY, HISTORY, HISTORY, st.integers(0, DAYS - 1))
def test_nothing_of_the_day_itself_or_later_is_used(
    came: Days, met: Days, other_came: Days, other_met: Days, day: int
) -> None:
    def until(first: Days, then: Days) -> Days:
        """The days of `first` before `day`, and those of `then` from it on."""
        return {
            name: [*(at for at in first[name] if at < day), *(at for at in then[name] if at >= day)]
            for name in first
        }

    one = Attendance(came, met, DAYS)
    other = Attendance(until(came, other_came), until(met, other_met), DAYS)
    who = everybody(one)
    assert np.array_equal(one.inputs(who)[:, : day + 1], other.inputs(who)[:, : day + 1])
    assert np.array_equal(one.counted(who)[:, : day + 1], other.counted(who)[:, : day + 1])


@given(HISTORY, HISTORY)
def test_inputs_of_days_that_count_are_numbers(came: Days, met: Days) -> None:
    attendance = Attendance(came, met, DAYS)
    who = everybody(attendance)
    assert np.isfinite(attendance.inputs(who)[attendance.counted(who)]).all()


def test_a_day_counts_from_the_one_after_the_first_until_long_after_a_moment() -> None:
    attendance = Attendance({"a": [2, 20], "b": [4]}, {"a": [6], "b": []}, DAYS)
    counts = attendance.counted(everybody(attendance))
    assert np.flatnonzero(counts[0]).tolist() == list(range(7, 7 + LASTS))
    assert not counts[1].any()
    again = Attendance({}, {"a": [6, 10]}, DAYS).counted(np.array([0]))
    assert np.flatnonzero(again[0]).tolist() == list(range(7, 11 + LASTS))


def test_a_moment_in_a_visit_that_began_the_day_before_is_no_return() -> None:
    attendance = Attendance({"a": [3]}, {"a": [3, 8, 8], "b": [5]}, DAYS)
    assert np.flatnonzero(attendance.came[attendance.place["a"]]).tolist() == [3]
    assert not attendance.came[attendance.place["b"]].any()
    assert attendance.met[attendance.place["a"], 8] == 2
    assert attendance.first.tolist() == [3, 5]


def test_days_outside_are_left_out() -> None:
    attendance = Attendance({"a": [-1, -DAYS, 0, DAYS, DAYS + 1]}, {"a": [-3, DAYS, 4]}, DAYS)
    assert np.flatnonzero(attendance.came[0]).tolist() == [0]
    assert np.flatnonzero(attendance.met[0]).tolist() == [4]


def test_very_many_moments_on_a_day_are_many() -> None:
    attendance = Attendance({}, {"a": [3] * 300}, DAYS)
    assert attendance.met[0, 3] == 255


def test_there_are_no_weights_where_no_day_counts_or_nobody_ever_came_again() -> None:
    assert Attendance({}, {}, DAYS).weights() is None
    assert Attendance({"a": [1, 2]}, {"a": []}, DAYS).weights() is None
    assert Attendance({}, {"a": [DAYS - 1]}, DAYS).weights() is None
    assert Attendance({"a": [1]}, {"a": [4]}, DAYS).weights() is None
    assert Attendance({"a": [9]}, {"a": [4]}, DAYS).weights() is not None


def test_learners_who_come_every_day_are_foreseen_to_and_never_for_certain() -> None:
    met = {f"u{number}": list(range(number % 5, DAYS)) for number in range(50)}
    attendance = Attendance(met, met, DAYS)
    weights = attendance.weights()
    assert weights is not None
    who = everybody(attendance)
    told = chance(attendance.inputs(who)[attendance.counted(who)], weights)
    assert 0.9 < told.min() <= told.max() < 0.98


def test_yesterday_counts_whole_and_older_days_less() -> None:
    values = np.zeros((1, 5))
    values[0, 1] = 2.0
    assert faded(values, FADING)[0].tolist() == pytest.approx([0.0, 0.0, 2.0, 2.0 * FADING, 2.0 * FADING**2])
    assert faded(values, 0.0)[0].tolist() == [0.0, 0.0, 2.0, 0.0, 0.0]
    assert faded(values, 1.0)[0].tolist() == [0.0, 0.0, 2.0, 2.0, 2.0]


@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=st.floats(-5.0, 5.0)),
    st.floats(0.0, 1.0),
)
def test_what_is_left_is_the_faded_sum_of_all_days_before(
    values: npt.NDArray[np.float64], rate: float
) -> None:
    told = faded(values, rate)
    for day in range(values.shape[1]):
        weights = np.array([rate**ago for ago in range(day)])[::-1]
        assert told[:, day] == pytest.approx(values[:, :day] @ weights, abs=1e-9)


def test_who_comes_more_often_than_foreseen_has_a_level_of_their_own() -> None:
    often, seldom = list(range(DAYS)), [0, 1]
    attendance = Attendance({"a": often, "b": seldom}, {"a": [0, 5, 10], "b": [0, 5, 10]}, DAYS)
    even = np.zeros(attendance.inputs(np.arange(2)).shape[-1])
    even[0] = np.log(0.5)
    told, counts = attendance.foreseen(np.arange(2), even), attendance.counted(np.arange(2))
    assert (told[0][counts[0]] > 0.5).all()
    assert (told[1][counts[1]] < 0.5).all()
    many = counts[0].sum()
    assert told[0][counts[0]] == pytest.approx(0.5 * (many + OWN) / (0.5 * many + OWN))
