"""Joining tensors: cat, stack and their kin; grids and common shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends import copies
from rushlight.backends.channels_last import is_last
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.errors import describe, type_name
from rushlight.base.flags import flags
from rushlight.base.promotion import promote_ranks
from rushlight.base.shapes import normalize_dim
from rushlight.engine.node import Node, edge_of, next_sequence
from rushlight.families.cast import cast
from rushlight.families.composite import function
from rushlight.families.inplace import write_out
from rushlight.ops.splitting import _narrow_view, unbind
from rushlight.tensor import Tensor, wrap


class CatBackward0(Node):
    """The gradient of cat: a piece for each tensor."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        dim, sizes = self.saved
        pieces, start = [], 0
        for edge, size in zip(self.edges, sizes, strict=True):
            if size is None or edge is None:
                pieces.append(None)
            else:
                pieces.append(_slice(gradient, dim, start, size))
            start += size or 0
        return tuple(pieces)


def _slice(tensor: Tensor, dim: int, start: int, length: int) -> Tensor:
    return _narrow_view(tensor, dim, start, length)


@function("cat concat concatenate",
          samples=lambda x: [([x(2, 3), x(1, 3)],), ([x(2, 3), x(2, 1)], 1)])
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None, axis: Any = None) -> Tensor:
    """The tensors one after another along `dim`; all other sizes must be equal.

    Returns a new tensor of the promoted dtype. Raises RuntimeError that names the tensor and the
    dimension that do not fit.

    >>> import rushlight as rl
    >>> rl.cat([rl.zeros(1, 2), rl.ones(1, 2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim = dim if axis is None else axis
    if type(dim) is int and (type(tensors) is list or type(tensors) is tuple):
        try:
            arrays = [x._array for x in tensors]
            joined = copies.joined(arrays, dim)
        except (ValueError, TypeError, AttributeError):  # what follows says what does not fit
            return _general_cat(list(tensors), dim, out)
        dtype = joined.dtype
        for array in arrays:
            if array.dtype is not dtype:
                return _general_cat(list(tensors), dim, out)
        if not joined.flags.c_contiguous:
            joined = _settled(joined, arrays)
        if out is not None:
            return write_out(out, joined, "cat", _recording(tensors))
        result = wrap(joined)
        for x in tensors:
            if x._node is not None:
                _record_cat(tensors, result, dim)
                break
        return result
    return _general_cat(_several(tensors, "cat"), dim, out)


def _recording(tensors: Sequence[Tensor]) -> bool:
    """Whether a result of these tensors is recorded."""
    if flags.grad_enabled:
        for x in tensors:
            if x._node is not None:
                return True
    return False


def _joined(arrays: list[np.ndarray], dim: int) -> np.ndarray:
    """The arrays in one, row-major; images may keep their channels last."""
    return _settled(copies.joined(arrays, dim), arrays)


def _settled(joined: np.ndarray, arrays: list[np.ndarray]) -> np.ndarray:
    last = is_last(joined) and is_last(arrays[0])
    return joined if last else copies.contiguous(joined)


def _plain_arrays(tensors: Sequence[Tensor]) -> list[np.ndarray] | None:
    """The arrays of a list of tensors of one dtype; None where they are mixed or no tensors."""
    if type(tensors) is not list and type(tensors) is not tuple:
        return None
    try:
        arrays = [x._array for x in tensors]
        dtype = arrays[0].dtype
    except (AttributeError, IndexError):
        return None
    for array in arrays:
        if array.dtype is not dtype or type(array) is not np.ndarray:
            return None
    return arrays


def _record_cat(tensors: Sequence[Tensor], result: Tensor, dim: int) -> None:
    if not flags.grad_enabled or result._array.dtype.kind not in "fcV":
        return
    node = result._node = CatBackward0()
    node._sequence = next_sequence()
    node.edges = tuple([edge_of(x) for x in tensors])
    dim %= result._array.ndim
    node.saved = (dim, tuple([x._array.shape[dim] for x in tensors]))


def _several(tensors: Any, name: str) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
                        f"Tensor: this is {describe(tensors)}; give a list of them")
    return list(tensors)


def _must_be_tensor(x: Any, place: int) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"expected Tensor as element {place} in argument 0, but got "
                        f"{type_name(x)}")


def _general_cat(tensors: list[Tensor], dim: int, out: Any) -> Tensor:
    """Concatenation with promotion, empty operands, out=, meta tensors, and torch's errors."""
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        _must_be_tensor(x, i)
        if not x._array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    common = promote_ranks([x.dtype for x in tensors], [], []).array
    pieces = [cast(x, common) for x in tensors]
    # An empty 1-d tensor fits anywhere: old programs start lists with one.
    used = [x for x in pieces if x._array.shape != (0,)] or pieces[:1]
    dim = normalize_dim(dim, used[0]._array.ndim)
    _check_cat(used, dim)
    arrays = [x._array for x in used]
    if is_meta(arrays[0]):
        shape = list(arrays[0].shape)
        shape[dim] = sum(a.shape[dim] for a in arrays)
        joined: Any = MetaArray(shape, common)
    else:
        joined = _joined(arrays, dim)
    recorded = flags.grad_enabled and any(x._node is not None for x in pieces)
    if out is not None:
        return write_out(out, joined, "cat", recorded)
    result = wrap(joined)
    if recorded and joined.dtype.kind in "fcV":
        node = result._node = CatBackward0()
        node._sequence = next_sequence()
        node.edges = tuple(edge_of(x) for x in pieces)
        sizes = tuple(x._array.shape[dim] if x._array.shape != (0,) or len(used[0].shape) == 1
                      else None for x in pieces)
        node.saved = (dim, sizes)
    return result


