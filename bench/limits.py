"""What the machine can do at best, measured beside the rows that are held against it.

`moves(bytes)` and `computes(operations)` say how much work one call of a case is; `copy_seconds`
and `gemm_rate` are the limits: a copy that reads and writes as many bytes in all, over the threads
of the machine, into memory that is already there; and the best float32 matrix product of any
library that is installed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

Case = Callable[[Any], Callable[[], Any]]
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

REPEATS = 20  # copies between two meetings of the threads, so that meeting costs nothing


def moves(bytes_moved: float) -> Callable[[Case], Case]:
    """Say that a call reads and writes so many bytes in all."""
    return _mark("bytes_moved", bytes_moved)


def computes(operations: float) -> Callable[[Case], Case]:
    """Say that a call takes so many multiplications and additions."""
    return _mark("operations", operations)


def _mark(name: str, value: float) -> Callable[[Case], Case]:
    def mark(case: Case) -> Case:
        setattr(case, name, value)
        return case

    return mark


def best_seconds(run: Callable[[], Any], seconds: float = 0.3) -> float:
    """The shortest of many calls."""
    best = float("inf")
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


@cache
def copy_seconds(bytes_moved: int) -> float:
    """Seconds to read half of these bytes and write the other half: with all threads or one."""
    source = np.ones(max(THREADS, bytes_moved // 8), np.float32)
    target = np.zeros_like(source)
    alone = best_seconds(lambda: np.copyto(target, source))
    parts = zip(*(np.array_split(array, THREADS) for array in (target, source)), strict=True)
    halves = list(parts)

    def repeat(half: Any) -> None:
        for _ in range(REPEATS):
            np.copyto(*half)

    with ThreadPoolExecutor(THREADS) as pool:
        together = best_seconds(lambda: list(pool.map(repeat, halves))) / REPEATS
    return min(alone, together)


@cache
def gemm_rate(modules: tuple[Any, ...]) -> float:
    """Operations a second of the best square float32 product, of 512 to 2,048."""
    rates = []
    for module in modules:
        for size in (512, 1024, 2048):
            a = module.ones((size, size), dtype=module.float32)
            rates.append(2 * size**3 / best_seconds(lambda a=a: a @ a))
    return max(rates)


def share(case: Case, seconds: float, modules: tuple[Any, ...]) -> float | None:
    """The limit's time over the case's: 1 is the limit; None for a case without one."""
    if hasattr(case, "bytes_moved"):
        return copy_seconds(int(case.bytes_moved)) / seconds
    if hasattr(case, "operations"):
        return case.operations / gemm_rate(modules) / seconds
    return None
