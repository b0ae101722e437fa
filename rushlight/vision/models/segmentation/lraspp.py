"""Lite R-ASPP."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.models.intermediate_layers import IntermediateLayerGetter, stage_ends
from rushlight.vision.models.mobilenetv3 import mobilenet_v3_large
from rushlight.vision.models.segmentation.heads import CLASSES, enlarged
from rushlight.vision.models.weights import model

__all__ = ["LRASPP", "lraspp_mobilenet_v3_large"]


class LRASPPHead(nn.Module):
    """Coarse features, scaled by their mean's gates, added to fine ones as scores."""

    def __init__(self, low_channels: int, high_channels: int, num_classes: int,
                 inter_channels: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(nn.Conv2d(high_channels, inter_channels, 1, bias=False),
                                 nn.BatchNorm2d(inter_channels), nn.ReLU(inplace=True))
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1),
                                   nn.Conv2d(high_channels, inter_channels, 1, bias=False),
                                   nn.Sigmoid())
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: Mapping[str, Tensor]) -> Tensor:
        """Features "low" (fine) and "high" (coarse) give scores of the size of "low"."""
        low, high = input["low"], input["high"]
        high = enlarged(self.cbr(high) * self.scale(high), low)
        return self.low_classifier(low) + self.high_classifier(high)


class LRASPP(nn.Module):
    """A small segmentation net (Howard et al., 2019).

    backbone: gives features "low" and "high", of low_channels and high_channels.
    inter_channels: of the head.
    """

    def __init__(self, backbone: nn.Module, low_channels: int, high_channels: int,
                 num_classes: int, inter_channels: int = 128) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> OrderedDict[str, Tensor]:
        """(batch, 3, height, width) gives "out", (batch, num_classes, height, width)."""
        return OrderedDict(out=enlarged(self.classifier(self.backbone(input)), input))


@model("LRASPP_MobileNet_V3_Large_Weights")
def lraspp_mobilenet_v3_large(num_classes: int | None = None,
                              weights_backbone: Any = "IMAGENET1K_V1", **options: Any) -> LRASPP:
    """Lite R-ASPP on a MobileNet v3 (Howard et al., 2019); weights_backbone: of that, or None."""
    if options.pop("aux_loss", False):
        raise NotImplementedError("This model does not use auxiliary loss")
    features = mobilenet_v3_large(weights=weights_backbone, dilated=True).features
    ends = stage_ends(features)
    low, high = ends[-4], ends[-1]
    body = IntermediateLayerGetter(features, {str(low): "low", str(high): "high"})
    return LRASPP(body, features[low].out_channels, features[high].out_channels,
                  CLASSES if num_classes is None else num_classes)
