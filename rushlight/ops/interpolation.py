"""Changing the resolution: nearest, linear, cubic and area interpolation of any dimension.

Every mode works along one spatial dimension after the other: the result is a weighted sum of a
few selected slices, or a product with a matrix where the windows are wide (antialiasing).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.channels_last import BACK, ORDER, is_last
from rushlight.backends.host.byte_resize import resized
from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.node_names import named
from rushlight.families.rounded_once import is_half, rounded_once
from rushlight.ops import adaptive_pooling
from rushlight.ops.index_select import index_select
from rushlight.ops.matmul import matmul
from rushlight.tensor import Tensor, wrap

# The dimensions that a mode needs.
LINEAR_MODES = {"linear": 3, "bilinear": 4, "trilinear": 5, "bicubic": 4, "lanczos": 4}
MODES = "nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact"
Numbers = Sequence[float] | float | None


class Grid(NamedTuple):
    """One dimension's sizes, and the step in the input for a step in the output."""

    size: int
    output: int
    scale: float
    align_corners: bool


@function("nn.functional.interpolate", samples=lambda x: [
    (x(1, 2, 3), 5),
    (x(1, 1, 2, 3), {"scale_factor": 2, "mode": "bilinear", "align_corners": False}),
    (x(1, 1, 4, 3), (2, 4), {"mode": "bicubic"}),
    (x(1, 1, 2, 2, 2), {"scale_factor": 1.5, "mode": "trilinear", "align_corners": True}),
    (x(1, 1, 4), 3, {"mode": "area"}), (x(1, 1, 4), 3, {"mode": "linear"}),
    (x(1, 1, 5), 3, {"mode": "nearest-exact"}),
    (x(1, 1, 4, 5), (2, 3), {"mode": "bilinear", "antialias": True})])
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Numbers = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample (N, C, *space) to ``size``, or to its size times ``scale_factor``.

    Args:
        size, scale_factor: one number, or one for each of 1 to 3 spatial dimensions.
        mode: "nearest", "nearest-exact", "linear" (3-d input), "bilinear" and "bicubic" (4-d),
            "trilinear" (5-d), "area".
        align_corners: the first and last elements of input and output lie at the same places.
        recompute_scale_factor: forget scale_factor once the size is known.
        antialias: bilinear and bicubic, when reducing, average over all that an element covers;
            so does "lanczos" (4-d), which is for this alone.

    Returns a new tensor. Raises ValueError, NotImplementedError for what does not fit together.

    >>> import rushlight as rl
    >>> x = rl.tensor([[[1., 3.]]])
    >>> rl.nn.functional.interpolate(x, 4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    _check_mode(mode, align_corners, antialias)
    if is_half(input) and mode in LINEAR_MODES:
        return rounded_once(  # type: ignore[no-any-return]
            lambda x: interpolate(x, size, scale_factor, mode, align_corners,
                                  recompute_scale_factor, antialias), input)
    space = tuple(input.shape[2:])
    size, factors = _sizes(space, size, scale_factor, recompute_scale_factor)
    _check_input(input, mode, antialias)
    if min(space) <= 0 or min(size) <= 0:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input "
            f"{list(space)} output {list(size)}"
        )
    if mode == "area":
        return getattr(adaptive_pooling, f"adaptive_avg_pool{len(space)}d")(input, size)
    last = is_last(input._array)
    if input.dtype is dtypes.uint8 and LINEAR_MODES.get(mode) == 4:
        return _of_bytes(input, size, factors, mode, bool(align_corners), antialias)
    if last:  # seen in the order of memory it is row-major, and so is what is made of it
        input = input.permute(ORDER[input.ndim])
    for dim, (n, m, factor) in enumerate(zip(space, size, factors, strict=True), 1 if last else 2):
        corners = bool(align_corners)
        grid = Grid(n, m, _scale(n, m, factor, corners), corners)
        if mode in ("nearest", "nearest-exact"):
            input = index_select(input, dim, wrap(_nearest(grid, mode)))
        elif antialias:
            input = _through_matrix(input, dim, _antialias_matrix(grid, mode))
        else:
            taps = _cubic(grid) if mode == "bicubic" else _linear(grid)
            input = _weighted_sum(input, dim, taps)
    result = input.permute(BACK[input.ndim]) if last else input
    return named(result, _node_name(mode, len(space), antialias))  # type: ignore[no-any-return]


