"""Padding: elements added around the last dimensions, or cut off by negative amounts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.backends.channels_last import BACK, ORDER, empty, is_last
from rushlight.backends.copies import assign
from rushlight.backends.memory import recycle
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.assign import fit
from rushlight.base.errors import operands, type_name
from rushlight.families.composite import function
from rushlight.families.library import library
from rushlight.families.node_names import named
from rushlight.ops.index_select import index_select
from rushlight.tensor import Tensor, wrap

LARGE = 1 << 14  # elements from which on borders are worth a pass of their own
Sides = tuple[tuple[int, int], ...]  # (before, after) of the last dimensions, the last one first


@library("")
class constant_pad:  # noqa: N801 - an op
    """``input`` with ``value`` around it; its gradient is cut by the same amounts."""

    def forward(input, sides=(), value=0.0):
        value = fit(value, input.dtype)
        fits, sizes, source, target, around = _plan(tuple(input.shape), sides)
        if not fits:
            raise RuntimeError(
                f"narrow(): length must be non-negative: padding {_flat(sides)} of "
                f"{operands(input=input)} would cut off more than there is"
            )
        if is_meta(input):
            return MetaArray(sizes, input.dtype)
        if input.size < LARGE:
            result = empty(sizes, input.dtype, is_last(input))
            result.fill(value)
            result[target] = input[source]
            return result
        recycle()
        result = empty(sizes, input.dtype, is_last(input))
        for border in around:
            result[border] = value
        assign(result[target], input[source])
        return result

    def backward(gradient, sides):
        return constant_pad(gradient, tuple((-before, -after) for before, after in sides))


Slices = tuple[slice, ...]


@lru_cache(maxsize=1024)
def _plan(shape: tuple[int, ...], sides: Sides
          ) -> tuple[bool, tuple[int, ...], Slices, Slices, list[Slices]]:
    """Whether there is as much as is cut off, the result's shape, what is read of the input, where
    it goes, and the borders around it."""
    sizes, around, fits = list(shape), [], True
    target, source = [slice(None)] * len(shape), [slice(None)] * len(shape)
    for dim, (before, after) in zip(reversed(range(len(shape))), sides, strict=False):
        length = shape[dim]
        sizes[dim] = length + before + after
        source[dim] = slice(max(-before, 0), length + min(after, 0))
        fits = fits and sizes[dim] >= 0 and source[dim].stop >= source[dim].start
        target[dim] = slice(max(before, 0), sizes[dim] - max(after, 0))
    for dim, inside in enumerate(target):  # outer borders whole, those of rows between them
        if inside != slice(None):
            around += [(*target[:dim], slice(0, inside.start)),
                       (*target[:dim], slice(max(inside.stop, 0), None))]
    return fits, tuple(sizes), tuple(source), tuple(target), around


def _flat(sides: Sides) -> tuple[int, ...]:
    return tuple(amount for pair in sides for amount in pair)


@function("constant_pad_nd", samples=lambda x: [(x(2, 3), (1, 2)), (x(2, 3), (-1, 1, 1, 0), 0.5)])
def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """``nn.functional.pad`` with mode "constant".

    >>> import rushlight as rl
    >>> rl.constant_pad_nd(rl.ones(2), (1, 0), 5)
    tensor([5., 1., 1.])
    """
    return constant_pad(input, _pairs(pad, input.dim()), value)


def _pairs(pad: Sequence[int], dims: int) -> Sides:
    if not isinstance(pad, Sequence | Tensor) or isinstance(pad, str):
        raise TypeError("pad(): argument 'pad' (position 2) must be tuple of ints, not "
                        f"{type_name(pad)}")
    for place, amount in enumerate(pad):
        if isinstance(amount, float | str):
            raise TypeError("pad(): argument 'pad' (position 2) must be tuple of ints, but found "
                            f"element of type {type_name(amount)} at pos {place}")
    amounts = [int(amount) for amount in pad]
    if len(amounts) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, got {len(amounts)}")
    if len(amounts) > 2 * dims:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but "
            f"got padding length {len(amounts)} and input of dimension {dims}"
        )
    return tuple(zip(amounts[::2], amounts[1::2], strict=True))


@function("nn.functional.pad", samples=lambda x: [
    (x(2, 3), (1, 2), {"value": 0.5}), (x(1, 2, 3), (2, 1), "reflect"),
    (x(1, 2, 3), (2, 1), "replicate"), (x(1, 2, 3), (1, 2), "circular"),
    (x(1, 1, 2, 3), (1, 1, 1, 0), "reflect")])
def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Return ``input`` extended at both ends of its last dimensions.

    Args:
        pad: (left, right) of the last dimension, then of the one before it, and so on; negative
            amounts cut off.
        mode: "constant" with ``value`` (0 if None), "reflect" (mirrored at the edge, which is not
            repeated), "replicate" (the edge repeated), "circular" (from the other end).

    The modes but "constant" extend the last 1, 2 or 3 dimensions of an input with one or two
    more. Raises NotImplementedError otherwise, RuntimeError for amounts that do not fit.

    >>> import rushlight as rl
    >>> rl.nn.functional.pad(rl.tensor([[1, 2, 3]]), (2, 1), "reflect")
    tensor([[3, 2, 1, 2, 3, 2]])
    """
    if mode == "constant":
        return constant_pad(input, _pairs(pad, input.dim()), 0 if value is None else value)
    if mode not in EXTENSIONS:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}; choose constant, reflect, replicate or circular"
        )
    sides = _pairs(pad, input.dim())
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if len(sides) not in (1, 2, 3) or input.dim() - len(sides) not in (1, 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.dim()}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    last = mode != "circular" and input.dim() == len(sides) + 2 and is_last(input._array)
    if last:  # seen in the order of memory it is row-major, and so is what is made of it
        input = input.permute(ORDER[input.dim()])
    for number, (before, after) in enumerate(sides, 2 if last else 1):
        if before or after:
            dim = input.dim() - number
            if input.size(dim) + before + after < 0:
                raise _too_small(input.shape[-len(sides):], sides, mode)
            index = EXTENSIONS[mode](input.shape, dim, before, after)
            input = index_select(input, dim, wrap(index))
    result = input.permute(BACK[input.dim()]) if last else input
    if mode == "circular" or not any(map(any, sides)):
        return result
    word = "Reflection" if mode == "reflect" else "Replication"
    return named(result, f"{word}Pad{len(sides)}D")  # type: ignore[no-any-return]


