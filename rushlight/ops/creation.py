"""Tensors from numbers, from other arrays, and filled with a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.copies import fill
from rushlight.backends.memory import LARGE, recycled
from rushlight.backends.memory_order import empty_like as memory_like
from rushlight.backends.meta.array import MetaArray
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.base.dtypes import as_dtype, dtype
from rushlight.base.errors import describe, type_name
from rushlight.base.promotion import of_number
from rushlight.base.shapes import size_argument
from rushlight.families.composite import composite, function
from rushlight.families.inplace import write_out
from rushlight.families.kernels import fitting
from rushlight.tensor import Tensor, convert, wrap
from rushlight.tensor.storage import laid_out


def finish(array: Any, requires_grad: bool, out: Any = None, name: str = "") -> Tensor:
    """The tensor of a creation function over `array`."""
    if out is not None:
        return write_out(out, array, name)
    result = wrap(array)
    if requires_grad:
        if result.dtype.category < 2:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require "
                               f"gradients: this is {describe(result)}; convert it with .float() "
                               "first")
        result.requires_grad = True
    return result


def empty_array(shape: tuple[int, ...], d: dtype, device: Any) -> Any:
    """Uninitialised memory, or its geometry on the meta device."""
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: "
                           f"{list(shape)}")
    if device is not None and as_device(device).type == "meta":
        return MetaArray(shape, d.array)
    array = np.empty(shape, d.array)
    return recycled(array) if array.size >= LARGE else array


def filled(shape: tuple[int, ...], value: Any, d: dtype, device: Any) -> Any:
    """Memory with `value` everywhere."""
    array = empty_array(shape, d, device)
    if value == 0 and isinstance(array, np.ndarray):
        return np.zeros(shape, d.array)
    fill(array, fitting(value, d.array))
    return array


@function("tensor", samples=lambda x: [([[1.0, 2.0], [3.0, 4.0]],)])
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:
    """A tensor with a copy of `data`: a number, nested lists of numbers, an array, a tensor.

    dtype: left out, floats become the default dtype, ints int64. Raises ValueError for ragged
    nesting, TypeError for what is no number.

    >>> import rushlight as rl
    >>> rl.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    array = convert.array_of(data, None if dtype is None else as_dtype(dtype))
    if device is None and not requires_grad:
        return wrap(array)
    if device is not None and as_device(device).type == "meta":
        return finish(MetaArray(array.shape, array.dtype), requires_grad)
    return finish(array, requires_grad)


@function("as_tensor asarray", samples=lambda x: [(x(2, 3),)])
def as_tensor(data: Any, dtype: Any = None, device: Any = None, *, copy: bool | None = None,
              requires_grad: bool = False) -> Tensor:
    """`data` as a tensor, sharing memory with an array or tensor where the dtype allows.

    >>> import rushlight as rl, numpy as np
    >>> a = np.zeros(2); rl.as_tensor(a)[0] = 1; a
    array([1., 0.])
    """
    target = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Tensor):
        result = data.to(target) if target is not None else data  # type: ignore[attr-defined]
        return result.clone() if copy else result
    if isinstance(data, np.ndarray) and not copy:
        own = dtypes.from_array(data.dtype)
        if target in (None, own) and data.dtype.isnative:
            return finish(data, requires_grad)
    return finish(convert.array_of(data, target), requires_grad)


@function("from_numpy", samples=lambda x: [(x(2, 3).numpy(),)])
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor over the memory of a NumPy array.

    Raises TypeError for what is no array, or an array of another element type than tensors have.

    >>> import rushlight as rl, numpy as np
    >>> rl.from_numpy(np.ones(2, np.float32))
    tensor([1., 1.])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_array(ndarray.dtype)
    if not ndarray.dtype.isnative:
        raise ValueError("given numpy array has byte order different from the native byte order. "
                         "Conversion between byte orders is currently not supported.")
    return wrap(ndarray)


@function("from_dlpack utils.dlpack.from_dlpack", samples=lambda x: [(x(2, 3).numpy(),)])
def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor over the memory of any object that speaks DLPack, or of a capsule made by it."""
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    return wrap(np.from_dlpack(ext_tensor))


class _Capsule:
    """A DLPack capsule as NumPy wants it: from an object that gives it."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the CPU


