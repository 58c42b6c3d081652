"""A batch's gradient in parts: the whole's, to the last digit whoever works on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictor.helpers import Helper
from predictor.inputs import InputConfig
from predictor.store import ModelStore
from predictor.trainset import Pool, Scope, call_roll, join, labelled_steps, parts, read_pool
from tests.predictor.study_world import TOKENS, World, world

torch = pytest.importorskip("torch")

from predictor import training  # noqa: E402
from predictor.batches import to_batch  # noqa: E402
from predictor.crew import Crew, Part, Totals  # noqa: E402
from predictor.model import ModelConfig, Network  # noqa: E402
from predictor.training import TrainConfig, fit  # noqa: E402

pytestmark = pytest.mark.train

INPUTS = InputConfig(TOKENS)
KNOWING = InputConfig(TOKENS, ("item-1", "item-4", "item-7"))
SMALL = ModelConfig(hidden=16, embedding=8, width=8)


@pytest.fixture(scope="module")
def small_world() -> World:
    return world(courses=2, learners=60, seed=5)


@pytest.fixture
def pool(small_world: World) -> Pool:
    """Numbered with known items; a network that knows none does not look at them."""
    source = small_world.source
    rolls = call_roll(source, small_world.outcomes, ["passed"], source.courses)
    return join([read_pool(source, roll, KNOWING) for roll in rolls])


def in_parts(pool: Pool, steps: int) -> list[Part]:
    found = []
    for number, part in enumerate(parts(pool, steps)):
        built, labels = labelled_steps(INPUTS, part, 2.0)
        batch = to_batch(built, INPUTS.event_tokens)
        weights = torch.from_numpy(Scope(early=1.0).weights(built))
        found.append(Part(batch, torch.from_numpy(labels), weights, seed=number))
    return found


def worked(
    config: ModelConfig, given: list[Part], helpers: int, inputs: InputConfig = INPUTS
) -> tuple[float, Any]:
    """A batch's loss and gradient."""
    torch.manual_seed(0)
    network = Network(config, inputs, 2)
    with Crew(network, helpers) as crew:
        loss = crew.work(given, Totals.of(given, next_event=0.5))
    gradients = [weights.grad for weights in network.parameters()]
    return loss, torch.cat([gradient.reshape(-1) for gradient in gradients if gradient is not None])


def test_the_gradients_of_parts_add_up_to_that_of_the_whole(pool: Pool) -> None:
    still = replace(SMALL, input_dropout=0.0, head_dropout=0.0)
    whole, small = in_parts(pool, 1_000_000), in_parts(pool, 300)
    assert len(whole) == 1
    assert len(small) > 5
    loss, gradient = worked(still, whole, 0)
    loss_of_parts, sum_of_parts = worked(still, small, 0)
    assert loss_of_parts == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(sum_of_parts, gradient, atol=1e-5)
    assert float(gradient.abs().max()) > 0.01


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what helpers were asked."""
    sizes: list[int] = []
    ask = Helper.ask

    def counted(helper: Helper, question: bytes) -> bytes:
        sizes.append(len(question))
        return ask(helper, question)

    monkeypatch.setattr(Helper, "ask", counted)
    return sizes


@pytest.mark.parametrize("inputs", [INPUTS, KNOWING])
def test_helpers_do_not_change_a_digit(pool: Pool, asked: list[int], inputs: InputConfig) -> None:
    given = in_parts(pool, 200)
    alone = worked(SMALL, given, 0, inputs)
    assert not asked
    helped = worked(SMALL, given, 2, inputs)
    assert asked
    assert helped[0] == alone[0]
    np.testing.assert_array_equal(helped[1], alone[1])


def test_a_training_with_helpers_ends_in_the_same_model(
    small_world: World, tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "WORTH", 0)
    monkeypatch.setattr(training, "cores", lambda: 2)
    config = TrainConfig(
        hidden=16,
        embedding=8,
        width=8,
        epochs=2,
        batch_learners=32,
        batch_steps=200,
        min_count=5,
        min_courses=1,
    )
    models = []
    for processes in (1, 2):
        store = ModelStore(tmp_path / str(processes))
        own = replace(config, processes=processes)
        version = fit(small_world.source, small_world.outcomes, ["passed"], own, store)
        models.append(store.load("engagement", version)[0])
        assert bool(asked) == (processes == 2)
    for name, tensor in models[0].items():
        np.testing.assert_array_equal(tensor, models[1][name])


def test_little_to_train_on_starts_no_helper(
    small_world: World, tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "cores", lambda: 2)
    config = TrainConfig(hidden=16, embedding=8, width=8, epochs=1, min_count=5, min_courses=1)
    fit(small_world.source, small_world.outcomes, ["passed"], config, ModelStore(tmp_path))
    assert not asked


def test_a_helper_that_died_says_what_to_do(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Helper.ask

    def killed(helper: Helper, question: bytes) -> bytes:
        helper.kill()
        return ask(helper, question)

    monkeypatch.setattr(Helper, "ask", killed)
    with pytest.raises(RuntimeError, match=r"ended with -9: .* Train again with processes=1"):
        worked(SMALL, in_parts(pool, 200), 1)
