"""For the tests of programs: whether results agree, and tensors filled with numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.dtypes import dtype as dtype_type
from rushlight.ops import empty, randint
from rushlight.ops import tensor as make
from rushlight.tensor import Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

Message = str | Callable[[str], str] | None

# The relative and the absolute tolerance of a dtype; those that are not here must be equal.
TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5), dtypes.bfloat16: (1.6e-2, 1e-5), dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7), dtypes.complex64: (1.3e-6, 1e-5),
    dtypes.complex128: (1e-7, 1e-7)}


class _Settings:
    """What a comparison was asked for."""

    def __init__(self, rtol: float | None, atol: float | None, equal_nan: bool,
                 allow_subclasses: bool, attributes: list[str]) -> None:
        if (rtol is None) != (atol is None):
            raise ValueError("Both 'rtol' and 'atol' must be either specified or omitted, but got "
                             f"no {'rtol' if rtol is None else 'atol'}.")
        self.rtol, self.atol, self.equal_nan = rtol, atol, equal_nan
        self.allow_subclasses, self.attributes = allow_subclasses, attributes

    def tolerances(self, *kinds: dtype_type) -> tuple[float, float]:
        """Those that were given, or the widest of the dtypes compared."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(kind, (0.0, 0.0)) for kind in kinds]
        return max(r for r, _ in found), max(a for _, a in found)


def assert_close(actual: Any, expected: Any, *, allow_subclasses: bool = True,
                 rtol: float | None = None, atol: float | None = None, equal_nan: bool = False,
                 check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
                 check_stride: bool = False, msg: Message = None) -> None:
    """Check that |actual - expected| <= atol + rtol * |expected|, element by element.

    Tensors, numbers, NumPy arrays, and sequences and mappings of them. Without tolerances those
    of the dtype hold (float32: rtol 1.3e-6, atol 1e-5; integers must be equal). msg: the message
    of the error, or a function that makes it of the usual one. equal_nan: NaN equals NaN.

    Raises AssertionError where they differ, TypeError for what cannot be compared, ValueError
    where only one tolerance is given.

    >>> import rushlight as rl
    >>> rl.testing.assert_close(rl.tensor([1., 2.]), rl.tensor([1., 2.0000001]))
    """
    checked = {"device": check_device, "layout": check_layout, "dtype": check_dtype,
               "stride()": check_stride}
    settings = _Settings(rtol, atol, equal_nan, allow_subclasses,
                         [name for name, wanted in checked.items() if wanted])
    found = _difference(actual, expected, settings, "")
    if found is not None:
        text, place = found
        if place:
            text += f"\n\nThe failure occurred for item {place}"
        raise AssertionError(msg(text) if callable(msg) else text if msg is None else msg)


def assert_allclose(actual: Any, expected: Any, rtol: float | None = None,
                    atol: float | None = None, equal_nan: bool = True, msg: str = "") -> None:
    """`assert_close` under its old name: dtypes may differ, and numbers stand for tensors."""
    actual, expected = (x if isinstance(x, Tensor) else make(x) for x in (actual, expected))
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True,
                 check_dtype=False, msg=msg or None)


Difference = tuple[str, str] | None  # what differs, and where


def _difference(actual: Any, expected: Any, settings: _Settings, place: str) -> Difference:
    if _both(actual, expected, Sequence) and not isinstance(actual, str):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(actual, expected, strict=True))]
    elif _both(actual, expected, Mapping):
        if set(actual) != set(expected):
            missing = sorted(set(expected) - set(actual), key=str)
            additional = sorted(set(actual) - set(expected), key=str)
            return ("The keys of the mappings do not match:\n"
                    f"Missing keys in the actual mapping: {missing}\n"
                    f"Additional keys in the actual mapping: {additional}"), place
        pairs = [(key, actual[key], expected[key]) for key in actual]
    else:
        text = _differing_leaf(actual, expected, settings)
        return None if text is None else (text, place)
    for key, one, other in pairs:
        found = _difference(one, other, settings, f"{place}[{key!r}]")
        if found is not None:
            return found
    return None


