"""NumPy's linear algebra on batches of matrices: in their own precision, shared by our threads.

`numpy.linalg` works on one matrix after the other, computes float32 in double, and leaves the
threads to BLAS, whose team spends more on small matrices than they need. Its functions are
generalised ufuncs, though, whose loops for each dtype are plain functions over a batch: here parts
of a batch go to the thread pool, with BLAS on one thread meanwhile. The result is that of the loop
run over the whole batch, however many threads there are.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import _umath_linalg as lapack

from rushlight.backends.cpu import features, jit, threads
from rushlight.backends.cpu.multi_tensor import layouts_hold
from rushlight.backends.cpu.once import Unavailable, once

Array = np.ndarray

ARGUMENTS = 8  # arrays of one call at most
SMALL = 1 << 10  # elements below which NumPy's own call is as fast
LARGE = 2048  # rows from which BLAS may use its threads on one: on shared cores they spin
# Where a ufunc object has its counts of operands, its loops, and how many these are, in bytes.
UFUNC_COUNTS, UFUNC_LOOPS, UFUNC_DATA, UFUNC_TYPES = 16, 32, 40, 48
_PREFIXES, _SUFFIXES = ("scipy_openblas", "openblas"), ("64_", "")


class _Blas(NamedTuple):
    set_threads: Any
    get_threads: Any


@once
def _blas() -> _Blas:
    library = ctypes.CDLL(lapack.__file__)  # finds what NumPy's module is linked to
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            try:
                found = _Blas(library[f"{prefix}_set_num_threads{suffix}"],
                              library[f"{prefix}_get_num_threads{suffix}"])
            except AttributeError:
                continue
            found.set_threads.argtypes, found.set_threads.restype = [ctypes.c_int], None
            return found
    raise Unavailable("NumPy is not linked to an OpenBLAS whose threads can be set")


_lock = threading.Lock()
_inside = 0  # calls that want BLAS on one thread now
_before = 1  # its threads before the first of them


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS on the calling thread meanwhile. Raises `Unavailable` where that cannot be."""
    global _inside, _before
    blas = _blas()
    with _lock:
        if not _inside:
            _before = blas.get_threads()
            blas.set_threads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                blas.set_threads(_before)


def _forget() -> None:
    """In a forked child: the calls that were running are the parent's."""
    global _lock, _inside
    _lock = threading.Lock()
    if _inside:
        _inside = 0
        _blas().set_threads(_before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class _Loop(NamedTuple):
    """One loop of a generalised ufunc: its address and data, and the dtypes of its arrays."""

    address: int
    data: int
    dtypes: list[np.dtype]


@cache
def _loop(ufunc: np.ufunc, char: str) -> _Loop | None:
    """The loop for inputs of one dtype; None where the object is not laid out as expected."""
    at = id(ufunc)
    counts = [ctypes.c_int.from_address(at + UFUNC_COUNTS + 4 * i).value for i in range(3)]
    types = ctypes.c_int.from_address(at + UFUNC_TYPES).value
    if counts != [ufunc.nin, ufunc.nout, ufunc.nargs] or types != ufunc.ntypes or (
            not layouts_hold()):
        return None
    for i, text in enumerate(ufunc.types):
        if text.startswith(char * ufunc.nin + "->"):
            words = [ctypes.c_void_p.from_address(at + field).value or 0
                     for field in (UFUNC_LOOPS, UFUNC_DATA)]
            address, data = (
                (ctypes.c_void_p.from_address(word + 8 * i).value or 0) if word else 0
                for word in words)
            dtypes = [np.dtype(c) for c in text.replace("->", "")]
            return _Loop(address, data, dtypes) if address else None
    return None


@once
def _share() -> Any:
    (address,) = jit.load(_SHARING, "share", imports={"pool_run": threads.pool_run_address()})
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)


