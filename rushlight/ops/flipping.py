"""The same elements in another order, or several times: flip, rot90, roll, repeat, tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.copies import assign, copied
from rushlight.backends.memory_order import empty_like
from rushlight.backends.meta.array import is_meta
from rushlight.base.flags import flags
from rushlight.base.shapes import normalize_dim, normalize_dims, size_argument
from rushlight.families.composite import composite
from rushlight.families.library import library
from rushlight.families.node_names import called
from rushlight.ops.joining import _joined, cat
from rushlight.ops.splitting import _narrow_view
from rushlight.tensor import Tensor, wrap


@library("_flip")
class _flip:
    """The elements in reverse order along `dims`, a tuple; a copy."""

    def forward(input, dims: Option):
        index = tuple(slice(None, None, -1) if i in dims else slice(None)
                      for i in range(input.ndim))
        if is_meta(input):
            return copied(input[index])
        made = empty_like(input)
        assign(made, input[index])
        return made

    def backward(gradient, dims):
        return _flip(gradient, dims)


@composite("flip", samples=lambda x: [(x(2, 3), 0, 1)])
def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The elements in reverse order along `dims`; a copy.

    >>> import rushlight as rl
    >>> rl.arange(3).flip(0)
    tensor([2, 1, 0])
    """
    given = size_argument(dims) if dims else tuple(named.get("dims", ()))
    return _flip(input, normalize_dims(given, input.ndim))


@composite("fliplr", samples=lambda x: [(x(2, 3),)])
def fliplr(input: Tensor) -> Tensor:
    """Reversed along dimension 1."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@composite("flipud", samples=lambda x: [(x(3),)])
def flipud(input: Tensor) -> Tensor:
    """Reversed along dimension 0."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@composite("rot90", samples=lambda x: [(x(2, 3),), (x(2, 3), 2)])
@called("Rot90")
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees in the plane of `dims`, from the first to the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    a, b = (normalize_dim(d, input.ndim) for d in dims)
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {a} and "
                           f"dim1 = {b}")
    k %= 4
    if k == 2:
        return flip(input, a, b)
    if k == 0:
        return input.clone()  # type: ignore[attr-defined]
    turned = flip(input, b if k == 1 else a)
    return turned.transpose(a, b).clone(memory_format=None)  # type: ignore[attr-defined]


@composite("roll", samples=lambda x: [(x(2, 3), 1), (x(2, 3), (1, -1), (0, 1))])
@called("Roll")
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved on by `shifts` places along `dims`, around the end.

    >>> import rushlight as rl
    >>> rl.arange(4).roll(1)
    tensor([3, 0, 1, 2])
    """
    shifts = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return roll(input.reshape(-1), shifts, (0,)).reshape(input.shape)  # type: ignore
    dims = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if len(dims) != len(shifts):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:"
                           f"{len(dims)}")
    if not input.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    array = input._array
    if len(dims) == 1 and type(array) is np.ndarray and array.size and (
            input._node is None or not flags.grad_enabled):
        return wrap(_rolled(array, shifts[0], normalize_dim(dims[0], array.ndim)))
    rolled = input
    for shift, d in zip(shifts, dims, strict=True):
        dim = normalize_dim(d, input.ndim)
        n = input._array.shape[dim]
        if n:
            cut = -shift % n
            rolled = cat([_narrow_view(rolled, dim, cut, n - cut),
                          _narrow_view(rolled, dim, 0, cut)], dim)
    return input.clone() if rolled is input else rolled  # type: ignore[attr-defined]


def _rolled(array: np.ndarray, shift: int, dim: int) -> np.ndarray:
    cut, before = -shift % array.shape[dim], (slice(None),) * dim
    return _joined([array[(*before, slice(cut, None))], array[(*before, slice(0, cut))]], dim)


@composite("Tensor.repeat", samples=lambda x: [(x(2, 3), 2, 1, 2)])
@called("Repeat")
def repeat(input: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """The tensor repeated `repeats` times along each dimension; a copy.

    >>> import rushlight as rl
    >>> rl.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = size_argument(repeats or (named["repeats"],))
    if len(times) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of "
                           "dimensions of tensor")
    shape = (1,) * (len(times) - input.ndim) + tuple(input._array.shape)
    spread = [n for t, s in zip(times, shape, strict=True) for n in (t, s)]
    apart = input.reshape([n for s in shape for n in (1, s)])  # type: ignore[attr-defined]
    out = [t * s for t, s in zip(times, shape, strict=True)]
    return apart.expand(spread).clone(memory_format=None).reshape(out)


@composite("tile", samples=lambda x: [(x(2, 3), 2)])
def tile(input: Tensor, *dims: Any) -> Tensor:
    """The tensor repeated `dims` times, missing dimensions counting from the last."""
    times = size_argument(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)
