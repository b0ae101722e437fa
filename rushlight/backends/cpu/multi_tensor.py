"""Optimizer updates and scaling over lists of arrays, each one native call."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import jit, threads, update_kernel
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.host.multi_tensor import Columns, Rule

_FLOATS = {np.dtype(np.float32): "float32", np.dtype(np.float64): "float64"}
_UPDATE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p)


class _Kernel(NamedTuple):
    run: Callable[[bytes], int]
    numbers: tuple[str, ...]  # options that go through the table
    pack: Callable[..., bytes]
    record: int  # bytes of scratch a tensor


_kernels: dict[tuple[Any, ...], Any] = {}  # None where there can be none
_missing = object()
_NDARRAY = id(np.ndarray)


def update(
    rule: Rule,
    params: list[np.ndarray],
    grads: list[np.ndarray],
    counters: Mapping[str, list[np.ndarray]],
    state: Mapping[str, list[np.ndarray]],
    options: Mapping[str, Any],
) -> bool:
    """Apply `rule` to every parameter in place; False, with nothing changed, where it cannot.

    It can where all arrays are C-contiguous float32, or all float64, on this machine.
    Arguments as of `backends.host.multi_tensor.update`, columns as lists.
    """
    dtype = params[0].dtype
    counter_dtype = next(iter(counters.values()))[0].dtype if counters else dtype
    # Numbers other than zero are arguments of the kernel; all else decides which kernel it is.
    fixed = tuple([None if type(v) is float and v != 0.0 else v for v in options.values()])
    key = (rule, dtype.num, counter_dtype.num, *state, *fixed)
    kernel = _kernels.get(key, _missing)
    if kernel is _missing:
        kernel = _kernels[key] = _build(rule, dtype, counter_dtype, counters, state, options)
    if kernel is None:
        return False
    count = len(params)
    scratch = np.empty(count * kernel.record, np.uint8)
    done = kernel.run(kernel.pack(
        count, id(scratch), _NDARRAY, id(dtype), id(counter_dtype), id(params), id(grads),
        *map(id, counters.values()), *map(id, state.values()),
        *[options[name] for name in kernel.numbers],
    ))
    return bool(done)


def _build(
    rule: Rule, dtype: np.dtype, counter_dtype: np.dtype, counters: Columns, state: Columns,
    options: Mapping[str, Any],
) -> _Kernel | None:
    if dtype not in _FLOATS or counter_dtype not in _FLOATS or not layouts_hold():
        return None
    numbers = tuple(k for k, v in options.items() if type(v) is float and v != 0.0)
    traced = update_kernel.trace(rule, tuple(counters), tuple(state), options, numbers)
    ir = update_kernel.write(traced, _FLOATS[dtype], _FLOATS[counter_dtype])
    try:
        (run,) = jit.load(ir, "update", imports={"pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    layout = update_kernel.layout_of(traced)
    words = update_kernel.HEADER + len(layout.columns)
    return _Kernel(
        _UPDATE(run), numbers,
        struct.Struct(f"{words}q{len(numbers)}d").pack, layout.size,
    )


@lru_cache(maxsize=1)
def layouts_hold() -> bool:
    """Whether lists and arrays lie in memory as the kernels expect, on this interpreter."""
    probe = np.arange(6, dtype=np.float32).reshape(2, 3)
    held: list[Any] = [None, probe]

    def word(address: int, kind: Any = ctypes.c_int64) -> int:
        return int(kind.from_address(address).value)

    try:
        at = id(probe)
        return (
            struct.calcsize("P") == 8
            and word(word(id(held) + update_kernel.LIST_ITEMS) + 8) == at
            and word(at + update_kernel.OBJECT_TYPE) == id(np.ndarray)
            and word(at + update_kernel.ARRAY_DATA) == probe.ctypes.data
            and word(at + update_kernel.ARRAY_NDIM, ctypes.c_int32) == 2
            and word(word(at + update_kernel.ARRAY_SHAPE) + 8) == 3
            and word(at + update_kernel.ARRAY_DTYPE) == id(probe.dtype)
            and word(at + update_kernel.ARRAY_FLAGS, ctypes.c_int32) & 0xFFF == probe.flags.num
        )
    except ValueError:  # a null pointer: another interpreter altogether
        return False


def scale(arrays: Sequence[np.ndarray], factor: float) -> bool:
    """Multiply every array by `factor`, in place; False where it cannot."""
    return update(_scaled, list(arrays), list(arrays), {}, {}, {"factor": float(factor)})


def _scaled(s: Any, p: Any, g: Any, state: Any, o: Any) -> Any:
    return p * o.factor
