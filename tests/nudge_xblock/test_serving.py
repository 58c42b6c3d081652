"""Models in a process: read once, looked at again in time, never an error, never half a model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from nudge_xblock import serving
from predictor.store import ModelStore
from predictor.streaming import Streamer
from tests.nudge_xblock.engagement import publish


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(serving.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def shelf(stores: Path, clock: list[float]) -> serving.Shelf[Streamer]:
    return serving.Shelf(serving.ENGAGEMENT, Streamer.load)


def test_without_a_model_there_is_a_reason(shelf: serving.Shelf[Streamer]) -> None:
    assert shelf.current() == (None, "", serving.NO_MODEL)


def test_a_promoted_model_is_seen_within_half_a_minute(
    shelf: serving.Shelf[Streamer], settings: Any, clock: list[float]
) -> None:
    first = publish(settings.NUDGE_MODEL_DIR)
    assert shelf.current().version == first
    second = publish(settings.NUDGE_MODEL_DIR, seed=2)
    clock[0] += 29
    assert shelf.current().version == first
    clock[0] += 2
    assert shelf.current().version == second


def test_a_rollback_is_seen_too(shelf: serving.Shelf[Streamer], settings: Any, clock: list[float]) -> None:
    first = publish(settings.NUDGE_MODEL_DIR)
    publish(settings.NUDGE_MODEL_DIR, seed=2)
    shelf.current()
    ModelStore(settings.NUDGE_MODEL_DIR).rollback(serving.ENGAGEMENT)
    clock[0] += 31
    assert shelf.current().version == first


def test_the_same_model_is_not_read_again(
    shelf: serving.Shelf[Streamer], settings: Any, clock: list[float]
) -> None:
    publish(settings.NUDGE_MODEL_DIR)
    model = shelf.current().model
    clock[0] += 31
    assert shelf.current().model is model


@pytest.mark.parametrize(
    "damage", [lambda blob: blob[:-20], lambda blob: blob[:-1] + b"\x7f", lambda blob: b""]
)
def test_a_broken_model_is_never_served(shelf: serving.Shelf[Streamer], settings: Any, damage: Any) -> None:
    version = publish(settings.NUDGE_MODEL_DIR)
    file = Path(settings.NUDGE_MODEL_DIR) / serving.ENGAGEMENT / version / "model.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    assert shelf.current() == (None, "", serving.BROKEN_MODEL)


def test_it_serves_again_once_the_model_is_mended(
    shelf: serving.Shelf[Streamer], settings: Any, clock: list[float]
) -> None:
    version = publish(settings.NUDGE_MODEL_DIR)
    file = Path(settings.NUDGE_MODEL_DIR) / serving.ENGAGEMENT / version / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(b"")
    assert shelf.current().why == serving.BROKEN_MODEL
    file.write_bytes(whole)
    clock[0] += 31
    assert shelf.current().version == version


def test_who_comes_while_another_looks_gets_the_model_of_before(
    stores: Path, settings: Any, clock: list[float]
) -> None:
    first = publish(settings.NUDGE_MODEL_DIR)
    reading, go_on = Event(), Event()

    def slow(store: ModelStore, version: str) -> Streamer:
        if version != first:
            reading.set()
            assert go_on.wait(20)
        return Streamer.load(store, version)

    shelf = serving.Shelf(serving.ENGAGEMENT, slow)
    shelf.current()
    second = publish(settings.NUDGE_MODEL_DIR, seed=2)
    clock[0] += 31
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(shelf.current)
        assert reading.wait(20)
        assert shelf.current().version == first
        go_on.set()
        assert other.result().version == second
