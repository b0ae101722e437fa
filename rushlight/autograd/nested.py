"""Tensors inside what modules take and return: lists, tuples and dictionaries of any depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rushlight.tensor import Tensor


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in `value`, in order.

    >>> import rushlight as rl
    >>> [t.item() for t in tensors_in((rl.tensor(1), {"a": [rl.tensor(2), "no"]}))]
    [1, 2]
    """
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
