"""The cell's arithmetic, one enrolment at a time and many at once."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.cell import MOST, Cell, Work, expected_shapes
from predictor.inputs import EVENT_SIZE, InputConfig

INPUTS = InputConfig(("play_video", "seq_next"), known_items=("1.1", "1.2"))


def cell(hidden: int) -> Cell:
    draw = np.random.default_rng(hidden)
    shapes = expected_shapes(INPUTS, hidden, 2, width=4)
    tensors = {name: draw.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    return Cell(tensors, INPUTS, hidden, 2)


@pytest.mark.parametrize("hidden", [1, 12, 64, 100, 200, 300])
def test_one_at_a_time_is_what_many_at_once_are(hidden: int) -> None:
    """Wide models take several products a step."""
    own, draw, size = cell(hidden), np.random.default_rng(1), 30
    numbers = draw.normal(size=(size, EVENT_SIZE)).astype(np.float32)
    tokens, items = draw.integers(0, INPUTS.tokens, size), draw.integers(0, 3, size)
    work = Work(own)
    work.load(np.zeros(2 * hidden, dtype=np.float32))
    for token, item, row in zip(tokens.tolist(), items.tolist(), numbers, strict=True):
        work.event(token, item, tuple(row.tolist()))
    no_readings = np.zeros((1, INPUTS.reading_size), dtype=np.float32)
    gates = np.concatenate(
        [
            own.marker_gates(row[None], no_readings, [token]) + own.items[item]
            for token, item, row in zip(tokens, items, numbers, strict=True)
        ]
    )
    cells = np.zeros((1, 2 * hidden), dtype=np.float32)
    own.run(gates.copy(), np.array([0]), np.array([size]), cells)
    np.testing.assert_allclose(work.values(), cells[0], atol=1e-5)
    work.load(np.zeros(2 * hidden, dtype=np.float32))
    for row in gates:
        work.marker(row)
    np.testing.assert_allclose(work.values(), cells[0], atol=1e-5)


@pytest.mark.parametrize("hidden", [64, 100, 300])
def test_no_product_is_large_enough_to_be_given_to_threads(hidden: int) -> None:
    own = cell(hidden)
    blocks = [*own.step_blocks, *own.recurrent_blocks]
    assert max(2 * block.size for block in blocks) <= MOST
    assert sum(block.shape[1] for block in own.step_blocks) == 4 * hidden


def test_an_item_that_is_not_known_adds_nothing() -> None:
    own = cell(12)
    assert own.items.shape == (3, 48)
    assert not own.items[0].any()
    assert own.items[1:].any(axis=1).all()
