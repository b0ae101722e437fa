"""What regions show: their class, box, mask and keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import float16, float32, float64, int64
from rushlight.ops import arange, cat, where, zeros
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.box_matching import (
    BalancedPositiveNegativeSampler,
    BoxCoder,
    Matcher,
)
from rushlight.vision.models.detection.keypoints import (
    heatmaps_to_keypoints,
    keypointrcnn_inference,
    keypointrcnn_loss,
    keypoints_to_heatmap,
)
from rushlight.vision.models.detection.masks import (
    expand_boxes,
    expand_masks,
    maskrcnn_inference,
    maskrcnn_loss,
    paste_mask_in_image,
    paste_masks_in_image,
    project_masks_on_boxes,
)
from rushlight.vision.ops import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes

__all__ = ["RoIHeads", "expand_boxes", "expand_masks", "fastrcnn_loss", "heatmaps_to_keypoints",
           "keypointrcnn_inference", "keypointrcnn_loss", "keypoints_to_heatmap",
           "maskrcnn_inference", "maskrcnn_loss", "paste_mask_in_image", "paste_masks_in_image",
           "project_masks_on_boxes"]

F = nn.functional
Features = Mapping[str, Tensor]
Shapes = Sequence[tuple[int, int]]
Target = Mapping[str, Tensor]
SMALLEST = 1e-2  # pixels; a smaller box is dropped


def fastrcnn_loss(class_logits: Tensor, box_regression: Tensor, labels: Sequence[Tensor],
                  regression_targets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Cross entropy of the classes, and the loss of the offsets for the true class.

    class_logits: (n, classes). box_regression: (n, 4 classes). labels, regression_targets: (n_i,)
    and (n_i, 4) for each picture.
    """
    label, wanted = cat(list(labels)), cat(list(regression_targets))
    positive = where(label > 0)[0]
    offsets = box_regression.reshape(len(class_logits), -1, 4)[positive, label[positive]]
    box_loss = F.smooth_l1_loss(offsets, wanted[positive], beta=1 / 9, reduction="sum")
    return F.cross_entropy(class_logits, label), box_loss / label.numel()


