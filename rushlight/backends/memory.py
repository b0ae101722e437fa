"""Recycled memory for large arrays, asked for where the work is: once in every thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.cpu import allocator

LARGE = 16384  # elements; smaller arrays are NumPy's own business

_seen = threading.local()


def recycle() -> None:
    """Let this thread's large arrays come from the recycling allocator, where there is one.

    NumPy keeps its allocator by thread, so kernels call this before they make a large array.
    """
    if not hasattr(_seen, "asked"):
        _seen.asked = allocator.install()


def recycled(array: np.ndarray, make: Callable[..., Any] = np.empty) -> Any:
    """A large new array, as `make` gives it: the first of a thread once more, from the allocator.

    Its memory begins with a cache line; vectors that cross lines take a tenth longer to load.
    """
    if hasattr(_seen, "asked"):
        return array
    recycle()
    return make(array.shape, array.dtype)
