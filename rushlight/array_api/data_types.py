"""Data types by the array API standard: promotion, kinds, limits, and what there is."""

from __future__ import annotations

from functools import reduce
from typing import Any

from rushlight.base import dtypes
from rushlight.base.device import CPU, device
from rushlight.base.dtypes import dtype
from rushlight.base.promotion import can_cast as _can_cast
from rushlight.base.promotion import promote_types
from rushlight.tensor import Tensor

SIGNED = (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
UNSIGNED = (dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64)
KINDS = {"bool": (dtypes.bool_,), "signed integer": SIGNED, "unsigned integer": UNSIGNED,
         "integral": SIGNED + UNSIGNED,
         "real floating": (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16),
         "complex floating": (dtypes.complex64, dtypes.complex128)}
KINDS["numeric"] = KINDS["integral"] + KINDS["real floating"] + KINDS["complex floating"]
# Types that the standard names and every function computes in.
LISTED = (dtypes.bool_, *SIGNED, dtypes.uint8, dtypes.float32, dtypes.float64, dtypes.complex64,
          dtypes.complex128)


def _dtype_of(value: Any) -> dtype:
    return value.dtype if isinstance(value, Tensor) else value


def astype(x: Tensor, dtype: dtype, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """`x` in another type; copy=False shares memory where the type is the same."""
    return x.to(dtype=dtype, device=device, copy=copy)


def can_cast(from_: Any, to: dtype, /) -> bool:
    """Whether values of a type, or of a tensor's, may be cast to `to` by promotion."""
    return _can_cast(_dtype_of(from_), to)


def finfo(type: Any, /) -> dtypes.finfo:
    """The limits of a floating type, or of a tensor's."""
    return dtypes.finfo(_dtype_of(type))


def iinfo(type: Any, /) -> dtypes.iinfo:
    """The limits of an integer type, or of a tensor's."""
    return dtypes.iinfo(_dtype_of(type))


def isdtype(dtype: dtype, kind: Any) -> bool:
    """Whether a type is of a kind ("bool", "integral", "real floating", ...), or equals a type.

    kind: also a tuple of them. Raises ValueError for a kind that there is not.

    >>> import rushlight as rl
    >>> rl.array_api.isdtype(rl.int8, ("real floating", "signed integer"))
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise ValueError(f"unrecognized data type kind {kind!r}: there are {', '.join(KINDS)}")
        return dtype in KINDS[kind]
    return dtype is kind


def result_type(*arrays_and_dtypes: Any) -> dtype:
    """The type that tensors, types and Python numbers are promoted to; numbers are weak."""
    strong = [_dtype_of(v) for v in arrays_and_dtypes if isinstance(v, Tensor | dtype)]
    if not strong:
        raise ValueError("result_type: at least one array or dtype is required")
    common = reduce(promote_types, strong)
    for value in arrays_and_dtypes:
        if isinstance(value, Tensor | dtype):
            continue
        kind = (0 if isinstance(value, bool) else 1 if isinstance(value, int)
                else 2 if isinstance(value, float) else 3)
        if kind > common.category:
            common = (dtypes.int64, dtypes.default_dtype(), dtypes.default_complex()
                      if common.category < 2 else common.to_complex())[kind - 1]
    return common


class Information:
    """What the namespace offers: `__array_namespace_info__()`."""

    def capabilities(self) -> dict[str, Any]:
        """Indexing by booleans and shapes that depend on data work; dimensions up to 64."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> device:
        """The CPU."""
        return CPU

    def default_dtypes(self, *, device: Any = None) -> dict[str, dtype]:
        """The types of tensors made from Python numbers."""
        return {"real floating": dtypes.default_dtype(),
                "complex floating": dtypes.default_complex(),
                "integral": dtypes.int64, "indexing": dtypes.int64}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, dtype]:
        """The types by name, all or those of a kind."""
        return {d.name: d for d in LISTED if kind is None or isdtype(d, kind)}

    def devices(self) -> list[device]:
        """The CPU."""
        return [CPU]


def __array_namespace_info__() -> Information:
    """What the namespace offers: capabilities, default and available types and devices."""
    return Information()
