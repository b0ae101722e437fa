"""Numbers in a row: counted with a step, or evenly between two ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends.cpu.spaced import spaced
from rushlight.backends.meta.array import MetaArray
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.base.dtypes import as_dtype, dtype
from rushlight.base.promotion import of_number
from rushlight.families.composite import function
from rushlight.ops.creation import finish
from rushlight.tensor import Tensor, wrap

PLAIN = (int, float)  # types of numbers that need no conversion


def _whole_range(bounds: tuple[Any, ...]) -> np.ndarray | None:
    """What arange makes of ints in the usual order; None for other bounds."""
    for bound in bounds:
        if type(bound) is not int:
            return None
    n = len(bounds)
    if n == 1:
        rising = bounds[0] >= 0
    else:
        rising = n in (2, 3) and bounds[0] <= bounds[1] and (n == 2 or bounds[2] > 0)
    if not rising:
        return None
    array = np.arange(*bounds)
    return array if array.dtype is dtypes.int64.array else None


@function("arange", samples=lambda x: [(5,), (1.0, 2.0, 0.25)])
def arange(*bounds: Any, out: Any = None, dtype: Any = None, layout: Any = None,
           device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
           **named: Any) -> Tensor:
    """start, start + step, ... below end; called as arange(end) or arange(start, end, step=1).

    >>> import rushlight as rl
    >>> rl.arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    if dtype is None and out is None and device is None and not requires_grad and not named:
        array = _whole_range(bounds)
        if array is not None:
            return wrap(array)
    given = [b.item() if isinstance(b, Tensor) else b for b in bounds]
    if "end" in named:
        given = [named.get("start", given[0] if given else 0), named["end"]]
    elif len(given) == 1:
        given = [0, *given] if "start" not in named else [named["start"], *given]
    start, end = given[:2]
    step = given[2] if len(given) > 2 else named.get("step", 1)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not all(math.isfinite(x) for x in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        floating = any(isinstance(x, float) for x in (start, end, step))
        d = dtypes.default_dtype() if floating else dtypes.int64
        d = d if out is None else out.dtype
    else:
        d = as_dtype(dtype)
    if d.category == 1:  # counted in integers, as in torch
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero")
    count = math.ceil((end - start) / step) if isinstance((end - start) / step, float) and any(
        isinstance(x, float) for x in (start, end, step)) else max(
            0, -((start - end) // step) if step > 0 else -((end - start) // -step))
    if device is not None and as_device(device).type == "meta":
        return finish(MetaArray((count,), d.array), requires_grad)
    if d.category == 1 and all(isinstance(x, int) for x in (start, step)):
        array = np.arange(count, dtype=np.int64) * step + start
    else:
        array = _counted(start, step, count, d.array)
    return finish(array.astype(d.array, copy=False), requires_grad, out, "arange")


def _counted(start: float, step: float, count: int, kind: np.dtype) -> np.ndarray:
    """start + i * step, to the bit as torch has it in float32 and float64.

    It counts from the first number of each 32 bytes, as rounded, but for the last ones, of which
    there are no 64 bytes.
    """
    whole_numbers = 1 << 24 if kind.itemsize == 4 else 1 << 53
    if (kind.kind == "f" and kind.itemsize > 2 and start == int(start) and step == int(step)
            and abs(start) + count * abs(step) < whole_numbers):  # nothing to round
        exact = np.arange(count, dtype=kind)
        exact = exact if step == 1 else exact * kind.type(step)
        return exact if start == 0 else exact + kind.type(start)
    wide = np.longdouble if kind == np.float64 else np.float64  # so that sums are rounded once
    line = np.arange(count, dtype=wide) * wide(step) + wide(start)
    if kind.kind != "f" or kind.itemsize < 4 or (isinstance(start, int) and isinstance(step, int)):
        return line
    lanes, whole = 32 // kind.itemsize, count - count % (64 // kind.itemsize)
    first = line[:whole:lanes].astype(kind).astype(wide)
    line[:whole] = (first[:, None] + np.arange(lanes, dtype=wide) * wide(step)).reshape(-1)
    return line


@function("range", samples=lambda x: [(1, 4, 0.5)])
def range_(start: Any = 0, end: Any = None, step: Any = 1, **options: Any) -> Tensor:
    """start, start + step, ... up to and including end, as floats."""
    if end is None:
        start, end = 0, start
    count = math.floor((end - start) / step) + 1
    d = as_dtype(options.get("dtype") or dtypes.default_dtype())
    return finish((np.arange(count, dtype=np.float64) * step + start).astype(d.array),
                  options.get("requires_grad", False), options.get("out"), "range")


def _steps(start: Any, end: Any, steps: int, dtype: Any, out: Any) -> tuple[Any, Any, dtype]:
    start, end = (x.item() if isinstance(x, Tensor) else x for x in (start, end))
    if isinstance(steps, float):
        raise TypeError("linspace(): argument 'steps' (position 3) must be int, not float "
                        f"({steps})")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype is not None or out is not None:
        d = as_dtype(dtype) if dtype is not None else out.dtype
        if d.category == 1:  # the ends are cut off first, as in torch
            start, end = int(start), int(end)
        return start, end, d
    if type(start) in PLAIN and type(end) in PLAIN:
        return start, end, dtypes.default_dtype()
    d = max(of_number(start), of_number(end), dtypes.default_dtype(), key=lambda d: d.category)
    return start, end, d


def _line(start: Any, end: Any, steps: int, kind: Any) -> np.ndarray:
    """Evenly spaced numbers, counted from the nearer end so that both ends are exact.

    As torch has them: the step is a number of the dtype, and each number is rounded once; those of
    half types after the product, too.
    """
    if steps == 1:
        return np.array([start], kind)
    found = spaced(start, end, steps, kind) if steps > 1 and kind.kind == "f" else None
    if found is not None:
        return found
    step = (kind.type(end) - kind.type(start)) / kind.type(max(steps - 1, 1))
    half, result = steps // 2, np.empty(steps, kind)
    index = np.arange(steps - half)
    wide = kind if kind.itemsize == 2 else np.dtype(
        np.longdouble if kind == np.float64 else np.result_type(kind, np.float64))
    ways = index.astype(wide) * wide.type(step)
    result[:half] = (wide.type(kind.type(start)) + ways[:half]).astype(kind)
    result[half:] = (wide.type(kind.type(end)) - ways).astype(kind)[::-1]
    return result


@function("linspace", samples=lambda x: [(0, 1, 5)])
def linspace(start: Any, end: Any, steps: int, *, out: Any = None, dtype: Any = None,
             layout: Any = None, device: Any = None, requires_grad: bool = False,
             pin_memory: bool = False) -> Tensor:
    """`steps` numbers evenly spaced from start to end, both included.

    >>> import rushlight as rl
    >>> rl.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    start, end, d = _steps(start, end, steps, dtype, out)
    kind = d.array if d.category >= 2 else np.dtype(np.float64)
    array = _line(start, end, steps, kind)
    return finish(array.astype(d.array, copy=False), requires_grad, out, "linspace")


@function("logspace", samples=lambda x: [(0, 1, 5)])
def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Any = None,
             dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """base ** x for `steps` numbers x evenly spaced from start to end."""
    start, end, d = _steps(start, end, steps, dtype, out)
    wide = np.dtype(np.complex128 if d.is_complex else np.float64)
    array = np.power(wide.type(base), _line(start, end, steps, wide))
    return finish(array.astype(d.array), requires_grad, out, "logspace")
