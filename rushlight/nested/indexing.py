"""Indexing nested tensors: components, and parts of the dimensions that are not ragged."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.nested.dispatch import handles, joined, shown
from rushlight.nested.shapes import moved
from rushlight.nested.tensor import NestedTensor, build
from rushlight.sequences import indexing
from rushlight.sequences.ragged import Ragged


@handles("Tensor.__getitem__")
def item(function: Any, input: NestedTensor, index: Any) -> Any:
    """A component; or with the batch and the ragged dimension whole, parts of the others."""
    first, rest = _split(input, index)
    if _is_number(first):
        return input._components()[_number(input, first)][tuple(rest)]
    place = input._place
    if place is not None and first == slice(None) and rest[place - 1:place] in ([], [slice(None)]):
        before = sum(not _is_number(part) for part in rest[:place - 1])
        return moved(input, input._values()[tuple(rest)], before + 1)
    if None in [part for part in [first, *rest] if part is None]:
        raise RuntimeError(f"unsqueeze(): not supported for NestedTensor on dim=0: {shown(input)}")
    if place == 1:
        found = indexing.item(input._ragged, (first, *rest), Ragged)
        return build(found, 1, input._kind) if isinstance(found, Ragged) else found
    parts = input._components()[first] if isinstance(first, slice) else [
        input._components()[i] for i in np.arange(len(input))[np.asarray(first)]]
    return joined([part[tuple(rest)] for part in parts], input)


@handles("Tensor.__setitem__")
def set_item(function: Any, input: NestedTensor, index: Any, value: Any) -> None:
    """Write to a component, or with the ragged dimension whole to parts of the others."""
    first, rest = _split(input, index)
    if _is_number(first):
        input._components()[_number(input, first)][tuple(rest) or ...] = value
    elif input._place is not None and first == slice(None) and (
            rest[input._place - 1:input._place] in ([], [slice(None)])):
        given = value._values() if isinstance(value, NestedTensor) else value
        input._values()[tuple(rest)] = given
    else:
        raise RuntimeError(f"index_put_(): not supported for NestedTensor at {index!r}: write to "
                           f"the components of unbind(), of {shown(input)}")


def _split(input: NestedTensor, index: Any) -> tuple[Any, list[Any]]:
    """What is asked of the batch, and of the components' dimensions."""
    parts = list(index) if isinstance(index, tuple) else [index]
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    if at is not None:
        given = sum(part is not None for part in parts) - 1
        parts[at:at + 1] = [slice(None)] * (input.ndim - given)
    if sum(part is not None for part in parts) > input.ndim:
        raise IndexError(f"too many indices for tensor of dimension {input.ndim}: {shown(input)}")
    return (parts[0], parts[1:]) if parts else (slice(None), [])


def _is_number(part: Any) -> bool:
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


def _number(input: NestedTensor, index: Any) -> int:
    size = len(input)
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for dimension 0 with size {size}")
    return int(index) % size
