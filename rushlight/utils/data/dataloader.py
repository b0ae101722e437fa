"""DataLoader: batches of a data set."""

from __future__ import annotations

import importlib
import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from rushlight.random import Generator
from rushlight.utils.data.collate import default_collate, default_convert
from rushlight.utils.data.dataset import IterableDataset
from rushlight.utils.data.fetch import Recipe
from rushlight.utils.data.iteration import Pass, WorkerPass
from rushlight.utils.data.options import check_iterable, check_sampling, check_workers
from rushlight.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
)
from rushlight.utils.data.worker_info import get_worker_info as get_worker_info

# By torch's names, for isinstance.
_BaseDataLoaderIter = _SingleProcessDataLoaderIter = Pass
_MultiProcessingDataLoaderIter = WorkerPass


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
        num_workers: processes that fetch batches ahead of time; with any number of them, and 0,
            batches are the same, random augmentation included. 0 fetches in this process. Forked
            workers share the data set's memory until they touch an object: give large lists of
            Python objects as a `PackedList`.
        collate_fn: makes a batch of a list of samples; `default_collate` by default.
        pin_memory, pin_memory_device: accepted; there is nothing to pin for.
        drop_last: leave out a last batch that is smaller.
        timeout: seconds to wait for a batch of a worker; 0 waits as long as it lives.
        worker_init_fn: called with its number in each worker before the first batch.
        multiprocessing_context: "fork" (default on Linux), "spawn", "forkserver" or a context.
        generator: of the order of `shuffle`, and of the random numbers of samples.
        prefetch_factor: batches that each worker makes ahead, 2 by default.
        persistent_workers: keep them from epoch to epoch.
        in_order: False gives batches as they are done.

    Raises:
        ValueError: options that exclude each other.

    While a batch is fetched, `rushlight.rand`, `numpy.random` and `random` draw from streams of
    that batch alone, which follow from the epoch and the batch's number; afterwards they go on
    where they were. `follow_torch` gives torch's own numbers instead.

    >>> import rushlight as rl
    >>> data = rl.utils.data.TensorDataset(rl.arange(5))
    >>> [batch.tolist() for (batch,) in rl.utils.data.DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    _fixed: ClassVar[tuple[str, ...]] = (
        "batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
    __initialized = False  # under torch's name: subclasses unlock it to wrap the sampler

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
        check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
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
            check_iterable(shuffle, sampler, batch_sampler)
        check_sampling(batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
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
        self._pool: Any = None  # of persistent workers
        self._last: weakref.ref[Pass] | None = None  # the pass that was started last
        self._resume: dict[str, Any] | None = None  # what the next pass goes on from
        self.__initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__initialized and name in self._fixed:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None, "_last": None}  # what is of this process stays

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    @property
    def _iterable(self) -> bool:
        return isinstance(self.dataset, IterableDataset)

    def __iter__(self) -> Iterator[Any]:
        resume, self._resume = self._resume, None
        made = (WorkerPass if self.num_workers > 0 else Pass)(self, resume)
        self._last = weakref.ref(made)
        return made

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._announced = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        spare = 0 if self.drop_last else self.batch_size - 1
        return (length + spare) // self.batch_size

    def _workers(self, recipe: Recipe, seeds: Any) -> Any:
        """A pool of workers for a pass: the one that persists, or a new one."""
        if self._pool is not None and self._pool.alive:
            return self._pool
        module = importlib.import_module("rushlight.utils.data.worker_pool")
        made = module.WorkerPool(recipe, self.num_workers, seeds, self.worker_init_fn,
                                 self.multiprocessing_context)
        if self.persistent_workers:
            self._pool = made
        return made

    def state_dict(self) -> dict[str, Any]:
        """Where the pass that was started last is: between two batches, in the middle of an epoch.

        Of plain containers and tensors, so that `save` takes it. After the last batch, or before
        the first, it is empty: there is nothing to go on with.

        Raises:
            RuntimeError: `in_order=False` with workers.

        >>> import rushlight as rl
        >>> loader = rl.utils.data.DataLoader(range(5), shuffle=True)
        >>> batches = iter(loader)
        >>> _ = next(batches)
        >>> state = loader.state_dict()
        >>> rest = list(batches)
        >>> again = rl.utils.data.DataLoader(range(5), shuffle=True)
        >>> again.load_state_dict(state)
        >>> list(again) == rest
        True
        """
        if self._resume is not None:
            return self._resume
        last = None if self._last is None else self._last()
        return {} if last is None else last.state()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next pass go on where that of another loader was, batch for batch.

        state_dict: of a loader over the same data with the same options; the number of workers
        may be another, except for iterable data sets, which workers share among them. Those are
        read again up to the place. Random numbers of the main program are not touched.

        Raises:
            ValueError: it is no such state, or of another number of workers where that matters.
        """
        if state_dict and not {"position", "num_workers", "beginning"} <= state_dict.keys():
            raise ValueError("load_state_dict() takes what state_dict() of a loader returned, but "
                             f"got a dictionary of {sorted(map(str, state_dict))[:10]}")
        if state_dict and self._iterable and state_dict["num_workers"] != self.num_workers:
            raise ValueError(
                f"the state is of {state_dict['num_workers']} workers, which shared an iterable "
                f"data set in their own way; this loader has {self.num_workers}")
        self._resume = dict(state_dict) or None

