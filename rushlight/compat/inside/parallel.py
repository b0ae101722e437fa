"""`torch.nn.parallel` and its files, which are one here."""

from __future__ import annotations

from rushlight.nn.parallel import (
    DataParallel,
    DistributedDataParallel,
    data_parallel,
    gather,
    scatter,
    scatter_kwargs,
)

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather",
           "scatter", "scatter_kwargs"]
