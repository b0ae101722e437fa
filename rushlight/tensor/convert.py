"""Between tensors and Python: numbers, nested lists, NumPy arrays, DLPack, copies, pickles."""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.backends.cast import astype
from rushlight.backends.memory import LARGE, recycle, recycled
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.base.dtypes import dtype
from rushlight.base.errors import describe
from rushlight.base.promotion import promote_types
from rushlight.base.shapes import size_argument

NUMBERS = frozenset((bool, int, float, complex))


def python(array: np.ndarray) -> Any:
    """The elements as Python numbers, nested as the dimensions are."""
    if array.dtype is dtypes.bfloat16.array:
        array = array.astype(np.float32)
    return array.tolist()


def number(tensor: Any) -> Any:
    """`item()` for Python's conversions, with the error that torch gives there."""
    if tensor._array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars: this is "
                         f"{describe(tensor)}; use tolist() or index it")
    return tensor.item()


def ambiguous(array: np.ndarray) -> str:
    """The message for the truth value of other than one element."""
    if array.size == 0:
        return "Boolean value of Tensor with no values is ambiguous"
    return ("Boolean value of Tensor with more than one value is ambiguous: this one has shape "
            f"{list(array.shape)}; use .any() or .all()")


def array_of(data: Any, d: dtype | None = None) -> np.ndarray:
    """A new array with the elements of `data`: numbers, nested sequences, arrays, tensors.

    Python floats become the default dtype, ints int64. Raises ValueError for ragged nesting,
    TypeError for what is no number.
    """
    if type(data) in NUMBERS:
        return _numbers(data, d)
    if isinstance(data, np.ndarray | np.generic):
        own = dtypes.from_array(data.dtype)
        if data.size >= LARGE:
            recycle()
        return np.array(data, dtype=(d or own).array, order="C")
    if hasattr(data, "_array"):
        return np.array(data._array, dtype=None if d is None else d.array, order="C")
    if isinstance(data, bool | int | float | complex):
        return _numbers(data, d)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _from_sequence(data, d)
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return array_of(np.asarray(data), d)
    if hasattr(data, "__float__") or hasattr(data, "__index__"):
        return _numbers(data.__index__() if hasattr(data, "__index__") else float(data), d)
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, dict):
        return _from_sequence(list(data), d)
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _numbers(data: Any, d: dtype | None) -> np.ndarray:
    """An array of (nested lists of) Python numbers."""
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(_ragged(data)) from error
    kind = array.dtype.kind
    if kind == "O":
        raise _not_numbers(data)
    if kind in "US":
        name = _first(data).__class__.__name__
        if isinstance(data, str | bytes):
            raise TypeError(f"new(): invalid data type '{name}'")
        raise ValueError(f"too many dimensions '{name}': a tensor holds numbers, but got {data!r}")
    if d is None:
        if kind == "f":
            d = dtypes.default_dtype() if array.dtype == np.float64 and not _wide(data) else None
        elif kind == "c":
            d = None if _wide(data) else dtypes.default_complex()
        elif array.size == 0:
            d = dtypes.default_dtype()
        elif kind == "u":
            raise RuntimeError("Overflow when unpacking long long: a value does not fit int64")
    target = dtypes.from_array(array.dtype) if d is None else d
    if array.dtype is target.array:
        return array
    if target.category == 1 and kind == "f" and not np.isfinite(array).all():
        raise RuntimeError(f"value cannot be converted to type {target.name} without overflow")
    if kind == "i" and target.array.kind in "iu":
        info = np.iinfo(target.array)
        if array.size and (array.max() > info.max or array.min() < info.min - (
                2 ** 31 if info.min == 0 else 0)):
            raise RuntimeError(f"value cannot be converted to type {target.name} without overflow")
    if kind == "c" and target.category < 3:
        raise RuntimeError("value cannot be converted to type "
                           f"{target.name} without overflow: it is complex")
    return astype(array, target.array)


def _from_sequence(data: Sequence[Any], d: dtype | None) -> np.ndarray:
    if _holds_tensors(data):
        return _stack_items(data, d)
    return _numbers(list(data) if not isinstance(data, list | tuple | range) else data, d)


def _holds_tensors(data: Any) -> bool:
    while isinstance(data, list | tuple) and len(data):
        data = data[0]
    return hasattr(data, "_array") or isinstance(data, np.ndarray | np.generic)


def _stack_items(data: Sequence[Any], d: dtype | None) -> np.ndarray:
    """Sequences of arrays or tensors: torch takes their elements as numbers."""
    items = [array_of(item, None) for item in data]
    if len({item.shape for item in items}) > 1:
        sizes = sorted({item.shape[0] if item.ndim else 0 for item in items})
        raise ValueError(f"expected sequence of length {sizes[-1]} at dim 1 (got {sizes[0]})")
    if d is None:
        d = functools.reduce(promote_types, (dtypes.from_array(item.dtype) for item in items))
    return astype(np.stack(items), d.array)


def _wide(data: Any) -> bool:
    """Whether NumPy's numbers or tensors of double precision are among Python's numbers."""
    if isinstance(data, list | tuple):
        return not NUMBERS.issuperset(map(type, data)) and any(map(_wide, data))
    kind = getattr(getattr(data, "_array", data), "dtype", None)
    return kind == np.float64 or kind == np.complex128