@function("frombuffer")
def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Tensor:
    """A 1-d tensor over the memory of an object with Python's buffer protocol."""
    d = as_dtype(dtype)
    size = memoryview(buffer).nbytes
    if offset < 0 or offset >= max(size, 1):
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than "
                         f"buffer length ({size} bytes) minus 1")
    if count == -1 and (size - offset) % d.itemsize:
        raise ValueError(f"buffer length ({size - offset} bytes) after offset ({offset} bytes) "
                         f"must be a multiple of element size ({d.itemsize})")
    return finish(np.frombuffer(buffer, d.array, count, offset), requires_grad)


def _quickly(make: Any, size: tuple[Any, ...], d: dtype) -> Any:
    """`make(size, dtype)` of sizes as users give them; None where they are for the general way."""
    if type(size[0]) is not int:
        if len(size) > 1 or not isinstance(size[0], (tuple, list)):
            return None
        size = size[0]
    try:
        array = make(size, d.array)
    except (TypeError, ValueError):  # torch has errors of its own
        return None
    return recycled(array, make) if array.size >= LARGE else array


def _filler(name: str, value: int, words: str) -> None:
    def create(*size: Any, out: Any = None, dtype: Any = None, layout: Any = None,
               device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
               **named: Any) -> Tensor:
        if out is None and device is None and size and not requires_grad and not named:
            d = dtypes.default_dtype() if dtype is None else as_dtype(dtype)
            array = _quickly(np.empty if value else np.zeros, size, d)
            if array is not None:
                if value:
                    fill(array, fitting(value, d.array))
                return wrap(array)
        shape = size_argument(size if size else (named.pop("size", ()),), name)
        if named:
            raise TypeError(f"{name}() got an unexpected keyword argument "
                            f"'{next(iter(named))}'")
        d = as_dtype(dtype) if dtype is not None else (
            dtypes.default_dtype() if out is None else out.dtype)
        return finish(filled(shape, value, d, device), requires_grad, out, name)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = (f"A tensor of the given size with {words} everywhere.\n\n"
                      f"    >>> import rushlight as rl\n    >>> rl.{name}(2)\n"
                      f"    tensor([{value}., {value}.])\n    ")
    CREATED[name] = function(name, samples=lambda x: [(2, 3), ((2, 3),)])(create)


CREATED: dict[str, Any] = {}
_filler("zeros", 0, "0")
_filler("ones", 1, "1")
zeros, ones = CREATED["zeros"], CREATED["ones"]


@function("empty", samples=lambda x: [(2, 3)])
def empty(*size: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
          requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
          **named: Any) -> Tensor:
    """A tensor of the given size with whatever the memory holds."""
    if out is None and device is None and size and not (requires_grad or named or memory_format):
        d = dtypes.default_dtype() if dtype is None else as_dtype(dtype)
        array = _quickly(np.empty, size, d)
        if array is not None:
            return wrap(array)
    shape = size_argument(size if size else (named.get("size", ()),), "empty")
    d = as_dtype(dtype) if dtype is not None else (
        dtypes.default_dtype() if out is None else out.dtype)
    made = laid_out(empty_array(shape, d, device), memory_format)
    return finish(made, requires_grad, out, "empty")


@function("empty_strided", samples=lambda x: [((2, 3), (1, 2))])
def empty_strided(size: Any, stride: Any, *, dtype: Any = None, layout: Any = None,
                  device: Any = None, requires_grad: bool = False,
                  pin_memory: bool = False) -> Tensor:
    """A tensor of the given size and strides (in elements) over uninitialised memory."""
    extent = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if 0 not in size else 0
    base = empty(max(extent, 0), dtype=dtype, device=device)
    result = base.as_strided(size, stride) if extent else base.reshape(size)  # type: ignore
    result._view = None
    return result.requires_grad_(requires_grad)


