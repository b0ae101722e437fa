"""Images sampled at any places: affine_grid and grid_sample (Jaderberg et al., 2015)."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.node_names import named
from rushlight.ops.matmul import matmul
from rushlight.ops.selection import where
from rushlight.tensor import Tensor, wrap

BICUBIC_A = -0.75


@function("nn.functional.affine_grid", samples=lambda x: [
    (x(1, 2, 3), (1, 1, 2, 3), False), (x(1, 3, 4), (1, 1, 2, 2, 2), True)])
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places, in [-1, 1], that an affine map sends an image's elements to.

    Args:
        theta: (N, 2, 3), or (N, 3, 4) for volumes.
        size: of the image, (N, C, H, W) or (N, C, D, H, W).
        align_corners: -1 and 1 are the middles of the corner elements, not their outer edges.

    Returns a new tensor (N, *space, 2 or 3), x first.

    >>> import rushlight as rl
    >>> rl.nn.functional.affine_grid(rl.eye(2, 3)[None], (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    space = tuple(size[2:])
    n = len(space)
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {tuple(size)}."
        )
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size "
            f"{tuple(size)}. Got {theta.shape}."
        )
    if theta.size(0) != size[0]:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{size[0]}, {n + 1}] but got: [{theta.size(0)}, {n + 1}]: theta and "
                           "size are of one batch")
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    _warn_default(align_corners)
    if theta._array.itemsize > 4:
        axes = [_wide_axis(length, bool(align_corners)) for length in space]
    else:
        axes = [_axis(length, bool(align_corners)) for length in space]
    mesh = np.meshgrid(*axes, indexing="ij")
    places = np.stack([*reversed(mesh), np.ones(space)], -1)  # (*space, n + 1), x first
    base = wrap(places.reshape(1, -1, n + 1)).to(theta.dtype)
    found = matmul(base, theta.transpose(1, 2)).reshape(theta.size(0), *space, n)
    return named(found, "AffineGridGenerator")  # type: ignore[no-any-return]


def _axis(length: int, align_corners: bool) -> np.ndarray:
    """Places along a dimension, to the bit as torch has them in float32.

    Under the identity they are the middles of elements, where the gradient of sampling jumps: a
    last digit decides which side it takes. So: steps of float32, from the nearer end, rounded once.
    """
    if length == 1:
        return np.zeros(1)
    step = float(np.float32(2) / np.float32(length - 1))
    index = np.arange(length)
    axis = np.where(index < length // 2, index * step - 1, 1 - (length - 1 - index) * step)
    single = axis.astype(np.float32)
    if align_corners:
        return single
    return single * np.float32(length - 1) / np.float32(length)


def _wide_axis(length: int, align_corners: bool) -> np.ndarray:
    if length == 1:
        return np.zeros(1)
    axis = np.linspace(-1.0, 1.0, length)
    return axis if align_corners else axis * (length - 1) / length


def _warn_default(align_corners: bool | None) -> None:
    if align_corners is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
            "1.3.0. Please specify align_corners=True if the old behavior is desired.",
            stacklevel=3,
        )


@function("nn.functional.grid_sample", samples=lambda x: [
    (x(1, 1, 3, 3), x(1, 2, 2, 2, low=-0.9, high=0.9), "bilinear", "zeros", False),
    (x(1, 1, 3, 3), x(1, 2, 2, 2), "nearest", "border", True),
    (x(1, 1, 4, 4), x(1, 1, 2, 2, low=-0.9, high=0.9), "bicubic", "reflection", False),
    (x(1, 1, 2, 2, 2), x(1, 1, 1, 2, 3, low=-0.9, high=0.9), {"align_corners": True})])
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Interpolate an image at the places that ``grid`` names.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, *places, 2 or 3), x first; -1 and 1 are the image's edges.
        mode: "bilinear" (also of volumes), "nearest", "bicubic" (images only).
        padding_mode: outside the image are "zeros", its "border", or its "reflection".
        align_corners: as ``affine_grid``.

    Returns a new tensor (N, C, *places); gradients flow to both.

    >>> import rushlight as rl
    >>> x = rl.tensor([[[[0., 1.], [2., 3.]]]])
    >>> rl.nn.functional.grid_sample(x, rl.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[1.5000]]]])
    """
    _check(input, grid, mode, padding_mode)
    _warn_default(align_corners)
    corners = bool(align_corners)
    sizes = tuple(input.shape[2:])
    places = [  # one tensor (N, *places) for each spatial dimension of the input, outermost first
        _unnormalized(grid[..., axis], size, corners)
        for axis, size in zip(reversed(range(len(sizes))), sizes, strict=True)
    ]
    if mode != "bicubic":
        places = [_inside(p, n, padding_mode, corners) for p, n in zip(places, sizes, strict=True)]
    if mode == "nearest":
        found = _gather(input, [place.detach().round() for place in places])
        if not grid.requires_grad:
            return named(found, f"GridSampler{len(sizes)}D")  # type: ignore[no-any-return]
        # Steps do not depend on the places: the grid's gradient is zeros, not none at all.
        still = grid.new_ones(grid.shape[:-1], dtype=bool)
        found = found + grid[..., 0].masked_fill(still, 0).unsqueeze(1)
        return named(found, f"GridSampler{len(sizes)}D")  # type: ignore[no-any-return]
    taps = _cubic_taps if mode == "bicubic" else _linear_taps
    total: Any = None
    for chosen in itertools.product(*(taps(place) for place in places)):
        spots = [spot for spot, _ in chosen]
        if mode == "bicubic":
            spots = [
                _inside(s, n, padding_mode, corners) for s, n in zip(spots, sizes, strict=True)
            ]
        factor: Any = 1
        for _, weight in chosen:
            factor = factor * weight
        term = _gather(input, spots) * factor.unsqueeze(1)
        total = term if total is None else total + term
    return named(total, f"GridSampler{len(sizes)}D")  # type: ignore[no-any-return]


