"""Data sets, samplers and loaders."""

from typing import Any

from rushlight.utils.data.collate import default_collate, default_convert
from rushlight.utils.data.dataloader import DataLoader
from rushlight.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from rushlight.utils.data.distributed import DistributedSampler
from rushlight.utils.data.packed_list import PackedList
from rushlight.utils.data.randomness import follow_torch
from rushlight.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from rushlight.utils.data.worker_info import WorkerInfo, get_worker_info

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "PackedList",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "follow_torch",
    "get_worker_info",
    "random_split",
]

_PIPES = frozenset(("DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe", "datapipes",
                    "functional_datapipe"))


def __getattr__(name: str) -> Any:
    if name in _PIPES:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}: data pipes are left out, as torch's "
            "own are no longer developed; write an IterableDataset, or a Dataset with a DataLoader")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
