"""Tensor types of old programs: `FloatTensor(2, 3)`, `LongTensor([1, 2])`, `isinstance` tests."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.base import dtypes
from rushlight.ops import empty, tensor
from rushlight.tensor import Tensor

TYPES = {"FloatTensor": dtypes.float32, "DoubleTensor": dtypes.float64,
         "HalfTensor": dtypes.float16, "BFloat16Tensor": dtypes.bfloat16,
         "ByteTensor": dtypes.uint8, "CharTensor": dtypes.int8, "ShortTensor": dtypes.int16,
         "IntTensor": dtypes.int32, "LongTensor": dtypes.int64, "BoolTensor": dtypes.bool_}


class TensorType(type):
    """The type of `FloatTensor` and its like: an element type that can be called."""

    dtype: dtypes.dtype

    def __call__(cls, *args: Any, **options: Any) -> Tensor:
        if len(args) != 1 or isinstance(args[0], int):
            return empty(args or (0,), dtype=cls.dtype, **options)
        (data,) = args
        if isinstance(data, tuple) and type(data) is not tuple:  # a Size
            return empty(data, dtype=cls.dtype, **options)
        if isinstance(data, Tensor):
            if data.dtype is not cls.dtype:
                raise TypeError(f"expected {cls.dtype.name} (got {data.dtype.name}): "
                                f"{cls.__name__}(tensor) keeps the memory; use tensor.to(dtype)")
            return data.detach()
        if not hasattr(data, "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
        return tensor(data, dtype=cls.dtype, **options)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


def _type(name: str) -> Any:
    return TensorType(name, (), {
        "dtype": TYPES[name], "is_cuda": False, "__module__": "torch", "__slots__": (),
        "__doc__": f"Tensors of {TYPES[name].name}: sizes give uninitialised memory, a sequence "
                   "its elements."})


FloatTensor = _type("FloatTensor")
DoubleTensor = _type("DoubleTensor")
HalfTensor = _type("HalfTensor")
BFloat16Tensor = _type("BFloat16Tensor")
ByteTensor = _type("ByteTensor")
CharTensor = _type("CharTensor")
ShortTensor = _type("ShortTensor")
IntTensor = _type("IntTensor")
LongTensor = _type("LongTensor")
BoolTensor = _type("BoolTensor")


def typename(obj: Any, /) -> str:
    """The type of an object in words: "torch.FloatTensor" for a tensor, else the class.

    >>> import rushlight as rl
    >>> rl.typename(rl.ones(2)), rl.typename([])
    ('torch.FloatTensor', 'list')
    """
    if isinstance(obj, Tensor):
        return f"torch.{next(n for n, d in TYPES.items() if d is obj.dtype)}" \
            if not obj.is_complex() else f"torch.{obj.dtype.name}"
    cls = obj if isinstance(obj, type) else type(obj)
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return f"{module}{cls.__qualname__}"


def set_default_tensor_type(t: Any, /) -> None:
    """Make the dtype of a floating tensor type, or its name, the default; old programs do so.

    Raises TypeError for a type that is not floating.
    """
    warnings.warn("set_default_tensor_type() is the old way: use set_default_dtype()", UserWarning,
                  stacklevel=2)
    name = t.removeprefix("torch.") if isinstance(t, str) else getattr(t, "__name__", "")
    found = TYPES.get(name)
    if found is None or not found.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type, "
                        f"got {t!r}")
    dtypes.set_default_dtype(found)
