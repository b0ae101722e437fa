"""Rotation, affine and perspective maps, elastic distortion: pictures read at moved places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.nn.functional import grid_sample
from rushlight.ops import cat, from_numpy, linspace, meshgrid, ones, stack, tensor, where
from rushlight.tensor import Tensor
from rushlight.vision.image import is_pillow
from rushlight.vision.transforms.functional_conversion import pil_to_tensor, to_pil_image
from rushlight.vision.transforms.functional_dimensions import (
    InterpolationMode,
    as_batch,
    get_dimensions,
    interpolation_mode,
    pillow_code,
    require_pillow,
    require_tensor,
)
from rushlight.vision.transforms.functional_geometry import pillow_fill

AFFINE, PERSPECTIVE = 0, 2  # Pillow's numbers of the methods of Image.transform


def inverse_affine_matrix(center: Sequence[float], angle: float, translate: Sequence[float],
                          scale: float, shear: Sequence[float], inverted: bool = True
                          ) -> list[float]:
    """Six numbers: for a place of the output, the place of the input; `inverted=False` back.

    The map is T C R(angle) S(shear) scale C^-1: about `center`, shear first, then turn, then move.
    """
    turn, shear_x, shear_y = (math.radians(value) for value in (angle, *shear))
    x, y = center
    move_x, move_y = translate
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -math.cos(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -math.sin(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) + math.cos(turn)
    if not inverted:
        matrix = [a * scale, b * scale, 0.0, c * scale, d * scale, 0.0]
        matrix[2] = x + move_x - matrix[0] * x - matrix[1] * y
        matrix[5] = y + move_y - matrix[3] * x - matrix[4] * y
        return matrix
    matrix = [d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0]  # determinant of turn: 1
    matrix[2] = x - matrix[0] * (x + move_x) - matrix[1] * (y + move_y)
    matrix[5] = y - matrix[3] * (x + move_x) - matrix[4] * (y + move_y)
    return matrix


def perspective_coefficients(startpoints: Sequence[Sequence[int]],
                             endpoints: Sequence[Sequence[int]]) -> list[float]:
    """Eight numbers (a..h): output (x, y) is read at ((ax+by+c), (dx+ey+f)) / (gx+hy+1)."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError("Please provide exactly four corners, got "
                         f"{len(startpoints)} startpoints and {len(endpoints)} endpoints.")
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    values = np.array(startpoints, np.float64).reshape(8)
    found = np.linalg.lstsq(np.array(rows, np.float64), values, rcond=None)[0]
    return [float(value) for value in found.astype(np.float32)]


def sample(img: Tensor, grid: Tensor, mode: InterpolationMode, fill: Any) -> Tensor:
    """The picture read at `grid`, (1, height, width, 2) of x and y in -1..1; `fill` outside."""
    if mode.value not in ("nearest", "bilinear", "bicubic"):
        raise ValueError(f"Interpolation mode '{mode.value}' is unsupported with Tensor input")
    channels = get_dimensions(img)[0]
    values = list(fill) if isinstance(fill, tuple | list) else None if fill is None else [fill]
    if values is not None and len(values) not in (1, channels):
        raise ValueError("The number of elements in 'fill' cannot broadcast to match the number "
                         f"of channels of the image ({len(values)} != {channels})")
    batch, back = as_batch(img)
    if values is not None:  # a further channel of ones says how much of a pixel is inside
        batch = cat([batch, ones(batch.shape[0], 1, *batch.shape[2:], dtype=batch.dtype)], 1)
    grid = grid.to(batch.dtype).expand(batch.shape[0], *grid.shape[1:])
    out = grid_sample(batch, grid, mode=mode.value, padding_mode="zeros", align_corners=False)
    if values is not None:
        inside, out = out[:, -1:], out[:, :-1]
        color = tensor([float(value) for value in values], dtype=out.dtype).reshape(1, -1, 1, 1)
        if mode is InterpolationMode.NEAREST:
            out = where(inside < 0.5, color, out)
        else:
            out = out * inside + (1.0 - inside) * color
    return back(out)


def _places(rows: int, columns: int, x: float, y: float, dtype: Any) -> Tensor:
    """(rows * columns, 3): x, y, 1 of the middles of all pixels, the first at (x, y)."""
    base = np.ones((rows, columns, 3), dtype.array)
    base[..., 0] = np.arange(columns) + x
    base[..., 1] = (np.arange(rows) + y)[:, None]
    return from_numpy(base.reshape(-1, 3))


def _float(img: Tensor) -> Any:
    return img.dtype if img.dtype is dtypes.float64 else dtypes.float32


def affine_grid(img: Tensor, matrix: Sequence[float], rows: int, columns: int) -> Tensor:
    """Where `matrix`, about the centre, reads: (1, rows, columns, 2) of -1..1."""
    dtype = _float(img)
    base = _places(rows, columns, 0.5 - columns * 0.5, 0.5 - rows * 0.5, dtype)
    half = tensor([0.5 * img.shape[-1], 0.5 * img.shape[-2]], dtype=dtype)
    theta = tensor(list(matrix), dtype=dtype).reshape(2, 3).t() / half  # (3, 2)
    return (base @ theta).reshape(1, rows, columns, 2)


def expanded_size(matrix: Sequence[float], width: int, height: int) -> tuple[int, int]:
    """(width, height) that holds the whole of a turned picture."""
    corners = np.array([[x * width, y * height, 1.0] for x in (-0.5, 0.5) for y in (-0.5, 0.5)],
                       np.float32)
    moved = corners @ np.array(matrix, np.float32).reshape(2, 3).T
    moved += np.array([width * 0.5, height * 0.5], np.float32)
    # Cut to 1e-4, so that a rounding error makes no further pixel.
    cut = np.trunc(np.array([moved.min(0), moved.max(0)]) / np.float32(1e-4)) * np.float32(1e-4)
    size = np.ceil(cut[1]) - np.floor(cut[0])
    return int(size[0]), int(size[1])


