"""What happens to boxes, plain tensors (count, 4), when their picture is transformed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.base import dtypes
from rushlight.ops import cat, stack, tensor
from rushlight.tensor import Tensor
from rushlight.vision.transforms.functional_geometry import sides
from rushlight.vision.transforms.v2 import points
from rushlight.vision.tv_tensors import BoundingBoxFormat, is_rotated_bounding_format

Canvas = tuple[int, int]
XYXY = BoundingBoxFormat.XYXY


def as_format(format: Any) -> BoundingBoxFormat:
    """The format of that name. Raises NotImplementedError for turned boxes."""
    found = BoundingBoxFormat[format.upper()] if isinstance(format, str) else format
    if is_rotated_bounding_format(found):
        raise NotImplementedError(f"boxes of the format {found.value} may be turned: they are not "
                                  "transformed here, only XYXY, XYWH and CXCYWH are")
    return found


def convert(boxes: Tensor, old: BoundingBoxFormat, new: BoundingBoxFormat) -> Tensor:
    """The boxes in another format; integers are rounded down, as torchvision does."""
    if old is new:
        return boxes
    first, second = boxes[..., :2], boxes[..., 2:]
    whole = not boxes.is_floating_point()
    if old is BoundingBoxFormat.XYWH:
        corners = (first, first + second)
    elif old is BoundingBoxFormat.CXCYWH:
        wide = first.float() if whole else first
        low = wide - second / 2
        corners = (low.to(boxes.dtype), (low + second).to(boxes.dtype))
    else:
        corners = (first, second)
    if new is XYXY:
        return cat(corners, -1)
    size = corners[1] - corners[0]
    if new is BoundingBoxFormat.XYWH:
        return cat([corners[0], size], -1)
    if old is BoundingBoxFormat.XYWH:
        middle = first + (second // 2 if whole else second / 2)
    else:
        middle = (corners[0] * 2 + size) // 2 if whole else (corners[0] * 2 + size) / 2
    return cat([middle, size], -1)


def clamp(boxes: Tensor, format: BoundingBoxFormat, canvas: Canvas, mode: str | None = "soft"
          ) -> Tensor:
    """The part of the boxes that lies on the picture; the boxes themselves for mode None."""
    if mode is None:
        return boxes.clone()
    wide = boxes if boxes.is_floating_point() else boxes.float()
    corners = convert(wide, format, XYXY)
    x, y = corners[..., 0::2].clamp(0, canvas[1]), corners[..., 1::2].clamp(0, canvas[0])
    inside = stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)
    return convert(inside, XYXY, format).to(boxes.dtype)


def _moved(boxes: Tensor, format: BoundingBoxFormat, canvas: Canvas, mode: str | None,
           move: Callable[[Tensor], Tensor], exact: bool = True) -> Tensor:
    """The boxes about the corners after `move`, of floats (count * 4, 2).

    exact: corners of integer boxes may lie between pixels; torchvision rounds some of them.
    """
    if boxes.numel() == 0:
        return boxes
    wide = boxes if boxes.is_floating_point() else boxes.float()
    corners = convert(wide if exact else boxes, format, XYXY).to(wide.dtype)
    corners = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    found = move(corners).reshape(-1, 4, 2)
    around = cat([found.amin(1), found.amax(1)], 1)
    return convert(clamp(around, XYXY, canvas, mode), XYXY, format).to(boxes.dtype)


def horizontal_flip(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas) -> Tensor:
    """Left and right exchanged."""
    return _flipped(boxes, format, canvas_size, 0)


def vertical_flip(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas) -> Tensor:
    """Top and bottom exchanged."""
    return _flipped(boxes, format, canvas_size, 1)


def _flipped(boxes: Tensor, format: BoundingBoxFormat, canvas: Canvas, axis: int) -> Tensor:
    out, length = boxes.clone(), canvas[1 - axis]
    if format is XYXY:
        out[:, axis], out[:, axis + 2] = length - boxes[:, axis + 2], length - boxes[:, axis]
    elif format is BoundingBoxFormat.XYWH:
        out[:, axis] = length - (boxes[:, axis] + boxes[:, axis + 2])
    else:
        out[:, axis] = length - boxes[:, axis]
    return out


def resize(boxes: Tensor, canvas_size: Canvas, size: Any, max_size: int | None = None
           ) -> tuple[Tensor, Canvas]:
    """(boxes, the new size)."""
    factors, canvas = points.factors(canvas_size, size, max_size)
    by = tensor(factors * 2)
    return (boxes * by).to(boxes.dtype), canvas


def _offset(format: BoundingBoxFormat, x: int, y: int) -> list[int]:
    return [x, y, x, y] if format is XYXY else [x, y, 0, 0]


def pad(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, padding: Any,
        padding_mode: str = "constant", clamping_mode: str | None = "soft"
        ) -> tuple[Tensor, Canvas]:
    """(boxes, the new size). Raises ValueError for another mode than "constant"."""
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes")
    left, top, right, bottom = sides(padding)
    canvas = (canvas_size[0] + top + bottom, canvas_size[1] + left + right)
    out = boxes + tensor(_offset(format, left, top), dtype=boxes.dtype)
    return clamp(out, format, canvas, clamping_mode), canvas


def crop(boxes: Tensor, format: BoundingBoxFormat, top: int, left: int, height: int, width: int,
         clamping_mode: str | None = "soft") -> tuple[Tensor, Canvas]:
    """(boxes, the new size)."""
    out = boxes - tensor(_offset(format, left, top), dtype=boxes.dtype)
    return clamp(out, format, (height, width), clamping_mode), (height, width)


def center_crop(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, output_size: Any,
                clamping_mode: str | None = "soft") -> tuple[Tensor, Canvas]:
    """(boxes, the new size)."""
    return crop(boxes, format, *points.middle(canvas_size, output_size), clamping_mode)


def resized_crop(boxes: Tensor, format: BoundingBoxFormat, top: int, left: int, height: int,
                 width: int, size: Any, clamping_mode: str | None = "soft"
                 ) -> tuple[Tensor, Canvas]:
    """(boxes, the new size)."""
    out, canvas = crop(boxes, format, top, left, height, width, clamping_mode)
    return resize(out, canvas, size)


def affine(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, angle: float,
           translate: Any, scale: float, shear: Any, center: Any = None,
           clamping_mode: str | None = "soft") -> Tensor:
    """Boxes about the moved corners."""
    return _moved(boxes, format, canvas_size, clamping_mode, lambda at: points.affine(
        at, canvas_size, angle, translate, scale, shear, center))


def rotate(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, angle: float,
           expand: bool = False, center: Any = None, clamping_mode: str | None = "soft"
           ) -> tuple[Tensor, Canvas]:
    """(boxes about the moved corners, the new size)."""
    _, canvas = points.rotate(tensor([[0.0, 0.0]]), canvas_size, angle, expand, center)
    return _moved(boxes, format, canvas, clamping_mode, lambda at: points.rotate(
        at, canvas_size, angle, expand, center)[0]), canvas


def perspective(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, startpoints: Any,
                endpoints: Any, coefficients: Any = None, clamping_mode: str | None = "soft"
                ) -> Tensor:
    """Boxes about the moved corners."""
    return _moved(boxes, format, canvas_size, clamping_mode, lambda at: points.perspective(
        at, startpoints, endpoints, coefficients), exact=False)


def elastic(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, displacement: Tensor,
            clamping_mode: str | None = "soft") -> Tensor:
    """Boxes about the moved corners."""
    return _moved(boxes, format, canvas_size, clamping_mode, lambda at: points.elastic(
        at.ceil(), canvas_size, displacement), exact=False)


def valid(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Canvas, min_size: float = 1.0,
          min_area: float = 1.0) -> Tensor:
    """Which boxes lie wholly on the picture, with such sides and area at least: bool (count,)."""
    corners = convert(boxes, format, XYXY)
    size = corners[:, 2:] - corners[:, :2]
    limit = tensor([canvas_size[1], canvas_size[0]] * 2).to(dtypes.float32)
    return ((size >= min_size).all(-1) & (corners >= 0).all(-1)
            & (size[:, 0] * size[:, 1] >= min_area) & (corners <= limit).all(-1))
