"""Fully convolutional networks."""

from __future__ import annotations

from typing import Any

from rushlight import nn
from rushlight.vision.models.intermediate_layers import IntermediateLayerGetter
from rushlight.vision.models.resnet import ResNet, resnet50, resnet101
from rushlight.vision.models.segmentation.heads import CLASSES, SegmentationModel
from rushlight.vision.models.weights import model

__all__ = ["FCN", "fcn_resnet101", "fcn_resnet50"]


class FCN(SegmentationModel):
    """A convolutional head on a dilated backbone (Long et al., 2015)."""


class FCNHead(nn.Sequential):
    """A 3x3 and a 1x1 convolution."""

    def __init__(self, in_channels: int, channels: int) -> None:
        width = in_channels // 4
        super().__init__(nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
                         nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(0.1),
                         nn.Conv2d(width, channels, 1))


def dilated(build: Any, weights_backbone: Any, aux_loss: bool | None) -> nn.Module:
    """A ResNet whose last two stages keep the size; the third gives "aux"."""
    net: ResNet = build(weights=weights_backbone,
                        replace_stride_with_dilation=[False, True, True])
    return IntermediateLayerGetter(net, {"layer4": "out", **({"layer3": "aux"} if aux_loss
                                                             else {})})


def _fcn(build: Any, num_classes: int | None, aux_loss: bool | None,
         weights_backbone: Any) -> FCN:
    classes = CLASSES if num_classes is None else num_classes
    body = dilated(build, weights_backbone, aux_loss)
    aux = FCNHead(1024, classes) if aux_loss else None
    return FCN(body, FCNHead(2048, classes), aux)


@model("FCN_ResNet50_Weights", aux_loss=True)
def fcn_resnet50(num_classes: int | None = None, aux_loss: bool | None = None,
                 weights_backbone: Any = "IMAGENET1K_V1", **_: Any) -> FCN:
    """FCN on a ResNet-50 (Long et al., 2015); weights_backbone: of the ResNet, None for none."""
    return _fcn(resnet50, num_classes, aux_loss, weights_backbone)


@model("FCN_ResNet101_Weights", aux_loss=True)
def fcn_resnet101(num_classes: int | None = None, aux_loss: bool | None = None,
                  weights_backbone: Any = "IMAGENET1K_V1", **_: Any) -> FCN:
    """FCN on a ResNet-101 (Long et al., 2015); weights_backbone: of the ResNet, None for none."""
    return _fcn(resnet101, num_classes, aux_loss, weights_backbone)
