"""Boxes in images: conversion, area, overlap, clipping.

A box is (x1, y1, x2, y2) with 0 <= x1 <= x2 and 0 <= y1 <= y2, in pixels, unless a format says
otherwise: "xywh" is a corner with width and height, "cxcywh" the centre with width and height.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from rushlight.ops import arange, atan, maximum, minimum, stack, where, zeros
from rushlight.tensor import Tensor

_TO_CORNERS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "xywh": lambda x, y, w, h: (x, y, x + w, y + h),
    "cxcywh": lambda x, y, w, h: (x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h),
}
_FROM_CORNERS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "xywh": lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    "cxcywh": lambda x1, y1, x2, y2: ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
}


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """The same boxes in another format.

    boxes: (..., 4). in_fmt, out_fmt: "xyxy", "xywh" or "cxcywh". Returns a new tensor (..., 4).
    Raises ValueError for another format.

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import box_convert
    >>> box_convert(rl.tensor([[10., 20., 30., 60.]]), "xyxy", "cxcywh")
    tensor([[20., 40., 20., 40.]])
    """
    for name in (in_fmt, out_fmt):
        if name not in _TO_CORNERS:
            raise ValueError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt!r} "
                             f"and out_fmt {out_fmt!r}; there are {', '.join(_TO_CORNERS)}")
    if in_fmt == out_fmt:
        return boxes.clone()
    corners = _TO_CORNERS[in_fmt](*boxes.unbind(-1))
    return stack(_FROM_CORNERS[out_fmt](*corners), -1)


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """Width times height. boxes: (n, 4) of format `fmt`. Returns (n,).

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import box_area
    >>> box_area(rl.tensor([[0., 0., 2., 3.]]))
    tensor([6.])
    """
    boxes = _wide(boxes)
    if fmt in ("xywh", "cxcywh"):
        return boxes[..., 2] * boxes[..., 3]
    if fmt != "xyxy":
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _wide(values: Tensor) -> Tensor:
    """In a dtype in which products of sizes do not overflow."""
    if values.is_floating_point():
        return values if values.element_size() >= 4 else values.float()
    return values if values.element_size() >= 4 else values.int()


def pairs(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """(n, 4) and (m, 4) as (n, 1, 4) and (1, m, 4), in a dtype of room enough."""
    return _wide(boxes1)[..., :, None, :], _wide(boxes2)[..., None, :, :]


def overlap(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Areas of intersection and of union of boxes that broadcast."""
    sides = minimum(boxes1[..., 2:], boxes2[..., 2:]) - maximum(boxes1[..., :2], boxes2[..., :2])
    inside = sides.clamp(min=0).prod(-1)
    return inside, box_area(boxes1) + box_area(boxes2) - inside


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of all pairs.

    boxes1: (n, 4). boxes2: (m, 4). fmt: their format. Returns (n, m).

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import box_iou
    >>> box_iou(rl.tensor([[0., 0., 2., 2.]]), rl.tensor([[1., 0., 3., 2.], [5., 5., 6., 6.]]))
    tensor([[0.3333, 0.0000]])
    """
    if fmt != "xyxy":
        boxes1, boxes2 = (box_convert(boxes, fmt, "xyxy") for boxes in (boxes1, boxes2))
    inside, union = overlap(*pairs(boxes1, boxes2))
    return inside / union


def hull(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """(..., 2) width and height of the smallest box around boxes that broadcast."""
    return maximum(boxes1[..., 2:], boxes2[..., 2:]) - minimum(boxes1[..., :2], boxes2[..., :2])


def distance(boxes1: Tensor, boxes2: Tensor, eps: float) -> Tensor:
    """Squared distance of centres over the squared diagonal of the hull."""
    centres = (boxes1[..., :2] + boxes1[..., 2:] - boxes2[..., :2] - boxes2[..., 2:]) / 2
    return centres.square().sum(-1) / (hull(boxes1, boxes2).square().sum(-1) + eps)


def disproportion(boxes1: Tensor, boxes2: Tensor, iou: Tensor, eps: float) -> Tensor:
    """The squared difference of the angles of the diagonals, weighted; the weight is a constant."""
    angles = [atan((boxes[..., 2] - boxes[..., 0]) / (boxes[..., 3] - boxes[..., 1]))
              for boxes in (boxes1, boxes2)]
    unlike = (2 / math.pi * (angles[0] - angles[1])).square()
    return (unlike / (1 - iou + unlike + eps)).detach() * unlike


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU less the share of the hull of both that neither covers (Rezatofighi et al., 2019).

    boxes1: (n, 4). boxes2: (m, 4). Returns (n, m), from -1 to 1.
    """
    boxes1, boxes2 = pairs(boxes1, boxes2)
    inside, union = overlap(boxes1, boxes2)
    around = hull(boxes1, boxes2).clamp(min=0).prod(-1)
    return inside / union - (around - union) / around


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """IoU less the relative distance of the centres (Zheng et al., 2020).

    boxes1: (n, 4). boxes2: (m, 4). eps: against division by zero. Returns (n, m).
    """
    return box_iou(boxes1, boxes2) - distance(*pairs(boxes1, boxes2), eps)


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """`distance_box_iou` less a term for unlike proportions (Zheng et al., 2020).

    boxes1: (n, 4). boxes2: (m, 4). eps: against division by zero. Returns (n, m).
    """
    iou = box_iou(boxes1, boxes2)
    boxes1, boxes2 = pairs(boxes1, boxes2)
    return iou - distance(boxes1, boxes2, eps) - disproportion(boxes1, boxes2, iou, eps)


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes cut off at the border of an image of `size` (height, width). boxes: (..., 4)."""
    height, width = size
    x = boxes[..., 0::2].clamp(min=0, max=width)
    y = boxes[..., 1::2].clamp(min=0, max=height)
    return stack((x, y), -1).reshape(boxes.shape)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Indices of the boxes whose width and height are at least `min_size`. boxes: (n, 4)."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return where((sides >= min_size).all(1))[0]


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The box around what is not 0 in each mask.

    masks: (n, height, width). Returns (n, 4) float32: first and last column and row; zeros for a
    mask of nothing.

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import masks_to_boxes
    >>> mask = rl.zeros(1, 5, 6)
    >>> mask[0, 1:3, 2:5] = 1
    >>> masks_to_boxes(mask)
    tensor([[2., 1., 4., 2.]])
    """
    if masks.numel() == 0:
        return zeros(masks.shape[0], 4)
    filled = masks != 0
    ends = []
    for along in (filled.any(1), filled.any(2)):  # columns, rows
        places = arange(along.shape[1])
        first = where(along, places, along.shape[1]).amin(1)
        last = where(along, places, -1).amax(1)
        ends.append((where(last < 0, 0, first), last.clamp(min=0)))
    (x1, x2), (y1, y2) = ends
    return stack((x1, y1, x2, y2), 1).float()
