"""x[index] and x[index] = value, and their older spellings: select, narrow, index_put."""

from __future__ import annotations

import operator
from types import EllipsisType, NoneType, SimpleNamespace
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import index as rules
from rushlight.base.assign import is_modest, is_scalar
from rushlight.base.errors import operands, user_site
from rushlight.base.flags import flags
from rushlight.base.index import BASIC
from rushlight.base.shapes import normalize_dim
from rushlight.engine.node import LEAF, Node, freed, next_sequence
from rushlight.families import index_kernels as kernels
from rushlight.families.composite import composite
from rushlight.families.index import apply_in_place, index_op
from rushlight.families.inplace import check_in_place, write_out, wrote
from rushlight.families.view import take_view
from rushlight.tensor import Tensor, wrap

Array = np.ndarray
LONG = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)

# ---- reading ---------------------------------------------------------------------------------


class ViewNode(Node):
    """A view by a basic index: the gradient lands in zeros of the whole's shape."""

    __slots__ = ()
    keeps_tensors = False

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """The gradient of the whole."""
        if self.saved is None:
            raise freed(self)
        shape, index = self.saved
        if create or is_meta(gradient._array):
            return (spread(gradient, shape, index),)
        array = np.zeros(shape, gradient._array.dtype)
        array[index] = gradient._array
        return (wrap(array),)


class IndexBackward0(Node):
    """A pick by an advanced key: the gradient adds up where places repeat."""

    __slots__ = ()

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """The gradient of what was picked from."""
        if self.saved is None:
            raise freed(self)
        shape, advanced = self.saved
        if create or is_meta(gradient._array):
            return (spread(gradient, shape, (...,), advanced),)
        array = np.zeros(shape, gradient._array.dtype)
        kernels.put_at_zeros(array, advanced, gradient._array)
        return (wrap(array),)


# torch names the node after the last step that the index takes.
NODES: dict[type, type[Node]] = {
    kind: type(f"{name}Backward0", (ViewNode,), {"__slots__": ()})
    for kind, name in (
        (int, "Select"),
        (slice, "Slice"),
        (NoneType, "Unsqueeze"),
        (EllipsisType, "Alias"),
    )
}
WHOLE = slice(None)


def _node_class(index: Any) -> type[Node]:
    if type(index) is tuple:
        for step in reversed(index):
            if step is not Ellipsis and step != WHOLE:
                return NODES[type(step)]
        return NODES[EllipsisType]
    return NODES[type(index)]


@composite("Tensor.__getitem__", samples=lambda x: [
    (x(3, 4), 1), (x(3, 4), (slice(None, None, 2), None, x.tensor([0, 2]))), (x(3, 4), x.bools(3)),
    (x(2, 3, 2), (..., 0))])
def getitem(self: Tensor, index: Any) -> Tensor:
    """Return ``self[index]``: any mix of what NumPy takes, in every dimension.

    Integers, slices (negative steps too), None and Ellipsis give a view that shares memory; masks,
    lists and integer tensors give a new tensor. Integers apply first, as in torch.

    Raises IndexError for what is out of range or does not fit.

    Unlike torch, steps of slices may be negative.

    >>> import rushlight as rl
    >>> x = rl.arange(6).reshape(2, 3)
    >>> x[:, ::-1]
    tensor([[2, 1, 0],
            [5, 4, 3]])
    >>> x[..., [0, 2]]
    tensor([[0, 2],
            [3, 5]])
    """
    kind = type(index)
    if kind is tuple:
        for item in index:
            if type(item) not in BASIC:
                return _getitem(self, index)
    elif kind not in BASIC:
        return _getitem(self, index)
    array = self._array
    try:
        part = array[index]
        if type(part) is not np.ndarray and type(array) is np.ndarray:  # a scalar: not so with ...
            part = array[(*index, ...)] if kind is tuple else array[index, ...]
    except (IndexError, ValueError, TypeError):
        return _getitem(self, index)
    # Which node matters only where one is made.
    node_class = ViewNode if self._node is None else _node_class(index)
    return take_view(getitem, node_class, self, part, (index,))


