"""Pointwise kernels: an expression compiled into a genuine `numpy.ufunc`, once per dtypes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.guarded import GuardedLoopWriter
from rushlight.backends.cpu.loop import LoopWriter
from rushlight.backends.cpu.lower import Unsupported, lower
from rushlight.backends.cpu.ufunc import compile_ufunc
from rushlight.expr.expression import Expression, specialise, walk

__all__ = ["Unsupported", "cost", "kernel"]

_compiled: dict[tuple[object, ...], np.ufunc | str] = {}

# Time of a primitive in float32 and in float64, as a multiple of a whole float32 addition (load,
# add, store): measured over 8,192 elements with AVX-512. All others are next to nothing.
COSTS = {
    "sqrt": (0.5, 2.4), "rsqrt": (1.1, 4.0), "reciprocal": (0.2, 0.9), "div": (0.2, 1.0),
    "exp": (0.6, 2.8), "exp2": (0.8, 2.6), "expm1": (1.0, 3.0), "log": (0.7, 4.5),
    "log2": (2.5, 6.0), "log10": (7.4, 6.4), "log1p": (1.3, 6.7), "sin": (4.0, 4.8),
    "cos": (3.8, 4.6), "tan": (5.4, 5.3), "asin": (7.6, 6.8), "acos": (7.7, 7.0),
    "atan": (5.4, 3.9), "sinh": (6.5, 5.8), "cosh": (4.8, 3.8), "tanh": (1.2, 6.9),
    "asinh": (15.6, 13.6), "acosh": (13.6, 11.3), "atanh": (11.1, 9.6), "erf": (1.1, 13.7),
    "erfc": (14.3, 13.0), "erfinv": (28.7, 27.5), "pow": (10.0, 23.5), "fmod": (3.8, 3.0),
    "remainder": (4.4, 3.6), "floor_div": (5.7, 6.7), "trunc_div": (0.2, 1.0),
    "atan2": (9.7, 8.2), "hypot": (3.0, 2.3), "nextafter": (0.4, 0.7),
}
NEXT_TO_NOTHING = 0.05


def kernel(
    root: Expression, names: Sequence[str], input_dtypes: Sequence[np.dtype],
    output_dtype: np.dtype,
) -> np.ufunc:
    """The ufunc that computes `root` from arrays of `input_dtypes`, in the order of `names`.

    Raises `Unsupported` where this backend cannot print the expression, or cannot generate code
    at all: the host kernel computes it then.
    """
    inputs = tuple(d.name for d in input_dtypes)
    key = root, tuple(names), inputs, output_dtype.name
    found = _compiled.get(key)
    if found is None:
        found = _compiled[key] = _compile(root, names, inputs, output_dtype.name)
    if isinstance(found, str):
        raise Unsupported(found)
    return found


def _compile(
    root: Expression, names: Sequence[str], inputs: tuple[str, ...], output: str
) -> np.ufunc | str:
    try:
        body = lower(root, names, inputs, output)
        writer = GuardedLoopWriter if "@guard(" in body else LoopWriter
        return compile_ufunc(_title(root), body, inputs, [output], cost(root, output),
                             writer=writer)
    except (Unsupported, Unavailable) as reason:
        return str(reason)


def _title(root: Expression) -> str:
    text = repr(root)
    return text if len(text) <= 80 else text[:77] + "..."


def cost(root: Expression, dtype: str) -> float:
    """The time of an element as a multiple of that of a float32 addition."""
    calls = [node for node in walk([specialise(root, False)]) if node.operands]
    wide = dtype in ("float64", "int64")
    nothing = (NEXT_TO_NOTHING, 2 * NEXT_TO_NOTHING)
    return 1.0 + wide + sum(COSTS.get(node.name, nothing)[wide] for node in calls)
