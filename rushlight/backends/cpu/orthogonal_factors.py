"""QR of float32 and complex64 batches by the LAPACK that NumPy is linked to, shared by our threads.

NumPy's own functions are for double alone. LAPACK's are called by address from generated code: a
matrix is a step of a job for the pool, with BLAS on one thread meanwhile.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import cache, lru_cache
from struct import pack

import numpy as np
from numpy.linalg import _umath_linalg as lapack

from rushlight.backends.cpu import jit, threads
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.matrix_batches import one_blas_thread
from rushlight.backends.cpu.once import Unavailable

Array = np.ndarray

ROUTINES = {"f": ("sgeqrf", "sorgqr"), "F": ("cgeqrf", "cungqr")}
_SPELLINGS = ("scipy_{}_64_", "{}_64_", "scipy_{}_", "{}_")
_BLOCK = 64  # columns that LAPACK takes at a time, at most: its workspace is a row of so many
# Addresses of the first matrix, its factors and workspace; what LAPACK is told; bytes to the next.
_FIELDS = ("matrix", "tau", "work", "rows", "columns", "count", "length", "info",
           "matrix_step", "tau_step", "work_step")


def qr(a: Array, mode: str) -> tuple[Array, Array] | None:
    """(Q, R) with a = Q R for matrices (..., rows, columns); None where there is no such LAPACK.

    mode: "reduced", "complete" or "r", for which Q is empty.
    """
    if a.dtype.char not in ROUTINES or not a.size or not a.dtype.isnative:
        return None
    try:
        factor, unfold = _runs(a.dtype.char)
        with one_blas_thread():
            return _factored(a, mode, factor, unfold)
    except Unavailable:
        return None


def _factored(a: Array, mode: str, factor: Callable[[bytes, int], None],
              unfold: Callable[[bytes, int], None]) -> tuple[Array, Array]:
    rows, columns = a.shape[-2:]
    count, reflections = math.prod(a.shape[:-2]), min(rows, columns)
    inner = rows if mode == "complete" else reflections
    turned = np.empty((count, max(columns, inner), rows), a.dtype)  # LAPACK's columns are our rows
    turned[:, :columns] = a.reshape(count, rows, columns).swapaxes(1, 2)
    tau = np.empty((count, reflections), a.dtype)
    work = np.empty((count, _BLOCK * max(columns, inner)), a.dtype)

    places = [x.__array_interface__["data"][0] for x in (turned, tau, work)]
    steps = [x.strides[0] for x in (turned, tau, work)]

    def context(width: int) -> bytes:
        return pack(f"{len(_FIELDS)}q", *places, rows, width, reflections, work.shape[1], 0, *steps)

    factor(context(columns), count)
    r = np.where(_upper(inner, columns), turned[:, :columns, :inner].swapaxes(1, 2),
                 a.dtype.type(0)).reshape(*a.shape[:-2], inner, columns)
    if mode == "r":
        return np.empty(0, a.dtype), r
    unfold(context(inner), count)
    q = np.ascontiguousarray(turned[:, :inner].swapaxes(1, 2))
    return q.reshape(*a.shape[:-1], inner), r


@lru_cache(maxsize=64)
def _upper(rows: int, columns: int) -> Array:
    """Where a matrix has its upper triangle."""
    return np.tri(columns, rows, dtype=np.bool_).T


def _address(name: str) -> int:
    library = ctypes.CDLL(lapack.__file__)  # finds what NumPy's module is linked to
    for spelling in _SPELLINGS:
        try:
            found = ctypes.cast(library[spelling.format(name)], ctypes.c_void_p).value
        except AttributeError:
            continue
        if found:
            return found
    raise Unavailable(f"NumPy is not linked to a LAPACK with {name}")


@cache
def _runs(char: str) -> tuple[Callable[[bytes, int], None], Callable[[bytes, int], None]]:
    """What factors matrices, and what makes Q of their reflections."""
    factor, unfold = ROUTINES[char]
    return (_run(factor, ("rows", "columns")), _run(unfold, ("rows", "columns", "count")))


def _run(routine: str, sizes: tuple[str, ...]) -> Callable[[bytes, int], None]:
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    field = {name: code.at(context, k, 8) for k, name in enumerate(_FIELDS)}
    # Integers of 64 bits serve a LAPACK of 32 as well: the low half lies where it looks.
    own = {name: code.slot("i64") for name in ("rows", "columns", "count", "length", "info")}
    with code.loop(begin, end) as i:
        for name, slot in own.items():
            code.store(code.load("i64", field[name]), slot)
        place = {name: code.at(code.load("ptr", field[name]),
                               i * code.load("i64", field[f"{name}_step"]), 1)
                 for name in ("matrix", "tau", "work")}
        code.call("routine", *[own[name] for name in sizes], place["matrix"], own["rows"],
                  place["tau"], place["work"], own["length"], own["info"])
    ir = f"""{code.text()}
declare void @routine({", ".join(["ptr"] * (len(sizes) + 6))})
declare void @rl_pool_run(ptr, ptr, i64, i64)
define void @run(ptr %context, i64 %count) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 1)
  ret void
}}
"""
    (address,) = jit.load(ir, "run", imports={"routine": _address(routine),
                                              "rl_pool_run": threads.pool_run_address()})
    run: Callable[[bytes, int], None] = ctypes.CFUNCTYPE(
        None, ctypes.c_char_p, ctypes.c_int64)(address)
    return run
