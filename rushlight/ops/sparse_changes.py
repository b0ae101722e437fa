"""Changes of sparse tensors in place, of dense tensors by sparse ones, and norms."""

from __future__ import annotations

from typing import Any

from rushlight.ops.sparse_layout import Handler, SparseTensor, add, mul, refuse
from rushlight.tensor import Tensor


def add_(input: Any, other: Any, *more: Any, alpha: float = 1) -> Any:
    """input += alpha * other, of which only the rows that are there are touched."""
    if more:  # add_(alpha, other), as it was called once
        alpha, other = other, more[0]
    if isinstance(input, SparseTensor):
        return input._become(add(input, other, alpha=alpha))
    if input.shape != other.shape:
        raise RuntimeError(f"add: expected sizes of 'self' and 'other' to match, but "
                           f"{tuple(input.shape)} != {tuple(other.shape)}")
    entries = other._entries if alpha == 1 else other._entries * alpha
    if other.sparse_dim() == 1:
        return input.index_add_(0, other._places[0], entries)
    return input.index_put_(tuple(other._places), entries, accumulate=True)


def sub_(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input -= alpha * other."""
    return add_(input, other, alpha=-alpha)


def mul_(input: Any, other: Any) -> Any:
    """A sparse input times a number, or a tensor by place."""
    if not isinstance(input, SparseTensor):
        refuse("torch.Tensor.mul_")
    if isinstance(other, SparseTensor):
        return input._become(mul(input, other))
    return _by_entry(input, "mul_", other)


def div_(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """A sparse input divided by a number."""
    if not isinstance(input, SparseTensor) or isinstance(other, SparseTensor):
        raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor")
    return _by_entry(input, "div_", other, rounding_mode=rounding_mode)


def _by_entry(input: SparseTensor, name: str, other: Any, **options: Any) -> SparseTensor:
    """Change the entries where they are: others may share them."""
    if isinstance(other, Tensor) and other.dim():
        other = other.expand(tuple(input.shape))[tuple(input._places)]
    getattr(input._entries, name)(other, **options)
    return input


def zero_(input: Any) -> Any:
    """No entries any more."""
    input._entries.detach().zero_()
    return input._become(empty_like(input))


def empty_like(input: Any, **options: Any) -> Any:
    """A tensor of the shape with no entries: zeros."""
    entries = input._entries.new_zeros((0, *input._entries.shape[1:]), **options)
    return SparseTensor.of(input._places[:, :0], entries, tuple(input.shape), True)


def copy_(input: Any, other: Any, non_blocking: bool = False) -> Any:
    """Take the places and entries of another sparse tensor."""
    if not (isinstance(input, SparseTensor) and isinstance(other, SparseTensor)):
        raise RuntimeError("copy_() between dense and sparse Tensors is not implemented! Found "
                           f"self type = {input.type()} and src type = {other.type()}")
    made: Any = other.to(input.dtype).clone()
    return input._become(made)


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False,
         dtype: Any = None) -> Any:
    """The norm of all entries."""
    if dim is not None or keepdim:
        refuse("norm over some dimensions")
    return input.coalesce()._entries.norm(2 if p in ("fro", None) else p, dtype=dtype)


CHANGES: dict[str, Handler] = {
    "sparse_mask": lambda input, mask: mask._with(
        (input.to_dense() if input.is_sparse else input)[tuple(mask._places)]),
    "add_": add_, "__iadd__": add_, "sub_": sub_, "__isub__": sub_, "mul_": mul_,
    "__imul__": mul_, "div_": div_, "__itruediv__": div_, "zero_": zero_, "copy_": copy_,
    "zeros_like": empty_like, "empty_like": empty_like, "norm": norm,
    "isnan": lambda input: input._with(input._entries.isnan()),
    "any": lambda input: input._entries.any(),
}