def _getitem(self: Tensor, index: Any) -> Tensor:
    """The general way: tensors and lists inside the index, and errors in torch's words."""
    array = self._array
    places = _places(index)
    if places is not None and len(places) <= array.ndim:
        try:
            return _pick(self, places)
        except IndexError:  # what follows says what is wrong
            pass
    elif type(index) is tuple and any(map(_is_number, index)):
        return getitem(self, tuple([int(x._array) if _is_number(x) else x for x in index]))
    elif _is_number(index):
        return getitem(self, int(index._array))
    if not is_meta(array) and _has_meta(index):
        raise RuntimeError("Expected all tensors to be on the same device: an index on the meta "
                           "device cannot pick from a tensor that has data")
    basic, advanced = rules.split(array.shape, _plain(index))
    if advanced is None:
        return getitem(self, basic)
    part = self if len(basic) == 1 else getitem(self, basic)
    return _pick(part, advanced)


def _is_number(item: Any) -> bool:
    """Whether an item of an index is a tensor of int64 with no dimensions."""
    return (type(item) is Tensor and type(item._array) is Array and not item._array.ndim
            and item._array.dtype is LONG)


def _places(index: Any) -> tuple[Array, ...] | None:
    """An index of places alone, as arrays: tensors of int64 with one dimension or more, or a list
    of numbers; None for any other."""
    if type(index) is list:
        if not index or not all(type(item) is int for item in index):
            return None
        try:
            return (np.array(index, LONG),)
        except OverflowError:
            return None
    found = []
    for item in index if type(index) is tuple else (index,):
        if type(item) is not Tensor:
            return None
        array = item._array
        if type(array) is not Array or not array.ndim or array.dtype is not LONG:
            return None
        found.append(array)
    return tuple(found) or None


def _pick(input: Tensor, advanced: tuple) -> Tensor:
    """The elements that an advanced key picks, in a new tensor."""
    array = input._array
    if is_meta(array):
        result = wrap(MetaArray(rules.picked_shape(array.shape, advanced), array.dtype))
    else:
        result = wrap(kernels.pick(array, advanced))
    edge = input._node
    if edge is not None and flags.grad_enabled:
        node = result._node = IndexBackward0()
        node._sequence = next_sequence()
        node.edges = (input if edge is LEAF else edge,)
        # Copies: later writes to an index tensor must not reach the gradient.
        node.saved = (array.shape, _own(advanced))
        if flags.anomaly:
            node.site = user_site()
    return result


def _plain(index: Any) -> Any:
    """The index with arrays in place of tensors."""
    if isinstance(index, Tensor):
        if is_meta(index._array):
            if index._array.dtype.kind not in "iu":
                raise NotImplementedError("a meta tensor of booleans has no data and cannot be an "
                                          "index: the shape of the result depends on it")
            return np.broadcast_to(np.int64(0), index.shape)
        return index._array
    if isinstance(index, tuple | list) and any(
        isinstance(item, Tensor | tuple | list) for item in index
    ):
        return type(index)(map(_plain, index)) if type(index) in (tuple, list) else index
    return index


