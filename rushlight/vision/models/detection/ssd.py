"""SSD."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import cat, full_like, ones, stack, where, zeros
from rushlight.tensor import Parameter, Tensor
from rushlight.vision.models.detection.anchor_utils import DefaultBoxGenerator
from rushlight.vision.models.detection.backbone_utils import retrieve_out_channels, trainable
from rushlight.vision.models.detection.box_matching import BoxCoder, SSDMatcher
from rushlight.vision.models.detection.faster_rcnn import CLASSES
from rushlight.vision.models.detection.retinanet import by_anchor
from rushlight.vision.models.detection.single_stage import SingleStageDetector, Target
from rushlight.vision.models.vgg import vgg16
from rushlight.vision.models.weights import model
from rushlight.vision.ops import clip_boxes_to_image

__all__ = ["SSD", "ssd300_vgg16"]

F = nn.functional
# Of VGG's weights that were trained elsewhere: pictures in [0, 255], only the mean taken off.
MEAN, DEVIATION = (0.48235, 0.45882, 0.40784), (1 / 255.0,) * 3
# Channels in, between and out, and options of the second convolution.
EXTRA: tuple[tuple[int, int, int, dict[str, int]], ...] = (
    (1024, 256, 512, {"kernel_size": 3, "padding": 1, "stride": 2}),
    (512, 128, 256, {"kernel_size": 3, "padding": 1, "stride": 2}),
    (256, 128, 256, {"kernel_size": 3}), (256, 128, 256, {"kernel_size": 3}))
LARGER = (256, 128, 256, {"kernel_size": 4})  # one more, for pictures of 512x512


def _xavier_init(net: nn.Module) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, 0.0)


class SSDScoringHead(nn.Module):
    """A layer for each feature map; num_columns: numbers for each anchor."""

    def __init__(self, module_list: nn.ModuleList, num_columns: int) -> None:
        super().__init__()
        self.module_list, self.num_columns = module_list, num_columns

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """(batch, anchors, num_columns)."""
        return by_anchor([layer(each) for layer, each in zip(self.module_list, x, strict=True)],
                         self.num_columns)


def _layers(in_channels: Sequence[int], num_anchors: Sequence[int], columns: int) -> nn.ModuleList:
    layers = nn.ModuleList(nn.Conv2d(channels, columns * anchors, 3, padding=1)
                           for channels, anchors in zip(in_channels, num_anchors, strict=True))
    _xavier_init(layers)
    return layers


class SSDClassificationHead(SSDScoringHead):
    """Scores of the classes."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int],
                 num_classes: int) -> None:
        super().__init__(_layers(in_channels, num_anchors, num_classes), num_classes)


