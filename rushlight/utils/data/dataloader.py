"""DataLoader: batches of a data set."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from rushlight.random import Generator
from rushlight.utils.data.collate import default_collate, default_convert
from rushlight.utils.data.dataset import IterableDataset
from rushlight.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    random_seed,
)

_warned_of_workers = False


def get_worker_info() -> None:
    """What a worker process knows of itself; None in the main process, where all data is loaded."""
    return


class _Endless(Sampler[None]):
    """Indices for iterable data sets, which need none."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader:
    """An iterable over batches of a data set.

    Args:
        dataset: by index, or an `IterableDataset`.
        batch_size: samples a batch; None to give samples one by one.
        shuffle: a new random order in every epoch.
        sampler: the order of indices, in place of `shuffle`.
        batch_sampler: lists of indices, in place of all four above.
        num_workers: accepted; samples are loaded in this process.
        collate_fn: makes a batch of a list of samples; `default_collate` by default.
        pin_memory, pin_memory_device: accepted; there is nothing to pin for.
        drop_last: leave out a last batch that is smaller.
        timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers,
            in_order: of worker processes.
        generator: of the order of `shuffle`.

    Raises:
        ValueError: options that exclude each other.

    >>> import rushlight as rl
    >>> data = rl.utils.data.TensorDataset(rl.arange(5))
    >>> [batch.tolist() for (batch,) in rl.utils.data.DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    _fixed: ClassVar[tuple[str, ...]] = (
        "batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.persistent_workers = persistent_workers
        iterable = isinstance(dataset, IterableDataset)
        if iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        _check_sampling(batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            if iterable:
                sampler = _Endless()
            else:
                sampler = (RandomSampler(dataset, generator=generator) if shuffle
                           else SequentialSampler(dataset))
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        batched = batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)
        self._announced: int | None = None  # what len() said of an iterable data set
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in self._fixed:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers > 0:
            _warn_of_workers(self.num_workers)
        return _Iterator(self)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._announced = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        spare = 0 if self.drop_last else self.batch_size - 1
        return (length + spare) // self.batch_size


class _Iterator:
    """One pass over the batches."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader
        self._indices = iter(loader._index_sampler)
        # torch draws a seed for workers here, with or without them: without this draw, all later
        # random numbers of a program would differ.
        self._base_seed = random_seed(loader.generator)
        self._samples: Iterator[Any] | None = None
        dataset = loader.dataset
        if isinstance(dataset, IterableDataset):
            self._samples = iter(dataset)
        self._fetch_many = getattr(dataset, "__getitems__", None)
        self._given = 0
        self._ended = False

    def __iter__(self) -> _Iterator:
        return self

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __next__(self) -> Any:
        index = next(self._indices)
        if self._samples is not None:
            return self._from_samples(index)
        loader = self._loader
        if not loader._auto_collation:
            return loader.collate_fn(loader.dataset[index])
        if self._fetch_many is not None:
            return loader.collate_fn(self._fetch_many(index))
        dataset = loader.dataset
        return loader.collate_fn([dataset[i] for i in index])

    def _from_samples(self, index: Any) -> Any:
        loader, samples = self._loader, self._samples
        if self._ended or samples is None:
            raise StopIteration
        if not loader._auto_collation:
            data = next(samples)
        else:
            data = list(itertools.islice(samples, len(index)))
            self._ended = len(data) < len(index)
            if not data or (self._ended and loader.drop_last):
                raise StopIteration
        batch = loader.collate_fn(data)
        self._given += 1
        if loader._announced is not None and self._given > loader._announced:
            warnings.warn(
                f"Length of IterableDataset {loader.dataset} was reported to be "
                f"{loader._announced}(when accessing len(dataloader)), but {self._given} samples "
                "have been fetched. ", stacklevel=3)
        return batch


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to "
                         "disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > "
            "0 to enable multiprocessing, otherwise set prefetch_factor to None.")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_iterable(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    for name, value in (("shuffle", shuffle or None), ("sampler", sampler),
                        ("batch_sampler", batch_sampler)):
        if value is not None:
            raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} "
                             f"option, but got {name}={value}")


def _check_sampling(
    batch_size: int | None, shuffle: bool, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError("batch_sampler option is mutually exclusive with batch_size, "
                             "shuffle, sampler, and drop_last")
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually "
                         "exclusive with drop_last")


def _warn_of_workers(count: int) -> None:
    """Once a process: the batches are the same, only the overlap is missing."""
    global _warned_of_workers
    if not _warned_of_workers:
        _warned_of_workers = True
        warnings.warn(
            f"DataLoader(num_workers={count}): worker processes are not there yet; samples are "
            "loaded in this process, in the same order. worker_init_fn is not called.",
            stacklevel=3)
