"""Non-maximum suppression: of boxes that overlap, the one of the highest score stays."""

from __future__ import annotations

import numpy as np

from rushlight.base.errors import operands
from rushlight.ops import from_numpy
from rushlight.tensor import Tensor


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes that stay, the highest score first.

    Boxes are taken by falling score; each takes away those whose intersection over union with it
    is above `iou_threshold`.

    boxes: (n, 4) as (x1, y1, x2, y2). scores: (n,). Returns int64 indices; it shares no memory.
    Raises RuntimeError for other shapes.

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import nms
    >>> boxes = rl.tensor([[0., 0., 2., 2.], [0., 0., 2., 1.9], [3., 3., 4., 4.]])
    >>> nms(boxes, rl.tensor([0.9, 0.8, 0.7]), 0.5)
    tensor([0, 2])
    """
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise RuntimeError(f"boxes should be a 2d tensor of (n, 4), got {list(boxes.shape)}: "
                           f"nms({operands(boxes=boxes, scores=scores)})")
    if scores.dim() != 1 or scores.shape[0] != boxes.shape[0]:
        raise RuntimeError("boxes and scores should have same number of elements in dimension 0: "
                           f"nms({operands(boxes=boxes, scores=scores)})")
    corners = boxes.detach().numpy()
    order = np.argsort(-scores.detach().numpy(), kind="stable")
    x1, y1, x2, y2 = np.ascontiguousarray(corners[order].T)
    areas = (x2 - x1) * (y2 - y1)
    left = np.arange(len(order))
    kept = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        width = np.minimum(x2[left], x2[first]) - np.maximum(x1[left], x1[first])
        height = np.minimum(y2[left], y2[first]) - np.maximum(y1[left], y1[first])
        inside = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(invalid="ignore"):  # two boxes of no area: NaN takes nothing away
            overlap = inside / (areas[left] + areas[first] - inside)
        left = left[~(overlap > iou_threshold)]
    return from_numpy(order[np.array(kept, np.int64)].astype(np.int64))


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` within each category: boxes of different `idxs` take nothing from each other.

    boxes: (n, 4). scores: (n,). idxs: (n,) category of each box. Returns int64 indices, the
    highest score first.
    """
    if not boxes.numel():
        return nms(boxes, scores, iou_threshold)
    kept = []
    for category in idxs.unique():
        members = (idxs == category).nonzero().squeeze(1)
        kept.append(members[nms(boxes[members], scores[members], iou_threshold)].numpy())
    chosen = np.concatenate(kept)
    order = np.argsort(-scores.detach().numpy()[chosen], kind="stable")
    return from_numpy(chosen[order])
