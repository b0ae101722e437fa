"""The thread pool, made for machines that are shared with other work.

A job is a native task over a range, cut into chunks. The calling thread and each worker have an
equal share of them, and whoever is done takes from the others, so a caller never waits for a
worker that has not started: where the system gives the workers no time, it does all the work
itself. Idle workers spin for some microseconds, since kernels come in bursts, and then sleep in
the kernel.

Workers are threads that live inside generated code and never touch Python: they start at the
first large job, need no interpreter lock, and cannot hold up interpreter exit. While one caller has
the pool, another runs its job alone, and so does a task that starts a job itself. Where chunks
begin depends on the size and the grain, never on the number of threads, so results do not either.

Without futexes (outside Linux) every job runs in the calling thread.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, NamedTuple

from rushlight.backends.cpu import features, jit
from rushlight.backends.cpu.once import once
from rushlight.backends.cpu.threads_ir import MAX_WORKERS, SERIAL, pool_ir


class _Pool(NamedTuple):
    address: int  # of pool_run
    run: Any
    resize: Any
    workers: Any


@once
def _pool() -> _Pool:
    run_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                                ctypes.c_int64)
    family = features.target().triple.split("-")[0]
    ir = pool_ir(family) if sys.platform == "linux" else None
    if ir is None:
        (address,) = jit.load(SERIAL, "pool_serial")
        return _Pool(address, run_type(address), lambda wanted: None, lambda: 0)
    address, resize, workers, forget = jit.load(
        ir, "pool_run", "pool_resize", "pool_workers", "pool_forget")
    pool = _Pool(address, run_type(address), ctypes.CFUNCTYPE(None, ctypes.c_int32)(resize),
                 ctypes.CFUNCTYPE(ctypes.c_int32)(workers))
    os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(forget))
    features.on_num_threads(lambda count: pool.resize(min(count - 1, MAX_WORKERS)))
    pool.resize(min(features.get_num_threads() - 1, MAX_WORKERS))
    return pool


def pool_run_address() -> int:
    """Address of `void pool_run(void (*task)(char *context, i64 begin, i64 end), char *context,
    i64 n, i64 grain)`, for generated code to declare and `jit.load` to import.

    It returns when every chunk is done. It may be called with and without the interpreter lock,
    from any thread, also from inside a task.
    """
    return _pool().address


def parallel(task: int, context: int, n: int, grain: int) -> None:
    """Run the native `void task(char *context, i64 begin, i64 end)` over 0 to n.

    Chunks begin at multiples of `grain`. `task` and `context` are addresses. The interpreter lock
    is released meanwhile. Raises ValueError unless the grain is positive.
    """
    if grain < 1:
        raise ValueError(f"grain must be positive, but got {grain}")
    _pool().run(task, context, n, grain)


def worker_count() -> int:
    """Worker threads that exist now: none before the first large job."""
    return int(_pool().workers())
