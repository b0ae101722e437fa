"""Kernels of powers look at an exponent that is one number: x ** 2 is x * x, and x ** 0.5 a root.

Bit for bit what torch computes for these, and a twentieth of the time of a power. The same holds
of gradients, which are powers with an exponent that is smaller by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight.expr.expression import Expression, constant, substitute, symbol, symbols, walk

Kernel = Callable[..., np.ndarray]
EXPONENTS = (-2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


def exponent_of(root: Expression, names: Sequence[str]) -> int | None:
    """Which operand is the exponent of all powers in `root`; None where there is no such one."""
    found = {name for node in walk([root]) if node.name == "pow"
             for name in symbols([node.operands[1]])}
    return names.index(found.pop()) if len(found) == 1 else None


def with_exponent(root: Expression, name: str, value: float) -> Expression | None:
    """`root` with a number for the symbol `name`; None where it is still a power, or no call."""
    made = substitute(root, {symbol(name): constant(value)})
    return made if made.operands and all(x.name != "pow" for x in walk([made])) else None


def by_exponent(general: Kernel, root: Expression, names: Sequence[str], place: int,
                dtype: np.dtype, make: Callable[[Expression, Sequence[str]], Kernel]) -> Kernel:
    """`general`, but for an exponent (operand `place`) that is one of a few numbers what `make`
    makes of `root` with that number in its place."""
    rest = (*names[:place], *names[place + 1:])
    forms: dict[Any, Kernel | None] = {}
    for value in EXPONENTS:
        if dtype.kind not in "iu" or value in (2.0, 3.0):
            forms[value] = None

    def run(*arrays: Any, out: Any = ...) -> np.ndarray:
        exponent = arrays[place]
        if not exponent.ndim and type(exponent) is np.ndarray:  # a meta array has no number
            value = exponent.item()
            if value in forms:
                form = forms[value]
                if form is None:
                    number = int(value.real) if dtype.kind in "iu" else float(value.real)
                    reduced = with_exponent(root, names[place], number)
                    form = forms[value] = general if reduced is None else make(reduced, rest)
                if form is not general:
                    return form(*arrays[:place], *arrays[place + 1:], out=out)
        return general(*arrays, out=out)

    return run
