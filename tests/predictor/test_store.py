"""The model store: whole or not at all, whatever happens to the process or to the files."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from benchmarks import kills
from predictor.store import (
    MANIFEST_FILE,
    POINTER_FILE,
    TENSORS_FILE,
    BrokenModel,
    ModelStore,
    NoModel,
    _sealed,
)

TENSORS = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(3, dtype=np.float32)}


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.mark.parametrize("kind", ["engagement", "helpfulness"])
def test_what_is_published_is_what_is_loaded(store: ModelStore, kind: str) -> None:
    version = store.publish(kind, TENSORS, {"targets": ["pass"], "metrics": {"auc": 0.8}})
    tensors, manifest = store.load(kind, version)
    assert set(tensors) == set(TENSORS)
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], array)
    assert manifest["targets"] == ["pass"]
    assert manifest["metrics"] == {"auc": 0.8}
    assert (manifest["kind"], manifest["version"]) == (kind, version)
    assert manifest["tensors"]["weight"] == ["float32", [2, 3]]
    assert {"created", "code_version", "sha256"} <= set(manifest)


def test_a_published_model_serves_nobody_before_its_promotion(store: ModelStore) -> None:
    version = store.publish("engagement", TENSORS, {})
    assert store.current("engagement") is None
    with pytest.raises(NoModel, match="promote"):
        store.load("engagement")
    store.promote("engagement", version)
    assert store.current("engagement") == version
    assert store.load("engagement")[1]["version"] == version


def test_rolling_back_returns_to_the_promotion_before(store: ModelStore) -> None:
    first, second, third = (store.publish("engagement", TENSORS, {"n": n}) for n in range(3))
    for version in (first, second, third):
        store.promote("engagement", version)
    assert store.rollback("engagement") == second
    assert store.rollback("engagement") == first
    assert store.current("engagement") == first
    with pytest.raises(NoModel, match="nothing to roll back"):
        store.rollback("engagement")
    assert [(entry["action"], entry["version"]) for entry in store.history("engagement")] == [
        ("promote", first),
        ("promote", second),
        ("promote", third),
        ("rollback", second),
        ("rollback", first),
    ]


def test_versions_are_in_the_order_in_which_they_were_published(store: ModelStore) -> None:
    published = [store.publish("engagement", TENSORS, {"n": n}) for n in range(12)]
    assert store.versions("engagement") == published
    assert store.prune("engagement", keep=1) == published[:-1]


def test_a_version_is_the_newest_even_where_the_clock_was_set_back(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(hours=1)

    with monkeypatch.context() as patched:
        patched.setattr("predictor.store.datetime", Ahead)
        first = store.publish("engagement", TENSORS, {})
    second = store.publish("engagement", TENSORS, {})
    assert store.versions("engagement") == [first, second]


def test_names_of_whole_seconds_are_still_read_and_ordered(store: ModelStore) -> None:
    new = store.publish("engagement", TENSORS, {})
    folder = store.path / "engagement"
    second = new[: len("20261122T031500")]
    older, same, later = "20200101T000000Z-ffffffff", f"{second}Z-00000000", "20990101T000000Z-00000000"
    for name in (older, same, later):
        (folder / new).rename(folder / ".moved")
        copied = json.loads((folder / ".moved" / MANIFEST_FILE).read_text())
        shutil.copytree(folder / ".moved", folder / name)
        (folder / name / MANIFEST_FILE).write_text(_sealed({**copied, "version": name}))
        (folder / ".moved").rename(folder / new)
    assert store.versions("engagement") == [older, same, new, later]
    store.promote("engagement", older)
    assert store.load("engagement")[1]["version"] == older
    published = store.publish("engagement", TENSORS, {})
    assert store.versions("engagement") == [older, same, new, later, published]


def test_promoting_the_current_version_again_changes_nothing(store: ModelStore) -> None:
    first, second = (store.publish("engagement", TENSORS, {}) for _ in range(2))
    store.promote("engagement", first)
    store.promote("engagement", second)
    store.promote("engagement", second)
    assert store.rollback("engagement") == first


def test_kinds_do_not_touch_each_other(store: ModelStore) -> None:
    engagement, helpfulness = (
        store.publish("engagement", TENSORS, {}),
        store.publish("helpfulness", TENSORS, {}),
    )
    store.promote("helpfulness", helpfulness)
    assert store.current("engagement") is None
    with pytest.raises(NoModel):
        store.load("helpfulness", engagement)


@pytest.mark.parametrize("cut", [0, 7, 40, -1])
def test_a_file_cut_short_is_refused_by_name(store: ModelStore, cut: int) -> None:
    version = store.publish("engagement", TENSORS, {})
    path = store.path / "engagement" / version / TENSORS_FILE
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BrokenModel, match="cut short or edited") as caught:
        store.load("engagement", version)
    assert str(path) in str(caught.value)
    assert "roll back" in str(caught.value)
    assert caught.value.path == path


@pytest.mark.parametrize("name", [TENSORS_FILE, MANIFEST_FILE])
def test_every_edited_byte_is_noticed(store: ModelStore, name: str) -> None:
    version = store.publish("engagement", TENSORS, {"targets": ["pass"]})
    path = store.path / "engagement" / version / name
    whole = path.read_bytes()
    for place in range(0, len(whole), 17):
        edited = bytearray(whole)
        edited[place] ^= 1
        path.write_bytes(edited)
        with pytest.raises(BrokenModel):
            store.load("engagement", version)
    path.write_bytes(whole)
    store.load("engagement", version)


@pytest.mark.parametrize("name", [TENSORS_FILE, MANIFEST_FILE])
def test_a_missing_file_is_refused_by_name(store: ModelStore, name: str) -> None:
    version = store.publish("engagement", TENSORS, {})
    (store.path / "engagement" / version / name).unlink()
    with pytest.raises(BrokenModel, match=name):
        store.load("engagement", version)


def test_a_manifest_moved_to_another_version_is_refused(store: ModelStore) -> None:
    first, second = (store.publish("engagement", TENSORS, {}) for _ in range(2))
    folder = store.path / "engagement"
    (folder / second / MANIFEST_FILE).write_bytes((folder / first / MANIFEST_FILE).read_bytes())
    with pytest.raises(BrokenModel, match="not this folder's"):
        store.load("engagement", second)


def test_a_broken_model_is_never_promoted_nor_rolled_back_to(store: ModelStore) -> None:
    first, second, third = (store.publish("engagement", TENSORS, {}) for _ in range(3))
    store.promote("engagement", first)
    store.promote("engagement", second)
    for version in (first, third):
        (store.path / "engagement" / version / TENSORS_FILE).write_bytes(b"no model")
    with pytest.raises(BrokenModel):
        store.promote("engagement", third)
    with pytest.raises(BrokenModel):
        store.rollback("engagement")
    assert store.current("engagement") == second


def test_an_edited_pointer_is_refused(store: ModelStore) -> None:
    version = store.publish("engagement", TENSORS, {})
    store.promote("engagement", version)
    path = store.path / "engagement" / POINTER_FILE
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"stack": ["20200101T000000Z-00000000"]}))
    with pytest.raises(BrokenModel, match="edited"):
        store.current("engagement")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_not_published(store: ModelStore, bad: float) -> None:
    weights = np.ones((2, 2), dtype=np.float32)
    weights[1, 0] = bad
    with pytest.raises(ValueError, match=r"weight.*not finite"):
        store.publish("engagement", {"weight": weights}, {})
    assert store.versions("engagement") == []


@pytest.mark.parametrize("manifest", [{"metrics": float("nan")}, {"when": object()}])
def test_a_manifest_that_is_not_plain_json_is_not_published(
    store: ModelStore, manifest: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="plain JSON"):
        store.publish("engagement", TENSORS, manifest)
    assert store.versions("engagement") == []


def test_a_model_without_tensors_is_not_published(store: ModelStore) -> None:
    with pytest.raises(ValueError, match="at least one tensor"):
        store.publish("engagement", {}, {})


@pytest.mark.parametrize("name", ["", "..", "a/b", "../engagement", ".hidden", "x\n"])
def test_names_cannot_leave_the_store(store: ModelStore, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        store.publish(name, TENSORS, {})
    store.promote("engagement", store.publish("engagement", TENSORS, {}))
    if name:
        with pytest.raises(ValueError, match="cannot name"):
            store.load("engagement", name)


def test_pruning_spares_what_serves_and_what_served_before(store: ModelStore) -> None:
    versions = [store.publish("engagement", TENSORS, {"n": n}) for n in range(6)]
    store.promote("engagement", versions[0])
    store.promote("engagement", versions[1])
    newest = store.versions("engagement")[-2:]
    gone = store.prune("engagement", keep=2)
    assert set(store.versions("engagement")) == {versions[0], versions[1], *newest}
    assert set(gone) == set(versions) - set(store.versions("engagement"))
    assert store.rollback("engagement") == versions[0]


def test_two_promotions_at_once_lose_none(store: ModelStore) -> None:
    versions = [store.publish("engagement", TENSORS, {"n": n}) for n in range(12)]
    threads = [threading.Thread(target=store.promote, args=("engagement", version)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry["version"] for entry in store.history("engagement")} == set(versions)


def test_a_kill_at_any_moment_leaves_whole_models_only(tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(12):
        assert kills.kill_once(tmp_path / "store", chance) == ""


def test_a_rollback_takes_less_than_a_second(tmp_path: Path) -> None:
    assert max(kills.rollback_seconds(tmp_path, times=3)) < 1.0


def test_what_a_killed_writer_left_is_swept_later(store: ModelStore) -> None:
    store.publish("engagement", TENSORS, {})
    left = store.path / "engagement" / ".20200101T000000Z-00000000"
    left.mkdir()
    (left / TENSORS_FILE).write_bytes(b"half")
    fresh = store.path / "engagement" / ".20200101T000001Z-00000000"
    fresh.mkdir()
    pointer = store.path / "engagement" / f".{POINTER_FILE}-00000000"
    pointer.write_text("half")
    for path in (left, pointer):
        os.utime(path, (0, 0))
    store.publish("engagement", TENSORS, {})
    assert not left.exists()
    assert not pointer.exists()
    assert fresh.exists()
    assert len(store.versions("engagement")) == 2