def _both(actual: Any, expected: Any, kind: type) -> bool:
    return isinstance(actual, kind) and isinstance(expected, kind)


def _differing_leaf(actual: Any, expected: Any, settings: _Settings) -> str | None:
    if actual is None and expected is None:
        return None
    if _both(actual, expected, bool) or _both(actual, expected, np.bool_):
        same = bool(actual) == bool(expected)
        return None if same else f"Booleans mismatch: {actual} is not {expected}"
    numbers: Any = (int, float, complex, np.number)
    if _both(actual, expected, numbers):
        return _differing_numbers(actual, expected, settings)
    arrays = _both(actual, expected, np.ndarray)
    related = settings.allow_subclasses and (isinstance(actual, type(expected))
                                             or isinstance(expected, type(actual)))
    if arrays or (_both(actual, expected, Tensor) and (related or type(actual) is type(expected))):
        one, other = (make(x) if arrays else x.detach() for x in (actual, expected))
        return _differing_tensors(one, other, settings)
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and "
                    f"{type(expected)}.")


def _differing_numbers(actual: Any, expected: Any, settings: _Settings) -> str | None:
    kinds = [make(value.item() if isinstance(value, np.number) else value,
                  dtype=dtypes.float64 if isinstance(value, float) else None).dtype
             for value in (actual, expected)]
    if kinds[0] != kinds[1] and "dtype" in settings.attributes:
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    rtol, atol = settings.tolerances(*kinds)
    if _close(np.asarray(actual), np.asarray(expected), rtol, atol, settings.equal_nan).all():
        return None
    absolute = abs(actual - expected)
    relative = absolute / abs(expected) if expected else float("inf")
    return _numbers_text(actual, expected, absolute, relative, rtol, atol)


def _numbers_text(actual: Any, expected: Any, absolute: Any, relative: Any, rtol: float,
                  atol: float) -> str:
    equal = not rtol and not atol
    allowed = ("", "") if equal else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    return (f"Scalars are not {'equal' if equal else 'close'}!\n\n"
            f"Expected {expected} but got {actual}.\n"
            f"Absolute difference: {absolute}{allowed[0]}\n"
            f"Relative difference: {relative}{allowed[1]}")


def _differing_tensors(actual: Tensor, expected: Tensor, settings: _Settings) -> str | None:
    for name in ("shape", *settings.attributes):
        own, other = ((getattr(t, name.removesuffix("()"))() if name.endswith("()")
                       else getattr(t, name)) for t in (actual, expected))
        if own != other:
            return f"The values for attribute '{name}' do not match: {own} != {other}."
    rtol, atol = settings.tolerances(actual.dtype, expected.dtype)
    one, other = _comparable(actual), _comparable(expected)
    if actual.dtype != expected.dtype:
        kind = np.result_type(one, other)
        one, other = one.astype(kind), other.astype(kind)
    close = _close(one, other, rtol, atol, settings.equal_nan)
    if close.all():
        return None
    return _tensors_text(one, other, close, rtol, atol)


def _comparable(tensor: Tensor) -> np.ndarray:
    """The elements in a type in which differences neither wrap nor lose digits."""
    array = tensor.numpy(force=True)
    if array.dtype.kind in "biu":
        return array.astype(object if array.dtype == np.uint64 else np.int64)
    return array if array.dtype.kind in "fc" and array.dtype.itemsize > 2 else array.astype("f4")


