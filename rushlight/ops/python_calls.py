"""Python functions called on every element: slow, for experiments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.families.composite import composite
from rushlight.families.inplace import check_overlap, wrote
from rushlight.families.kernels import number
from rushlight.tensor import Tensor


def _each(name: str, target: Tensor, others: tuple[Any, ...],
          callable: Callable[..., Any]) -> Tensor:
    if target._node is not None:
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use "
                           f"var.detach().{name}() instead.")
    check_overlap(target)
    array = target._array
    arrays = [other.expand(array.shape)._array for other in others]
    for place in np.ndindex(array.shape):
        values = (a[place].item() for a in (array, *arrays))
        array[place] = number(callable(*values), array.dtype)
    wrote(target)
    return target


@composite("Tensor.apply_")
def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by callable(element), in place.

    Raises RuntimeError for a tensor that requires grad.

    >>> import rushlight as rl
    >>> rl.tensor([1., 2.]).apply_(lambda x: 10 * x)
    tensor([10., 20.])
    """
    return _each("apply_", input, (), callable)


@composite("Tensor.map_")
def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element a by callable(a, b), b being the element of `tensor`, in place."""
    return _each("map_", input, (tensor,), callable)


@composite("Tensor.map2_")
def map2_(input: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Replace each element a by callable(a, b, c), of elements of `x` and `y`, in place."""
    return _each("map2_", input, (x, y), callable)
