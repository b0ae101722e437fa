"""Tensors and their relatives, put together from what a file says of them, with every check."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.meta.array import is_meta
from rushlight.base.device import device
from rushlight.base.dtypes import dtype
from rushlight.base.shapes import Size, contiguous_strides
from rushlight.ops import sparse_compressed, sparse_layout
from rushlight.serialization.errors import refused, shown
from rushlight.serialization.storages import Storage, StorageType, meta_array
from rushlight.tensor import Buffer, Parameter, Tensor, wrap
from rushlight.tensor import storage as layouts

MAX_DIMENSIONS = 64
LIMIT = 1 << 62  # bytes: what NumPy's 64-bit places can hold, with room


def numbers(value: object, what: str) -> tuple[int, ...]:
    """A tuple of sizes or strides, none of which is negative."""
    if not isinstance(value, tuple | list) or len(value) > MAX_DIMENSIONS:
        raise refused(f"A tensor has {shown(value)} for its {what}")
    for n in value:
        if type(n) is not int or n < 0:
            raise refused(f"A tensor has {shown(n)} in its {what}")
    return tuple(value)


def _check_extent(
    offset: object, shape: tuple[int, ...], stride: tuple[int, ...], kind: dtype, count: int
) -> None:
    """Every element that the tensor has lies among the `count` elements of its storage."""
    if type(offset) is not int or offset < 0:
        raise refused(f"A tensor has {shown(offset)} for its offset")
    if len(shape) != len(stride):
        raise refused(f"A tensor has {len(shape)} sizes and {len(stride)} strides")
    if max((prod(shape), *shape, *stride)) * kind.itemsize >= LIMIT:
        raise refused("A tensor has more elements, or longer strides, than memory can have")
    last = offset + sum((n - 1) * s for n, s in zip(shape, stride))
    if 0 not in shape and last >= count:
        raise refused(f"A tensor reaches to element {last + 1} of a storage that has {count}")


def _view(storage: object, offset: Any, shape: Any, stride: Any, kind: dtype | None) -> Any:
    """The array of a tensor over its storage, whose memory it shares."""
    if not isinstance(storage, Storage):
        raise refused(f"A tensor lies in {shown(storage)}, not in a storage")
    kind = kind or storage.dtype
    if not isinstance(kind, dtype):
        raise refused("A tensor has no dtype")
    shape, stride = numbers(shape, "sizes"), numbers(stride, "strides")
    _check_extent(offset, shape, stride, kind, storage.nbytes() // kind.itemsize)
    if storage.array is None:
        return meta_array(shape, stride, kind)
    array = storage.typed(kind)
    if 0 in shape:
        return array[:0].reshape(shape)
    if prod(shape) == array.size and stride == contiguous_strides(shape):
        return array.reshape(shape)
    steps = [s * kind.itemsize for s in stride]
    return np.ndarray(shape, kind.array, array, offset * kind.itemsize, steps)


def tensor(storage: Any, offset: Any, shape: Any, stride: Any) -> Tensor:
    """A tensor of a file from before requires_grad."""
    return wrap(_view(storage, offset, shape, stride, None))


def tensor_v2(storage: Any, offset: Any, shape: Any, stride: Any, requires_grad: Any,
              hooks: Any, metadata: Any = None) -> Tensor:
    """A tensor whose dtype is that of its storage."""
    made = wrap(_view(storage, offset, shape, stride, None))
    return _finish(_resolved(made, storage, metadata), requires_grad)


def tensor_v3(storage: Any, offset: Any, shape: Any, stride: Any, requires_grad: Any,
              hooks: Any, kind: Any, metadata: Any = None) -> Tensor:
    """A tensor over a storage of bytes."""
    if not isinstance(kind, dtype):
        raise refused(f"A tensor has {shown(kind)} for its dtype")
    made = wrap(_view(storage, offset, shape, stride, kind))
    return _finish(_resolved(made, storage, metadata), requires_grad)


def _resolved(made: Tensor, storage: Storage, metadata: Any) -> Tensor:
    """The tensor after the conjugation or negation that torch left for later."""
    for mark, function in (("conj", np.conjugate), ("neg", np.negative)):
        if not isinstance(metadata, dict) or metadata.get(mark) is not True:
            continue
        source = made._array
        storage.room[0] -= source.nbytes if not is_meta(source) else 0
        if is_meta(source) or storage.room[0] < 0:
            raise refused(f"Tensors that are marked {mark!r} have more elements than their storage")
        made = wrap(np.empty(source.shape, source.dtype))
        work = partial(function, source, out=made._array)
        if storage.waiting is None:
            work()
        else:
            storage.waiting.append(work)
    return made


def _finish(made: Tensor, requires_grad: Any) -> Tensor:
    if requires_grad:
        made.requires_grad = True
    return made


def meta_tensor(kind: Any, shape: Any, stride: Any, requires_grad: Any) -> Tensor:
    """A tensor without data."""
    shape, stride = numbers(shape, "sizes"), numbers(stride, "strides")
    if not isinstance(kind, dtype):
        raise refused(f"A tensor has {shown(kind)} for its dtype")
    if len(shape) != len(stride) or max((prod(shape), *shape, *stride)) * kind.itemsize >= LIMIT:
        raise refused("A tensor has sizes and strides that do not fit")
    array: Any = meta_array(shape, stride, kind)
    return _finish(wrap(array), requires_grad)


def _compressed(kind: Any, parts: Any) -> Tensor:
    """A sparse matrix by rows or columns: where these begin, the other places, values, shape."""
    if not isinstance(parts, tuple) or len(parts) != 4:
        raise refused("A sparse tensor is not put together as sparse tensors are")
    for part in parts[:3]:
        _checked_tensor(part)
    try:
        return sparse_compressed.of_parts(*parts[:3], numbers(parts[3], "sizes"), kind)
    except (RuntimeError, NotImplementedError) as error:
        raise refused(f"It has a broken sparse tensor: {error}") from None


class _Met(threading.local):
    """What the reading thread came across while storages have no bytes yet."""

    empty = False
    sparse = False


_met = _Met()


@contextmanager
def unfilled() -> Iterator[_Met]:
    """A block in which tensors are made whose bytes are read later: `.sparse` says whether there
    were sparse ones, for which something else stands meanwhile."""
    _met.empty, _met.sparse = True, False
    try:
        yield _met
    finally:
        _met.empty = False


def sparse(kind: Any, parts: Any) -> Tensor:
    """A sparse tensor of places, entries, shape, and whether they are sorted."""
    if _met.empty:
        _met.sparse = True
        return wrap(np.empty(0, np.float32))
    if kind in (layouts.sparse_csr, layouts.sparse_csc):
        return _compressed(kind, parts)
    if kind is not layouts.sparse_coo:
        raise refused(f"A sparse tensor has the layout {shown(kind)}")
    if not isinstance(parts, tuple) or len(parts) not in (3, 4):
        raise refused("A sparse tensor is not put together as sparse tensors are")
    places, entries, shape, *coalesced = parts
    _checked_tensor(places)
    _checked_tensor(entries)
    if places._array.dtype != np.int64:
        raise refused(f"A sparse tensor has places of {places.dtype}")
    try:
        made = sparse_layout.made(places, entries, numbers(shape, "sizes"))
    except RuntimeError as error:
        raise refused(f"It has a broken sparse tensor: {error}") from None
    made._sorted = coalesced == [True]
    return made


def parameter(data: Any, requires_grad: Any, hooks: Any) -> Parameter:
    """A parameter over the memory of `data`."""
    _checked_tensor(data)
    return Parameter(data, bool(requires_grad))


def parameter_with_state(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Any:
    """A parameter that has attributes of its own."""
    return with_attributes(parameter(data, requires_grad, hooks), state)


def from_type(rebuild: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes of its own, or a subclass: what `rebuild(*arguments)` gives."""
    if not callable(rebuild) or not isinstance(arguments, tuple):
        raise refused("A tensor is not put together as tensors are")
    made = rebuild(*arguments)
    _checked_tensor(made)
    if isinstance(kind, type) and issubclass(kind, Tensor) and type(made) is not kind:
        made.__class__ = kind
    if isinstance(state, dict) and state.get("_is_buffer") is True:
        attributes = {k: v for k, v in state.items() if k not in ("_is_buffer", "persistent")}
        made = Buffer(made, persistent=state.get("persistent") is not False)
        return with_attributes(made, attributes)
    return with_attributes(made, state)


