"""Versioned models on disk: safetensors beside a JSON manifest, promoted and rolled back atomically.

Layout under the store's root, one folder per kind ("engagement", "helpfulness", ...):

    engagement/20261122T031500123456Z-1f0c9a2b/model.safetensors
    engagement/20261122T031500123456Z-1f0c9a2b/manifest.json
    engagement/current.json                     which version serves, and every promotion so far

A version is named by when it was made, to the microsecond and always later than those there are, so that the
order of versions is total, also where a clock is set back.  Its folder is written under a hidden name,
flushed, and renamed into place, and so is the pointer file: whatever is killed at whatever moment, a reader
finds the old model or the new one, never half of one.
Nothing is unpickled.  Any process that can read the folder can serve from it; numpy is all it takes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

FORMAT = 1
TENSORS_FILE = "model.safetensors"
MANIFEST_FILE = "manifest.json"
POINTER_FILE = "current.json"
ABANDONED_AFTER = 24 * 3600.0

Tensor = NDArray[Any]
Tensors = dict[str, Tensor]
Manifest = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_STAMP = "%Y%m%dT%H%M%S%f"
_STAMP_LENGTH = len("20261122T031500123456")
_RESERVED = ("kind", "version", "format", "created", "code_version", "tensors", "sha256", "digest")


class NoModel(LookupError):
    """Nothing has been published or promoted under this name."""


class BrokenModel(RuntimeError):
    """A file of a model is missing, cut short, edited, or of a format that this code does not know.

    The message names the file and says what to do.  A broken model is never served.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: {problem}. Do not mend it by hand: roll back to the version before it, "
            f"or delete the folder {path.parent} and train again."
        )
        self.path = path


class ModelStore:
    """The models kept under one folder, by kind and version."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def publish(self, kind: str, tensors: Mapping[str, Tensor], manifest: Mapping[str, Any]) -> str:
        """Write a new version and return its name; it serves nobody until it is promoted.

        `manifest` is plain JSON data; the store adds kind, version, created, code_version and the digests.
        Raises ValueError for a tensor that is empty of names or not finite, and for a manifest that is
        not plain JSON.
        """
        arrays = {name: _checked_tensor(name, array) for name, array in tensors.items()}
        if not arrays:
            raise ValueError("a model needs at least one tensor")
        blob = save_tensors(arrays, metadata={"kind": kind})
        content = {key: value for key, value in manifest.items() if key not in _RESERVED} | {
            "kind": kind,
            "format": FORMAT,
            "code_version": code_version(),
            "tensors": {name: [str(array.dtype), list(array.shape)] for name, array in arrays.items()},
            "sha256": hashlib.sha256(blob).hexdigest(),
        }
        _sealed(content)  # what is not plain JSON is refused before anything is written
        with self._locked(kind):
            _sweep(self._folder(kind))
            return self._write_version(kind, content, blob)

    def _write_version(self, kind: str, content: Mapping[str, Any], blob: bytes) -> str:
        """Under the lock: name the version, write it under a hidden name, rename it into place."""
        folder, created = self._folder(kind), _later_than(self.versions(kind), datetime.now(UTC))
        version = f"{created:{_STAMP}}Z-{secrets.token_hex(4)}"
        named = {**content, "version": version, "created": created.isoformat(timespec="seconds")}
        draft = folder / f".{version}"
        draft.mkdir()
        _write(draft / TENSORS_FILE, blob)
        _write(draft / MANIFEST_FILE, _sealed(named).encode())
        _sync(draft)
        draft.rename(folder / version)
        _sync(folder)
        return version

    def promote(self, kind: str, version: str) -> None:
        """Let `version` serve from now on.  It is read and checked first: a broken one is refused."""
        self.load(kind, version)
        with self._locked(kind):
            pointer = self._pointer(kind)
            if pointer["stack"][-1:] != [version]:
                self._point(kind, [*pointer["stack"], version], pointer["history"], "promote")

    def rollback(self, kind: str) -> str:
        """Let the version that was promoted before the current one serve again, and return its name.

        Raises NoModel when there was none before it.
        """
        with self._locked(kind):
            pointer = self._pointer(kind)
            stack = pointer["stack"][:-1]
            while stack and not (self._folder(kind) / stack[-1]).is_dir():
                stack.pop()
            if not stack:
                raise NoModel(f"no {kind} model was promoted before the current one; nothing to roll back to")
            self.load(kind, stack[-1])
            self._point(kind, stack, pointer["history"], "rollback")
            return str(stack[-1])

    def current(self, kind: str) -> str | None:
        """The version that serves, or None before the first promotion."""
        stack = self._pointer(kind)["stack"]
        return str(stack[-1]) if stack else None

    def history(self, kind: str) -> list[dict[str, str]]:
        """Every promotion and rollback, oldest first: {"action", "version", "at"}."""
        return list(self._pointer(kind)["history"])

    def versions(self, kind: str) -> list[str]:
        """Every complete version, oldest first."""
        folder = self._folder(kind)
        if not folder.is_dir():
            return []
        names = (entry.name for entry in folder.iterdir() if entry.is_dir() and _NAME.match(entry.name))
        return sorted(names, key=_order)

    def manifest(self, kind: str, version: str | None = None) -> Manifest:
        """The checked manifest of a version (the current one by default), without reading its tensors."""
        return _read_manifest(self._version_folder(kind, version) / MANIFEST_FILE, kind)

    def load(self, kind: str, version: str | None = None) -> tuple[Tensors, Manifest]:
        """Tensors and manifest of a version (the current one by default), after checking every digest.

        Raises NoModel when there is no such version and BrokenModel when its files are not what was
        published.
        """
        folder = self._version_folder(kind, version)
        manifest = _read_manifest(folder / MANIFEST_FILE, kind)
        path = folder / TENSORS_FILE
        blob = _read(path)
        if hashlib.sha256(blob).hexdigest() != manifest["sha256"]:
            raise BrokenModel(path, "the file was cut short or edited (its SHA-256 is not the manifest's)")
        try:
            tensors = load_tensors(blob)
        except SafetensorError as error:
            raise BrokenModel(path, f"not a safetensors file ({error})") from error
        return tensors, manifest

    def prune(self, kind: str, keep: int) -> list[str]:
        """Delete all but the newest `keep` versions; never the current one nor the one before it."""
        return self.delete(kind, self.versions(kind)[:-keep] if keep else self.versions(kind))

    def delete(self, kind: str, versions: Collection[str]) -> list[str]:
        """Delete these versions, and return which; never the current one nor the one before it."""
        with self._locked(kind):
            safe = self._pointer(kind)["stack"][-2:]
            gone = [name for name in self.versions(kind) if name in versions and name not in safe]
            for version in gone:
                shutil.rmtree(_hidden(self._folder(kind) / version))
        return gone

    def _folder(self, kind: str) -> Path:
        return self.path / _checked_name("kind", kind)

    def _version_folder(self, kind: str, version: str | None) -> Path:
        version = version or self.current(kind)
        if version is None:
            raise NoModel(f"no {kind} model has been promoted in {self.path}; train one and promote it")
        folder = self._folder(kind) / _checked_name("version", version)
        if not folder.is_dir():
            raise NoModel(f"there is no {kind} model {version} in {self.path}")
        return folder

    def _pointer(self, kind: str) -> dict[str, Any]:
        path = self._folder(kind) / POINTER_FILE
        if not path.exists():
            return {"stack": [], "history": []}
        return _unsealed(path)

    def _point(self, kind: str, stack: list[str], history: list[dict[str, str]], action: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"action": action, "version": stack[-1], "at": now}
        path = self._folder(kind) / POINTER_FILE
        draft = path.with_name(f".{POINTER_FILE}-{secrets.token_hex(4)}")
        _write(draft, _sealed({"stack": stack, "history": [*history, entry]}).encode())
        draft.replace(path)
        _sync(path.parent)

    @contextlib.contextmanager
    def _locked(self, kind: str) -> Iterator[None]:
        """Two promotions at once must not lose one; the lock dies with its process."""
        folder = self._folder(kind)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / ".lock", "w", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def code_version() -> str:
    """The installed package's version; "source" when it is used from a bare checkout."""
    try:
        return metadata.version("nudge-xblock")
    except metadata.PackageNotFoundError:
        return "source"


