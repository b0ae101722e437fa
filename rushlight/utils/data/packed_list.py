"""A list whose items lie in one array, so that worker processes share its memory."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np


class PackedList(Sequence[Any]):
    """A list of any objects, kept pickled, one after the other, in one array.

    A forked worker that looks at a Python object writes to its reference count, and so gets its
    own copy of the memory around it: in the end every worker has a copy of the whole list. These
    items stay where they are, shared by all; each access makes a new object. Spawned workers are
    sent two arrays instead of many objects.

    items: objects that can be pickled. They cannot be replaced later.

    >>> import rushlight as rl
    >>> samples = rl.utils.data.PackedList([("cat.png", 0), ("dog.png", 1)])
    >>> samples[1], len(samples)
    (('dog.png', 1), 2)
    """

    def __init__(self, items: Iterable[Any] = ()) -> None:
        data, ends = bytearray(), [0]
        for item in items:
            data += pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
            ends.append(len(data))
        self._data = np.frombuffer(bytes(data), np.uint8)
        self._ends = np.array(ends, np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """The item at a place, made anew; for a slice a list of them. Raises IndexError."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return pickle.loads(self._data[self._ends[place]:self._ends[place + 1]])

    def __repr__(self) -> str:
        return f"PackedList({len(self)} items, {self.nbytes} bytes)"

    @property
    def nbytes(self) -> int:
        """Bytes that the items take."""
        return self._data.nbytes + self._ends.nbytes
