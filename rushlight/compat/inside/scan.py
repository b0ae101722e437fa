"""`torch._higher_order_ops`: loops over tensors as one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.ops import cat, flip
from rushlight.utils.pytree import tree_flatten, tree_map, tree_unflatten

__all__ = ["associative_scan"]


def associative_scan(combine_fn: Callable[[Any, Any], Any], xs: Any, dim: int,
                     reverse: bool = False, combine_mode: str = "pointwise") -> Any:
    """Running results of an associative function along `dim`, in log2(n) steps.

    `xs` is a tensor or a tree of tensors of equal sizes. Hillis & Steele, 1986.
    """
    leaves, spec = tree_flatten(xs)
    if reverse:
        leaves = [flip(x, (dim,)) for x in leaves]
    n, step = leaves[0].shape[dim], 1
    while step < n:
        before = [x.narrow(dim, 0, n - step) for x in leaves]
        after = [x.narrow(dim, step, n - step) for x in leaves]
        joined = tree_flatten(combine_fn(tree_unflatten(before, spec),
                                         tree_unflatten(after, spec)))[0]
        leaves = [cat([x.narrow(dim, 0, step), y], dim)
                  for x, y in zip(leaves, joined, strict=True)]
        step *= 2
    result = tree_unflatten(leaves, spec)
    return tree_map(lambda x: flip(x, (dim,)), result) if reverse else result