class SSDRegressionHead(SSDScoringHead):
    """Offsets of the boxes."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int]) -> None:
        super().__init__(_layers(in_channels, num_anchors, 4), 4)


class SSDHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int],
                 num_classes: int) -> None:
        super().__init__()
        self.classification_head = SSDClassificationHead(in_channels, num_anchors, num_classes)
        self.regression_head = SSDRegressionHead(in_channels, num_anchors)

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """ "bbox_regression" and "cls_logits"."""
        return {"bbox_regression": self.regression_head(x),
                "cls_logits": self.classification_head(x)}


class SSD(SingleStageDetector):
    """Default boxes on feature maps of several sizes (Liu et al., 2016).

    Args:
        backbone: gives feature maps by name; may have `out_channels`, a list.
        anchor_generator: the default boxes. size: (width, height) that pictures get.
        num_classes: with the background. image_mean, image_std, options: of the transform.
        head: None for `SSDHead`. score_thresh, nms_thresh, detections_per_img: which results are
            kept. iou_thresh: overlap from which on a default box is the object.
        topk_candidates: of each class, before non-maximum suppression.
        positive_fraction: of the boxes that the class loss is of; the rest are the background
            boxes of greatest loss.

    Raises ValueError where feature maps and the boxes' shapes differ in number.
    """

    def __init__(self, backbone: Any, anchor_generator: DefaultBoxGenerator,
                 size: tuple[int, int], num_classes: int, image_mean: Any = None,
                 image_std: Any = None, head: Any = None, score_thresh: float = 0.01,
                 nms_thresh: float = 0.45, detections_per_img: int = 200,
                 iou_thresh: float = 0.5, topk_candidates: int = 400,
                 positive_fraction: float = 0.25, **options: Any) -> None:
        super().__init__()
        self.backbone, self.anchor_generator = backbone, anchor_generator
        self.box_coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
        self.head = self._head(size, num_classes) if head is None else head
        self.proposal_matcher = SSDMatcher(iou_thresh)
        self.set_transform(min(size), max(size), image_mean, image_std, size_divisible=1,
                           fixed_size=size, **options)
        self.score_thresh, self.nms_thresh = score_thresh, nms_thresh
        self.detections_per_img, self.topk_candidates = detections_per_img, topk_candidates
        self.neg_to_pos_ratio = (1.0 - positive_fraction) / positive_fraction

    def _head(self, size: tuple[int, int], num_classes: int) -> SSDHead:
        channels = (self.backbone.out_channels if hasattr(self.backbone, "out_channels")
                    else retrieve_out_channels(self.backbone, size))
        demand_maps(channels, self.anchor_generator)
        return SSDHead(channels, self.anchor_generator.num_anchors_per_location(), num_classes)

    def compute_loss(self, targets: Sequence[Target], head_outputs: Mapping[str, Tensor],
                     anchors: Sequence[Tensor], counts: Sequence[int] = ()) -> dict[str, Tensor]:
        """ "bbox_regression" and "classification", over the number of objects' boxes."""
        matched_idxs = self.match(targets, anchors)
        box_losses, labels, count = [], [], 0
        for target, offsets, own, matched in zip(targets, head_outputs["bbox_regression"], anchors,
                                                 matched_idxs, strict=True):
            positive = where(matched >= 0)[0]
            number = matched[positive]
            count += len(positive)
            wanted = self.box_coder.encode_single(target["boxes"][number], own[positive])
            box_losses.append(F.smooth_l1_loss(offsets[positive], wanted, reduction="sum"))
            label = zeros(len(matched), dtype=target["labels"].dtype)
            label[positive] = target["labels"][number]
            labels.append(label)
        label = stack(labels)  # (batch, boxes)
        logits = head_outputs["cls_logits"]
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), label.flatten(),
                               reduction="none").view(label.shape)
        foreground = label > 0
        hardest = loss.detach().masked_fill(foreground, -float("inf")).argsort(1, descending=True)
        rank = hardest.argsort(1)
        background = rank < self.neg_to_pos_ratio * foreground.sum(1, keepdim=True)
        total = loss[foreground].sum() + loss[background].sum()
        return {"bbox_regression": stack(box_losses).sum() / max(1, count),
                "classification": total / max(1, count)}

    def detect(self, head_outputs: Mapping[str, Tensor], anchors: Sequence[Tensor],
               counts: Sequence[int],
               image_shapes: Sequence[tuple[int, int]]) -> list[dict[str, Tensor]]:
        """The results of each picture."""
        likely = F.softmax(head_outputs["cls_logits"], dim=-1)
        results = []
        for offsets, scores, own, shape in zip(head_outputs["bbox_regression"], likely, anchors,
                                               image_shapes, strict=True):
            boxes = clip_boxes_to_image(self.box_coder.decode_single(offsets, own), shape)
            kept_boxes, kept_scores, labels = [], [], []
            for label in range(1, scores.shape[-1]):
                candidates = where(scores[:, label] > self.score_thresh)[0]
                best, order = scores[candidates, label].topk(min(self.topk_candidates,
                                                                 len(candidates)))
                kept_boxes.append(boxes[candidates[order]])
                kept_scores.append(best)
                labels.append(full_like(order, label))
            results.append(self.keep(cat(kept_boxes), cat(kept_scores), cat(labels)))
        return results