def _check_cat(tensors: list[Tensor], dim: int) -> None:
    first = tensors[0]._array.shape
    for i, x in enumerate(tensors):
        shape = x._array.shape
        if len(shape) != len(first):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}: "
                f"tensor 0 is {describe(tensors[0])}, tensor {i} is {describe(x)}")
        for d, (a, b) in enumerate(zip(first, shape, strict=True)):
            if d != dim and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a} "
                    f"but got size {b} for tensor number {i} in the list: tensor 0 is "
                    f"{describe(tensors[0])}, tensor {i} is {describe(x)}, and dimension {d} "
                    "differs")


@function("stack", samples=lambda x: [([x(2, 3), x(2, 3)], 1)])
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Any = None,
          axis: Any = None) -> Tensor:
    """Tensors of one shape side by side along a new dimension.

    >>> import rushlight as rl
    >>> rl.stack([rl.zeros(2), rl.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim = dim if axis is None else axis
    plain = _plain_arrays(tensors) if dim == 0 else None
    if plain is not None and plain[0].ndim:
        shape = plain[0].shape
        for array in plain:
            if array.shape != shape:
                break
        else:
            joined = _joined(plain, 0).reshape(len(plain), *shape)
            if out is not None:
                return write_out(out, joined, "stack", _recording(tensors))
            return _recorded_stack(tensors, joined, 0)
    tensors = _several(tensors, "stack")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        _must_be_tensor(x, i)
    shape = tensors[0]._array.shape
    for i, x in enumerate(tensors):
        if x._array.shape != shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(shape)} "
                               f"at entry 0 and {list(x._array.shape)} at entry {i}: stack makes "
                               "a new dimension of equal tensors; cat joins along one they have")
    dim = normalize_dim(dim, len(shape) + 1)
    plain = _plain_arrays(tensors)
    if plain is not None and out is None:
        index = (slice(None),) * dim + (None,)
        return _recorded_stack(tensors, _joined([a[index] for a in plain], dim), dim)
    return cat([x.unsqueeze(dim) for x in tensors], dim, out=out)  # type: ignore[attr-defined]


class StackBackward0(Node):
    """The gradient of stack: an item for each tensor."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        return unbind(gradient, self.saved)


def _recorded_stack(tensors: Sequence[Tensor], joined: np.ndarray, dim: int) -> Tensor:
    result = wrap(joined)
    for x in tensors:
        if x._node is not None:
            break
    else:
        return result
    if flags.grad_enabled and joined.dtype.kind in "fcV":
        node = result._node = StackBackward0()
        node._sequence = next_sequence()
        node.edges, node.saved = tuple([edge_of(x) for x in tensors]), dim
    return result


