"""FCOS."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight.base.dtypes import float32, int64
from rushlight.ops import cat, full, maximum, minimum, stack, where, zeros_like
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.anchor_utils import AnchorGenerator
from rushlight.vision.models.detection.box_matching import BoxLinearCoder
from rushlight.vision.models.detection.faster_rcnn import CLASSES, resnet50_pyramid
from rushlight.vision.models.detection.retinanet import by_anchor
from rushlight.vision.models.detection.single_stage import (
    SingleStageDetector,
    Target,
    demand_anchors,
    demand_channels,
    init_normal,
)
from rushlight.vision.models.weights import model
from rushlight.vision.ops import (
    LastLevelP6P7,
    box_area,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)

__all__ = ["FCOS", "fcos_resnet50_fpn"]

F = nn.functional
Layer = Callable[..., nn.Module]
LARGE = 1e8  # greater than any area, so that the smallest box has the greatest value


def _convolutions(channels: int, count: int, norm_layer: Layer | None) -> nn.Sequential:
    norm = partial(nn.GroupNorm, 32) if norm_layer is None else norm_layer
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), norm(channels), nn.ReLU()]
    return nn.Sequential(*layers)


class FCOSClassificationHead(nn.Module):
    """Scores of the classes at each place; at first all are `prior_probability`."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int = 4,
                 prior_probability: float = 0.01, norm_layer: Layer | None = None) -> None:
        super().__init__()
        self.num_classes, self.num_anchors = num_classes, num_anchors
        self.conv = _convolutions(in_channels, num_convs, norm_layer)
        init_normal(list(self.conv))
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        nn.init.constant_(self.cls_logits.bias,
                          -math.log((1 - prior_probability) / prior_probability))

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """(batch, places, num_classes)."""
        return by_anchor([self.cls_logits(self.conv(each)) for each in x], self.num_classes)


