"""How work is cut into jobs for the thread pool.

The cut depends on the shapes and on how many cores the machine has, never on how many threads are
used, so results do not either.
"""

from __future__ import annotations

import os
from itertools import pairwise

FLOPS_PER_NANOSECOND = 60.0  # of one core: half of what an AVX-512 core of 2023 reaches
JOB = 2e6  # floating-point operations for which a thread that is awake is worth a job
MOST = 32  # jobs in a phase
MANY_CORES = (os.cpu_count() or 1) > 4


def nanoseconds(flops: float) -> float:
    """Estimated time on one thread."""
    return flops / FLOPS_PER_NANOSECOND


def jobs_for(flops: float) -> int:
    """How many jobs that much work is worth: one, or an even number, as cores mostly are."""
    jobs = int(flops / JOB)
    return max(1, min(MOST, jobs + jobs % 2 if jobs > 1 else jobs))


def cut(extent: int, jobs: int, multiple: int = 1) -> list[tuple[int, int]]:
    """Ranges of about equal length, most of them a multiple of `multiple`, that cover 0..extent."""
    blocks = -(-extent // multiple)
    jobs = max(1, min(jobs, blocks))
    bounds = [min(extent, (blocks * j // jobs) * multiple) for j in range(jobs)] + [extent]
    return list(pairwise(bounds))