def _check_any(name: str, tensors: Sequence[Tensor]) -> None:
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")


def _at_least(tensors: Sequence[Tensor], n: int) -> list[Tensor]:
    return [x.reshape(1) if x.ndim < n else x for x in tensors]  # type: ignore[attr-defined]


@function("hstack", samples=lambda x: [([x(2), x(3)],)])
def hstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors side by side: along dimension 1, or 0 for vectors."""
    _check_any("hstack", tensors)
    tensors = _at_least(tensors, 1)
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1, out=out)


@function("vstack row_stack", samples=lambda x: [([x(3), x(2, 3)],)])
def vstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors, at least 2-d, one above another."""
    _check_any("vstack", tensors)
    rows = [x.reshape(1, -1) if x.ndim < 2 else x for x in tensors]  # type: ignore[attr-defined]
    return cat(rows, 0, out=out)


@function("dstack", samples=lambda x: [([x(2, 3), x(2, 3)],)])
def dstack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors, at least 3-d, one behind another."""
    _check_any("dstack", tensors)
    deep = []
    for x in tensors:
        x = x.reshape(1, -1, 1) if x.ndim < 2 else x  # type: ignore[attr-defined]
        deep.append(x.unsqueeze(-1) if x.ndim == 2 else x)  # type: ignore[attr-defined]
    return cat(deep, 2, out=out)


@function("column_stack", samples=lambda x: [([x(3), x(3, 2)],)])
def column_stack(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The tensors as columns of one matrix."""
    columns = [x.reshape(-1, 1) if x.ndim < 2 else x for x in tensors]  # type: ignore
    return cat(columns, 1, out=out)


@function("meshgrid", samples=lambda x: [(x(2), x(3), {'indexing': 'xy'})])
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Grids of coordinates from 1-d tensors: the i-th result varies along dimension i.

    >>> import rushlight as rl
    >>> rl.meshgrid(rl.arange(2), rl.arange(3), indexing="ij")[1]
    tensor([[0, 1, 2],
            [0, 1, 2]])
    """
    given = list(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else list(
        tensors)
    if not given:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise RuntimeError("torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but "
                           f"received: {indexing}")
    if any(x.ndim > 1 for x in given):
        raise RuntimeError("torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                           f"{next(x for x in given if x.ndim > 1).shape}")
    swap = indexing == "xy" and len(given) > 1
    if swap:
        given[:2] = given[1::-1]
    shape = [x.numel() for x in given]
    grids = [x.reshape([n if i == j else 1 for j, n in enumerate(shape)]).expand(shape)
             for i, x in enumerate(given)]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


@function("broadcast_tensors", samples=lambda x: [(x(2, 1), x(3))])
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors broadcast to their common shape, without copies."""
    given = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    try:
        shape = np.broadcast_shapes(*(x._array.shape for x in given))
    except ValueError:
        from_shapes = ", ".join(describe(x) for x in given)
        raise RuntimeError(f"The size of tensor a must match the size of tensor b: "
                           f"broadcast_tensors({from_shapes})") from None
    return tuple(x.expand(shape) for x in given)


@function("atleast_1d", samples=lambda x: [(x(),)])
def atleast_1d(*tensors: Any) -> Any:
    """The tensors with at least one dimension."""
    return _each(tensors, lambda x: x.reshape(1) if x.ndim < 1 else x)


@function("atleast_2d", samples=lambda x: [(x(3),)])
def atleast_2d(*tensors: Any) -> Any:
    """The tensors with at least two dimensions, new ones in front."""
    return _each(tensors, lambda x: x.reshape(1, -1) if x.ndim < 2 else x)


@function("atleast_3d", samples=lambda x: [(x(3),)])
def atleast_3d(*tensors: Any) -> Any:
    """The tensors with at least three dimensions."""
    return _each(tensors, lambda x: x.reshape(1, -1, 1) if x.ndim < 2 else (
        x.unsqueeze(-1) if x.ndim == 2 else x))


def _each(tensors: tuple, change: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return change(tensors[0])
    given = tensors[0] if len(tensors) == 1 else tensors
    return tuple(change(x) for x in given)
