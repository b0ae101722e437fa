"""Parts of torchvision's modules that libraries of models build upon."""

from __future__ import annotations

from collections.abc import Sequence

from rushlight import nn
from rushlight.vision.models.detection.backbone_utils import overwrite_eps, retrieve_out_channels
from rushlight.vision.models.detection.box_matching import (
    BalancedPositiveNegativeSampler,
    BoxCoder,
    BoxLinearCoder,
    Matcher,
    SSDMatcher,
)
from rushlight.vision.models.segmentation.heads import SegmentationModel

__all__ = ["BalancedPositiveNegativeSampler", "BoxCoder", "BoxLinearCoder", "Matcher",
           "SSDMatcher", "make_layers", "overwrite_eps", "retrieve_out_channels"]

_SimpleSegmentationModel = SegmentationModel


def make_layers(cfg: Sequence[str | int], batch_norm: bool = False) -> nn.Sequential:
    """The convolutions of a VGG: numbers are widths, "M" is pooling by two."""
    layers: list[nn.Module] = []
    inside = 3
    for width in cfg:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers.append(nn.Conv2d(inside, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        inside = width
    return nn.Sequential(*layers)
