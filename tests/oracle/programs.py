"""Programs that both torch and rushlight run, and what they give, compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import rushlight as rl

Program = Callable[[Any, Any], Any]


def maker(t: Any) -> Callable[..., Any]:
    """Makes float64 tensors of `t`, the same ones for both."""
    random = np.random.default_rng(0)

    def make(*shape: int) -> Any:
        return t.from_numpy(random.uniform(-1, 1, shape).astype(np.float64).reshape(shape))

    return make


def arrays(value: Any) -> list[Any]:
    """The arrays in nested results, dictionaries by key."""
    if isinstance(value, dict):
        return [x for key in sorted(value) for x in arrays(value[key])]
    if isinstance(value, tuple | list):
        return [x for item in value for x in arrays(item)]
    return [value.detach().numpy() if hasattr(value, "detach") else value]


def compare(program: Program, torch: Any) -> None:
    """Run a program of (torch or rushlight, a maker of its tensors) with both."""
    expected = arrays(program(torch, maker(torch)))
    found = arrays(program(rl, maker(rl)))
    assert len(found) == len(expected)
    for own, other in zip(found, expected, strict=True):
        assert getattr(own, "dtype", None) == getattr(other, "dtype", None)
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-9)