def _first(data: Any) -> Any:
    while isinstance(data, list | tuple) and len(data):
        data = data[0]
    return data


def _ragged(data: Any, depth: int = 1) -> str:
    """Torch's message for nested sequences of unequal lengths."""
    lengths = [len(x) if isinstance(x, list | tuple) else None for x in data]
    for x, n in zip(data, lengths, strict=True):
        if n != lengths[0]:
            if n is None or lengths[0] is None:
                return f"expected a sequence at dim {depth}, got {x!r}"
            return (f"expected sequence of length {lengths[0]} at dim {depth} (got {n}): rows of "
                    "a tensor are of one length; rushlight.ragged takes sequences of any")
    nested = [y for x in data if isinstance(x, list | tuple) for y in x]
    return _ragged(nested, depth + 1)


def _not_numbers(data: Any) -> Exception:
    value = _first(data)
    if value is None:
        return RuntimeError("Could not infer dtype of NoneType")
    if isinstance(value, int):
        return RuntimeError("Overflow when unpacking long long: a value does not fit int64")
    return TypeError(f"new(): invalid data type '{type(value).__name__}'")


def legacy_array(args: tuple[Any, ...], tensor_class: type, device: Any) -> Any:
    """The array of `Tensor(...)`: sizes give uninitialised memory, a sequence its numbers."""
    d = dtypes.default_dtype()
    if as_device(device).type == "meta":
        return MetaArray(size_argument(args), d.array)
    if not args:
        return np.empty(0, d.array)
    if len(args) == 1 and isinstance(args[0], tensor_class):
        source: Any = args[0]
        if source._array.dtype != d.array:
            raise TypeError(f"expected Float (got {source.dtype.name}): Tensor(tensor) keeps the "
                            "memory; use tensor.to(dtype) to convert")
        return source._array
    if len(args) == 1 and not isinstance(args[0], int):
        if isinstance(args[0], tuple) and type(args[0]) is not tuple:  # a Size
            args = tuple(args[0])
        else:
            return array_of(args[0], d)
    array = np.empty(size_argument(args), d.array)
    return recycled(array) if array.size >= LARGE else array


def dlpack(tensor: Any) -> Any:
    """The DLPack capsule of a tensor's memory."""
    if tensor.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    array = tensor.numpy()
    if not array.flags.writeable:
        raise BufferError("Can't export a read-only tensor; clone() it first")
    return array.__dlpack__()


def deepcopy(
    tensor: Any, memo: dict[Any, Any],
    left_out: tuple[str, ...] = ("_hooks", "_post_accumulate_hooks"),
) -> Any:
    """A copy with memory, gradient and attributes of its own; memory shared inside stays shared.

    left_out: names of attributes that the copy does not have.
    """
    if id(tensor) in memo:
        return memo[id(tensor)]
    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment: this one was computed by "
            f"{tensor.grad_fn.name()}; detach() it first")
    made = object.__new__(type(tensor))
    made._array = _copy_memory(tensor._array, memo)
    made._node, made._writes, made._view = tensor._node, None, None
    memo[id(tensor)] = made
    for name, value in tensor.__dict__.items():
        if name not in left_out:
            made.__dict__[name] = copy.deepcopy(value, memo)
    return made


def _copy_memory(array: np.ndarray, memo: dict[Any, Any]) -> np.ndarray:
    """A copy of `array`; two views of one memory become two views of one copy."""
    base = array.base
    if is_meta(array) or not isinstance(base, np.ndarray) or base.dtype != array.dtype:
        return array.copy()
    if id(base) not in memo:
        memo[id(base)] = base.copy()
        memo.setdefault(id(memo), []).append(base)  # keeps the id taken
    copied: np.ndarray = memo[id(base)]
    if copied.strides != base.strides:
        return array.copy()
    offset = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return np.ndarray(array.shape, array.dtype, copied.data, offset, array.strides) if (
        copied.flags.c_contiguous and offset >= 0) else array.copy()


def reduce(tensor: Any) -> tuple[Any, ...]:
    """How a tensor is pickled: its class, array, whether it requires grad, its attributes.

    A computed tensor comes back as a leaf: the graph behind it is not stored.
    """
    hidden = ("_hooks", "_post_accumulate_hooks", "_grad")
    attributes = {k: v for k, v in tensor.__dict__.items() if k not in hidden}
    array = tensor._array
    data = (array.shape, array.dtype.name) if is_meta(array) else array
    # Classes of our own by name: where `torch` is Rushlight they are torch's, which others lack.
    kind: type = type(tensor)
    ours = getattr(sys.modules["rushlight.tensor"], kind.__name__, None) is kind
    return rebuild, (kind.__name__ if ours else kind, data, tensor.requires_grad, attributes)


def rebuild(cls: Any, data: Any, requires_grad: bool, attributes: dict[Any, Any]) -> Any:
    """The tensor that `reduce` took apart."""
    if isinstance(cls, str):
        cls = getattr(sys.modules["rushlight.tensor"], cls)
    made: Any = object.__new__(cls)
    if isinstance(data, tuple):
        made._array = MetaArray(data[0], dtypes.dtype_named(data[1]).array)
    else:
        made._array = data
    made._node = made._writes = made._view = None
    if requires_grad:
        made.requires_grad = True
    made.__dict__.update(attributes)
    return made