def _of_bytes(input: Tensor, output: Sequence[int], factors: Sequence[float | None], mode: str,
              corners: bool, antialias: bool) -> Tensor:
    """Images of bytes: rows first, then columns, each rounded."""
    images = input._array
    if is_meta(images):
        return input.new_empty((*input.shape[:2], *output))  # type: ignore[attr-defined]
    for dim in (3, 2):
        n, m = images.shape[dim], output[dim - 2]
        if n != m:
            grid = Grid(n, m, _scale(n, m, factors[dim - 2], corners), corners)
            images = resized(images, dim, _antialias_matrix(grid, mode) if antialias else
                             _matrix(grid, _cubic(grid) if mode == "bicubic" else _linear(grid)))
    order = (0, 2, 3, 1) if is_last(input._array) else (0, 1, 2, 3)
    dense = np.array(images.transpose(order), order="C")
    return wrap(dense.transpose(np.argsort(order)))


def _matrix(grid: Grid, taps: Taps) -> np.ndarray:
    """(output, size): the weights of a few slices."""
    matrix = np.zeros((grid.output, grid.size))
    for index, weight in taps:
        np.add.at(matrix, (np.arange(grid.output), index), weight)
    return matrix


def _node_name(mode: str, dims: int, antialias: bool) -> str:
    """Such as UpsampleBilinear2D."""
    word = "".join(part.capitalize() for part in mode.split("-"))
    return f"Upsample{word}{dims}D{'Aa' if antialias else ''}"


