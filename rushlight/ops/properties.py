"""Questions about tensors as functions: element type, number of elements, results' types."""

from __future__ import annotations

import operator
from typing import Any

from rushlight.base.dtypes import dtype
from rushlight.base.errors import type_name
from rushlight.base.promotion import of_number, promote_ranks
from rushlight.base.shapes import Size
from rushlight.base.shapes import broadcast_shapes as broadcast
from rushlight.families.composite import function
from rushlight.tensor import Tensor
from rushlight.tensor.storage import UntypedStorage


def _tensor(op: str, input: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{op}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type_name(input)}")
    return input


@function("is_floating_point")
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating point numbers.

    >>> import rushlight as rl
    >>> rl.is_floating_point(rl.ones(1)), rl.is_floating_point(rl.tensor(1))
    (True, False)
    """
    return _tensor("is_floating_point", input).is_floating_point()


@function("is_complex")
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return _tensor("is_complex", input).is_complex()


@function("is_signed")
def is_signed(input: Tensor) -> bool:
    """Whether the elements can be negative."""
    return _tensor("is_signed", input).is_signed()


@function("is_conj")
def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is still to be done: never, it is done at once."""
    return _tensor("is_conj", input).is_conj()


@function("is_neg")
def is_neg(input: Tensor) -> bool:
    """Whether a negation is still to be done: never, it is done at once."""
    return _tensor("is_neg", input).is_neg()


@function("is_inference")
def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return _tensor("is_inference", input).is_inference()


@function("is_same_size Tensor.is_same_size")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    return _tensor("is_same_size", input).shape == other.shape


@function("is_distributed")
def is_distributed(input: Tensor) -> bool:
    """Whether the elements are spread over processes: never."""
    _tensor("is_distributed", input)
    return False


@function("is_storage", samples=lambda x: [(x(2),)])
def is_storage(obj: Any, /) -> bool:
    """Whether `obj` is the memory below tensors, as `untyped_storage()` gives it."""
    return isinstance(obj, UntypedStorage)


@function("numel")
def numel(input: Tensor) -> int:
    """The number of elements.

    >>> import rushlight as rl
    >>> rl.numel(rl.ones(2, 3))
    6
    """
    return _tensor("numel", input).numel()


@function("get_device")
def get_device(input: Tensor) -> int:
    """The number of the device that holds the tensor; -1 on the CPU."""
    return _tensor("get_device", input).get_device()


@function("detach")
def detach(input: Tensor) -> Tensor:
    """The same memory, cut off from the graph."""
    return _tensor("detach", input).detach()


@function("detach_", samples=lambda x: [(x(2, 3),)])
def detach_(input: Tensor) -> Tensor:
    """Cut the tensor off from the graph, in place."""
    return _tensor("detach_", input).detach_()


@function("result_type", samples=lambda x: [(x(2), 1)])
def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an operation on two tensors or numbers.

    >>> import rushlight as rl
    >>> rl.result_type(rl.ones(2, dtype=rl.int8), 1.5)
    torch.float32
    """
    ranks: tuple[list[dtype], ...] = ([], [], [])  # tensors, 0-d tensors, Python's numbers
    for value in (tensor1, tensor2):
        if isinstance(value, Tensor):
            ranks[0 if value.ndim else 1].append(value.dtype)
        else:
            ranks[2].append(of_number(value))
    return promote_ranks(*ranks)


@function("broadcast_shapes", samples=lambda x: [((2, 1), (3,))])
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that all `shapes` (each a sequence, or a number for one dimension) broadcast to.

    Raises RuntimeError where two sizes differ and neither is 1.

    >>> import rushlight as rl
    >>> rl.broadcast_shapes((2, 1), (1, 3), 3)
    torch.Size([2, 3])
    """
    each = [tuple(s) if isinstance(s, tuple | list) else (operator.index(s),) for s in shapes]
    try:
        return Size(broadcast(each))
    except RuntimeError as error:
        raise RuntimeError(f"Shape mismatch: objects cannot be broadcast to a single shape: "
                           f"{', '.join(map(str, each))}. {error}") from None