def _checked_tensor(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise refused(f"{shown(value)} stands where a tensor should".capitalize())


def with_attributes(made: Any, state: Any) -> Any:
    """`made` with the attributes in `state`, none of which may hide what its class has."""
    if isinstance(state, tuple) and len(state) == 2:  # of __dict__ and of __slots__
        if state[1]:
            raise refused("A tensor or container has attributes in slots")
        state = state[0]
    if state is None:
        return made
    if not isinstance(state, dict):
        raise refused(f"The attributes of a {type(made).__name__} are {shown(state)}")
    for name, value in state.items():
        if not isinstance(name, str) or not name.isidentifier() or hasattr(type(made), name):
            raise refused(f"It sets the attribute {shown(name)} of a {type(made).__name__}")
        made.__dict__[name] = value
    return made


def size(values: Any = ()) -> Size:
    """A shape."""
    return Size(numbers(values, "sizes"))


def as_device(kind: Any, index: Any = None) -> device:
    """A device: only its name; nothing is done there."""
    if not isinstance(kind, str) or not (index is None or type(index) is int):
        raise refused(f"It has a device called {shown(kind)}")
    return device(kind, index)


def layout(name: Any) -> Any:
    """A layout by its name, "torch.strided"."""
    found = getattr(layouts, str(name).removeprefix("torch."), None) if (
        isinstance(name, str)) else None
    if not isinstance(found, layouts.layout):
        raise refused(f"It has a layout called {shown(name)}")
    return found


def storage_type(kind: dtype | None) -> StorageType:
    """A class of storages."""
    return StorageType(kind)


def flattened(pairs: Iterable[Any]) -> list[Any]:
    """What a container is filled with, as a list; refuses anything that runs code."""
    if not isinstance(pairs, list | tuple | dict | set | frozenset):
        raise refused(f"A container is filled with {shown(pairs)}")
    return list(pairs)
