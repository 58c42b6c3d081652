"""Digests of arrays."""

from __future__ import annotations

import numpy as np

from predictor.digests import of_arrays


def test_every_value_type_shape_and_place_counts() -> None:
    usual = np.arange(6.0)
    several = [
        [usual],
        [usual.astype(np.float32)],
        [usual.reshape(2, 3)],
        [usual[::-1]],
        [usual, np.zeros(0)],
        [np.zeros(0), usual],
        [usual[:3], usual[3:]],
        [np.asarray(["a", "bc"])],
        [np.asarray(["ab", "c"])],
    ]
    assert len({of_arrays(arrays) for arrays in several}) == len(several)


def test_it_is_the_same_however_an_array_lies_in_memory() -> None:
    table = np.arange(12).reshape(3, 4)
    assert of_arrays([table.T.copy()]) == of_arrays([table.T])
