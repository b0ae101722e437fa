"""Joining ragged sequences: along the batch, time, or the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base.errors import describe
from rushlight.families.declaration import FUNCTIONS
from rushlight.families.override import title
from rushlight.ops.sequence_rows import reorder_rows, spread_rows
from rushlight.sequences.layout import Layout
from rushlight.sequences.ragged import Ragged
from rushlight.sequences.rules import common, dimensions, no_meaning, ragged_among, rule
from rushlight.tensor import Tensor


@rule("cat concat concatenate")
def cat(function: Any, tensors: Any, dim: int = 0, **options: Any) -> Any:
    """Along the batch; along time, sequence by sequence; or along the features."""
    batches = ragged_among(tensors)
    at = dimensions(function, batches[0], options.get("axis", dim))[0]
    if at == 0:
        _all_ragged(function, tensors)
        lengths = np.concatenate([batch.layout.lengths for batch in batches])
        return Ragged(function([batch.values for batch in batches]), Layout.of(lengths))
    if at == 1:
        _all_ragged(function, tensors)
        return _in_time(function, batches)
    layout = common(function, (tensors,))
    return Ragged(function([_rows(function, x, layout) for x in tensors], at - 1), layout)


def _all_ragged(function: Any, tensors: Any) -> None:
    for place, each in enumerate(tensors):
        if not isinstance(each, Ragged):
            raise TypeError(f"{title(function)}(): along batch and time all must be ragged, but "
                            f"tensor {place} is {describe(each)}; make it so with rl.ragged()")


def _in_time(function: Any, batches: list[Ragged]) -> Ragged:
    """Sequence i of each batch, one after the other."""
    if len({batch.layout.batch for batch in batches}) > 1:
        shown = " and ".join(batch._short() for batch in batches)
        raise RuntimeError(f"{title(function)}(): the batches must have as many sequences: {shown}")
    numbers = np.concatenate([batch.layout.numbers for batch in batches])
    order = np.argsort(numbers, kind="stable")
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order))
    lengths = np.sum([batch.layout.lengths for batch in batches], axis=0)
    values = function([batch.values for batch in batches])
    return Ragged(reorder_rows(values, order, inverse), Layout.of(lengths))


def _rows(function: Any, value: Any, layout: Layout) -> Tensor:
    """One of the things joined along features, as (steps, *features)."""
    if isinstance(value, Ragged):
        return value.values
    if value.ndim > 1 and value.size(1) == 1 and value.size(0) == layout.batch:
        found: Tensor = spread_rows(value[:, 0], layout.offsets)
        return found
    raise RuntimeError(f"{title(function)}(): beside ragged sequences of {layout} a dense tensor "
                       f"has to be (batch={layout.batch}, 1, *features), but got "
                       f"{describe(value)}")


@rule("stack")
def stack(function: Any, tensors: Any, dim: int = 0, **options: Any) -> Any:
    """Along a new dimension of the features."""
    batches = ragged_among(tensors)
    at = dimensions(function, batches[0], dim, 1)[0]
    if at < 2:
        raise no_meaning(function, (tensors,), f"stacked along dim={dim}")
    layout = common(function, (tensors,))
    return Ragged(function([_rows(function, x, layout) for x in tensors], at - 1), layout)


@rule("Tensor.unbind unbind")
def unbind(function: Any, input: Any, dim: int = 0) -> Any:
    """The sequences, or the features along a dimension."""
    at = dimensions(function, input, dim)[0]
    if at == 1:
        raise no_meaning(function, (input,), f"taken apart along dim={dim}")
    if at == 0:
        return tuple(input.unbind())
    return tuple(input.with_values(part) for part in FUNCTIONS["unbind"](input.values, at - 1))