@function("full", samples=lambda x: [((2, 3), 1.5)])
def full(size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None,
         device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A tensor of the given size with `fill_value` everywhere, of its type unless dtype is given.

    >>> import rushlight as rl
    >>> rl.full((2,), 7)
    tensor([7, 7])
    """
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    if fill_value is None or isinstance(fill_value, str | bytes | list | tuple | dict):
        raise TypeError("full(): argument 'fill_value' (position 2) must be Number, not "
                        f"{type_name(fill_value)}")
    d = of_number(fill_value) if dtype is None else as_dtype(dtype)
    return finish(filled(size_argument((size,), "full"), fill_value, d, device), requires_grad, out,
                  "full")


def _like(input: Tensor, dtype: Any, device: Any) -> tuple[dtype, Any]:
    d = input.dtype if dtype is None else as_dtype(dtype)
    return d, input.device if device is None else device


def _empty_like(input: Tensor, dtype: Any, device: Any, order: Any = None) -> Any:
    """Memory with the geometry of a dense `input`, or in the memory format `order`."""
    array = input._array
    if order is not None:
        return laid_out(_empty_like(input, dtype, device), order)
    if device is None and type(array) is np.ndarray:
        return memory_like(array, array.dtype if dtype is None else as_dtype(dtype).array)
    d, place = _like(input, dtype, device)
    if isinstance(array, np.ndarray) and as_device(place).type == "cpu":
        return memory_like(array, d.array)
    return empty_array(array.shape, d, place)


@function("empty_like")
def empty_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
               requires_grad: bool = False, pin_memory: bool = False,
               memory_format: Any = None) -> Tensor:
    """A tensor of the shape, dtype and device of `input`, uninitialised."""
    return finish(_empty_like(input, dtype, device, memory_format), requires_grad)


@function("zeros_like", samples=lambda x: [(x(2, 3),)])
def zeros_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
               requires_grad: bool = False, pin_memory: bool = False,
               memory_format: Any = None) -> Tensor:
    """A tensor of the shape, dtype and device of `input`, with 0 everywhere."""
    array = _empty_like(input, dtype, device, memory_format)
    fill(array, 0)
    return finish(array, requires_grad)


@function("ones_like", samples=lambda x: [(x(2, 3),)])
def ones_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
              requires_grad: bool = False, pin_memory: bool = False,
              memory_format: Any = None) -> Tensor:
    """A tensor of the shape, dtype and device of `input`, with 1 everywhere."""
    array = _empty_like(input, dtype, device, memory_format)
    fill(array, 1)
    return finish(array, requires_grad)


@function("full_like", samples=lambda x: [(x(2, 3), 1.5)])
def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None,
              device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
              memory_format: Any = None) -> Tensor:
    """A tensor of the shape, dtype and device of `input`, with `fill_value` everywhere."""
    array = _empty_like(input, dtype, device, memory_format)
    fill(array, fitting(fill_value, array.dtype))
    return finish(array, requires_grad)


def _method(name: str, make: Any, doc: str) -> None:
    make.__name__, make.__doc__ = name, doc
    composite(f"Tensor.{name}", samples=lambda x: [(x(2), (2, 3)), (x(2), 2, 3)])(make)


def _sized(create: Any) -> Any:
    def method(input: Tensor, *size: Any, dtype: Any = None, device: Any = None,
               requires_grad: bool = False, **named: Any) -> Tensor:
        if device is None and type(input._array) is np.ndarray:
            return create(*size, dtype=input.dtype if dtype is None else dtype,
                          requires_grad=requires_grad, **named)
        d, place = _like(input, dtype, device)
        shape = size_argument(size if size else (named.get("size", ()),))
        return create(shape, dtype=d, device=place, requires_grad=requires_grad)
    return method


_method("new_zeros", _sized(zeros), "Zeros of the given size, of this dtype and device.")
_method("new_ones", _sized(ones), "Ones of the given size, of this dtype and device.")
_method("new_empty", _sized(empty), "Uninitialised memory of the given size and this dtype.")


@composite("Tensor.new_full", samples=lambda x: [(x(2, 3), (2,), 1.5)])
def new_full(input: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, **_: Any) -> Tensor:
    """`fill_value` in the given size, of this dtype and device."""
    d, place = _like(input, dtype, device)
    return full(size, fill_value, dtype=d, device=place, requires_grad=requires_grad)


@composite("Tensor.new_tensor", samples=lambda x: [(x(2), [1, 2])])
def new_tensor(input: Tensor, data: Any, *, dtype: Any = None, device: Any = None,
               requires_grad: bool = False, **_: Any) -> Tensor:
    """A tensor with a copy of `data`, of this dtype and device."""
    d, place = _like(input, dtype, device)
    return tensor(data, dtype=d, device=place, requires_grad=requires_grad)


@function("eye", samples=lambda x: [(3,), (2, 3)])
def eye(n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """The n x m matrix with 1 on the diagonal.

    >>> import rushlight as rl
    >>> rl.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    m = n if m is None else m
    if n < 0 or m < 0:
        raise RuntimeError(f"{'n' if n < 0 else 'm'} must be greater or equal to 0, got "
                           f"{min(n, m)}")
    d = as_dtype(dtype) if dtype is not None else (
        dtypes.default_dtype() if out is None else out.dtype)
    if device is not None and as_device(device).type == "meta":
        return finish(MetaArray((n, m), d.array), requires_grad)
    return finish(np.eye(n, m).astype(d.array), requires_grad, out, "eye")


@function("is_tensor", samples=lambda x: [(x(2),)])
def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


