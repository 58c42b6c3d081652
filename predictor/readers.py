"""Bytes of logs and tables, wherever they lie and however they are compressed."""

import bz2
import glob
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import zstandard

STDIN: Final = "-"
CUT_SHORT: Final = "file cut short"
DAMAGED: Final = "file damaged"
LONGEST_LINE: Final = 1 << 26
"""Bytes after which a line is cut, so that a file without line ends (no log) does not fill the memory."""
_PIECE: Final = 1 << 17


class Interrupted(Exception):
    """A compressed file ends too early or is damaged; all that comes before has been handed out.

    Damage may show only at a member's end, by its checksum, so that some of what came before may be wrong.
    """


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


_ENGINES: Final[tuple[tuple[bytes, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b", _gzip),
    (b"\x28\xb5\x2f\xfd", _zstd),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
)
_ERRORS: Final = (zlib.error, zstandard.ZstdError, OSError, lzma.LZMAError, EOFError)


def expand(logs: Iterable[str | Path]) -> list[str]:
    """The files meant by paths, folders (with all below), globs and "-" for standard input; each once.

    `FileNotFoundError` names what matches nothing.
    """
    found: dict[str, None] = {}
    for log in map(str, logs):
        matches = [log] if log == STDIN else _matches(log)
        if not matches:
            raise FileNotFoundError(f"{log}: no such file, folder or pattern")
        found.update(dict.fromkeys(matches))
    return list(found)


def _matches(log: str) -> list[str]:
    path = Path(log)
    if path.is_dir():
        below = sorted(str(inner) for inner in path.rglob("*") if inner.is_file())
        return [inner for inner in below if not Path(inner).name.startswith(".")]
    if path.exists():
        return [log]
    return sorted(match for match in glob.glob(log, recursive=True) if Path(match).is_file())


def blocks(source: str, seen: Callable[[int], object] = int) -> Iterator[bytes]:
    """The plain bytes of a file (or standard input) piece by piece, decompressed by what its first bytes say.

    Concatenated members and frames are read to the last. `Interrupted` after the last readable byte of a file
    that is cut short or damaged. `seen` is told how many bytes of the file are read, each time some are.
    """
    if source == STDIN:
        yield from _plain(sys.stdin.buffer, seen)
        return
    with open(source, "rb") as file:
        yield from _plain(file, seen)


def _plain(file: BinaryIO, seen: Callable[[int], object]) -> Iterator[bytes]:
    first = file.read(_PIECE)
    pieces = _pieces(first, file, seen)
    for magic, engine in _ENGINES:
        if first.startswith(magic):
            return _decompressed(pieces, engine)
    return pieces


def _pieces(first: bytes, file: BinaryIO, seen: Callable[[int], object]) -> Iterator[bytes]:
    piece = first
    while piece:
        seen(len(piece))
        yield piece
        piece = file.read(_PIECE)


def _decompressed(pieces: Iterator[bytes], make: Callable[[], Any]) -> Iterator[bytes]:
    engine: Any = None
    for piece in pieces:
        rest = piece
        while rest:
            if engine is None:
                rest = rest.lstrip(b"\x00")  # padding between members
                if not rest:
                    break
                engine = make()
            try:
                out = engine.decompress(rest)
            except _ERRORS as error:
                raise Interrupted(DAMAGED) from error
            if out:
                yield out
            rest = b""
            if engine.eof:
                rest, engine = engine.unused_data, None
    if engine is not None:
        raise Interrupted(CUT_SHORT)


def whole_lines(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Blocks of at least `size` bytes that end at a line's end; the last one may be smaller.

    When the pieces are `Interrupted`, what came before is handed out first, the broken line included.
    """
    held: list[bytes] = []
    length = 0
    interruption: Interrupted | None = None
    try:
        for piece in pieces:
            held.append(piece)
            length += len(piece)
            if length >= size and (b"\n" in piece or length >= LONGEST_LINE):
                block = b"".join(held)
                end = block.rfind(b"\n") + 1 or len(block)
                yield block[:end]
                held, length = [block[end:]], len(block) - end
    except Interrupted as error:
        interruption = error
    if length:
        yield b"".join(held)
    if interruption is not None:
        raise interruption


def lines(source: str) -> Iterator[bytes]:
    """The lines of a file, ends included."""
    for block in whole_lines(blocks(source), _PIECE):
        yield from block.splitlines(keepends=True)
