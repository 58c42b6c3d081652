"""The helpfulness model: it learns what is there, invents nothing, and stays itself on disk."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from predictor import features
from predictor.helpfulness import HelpfulnessModel, lesson_weights

NAMES = features.names(8, ("leave", "pass"))
KIND = NAMES.index("kind.review")
KINDS = len(features.KINDS)


def world(count: int, seed: int, strength: float = 1.5) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Learners whose state suits reviews and spoils the rest, and the true three probabilities."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, len(NAMES))).astype(np.float32)
    rows[:, KIND : KIND + KINDS] = np.eye(KINDS, dtype=np.float32)[chance.integers(0, KINDS, count)]
    pull = strength * (rows[:, 0] * np.where(rows[:, KIND] > 0, 1.0, -1.0) + 0.6 * rows[:, 30])
    logits = np.stack([pull - 1.0, -pull - 1.5, 0.0 * pull], axis=1)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return rows, chances


def drawn(chances: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    uniform = np.random.default_rng(seed).random((len(chances), 1))
    return np.asarray((chances.cumsum(axis=1) > uniform).argmax(axis=1), np.int64)


def log_loss(chances: NDArray[np.float64], outcomes: NDArray[np.int64]) -> float:
    return float(-np.log(chances[np.arange(len(outcomes)), outcomes]).mean())


@pytest.fixture(scope="module")
def fitted() -> HelpfulnessModel:
    rows, chances = world(20_000, 1)
    return HelpfulnessModel.fit(rows, drawn(chances, 2), np.ones(len(rows)), NAMES, seed=3)


def test_it_learns_what_suits_whom_including_what_depends_on_the_kind(fitted: HelpfulnessModel) -> None:
    rows, chances = world(6000, 11)
    outcomes = drawn(chances, 12)
    prior = np.tile(np.bincount(outcomes, minlength=3) / len(outcomes), (len(outcomes), 1))
    ours, best, nothing = (log_loss(p, outcomes) for p in (fitted.predict(rows), chances, prior))
    assert (nothing - ours) / (nothing - best) > 0.7


def test_its_probabilities_are_calibrated(fitted: HelpfulnessModel) -> None:
    rows, chances = world(20_000, 21)
    found, outcomes = fitted.predict(rows), drawn(chances, 22)
    for label in range(3):
        for part in np.array_split(np.argsort(found[:, label]), 8):
            spread = 4.0 * np.sqrt(0.25 / len(part))
            assert abs(found[part, label].mean() - (outcomes[part] == label).mean()) < 0.03 + spread


def test_where_nothing_matters_it_says_what_everybody_says() -> None:
    rows, _ = world(3000, 31)
    shares = np.asarray([0.2, 0.08, 0.72])
    outcomes = drawn(np.tile(shares, (len(rows), 1)), 32)
    model = HelpfulnessModel.fit(rows, outcomes, np.ones(len(rows)), NAMES, seed=33)
    test, _ = world(3000, 34)
    assert np.abs(model.predict(test) - shares).mean() < 0.04
    assert model.report["log_loss"] <= model.report["log_loss_of_shares"] + 1e-3


def test_weights_undo_who_was_chosen_to_be_asked() -> None:
    """Learners who like it were asked nine times as often; one over that chance restores the truth."""
    chance = np.random.default_rng(41)
    likes = chance.random(40_000) < 0.5
    asked = chance.random(40_000) < np.where(likes, 0.9, 0.1)
    rows = chance.normal(size=(40_000, len(NAMES))).astype(np.float32)
    outcomes = np.where(chance.random(40_000) < np.where(likes, 0.6, 0.1), 0, 2)
    weights = 1.0 / np.where(likes, 0.9, 0.1)
    blind = HelpfulnessModel.fit(rows[asked], outcomes[asked], np.ones(asked.sum()), NAMES, seed=1)
    fair = HelpfulnessModel.fit(rows[asked], outcomes[asked], weights[asked], NAMES, seed=1)
    assert abs(fair.predict(rows)[:, 0].mean() - 0.35) < 0.02 < abs(blind.predict(rows)[:, 0].mean() - 0.35)


def test_the_same_seed_gives_the_same_model_and_a_row_the_same_prediction() -> None:
    rows, chances = world(800, 51)
    outcomes = drawn(chances, 52)
    one, two = (HelpfulnessModel.fit(rows, outcomes, np.ones(800), NAMES, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.predict(rows[:2]), two.predict(rows[:2]))


def test_a_model_comes_back_from_its_tensors_bit_for_bit(fitted: HelpfulnessModel) -> None:
    rows, _ = world(10, 61)
    again = HelpfulnessModel.from_tensors(fitted.tensors(), NAMES)
    np.testing.assert_allclose(again.predict(rows), fitted.predict(rows), atol=1e-6)
    twice = HelpfulnessModel.from_tensors(again.tensors(), NAMES)
    np.testing.assert_array_equal(twice.predict(rows), again.predict(rows))


def test_a_warm_start_keeps_the_level_and_ends_where_a_cold_start_does(fitted: HelpfulnessModel) -> None:
    rows, chances = world(20_500, 1)
    outcomes = drawn(chances, 2)
    warm = HelpfulnessModel.fit(rows, outcomes, np.ones(len(rows)), NAMES, seed=3, start=fitted)
    assert (warm.level, warm.chosen_on) == (fitted.level, fitted.chosen_on)
    cold = HelpfulnessModel.fit(rows, outcomes, np.ones(len(rows)), NAMES, seed=3)
    assert np.abs(warm.predict(rows[:500]) - cold.predict(rows[:500])).mean() < 0.02


def test_a_warm_start_on_fewer_answers_does_not_trust_the_old_level(fitted: HelpfulnessModel) -> None:
    rows, _ = world(300, 71)
    outcomes = drawn(np.tile([0.2, 0.1, 0.7], (300, 1)), 72)
    warm = HelpfulnessModel.fit(rows, outcomes, np.ones(300), NAMES, seed=7, start=fitted)
    assert warm.chosen_on == 300
    assert warm.level < fitted.level


@pytest.mark.parametrize("count", [80, 300, 800])
@pytest.mark.parametrize("strength", [0.0, 0.4])
def test_on_few_answers_it_is_no_worse_than_the_shares(count: int, strength: float) -> None:
    """Sixty-odd learners or a few hundred, some with many answers: the demo's evening, many times over."""
    worse = []
    for seed in range(6):
        rows, chances = world(count, 1000 + seed, strength)
        outcomes = drawn(chances, 2000 + seed)
        learners = np.random.default_rng(seed).integers(0, count // 4, count)
        model = HelpfulnessModel.fit(rows, outcomes, np.ones(count), NAMES, seed=seed, groups=learners)
        test, truth = world(4000, 3000 + seed, strength)
        answers = drawn(truth, 4000 + seed)
        shares = np.tile(np.bincount(outcomes, minlength=3) + 1.0, (len(test), 1)) / (count + 3.0)
        worse.append(log_loss(model.predict(test), answers) - log_loss(shares, answers))
    assert max(worse) < 0.03
    assert np.mean(worse) < 0.01


def test_nobody_is_on_both_sides_of_the_cross_validation() -> None:
    """Every learner always gives one answer, and features tell learners apart: only grouping sees through."""
    chance = np.random.default_rng(141)
    whose = np.repeat(np.arange(60), 10)
    rows = chance.normal(size=(60, len(NAMES)))[whose]
    outcomes = chance.integers(0, 3, 60)[whose]
    fair = HelpfulnessModel.fit(rows, outcomes, np.ones(600), NAMES, seed=1, groups=whose)
    blind = HelpfulnessModel.fit(rows, outcomes, np.ones(600), NAMES, seed=1)
    assert blind.personal
    assert not fair.personal


def test_a_start_of_other_features_is_a_cold_start(fitted: HelpfulnessModel) -> None:
    names = features.names(2, ())
    rows = np.random.default_rng(81).normal(size=(200, len(names)))
    outcomes = np.arange(200) % 3
    warm = HelpfulnessModel.fit(rows, outcomes, np.ones(200), names, seed=8, start=fitted)
    cold = HelpfulnessModel.fit(rows, outcomes, np.ones(200), names, seed=8)
    np.testing.assert_array_equal(warm.predict(rows), cold.predict(rows))


def test_a_few_dozen_answers_are_enough_to_say_something_sane() -> None:
    rows, chances = world(40, 91)
    model = HelpfulnessModel.fit(rows, drawn(chances, 92), np.ones(40), NAMES, seed=9)
    found = model.predict(world(500, 93)[0])
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-9)
    assert found.min() > 0.0


