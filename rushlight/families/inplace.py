"""Writing into tensors: what may be written to, version counters, and the graph afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from rushlight.backends.copies import distinct
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import describe, type_name, user_site
from rushlight.base.flags import flags
from rushlight.engine.node import LEAF, VIEWS, Node, edge_of, freed, next_sequence, version_of
from rushlight.families.cast import astype
from rushlight.tensor import Tensor


def check_in_place(target: Tensor, recorded: bool) -> None:
    """Refuse to write to a leaf that requires grad, or where elements share memory.

    Raises RuntimeError with torch's leading phrases.
    """
    check_history(target, recorded)
    check_overlap(target)


def check_history(target: Tensor, recorded: bool) -> None:
    """Refuse to change a leaf that requires grad, or one of several views made at once."""
    if flags.grad_enabled:
        if target._node is LEAF:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation. "
                f"({describe(target)}) Use the out-of-place form, or wrap it in no_grad()")
        view = target._view
        if (view is not None and target._node is None and view[0]._node is not None
                and target._array.dtype.kind in "fcV"):
            raise RuntimeError(
                "A view was created in no_grad mode and is being modified inplace with grad mode "
                "enabled. What it is a view of requires grad, and would not learn of the write: "
                "take the view, or write to it, in the same mode")
        if view is not None and view[0]._node is LEAF:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place "
                "operation. Use the out-of-place form, or wrap it in no_grad()")
        if recorded and _one_of_many(view):
            raise RuntimeError(
                "Output of a function that returns multiple views is being modified inplace. "
                "This view is the output of a function that returns multiple views. Such functions "
                "do not allow the output views to be modified inplace. You should replace the "
                "inplace operation by an out-of-place one.")


def _one_of_many(view: tuple[Any, ...] | None) -> bool:
    """Whether a view, or one that it was taken from, is one of several made by one call."""
    while view is not None:
        if getattr(view[2], "many", False):
            return True
        view = view[1]
    return False


def check_overlap(target: Tensor) -> None:
    """Refuse to write where several elements of `target` are one place in memory."""
    array = target._array
    if 0 in array.strides and array.size > 1 and any(
            s == 0 and n > 1 for n, s in zip(array.shape, array.strides, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            f"single memory location. Please clone() the tensor ({describe(target)}, strides "
            f"{target.stride()}) before performing the operation.")
    check_writable(target)


def run_in_turn(kernel: Any, arrays: list[Any], out: np.ndarray) -> None:
    """kernel(*arrays, out=out) where elements of `out` share places, as `as_strided` makes them.

    Each element reads what those before it wrote, rows of the smallest strides inside, as in
    torch; one call of the kernel would read everything first.
    """
    arrays = [np.broadcast_to(a, out.shape) if a is not out else a for a in arrays]
    order = sorted(range(out.ndim), key=lambda d: -abs(out.strides[d]))
    target = out.transpose(order)
    operands = [target if a is out else a.transpose(order) for a in arrays]
    outer = next(n for n in range(out.ndim + 1) if distinct(target[(0,) * n]))
    for place in np.ndindex(target.shape[:outer]):
        row = (*place, ...)
        kernel(*(target[row] if a is target else a[row] for a in operands), out=target[row])


def check_writable(target: Tensor) -> None:
    """Refuse to write to memory that may only be read."""
    array = target._array
    if not is_meta(array) and not array.flags.writeable:
        raise RuntimeError(f"the memory of this tensor ({describe(target)}) is read-only: it came "
                           "from a read-only NumPy array; clone() it before writing")


def wrote(target: Tensor) -> None:
    """Count a write to `target`'s memory, and remember the user's line."""
    version = target._writes
    if version is None:  # nobody has saved or viewed the memory, or looked at its version
        return
    version[0] += 1
    version[1] = user_site(3)  # the caller of the operation that has called this


def may_write(target: Tensor) -> bool:
    """Whether a write that is not recorded needs no further look: the quick answer."""
    array = target._array
    return (type(array) is np.ndarray and array.base is None and array.flags.writeable
            and target._view is None and (target._node is None or not flags.grad_enabled))


def record_in_place(target: Tensor, result: Tensor) -> None:
    """Make `target`, whose memory was written, the outcome of the op that `result` recorded.

    Where it is a view, the write is one to part of its base: the base gets a node that splits
    the gradient, and all living views of it are taken from the base anew.
    """
    wrote(target)
    node = result._node
    if target._array.dtype.kind in "biu":
        return  # integers pass no gradients on
    if node is None:
        if target._node is None:
            return
        node = _overwritten(target)
    if target._view is None:
        _lead(target, node)
        renew_views(target)
        return
    base = target._view[0]
    slices = CopySlices()
    slices._sequence = next_sequence()
    slices.edges = (edge_of(base), *node.edges[1:])
    slices.saved = (node, steps_of(target._view))
    _lead(base, slices)
    renew_views(base)


def _lead(tensor: Tensor, node: Any) -> None:
    """Let the gradient of `tensor` go to `node`, and be kept there if it was to be kept."""
    tensor._node = node
    if tensor._retains_grad:
        tensor._ask_for_grad()


def renew_views(base: Tensor) -> None:
    """Give the living views of `base` nodes that lead to its present one."""
    version = version_of(base)
    views = version[VIEWS] or ()
    for reference in views:
        view = reference()
        if view is not None and view._view is not None and view._view[0] is base:
            _lead(view, replay(steps_of(view._view), base)._node)
    # Taking them anew has registered passing ones.
    version[VIEWS] = [reference for reference in views if reference() is not None] or None


Steps = list[tuple[Any, tuple[Any, ...]]]


def steps_of(view: tuple[Any, ...]) -> Steps:
    """How a view is made of its base, without the base: a node must not keep what it made."""
    steps = []
    step: tuple[Any, ...] | None = view
    while step is not None:
        _, step, function, arguments = step
        steps.append((function, arguments))
    return steps[::-1]


def replay(steps: Steps, tensor: Tensor) -> Tensor:
    """The same view of another tensor of the base's shape."""
    for function, arguments in steps:
        tensor = function(tensor, *arguments)
    return tensor


