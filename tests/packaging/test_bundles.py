"""The committed browser bundles are what their sources build, so that an install from git is complete."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "static" / "nudge_xblock"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (FRONTEND / "node_modules" / "esbuild").exists():
        raise RuntimeError("Building needs the frontend's packages: cd frontend && npm ci")
    home = tmp_path_factory.mktemp("bundles")
    copy = home / "frontend"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(FRONTEND / "node_modules")
    subprocess.run(["node", "build.js"], cwd=copy, check=True, capture_output=True)
    return home / "static" / "nudge_xblock"


def test_each_bundle_is_built_from_what_is_committed(built: Path) -> None:
    assert {path.name for path in built.iterdir()} == {path.name for path in STATIC.iterdir()}
    stale = [path.name for path in built.iterdir() if path.read_bytes() != (STATIC / path.name).read_bytes()]
    assert stale == [], "run `npm run build` in frontend/ and commit static/"


@pytest.mark.parametrize("name", ["NudgeCard", "NudgeCommunicator", "NudgeDashboard", "NudgeStudio"])
def test_a_bundle_exposes_one_name_and_needs_no_jquery(name: str) -> None:
    file = "popup" if name == "NudgeCard" else name.removeprefix("Nudge").lower()
    script = (STATIC / f"{file}.js").read_text(encoding="utf-8")
    assert f"window.{name}=" in script
    assert "jQuery" not in script


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (FRONTEND / "package-lock.json").read_text(encoding="utf-8")
