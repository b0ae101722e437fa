"""Element types of tensors, and their NumPy counterparts."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

CATEGORIES = ("bool", "integer", "float", "complex")


class dtype:  # noqa: N801 - torch's name
    """An element type such as `rushlight.float32`; there is one object for each.

    >>> import rushlight as rl
    >>> rl.float32.itemsize, rl.float32.is_floating_point
    (4, True)
    """

    __slots__ = ("array", "category", "is_complex", "is_floating_point", "is_signed", "itemsize",
                 "name")
    by_name: ClassVar[dict[str, dtype]] = {}

    def __init__(self, name: str, array: Any, category: str) -> None:
        self.name = name
        self.array = np.dtype(array)
        self.category = CATEGORIES.index(category)
        self.itemsize = self.array.itemsize
        self.is_floating_point = category == "float"
        self.is_complex = category == "complex"
        self.is_signed = category in ("float", "complex") or name.startswith("int")
        dtype.by_name[name] = self

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return dtype_named, (self.name,)

    def to_real(self) -> dtype:
        """The type of the real part of a complex type; other types are their own."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts have this type.

        Raises RuntimeError where there is none.
        """
        found = {float32: complex64, float64: complex128}.get(self)
        if self.is_complex:
            return self
        if found is None:
            raise RuntimeError(f"Expected a floating point or complex dtype, got {self}")
        return found


def dtype_named(name: str) -> dtype:
    """The dtype called `name`, for unpickling."""
    return dtype.by_name[name]


bool_ = dtype("bool", np.bool_, "bool")
uint8 = dtype("uint8", np.uint8, "integer")
int8 = dtype("int8", np.int8, "integer")
int16 = dtype("int16", np.int16, "integer")
int32 = dtype("int32", np.int32, "integer")
int64 = dtype("int64", np.int64, "integer")
float16 = dtype("float16", np.float16, "float")
bfloat16 = dtype("bfloat16", ml_dtypes.bfloat16, "float")
float32 = dtype("float32", np.float32, "float")
float64 = dtype("float64", np.float64, "float")
complex64 = dtype("complex64", np.complex64, "complex")
complex128 = dtype("complex128", np.complex128, "complex")

ALL = tuple(dtype.by_name.values())

# For data that comes so: tensors hold them, and NumPy computes with them where it can, but they
# are promoted to no other integer type, as in torch.
uint16 = dtype("uint16", np.uint16, "integer")
uint32 = dtype("uint32", np.uint32, "integer")
uint64 = dtype("uint64", np.uint64, "integer")
WIDE_UNSIGNED = (uint16, uint32, uint64)

# Floats of eight bits, for storage: they are converted from and to other types and copied.
float8_e4m3fn = dtype("float8_e4m3fn", ml_dtypes.float8_e4m3fn, "float")
float8_e4m3fnuz = dtype("float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, "float")
float8_e5m2 = dtype("float8_e5m2", ml_dtypes.float8_e5m2, "float")
float8_e5m2fnuz = dtype("float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, "float")
float8_e8m0fnu = dtype("float8_e8m0fnu", ml_dtypes.float8_e8m0fnu, "float")
EIGHT_BITS = (float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu)
STORED = frozenset((*WIDE_UNSIGNED, *EIGHT_BITS))
ALIASES = {"half": float16, "float": float32, "double": float64, "short": int16, "int": int32,
           "long": int64, "cfloat": complex64, "cdouble": complex128}
FROM_ARRAY = {d.array: d for d in dtype.by_name.values()}


class _Names(dict[np.dtype, str]):
    def __missing__(self, kind: np.dtype) -> str:
        self[kind] = name = kind.name
        return name


# Names of NumPy's dtypes, kept: NumPy makes one anew whenever it is asked, which takes 2 us.
NAMES = _Names()
HALF_TYPES = frozenset((float16.array, bfloat16.array))
NATIVE = frozenset(FROM_ARRAY) - {bfloat16.array, *(d.array for d in EIGHT_BITS)}  # NumPy's own

# Other spellings of an element type: Python's classes.
_PYTHON = {bool: bool_, int: int64, float: float64, complex: complex128}


def from_array(array_dtype: np.dtype) -> dtype:
    """The dtype of NumPy arrays of `array_dtype`.

    Raises TypeError for element types that tensors do not have (strings, objects, dates, ...).
    """
    found = FROM_ARRAY.get(array_dtype)
    if found is None:
        found = FROM_ARRAY.get(array_dtype.newbyteorder("="))
    if found is None:
        names = ", ".join(d.name for d in ALL)
        raise TypeError(
            f"can't convert np.ndarray of type {array_dtype.type.__module__}."
            f"{array_dtype.type.__name__}. The only supported types are: "
            f"{names}."
        )
    return found


def as_dtype(value: Any) -> dtype:
    """`value` as a dtype: a dtype itself, or one of Python's bool, int, float, complex."""
    if isinstance(value, dtype):
        return value
    if isinstance(value, type) and value in _PYTHON:
        return _PYTHON[value]
    raise TypeError(f"dtype must be a rushlight dtype such as rushlight.float32, not {value!r}")


_default = [float32]


def default_dtype() -> dtype:
    """The type of floating point tensors made from Python numbers."""
    return _default[0]


def set_default_dtype(d: dtype) -> None:
    """Make `d` the type of floating point tensors made from Python numbers.

    Raises TypeError unless it is a floating point dtype.
    """
    d = as_dtype(d)
    if not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d}")
    _default[0] = d


def default_complex() -> dtype:
    """The complex type whose parts have the default dtype."""
    return complex128 if _default[0] is float64 else complex64


class finfo:  # noqa: N801 - torch's name
    """Limits of a floating point dtype: bits, eps, max, min, tiny, smallest_normal, resolution.

    >>> import rushlight as rl
    >>> rl.finfo(rl.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: dtype | None = None) -> None:
        d = as_dtype(type) if type is not None else default_dtype()
        if not (d.is_floating_point or d.is_complex):
            raise TypeError(f"torch.finfo() requires a floating point input type. Use "
                            f"torch.iinfo to handle '{d}'")
        info = ml_dtypes.finfo(d.to_real().array)  # type: ignore[no-untyped-call]
        self.dtype = d.to_real().name
        self.bits = d.to_real().itemsize * 8
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = 10.0 ** -math.floor(-math.log10(self.eps))

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
                f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
                f"dtype={self.dtype})")


class iinfo:  # noqa: N801 - torch's name
    """Limits of an integer dtype: bits, max, min.

    >>> import rushlight as rl
    >>> rl.iinfo(rl.int8).max
    127
    """

    def __init__(self, type: dtype) -> None:
        d = as_dtype(type)
        if d.is_floating_point or d.is_complex or d is bool_:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to "
                            f"handle '{d}'")
        info = np.iinfo(d.array)
        self.dtype, self.bits, self.max, self.min = d.name, info.bits, int(info.max), int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
