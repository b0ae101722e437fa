"""What a worker process knows of itself."""

from __future__ import annotations

from typing import Any


class WorkerInfo:
    """A worker's number `id` among `num_workers`, its `seed`, and its copy of the `dataset`."""

    __slots__ = ("dataset", "id", "num_workers", "seed")

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset

    def __repr__(self) -> str:
        return (f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, "
                f"dataset={self.dataset})")


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """What the worker process that calls this knows of itself; None in the main process.

    An iterable data set asks for it to give each worker a share of its samples.

    >>> import rushlight as rl
    >>> class Numbers(rl.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         worker = rl.utils.data.get_worker_info()
    ...         first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
    ...         return iter(range(first, 6, step))
    >>> [x.tolist() for x in rl.utils.data.DataLoader(Numbers(), batch_size=3)]
    [[0, 1, 2], [3, 4, 5]]
    """
    return _info


def set_worker_info(info: WorkerInfo) -> None:
    """Say so, in the worker process."""
    global _info
    _info = info
