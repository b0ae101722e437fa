"""RetinaNet."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rushlight import nn
from rushlight.ops import cat, where, zeros_like
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.anchor_utils import AnchorGenerator
from rushlight.vision.models.detection.backbone_utils import resnet_pyramid, trainable
from rushlight.vision.models.detection.box_matching import BoxCoder, Matcher, box_loss
from rushlight.vision.models.detection.faster_rcnn import CLASSES, load_v1, resnet50_pyramid
from rushlight.vision.models.detection.rpn import permute_and_flatten
from rushlight.vision.models.detection.single_stage import (
    SingleStageDetector,
    Target,
    demand_anchors,
    demand_channels,
    init_normal,
)
from rushlight.vision.models.resnet import resnet50
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, LastLevelP6P7, sigmoid_focal_loss

__all__ = ["RetinaNet", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2"]

Layer = Callable[..., nn.Module]
SIDES = tuple((side, int(side * 2 ** (1.0 / 3)), int(side * 2 ** (2.0 / 3)))
              for side in (32, 64, 128, 256, 512))
DEPTH = 4  # convolutions of a head


def by_anchor(maps: Sequence[Tensor], columns: int) -> Tensor:
    """(batch, anchors * columns, h, w) of each feature map give (batch, all anchors, columns)."""
    return cat([permute_and_flatten(each, each.shape[0], -1, columns, *each.shape[2:])
                for each in maps], 1)


class _Head(nn.Module):
    """Convolutions, shared by all feature maps."""

    _version = 2

    def __init__(self, in_channels: int, norm_layer: Layer | None) -> None:
        super().__init__()
        self.conv = nn.Sequential(*(Conv2dNormActivation(in_channels, in_channels,
                                                         norm_layer=norm_layer)
                                    for _ in range(DEPTH)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str,
                              local_metadata: dict[str, Any], *rest: Any) -> None:
        version = local_metadata.get("version")
        if version is None or version < 2:  # convolutions and ReLUs were one list
            for i in range(DEPTH):
                for kind in ("weight", "bias"):
                    old = f"{prefix}conv.{2 * i}.{kind}"
                    if old in state_dict:
                        state_dict[f"{prefix}conv.{i}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class RetinaNetClassificationHead(_Head):
    """Scores of the classes for each anchor; at first all are `prior_probability`."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int,
                 prior_probability: float = 0.01, norm_layer: Layer | None = None) -> None:
        super().__init__(in_channels, norm_layer)
        init_normal(list(self.conv.modules()))
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        nn.init.constant_(self.cls_logits.bias,
                          -math.log((1 - prior_probability) / prior_probability))
        self.num_classes, self.num_anchors = num_classes, num_anchors
        self.BETWEEN_THRESHOLDS = Matcher.BETWEEN_THRESHOLDS

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     matched_idxs: Sequence[Tensor]) -> Tensor:
        """The focal loss, over the number of objects' anchors, as a mean of the pictures."""
        losses = []
        for target, logits, matched in zip(targets, head_outputs["cls_logits"], matched_idxs,
                                           strict=True):
            positive = where(matched >= 0)[0]
            wanted = zeros_like(logits)
            wanted[positive, target["labels"][matched[positive]]] = 1.0
            counted = where(matched != self.BETWEEN_THRESHOLDS)[0]
            loss = sigmoid_focal_loss(logits[counted], wanted[counted], reduction="sum")
            losses.append(loss / max(1, len(positive)))
        return sum(losses[1:], losses[0]) / len(targets)

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """(batch, anchors, num_classes)."""
        return by_anchor([self.cls_logits(self.conv(each)) for each in x], self.num_classes)


class RetinaNetRegressionHead(_Head):
    """Offsets of the boxes for each anchor."""

    def __init__(self, in_channels: int, num_anchors: int,
                 norm_layer: Layer | None = None) -> None:
        super().__init__(in_channels, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        init_normal([self.bbox_reg, *self.conv.modules()])
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self._loss_type = "l1"

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor], matched_idxs: Sequence[Tensor]) -> Tensor:
        """The loss of the offsets, over the number of anchors, as a mean of the pictures."""
        losses = []
        for target, offsets, own, matched in zip(targets, head_outputs["bbox_regression"],
                                                 anchors, matched_idxs, strict=True):
            positive = where(matched >= 0)[0]
            loss = box_loss(self._loss_type, self.box_coder, own[positive],
                            target["boxes"][matched[positive]], offsets[positive])
            losses.append(loss / max(1, len(positive)))
        return sum(losses[1:], losses[0]) / max(1, len(targets))

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """(batch, anchors, 4)."""
        return by_anchor([self.bbox_reg(self.conv(each)) for each in x], 4)


class RetinaNetHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int,
                 norm_layer: Layer | None = None) -> None:
        super().__init__()
        self.classification_head = RetinaNetClassificationHead(
            in_channels, num_anchors, num_classes, norm_layer=norm_layer)
        self.regression_head = RetinaNetRegressionHead(in_channels, num_anchors, norm_layer)

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor],
                     matched_idxs: Sequence[Tensor]) -> dict[str, Tensor]:
        """ "classification" and "bbox_regression"."""
        return {"classification": self.classification_head.compute_loss(targets, head_outputs,
                                                                        matched_idxs),
                "bbox_regression": self.regression_head.compute_loss(targets, head_outputs,
                                                                     anchors, matched_idxs)}

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """ "cls_logits" and "bbox_regression"."""
        return {"cls_logits": self.classification_head(x),
                "bbox_regression": self.regression_head(x)}


