"""`torch._foreach_NAME`: one operation over lists of tensors, which optimizers of others call.

Rushlight's own optimizers do not use these: their update is one kernel for all parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from rushlight import ops
from rushlight.linalg import vector_norm
from rushlight.tensor import Tensor

Tensors = Sequence[Tensor]
ONE = ("abs acos asin atan ceil cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p "
       "log2 neg reciprocal round rsqrt sigmoid sign sin sinh sqrt tan tanh trunc").split()
TWO = "add sub mul div pow".split()
LIMITS = {"maximum": "clamp_min", "minimum": "clamp_max", "clamp_min": "clamp_min",
          "clamp_max": "clamp_max"}
THREE = "addcmul addcdiv".split()


def _each(tensors: Tensors, other: Any) -> Sequence[Any]:
    """What stands beside each tensor: a list's elements, or one number or tensor for all."""
    if isinstance(other, (list, tuple)):
        if len(other) != len(tensors):
            raise RuntimeError("Tensor lists must have the same number of tensors, got "
                               f"{len(tensors)} and {len(other)}")
        return other
    if isinstance(other, Tensor) and other.dim() == 1 and len(other) == len(tensors):
        return other.tolist()
    return [other] * len(tensors)


def _one(name: str) -> Callable[..., Any]:
    return lambda self: tuple(getattr(x, name)() for x in self)


def _two(name: str) -> Callable[..., Any]:
    def function(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        options = {} if alpha == 1 else {"alpha": alpha}
        if not isinstance(self, (list, tuple)):  # one number to the power of each
            return tuple(ops.pow(self, y) for y in other)
        pairs = zip(self, _each(self, other), strict=True)
        return tuple(getattr(x, name)(y, **options) for x, y in pairs)

    return function


def _limit(name: str, limit: str) -> Callable[..., Any]:
    def function(self: Tensors, other: Any) -> Any:
        pairs = zip(self, _each(self, other), strict=True)
        return tuple(getattr(x, limit)(y) for x, y in pairs)

    return function


def _three(name: str) -> Callable[..., Any]:
    def function(self: Tensors, tensor1: Tensors, tensor2: Tensors, value: Any = 1, *,
                 scalars: Any = None) -> Any:
        values = _each(self, value if scalars is None else scalars)
        rows = zip(self, tensor1, tensor2, values, strict=True)
        return tuple(getattr(x, name)(a, b, value=v) for x, a, b, v in rows)

    return function


def _lerp(self: Tensors, tensors1: Tensors, weight: Any) -> Any:
    return tuple(x.lerp(y, w) for x, y, w in zip(self, tensors1, _each(self, weight), strict=True))


def _norm(self: Tensors, ord: Any = 2, dtype: Any = None) -> Any:
    return tuple(vector_norm(x, ord, dtype=dtype) for x in self)


def _copy_(self: Tensors, src: Tensors, non_blocking: bool = False) -> None:
    for x, y in zip(self, src, strict=True):
        x.copy_(y, non_blocking)


def _zero_(self: Tensors) -> None:
    for x in self:
        x.zero_()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _one(name) for name in ONE},
    **{name: _two(name) for name in TWO},
    **{name: _limit(name, limit) for name, limit in LIMITS.items()},
    **{name: _three(name) for name in THREE},
    "lerp": _lerp,
    "norm": _norm,
    "copy_": _copy_,
    "zero_": _zero_,
    "clone": lambda self: tuple(x.clone() for x in self),
    "max": lambda self: tuple(x.max() for x in self),
}


@cache
def _made(name: str) -> Callable[..., Any]:
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    function = FUNCTIONS[name.removesuffix("_")]

    def in_place(self: Tensors, *arguments: Any, **options: Any) -> None:
        for x, value in zip(self, function(self, *arguments, **options), strict=True):
            x.copy_(value)

    return in_place


def _group_tensors_by_device_and_dtype(tensorlistlist: list[list[Any]],
                                       with_indices: bool = False) -> dict[Any, Any]:
    """Lists of tensors side by side, divided by the device and dtype of the first list's."""
    groups: dict[Any, tuple[list[list[Any]], list[int]]] = {}
    for i, first in enumerate(tensorlistlist[0]):
        lists, places = groups.setdefault((first.device, first.dtype),
                                          ([[] for _ in tensorlistlist], []))
        for group, tensors in zip(lists, tensorlistlist, strict=True):
            group.append(tensors[i] if tensors else None)
        places.append(i)
    return groups


def __getattr__(name: str) -> Callable[..., Any]:
    last = name.removeprefix("_foreach_")
    if last == name or (last not in FUNCTIONS and last.removesuffix("_") not in FUNCTIONS):
        raise AttributeError(f"module 'torch' has no attribute '{name}'")
    return _made(last)