def demand_maps(channels: Sequence[int], anchors: DefaultBoxGenerator) -> None:
    """Raises ValueError where feature maps and the boxes' shapes differ in number."""
    if len(channels) != len(anchors.aspect_ratios):
        raise ValueError(f"The length of the output channels from the backbone ({len(channels)}) "
                         "do not match the length of the anchor generator aspect ratios "
                         f"({len(anchors.aspect_ratios)})")


class SSDFeatureExtractorVGG(nn.Module):
    """VGG's features and smaller ones from more convolutions; highres: one size more."""

    def __init__(self, backbone: nn.Sequential, highres: bool) -> None:
        super().__init__()
        pools = [i for i, layer in enumerate(backbone) if isinstance(layer, nn.MaxPool2d)]
        backbone[pools[2]].ceil_mode = True
        self.scale_weight = Parameter(ones(512) * 20)
        self.features = nn.Sequential(*backbone[: pools[3]])
        extra = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inside, between, 1), nn.ReLU(inplace=True),
                          nn.Conv2d(between, outside, **options), nn.ReLU(inplace=True))
            for inside, between, outside, options in (*EXTRA, *([LARGER] if highres else [])))
        _xavier_init(extra)
        dense = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(512, 1024, 3, padding=6, dilation=6),
                              nn.ReLU(inplace=True), nn.Conv2d(1024, 1024, 1),
                              nn.ReLU(inplace=True))
        _xavier_init(dense)
        extra.insert(0, nn.Sequential(*backbone[pools[3] : -1], dense))
        self.extra = extra

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """(batch, 3, height, width) gives feature maps "0", "1", ..., the finest first."""
        x = self.features(x)
        maps = [self.scale_weight.view(1, -1, 1, 1) * F.normalize(x)]
        for block in self.extra:
            x = block(x)
            maps.append(x)
        return OrderedDict((str(i), each) for i, each in enumerate(maps))


def _vgg(features: nn.Sequential, trainable_layers: int) -> SSDFeatureExtractorVGG:
    pools = [i for i, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
    stages = [0, *pools[:-1]]
    frozen = len(features) if trainable_layers == 0 else stages[len(stages) - trainable_layers]
    for layer in features[:frozen]:
        for parameter in layer.parameters():
            parameter.requires_grad_(False)
    return SSDFeatureExtractorVGG(features, False)


def warn_of_size(options: dict[str, Any]) -> None:
    """The published models have one size: drop another."""
    if options.pop("size", None) is not None:
        warnings.warn("The size of the model is already fixed; ignoring the parameter.",
                      stacklevel=4)


@model("SSD300_VGG16_Weights")
def ssd300_vgg16(num_classes: int | None = None, weights_backbone: Any = "IMAGENET1K_FEATURES",
                 trainable_backbone_layers: int | None = None, is_trained: bool = False,
                 **options: Any) -> SSD:
    """SSD of 300x300 on a VGG-16 (Liu et al., 2016).

    num_classes: with the background; 91 of COCO by default. weights_backbone: of the VGG, or None.
    trainable_backbone_layers: 0 to 5 from the top; 4 by default, all without weights.
    """
    warn_of_size(options)
    layers = trainable(is_trained or weights_backbone is not None, trainable_backbone_layers, 5, 4)
    body = _vgg(vgg16(weights=weights_backbone).features, layers)
    anchors = DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]],
                                  scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
                                  steps=[8, 16, 32, 64, 100, 300])
    pixels = {"image_mean": list(MEAN), "image_std": list(DEVIATION)}
    return SSD(body, anchors, (300, 300), CLASSES if num_classes is None else num_classes,
               **{**pixels, **options})
