"""SSDlite."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.anchor_utils import DefaultBoxGenerator
from rushlight.vision.models.detection.backbone_utils import retrieve_out_channels, trainable
from rushlight.vision.models.detection.faster_rcnn import CLASSES
from rushlight.vision.models.detection.single_stage import init_normal
from rushlight.vision.models.detection.ssd import (
    SSD,
    SSDScoringHead,
    demand_maps,
    warn_of_size,
)
from rushlight.vision.models.intermediate_layers import stage_ends
from rushlight.vision.models.mobilenetv3 import mobilenet_v3_large
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation

__all__ = ["ssdlite320_mobilenet_v3_large"]

Layer = Callable[..., nn.Module]
SIZE = (320, 320)
DEVIATION = 0.03  # of the first weights


def _prediction(in_channels: int, out_channels: int, norm_layer: Layer) -> nn.Sequential:
    """A depthwise 3x3 convolution and a 1x1."""
    return nn.Sequential(
        Conv2dNormActivation(in_channels, in_channels, 3, groups=in_channels,
                             norm_layer=norm_layer, activation_layer=nn.ReLU6),
        nn.Conv2d(in_channels, out_channels, 1))


def _halving(in_channels: int, out_channels: int, norm_layer: Layer) -> nn.Sequential:
    """Half the size: 1x1, depthwise 3x3 and 1x1."""
    between = out_channels // 2
    conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
    return nn.Sequential(conv(in_channels, between, 1),
                         conv(between, between, 3, 2, groups=between),
                         conv(between, out_channels, 1))


def _layers(in_channels: Sequence[int], num_anchors: Sequence[int], columns: int,
            norm_layer: Layer) -> nn.ModuleList:
    layers = nn.ModuleList(_prediction(channels, columns * anchors, norm_layer)
                           for channels, anchors in zip(in_channels, num_anchors, strict=True))
    init_normal(list(layers.modules()), DEVIATION)
    return layers


class SSDLiteClassificationHead(SSDScoringHead):
    """Scores of the classes."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int,
                 norm_layer: Layer) -> None:
        super().__init__(_layers(in_channels, num_anchors, num_classes, norm_layer), num_classes)


class SSDLiteRegressionHead(SSDScoringHead):
    """Offsets of the boxes."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int],
                 norm_layer: Layer) -> None:
        super().__init__(_layers(in_channels, num_anchors, 4, norm_layer), 4)


class SSDLiteHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int,
                 norm_layer: Layer) -> None:
        super().__init__()
        self.classification_head = SSDLiteClassificationHead(in_channels, num_anchors,
                                                             num_classes, norm_layer)
        self.regression_head = SSDLiteRegressionHead(in_channels, num_anchors, norm_layer)

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """ "bbox_regression" and "cls_logits"."""
        return {"bbox_regression": self.regression_head(x),
                "cls_logits": self.classification_head(x)}


class SSDLiteFeatureExtractorMobileNet(nn.Module):
    """A MobileNet's features from inside block `c4_pos` and at the end, and four smaller ones."""

    def __init__(self, backbone: nn.Sequential, c4_pos: int, norm_layer: Layer,
                 width_mult: float = 1.0, min_depth: int = 16) -> None:
        super().__init__()
        last = backbone[c4_pos]
        if last.use_res_connect:
            raise ValueError("backbone[c4_pos].use_res_connect should be False")
        self.features = nn.Sequential(
            nn.Sequential(*backbone[:c4_pos], last.block[0]),
            nn.Sequential(last.block[1:], *backbone[c4_pos + 1 :]))
        widths = [backbone[-1].out_channels,
                  *(max(min_depth, int(width * width_mult)) for width in (512, 256, 256, 128))]
        self.extra = nn.ModuleList(_halving(inside, outside, norm_layer)
                                   for inside, outside in pairwise(widths))
        init_normal(list(self.extra.modules()), DEVIATION)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """(batch, 3, height, width) gives feature maps "0", "1", ..., the finest first."""
        maps = []
        for block in (*self.features, *self.extra):
            x = block(x)
            maps.append(x)
        return OrderedDict((str(i), each) for i, each in enumerate(maps))


@model("SSDLite320_MobileNet_V3_Large_Weights")
def ssdlite320_mobilenet_v3_large(num_classes: int | None = None,
                                  weights_backbone: Any = "IMAGENET1K_V1",
                                  trainable_backbone_layers: int | None = None,
                                  norm_layer: Layer | None = None, is_trained: bool = False,
                                  **options: Any) -> SSD:
    """SSDlite of 320x320 on a MobileNet v3 (Sandler et al., 2018; Howard et al., 2019).

    num_classes: with the background; 91 of COCO by default. weights_backbone: of the MobileNet, or
    None. trainable_backbone_layers: 0 to 6 from the top; all by default.
    """
    warn_of_size(options)
    layers = trainable(is_trained or weights_backbone is not None, trainable_backbone_layers, 6, 6)
    norm = (partial(nn.BatchNorm2d, eps=0.001, momentum=0.03) if norm_layer is None
            else norm_layer)
    net = mobilenet_v3_large(weights=weights_backbone, norm_layer=norm,
                             reduced_tail=weights_backbone is None)
    if weights_backbone is None:
        init_normal(list(net.modules()), DEVIATION)
    features = net.features
    ends = stage_ends(features)
    for layer in features[: len(features) if layers == 0 else ends[len(ends) - layers]]:
        for parameter in layer.parameters():
            parameter.requires_grad_(False)
    body = SSDLiteFeatureExtractorMobileNet(features, ends[-2], norm)
    anchors = DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
    channels = retrieve_out_channels(body, SIZE)
    demand_maps(channels, anchors)
    classes = CLASSES if num_classes is None else num_classes
    head = SSDLiteHead(channels, anchors.num_anchors_per_location(), classes, norm)
    usual = {"score_thresh": 0.001, "nms_thresh": 0.55, "detections_per_img": 300,
             "topk_candidates": 300, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return SSD(body, anchors, SIZE, classes, head=head, **{**usual, **options})