def _from_center(center: Any, img: Tensor) -> list[float]:
    if center is None:
        return [0.0, 0.0]
    return [center[0] - img.shape[-1] * 0.5, center[1] - img.shape[-2] * 0.5]


def _check(angle: Any, center: Any) -> None:
    if not isinstance(angle, int | float):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, list | tuple):
        raise TypeError("Argument center should be a sequence")


def rotate(img: Any, angle: float, interpolation: InterpolationMode = InterpolationMode.NEAREST,
           expand: bool = False, center: Sequence[float] | None = None, fill: Any = None) -> Any:
    """The picture turned by `angle` degrees, counter-clockwise.

    expand: large enough for all of it. center: (x, y) in pixels from the top left; the middle by
    default. fill: the value outside, one number or one a channel.
    """
    mode = interpolation_mode(interpolation)
    _check(angle, center)
    if not isinstance(img, Tensor):
        return require_pillow(img).rotate(angle, pillow_code(mode), expand, center,
                                          fillcolor=pillow_fill(fill, img))
    require_tensor(img)
    matrix = inverse_affine_matrix(_from_center(center, img), -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    height, width = img.shape[-2:]
    columns, rows = expanded_size(matrix, width, height) if expand else (width, height)
    return sample(img, affine_grid(img, matrix, rows, columns), mode, fill)


def shears(shear: Any) -> list[float]:
    """[x, y] of a shear. Raises TypeError and ValueError."""
    if isinstance(shear, int | float):
        return [float(shear), 0.0]
    if not isinstance(shear, list | tuple):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    if len(shear) not in (1, 2):
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    return [float(value) for value in shear] * (3 - len(shear))


def affine(img: Any, angle: float, translate: Sequence[float], scale: float, shear: Any,
           interpolation: InterpolationMode = InterpolationMode.NEAREST, fill: Any = None,
           center: Sequence[float] | None = None) -> Any:
    """The picture sheared and turned (degrees, clockwise), scaled, then moved by (x, y) pixels."""
    mode = interpolation_mode(interpolation)
    _check(angle, center)
    if not isinstance(translate, list | tuple):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    both = shears(shear)
    _, height, width = get_dimensions(img)
    if not isinstance(img, Tensor):
        about = [width * 0.5, height * 0.5] if center is None else center
        matrix = inverse_affine_matrix(about, angle, translate, scale, both)
        return img.transform(img.size, AFFINE, matrix, pillow_code(mode),
                             fillcolor=pillow_fill(fill, img))
    matrix = inverse_affine_matrix(_from_center(center, img), angle, translate, scale, both)
    return sample(img, affine_grid(img, matrix, height, width), mode, fill)


def _perspective_grid(img: Tensor, coefficients: Sequence[float]) -> Tensor:
    rows, columns = img.shape[-2:]
    dtype = _float(img)
    a, b, c, d, e, f, g, h = coefficients
    base = _places(rows, columns, 0.5, 0.5, dtype)
    half = tensor([0.5 * columns, 0.5 * rows], dtype=dtype)
    above = base @ (tensor([[a, d], [b, e], [c, f]], dtype=dtype) / half)
    below = base @ tensor([[g, g], [h, h], [1.0, 1.0]], dtype=dtype)
    return (above / below - 1.0).reshape(1, rows, columns, 2)


def perspective(img: Any, startpoints: Sequence[Sequence[int]], endpoints: Sequence[Sequence[int]],
                interpolation: InterpolationMode = InterpolationMode.BILINEAR, fill: Any = None,
                coefficients: Sequence[float] | None = None) -> Any:
    """The picture drawn so that four of its points, (x, y), lie at `endpoints`.

    coefficients: the eight numbers of `perspective_coefficients` instead.
    """
    mode = interpolation_mode(interpolation)
    if coefficients is None:
        coefficients = perspective_coefficients(startpoints, endpoints)
    elif len(coefficients) != 8:
        raise ValueError("Argument coefficients should have 8 float values")
    if not isinstance(img, Tensor):
        return require_pillow(img).transform(img.size, PERSPECTIVE, coefficients,
                                             pillow_code(mode), fillcolor=pillow_fill(fill, img))
    return sample(img, _perspective_grid(require_tensor(img), coefficients), mode, fill)


def elastic_transform(img: Any, displacement: Tensor,
                      interpolation: InterpolationMode = InterpolationMode.BILINEAR,
                      fill: Any = None) -> Any:
    """Each pixel read at its own place plus `displacement`, (1, height, width, 2) of -1..1."""
    mode = interpolation_mode(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    if not isinstance(img, Tensor):
        if not is_pillow(img):
            raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
        moved = elastic_transform(pil_to_tensor(img), displacement, mode, fill)
        return to_pil_image(moved, mode=img.mode)
    rows, columns = img.shape[-2:]
    if tuple(displacement.shape) != (1, rows, columns, 2):
        raise ValueError(f"Argument displacement shape should be {(1, rows, columns, 2)}, but "
                         f"given {tuple(displacement.shape)}")
    line = [linspace((1 - size) / size, (size - 1) / size, size) for size in (rows, columns)]
    y, x = meshgrid(*line, indexing="ij")
    return sample(img, stack([x, y], -1).unsqueeze(0) + displacement, mode, fill)
