"""How a batch is made from a data set: the same in the main process and in workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rushlight.utils.data.dataset import IterableDataset


class Recipe(NamedTuple):
    """What makes batches.

    batched: whether an index is a list of indices, whose samples go through `collate_fn`.
    """

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool
    drop_last: bool


class Fetcher:
    """Makes batches of one epoch. `sample` is the index that is being fetched, for messages."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.sample: Any = None
        self.ended = False
        self._samples: Iterator[Any] | None = None
        dataset = recipe.dataset
        if isinstance(dataset, IterableDataset):
            self._samples = iter(dataset)
        self._fetch_many = getattr(dataset, "__getitems__", None)

    def fetch(self, index: Any) -> Any:
        """The batch of an index or of a list of indices. Raises StopIteration at the end of an
        iterable data set."""
        self.sample = index
        if self._samples is not None:
            return self._next(index)
        try:
            return self._at(index)
        except StopIteration as error:  # which would look like the end of the epoch
            raise RuntimeError(
                f"the data set raised StopIteration for sample {self.sample!r:.200}") from error

    def _at(self, index: Any) -> Any:
        recipe = self.recipe
        if not recipe.batched:
            return recipe.collate_fn(recipe.dataset[index])
        if self._fetch_many is not None:
            return recipe.collate_fn(self._fetch_many(index))
        dataset, samples = recipe.dataset, []
        for i in index:
            self.sample = i
            samples.append(dataset[i])
        self.sample = index
        return recipe.collate_fn(samples)

    def _next(self, index: Any) -> Any:
        recipe, samples = self.recipe, self._samples
        self.sample = None
        if self.ended or samples is None:
            raise StopIteration
        if not recipe.batched:
            return recipe.collate_fn(next(samples))
        data = list(itertools.islice(samples, len(index)))
        self.ended = len(data) < len(index)
        if not data or (self.ended and recipe.drop_last):
            raise StopIteration
        return recipe.collate_fn(data)
