"""Keypoints of objects as heatmaps within their boxes, and their loss."""

from __future__ import annotations

from collections.abc import Sequence

from rushlight import nn
from rushlight.ops import arange, cat, ones_like, stack, where, zeros
from rushlight.tensor import Tensor

F = nn.functional


def keypoints_to_heatmap(keypoints: Tensor, rois: Tensor,
                         heatmap_size: int) -> tuple[Tensor, Tensor]:
    """(n, k) the place of each keypoint in its box's flat heatmap, and whether it counts (0, 1).

    keypoints: (n, k, 3), x, y and visibility. rois: (n, 4). One that is invisible or outside
    counts not, and is at place 0.
    """
    corner, far = rois[:, None, :2], rois[:, None, 2:]
    places = keypoints[..., :2]
    inside = ((places - corner) * (heatmap_size / (far - corner))).floor().long()
    inside = inside.masked_fill(places == far, heatmap_size - 1)
    counts = ((inside >= 0) & (inside < heatmap_size)).all(-1) & (keypoints[..., 2] > 0)
    valid = counts.long()
    return (inside[..., 1] * heatmap_size + inside[..., 0]) * valid, valid


def heatmaps_to_keypoints(maps: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
    """(n, k, 3) the highest place of each heatmap (x, y, 1) in the picture, and (n, k) its score.

    maps: (n, k, height, width). rois: (n, 4). Maps are stretched to the boxes' whole pixels.
    """
    count = maps.shape[1]
    if not len(rois):
        return zeros(0, count, 3), zeros(0, count)
    sizes = (rois[:, 2:] - rois[:, :2]).clamp(min=1)
    points, scores = [], []
    for each, roi, size in zip(maps, rois, sizes, strict=True):
        width, height = (int(v) for v in size.ceil().tolist())
        flat = F.interpolate(each[:, None], size=(height, width), mode="bicubic",
                             align_corners=False)[:, 0].flatten(1)
        best = flat.argmax(1)
        x = ((best % width).float() + 0.5) * (size[0] / width) + roi[0]
        y = ((best // width).float() + 0.5) * (size[1] / height) + roi[1]
        points.append(stack([x, y, ones_like(x)], 1))
        scores.append(flat[arange(count), best])
    return stack(points), stack(scores)


def keypointrcnn_loss(keypoint_logits: Tensor, proposals: Sequence[Tensor],
                      gt_keypoints: Sequence[Tensor],
                      keypoint_matched_idxs: Sequence[Tensor]) -> Tensor:
    """Mean cross entropy over the places of the heatmaps; 0 where no keypoint counts.

    keypoint_logits: (n, k, size, size). The others: for each picture.
    """
    count, kinds, height, width = keypoint_logits.shape
    if height != width:
        raise ValueError("keypoint_logits height and width (last two elements of shape) should be "
                         f"equal. Instead got H = {height} and W = {width}")
    pairs = [keypoints_to_heatmap(points[matched], boxes, height)
             for points, boxes, matched in zip(gt_keypoints, proposals, keypoint_matched_idxs,
                                               strict=True)]
    wanted = cat([places.flatten() for places, _ in pairs])
    counting = where(cat([valid.flatten() for _, valid in pairs]))[0]
    if not len(counting):
        return keypoint_logits.sum() * 0
    logits = keypoint_logits.view(count * kinds, height * width)
    return F.cross_entropy(logits[counting], wanted[counting])


def keypointrcnn_inference(x: Tensor,
                           boxes: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """`heatmaps_to_keypoints` for each picture. x: (n, k, height, width). boxes: (n_i, 4)."""
    found = [heatmaps_to_keypoints(maps, rois)
             for maps, rois in zip(x.split([len(each) for each in boxes]), boxes, strict=True)]
    return [points for points, _ in found], [scores for _, scores in found]