class RoIHeads(nn.Module):
    """Heads over regions of the features (Girshick, 2015; He et al., 2017).

    Args:
        box_roi_pool, box_head, box_predictor: regions to features, to classes and offsets.
        fg_iou_thresh, bg_iou_thresh: overlap from which on a region is the object, and below which
            it is background.
        batch_size_per_image, positive_fraction: of the regions that the losses are of.
        bbox_reg_weights: of the offsets; None: (10, 10, 5, 5).
        score_thresh, nms_thresh, detections_per_img: which results are kept.
        mask_*, keypoint_*: heads for masks and keypoints, where there are any.
    """

    def __init__(self, box_roi_pool: nn.Module, box_head: nn.Module, box_predictor: nn.Module,
                 fg_iou_thresh: float, bg_iou_thresh: float, batch_size_per_image: int,
                 positive_fraction: float,
                 bbox_reg_weights: tuple[float, float, float, float] | None,
                 score_thresh: float, nms_thresh: float, detections_per_img: int,
                 mask_roi_pool: Any = None, mask_head: Any = None, mask_predictor: Any = None,
                 keypoint_roi_pool: Any = None, keypoint_head: Any = None,
                 keypoint_predictor: Any = None) -> None:
        super().__init__()
        self.box_similarity = box_iou
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image,
                                                             positive_fraction)
        self.box_coder = BoxCoder(bbox_reg_weights or (10.0, 10.0, 5.0, 5.0))
        self.box_roi_pool, self.box_head = box_roi_pool, box_head
        self.box_predictor = box_predictor
        self.score_thresh, self.nms_thresh = score_thresh, nms_thresh
        self.detections_per_img = detections_per_img
        self.mask_roi_pool, self.mask_head = mask_roi_pool, mask_head
        self.mask_predictor = mask_predictor
        self.keypoint_roi_pool, self.keypoint_head = keypoint_roi_pool, keypoint_head
        self.keypoint_predictor = keypoint_predictor

    def has_mask(self) -> bool:
        """Whether all parts for masks are there."""
        return None not in (self.mask_roi_pool, self.mask_head, self.mask_predictor)

    def has_keypoint(self) -> bool:
        """Whether all parts for keypoints are there."""
        return None not in (self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor)

    def assign_targets_to_proposals(self, proposals: Sequence[Tensor], gt_boxes: Sequence[Tensor],
                                    gt_labels: Sequence[Tensor]
                                    ) -> tuple[list[Tensor], list[Tensor]]:
        """The number of the true box of each region, and its label: 0 background, -1 neither."""
        numbers, labels = [], []
        for regions, true, label in zip(proposals, gt_boxes, gt_labels, strict=True):
            if not true.numel():
                numbers.append(zeros(len(regions), dtype=int64))
                labels.append(zeros(len(regions), dtype=int64))
                continue
            matched = self.proposal_matcher(box_iou(true, regions))
            number = matched.clamp(min=0)
            found = label[number].to(dtype=int64)
            found = found.masked_fill(matched == Matcher.BELOW_LOW_THRESHOLD, 0)
            labels.append(found.masked_fill(matched == Matcher.BETWEEN_THRESHOLDS, -1))
            numbers.append(number)
        return numbers, labels

    def subsample(self, labels: Sequence[Tensor]) -> list[Tensor]:
        """The regions of each picture that the losses are of."""
        return [where(positive | negative)[0]
                for positive, negative in zip(*self.fg_bg_sampler(labels), strict=True)]

    def add_gt_proposals(self, proposals: Sequence[Tensor],
                         gt_boxes: Sequence[Tensor]) -> list[Tensor]:
        """Regions and true boxes."""
        return [cat(pair) for pair in zip(proposals, gt_boxes, strict=True)]

    def check_targets(self, targets: Sequence[Target] | None) -> None:
        """Raises ValueError for what is missing."""
        if targets is None:
            raise ValueError("targets should not be None")
        for key in ("boxes", "labels", *(["masks"] if self.has_mask() else [])):
            if not all(key in target for target in targets):
                raise ValueError(f"Every element of targets should have a {key} key")

    def select_training_samples(self, proposals: Sequence[Tensor],
                                targets: Sequence[Target] | None) -> tuple[Any, Any, Any, Any]:
        """Regions, the numbers of their true boxes, labels and offsets, for each picture."""
        self.check_targets(targets)
        dtype = proposals[0].dtype
        true = [target["boxes"].to(dtype) for target in targets]  # type: ignore[union-attr]
        regions = self.add_gt_proposals(proposals, true)
        numbers, labels = self.assign_targets_to_proposals(
            regions, true, [target["labels"] for target in targets])  # type: ignore[union-attr]
        sampled = self.subsample(labels)
        regions, numbers, labels = ([each[kept] for each, kept in zip(kind, sampled, strict=True)]
                                    for kind in (regions, numbers, labels))
        matched = [(boxes if boxes.numel() else zeros(1, 4, dtype=dtype))[number]
                   for boxes, number in zip(true, numbers, strict=True)]
        return regions, numbers, labels, self.box_coder.encode(matched, regions)

    def postprocess_detections(self, class_logits: Tensor, box_regression: Tensor,
                               proposals: Sequence[Tensor], image_shapes: Shapes
                               ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Boxes, scores and labels of each picture, the best first."""
        counts, classes = [len(each) for each in proposals], class_logits.shape[-1]
        decoded = self.box_coder.decode(box_regression, proposals).split(counts)
        likely = F.softmax(class_logits, -1).split(counts)
        found: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        for all_boxes, all_scores, shape in zip(decoded, likely, image_shapes, strict=True):
            all_boxes = clip_boxes_to_image(all_boxes.reshape(-1, classes, 4), shape)
            boxes = all_boxes[:, 1:].reshape(-1, 4)  # without the background
            scores = all_scores[:, 1:].reshape(-1)
            labels = arange(1, classes).repeat(len(all_scores))
            kept = where(scores > self.score_thresh)[0]
            kept = kept[remove_small_boxes(boxes[kept], SMALLEST)]
            boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
            kept = batched_nms(boxes, scores, labels, self.nms_thresh)[: self.detections_per_img]
            for all_of_kind, own in zip(found, (boxes, scores, labels), strict=True):
                all_of_kind.append(own[kept])
        return found

    def forward(self, features: Features, proposals: Sequence[Tensor], image_shapes: Shapes,
                targets: Sequence[Target] | None = None
                ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Results of each picture, or while training the losses.

        proposals: (n_i, 4) for each picture. Raises TypeError for targets of another dtype,
        ValueError for what is missing in them.
        """
        self._check_dtypes(targets)
        result: list[dict[str, Tensor]] = []
        losses: dict[str, Tensor] = {}
        labels, matched, wanted = None, None, None
        if self.training:
            proposals, matched, labels, wanted = self.select_training_samples(proposals, targets)
        x = self.box_head(self.box_roi_pool(features, proposals, image_shapes))
        class_logits, box_regression = self.box_predictor(x)
        if self.training:
            losses["loss_classifier"], losses["loss_box_reg"] = fastrcnn_loss(
                class_logits, box_regression, labels, wanted)  # type: ignore[arg-type]
            positive = [where(own > 0)[0] for own in labels]  # type: ignore[union-attr]
            regions = [own[kept] for own, kept in zip(proposals, positive, strict=True)]
            numbers = [own[kept] for own, kept in zip(matched, positive,  # type: ignore[arg-type]
                                                      strict=True)]
        else:
            found = self.postprocess_detections(class_logits, box_regression, proposals,
                                                image_shapes)
            result = [{"boxes": boxes, "labels": label, "scores": scores}
                      for boxes, scores, label in zip(*found, strict=True)]
            regions, numbers = found[0], []
        if self.has_mask():
            logits = self.mask_predictor(self.mask_head(
                self.mask_roi_pool(features, regions, image_shapes)))
            self._masks(logits, regions, numbers, targets, result, losses)
        if self.has_keypoint():
            logits = self.keypoint_predictor(self.keypoint_head(
                self.keypoint_roi_pool(features, regions, image_shapes)))
            self._keypoints(logits, regions, numbers, targets, result, losses)
        return result, losses

    def _masks(self, logits: Tensor, regions: list[Tensor], numbers: list[Tensor], targets: Any,
               result: list[dict[str, Tensor]], losses: dict[str, Tensor]) -> None:
        """Add the loss, or the masks to the results."""
        if self.training:
            losses["loss_mask"] = maskrcnn_loss(logits, regions, [t["masks"] for t in targets],
                                                [t["labels"] for t in targets], numbers)
            return
        masks = maskrcnn_inference(logits, [each["labels"] for each in result])
        for own, each in zip(masks, result, strict=True):
            each["masks"] = own

    def _keypoints(self, logits: Tensor, regions: list[Tensor], numbers: list[Tensor],
                   targets: Any, result: list[dict[str, Tensor]],
                   losses: dict[str, Tensor]) -> None:
        """Add the loss, or the keypoints to the results."""
        if self.training:
            losses["loss_keypoint"] = keypointrcnn_loss(
                logits, regions, [t["keypoints"] for t in targets], numbers)
            return
        for points, scores, each in zip(*keypointrcnn_inference(logits, regions), result,
                                        strict=True):
            each["keypoints"], each["keypoints_scores"] = points, scores

    def _check_dtypes(self, targets: Sequence[Target] | None) -> None:
        for target in targets or ():
            if target["boxes"].dtype not in (float16, float32, float64):
                raise TypeError("target boxes must of float type, instead got "
                                f"{target['boxes'].dtype}")
            if target["labels"].dtype != int64:
                raise TypeError("target labels must of int64 type, instead got "
                                f"{target['labels'].dtype}")
            if self.has_keypoint() and target["keypoints"].dtype != float32:
                raise TypeError("target keypoints must of float type, instead got "
                                f"{target['keypoints'].dtype}")
