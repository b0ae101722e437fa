"""`torch._functorch.vmap`: the parts by which containers of tensors hide and show a dimension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.compat.inside.pytree import TreeSpec, tree_flatten, tree_unflatten
from rushlight.tensor import Tensor
from rushlight.transforms.batched import Batched, lowered, raised

__all__ = ["Tensor", "tree_flatten", "tree_unflatten"]


def _add_batch_dim(tensor: Tensor, in_dim: int, level: int) -> Tensor:
    """`tensor` as `vmap` of that level shows it: without its dimension `in_dim`."""
    return raised(tensor.movedim(in_dim, 0), level)


def _remove_batch_dim(tensor: Tensor, level: int, batch_size: int, out_dim: int) -> Tensor:
    """The tensor with its hidden dimension at `out_dim`, repeated if it had none."""
    return lowered(tensor, level, batch_size).movedim(0, out_dim)


def _maybe_remove_batch_dim(name: str, output: Any, level: int, batch_size: int,
                            out_dim: int | None) -> Any:
    if out_dim is None:
        if isinstance(output, Batched):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when "
                             "out_dim is None")
        return output
    if not isinstance(output, Tensor):
        raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type "
                         f"{type(output)}. Did you mean to set out_dims= to None for output?")
    return _remove_batch_dim(output, level, batch_size, out_dim)


def _get_name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))


def _broadcast_to_and_flatten(tree: Any, spec: TreeSpec) -> list[Any] | None:
    """The leaves of `tree`, one for each leaf of `spec`; None if it does not begin as `spec`."""
    leaves, own = tree_flatten(tree)
    if spec.is_leaf():
        return [tree] if own.is_leaf() else None
    if own.is_leaf():
        return [tree] * spec.num_leaves
    if (own.type, own.context) != (spec.type, spec.context) \
            or len(own.children_specs) != len(spec.children_specs):
        return None
    found: list[Any] = []
    for mine, other in zip(own.children_specs, spec.children_specs, strict=True):
        taken, leaves = leaves[:mine.num_leaves], leaves[mine.num_leaves:]
        part = _broadcast_to_and_flatten(tree_unflatten(taken, mine), other)
        if part is None:
            return None
        found += part
    return found
