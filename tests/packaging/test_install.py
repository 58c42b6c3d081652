"""What an operator installs: wheel, sdist and editable, each with its assets and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IGNORED = {"__pycache__"}


def shipped_sources() -> set[str]:
    """Every file of ours that belongs in a wheel, under its installed name."""
    names = set()
    for package in ("nudge_xblock", "predictor"):
        for path in (ROOT / package).rglob("*"):
            inside = path.relative_to(ROOT)
            if path.is_file() and not path.is_symlink() and not IGNORED & set(inside.parts):
                names.add(str(inside))
    for folder in ("static", "templates"):
        names |= {
            f"nudge_xblock/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob("*") if path.is_file()
        }
    return {name for name in names if not name.endswith((".pyc", ".pyo"))}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built as a release builds them: the wheel from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked where nothing of the source tree is."""
    target = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(code: str, site: Path, cwd: Path) -> str:
    """Run Python with only the unpacked wheel of ours on its path."""
    ours = ("", str(ROOT))
    preamble = f"import sys; sys.path = [{str(site)!r}] + [p for p in sys.path if p not in {ours!r}]\n"
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", preamble + code],
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_wheel_holds_every_source_and_asset_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped_sources()


def test_wheel_ships_neither_tests_nor_demo(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"nudge_xblock", "predictor"}


def test_wheel_installed_alone_serves_its_assets(installed: Path, tmp_path: Path) -> None:
    code = """
import nudge_xblock
from importlib.resources import files
assert nudge_xblock.__file__.startswith(sys.path[0])
print((files("nudge_xblock") / "static/nudge_xblock/popup.js").stat().st_size > 1000)
"""
    assert run(code, installed, tmp_path) == "True"


def test_command_line_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    assert "ingest" in run(
        "import runpy, contextlib; sys.argv = ['predictor', '--help']\n"
        "with contextlib.suppress(SystemExit): runpy.run_module('predictor', run_name='__main__')",
        installed,
        tmp_path,
    )


def test_sdist_can_be_built_from(built: Path) -> None:
    """The wheel was built from the sdist, so what matters is that the sources of the assets are in it."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in ("setup.py", "LICENSE", "README.md", "static/nudge_xblock/popup.js"):
        assert needed in names


def test_editable_install_finds_templates_and_static() -> None:
    for folder in ("static", "templates"):
        link = ROOT / "nudge_xblock" / folder
        assert link.is_symlink()
        assert link.resolve() == ROOT / folder


def test_entry_points_load(installed: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(
            next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        ).decode()
    assert "nudge = nudge_xblock.block:NudgeXBlock" in text
    assert text.count("nudge_xblock = nudge_xblock.apps:NudgeConfig") == 2
    assert "nudge_learners = nudge_xblock.coursetab:LearnersTab" in text
