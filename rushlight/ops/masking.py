"""masked_fill, masked_select, masked_scatter: choosing elements by truth values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends import masks
from rushlight.base.assign import fit, is_modest
from rushlight.families.index import Geometry, index_op, title, zeros
from rushlight.tensor import Tensor

Array = np.ndarray
Number = bool | int | float | complex


def _check_mask(op: str, input: Array, mask: Array) -> None:
    if mask.dtype != np.bool_:
        raise RuntimeError(
            f"{op} only supports boolean masks, but got mask with dtype {title(mask.dtype)}; "
            "compare, or convert it with mask.bool()"
        )
    if input.shape == mask.shape:
        return
    shape = np.broadcast_shapes(input.shape, mask.shape)
    if shape != input.shape:  # only in place: the copying form broadcasts its input
        raise RuntimeError(
            f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(shape)}"
        )


def _summed_to(g: Tensor, like: Geometry) -> Tensor:
    return g if g._array.shape == like.shape else g.sum_to_size(like.shape)  # type: ignore


@index_op(
    "masked_fill",
    writes=True,
    saves="mask",
    broadcast="mask",
    grad={
        "input": lambda g, call: _summed_to(masked_fill(g, call.mask, 0), call.input),
        "value": lambda g, call: masked_fill(g, call.mask.logical_not(), 0).sum(),
    },
    samples=lambda x: [(x(2, 3), x.bools(2, 3), 0.5), (x(2, 3), x.bools(3), x())],
)
def masked_fill(input: Array, mask: Array, value: Array | Number) -> None:
    """Write ``value`` wherever ``mask`` is true.

    Args:
        mask: bool, broadcastable with ``input``.
        value: a number or a 0-d tensor, cast to the input's dtype.

    >>> import rushlight as rl
    >>> rl.ones(3).masked_fill(rl.tensor([True, False, True]), 0.0)
    tensor([0., 1., 0.])
    """
    _check_mask("masked_fill_", input, mask)
    if isinstance(value, np.ndarray) and value.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    if not is_modest(value, input.dtype.kind):
        value = fit(value.item() if isinstance(value, np.ndarray) else value, input.dtype)
    masks.fill(input, mask, value)


@index_op(
    "masked_select",
    saves="mask",
    broadcast="mask",
    grad={
        "input": lambda g, call: _summed_to(
            masked_scatter(_broadcast_zeros(g, call), call.mask, g), call.input
        ),
    },
    samples=lambda x: [(x(2, 3), x.bools(2, 3)), (x(2, 3), x.bools(3))],
)
def masked_select(input: Array, mask: Array) -> Array:
    """Return the elements where ``mask`` is true, as a new 1-d tensor in row-major order.

    Args:
        mask: bool, broadcastable with ``input``.

    >>> import rushlight as rl
    >>> x = rl.tensor([1, -2, 3])
    >>> rl.masked_select(x, x > 0)
    tensor([1, 3])
    """
    if mask.dtype != np.bool_:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, got {title(mask.dtype)}")
    return masks.take(input, np.broadcast_to(mask, input.shape))


def _broadcast_zeros(g: Tensor, call: Any) -> Tensor:
    shape = np.broadcast_shapes(call.input.shape, call.mask._array.shape)
    return zeros(Geometry(shape, call.input.dtype), g)


def _gradient_of_source(g: Tensor, call: Any) -> Tensor:
    """What the true places received, then zeros for the elements that were not used."""
    picked = masked_select(g, call.mask)
    count = math.prod(call.source.shape)
    if picked._array.size < count:
        whole = zeros(Geometry((count,), call.source.dtype), g)
        whole[: picked._array.size] = picked
        picked = whole
    return picked.reshape(call.source.shape)  # type: ignore[attr-defined]


@index_op(
    "masked_scatter",
    writes=True,
    saves="mask",
    broadcast="mask",
    grad={
        "input": lambda g, call: _summed_to(masked_fill(g, call.mask, 0), call.input),
        "source": _gradient_of_source,
    },
    samples=lambda x: [(x(2, 3), x.bools(2, 3), x(6))],
)
def masked_scatter(input: Array, mask: Array, source: Array) -> None:
    """Write the elements of ``source``, one after the other, wherever ``mask`` is true.

    Args:
        mask: bool, broadcastable with ``input``.
        source: of the input's dtype, with at least as many elements as ``mask`` has true ones.

    >>> import rushlight as rl
    >>> mask = rl.tensor([True, False, True])
    >>> rl.zeros(3).masked_scatter(mask, rl.tensor([5.0, 6.0, 7.0]))
    tensor([5., 0., 6.])
    """
    _check_mask("masked_scatter_", input, mask)
    if input.dtype != source.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{title(input.dtype)} and {title(source.dtype)}"
        )
    mask = np.broadcast_to(mask, input.shape)
    count = int(np.count_nonzero(mask))
    if source.size < count:
        raise RuntimeError(
            f"Number of elements of source < number of ones in mask ({source.size} < {count})"
        )
    input[mask] = source.reshape(-1)[:count]
