"""One pass over the batches of a loader: in this process, or by workers."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from rushlight.utils.data.fetch import Fetcher, Recipe
from rushlight.utils.data.randomness import (
    START,
    EpochSeeds,
    StreamStates,
    TorchSeeds,
    batch_streams,
    epoch_seeds,
)


class Beginning(NamedTuple):
    """What a pass followed from, so that it can be begun again elsewhere."""

    streams: StreamStates
    generator: Any  # the state of the loader's own generator, None without one
    seeds: EpochSeeds | TorchSeeds


class Pass:
    """An iterator over the batches of one epoch.

    resume: the state of an earlier pass, to go on from. Of a data set by index nothing is fetched
    again; an iterable one is read again up to there.
    """

    def __init__(self, loader: Any, resume: dict[str, Any] | None = None) -> None:
        self.loader = loader
        self.recipe = Recipe(loader.dataset, loader.collate_fn, loader._auto_collation,
                             loader.drop_last)
        self.position = 0  # batches that are done with: given, or failed
        self.finished = False
        now = StreamStates.now()
        self.beginning = self._begin(now, None if resume is None else resume["beginning"])
        skip = 0 if resume is None else resume["position"]
        if not loader._iterable:
            next(itertools.islice(self._indices, skip, skip), None)
            self.position = skip
        self._start()
        if loader._iterable:
            for _ in range(skip):
                next(self)
        if resume is not None:
            now.restore()

    def _begin(self, now: StreamStates, again: Any) -> Beginning:
        """Start the order of indices, and draw the seeds of the samples' random numbers."""
        generator, streams = self.loader.generator, now
        if again is not None:
            streams = StreamStates(*again["streams"])
            streams.restore()
            if generator is not None and again["generator"] is not None:
                generator.set_state(again["generator"])
        state = None if generator is None else generator.get_state()
        self._indices: Iterator[Any] = iter(self.loader._index_sampler)
        pool = self.loader._pool
        seeds = epoch_seeds(generator, pool is not None and pool.alive)
        return Beginning(streams, state, seeds)

    def _start(self) -> None:
        """Get ready to fetch."""
        with batch_streams(self.beginning.seeds, START):
            self._fetcher = Fetcher(self.recipe)

    def state(self) -> dict[str, Any]:
        """Where the pass is, in plain containers; empty at its end."""
        if self.finished:
            return {}
        streams, generator, seeds = self.beginning
        return {"position": self.position, "num_workers": self.loader.num_workers,
                "beginning": {"streams": tuple(streams), "generator": generator,
                              "seeds": tuple(seeds)}}

    def __iter__(self) -> Pass:
        return self

    def __len__(self) -> int:
        return len(self.loader._index_sampler)

    def __next__(self) -> Any:
        if self.finished:
            raise StopIteration
        try:
            batch = self._next()
        except StopIteration:
            self.finished = True
            raise
        announced = self.loader._announced
        if announced is not None and self.position > announced:
            warnings.warn(
                f"Length of IterableDataset {self.loader.dataset} was reported to be "
                f"{announced}(when accessing len(dataloader)), but {self.position} samples have "
                "been fetched. ", stacklevel=2)
        return batch

    def _next(self) -> Any:
        """The next batch."""
        index, number = next(self._indices), self.position
        self.position += 1
        with batch_streams(self.beginning.seeds, number):
            try:
                return self._fetcher.fetch(index)
            except Exception as error:
                if self._fetcher.sample is not None:  # None in iterable data sets
                    error.add_note(f"The loader was fetching sample {self._fetcher.sample!r:.200} "
                                   f"for batch {number}.")
                raise


class WorkerPass(Pass):
    """A pass whose batches workers make ahead of time."""

    def _start(self) -> None:
        loader = self.loader
        self._pool = loader._workers(self.recipe, self.beginning.seeds)
        self._epoch = self._pool.begin(self.beginning.seeds)
        self._wanted = self._following = self.position  # numbers of batches
        self._exhausted = False
        for _ in range(max(1, loader.prefetch_factor) * loader.num_workers):
            self._ask()

    def _ask(self) -> None:
        """Ask for one more batch, where there is one."""
        if self._exhausted:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            self._exhausted = True
            return
        self._exhausted = not self._pool.submit(self._following, index)
        self._following += not self._exhausted

    def state(self) -> dict[str, Any]:
        """As of every pass. Raises RuntimeError where batches come as they are done."""
        if not self.loader.in_order:
            raise RuntimeError("a loader with in_order=False gives batches as they are done, so "
                               "that there is no place to go on from: use in_order=True")
        return super().state()

    def _next(self) -> Any:
        pool, loader = self._pool, self.loader
        if pool.epoch != self._epoch:
            raise RuntimeError("another pass over this loader was started: persistent workers "
                               "serve one at a time")
        try:
            while self._wanted < self._following:
                answer = pool.answer(self._wanted if loader.in_order else None, loader.timeout)
                self._wanted += 1
                self._ask()
                if not loader._iterable:
                    self.position = self._wanted
                if answer.kind == "error":
                    raise answer.value.error()
                if answer.kind == "batch":
                    self.position += loader._iterable
                    return answer.value
        except KeyboardInterrupt:  # perhaps in the middle of a message
            pool.close()
            raise
        if not loader.persistent_workers:
            pool.close()
        raise StopIteration
