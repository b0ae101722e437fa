"""The states of the random generators that a program shares, as plain values."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from rushlight.random import get_rng_state, set_rng_state


def random_states() -> dict[str, Any]:
    """Where Rushlight's, NumPy's and Python's own generators are."""
    version, words, gauss = random.getstate()
    name, key, *rest = np.random.get_state()
    return {"rushlight": get_rng_state(), "python": [version, list(words), gauss],
            "numpy": [str(name), [int(word) for word in key], *map(_plain, rest)]}


def restore_random_states(states: dict[str, Any]) -> None:
    """Put them back."""
    set_rng_state(states["rushlight"])
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    name, key, *rest = states["numpy"]
    np.random.set_state((name, np.array(key, np.uint32), *rest))


def _plain(value: Any) -> int | float:
    return value.item() if isinstance(value, np.generic) else value