def _unnormalized(place: Tensor, size: int, corners: bool) -> Tensor:
    return (place + 1) * ((size - 1) / 2) if corners else ((place + 1) * size - 1) / 2


def _inside(place: Tensor, size: int, padding_mode: str, corners: bool) -> Tensor:
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        low, high = (0.0, size - 1.0) if corners else (-0.5, size - 0.5)
        place = _reflected(place, low, high - low)
    if not place.requires_grad:
        return place.clamp(0, size - 1)
    # The edges count as outside: gradients flow to places between them only.
    return where((place > 0) & (place < size - 1), place, place.detach().clamp(0, size - 1))


def _reflected(place: Tensor, low: float, span: float) -> Tensor:
    if span == 0:
        return place * 0
    distance = (place - low).abs()
    rest = distance.fmod(span)
    even = (distance.detach() / span).floor() % 2 == 0
    return where(even, rest, span - rest) + low


def _linear_taps(place: Tensor) -> list[tuple[Tensor, Tensor]]:
    first = place.detach().floor()
    part = place - first
    return [(first, 1 - part), (first + 1, part)]


def _cubic_taps(place: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Keys' four taps (Keys, 1981)."""
    first, a = place.detach().floor(), BICUBIC_A
    part = place - first

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = (far(part + 1), near(part), near(1 - part), far(2 - part))
    return [(first + k, weight) for k, weight in zip(range(-1, 3), weights, strict=True)]


def _gather(input: Tensor, spots: list[Tensor]) -> Tensor:
    """The elements at whole-numbered ``spots`` (N, *places) each: (N, C, *places); 0 outside."""
    batch, channels, *sizes = input.shape
    shape = spots[0].shape
    index, valid = 0, None
    for spot, size in zip(spots, sizes, strict=True):
        within = (spot >= 0) & (spot <= size - 1)
        valid = within if valid is None else valid & within
        index = index * size + spot.clamp(0, size - 1).long()
    index = index.reshape(batch, 1, -1).expand(batch, channels, -1)
    found = input.reshape(batch, channels, -1).gather(2, index).reshape(batch, channels, *shape[1:])
    return found * valid.unsqueeze(1).to(input.dtype)


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or "
            f"'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    shapes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.size(0) != grid.size(0):
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got {shapes}"
        )
    if grid.size(-1) != input.dim() - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.dim() - 2} in last dimension, "
            f"but got grid with sizes {list(grid.shape)}"
        )
    if input.dim() not in (4, 5) or grid.dim() != input.dim():
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, "
            f"but got {shapes}"
        )
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"expected scalar type {title(input.dtype)} but found "
                           f"{title(grid.dtype)}: input and grid must have one dtype")
    if mode == "bicubic" and input.dim() != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
