"""Checkpoints: the newest whole one, or none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from predictor.checkpoints import FILE, Checkpoints

ARRAYS = {"model.weight": np.arange(4, dtype=np.float32), "adam.0.step": np.float32(3.0).reshape(())}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, {"seed": 1})
    assert checkpoints.load() is None
    checkpoints.save(ARRAYS, {"history": [{"loss": 0.5}]})
    found = Checkpoints(tmp_path, {"seed": 1}).load()
    assert found is not None
    arrays, facts = found
    assert facts == {"history": [{"loss": 0.5}]}
    np.testing.assert_array_equal(arrays["model.weight"], ARRAYS["model.weight"])
    assert arrays["adam.0.step"].shape == ()


def test_each_training_has_its_own(tmp_path: Path) -> None:
    Checkpoints(tmp_path, {"seed": 1}).save(ARRAYS, {})
    assert Checkpoints(tmp_path, {"seed": 2}).load() is None


def test_a_cut_or_edited_one_is_as_good_as_none(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, {})
    checkpoints.save(ARRAYS, {})
    path = checkpoints.path / FILE
    whole = path.read_bytes()
    for broken in (b"", whole[:20], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b"x" * 100):
        path.write_bytes(broken)
        assert checkpoints.load() is None
    path.write_bytes(whole)
    assert checkpoints.load() is not None
    checkpoints.clear()
    assert checkpoints.load() is None
    checkpoints.clear()


def test_one_that_nobody_went_on_with_is_cleared_away_in_the_end(tmp_path: Path) -> None:
    mine, fresh, old = (Checkpoints(tmp_path, {"seed": seed}) for seed in range(3))
    for checkpoints in (mine, fresh, old):
        checkpoints.save(ARRAYS, {})
    os.utime(old.path, (0, 0))
    mine.clear()
    assert (mine.load(), old.load()) == (None, None)
    assert fresh.load() is not None
