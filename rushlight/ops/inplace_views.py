"""Another geometry for the tensor itself: unsqueeze_, squeeze_, t_, transpose_, as_strided_.

No element is touched. The tensor becomes what the view would be, its gradient included; views
taken of it before still look where they did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.base.flags import flags
from rushlight.engine.node import VIEWS
from rushlight.families.composite import composite
from rushlight.families.inplace import check_history, wrote
from rushlight.ops import transposition, viewing
from rushlight.tensor import Tensor

Step = tuple[Any, Any, Callable[..., Any], tuple[Any, ...]]  # how a view was made


def become(target: Tensor, view: Callable[..., Any], arguments: tuple[Any, ...],
           undo: Callable[..., Any], undo_arguments: tuple[Any, ...]) -> Tensor:
    """Let `target` be `view(target, *arguments)`, which `undo` would lead back from."""
    check_history(target, flags.grad_enabled and target._node is not None)
    taken = view(target, *arguments)
    if target._view is None:  # the base of others, which were taken from its former geometry
        first = (target, None, undo, undo_arguments)
        for reference in target._writes[VIEWS] or ():  # type: ignore[index]
            other = reference()
            known = None if other is None or other is taken else other._view
            if known is not None and known[0] is target:
                other._view = _after(first, known)
    else:
        target._view = taken._view
    target._array, target._node = taken._array, taken._node
    wrote(target)
    return target


def _after(first: Step, view: Step) -> Step:
    """The steps of `view`, with `first` before them."""
    steps = []
    step: Step | None = view
    while step is not None:
        steps.append(step)
        step = step[1]
    for base, _, function, arguments in reversed(steps):
        first = (base, first, function, arguments)
    return first


@composite("Tensor.unsqueeze_", samples=lambda x: [(x(2, 3), 1)])
def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """Give the tensor itself a dimension of size 1 at `dim`.

    >>> import rushlight as rl
    >>> rl.zeros(2).unsqueeze_(1).shape
    torch.Size([2, 1])
    """
    return become(input, viewing.unsqueeze, (dim,), viewing.squeeze, (dim,))


@composite("Tensor.squeeze_", samples=lambda x: [(x(2, 1, 3),), (x(2, 1, 3), 1)])
def squeeze_(input: Tensor, dim: Any = None) -> Tensor:
    """Take the dimensions of size 1, or those of `dim` that have it, from the tensor itself."""
    shape = tuple(input._array.shape)
    return become(input, viewing.squeeze, () if dim is None else (dim,),
                  viewing.view, shape)


@composite("Tensor.transpose_ Tensor.swapaxes_ Tensor.swapdims_", samples=lambda x: [
    (x(2, 3), 0, 1)])
def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange the dimensions dim0 and dim1 of the tensor itself.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3).transpose_(0, 1).shape
    torch.Size([3, 2])
    """
    dims = (dim0, dim1)
    return become(input, transposition.transpose, dims, transposition.transpose, dims)


@composite("Tensor.t_", samples=lambda x: [(x(2, 3),)])
def t_(input: Tensor) -> Tensor:
    """Transpose the matrix itself."""
    return become(input, transposition.t, (), transposition.t, ())


@composite("as_strided_", samples=lambda x: [(x(2, 3), (3, 2), (1, 2))])
def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """Give the tensor itself any size, strides and offset in its memory, in elements."""
    former = (tuple(input.shape), input.stride(), input.storage_offset())
    return become(input, viewing.as_strided, (size, stride, storage_offset),
                  viewing.as_strided, former)
