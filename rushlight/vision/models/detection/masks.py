"""Masks of objects: within their boxes, in the picture, and their loss."""

from __future__ import annotations

from collections.abc import Sequence

from rushlight import nn
from rushlight.base.dtypes import int64
from rushlight.ops import arange, cat, stack
from rushlight.tensor import Tensor
from rushlight.vision.ops import roi_align

F = nn.functional


def maskrcnn_inference(x: Tensor, labels: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The mask of each box's class, (n_i, 1, size, size) for each picture.

    x: (n, classes, size, size) logits. labels: (n_i,) for each picture.
    """
    together = cat(list(labels))
    chosen = x.sigmoid()[arange(len(together)), together][:, None]
    return chosen.split([len(each) for each in labels])


def project_masks_on_boxes(gt_masks: Tensor, boxes: Tensor, matched_idxs: Tensor,
                           M: int) -> Tensor:
    """(n, M, M): the true mask within each box.

    gt_masks: (objects, height, width). boxes: (n, 4). matched_idxs: (n,) the object of each box.
    """
    regions = cat([matched_idxs.to(boxes.dtype)[:, None], boxes], 1)
    return roi_align(gt_masks[:, None].to(boxes.dtype), regions, (M, M), 1.0)[:, 0]


def maskrcnn_loss(mask_logits: Tensor, proposals: Sequence[Tensor], gt_masks: Sequence[Tensor],
                  gt_labels: Sequence[Tensor], mask_matched_idxs: Sequence[Tensor]) -> Tensor:
    """Mean cross entropy of the mask of the true class; 0 where there are no boxes.

    mask_logits: (n, classes, size, size). The others: for each picture.
    """
    size = mask_logits.shape[-1]
    labels = cat([label[matched] for label, matched in zip(gt_labels, mask_matched_idxs,
                                                           strict=True)])
    wanted = cat([project_masks_on_boxes(masks, boxes, matched, size)
                  for masks, boxes, matched in zip(gt_masks, proposals, mask_matched_idxs,
                                                   strict=True)])
    if not wanted.numel():
        return mask_logits.sum() * 0
    return F.binary_cross_entropy_with_logits(mask_logits[arange(len(labels)), labels], wanted)


def expand_boxes(boxes: Tensor, scale: float) -> Tensor:
    """(n, 4), larger around their centres."""
    centre = (boxes[:, 2:] + boxes[:, :2]) * 0.5
    half = (boxes[:, 2:] - boxes[:, :2]) * 0.5 * scale
    return cat([centre - half, centre + half], 1)


def expand_masks(mask: Tensor, padding: int) -> tuple[Tensor, float]:
    """Masks with a border of zeros, and how much larger they are."""
    size = mask.shape[-1]
    return F.pad(mask, (padding,) * 4), (size + 2 * padding) / size


def paste_mask_in_image(mask: Tensor, box: Tensor, im_h: int, im_w: int) -> Tensor:
    """(im_h, im_w): the mask (size, size), stretched over the box of whole pixels."""
    x1, y1, x2, y2 = (int(v) for v in box.tolist())
    width, height = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    stretched = F.interpolate(mask[None, None], size=(height, width), mode="bilinear",
                              align_corners=False)[0, 0]
    picture = mask.new_zeros((im_h, im_w))
    left, right = max(x1, 0), min(x2 + 1, im_w)
    top, bottom = max(y1, 0), min(y2 + 1, im_h)
    picture[top:bottom, left:right] = stretched[top - y1 : bottom - y1, left - x1 : right - x1]
    return picture


def paste_masks_in_image(masks: Tensor, boxes: Tensor, img_shape: tuple[int, int],
                         padding: int = 1) -> Tensor:
    """(n, 1, height, width): each mask (n, 1, size, size) at its box (n, 4) in the picture."""
    masks, scale = expand_masks(masks, padding)
    whole = expand_boxes(boxes, scale).to(int64)
    if not len(masks):
        return masks.new_empty((0, 1, *img_shape))
    return stack([paste_mask_in_image(mask[0], box, *img_shape)
                  for mask, box in zip(masks, whole, strict=True)])[:, None]