@function("nn.functional.upsample", samples=lambda x: [(x(1, 2, 3), 5)])
def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Numbers = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of ``interpolate``.

    >>> import rushlight as rl
    >>> rl.nn.functional.upsample(rl.ones(1, 1, 2), scale_factor=2).shape
    torch.Size([1, 1, 4])
    """
    deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def deprecated(name: str) -> None:
    """Warn the caller's caller that `interpolate` has taken this function's place."""
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
                  UserWarning, stacklevel=3)


def _check_mode(mode: str, align_corners: bool | None, antialias: bool) -> None:
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")


def _check_input(input: Tensor, mode: str, antialias: bool) -> None:
    if antialias and not (mode in KERNELS and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires "
            "a 4-D tensor as input"
        )
    known = mode in LINEAR_MODES or mode in ("nearest", "nearest-exact", "area")
    flat_only = mode in ("bicubic", "lanczos")
    if not known or input.dim() not in ((4,) if flat_only else (3, 4, 5)):
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors supported "
            f"(got {input.dim()}D) for the modes: {MODES} (got {mode})"
        )
    if mode in LINEAR_MODES and input.dim() != LINEAR_MODES[mode]:
        raise NotImplementedError(
            f"Got {input.dim()}D input, but {mode} mode needs {LINEAR_MODES[mode]}D input"
        )
    if mode.startswith("nearest") and input.dtype.category < 2 and input.dtype is not dtypes.uint8:
        name = ("upsample_nearest2d_channels_last" if input.dim() == 4 else
                "compute_indices_weights_nearest")
        raise NotImplementedError(f"\"{name}\" not implemented for '{title(input.dtype)}': convert "
                                  "the input with .float()")
    of_bytes = input.dtype is dtypes.uint8 and LINEAR_MODES.get(mode) == 4
    if mode in LINEAR_MODES and not input.is_floating_point() and not of_bytes:
        raise NotImplementedError(
            f"{mode} interpolation is not implemented for {input.dtype}: convert with .float()"
        )


def _sizes(
    space: tuple[int, ...], size: Any, scale_factor: Numbers, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The output's sizes, and the factors that determine the places (None: from the sizes)."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        sizes = _one_each(size, space, "output", "output size of")
        if any(isinstance(each, float) for each in sizes):
            raise TypeError("expected size to be one of int or Tuple[int] or Tuple[int, int] or "
                            "Tuple[int, int, int], but got size with types "
                            f"{[type(each) for each in sizes]}")
        return tuple(int(each) for each in sizes), (None,) * len(space)
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = _one_each(scale_factor, space, "scale_factor", "scale_factor of shape")
    sizes = tuple(math.floor(n * f) for n, f in zip(space, factors, strict=True))
    return sizes, (None,) * len(space) if recompute else factors


def _one_each(value: Any, space: tuple[int, ...], what: str, shown: str) -> tuple:
    if isinstance(value, str):
        raise TypeError(f"interpolate(): {what} must be numbers, not str")
    if isinstance(value, int | float):
        return (value,) * len(space)
    if len(value) != len(space):
        raise ValueError(
            f"Input and {what} must have the same number of spatial dimensions, but got input "
            f"with spatial dimensions of {list(space)} and {shown} {tuple(value)}."
        )
    return tuple(value)


def _scale(size: int, output: int, factor: float | None, align_corners: bool) -> float:
    if align_corners:
        return (size - 1) / (output - 1) if output > 1 else 0.0
    return 1.0 / factor if factor else size / output


def _nearest(grid: Grid, mode: str) -> np.ndarray:
    offset = np.float32(0.5 if mode == "nearest-exact" else 0.0)
    places = (np.arange(grid.output, dtype=np.float32) + offset) * np.float32(grid.scale)
    return np.minimum(np.floor(places).astype(np.int64), grid.size - 1)


Taps = list[tuple[np.ndarray, np.ndarray]]  # (index of the slice, weight) for each output element


def _source(grid: Grid) -> np.ndarray:
    places = np.arange(grid.output, dtype=np.float64)
    if grid.align_corners:
        return places * grid.scale
    return (places + 0.5) * grid.scale - 0.5


def _linear(grid: Grid) -> Taps:
    source = np.maximum(_source(grid), 0.0)
    first = np.minimum(np.floor(source).astype(np.int64), grid.size - 1)
    part = source - first
    return [(first, 1.0 - part), (np.minimum(first + 1, grid.size - 1), part)]


def _cubic(grid: Grid) -> Taps:
    source = _source(grid)
    first = np.floor(source).astype(np.int64)
    part = source - first
    return [
        (np.clip(first + k, 0, grid.size - 1), _keys(np.abs(part - k), -0.75)) for k in range(-1, 3)
    ]


def _keys(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution kernel at distances x (Keys, 1981)."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _weighted_sum(input: Tensor, dim: int, taps: Taps) -> Tensor:
    shape = [1] * input.dim()
    shape[dim] = -1
    total: Any = None
    for index, weight in taps:
        factor = wrap(weight.reshape(shape)).to(input.dtype)
        term = index_select(input, dim, wrap(index)) * factor
        total = term if total is None else total + term
    return total


KERNELS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, lambda x: np.maximum(1.0 - x, 0.0)),
    "bicubic": (2, lambda x: _keys(x, -0.5)),
    "lanczos": (3, lambda x: np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0.0)),
}


def _antialias_matrix(grid: Grid, mode: str) -> np.ndarray:
    """(output, size): the kernel, stretched over what an output element covers, normalised."""
    reach, kernel = KERNELS[mode]
    stretch = max(grid.scale, 1.0)
    matrix = np.zeros((grid.output, grid.size))
    for place in range(grid.output):
        centre = grid.scale * (place + 0.5)
        start = max(int(centre - reach * stretch + 0.5), 0)
        stop = min(int(centre + reach * stretch + 0.5), grid.size)
        weights = kernel(np.abs((np.arange(start, stop) - centre + 0.5) / stretch))
        matrix[place, start:stop] = weights / weights.sum()
    return matrix


def _through_matrix(input: Tensor, dim: int, matrix: np.ndarray) -> Tensor:
    weights = wrap(np.ascontiguousarray(matrix.T)).to(input.dtype)
    return matmul(input.transpose(dim, -1), weights).transpose(dim, -1).contiguous()
