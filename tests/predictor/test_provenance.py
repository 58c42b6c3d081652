"""A result is named by the source that made it: by what it says, not by how it is written."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from predictor import provenance, roster
from predictor.provenance import followed, program
from predictor.results import ASIDE


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of three modules in place of this one: a imports b, b names c in a string."""
    (tmp_path / "a.py").write_text("from .b import one\n")
    (tmp_path / "b.py").write_text(
        '"""Says one."""\n\ndef one():\n    """One."""\n    return "predictor.c"\n'
    )
    (tmp_path / "c.py").write_text("x = 1  # first\n")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    for cached in (provenance._tree, provenance._content, provenance._imports):
        cached.cache_clear()
    return tmp_path


def digest() -> str:
    for cached in (provenance._tree, provenance._content, provenance._imports):
        cached.cache_clear()
    return program(["predictor.a"])


def test_imports_are_followed_through_strings_too(package: Path) -> None:
    assert followed(["predictor.a"]) == ["predictor.a", "predictor.b", "predictor.c"]
    assert followed(["predictor.a"], {"predictor.b"}) == ["predictor.a"]
    assert followed(["predictor.c"]) == ["predictor.c"]


@pytest.mark.parametrize("changed", ["x = 2\n", "x = 1\ny = 1\n", "x = '1'\n"])
def test_a_change_anywhere_below_changes_the_digest(package: Path, changed: str) -> None:
    before = digest()
    (package / "c.py").write_text(changed)
    assert digest() != before


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("c", "# another remark\nx = (\n    1\n)\n"),
        ("b", 'def one():\n    """Other words."""\n    return "predictor.c"\n'),
    ],
)
def test_remarks_docstrings_and_layout_do_not(package: Path, module: str, text: str) -> None:
    before = digest()
    (package / f"{module}.py").write_text(text)
    assert digest() == before


@pytest.mark.parametrize("changed", ["numpy", "scikit-learn", "torch", "lightgbm"])
def test_another_library_is_another_program(
    package: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    before, known = digest(), provenance._version
    monkeypatch.setattr(provenance, "_version", lambda name: "9.9" if name == changed else known(name))
    assert digest() != before


def test_a_module_from_elsewhere_counts_itself_alone(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "stranger.py").write_text("import predictor.a\n")
    module = types.ModuleType("stranger")
    module.__file__ = str(package / "stranger.py")
    monkeypatch.setitem(sys.modules, "stranger", module)
    assert followed(["stranger"]) == ["stranger"]


@pytest.fixture
def _fresh() -> None:
    for cached in (provenance._tree, provenance._content, provenance._imports):
        cached.cache_clear()


@pytest.mark.usefixtures("_fresh")
@pytest.mark.train
@pytest.mark.parametrize("name", roster.NAMES)
def test_every_model_is_named_by_its_own_module_and_what_it_learns_from(name: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    own = type(roster.make(name, 2.0)).__module__
    modules = set(followed([own], ASIDE))
    assert {own, "predictor.moments"} <= modules
    assert modules.isdisjoint(ASIDE)
    others = {"predictor.ours", "predictor.recurrent", "predictor.boosting"} - {own}
    if name != "ours":
        assert modules.isdisjoint(others - {"predictor.baselines"})
