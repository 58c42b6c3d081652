"""Sequences of unequal length in full blocks: every step once, and the same as torch's own way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from predictor.blocks import blocks, layout, run  # noqa: E402

pytestmark = pytest.mark.train


def test_blocks_cover_every_step_once() -> None:
    running = [5, 5, 5, 3, 3, 1, 1, 1, 1]
    assert blocks(running) == [(3, 5), (2, 3), (4, 1)]
    assert sum(steps * active for steps, active in blocks(running)) == sum(running)


@given(lengths=st.lists(st.integers(0, 12), min_size=1, max_size=9))
def test_a_layout_puts_every_step_in_a_place_of_its_own(lengths: list[int]) -> None:
    plan = layout(np.array(lengths))
    assert sorted(plan.place.tolist()) == list(range(sum(lengths)))
    assert plan.running.sum() == sum(lengths)
    assert (np.diff(plan.running) <= 0).all()
    begin = 0
    offsets = np.concatenate([[0], np.cumsum(plan.running)])
    rank = {int(learner): place for place, learner in enumerate(plan.order)}
    for learner, length in enumerate(lengths):
        own = plan.place[begin : begin + length]
        assert own.tolist() == [int(offsets[time]) + rank[learner] for time in range(length)]
        begin += length


def test_blocks_give_what_torchs_packed_sequences_give() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lstm = torch.nn.LSTM(6, 12)
        plan = layout(np.array([9, 7, 7, 4, 1]))
        entered = torch.randn(28, 6)
    with torch.no_grad():
        ours, (h, c) = run(lstm, entered, plan.running.tolist())
        packed = torch.nn.utils.rnn.PackedSequence(entered, torch.from_numpy(plan.running))
        theirs, (h2, c2) = lstm(packed)
    torch.testing.assert_close(ours, theirs.data, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(h, h2[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(c, c2[0], atol=1e-6, rtol=1e-5)
