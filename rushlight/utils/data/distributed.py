"""DistributedSampler: a share of the indices for each of several programs that train together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

from rushlight import ops
from rushlight.base.first_use import Deferred
from rushlight.random import Generator
from rushlight.utils.data.sampler import Sampler

distributed: Any = Deferred("rushlight.distributed", globals())


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index, beginning with `rank`; in each epoch of another order.

    Args:
        dataset: with a length.
        num_replicas: programs that share the data; if None, as many as the default group of
            `rushlight.distributed` has, 1 without a group.
        rank: which of them this is; if None, the rank in that group, 0 without one.
        shuffle: a random order, the same in all programs: call `set_epoch` before each epoch.
        seed: of the order.
        drop_last: leave out indices at the end that do not make equal shares; otherwise the first
            ones are given again.

    Raises:
        ValueError: a rank that is none of the replicas.

    >>> import rushlight as rl
    >>> list(rl.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self, dataset: Sized, num_replicas: int | None = None, rank: int | None = None,
        shuffle: bool = True, seed: int = 0, drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        grouped = distributed.is_initialized()
        self.num_replicas = num_replicas if num_replicas is not None else \
            distributed.get_world_size() if grouped else 1
        self.rank = rank if rank is not None else distributed.get_rank() if grouped else 0
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(f"Invalid rank {self.rank}, rank should be in the interval [0, "
                             f"{self.num_replicas - 1}]")
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0
        count = len(dataset) // self.num_replicas if drop_last else math.ceil(
            len(dataset) / self.num_replicas)
        self.num_samples = count
        self.total_size = count * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        length = len(self.dataset)
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            indices = ops.randperm(length, generator=generator).tolist()
        else:
            indices = list(range(length))
        missing = self.total_size - length
        if missing > 0:
            indices += (indices * math.ceil(missing / length))[:missing]
        return iter(indices[self.rank:self.total_size:self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins, or the order is that of the last one."""
        self.epoch = epoch