def _too_small(space: Sequence[int], sides: Sides, mode: str) -> RuntimeError:
    if mode == "circular":
        return RuntimeError("Negative padding value is resulting in an empty dimension: "
                            f"{_flat(sides)} of {list(space)}")
    left = [size + sum(pair) for size, pair in zip(space, reversed(sides), strict=True)]
    letters = "DHW"[-len(left):]
    found, wanted = ([f"{letter}: {n}" for letter, n in zip(letters, sizes, strict=True)]
                     for sizes in (space, left))
    return RuntimeError(f"input ({', '.join(found)}) is too small. Calculated output "
                        f"{' '.join(wanted)}")


def _places(size: int, before: int, after: int) -> np.ndarray:
    """Where the result's elements along a dimension stand, seen from the input's first one."""
    return np.arange(-before, size + after)


def _reflect(shape: Sequence[int], dim: int, before: int, after: int) -> np.ndarray:
    size = shape[dim]
    if before >= size or after >= size:
        raise RuntimeError(
            f"Argument #{2 + 2 * (len(shape) - dim)}: Padding size should be less than the "
            "corresponding input dimension, but got: "
            f"padding ({before}, {after}) at dimension {dim} of input {list(shape)}"
        )
    return size - 1 - np.abs(size - 1 - np.abs(_places(size, before, after)))


def _replicate(shape: Sequence[int], dim: int, before: int, after: int) -> np.ndarray:
    size = shape[dim]
    if not size:
        raise RuntimeError(
            f"Expected a non-zero size of the dimension {dim} to replicate, got {list(shape)}"
        )
    return np.clip(_places(size, before, after), 0, size - 1)


def _circular(shape: Sequence[int], dim: int, before: int, after: int) -> np.ndarray:
    size = shape[dim]
    if before > size or after > size:
        raise RuntimeError(
            "Padding value causes wrapping around more than once: "
            f"padding ({before}, {after}) at dimension {dim} of input {list(shape)}"
        )
    # Negative amounts are cut off first: what is left is what repeats.
    start = max(-before, 0)
    left = size - start - max(-after, 0)
    return start + _places(left, max(before, 0), max(after, 0)) % max(left, 1)


EXTENSIONS: dict[str, Any] = {
    "reflect": _reflect,
    "replicate": _replicate,
    "circular": _circular,
}
