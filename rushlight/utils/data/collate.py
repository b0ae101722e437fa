"""Samples put together to batches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from rushlight import ops
from rushlight.base import dtypes
from rushlight.tensor import Tensor, wrap

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]

UNKNOWN = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def default_convert(data: Any) -> Any:
    """`data` with every NumPy array in it as a tensor; for samples that are not batched.

    >>> import numpy as np
    >>> import rushlight as rl
    >>> rl.utils.data.default_convert({"x": np.arange(2), "name": "a"})
    {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)) and not isinstance(data, (np.str_, np.bytes_)):
        return ops.as_tensor(data) if data.dtype.kind not in "SUO" else data
    if isinstance(data, Mapping):
        return _mapping(data, lambda key: default_convert(data[key]))
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence(data, [default_convert(item) for item in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch from a list of samples, with a first dimension for the sample.

    Tensors and arrays are stacked, numbers become tensors (floats float64), strings stay a list;
    tuples, lists, named tuples and dicts are collated member by member.

    Raises:
        TypeError: a sample of another type. RuntimeError: samples of different shapes or lengths.

    >>> import rushlight as rl
    >>> rl.utils.data.default_collate([(rl.ones(2), 3), (rl.zeros(2), 4)])
    [tensor([[1., 1.],
            [0., 0.]]), tensor([3, 4])]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """As `default_collate`, with functions of one's own for some types.

    Args:
        batch: a list of samples.
        collate_fn_map: from a type, or a tuple of types, to
            `function(batch, *, collate_fn_map)`.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        function = collate_fn_map.get(kind)
        if function is None:
            function = next((f for key, f in collate_fn_map.items() if isinstance(first, key)),
                            None)
        if function is not None:
            return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _mapping(first, lambda key: collate([sample[key] for sample in batch],
                                                   collate_fn_map=collate_fn_map))
    if isinstance(first, Sequence):
        return _collate_sequences(batch, collate_fn_map)
    raise TypeError(UNKNOWN.format(kind))


def _collate_sequences(batch: Sequence[Any], collate_fn_map: CollateMap | None) -> Any:
    first = batch[0]
    if set(map(len, batch)) != {len(first)}:
        raise RuntimeError(
            "each element in list of batch should be of equal size, but the lengths are "
            f"{sorted({len(sample) for sample in batch})}"
        )
    members = [collate(column, collate_fn_map=collate_fn_map)
               for column in zip(*batch, strict=True)]
    if not isinstance(first, tuple):
        return _sequence(first, members)
    return type(first)(*members) if hasattr(first, "_fields") else members


def _mapping(like: Mapping[Any, Any], value: Callable[[Any], Any]) -> Any:
    """A mapping of the same type, where that can be made."""
    values = {key: value(key) for key in like}
    try:
        if isinstance(like, MutableMapping):
            twin = copy.copy(like)  # keeps attributes and default factories
            twin.update(values)
            return twin
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _sequence(like: Sequence[Any], members: list[Any]) -> Any:
    """A sequence of the same type, where that can be made."""
    try:
        if isinstance(like, MutableSequence):
            twin = copy.copy(like)
            for i, member in enumerate(members):
                twin[i] = member
            return twin
        return type(like)(members)  # type: ignore[call-arg]
    except TypeError:
        return members


def collate_tensor_fn(
    batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None
) -> Tensor:
    """Tensors of equal shapes, stacked."""
    arrays = [sample._array for sample in batch]
    shape, dtype = arrays[0].shape, arrays[0].dtype
    # Lists, not generators: this runs for every sample of an epoch.
    others = [array.shape != shape or array.dtype is not dtype for array in arrays]
    recorded = [sample._node is not None for sample in batch]
    if type(arrays[0]) is not np.ndarray or shape == () or True in others or True in recorded:
        return ops.stack(list(batch))  # its errors, promotion and gradients
    return wrap(np.concatenate(arrays).reshape(len(arrays), *shape))


def collate_numpy_array_fn(
    batch: Sequence[np.ndarray], *, collate_fn_map: CollateMap | None = None
) -> Any:
    """Arrays of equal shapes, stacked."""
    if batch[0].dtype.kind in "SUO":
        raise TypeError(UNKNOWN.format(batch[0].dtype))
    return collate([ops.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(
    batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None
) -> Tensor:
    """NumPy's scalars, in their dtype."""
    return ops.as_tensor(np.asarray(batch))


def collate_float_fn(
    batch: Sequence[float], *, collate_fn_map: CollateMap | None = None
) -> Tensor:
    """Python floats, as float64."""
    return ops.tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Python integers, as int64, or bools."""
    if set(map(type, batch)) == {int}:
        array = np.array(batch)
        if array.dtype == np.int64:  # others are out of range: tensor() says so
            return wrap(array)
    return ops.tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Strings stay as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}
