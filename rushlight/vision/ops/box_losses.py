"""Losses for boxes and for rare classes."""

from __future__ import annotations

from rushlight.nn import functional as F
from rushlight.tensor import Tensor
from rushlight.vision.ops.boxes import disproportion, distance, hull, overlap


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean() if loss.numel() else 0.0 * loss.sum()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(f"Invalid Value for arg 'reduction': '{reduction}'. Supported reduction "
                     "modes: 'none', 'mean', 'sum'")


def _iou(boxes1: Tensor, boxes2: Tensor, eps: float) -> Tensor:
    inside, union = overlap(boxes1, boxes2)
    return inside / (union + eps)


def _floating(boxes: Tensor) -> Tensor:
    return boxes if boxes.element_size() >= 4 else boxes.float()


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none",
                             eps: float = 1e-7) -> Tensor:
    """1 - GIoU of boxes in pairs (Rezatofighi et al., 2019).

    boxes1, boxes2: (..., 4) as (x1, y1, x2, y2). reduction: "none", "mean" or "sum". eps: against
    division by zero. Returns (...), or a number.

    >>> import rushlight as rl
    >>> from rushlight.vision.ops import generalized_box_iou_loss
    >>> box = rl.tensor([[0., 0., 1., 1.]])
    >>> generalized_box_iou_loss(box, box + 1)
    tensor([1.5000])
    """
    boxes1, boxes2 = _floating(boxes1), _floating(boxes2)
    inside, union = overlap(boxes1, boxes2)
    around = hull(boxes1, boxes2).prod(-1)
    return _reduced(1 - inside / (union + eps) + (around - union) / (around + eps), reduction)


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none",
                          eps: float = 1e-7) -> Tensor:
    """1 - IoU + the relative distance of the centres (Zheng et al., 2020).

    Arguments and result as of `generalized_box_iou_loss`.
    """
    boxes1, boxes2 = _floating(boxes1), _floating(boxes2)
    loss = 1 - _iou(boxes1, boxes2, eps) + distance(boxes1, boxes2, eps)
    return _reduced(loss, reduction)


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none",
                          eps: float = 1e-7) -> Tensor:
    """`distance_box_iou_loss` and a term for unlike proportions (Zheng et al., 2020).

    Arguments and result as of `generalized_box_iou_loss`.
    """
    boxes1, boxes2 = _floating(boxes1), _floating(boxes2)
    iou = _iou(boxes1, boxes2, eps)
    loss = 1 - iou + distance(boxes1, boxes2, eps) + disproportion(boxes1, boxes2, iou, eps)
    return _reduced(loss, reduction)


def sigmoid_focal_loss(inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2,
                       reduction: str = "none") -> Tensor:
    """alpha_t (1 - p_t)^gamma times the binary cross entropy (Lin et al., 2017).

    inputs: logits of any shape. targets: the same shape, 1 for the class and 0 for none. alpha:
    weight of the class, negative for no weights. gamma: how much easy examples are discounted.
    Raises ValueError for another alpha or reduction.
    """
    if alpha >= 0 and not alpha <= 1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 "
                         "for ignore.")
    p = inputs.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    loss = entropy * (1 - p_t) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return _reduced(loss, reduction)
