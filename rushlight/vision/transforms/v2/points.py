"""What happens to points, plain tensors (..., 2) of x, y, when their picture is transformed."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.ops import cat, from_numpy, linspace, meshgrid, stack, tensor
from rushlight.tensor import Tensor
from rushlight.vision.transforms.functional_dimensions import two
from rushlight.vision.transforms.functional_geometry import resized_size, sides
from rushlight.vision.transforms.functional_warp import (
    expanded_size,
    inverse_affine_matrix,
    perspective_coefficients,
    shears,
)

Canvas = tuple[int, int]


def horizontal_flip(at: Tensor, canvas_size: Canvas) -> Tensor:
    """Left and right exchanged."""
    return stack([canvas_size[1] - 1 - at[..., 0], at[..., 1]], -1)


def vertical_flip(at: Tensor, canvas_size: Canvas) -> Tensor:
    """Top and bottom exchanged."""
    return stack([at[..., 0], canvas_size[0] - 1 - at[..., 1]], -1)


def factors(canvas: Canvas, size: Any, max_size: int | None) -> tuple[list[float], Canvas]:
    """([x, y] factors, the new size) of a resize."""
    height, width = resized_size(*canvas, size, max_size)
    return [width / canvas[1], height / canvas[0]], (height, width)


def resize(at: Tensor, canvas_size: Canvas, size: Any, max_size: int | None = None
           ) -> tuple[Tensor, Canvas]:
    """(points, the new size)."""
    by, canvas = factors(canvas_size, size, max_size)
    return (at * tensor(by)).to(at.dtype), canvas


def pad(at: Tensor, canvas_size: Canvas, padding: Any, padding_mode: str = "constant"
        ) -> tuple[Tensor, Canvas]:
    """(points, the new size). Raises ValueError for another mode than "constant"."""
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with KeyPoints "
                         "(supported modes are constant)")
    left, top, right, bottom = sides(padding)
    moved = at + tensor([left, top], dtype=at.dtype)
    return moved, (canvas_size[0] + top + bottom, canvas_size[1] + left + right)


def crop(at: Tensor, top: int, left: int, height: int, width: int) -> tuple[Tensor, Canvas]:
    """(points, the new size)."""
    return at - tensor([left, top], dtype=at.dtype), (height, width)


def middle(canvas: Canvas, output_size: Any) -> tuple[int, int, int, int]:
    """(top, left, height, width) of a crop of the centre."""
    rows, columns = two(output_size, "Please provide only two dimensions (h, w) for size.")
    return round((canvas[0] - rows) / 2), round((canvas[1] - columns) / 2), rows, columns


def center_crop(at: Tensor, canvas_size: Canvas, output_size: Any) -> tuple[Tensor, Canvas]:
    """(points, the new size)."""
    return crop(at, *middle(canvas_size, output_size))


def resized_crop(at: Tensor, top: int, left: int, height: int, width: int, size: Any
                 ) -> tuple[Tensor, Canvas]:
    """(points, the new size)."""
    return resize(*crop(at, top, left, height, width), size)


def _mapped(at: Tensor, matrix: Any) -> Tensor:
    """The points after an affine (2, 3) or projective (3, 3) map."""
    wide = at if at.is_floating_point() else at.float()
    by = tensor(np.asarray(matrix).tolist(), dtype=wide.dtype)
    flat = wide.reshape(-1, 2)
    found = cat([flat, flat.new_ones((len(flat), 1))], 1) @ by.t()
    found = found[:, :2] / found[:, 2:] if by.shape[0] == 3 else found
    return found.reshape(at.shape).to(at.dtype)


def affine(at: Tensor, canvas_size: Canvas, angle: float, translate: Any, scale: float,
           shear: Any, center: Any = None) -> Tensor:
    """Sheared, turned, scaled and moved, as `functional.affine` does."""
    about = [canvas_size[1] * 0.5, canvas_size[0] * 0.5] if center is None else center
    matrix = inverse_affine_matrix(about, angle, translate, scale, shears(shear), inverted=False)
    return _mapped(at, np.reshape(matrix, (2, 3)))


def rotate(at: Tensor, canvas_size: Canvas, angle: float, expand: bool = False, center: Any = None
           ) -> tuple[Tensor, Canvas]:
    """(turned points, the new size)."""
    turned = affine(at, canvas_size, -angle, [0.0, 0.0], 1.0, [0.0, 0.0], center)
    if not expand:
        return turned, canvas_size
    height, width = canvas_size
    corners = tensor([[0.0, 0.0], [0, height], [width, height], [width, 0]])
    first = affine(corners, canvas_size, -angle, [0.0, 0.0], 1.0, [0.0, 0.0], center).amin(0)
    about = [width * 0.5, height * 0.5] if center is None else center
    matrix = inverse_affine_matrix(about, -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    columns, rows = expanded_size(matrix, width, height)
    return (turned - first).to(at.dtype), (rows, columns)


def perspective(at: Tensor, startpoints: Any, endpoints: Any, coefficients: Any = None) -> Tensor:
    """Where the picture shows the points. Raises RuntimeError for a map without inverse."""
    found = coefficients or perspective_coefficients(startpoints, endpoints)
    if found[0] * found[4] == found[1] * found[3]:
        raise RuntimeError(f"Provided perspective_coeffs {found} can not be inverted to transform "
                           "points. Denominator is zero, denom=0")
    inverse = np.linalg.inv(np.reshape([*found, 1.0], (3, 3)))
    return _mapped(at, inverse / inverse[2, 2])


def elastic(at: Tensor, canvas_size: Canvas, displacement: Tensor) -> Tensor:
    """Moved against the displacement of the pixel that they lie on."""
    height, width = canvas_size
    if tuple(displacement.shape) != (1, height, width, 2):
        raise ValueError(f"Argument displacement shape should be {(1, height, width, 2)}, but "
                         f"given {tuple(displacement.shape)}")
    line = [linspace((1 - size) / size, (size - 1) / size, size) for size in canvas_size]
    y, x = meshgrid(*line, indexing="ij")
    moved = stack([x, y], -1) - displacement[0]
    place = at.reshape(-1, 2).to(dtypes.int64)
    found = moved[place[:, 1].clamp(0, height - 1), place[:, 0].clamp(0, width - 1)]
    size = from_numpy(np.array([width, height], np.float32))
    return ((found + 1) * (0.5 * size) - 0.5).reshape(at.shape).to(at.dtype)
