"""embedding and one_hot: tables of vectors, looked up by class number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import type_name
from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.engine.node import LEAF
from rushlight.families import index_kernels as kernels
from rushlight.families.composite import function
from rushlight.families.index import INDEX_DTYPES, index_op, title
from rushlight.families.inplace import wrote
from rushlight.ops.sparse_layout import SparseTensor
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends.cpu import few_places as few
else:
    few = Deferred("rushlight.backends.cpu.few_places", globals())

Array = np.ndarray


def _gradient_of_weight(g: Tensor, call: SimpleNamespace) -> Tensor:
    if call.sparse:
        return _sparse_gradient(g, call)
    return embedding_gradient(
        g, call.indices, call.weight.shape[0], call.padding_idx, call.scale_grad_by_freq
    )


def _sparse_gradient(g: Tensor, call: SimpleNamespace) -> Tensor:
    """The rows that were looked up, as often as they were: nothing is made for the others."""
    if call.scale_grad_by_freq:
        raise RuntimeError(
            "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
        )
    rows, width = call.weight.shape
    places, entries = call.indices._array.reshape(-1), g.reshape(-1, width)
    if call.padding_idx >= 0:
        (kept,) = np.nonzero(places != call.padding_idx)
        places, entries = places[kept], entries[wrap(kept)]
    return SparseTensor.of(wrap(places.astype(np.int64).reshape(1, -1)), entries, (rows, width))


def _check_indices(indices: Array, rows: int) -> None:
    if indices.dtype not in INDEX_DTYPES:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {title(indices.dtype)} instead (while checking arguments for "
            "embedding)"
        )
    wrong = kernels.outside(indices, rows)
    if wrong is not None:
        raise IndexError(
            f"index out of range in self: embedding got {wrong} for a table of {rows} rows"
        )


@index_op(
    "embedding",
    method=False,
    saves="indices",
    shape=lambda weight, indices, **options: (*indices.shape, *weight.shape[1:]),
    grad={"weight": _gradient_of_weight},
    samples=lambda x: [
        (x(6, 2), x.integers(2, 3)),
        (x(6, 2), x.integers(3), {"padding_idx": 2, "scale_grad_by_freq": True})],
)
def table_lookup(
    weight: Array,
    indices: Array,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Array:
    """Return the rows of ``weight`` that ``indices`` names: (*indices.shape, width).

    ``nn.functional.embedding`` with the arguments in the older order; ``padding_idx=-1`` is none.

    >>> import rushlight as rl
    >>> rl.embedding(rl.tensor([[1.0], [2.0]]), rl.tensor([1, 1, 0]))
    tensor([[2.],
            [2.],
            [1.]])
    """
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D (got shape {list(weight.shape)})")
    rows = few.take(weight, 0, indices if indices.ndim == 1 else indices.reshape(-1))
    if rows is None:
        _check_indices(indices, weight.shape[0])
        rows = kernels.take(weight, 0, indices.reshape(-1))
    if indices.ndim == 1:
        return rows
    return rows.reshape(*indices.shape, weight.shape[1])


def _gradient_of_gradient(g: Tensor, call: SimpleNamespace) -> Tensor:
    picked = table_lookup(g, call.indices)
    if call.scale_grad_by_freq:
        raise RuntimeError(
            "embedding_backward: double backward does not support scale_grad_by_freq"
        )
    if call.padding_idx < 0:
        return picked
    padding = (call.indices == call.padding_idx).unsqueeze(-1)
    return picked.masked_fill(padding, 0)


@index_op(
    "",
    saves="indices",
    shape=lambda grad, indices, rows, padding_idx, scale_grad_by_freq: (rows, grad.shape[-1]),
    grad={"grad": _gradient_of_gradient},
)
def embedding_gradient(
    grad: Array, indices: Array, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Array:
    """Add up the gradients of looked-up rows, in the order of the indices: (rows, width)."""
    width = grad.shape[-1]
    places, values = indices.reshape(-1), grad.reshape(-1, width)
    if padding_idx >= 0:
        kept = places != padding_idx
        if not kept.all():
            places, values = places[kept], values[kept]
    if scale_grad_by_freq:
        often = np.maximum(np.bincount(places, minlength=rows), 1).astype(grad.dtype)
        values = values / often[places][:, None]
    return kernels.totals(rows, places, values)


@function("nn.functional.embedding", samples=lambda x: [
    (x.integers(2, 3), x(6, 2)), (x.integers(4), x(6, 2), {"padding_idx": 2})])
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of ``weight`` that ``input`` names.

    Args:
        input: int64 or int32, any shape, elements from 0 to ``weight.size(0) - 1``.
        weight: (rows, width).
        padding_idx: a row that gets no gradient.
        max_norm: rows looked up that are longer are first scaled, in place, to this length.
        norm_type: the p of the length's p-norm.
        scale_grad_by_freq: divide each row's gradient by how often it was looked up.
        sparse: the gradient of a `weight` that was not computed is a sparse tensor of the rows
            looked up, which SGD, Adagrad and SparseAdam take.

    Returns a new tensor, (*input.shape, width).

    >>> import rushlight as rl
    >>> rl.nn.functional.embedding(rl.tensor([1, 0]), rl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    for place, (name, x) in enumerate((("weight", weight), ("indices", input)), 1):
        if not isinstance(x, Tensor):
            raise TypeError(f"embedding(): argument '{name}' (position {place}) must be Tensor, "
                            f"not {type_name(x)}")
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D (got shape {list(weight.shape)})")
    rows = weight.shape[0]
    if padding_idx is None:
        padding_idx = -1
    else:
        # The message is torch's AssertionError, which programs may catch.
        if not -rows <= padding_idx < rows:
            raise AssertionError(
                f"Padding_idx must be within num_embeddings (got {padding_idx}, rows {rows})"
            )
        padding_idx %= rows
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    # What computed a weight expects dense gradients.
    sparse = sparse and weight._node is LEAF
    return table_lookup(weight, input, padding_idx, scale_grad_by_freq, sparse)


def _renormalize(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the named rows, in place, to a norm of at most ``max_norm``."""
    if not is_meta(indices._array):
        _check_indices(indices._array, weight._array.shape[0])
    if weight.requires_grad and not weight.is_leaf and flags.grad_enabled:
        raise RuntimeError(
            "embedding_renorm_ cannot write to a weight that was computed with gradients: "
            "detach() it, or leave max_norm out"
        )
    if is_meta(weight._array) or is_meta(indices._array):
        return
    rows = np.unique(indices._array)
    values = weight._array[rows].astype(np.float64)
    norms = np.linalg.norm(values, ord=norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        scale = (max_norm / (norms[long] + 1e-7))[:, None]
        weight._array[rows[long]] = (values[long] * scale).astype(weight._array.dtype)
        wrote(weight)


@function("nn.functional.one_hot", samples=lambda x: [(x.integers(3), 6)])
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return 1 at each class number and 0 elsewhere: (*tensor.shape, num_classes), int64.

    Args:
        tensor: int64 class numbers from 0.
        num_classes: -1 takes one more than the largest.

    >>> import rushlight as rl
    >>> rl.nn.functional.one_hot(rl.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError("one_hot(): argument 'input' (position 1) must be Tensor, not "
                        f"{type_name(tensor)}")
    if not isinstance(num_classes, int | np.integer):
        raise TypeError("one_hot(): argument 'num_classes' (position 2) must be int, not "
                        f"{type_name(num_classes)}")
    numbers = tensor._array
    if numbers.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if numbers.size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return wrap(np.zeros((*numbers.shape, num_classes), np.int64))
    if is_meta(numbers):
        if num_classes < 0:
            raise NotImplementedError("one_hot() on meta tensors: the shape depends on the data; "
                                      "give num_classes")
        return wrap(MetaArray((*numbers.shape, num_classes), numbers.dtype))
    if numbers.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(numbers.max()) + 1
    elif numbers.max() >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes. ({numbers.max()} with {num_classes})"
        )
    result = np.zeros((*numbers.shape, num_classes), np.int64)
    np.put_along_axis(result, numbers[..., None], 1, -1)
    return wrap(result)