class OverwriteBackward0(Node):
    """A write that does not depend smoothly on what was there: the gradient of that is zero."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        return (gradient.new_zeros(self.saved),)


def _overwritten(target: Tensor) -> Node:
    node = OverwriteBackward0()
    node._sequence = next_sequence()
    node.edges, node.saved = (edge_of(target),), target._array.shape
    return node


class CopySlices(Node):
    """A write to part of a tensor: the gradient of that part goes through the writing op."""

    __slots__ = ()

    def name(self) -> str:
        """Its name as torch prints it."""
        return "torch::autograd::CopySlices"

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        if self.saved is None:
            raise freed(self)
        node, steps = self.saved
        whole = gradient.clone(memory_format=None)
        part = replay(steps, whole)
        results = node.backward(part.clone(), create)
        if results[0] is None:
            part.zero_()
        else:
            part.copy_(results[0])
        return (whole, *results[1:])


def write_out(out: Any, array: Any, name: str, recorded: bool = False) -> Tensor:
    """Put a result into the tensor given as `out=`, resizing it where its shape differs.

    Raises RuntimeError where gradients are involved or the dtype would lose its category.
    """
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type_name(out)}")
    if not recorded and out._node is None:
        target = out._array
        if (type(target) is type(array) is np.ndarray and target.dtype is array.dtype
                and target.shape == array.shape and target.flags.carray):
            target[...] = array
            wrote(out)
            return out
    if flags.grad_enabled and (recorded or out._node is not None):
        raise RuntimeError(f"{name}(): functions with out=... arguments don't support automatic "
                           "differentiation, but one of the arguments requires grad.")
    own, given = out._array.dtype, array.dtype
    if dtypes.FROM_ARRAY[given].category > dtypes.FROM_ARRAY[own].category:
        raise RuntimeError(f"result type {title(dtypes.FROM_ARRAY[given])} can't be cast to the "
                           f"desired output type {title(dtypes.FROM_ARRAY[own])}")
    if out._array.shape != array.shape:
        resize_out(out, array.shape)
    check_overlap(out)
    if not is_meta(array):
        out._array[...] = array if own == given else astype(array, own)
    wrote(out)
    return out


def check_out(op: Any, out: Any, result: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse to put an index op's result into `out` of another dtype, or of an operand's memory."""
    if not isinstance(out, Tensor):
        return  # write_out says so
    check_overlap(out)
    target = out._array
    if target.dtype != result.dtype:
        raise RuntimeError(f"Expected out tensor to have dtype {title(result.dtype)}, but got "
                           f"{title(target.dtype)} instead ({op.name})")
    alone = target.base is None
    for name in op.operands:
        value = arguments[name]
        if not isinstance(value, Tensor):
            continue
        array = value._array
        if alone and array.base is None and array is not target:
            continue  # each has memory of its own
        if not is_meta(target) and not is_meta(array) and np.may_share_memory(target, array):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to "
                "tensor refer to a single memory location. Please clone() the tensor before "
                f"performing the operation. ({op.name}: out= shares memory with {name})")


def resize_out(out: Tensor, shape: tuple[int, ...]) -> None:
    """Give `out` another shape; a warning where that throws elements away."""
    if out._array.size:
        warnings.warn(
            f"An output with one or more elements was resized since it had shape "
            f"{list(out._array.shape)}, which does not match the required output shape "
            f"{list(shape)}. Give out= an empty tensor, or one of that shape.", UserWarning,
            stacklevel=5)
    array: Any = out._array
    made: Any = MetaArray if is_meta(array) else np.empty
    out._array = made(shape, array.dtype)


def real_only(kernel: str, array: Any) -> None:
    """Refuse complex numbers, which `kernel` (its name in torch's messages) would cut."""
    if array.dtype.kind == "c":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{title(array.dtype)}': take "
                                  "the real and imaginary parts, or abs()")


def title(d: Any) -> str:
    """A dtype's name in torch's error messages."""
    return {"bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
            "int64": "Long", "float16": "Half", "bfloat16": "BFloat16", "float32": "Float",
            "float64": "Double", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
            "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"}[d.name]
