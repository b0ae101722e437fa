"""Boxes as offsets from others, boxes matched to true ones, and samples of the matches."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rushlight.base.dtypes import uint8
from rushlight.nn import functional as F
from rushlight.ops import arange, cat, randperm, tensor, where, zeros_like
from rushlight.tensor import Tensor
from rushlight.vision.ops import (
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
)

LARGEST = math.log(1000.0 / 16)  # the logarithm of the most that a box may be enlarged


class BalancedPositiveNegativeSampler:
    """Random samples with a share of positives.

    batch_size_per_image: samples of each image. positive_fraction: at most this share of them is
    positive.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the positives and of the negatives that were drawn, for each image.

        matched_idxs: (n,) for each image, positive (1 or more), negative (0) or ignored (-1).
        """
        positives, negatives = [], []
        for labels in matched_idxs:
            candidates = where(labels >= 1)[0], where(labels == 0)[0]
            most = int(self.batch_size_per_image * self.positive_fraction)
            count = min(len(candidates[0]), most)
            counts = count, min(len(candidates[1]), self.batch_size_per_image - count)
            for found, all_of_kind, number in zip((positives, negatives), candidates, counts,
                                                  strict=True):
                mask = zeros_like(labels, dtype=uint8)
                mask[all_of_kind[randperm(len(all_of_kind))[:number]]] = 1
                found.append(mask)
        return positives, negatives


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + 0.5 * size, size


class BoxCoder:
    """Boxes as (dx, dy, dw, dh) from others: shifts by size, and logarithms of the enlargement.

    weights: factors of the four. bbox_xform_clip: the largest logarithm when decoding.
    """

    def __init__(self, weights: tuple[float, float, float, float],
                 bbox_xform_clip: float = LARGEST) -> None:
        self.weights, self.bbox_xform_clip = weights, bbox_xform_clip

    def encode(self, reference_boxes: Sequence[Tensor],
               proposals: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Of each image (n_i, 4): the reference boxes, from the proposals."""
        counts = [len(boxes) for boxes in reference_boxes]
        return self.encode_single(cat(list(reference_boxes)), cat(list(proposals))).split(counts)

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """(n, 4): the reference boxes, from the proposals."""
        factors = tensor(self.weights, dtype=reference_boxes.dtype)
        wanted, wanted_size = _centre_and_size(reference_boxes)
        centre, size = _centre_and_size(proposals)
        return cat([factors[:2] * (wanted - centre) / size,
                    factors[2:] * (wanted_size / size).log()], 1)

    def decode(self, rel_codes: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """(n, k, 4): boxes of codes (n, 4 k), from the boxes (n_i, 4) of all images."""
        if not isinstance(boxes, list | tuple):
            raise AssertionError("This function expects boxes of type list or tuple.")
        together = cat(list(boxes))
        if not len(together):
            return self.decode_single(rel_codes, together)
        found = self.decode_single(rel_codes.reshape(len(together), -1), together)
        return found.reshape(len(together), -1, 4)

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """(n, 4 k): boxes of codes (n, 4 k), from boxes (n, 4)."""
        codes = rel_codes.unflatten(1, (rel_codes.shape[1] // 4, 4))
        factors = tensor(self.weights, dtype=codes.dtype)
        centre, size = _centre_and_size(boxes.to(codes.dtype)[:, None])
        centre = codes[..., :2] / factors[:2] * size + centre
        half = 0.5 * ((codes[..., 2:] / factors[2:]).clamp(max=self.bbox_xform_clip).exp() * size)
        return cat([centre - half, centre + half], -1).flatten(1)


class BoxLinearCoder:
    """Boxes as distances of their four sides from the centre of others (Tian et al., 2019).

    normalize_by_size: in units of the other box's size.
    """

    def __init__(self, normalize_by_size: bool = True) -> None:
        self.normalize_by_size = normalize_by_size

    def encode(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """(..., 4): left, top, right, bottom of the proposals, from the reference boxes."""
        centre, size = self._centre(reference_boxes)
        codes = cat([centre - proposals[..., :2], proposals[..., 2:] - centre], -1)
        return codes / size if self.normalize_by_size else codes

    def decode(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """(..., 4): the boxes of these codes, from `boxes`."""
        centre, size = self._centre(boxes.to(dtype=rel_codes.dtype))
        codes = rel_codes * size if self.normalize_by_size else rel_codes
        return cat([centre - codes[..., :2], centre + codes[..., 2:]], -1)

    @staticmethod
    def _centre(boxes: Tensor) -> tuple[Tensor, Tensor]:
        size = boxes[..., 2:] - boxes[..., :2]
        return 0.5 * (boxes[..., :2] + boxes[..., 2:]), cat([size, size], -1)


class Matcher:
    """For each prediction, the true box that it fits best, if it fits well.

    Args:
        high_threshold: from this quality on it is a match.
        low_threshold: below it there is none; between the two, the prediction is not counted.
        allow_low_quality_matches: the predictions that fit a true box best are matches however
            poor.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold: float, low_threshold: float,
                 allow_low_quality_matches: bool = False) -> None:
        if low_threshold > high_threshold:
            raise AssertionError("low_threshold should be <= high_threshold")
        self.high_threshold, self.low_threshold = high_threshold, low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """(predictions,): the number of a true box, or one of the two negative values.

        match_quality_matrix: (true boxes, predictions). Raises ValueError where it is empty.
        """
        if not match_quality_matrix.numel():
            kind = "proposal" if match_quality_matrix.shape[0] else "ground-truth"
            raise ValueError(f"No {kind} boxes available for one of the images during training")
        quality, best = match_quality_matrix.max(dim=0)
        matches = best.masked_fill(quality < self.high_threshold, self.BETWEEN_THRESHOLDS)
        matches = matches.masked_fill(quality < self.low_threshold, self.BELOW_LOW_THRESHOLD)
        if self.allow_low_quality_matches:
            highest = match_quality_matrix.max(dim=1, keepdim=True)[0]
            matches = where((match_quality_matrix == highest).any(0), best, matches)
        return matches


class SSDMatcher(Matcher):
    """One threshold; the best prediction of every true box is a match."""

    def __init__(self, threshold: float) -> None:
        super().__init__(threshold, threshold)

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """(predictions,): the number of a true box, or a negative value."""
        matches = super().__call__(match_quality_matrix)
        best = match_quality_matrix.max(dim=1)[1]
        matches[best] = arange(len(best))
        return matches


def box_loss(kind: str, box_coder: BoxCoder, anchors: Tensor, matched_boxes: Tensor,
             regression: Tensor, options: dict[str, float] | None = None) -> Tensor:
    """The summed loss of predicted offsets.

    kind: "l1" and "smooth_l1" (option "beta") compare offsets; "ciou", "diou" and "giou" (option
    "eps") boxes. anchors, matched_boxes, regression: (n, 4).
    """
    options = options or {}
    if kind in ("l1", "smooth_l1"):
        wanted = box_coder.encode_single(matched_boxes, anchors)
        if kind == "l1":
            return F.l1_loss(regression, wanted, reduction="sum")
        return F.smooth_l1_loss(regression, wanted, reduction="sum",
                                beta=options.get("beta", 1.0))
    losses = {"ciou": complete_box_iou_loss, "diou": distance_box_iou_loss,
              "giou": generalized_box_iou_loss}
    if kind not in losses:
        raise AssertionError(f"Unsupported loss: {kind}")
    return losses[kind](box_coder.decode_single(regression, anchors), matched_boxes,
                        reduction="sum", eps=options.get("eps", 1e-7))
