"""What a result was computed with: a digest of the program's own source and of the libraries beneath it.

Only the modules that a computation uses are digested, found by following their imports, so that a change of
one model does not cost the results of the others. Comments, docstrings and layout do not count.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Collection, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "scikit-learn", "torch", "lightgbm")
_PACKAGE = __name__.rpartition(".")[0]


def program(modules: Collection[str], aside: Collection[str] = ()) -> str:
    """Digest of the modules, of all of this package that they import, and of the libraries' versions.

    Args:
        modules: full names, such as "predictor.ours".
        aside: modules of this package that are not followed.
    """
    digest = hashlib.sha256()
    for name in followed(modules, aside):
        digest.update(f"{name}\n{_content(name)}\n".encode())
    for library in LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    digest.update(f"python {sys.version_info.major}.{sys.version_info.minor}".encode())
    return digest.hexdigest()


def followed(modules: Collection[str], aside: Collection[str] = ()) -> list[str]:
    """The modules and whatever of this package they import, directly or not, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in aside:
            found.add(name)
            waiting += _imports(name)
    return sorted(found)


@cache
def _tree(name: str) -> ast.Module:
    """The module's syntax without docstrings; empty where it has no source."""
    path = _path(name)
    tree = ast.parse(path.read_bytes() if path else b"")
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    """A docstring, of a module, a class, a function, or the attribute above it."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _content(name: str) -> str:
    return ast.dump(_tree(name))


def _path(name: str) -> Path | None:
    if name.startswith(f"{_PACKAGE}."):
        inside = Path(__file__).with_name(f"{name.partition('.')[2]}.py")
        return inside if inside.is_file() else None
    file = getattr(sys.modules.get(name), "__file__", None)
    return Path(file) if file else None


@cache
def _imports(name: str) -> frozenset[str]:
    """Modules of this package that one of it names in an import or in a string, wherever it does so."""
    if not name.startswith(f"{_PACKAGE}."):
        return frozenset()
    named = {text for node in ast.walk(_tree(name)) for text in _named(node)}
    return frozenset(text for text in named if text.startswith(f"{_PACKAGE}.") and _path(text))


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            inside = ".".join(part for part in (_PACKAGE if level else "", module) if part)
            yield from (inside, *(f"{inside}.{alias.name}" for alias in names))
        case ast.Constant(value=str(text)):
            yield text


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "absent"