def run(ufunc: np.ufunc, *arrays: Array) -> tuple[Array, ...] | None:
    """The outputs of a generalised ufunc of NumPy's LAPACK on batches of matrices.

    Arrays are (*batch, *own dimensions), of one dtype; batches broadcast. What fails is NaN. None
    where NumPy's own call serves as well, or nothing else does.
    """
    first = arrays[0]
    if first.size < SMALL or first.dtype.char not in "fdFD" or not first.dtype.isnative or any(
            array.dtype != first.dtype or not array.size for array in arrays):
        return None
    loop = _loop(ufunc, first.dtype.char)
    if loop is None:
        return None
    try:
        _blas()
        share = _share()
    except Unavailable:
        return None
    names, sizes = _cores(ufunc.signature, arrays)
    batch = np.broadcast_shapes(*[array.shape[:array.ndim - len(core)]
                                  for array, core in zip(arrays, names, strict=False)])
    count = math.prod(batch)
    if count == 1 and min(first.shape[-2:]) >= LARGE and features.get_num_threads() > 1:
        with np.errstate(all="ignore"):
            result = ufunc(*arrays, signature=(first.dtype,) * ufunc.nin + (None,) * ufunc.nout)
        return result if isinstance(result, tuple) else (result,)
    # What is contiguous stays where it is: qr_r_raw writes to its input.
    operands = [np.ascontiguousarray(np.broadcast_to(array, batch + tuple(map(sizes.get, core))))
                for array, core in zip(arrays, names, strict=False)]
    operands += [np.empty(batch + tuple(map(sizes.get, core)), dtype)
                 for core, dtype in zip(names[ufunc.nin:], loop.dtypes[ufunc.nin:], strict=True)]
    steps = [math.prod(a.shape[len(batch):]) * a.itemsize for a in operands]
    steps += [stride for a in operands for stride in a.strides[len(batch):]]
    table = np.array([loop.address, loop.data, len(operands),
                      *[a.ctypes.data for a in operands], *[0] * (ARGUMENTS - len(operands)),
                      *sizes.values(), *[0] * (ARGUMENTS - len(sizes)), *steps], np.int64)
    with one_blas_thread():
        share(table.ctypes.data, count)
    return tuple(operands[ufunc.nin:])


def _cores(signature: str | None, arrays: Sequence[Array],
           ) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    """The names of every operand's own dimensions, and the size of each name in the order in which
    they occur; `p`, which no input has, is the smaller of rows and columns."""
    names = [tuple(word.split(",")) if word else () for word in
             (signature or "").replace("->", ",").replace(" ", "")[1:-1].split("),(")]
    sizes: dict[str, int] = {}
    for core, array in zip(names, arrays, strict=False):
        sizes.update(zip(core, array.shape[array.ndim - len(core):], strict=True))
    for core in names:
        for name in core:
            sizes.setdefault(name, min(arrays[0].shape[-2:]))
    return names, sizes


# The table: the loop, its data, how many operands, the operands, the sizes, the steps.
_SHARING = f"""
declare void @pool_run(ptr, ptr, i64, i64)

define internal void @task(ptr %table, i64 %begin, i64 %end) nounwind {{
entry:
  %loop = load ptr, ptr %table
  %at_data = getelementptr i64, ptr %table, i64 1
  %data = load ptr, ptr %at_data
  %at_count = getelementptr i64, ptr %table, i64 2
  %count = load i64, ptr %at_count
  %operands = getelementptr i64, ptr %table, i64 3
  %given = getelementptr i64, ptr %table, i64 {3 + ARGUMENTS}
  %steps = getelementptr i64, ptr %table, i64 {3 + 2 * ARGUMENTS}
  %args = alloca [{ARGUMENTS} x ptr]
  %sizes = alloca [{ARGUMENTS + 1} x i64]
  %matrices = sub i64 %end, %begin
  store i64 %matrices, ptr %sizes
  %rest = getelementptr i64, ptr %sizes, i64 1
  call void @llvm.memcpy.p0.p0.i64(ptr %rest, ptr %given, i64 {8 * ARGUMENTS}, i1 false)
  br label %each
each:
  %k = phi i64 [0, %entry], [%next, %each]
  %at_operand = getelementptr ptr, ptr %operands, i64 %k
  %operand = load ptr, ptr %at_operand
  %at_step = getelementptr i64, ptr %steps, i64 %k
  %step = load i64, ptr %at_step
  %offset = mul i64 %begin, %step
  %moved = getelementptr i8, ptr %operand, i64 %offset
  %at_arg = getelementptr ptr, ptr %args, i64 %k
  store ptr %moved, ptr %at_arg
  %next = add i64 %k, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %each, label %call
call:
  call void %loop(ptr %args, ptr %sizes, ptr %steps, ptr %data)
  ret void
}}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define void @share(ptr %table, i64 %matrices) nounwind {{
  call void @pool_run(ptr @task, ptr %table, i64 %matrices, i64 1)
  ret void
}}
"""