def test_one_kind_of_answer_alone_is_no_certainty() -> None:
    rows, _ = world(100, 101)
    model = HelpfulnessModel.fit(rows, np.full(100, 2), np.ones(100), NAMES, seed=1)
    assert 0.8 < model.predict(rows)[:, 2].mean() < 1.0


def test_it_says_how_large_a_state_it_needs(fitted: HelpfulnessModel) -> None:
    assert fitted.hidden_size == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": np.zeros((50, 3))}, "shapes"),
        ({"outcomes": np.zeros(49, np.int64)}, "shapes"),
        ({"rows": np.full((50, len(NAMES)), np.nan)}, "finite"),
        ({"outcomes": np.full(50, 4)}, "outcomes must be"),
        ({"weights": np.zeros(50)}, "above zero"),
        ({"weights": np.full(50, np.inf)}, "finite"),
    ],
)
def test_unusable_answers_are_refused_in_words(change: dict[str, NDArray[np.float64]], words: str) -> None:
    good = {"rows": np.zeros((50, len(NAMES))), "outcomes": np.arange(50) % 3, "weights": np.ones(50)}
    with pytest.raises(ValueError, match=words):
        HelpfulnessModel.fit(**(good | change), names=NAMES, seed=0)


def test_too_few_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        HelpfulnessModel.fit(np.zeros((29, len(NAMES))), np.zeros(29), np.ones(29), NAMES, seed=0)