def _order(version: str) -> tuple[str, str]:
    """When a version was made, then its name; older names tell whole seconds alone."""
    return version.partition("Z")[0].ljust(_STAMP_LENGTH, "0"), version


def _later_than(versions: list[str], now: datetime) -> datetime:
    """Now, or the next microsecond after the newest of the versions where the clock was set back."""
    stamps = [stamp for stamp, _ in map(_order, versions) if re.fullmatch(r"\d{8}T\d{12}", stamp)]
    if not stamps:
        return now
    newest = datetime.strptime(max(stamps), _STAMP).replace(tzinfo=UTC)
    return max(now, newest + timedelta(microseconds=1))


def _checked_name(what: str, name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} cannot name a {what}: use letters, digits, '_', '-' and '.'")
    return name


def _checked_tensor(name: str, array: Tensor) -> Tensor:
    array = np.ascontiguousarray(array)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"tensor {name!r} holds values that are not finite; train again, publish nothing")
    return array


def _sealed(content: Mapping[str, Any]) -> str:
    """JSON text that carries a digest of itself, so that a later edit is noticed."""
    try:
        sealed = dict(content) | {"digest": _digest(content)}
        return json.dumps(sealed, indent=1, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the manifest must be plain JSON with finite numbers: {error}") from error


def _digest(content: Mapping[str, Any]) -> str:
    bare = {key: value for key, value in content.items() if key != "digest"}
    return hashlib.sha256(json.dumps(bare, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _unsealed(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(path))
    except ValueError as error:
        raise BrokenModel(path, f"not JSON ({error}); the file was cut short or edited") from error
    if not isinstance(content, dict) or content.get("digest") != _digest(content):
        raise BrokenModel(path, "the file was edited (its digest does not match its content)")
    return content


def _read_manifest(path: Path, kind: str) -> Manifest:
    content = _unsealed(path)
    if content.get("format") != FORMAT:
        raise BrokenModel(path, f"format {content.get('format')} is not the format {FORMAT} of this code")
    described = (content.get("kind"), content.get("version"))
    if described != (kind, path.parent.name):
        raise BrokenModel(path, f"it describes {described[0]} model {described[1]}, not this folder's")
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenModel(path, f"cannot be read ({error.strerror})") from error


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hidden(folder: Path) -> Path:
    """A version's folder under a name that no reader sees: killed while deleting, no half of it is left."""
    hidden = folder.with_name(f".{folder.name}")
    folder.rename(hidden)
    return hidden


def _sweep(folder: Path) -> None:
    """Remove what a killed process left behind, long enough ago that nobody is still at it."""
    for draft in (*folder.glob(".*T*Z-*"), *folder.glob(f".{POINTER_FILE}-*")):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
