"""The settings of a training suit the number of learners."""

from __future__ import annotations

import pytest

from predictor.trainset import Scope

plan = pytest.importorskip("predictor.plan")
pytestmark = pytest.mark.train


@pytest.mark.parametrize("learners", [40, 600, 3_000, 7_000])
def test_few_learners_get_enough_steps_of_the_optimizer(learners: int) -> None:
    config = plan.TrainConfig.from_json(plan.suited(learners))
    steps = config.epochs * -(-learners // config.batch_learners)
    assert steps >= plan.least_steps(learners) or config.epochs == plan.MOST_EPOCHS


def test_many_learners_are_trained_with_the_defaults() -> None:
    assert plan.suited(27_000) == {}


def test_a_number_of_known_items_below_none_is_refused() -> None:
    with pytest.raises(ValueError, match="known_items must be at least 0"):
        plan.TrainConfig(known_items=-1)


def test_nobody_at_all_is_no_error() -> None:
    assert plan.TrainConfig.from_json(plan.suited(0)).epochs <= plan.MOST_EPOCHS


def test_a_study_learns_up_to_its_last_horizon_and_the_first_days_most() -> None:
    config = plan.TrainConfig.from_json(plan.studied("learner", (86400.0, 14 * 86400.0), 3_000, seed=4))
    assert (config.clock, config.seed, config.leave_days) == ("learner", 4, 0.0)
    assert config.scope == Scope(live_days=28.0, horizon_days=14.0, early=1.0)
