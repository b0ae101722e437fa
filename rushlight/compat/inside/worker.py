"""Parts of `torch.utils.data` below its loader: names for isinstance tests and annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.utils.data.iteration import Pass, WorkerPass
from rushlight.utils.data.worker_info import WorkerInfo, get_worker_info

__all__ = ["WorkerInfo", "get_worker_info"]

_BaseDataLoaderIter = _SingleProcessDataLoaderIter = Pass
_MultiProcessingDataLoaderIter = WorkerPass
np_str_obj_array_pattern = re.compile("[SaUO]")  # NumPy's types that no tensor holds
_collate_fn_t = Callable[[list[Any]], Any]
_worker_init_fn_t = Callable[[int], None]


class _DatasetKind:
    Map = 0
    Iterable = 1


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """Four words that follow from a seed and a worker's number, to seed NumPy with."""
    return [int(word) for word in np.random.SeedSequence((worker_id, base_seed)).generate_state(4)]
