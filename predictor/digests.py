"""One digest of many arrays, streamed: nothing is copied as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def of_arrays(arrays: Iterable[NDArray[Any]]) -> str:
    """SHA-256, in hex, of the arrays' types, shapes and contents, in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()
