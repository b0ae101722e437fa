"""What all pooling ops share: their windows, the checks on them, and ops made per dimension.

Pooling works on (channels, *space) or (batch, channels, *space); kernels see (planes, *space).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.channels_last import is_last
from rushlight.backends.copies import contiguous
from rushlight.backends.host.pooling import Windows, extents
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.tensor import Tensor

Array = np.ndarray
Option = Any
Ints = tuple[int, ...]
Numbers = int | Sequence[int]

_WORDS = {1: "one int", 2: "two ints", 3: "three ints"}


def planes(x: Array, space: int) -> Array:
    """(..., *space) with all leading dimensions folded into one."""
    if not x.flags.c_contiguous:
        x = contiguous(x)
    return x.reshape(prod(x.shape[:-space]), *x.shape[x.ndim - space:])


def follows(x: Array, space: int) -> bool:
    """Whether results have their channels last because `x` has them there."""
    return space > 1 and x.ndim == space + 2 and is_last(x)


def per_dimension(cls: Any, node: str) -> dict[int, Any]:
    """The library op `cls` for 1, 2 and 3 dimensions, alike but for the name in the graph.

    node: that name, with {} for the number of dimensions.
    """
    found = {}
    for n in (1, 2, 3):
        found[n] = library("")(type(f"{cls.__name__}{n}d", (cls,), {
            "__module__": cls.__module__, "node": node.format(n)}))
    return found


def numbers(op: str, name: str, value: Any, space: int) -> Ints:
    """One number a spatial dimension, from one number or as many."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return (int(value),) * space
    try:
        found = tuple(int(v.__index__()) for v in value)
    except (TypeError, AttributeError):
        raise TypeError(f"{op}(): argument '{name}' must be an int or a tuple of {space} ints, "
                        f"not {value!r}") from None
    if len(found) == 1:
        return found * space
    if len(found) != space:
        if space == 1:
            raise RuntimeError(f"{op}() argument '{name}' should contain one int "
                               f"(got {len(found)})")
        raise RuntimeError(f"{op}: {name} must either be a single int, or a tuple of "
                           f"{_WORDS[space]}: got {list(found)}")
    return found


# What was checked once need not be checked again: a network calls with the same shapes for ever.
_known: dict[Any, Windows] = {}


def windows_of(op: str, input: Tensor, size: Any, stride: Any, padding: Any, dilation: Any,
               ceil_mode: bool, space: int) -> Windows:
    """The windows of a pooling, once everything fits together; else torch's errors."""
    x = input._array
    key = (op, x.shape, x.dtype, _hashable(size), _hashable(stride), _hashable(padding),
           _hashable(dilation), ceil_mode)
    found = _known.get(key)
    if found is None:
        if len(_known) >= 4096:
            _known.clear()
        found = _known[key] = _windows(op, x, size, stride, padding, dilation, ceil_mode, space)
    return found


def _hashable(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


def _windows(op: str, x: Array, size: Any, stride: Any, padding: Any, dilation: Any,
             ceil_mode: bool, space: int) -> Windows:
    size = numbers(op, "kernel_size", size, space)
    empty = stride is None or (not isinstance(stride, int) and len(stride) == 0)
    steps = size if empty else numbers(op, "stride", stride, space)
    padding = numbers(op, "padding", padding, space)
    dilation = numbers(op, "dilation", dilation, space)
    check_input(op, x, space)
    _check_numbers(op, size, steps, padding, dilation)
    out = extents(x.shape[-space:], size, steps, padding, dilation, bool(ceil_mode))
    if min(out) < 1:
        if op == "max_pool1d":
            raise RuntimeError(f"max_pool1d() Invalid computed output size: {max(out[0], 0)} for "
                               f"length {x.shape[-1]} and kernel_size {size[0]}")
        channels = x.shape[-space - 1]
        raise RuntimeError(
            f"Given input size: ({_by(channels, *x.shape[-space:])}). Calculated output size: "
            f"({_by(channels, *(max(o, 0) for o in out))}). Output size is too small: {op} with "
            f"kernel_size {list(size)}, stride {list(steps)}, padding {list(padding)}")
    return Windows(size, steps, padding, dilation, out)


def _by(*values: int) -> str:
    return "x".join(map(str, values))


def check_input(op: str, x: Array, space: int) -> None:
    """Dimensions, extents and dtype that a pooling takes."""
    unbatched, batched = space + 1, space + 2
    if x.ndim not in (unbatched, batched):
        if space == 1:
            raise RuntimeError(f"{op}: Expected 2D or 3D (batch mode) tensor with optional 0 dim "
                               f"batch size for input, but got:{list(x.shape)}")
        raise RuntimeError(f"non-empty {unbatched}D or {batched}D (batch mode) tensor expected for "
                           f"input: {op} got one of shape {list(x.shape)}")
    if 0 in x.shape[x.ndim - unbatched:]:
        raise RuntimeError(f"Expected {unbatched}D or {batched}D (batch mode) tensor with optional "
                           f"0 dim batch size for input, but got:{list(x.shape)}")
    if x.dtype.kind in "bc":
        raise NotImplementedError(f'"{op}" not implemented for \'{title(x.dtype)}\'; convert the '
                                  "input with .to(dtype)")


def _check_numbers(op: str, size: Ints, stride: Ints, padding: Ints, dilation: Ints) -> None:
    if op == "max_pool1d":
        _check_sequence(size[0], stride[0], padding[0])
    if min(stride) <= 0:
        raise RuntimeError(f"stride should not be zero or negative: {op} got {list(stride)}"
                           if min(stride) else f"stride should not be zero: {op} got "
                           f"{list(stride)}")
    if min(size) <= 0:
        raise RuntimeError("kernel size should be greater than zero, but got "
                           f"kernel_size {list(size)} in {op}")
    if min(dilation) <= 0 and op == "max_pool1d":
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got "
                           f"{dilation[0]}")
    if min(dilation) <= 0:
        raise RuntimeError("dilation should be greater than zero, but got dilation "
                           f"{list(dilation)} in {op}")
    for k, p, d in zip(size, padding, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p} in {op}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError("pad should be at most half of effective kernel size, but got "
                               f"pad={p}, kernel_size={k} and dilation={d} in {op}")


def _check_sequence(size: int, stride: int, padding: int) -> None:
    """The words that max_pool1d has of its own."""
    for name, value in (("kernel_size", size), ("stride", stride)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {padding}")
    if padding > size // 2:
        raise RuntimeError("max_pool1d() padding should be at most half of kernel size, but got "
                           f"padding={padding} and kernel_size={size}")