class FCOSRegressionHead(nn.Module):
    """Distances to the sides of the box, and how near the place is to its centre."""

    def __init__(self, in_channels: int, num_anchors: int, num_convs: int = 4,
                 norm_layer: Layer | None = None) -> None:
        super().__init__()
        self.conv = _convolutions(in_channels, num_convs, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        self.bbox_ctrness = nn.Conv2d(in_channels, num_anchors, 3, padding=1)
        init_normal([self.bbox_reg, self.bbox_ctrness, *self.conv])

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(batch, places, 4) and (batch, places, 1)."""
        inner = [self.conv(each) for each in x]
        return (by_anchor([F.relu(self.bbox_reg(each)) for each in inner], 4),
                by_anchor([self.bbox_ctrness(each) for each in inner], 1))


class FCOSHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int,
                 num_convs: int = 4) -> None:
        super().__init__()
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.classification_head = FCOSClassificationHead(in_channels, num_anchors, num_classes,
                                                          num_convs)
        self.regression_head = FCOSRegressionHead(in_channels, num_anchors, num_convs)

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor],
                     matched_idxs: Sequence[Tensor]) -> dict[str, Tensor]:
        """ "classification", "bbox_regression" and "bbox_ctrness", over the places of objects."""
        labels, boxes = [], []
        for target, matched in zip(targets, matched_idxs, strict=True):
            number = matched.clamp(min=0)
            if len(target["labels"]):
                label, box = target["labels"][number], target["boxes"][number]
            else:
                label = target["labels"].new_zeros((len(matched),))
                box = target["boxes"].new_zeros((len(matched), 4))
            labels.append(label.masked_fill(matched < 0, -1))
            boxes.append(box)
        label, box, places = stack(labels), stack(boxes), stack(list(anchors))
        image, place = where(label >= 0)
        wanted = zeros_like(head_outputs["cls_logits"])
        wanted[image, place, label[image, place]] = 1.0
        found = self.box_coder.decode(head_outputs["bbox_regression"], places)
        overlap = generalized_box_iou_loss(found[image, place], box[image, place],
                                           reduction="sum")
        centred = F.binary_cross_entropy_with_logits(
            head_outputs["bbox_ctrness"].squeeze(2)[image, place],
            self._centredness(places[image, place], box[image, place]), reduction="sum")
        count = max(1, len(image))
        focal = sigmoid_focal_loss(head_outputs["cls_logits"], wanted, reduction="sum")
        return {"classification": focal / count, "bbox_regression": overlap / count,
                "bbox_ctrness": centred / count}

    def _centredness(self, places: Tensor, boxes: Tensor) -> Tensor:
        """(n,): 1 at the centre of the box, 0 at its sides."""
        left, top, right, bottom = self.box_coder.encode(places, boxes).unbind(-1)
        across, down = minimum(left, right), minimum(top, bottom)
        return (across / maximum(left, right) * (down / maximum(top, bottom))).sqrt()

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """ "cls_logits", "bbox_regression" and "bbox_ctrness"."""
        logits = self.classification_head(x)
        offsets, centredness = self.regression_head(x)
        return {"cls_logits": logits, "bbox_regression": offsets, "bbox_ctrness": centredness}


class FCOS(SingleStageDetector):
    """Boxes from the places inside them, without anchors of several shapes (Tian et al., 2019).

    Args as of `RetinaNet`, but for center_sampling_radius: places this near to a box's centre, in
    strides of their feature map, belong to it.

    Raises ValueError for an anchor_generator with more than one anchor at a place.
    """

    def __init__(self, backbone: Any, num_classes: int, min_size: Any = 800, max_size: int = 1333,
                 image_mean: Any = None, image_std: Any = None, anchor_generator: Any = None,
                 head: Any = None, center_sampling_radius: float = 1.5,
                 score_thresh: float = 0.2, nms_thresh: float = 0.6,
                 detections_per_img: int = 100, topk_candidates: int = 1000,
                 **options: Any) -> None:
        super().__init__()
        demand_channels(backbone)
        demand_anchors(anchor_generator)
        self.backbone = backbone
        if anchor_generator is None:  # as large as the strides of the feature maps
            anchor_generator = AnchorGenerator(((8,), (16,), (32,), (64,), (128,)),
                                               ((1.0,),) * 5)
        count = anchor_generator.num_anchors_per_location()[0]
        if count != 1:
            raise ValueError("anchor_generator.num_anchors_per_location()[0] should be 1 instead "
                             f"of {count}")
        self.anchor_generator = anchor_generator
        self.head = FCOSHead(backbone.out_channels, 1, num_classes) if head is None else head
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.set_transform(min_size, max_size, image_mean, image_std, **options)
        self.center_sampling_radius = center_sampling_radius
        self.score_thresh, self.nms_thresh = score_thresh, nms_thresh
        self.detections_per_img, self.topk_candidates = detections_per_img, topk_candidates

    def _match(self, boxes: Tensor, anchors: Tensor, counts: Sequence[int]) -> Tensor:
        """(places,): the number of the box that each place belongs to, or -1."""
        if not boxes.numel():
            return full((len(anchors),), -1, dtype=int64)
        place, size = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2] - anchors[:, 0]
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        near = (place[:, None] - centre[None]).abs().amax(2)  # (places, boxes)
        sides = cat([place[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - place[:, None]], 2)
        longest = sides.amax(2)
        lower, upper = size * 4, size * 8
        lower[: counts[0]] = 0
        upper[len(upper) - counts[-1] :] = float("inf")
        belongs = ((near < self.center_sampling_radius * size[:, None]) & (sides.amin(2) > 0)
                   & (longest > lower[:, None]) & (longest < upper[:, None]))
        value, number = (belongs.to(float32) * (LARGE - box_area(boxes)[None])).max(dim=1)
        return number.masked_fill(value < 1e-5, -1)

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor], counts: Sequence[int]) -> dict[str, Tensor]:
        """ "classification", "bbox_regression" and "bbox_ctrness"."""
        matched = [self._match(target["boxes"], own, counts)
                   for target, own in zip(targets, anchors, strict=True)]
        return self.head.compute_loss(targets, head_outputs, anchors, matched)

    def detect(self, head_outputs: Mapping[str, Tensor], anchors: Sequence[Tensor],
               counts: Sequence[int],
               image_shapes: Sequence[tuple[int, int]]) -> list[dict[str, Tensor]]:
        """The results of each picture."""
        scores = (head_outputs["cls_logits"].sigmoid()
                  * head_outputs["bbox_ctrness"].sigmoid()).sqrt()
        return [self.best_of_levels(own, offsets, boxes, counts, shape, self.box_coder.decode)
                for own, offsets, boxes, shape in zip(scores, head_outputs["bbox_regression"],
                                                      anchors, image_shapes, strict=True)]


@model("FCOS_ResNet50_FPN_Weights")
def fcos_resnet50_fpn(num_classes: int | None = None, weights_backbone: Any = "IMAGENET1K_V1",
                      trainable_backbone_layers: int | None = None, is_trained: bool = False,
                      **options: Any) -> FCOS:
    """FCOS on a ResNet-50 with a pyramid (Tian et al., 2019).

    Arguments as of `fasterrcnn_resnet50_fpn`.
    """
    body = resnet50_pyramid(is_trained, weights_backbone, trainable_backbone_layers,
                            returned_layers=[2, 3, 4], extra_blocks=partial(LastLevelP6P7, 256,
                                                                            256))
    return FCOS(body, CLASSES if num_classes is None else num_classes, **options)
