"""Shapes and joining, with the array API standard's signatures."""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.array_api.data_types import result_type
from rushlight.ops import broadcast_shapes as _broadcast_shapes
from rushlight.tensor import Tensor

Axes = int | tuple[int, ...] | None


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """The tensors in their common shape, as views."""
    return list(ops.broadcast_tensors(*arrays))


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that shapes broadcast to."""
    return tuple(_broadcast_shapes(*shapes))


def broadcast_to(x: Tensor, /, shape: tuple[int, ...]) -> Tensor:
    """`x` in a larger shape, as a view."""
    return ops.broadcast_to(x, shape)


def concat(arrays: Any, /, *, axis: int | None = 0) -> Tensor:
    """Tensors one after another along `axis`, in their common type; None flattens them first."""
    arrays = _in_common(arrays)
    if axis is None:
        return ops.cat([a.reshape(-1) for a in arrays])
    return ops.cat(arrays, axis)


def expand_dims(x: Tensor, /, axis: int = 0) -> Tensor:
    """`x` with a new dimension of size 1 at `axis`, as a view."""
    return ops.unsqueeze(x, axis)


def flip(x: Tensor, /, *, axis: Axes = None) -> Tensor:
    """The elements in reverse order along `axis`; None: along all."""
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return ops.flip(x, axes)


def moveaxis(x: Tensor, source: Any, destination: Any, /) -> Tensor:
    """`x` with dimensions moved to other places, as a view."""
    return ops.movedim(x, source, destination)


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """`x` with its dimensions in another order, as a view."""
    return ops.permute(x, axes)


def repeat(x: Tensor, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each element several times in a row; None flattens first."""
    return ops.repeat_interleave(x, repeats, dim=axis)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The elements in another shape; copy=False raises ValueError where they must be copied."""
    if copy:
        x = x.clone()
    if copy is False:
        try:
            return x.view(shape)
        except RuntimeError as error:
            raise ValueError(f"reshape needs a copy, which copy=False forbids: {error}") from None
    return ops.reshape(x, shape)


def roll(x: Tensor, /, shift: Any, *, axis: Axes = None) -> Tensor:
    """The elements moved on along `axis`, from the end to the start; None: as if flat."""
    return ops.roll(x, shift) if axis is None else ops.roll(x, shift, axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """`x` without the dimensions `axis`, as a view.

    Raises ValueError unless they are of size 1.
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for one in axes:
        if x.shape[one] != 1:
            raise ValueError(f"squeeze: dimension {one} has size {x.shape[one]}, not 1, in shape "
                             f"{tuple(x.shape)}")
    return ops.squeeze(x, axes) if axes else x


def stack(arrays: Any, /, *, axis: int = 0) -> Tensor:
    """Tensors along a new dimension, in their common type."""
    return ops.stack(_in_common(arrays), axis)


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """`x` several times beside itself along each dimension."""
    return ops.tile(x, repetitions)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts of `x` along a dimension, as views."""
    return tuple(ops.unbind(x, axis))


def _in_common(arrays: Any) -> list[Tensor]:
    common = result_type(*arrays)
    return [a.to(common) for a in arrays]