def default_anchors() -> AnchorGenerator:
    """Three sizes and three shapes for each of five levels."""
    return AnchorGenerator(SIDES, ((0.5, 1.0, 2.0),) * len(SIDES))


class RetinaNet(SingleStageDetector):
    """One step from anchors to classes and boxes, with a focal loss (Lin et al., 2017).

    Args:
        backbone: gives features, one tensor or several by name; has `out_channels`.
        num_classes: with the background.
        min_size, max_size, image_mean, image_std: of `GeneralizedRCNNTransform`, as are options.
        anchor_generator, head, proposal_matcher: None for those of the paper.
        score_thresh, nms_thresh, detections_per_img: which results are kept.
        fg_iou_thresh, bg_iou_thresh: overlap from which on an anchor is the object, and below
            which it is background.
        topk_candidates: of each feature map, before non-maximum suppression.
    """

    def __init__(self, backbone: Any, num_classes: int, min_size: Any = 800, max_size: int = 1333,
                 image_mean: Any = None, image_std: Any = None, anchor_generator: Any = None,
                 head: Any = None, proposal_matcher: Any = None, score_thresh: float = 0.05,
                 nms_thresh: float = 0.5, detections_per_img: int = 300,
                 fg_iou_thresh: float = 0.5, bg_iou_thresh: float = 0.4,
                 topk_candidates: int = 1000, **options: Any) -> None:
        super().__init__()
        demand_channels(backbone)
        demand_anchors(anchor_generator)
        self.backbone = backbone
        self.anchor_generator = default_anchors() if anchor_generator is None else anchor_generator
        if head is None:
            head = RetinaNetHead(backbone.out_channels,
                                 self.anchor_generator.num_anchors_per_location()[0], num_classes)
        self.head = head
        if proposal_matcher is None:
            proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh,
                                       allow_low_quality_matches=True)
        self.proposal_matcher = proposal_matcher
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.set_transform(min_size, max_size, image_mean, image_std, **options)
        self.score_thresh, self.nms_thresh = score_thresh, nms_thresh
        self.detections_per_img, self.topk_candidates = detections_per_img, topk_candidates

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor], counts: Sequence[int] = ()) -> dict[str, Tensor]:
        """ "classification" and "bbox_regression"."""
        return self.head.compute_loss(targets, head_outputs, anchors,
                                      self.match(targets, anchors))

    def detect(self, head_outputs: Mapping[str, Tensor], anchors: Sequence[Tensor],
               counts: Sequence[int],
               image_shapes: Sequence[tuple[int, int]]) -> list[dict[str, Tensor]]:
        """The results of each picture."""
        scores = head_outputs["cls_logits"].sigmoid()
        return [self.best_of_levels(own, offsets, boxes, counts, shape,
                                    self.box_coder.decode_single)
                for own, offsets, boxes, shape in zip(scores, head_outputs["bbox_regression"],
                                                      anchors, image_shapes, strict=True)]


@model("RetinaNet_ResNet50_FPN_Weights", load=load_v1)
def retinanet_resnet50_fpn(num_classes: int | None = None,
                           weights_backbone: Any = "IMAGENET1K_V1",
                           trainable_backbone_layers: int | None = None,
                           is_trained: bool = False, **options: Any) -> RetinaNet:
    """RetinaNet on a ResNet-50 with a pyramid (Lin et al., 2017).

    Arguments as of `fasterrcnn_resnet50_fpn`.
    """
    body = resnet50_pyramid(is_trained, weights_backbone, trainable_backbone_layers,
                            returned_layers=[2, 3, 4], extra_blocks=partial(LastLevelP6P7, 256,
                                                                            256))
    return RetinaNet(body, CLASSES if num_classes is None else num_classes, **options)


@model("RetinaNet_ResNet50_FPN_V2_Weights")
def retinanet_resnet50_fpn_v2(num_classes: int | None = None, weights_backbone: Any = None,
                              trainable_backbone_layers: int | None = None,
                              is_trained: bool = False, **options: Any) -> RetinaNet:
    """RetinaNet with group norms and a loss of overlaps (Zhang et al., 2020).

    Arguments as of `fasterrcnn_resnet50_fpn`.
    """
    classes = CLASSES if num_classes is None else num_classes
    layers = trainable(is_trained or weights_backbone is not None, trainable_backbone_layers, 5, 3)
    net = resnet50(weights=weights_backbone)
    body = resnet_pyramid(net, layers, returned_layers=[2, 3, 4],
                          extra_blocks=LastLevelP6P7(2048, 256))
    anchors = default_anchors()
    head = RetinaNetHead(body.out_channels, anchors.num_anchors_per_location()[0], classes,
                         norm_layer=partial(nn.GroupNorm, 32))
    head.regression_head._loss_type = "giou"
    return RetinaNet(body, classes, anchor_generator=anchors, head=head, **options)
