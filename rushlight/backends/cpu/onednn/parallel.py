"""How many threads a oneDNN program gets.

A parallel region wakes sleeping threads, which takes 20-60 us, and its barriers wait for the
slowest: under load on a shared machine a region may take a scheduler slice. So one thread does
what takes it about a hundred microseconds.
"""

from __future__ import annotations

import os

from rushlight.backends.cpu import features
from rushlight.backends.cpu.onednn import cache

SERIAL_BELOW = 1.2e5  # estimated nanoseconds of work on one thread
FLOPS_PER_NANOSECOND = 60.0  # of one core: half of what an AVX-512 core of 2023 reaches

_forked = False


def limit() -> int:
    """The largest number of threads a program gets."""
    return 1 if _forked else features.get_num_threads()


def threads_for(flops: float) -> int:
    """Threads for a program of so many floating-point operations."""
    return limit() if nanoseconds(flops) > SERIAL_BELOW else 1


def nanoseconds(flops: float) -> float:
    """Estimated time on one thread."""
    return flops / FLOPS_PER_NANOSECOND


def _after_fork() -> None:
    """libgomp's threads are gone in a forked child and waiting for them never ends: use none."""
    global _forked
    _forked = True
    cache.clear()


# A program keeps the number of threads it was made for, so a new number asks for new programs.
features.on_num_threads(lambda count: cache.clear())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