def test_rows_of_another_width_are_refused(fitted: HelpfulnessModel) -> None:
    with pytest.raises(ValueError, match="takes rows of"):
        fitted.predict(np.zeros((1, 3)))


@pytest.mark.parametrize("name", ["w", "b", "v", "mean", "scale", "temperature"])
def test_tensors_that_do_not_fit_are_refused(fitted: HelpfulnessModel, name: str) -> None:
    tensors = fitted.tensors()
    with pytest.raises(ValueError, match="train it again"):
        HelpfulnessModel.from_tensors({key: value for key, value in tensors.items() if key != name}, NAMES)
    with pytest.raises(ValueError, match="train it again"):
        HelpfulnessModel.from_tensors(tensors | {name: -np.ones((1, 2), np.float32)}, NAMES)


def test_groups_of_another_length_are_refused() -> None:
    rows, chances = world(60, 121)
    with pytest.raises(ValueError, match="groups"):
        HelpfulnessModel.fit(rows, drawn(chances, 1), np.ones(60), NAMES, seed=1, groups=np.arange(59))


def test_a_level_that_does_not_exist_is_refused(fitted: HelpfulnessModel) -> None:
    with pytest.raises(ValueError, match="train it again"):
        HelpfulnessModel.from_tensors(fitted.tensors() | {"chosen": np.asarray([99, 1])}, NAMES)


def test_a_message_has_an_effect_of_its_own_and_a_new_one_none() -> None:
    rows, _ = world(4000, 81)
    good = np.arange(4000) % 2 == 0
    outcomes = drawn(np.where(good[:, None], [[0.2, 0.2, 0.6]], [[0.05, 0.4, 0.55]]), 82)
    keys = [("good",) if each else ("bad",) for each in good]
    model = HelpfulnessModel.fit(rows, outcomes, np.ones(4000), NAMES, seed=1, keys=keys)
    again = HelpfulnessModel.from_tensors(model.tensors(), NAMES)
    told = again.predict(np.repeat(rows[:1], 3, axis=0), [("good",), ("new",), ("bad",)])
    assert told[0, 1] < told[1, 1] < told[2, 1]
    np.testing.assert_allclose(
        again.predict(rows[:5], keys[:5]), model.predict(rows[:5], keys[:5]), atol=1e-6
    )
    np.testing.assert_array_equal(told[1], again.predict(rows[:1])[0])


def test_where_learners_are_alike_it_does_not_tell_them_apart() -> None:
    rows, _ = world(4000, 91)
    message = np.random.default_rng(92).normal(size=20)[np.arange(4000) % 20]
    logits = np.stack([0.5 * message - 1.0, -0.5 * message - 1.5, 0.0 * message], axis=1)
    outcomes = drawn(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 93)
    keys = [(str(each % 20),) for each in range(4000)]
    model = HelpfulnessModel.fit(rows, outcomes, np.ones(4000), NAMES, seed=1, keys=keys)
    assert not model.personal
    told = model.predict(rows, keys)[:, 0]
    assert told[message > 0.0].mean() > told[message < -0.5].mean() + 0.04


def test_an_old_answer_and_an_explored_one_weigh_what_they_should() -> None:
    weights = lesson_weights(np.array([1.0, 0.5, 0.001, 1.0]), np.array([0.0, 0.0, 0.0, 45.0]))
    np.testing.assert_allclose(weights, [1.0, 2.0, 3.0, 0.5])
