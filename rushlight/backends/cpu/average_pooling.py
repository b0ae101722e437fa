"""Average pooling on the CPU: generated kernels for floats, NumPy for the rest.

Arrays are (planes, *space): samples and channels folded into one dimension. Half types are summed
in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import boxes
from rushlight.backends.cpu.average_pooling_ir import WIDEST, average_ir, spread_ir
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.pooling import bound, method
from rushlight.backends.cpu.pooling_ir import TYPES
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Ints, Windows
from rushlight.backends.row_kernels import Kernels
from rushlight.base.dtypes import NAMES

SUM = Kernels("sum")
Divisor = tuple[bool, int | None]  # whether padding counts, and what to divide by instead
_HALVES = ("float16", "bfloat16")


class Plan(NamedTuple):
    """A kernel bound to its extents, with the tables that it reads."""

    run: Callable[..., Any]
    spans: np.ndarray
    divisors: np.ndarray


def average_pool(input: np.ndarray, windows: Windows, divisor: Divisor) -> np.ndarray:
    """The sum of each window over its divisor, (planes, *windows.out)."""
    space = input.shape[1:]
    plan = _plan(input.dtype, input.shape[0], space, windows, divisor, False)
    if plan is None:
        return host.average_pool(input, windows, host.divisors(space, windows, *divisor))
    return _run(plan, input, windows.out)


def average_pool_backward(grad: np.ndarray, windows: Windows, divisor: Divisor, space: Ints
                          ) -> np.ndarray:
    """The transpose of `average_pool`: each window's share goes to all its elements."""
    plan = _plan(grad.dtype, grad.shape[0], space, windows, divisor, True)
    if plan is None:
        return host.average_pool_backward(grad, windows, host.divisors(space, windows, *divisor),
                                          space)
    return _run(plan, grad, space)


def adaptive_average(input: np.ndarray, out: Ints) -> np.ndarray:
    """Means over windows that share the planes out evenly among `out` places."""
    space = input.shape[1:]
    if prod(out) == 1 and input.size and input.dtype.char in "fd":
        total = SUM[input.dtype](np.ascontiguousarray(input).reshape(input.shape[0], prod(space)))
        total /= prod(space)
        return total.reshape(input.shape[0], *out)
    plan = _plan(input.dtype, input.shape[0], space, out, None, False)
    return host.adaptive_average(input, out) if plan is None else _run(plan, input, out)


def adaptive_average_backward(grad: np.ndarray, space: Ints) -> np.ndarray:
    """The transpose of `adaptive_average`."""
    if len(space) > 1 and prod(grad.shape[1:]) == 1 and prod(space) <= WIDEST:  # one window a plane
        flat = adaptive_average_backward(grad.reshape(grad.shape[0], 1), (prod(space),))
        return flat.reshape(grad.shape[0], *space)
    plan = _plan(grad.dtype, grad.shape[0], space, grad.shape[1:], None, True)
    return host.adaptive_average_backward(grad, space) if plan is None else _run(plan, grad, space)


def _run(plan: Plan, source: np.ndarray, extents: Ints) -> np.ndarray:
    kind = plan.divisors.dtype
    target = np.empty((source.shape[0], *extents), kind)
    plan.run(np.ascontiguousarray(source, kind), target, plan.spans, plan.divisors)
    return target if kind == source.dtype else target.astype(source.dtype)


@lru_cache(maxsize=4096)
def _plan(dtype: np.dtype, planes: int, space: Ints, windows: Windows | Ints,
          divisor: Divisor | None, transposed: bool) -> Plan | None:
    """What computes this, None where only NumPy does; without a divisor `windows` are extents."""
    kind = "float32" if NAMES[dtype] in _HALVES else NAMES[dtype]
    if kind not in TYPES or not planes or not prod(space) or space[-1] > WIDEST:
        return None
    out = windows.out if isinstance(windows, Windows) else windows
    if not prod(out):
        return None
    try:
        native = _method(kind, transposed)
    except Unavailable:
        return None
    if isinstance(windows, Windows):
        assert divisor is not None
        spans, divisors = boxes.strided(space, windows), host.divisors(space, windows, *divisor)
    else:
        spans = boxes.shared_out(space, out)
        divisors = np.asarray(prod(np.ix_(*(np.array([b - a for a, b in s]) for s in spans))))
    return Plan(bound(native, planes, prod(space) + 4 * prod(out), boxes.numbers(space, out)),
                 boxes.table(spans), np.ascontiguousarray(divisors, kind))


@lru_cache(maxsize=8)
def _method(kind: str, transposed: bool) -> Any:
    return method(spread_ir(kind) if transposed else average_ir(kind))