def _has_meta(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return any(isinstance(item, Tensor) and is_meta(item._array) for item in items)


def _own(index: tuple) -> tuple:
    """The index with copies of its arrays."""
    return tuple(item.copy() if isinstance(item, np.ndarray) else item for item in index)


def _part_of(g: Tensor, call: SimpleNamespace) -> Tensor:
    part = getitem(g, call.basic)
    return part if call.advanced is None else _pick(part, call.advanced)


@index_op(
    "",
    name="index_backward",
    shape=lambda grad, shape, basic, advanced: shape,
    grad={"grad": _part_of},
)
def spread(grad: Array, shape: tuple, basic: tuple, advanced: tuple | None = None) -> Array:
    """The gradient of a picked part in zeros of the whole's shape; repeated places add up."""
    whole = np.zeros(shape, grad.dtype)
    if advanced is None:
        whole[basic] = grad
    else:
        kernels.accumulate(whole[basic], advanced, grad)
    return whole


# ---- writing ---------------------------------------------------------------------------------


def _gradient_of_value(g: Tensor, call: SimpleNamespace) -> Tensor:
    picked = g[call.index]
    extra = len(call.value.shape) - picked.ndim
    if extra > 0:  # leading ones that the write dropped
        picked = picked.reshape((1,) * extra + picked.shape)
    if picked._array.shape != call.value.shape:
        picked = picked.sum_to_size(call.value.shape)
    return picked if picked._array.dtype == call.value.dtype else picked.to(_dtype_of(call.value))


def _dtype_of(geometry: Any) -> Any:
    return wrap(np.empty(0, geometry.dtype)).dtype


@index_op(
    "",
    name="index_put",
    writes=True,
    grad={
        "input": lambda g, call: assign(g, 0, call.index),
        "value": _gradient_of_value,
    },
)
def assign(input: Array, value: Array | bool | int | float | complex, index: Any) -> None:
    """``input[index] = value``."""
    kernels.write(input, index, value)


@index_op(
    "",
    name="index_put",
    writes=True,
    grad={"input": lambda g, call: g, "value": _gradient_of_value},
)
def add_at(input: Array, value: Array, index: Any) -> None:
    """``input[index] += value``, repeated places adding up."""
    basic, advanced = rules.split(input.shape, index)
    part = input[basic]
    if input.dtype != value.dtype:
        raise rules.dtype_mismatch(input, value)
    if advanced is None:
        np.add(part, value, out=part)
    else:
        rules.accumulate(part, advanced, value)


@composite("Tensor.__setitem__")
def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Do ``self[index] = value``: the value is broadcast, and cast to the tensor's dtype.

    With masks and index tensors the dtypes must match (numbers are converted). Gradients flow to
    the value and to what was not overwritten.

    >>> import rushlight as rl
    >>> x = rl.zeros(2, 3)
    >>> x[:, ::2] = 1
    >>> x
    tensor([[1., 0., 1.],
            [1., 0., 1.]])
    """
    if type(value) in (float, int) and self._node is None:
        kind = type(index)
        if kind in BASIC or (kind is tuple and all(type(item) in BASIC for item in index)):
            array = self._array
            if is_modest(value, array.dtype.kind) and not is_meta(array):
                check_in_place(self, recorded=False)
                try:
                    array[index] = value
                except (IndexError, ValueError, TypeError):
                    rules.split(array.shape, index)  # says what is wrong in torch's words
                    raise
                wrote(self)
                return
        if isinstance(index, Tensor) and is_modest(value, self._array.dtype.kind):
            array, mask = self._array, index._array
            if mask.dtype is BOOL and mask.shape == array.shape and not (
                    is_meta(array) or is_meta(mask)):
                check_in_place(self, recorded=False)
                kernels.write(array, mask, value)
                wrote(self)
                return
    _setitem(self, index, value)


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        source = value._array
    elif is_scalar(value):
        source = value
    else:
        raise TypeError(f"can't assign a {type(value).__name__} to a tensor of {self.dtype}")
    index = _plain(index)
    recorded = flags.grad_enabled and (
        self._node is not None or (isinstance(value, Tensor) and value._node is not None)
    )
    if recorded:
        kept = _own(index) if type(index) is tuple else _own((index,))[0]
        apply_in_place(assign.op, {"input": self, "value": value, "index": kept})
        return
    check_in_place(self, recorded=False)
    array = self._array
    if is_meta(array):
        rules.split(array.shape, index)
        return
    if is_meta(source):
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    if isinstance(source, Array) and np.may_share_memory(array, source):
        source = source.copy()
    kernels.write(array, index, source)
    wrote(self)


def _put_index(indices: Any) -> tuple:
    if not isinstance(indices, tuple | list):
        raise TypeError(
            "index_put(): argument 'indices' (position 2) must be tuple of Tensors, not "
            f"{type(indices).__name__}"
        )
    for place, item in enumerate(indices):
        if item is not None and not isinstance(item, Tensor):
            raise TypeError(
                f"index_put(): expected Tensor as element {place} of 'indices', got "
                f"{type(item).__name__}"
            )
    return tuple(WHOLE if item is None else item._array.copy() for item in indices)


@composite("index_put_", samples=lambda x: [(x(3, 2), (x.tensor([2, 0]),), x(2, 2))])
def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Do ``input[indices] = values`` in place; with ``accumulate`` add instead.

    Args:
        indices: a tuple of int64 or bool tensors, None for a whole dimension.
        values: broadcastable to what the indices pick, of the input's dtype.
        accumulate: places that repeat add up, in the order of the values.

    >>> import rushlight as rl
    >>> rl.zeros(3).index_put_((rl.tensor([0, 0]),), rl.ones(2), accumulate=True)
    tensor([2., 0., 0.])
    """
    op = add_at.op if accumulate else assign.op
    return apply_in_place(op, {"input": input, "value": values, "index": _put_index(indices)})


@composite("index_put", samples=lambda x: [
    (x(3, 2), (x.tensor([2, 0, 2]),), x(3, 2), True),
    (x(3, 2), (x.tensor([2, 0]), x.tensor([0, 1])), x(2))])
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return a copy of ``input`` in which ``indices`` hold ``values``: see ``index_put_``.

    >>> import rushlight as rl
    >>> rl.zeros(3).index_put((rl.tensor([2]),), rl.tensor(7.0))
    tensor([0., 0., 7.])
    """
    return (add_at if accumulate else assign)(input, values, _put_index(indices))


# ---- along one dimension ---------------------------------------------------------------------


@composite("select", samples=lambda x: [(x(2, 3), 1, 0)])
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the slice ``index`` of dimension ``dim``: a view with one dimension less.

    >>> import rushlight as rl
    >>> rl.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = normalize_dim(dim, input.ndim), operator.index(index)
    size = input._array.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} "
            f"at dimension {dim}"
        )
    return getitem(input, (WHOLE,) * dim + (index,))


@composite("narrow", samples=lambda x: [(x(2, 5), 1, 1, 3), (x(4, 2), 0, -2, 2)])
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """Return ``length`` slices of dimension ``dim`` from ``start``: a view.

    >>> import rushlight as rl
    >>> rl.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative (got {length}).")
    if isinstance(start, Tensor) and (start.ndim or start._array.dtype.kind not in "iu"):
        raise RuntimeError(
            f"start must be an 0-dim integral Tensor. (got {start.dtype} {list(start.shape)})"
        )
    dim, start = normalize_dim(dim, input.ndim), operator.index(start)
    size = input._array.shape[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return getitem(input, (WHOLE,) * dim + (slice(start, start + length),))


@composite("narrow_copy", samples=lambda x: [(x(2, 5), 1, 1, 3)])
def narrow_copy(
    input: Tensor, dim: int, start: int | Tensor, length: int, *, out: Tensor | None = None
) -> Tensor:
    """Return a copy of what ``narrow`` gives.

    >>> import rushlight as rl
    >>> rl.narrow_copy(rl.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if isinstance(dim, int) and dim >= input.ndim:  # torch's error differs on this side
        raise RuntimeError(f"Expected dim to be in range of [{-input.ndim}, {input.ndim - 1}], but "
                           f"got {dim}: narrow_copy({operands(input=input)})")
    part = narrow(input, dim, start, length)
    return part.clone() if out is None else write_out(out, part._array, "narrow_copy")
