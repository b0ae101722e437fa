"""Which kernel runs an expression: by dtype, and by whether the work is worth machine code.

Small arrays go to NumPy's own loops where the expression is one ufunc that is exact; everything
else is compiled, and falls back to NumPy calls where it cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.cpu import strided
from rushlight.backends.memory import LARGE, recycle
from rushlight.backends.meta.array import is_meta
from rushlight.backends.quiet import quiet, silent
from rushlight.base import dtypes
from rushlight.base.assign import fit, is_modest
from rushlight.base.first_use import Deferred
from rushlight.expr.expression import Expression, walk
from rushlight.families.exponents import by_exponent, exponent_of

if TYPE_CHECKING:
    from rushlight.backends.cpu import kernels as cpu
    from rushlight.backends.host import scalar as host
else:
    cpu = Deferred("rushlight.backends.cpu.kernels", globals())
    host = Deferred("rushlight.backends.host.scalar", globals())

FLOAT32 = np.dtype(np.float32)
QUOTIENTS = {"floor_div", "trunc_div", "remainder", "fmod"}
# NumPy's float32 kernels of these err by up to 3 units in the last place, ours by hardly more than
# one half; and a number has one logarithm, whatever the size of the array that it stands in.
ROUGH = frozenset("""exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh
                  asinh acosh atanh""".split())
# NumPy's loops of these take ten times as long as machine code, so that few numbers pay, too.
SLOW = frozenset("floor_div fmod hypot remainder".split())

__all__ = ["LARGE", "Kernels", "kernel_for", "number", "tables"]  # LARGE: threads pay from there on


class Kernels(dict[Any, Any]):
    """Kernels of one expression, by the dtype of its operands; made on first use."""

    def __init__(self, root: Expression, names: Sequence[str], large: bool,
                 accepts: Callable[[np.dtype], bool] | None = None) -> None:
        self.root, self.names, self.large, self.accepts = root, tuple(names), large, accepts

    def __missing__(self, dtype: np.dtype) -> Any:
        made = None
        if self.accepts is None or self.accepts(dtype):
            made = kernel_for(self.root, self.names, dtype, self.large)
            place = exponent_of(self.root, self.names)
            if place is not None and dtype.kind != "b":
                made = by_exponent(made, self.root, self.names, place, dtype, lambda root, names:
                                   kernel_for(root, names, dtype, self.large))
            if dtype.kind in "iu":
                made = _refusing_zero(made, self.root, self.names)
            elif dtype in dtypes.HALF_TYPES:
                made = _with_wide_numbers(made, self.root, self.names, dtype, self.large)
        self[dtype] = made
        return made


def tables(root: Expression, names: Sequence[str],
           accepts: Callable[[np.dtype], bool] | None = None) -> tuple[Kernels, Kernels]:
    """The kernels for small and for large arrays."""
    return Kernels(root, names, False, accepts), Kernels(root, names, True, accepts)


def kernel_for(root: Expression, names: Sequence[str], dtype: np.dtype, large: bool,
               wide_names: Sequence[str] = ()) -> Callable[..., np.ndarray]:
    """A function of arrays of `dtype` (truth values for boolean symbols), as a ufunc is.

    wide_names: those that are float32, beside a half type.
    """
    plain = host.kernel(root, names, dtype)
    half = dtype in dtypes.HALF_TYPES
    wide = dtypes.FROM_ARRAY[dtype] in dtypes.STORED  # no machine code for these
    if half and root.name == "nextafter":  # next in its own dtype: float32 has nearer ones
        return silent(np.nextafter)
    rough = (dtype == np.float32 and root.name in ROUGH) or (
        dtype.kind == "f" and root.name in SLOW)
    if isinstance(plain, np.ufunc) and (wide or not (large or half or rough)):
        # Quiet copies know NumPy's own dtypes: others would be computed, and given, in float32.
        return quiet(plain) if dtype.isbuiltin == 1 else silent(plain)
    if wide:
        return plain
    boolean = {str(x.value) for x in walk([root]) if x.name == "symbol" and x.boolean}
    inputs = tuple(np.dtype(np.bool_) if name in boolean else
                   np.dtype(np.float32) if name in wide_names else dtype for name in names)
    output = np.dtype(np.bool_) if root.boolean else dtype
    try:
        compiled = cpu.kernel(root, names, inputs, output)
    except cpu.Unsupported:
        if half:
            return _through_float32(root, names, dtype, large)
        return quiet(plain) if isinstance(plain, np.ufunc) else plain
    return recycling(compiled) if large else compiled


def _refusing_zero(kernel: Callable[..., np.ndarray], root: Expression,
                   names: Sequence[str]) -> Callable[..., np.ndarray]:
    """Integers have no quotient by zero: such a call raises FloatingPointError."""
    divisors = [names.index(str(x.operands[1].value)) for x in walk([root])
                if x.name in QUOTIENTS and x.operands[1].name == "symbol"]
    if not divisors:
        return kernel

    def checked(*arrays: Any, out: Any = ...) -> np.ndarray:
        for i in divisors:
            if not is_meta(arrays[i]) and not arrays[i].all():
                raise FloatingPointError("ZeroDivisionError: division of integers by zero")
        return kernel(*arrays, out=out)

    return checked


def _with_wide_numbers(kernel: Callable[..., np.ndarray], root: Expression, names: Sequence[str],
                       dtype: np.dtype, large: bool) -> Callable[..., np.ndarray]:
    """`kernel` of a half type, but for operands in float32 (see `number_beside`) one that takes
    them as they are: 0.999 in bfloat16 is 1."""
    forms: dict[tuple[str, ...], Callable[..., np.ndarray]] = {}

    def run(*arrays: Any, out: Any = ...) -> np.ndarray:
        wide = tuple([n for n, x in zip(names, arrays) if x.dtype is FLOAT32])
        if not wide:
            return kernel(*arrays, out=out)
        if wide not in forms:
            forms[wide] = kernel_for(root, names, dtype, large, wide)
        return forms[wide](*arrays, out=out)

    return run


def recycling(kernel: np.ufunc) -> Callable[..., np.ndarray]:
    """`kernel` with its large results in recycled memory, and threads for strided operands too."""

    def run(*arrays: Any, out: Any = ...) -> np.ndarray:
        recycle()
        shape = None
        for array in arrays:
            if array.ndim:
                if not array.flags.c_contiguous or (shape is not None and array.shape != shape):
                    return strided.apply(kernel, arrays, out)
                shape = array.shape
        return kernel(*arrays, out=out)

    return run


def _through_float32(root: Expression, names: Sequence[str], dtype: np.dtype,
                     large: bool) -> Callable[..., np.ndarray]:
    """Half types without machine code: computed in float32, with one rounding at the end."""
    inner = kernel_for(root, names, np.dtype(np.float32), large)

    def kernel(*arrays: Any, out: Any = ...) -> np.ndarray:
        wide = (x.astype(np.float32) if x.dtype is dtype else x for x in arrays)
        result = inner(*wide, out=...)
        with np.errstate(all="ignore"):
            narrow = result if result.dtype == np.bool_ else result.astype(dtype)
        if out is ...:
            return narrow
        out[...] = narrow
        return out

    return kernel


def number_beside(op: Any, name: str, value: Any, dtype: np.dtype) -> np.ndarray:
    """A Python number that stands for `name` in a call computed in `dtype`: where torch does not
    round it to a half type, in float32."""
    if op.name in FITTING:
        return fitting(value, dtype)
    whole = dtype in dtypes.HALF_TYPES and (
        op.name not in ROUNDING if name in op.scalars else op.name in WHOLE)
    return number(value, FLOAT32 if whole else dtype)


WHOLE = frozenset(("mul", "div", "floor_divide", "lerp"))  # whose operands are numbers as they are
FITTING = frozenset(("clamp", "where", "_where", "threshold"))  # that do not wrap numbers around
ROUNDING = frozenset(("add", "sub", "rsub"))  # whose alpha is rounded
_numbers: dict[tuple[np.dtype, Any, type], np.ndarray] = {}
NUMBERS_KEPT = 4096


def number(value: Any, dtype: np.dtype) -> np.ndarray:
    """A Python number as a 0-d array of `dtype`; integers wrap around. Do not write to it."""
    kind = type(value)  # part of the key, as True is equal to 1; -0.0 is equal to what is kept
    kept = value or kind is int or (kind is float and math.copysign(1.0, value) > 0)
    if kept:
        try:
            return _numbers[dtype, value, kind]
        except KeyError:
            pass
    if dtype.kind in "iu" and isinstance(value, int):
        bits = 8 * dtype.itemsize
        array = np.array(value & ((1 << bits) - 1), f"u{dtype.itemsize}").view(dtype)
    else:
        with np.errstate(all="ignore"):
            array = np.array(value).astype(dtype)
    if kept and value == value and len(_numbers) < NUMBERS_KEPT:
        _numbers[dtype, value, kind] = array
    return array


def fitting(value: Any, dtype: np.dtype) -> np.ndarray:
    """`number`, but RuntimeError for one that the dtype does not hold."""
    return (number if is_modest(value, dtype.kind) else fit)(value, dtype)
