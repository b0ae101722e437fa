"""What detectors without proposals share: pictures to features, to offsets from anchors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import int64
from rushlight.ops import cat, full, where
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.anchor_utils import AnchorGenerator
from rushlight.vision.models.detection.generalized_rcnn import check_extents, check_targets
from rushlight.vision.models.detection.transform import GeneralizedRCNNTransform
from rushlight.vision.ops import batched_nms, box_iou, clip_boxes_to_image

Target = Mapping[str, Tensor]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


class SingleStageDetector(nn.Module):
    """A backbone, a head on each feature map, and anchors.

    A subclass says how its outputs become losses and detections.
    """

    head: Any
    anchor_generator: Any
    proposal_matcher: Any
    score_thresh: float
    nms_thresh: float
    detections_per_img: int
    topk_candidates: int

    def set_transform(self, min_size: Any, max_size: int, image_mean: Any, image_std: Any,
                      **options: Any) -> None:
        """Make `transform`, with ImageNet's means and deviations by default."""
        self.transform = GeneralizedRCNNTransform(
            min_size, max_size, list(MEAN) if image_mean is None else image_mean,
            list(DEVIATION) if image_std is None else image_std, **options)

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor], counts: Sequence[int]) -> dict[str, Tensor]:
        """The losses; counts: anchors of each feature map."""
        raise NotImplementedError

    def detect(self, head_outputs: Mapping[str, Tensor], anchors: Sequence[Tensor],
               counts: Sequence[int],
               image_shapes: Sequence[tuple[int, int]]) -> list[dict[str, Tensor]]:
        """The results of each picture."""
        raise NotImplementedError

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target] | None = None) -> Any:
        """Results of each picture, or while training a dict of losses.

        images: (3, height, width) each, in [0, 1], of any sizes. targets: a dict for each with
        "boxes" (n, 4) in pixels and "labels" (n,) int64. Results: "boxes", "scores" and "labels",
        the best first. Raises AssertionError for targets that are missing or wrong.
        """
        if self.training:
            check_targets(targets)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, changed = self.transform(images, targets)
        check_extents(changed)
        features = self.backbone(batch.tensors)
        maps = [features] if isinstance(features, Tensor) else list(features.values())
        outputs = self.head(maps)
        anchors = self.anchor_generator(batch, maps)
        places = [each.shape[-2] * each.shape[-1] for each in maps]
        each_place = outputs["cls_logits"].shape[1] // sum(places)
        counts = [count * each_place for count in places]
        if self.training:
            return self.compute_loss(changed, outputs, anchors, counts)  # type: ignore[arg-type]
        found = self.detect(outputs, anchors, counts, batch.image_sizes)
        return self.transform.postprocess(found, batch.image_sizes, sizes)

    def match(self, targets: Sequence[Target], anchors: Sequence[Tensor]) -> list[Tensor]:
        """For each picture, the number of the true box of each anchor, or a negative value."""
        return [self.proposal_matcher(box_iou(target["boxes"], own)) if target["boxes"].numel()
                else full((len(own),), -1, dtype=int64)
                for target, own in zip(targets, anchors, strict=True)]

    def keep(self, boxes: Tensor, scores: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """What is left of a picture's results after non-maximum suppression."""
        kept = batched_nms(boxes, scores, labels, self.nms_thresh)[: self.detections_per_img]
        return {"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]}

    def best_of_levels(self, scores: Tensor, regression: Tensor, anchors: Tensor,
                       counts: Sequence[int], shape: tuple[int, int],
                       decode: Callable[[Tensor, Tensor], Tensor]) -> dict[str, Tensor]:
        """The results of a picture: the best of each feature map, and of them all.

        scores: (anchors, classes). regression, anchors: (anchors, 4).
        """
        boxes, kept_scores, labels = [], [], []
        own = [each.split(list(counts)) for each in (scores, regression, anchors)]
        for level, offsets, places in zip(*own, strict=True):
            flat = level.flatten()
            likely = where(flat > self.score_thresh)[0]
            best, order = flat[likely].topk(min(self.topk_candidates, len(likely)))
            row, label = likely[order] // level.shape[1], likely[order] % level.shape[1]
            boxes.append(clip_boxes_to_image(decode(offsets[row], places[row]), shape))
            kept_scores.append(best)
            labels.append(label)
        return self.keep(cat(boxes), cat(kept_scores), cat(labels))


def demand_channels(backbone: Any) -> None:
    """Raises ValueError for a backbone that does not say how many channels it has."""
    if not hasattr(backbone, "out_channels"):
        raise ValueError("backbone should contain an attribute out_channels specifying the number "
                         "of output channels (assumed to be the same for all the levels)")


def demand_anchors(anchors: Any) -> None:
    """Raises TypeError for an anchor generator of another class."""
    if not isinstance(anchors, AnchorGenerator | None):
        raise TypeError("anchor_generator should be of type AnchorGenerator or None instead of "
                        f"{type(anchors)}")


def init_normal(layers: Sequence[nn.Module], deviation: float = 0.01) -> None:
    """Normal weights and zero biases of convolutions, in order."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, mean=0.0, std=deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
