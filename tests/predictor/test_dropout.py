"""Dropout: the share dropped, the sum kept, and the same again for the same seed."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from predictor.dropout import Dropout  # noqa: E402

pytestmark = pytest.mark.train


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_the_share_is_dropped_at_every_place_and_the_mean_stays(share: float) -> None:
    torch.manual_seed(1)
    found = Dropout(share)(torch.ones(40_000, 8))
    assert torch.allclose((found == 0).float().mean(dim=0), torch.tensor(share), atol=0.01)
    assert float(found.mean()) == pytest.approx(1, abs=0.01)
    assert len(found.unique()) == 2


def test_what_is_dropped_depends_on_the_seed_alone() -> None:
    values, drop = torch.randn(7, 5), Dropout(0.4)
    torch.manual_seed(1)
    one, other = drop(values), drop(values)
    torch.manual_seed(1)
    assert torch.equal(drop(values), one)
    assert not torch.equal(one, other)


def test_gradients_pass_where_numbers_do() -> None:
    values = torch.ones(100, 3, requires_grad=True)
    found = Dropout(0.3)(values)
    found.sum().backward()
    assert torch.equal(values.grad, found.detach())


@pytest.mark.parametrize("drop", [Dropout(0.0), Dropout(0.3).eval()])
def test_nothing_is_dropped_without_a_share_or_outside_training(drop: Dropout) -> None:
    values = torch.randn(4, 3)
    assert drop(values) is values


def test_no_numbers_are_no_numbers() -> None:
    assert Dropout(0.3)(torch.zeros(0, 3)).shape == (0, 3)