def _close(actual: Any, expected: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    with np.errstate(all="ignore"):
        if not rtol and not atol and actual.dtype.kind not in "fc":
            return np.asarray(actual == expected)
        close = np.isclose(actual, expected, rtol, atol, equal_nan)
    return np.asarray(close)


def _tensors_text(actual: Any, expected: Any, close: Any, rtol: float, atol: float) -> str:
    with np.errstate(all="ignore"):
        difference = np.asarray(abs(actual - expected))
        relative = np.asarray(difference / abs(expected))
    wrong = ~close
    first, second = ((np.where(wrong, values, 0).astype(kind)) for values, kind in (
        (difference, difference.dtype), (relative, relative.dtype)))
    equal = not rtol and not atol
    if not actual.ndim:
        return _numbers_text(actual.item(), expected.item(), first.item(), second.item(), rtol,
                             atol)
    lines = [f"Tensor-likes are not {'equal' if equal else 'close'}!", "",
             f"Mismatched elements: {wrong.sum()} / {wrong.size} ({wrong.mean():.1%})"]
    for name, values, allowed in (("absolute", first, atol), ("relative", second, rtol)):
        place = np.unravel_index(int(values.argmax()), values.shape)
        lines.append(f"Greatest {name} difference: {values[place].item()} at index "
                     f"({', '.join(map(str, map(int, place)))}{',' if len(place) == 1 else ''})"
                     + ("" if equal else f" (up to {allowed} allowed)"))
    return "\n".join(lines)


def make_tensor(*shape: Any, dtype: dtype_type, device: Any, low: float | None = None,
                high: float | None = None, requires_grad: bool = False,
                noncontiguous: bool = False, exclude_zero: bool = False,
                memory_format: Any = None) -> Tensor:
    """A tensor of numbers drawn uniformly from [low, high), by default from -9 to 9.

    exclude_zero: zeros become the smallest normal number, or 1. noncontiguous: every other
    element of a larger tensor. Raises ValueError for an empty range or both of `noncontiguous`
    and `memory_format`.

    >>> import rushlight as rl
    >>> rl.testing.make_tensor(2, 3, dtype=rl.int64, device="cpu").shape
    torch.Size([2, 3])
    """
    if noncontiguous and memory_format is not None:
        raise ValueError("The parameters `noncontiguous` and `memory_format` are mutually "
                         f"exclusive, but got {noncontiguous=} and {memory_format=}")
    size = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    doubled = noncontiguous and prod(size) > 1
    drawn = (*size[:-1], 2 * size[-1]) if doubled else size
    result = _drawn(drawn, dtype, device, *_range(dtype, low, high))
    if doubled:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.contiguous(memory_format=memory_format)
    if exclude_zero:
        smallest = 1 if dtype.category < 2 else dtypes.finfo(dtype).tiny
        result[result == 0] = smallest
    return result.requires_grad_(requires_grad) if requires_grad else result


def _range(dtype: dtype_type, low: float | None, high: float | None) -> tuple[Any, Any]:
    """Where numbers of a dtype are drawn from."""
    if dtype is dtypes.bool_:
        usual = (0, 2)
    elif dtype.category == 1:
        usual = (-9 if dtype.is_signed else 0, 10)
    else:
        usual = (-9, 9)
    low, high = (usual[0] if low is None else low), (usual[1] if high is None else high)
    if not low <= high:
        raise ValueError(f"make_tensor: the range from {low=} to {high=} is empty")
    if dtype.category < 2:  # what the dtype holds of the range
        limits = (0, 2) if dtype is dtypes.bool_ else (dtypes.iinfo(dtype).min,
                                                       dtypes.iinfo(dtype).max)
        low, high = max(low, limits[0]), min(high, limits[1])
    return low, high


def _drawn(size: tuple[int, ...], dtype: dtype_type, device: Any, low: Any, high: Any) -> Tensor:
    if dtype.category < 2:
        return randint(int(np.ceil(low)), int(np.ceil(high)), size, device=device, dtype=dtype)
    if not dtype.is_complex:
        return empty(size, dtype=dtype, device=device).uniform_(low, high)
    made = empty(size, dtype=dtype, device=device)
    made.view(dtype.to_real()).uniform_(low, high) if made.ndim else \
        made.reshape(1).view(dtype.to_real()).uniform_(low, high)
    return made
