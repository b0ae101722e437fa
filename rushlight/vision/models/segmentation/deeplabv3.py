"""DeepLab v3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import cat
from rushlight.tensor import Tensor
from rushlight.vision.models.intermediate_layers import IntermediateLayerGetter, stage_ends
from rushlight.vision.models.mobilenetv3 import mobilenet_v3_large
from rushlight.vision.models.resnet import resnet50, resnet101
from rushlight.vision.models.segmentation.fcn import FCNHead, dilated
from rushlight.vision.models.segmentation.heads import CLASSES, SegmentationModel, enlarged
from rushlight.vision.models.weights import model

__all__ = ["DeepLabV3", "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet101",
           "deeplabv3_resnet50"]


class DeepLabV3(SegmentationModel):
    """Convolutions of several dilations beside each other (Chen et al., 2017)."""


def _normed(in_channels: int, out_channels: int, kernel: int = 1,
            dilation: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, kernel, padding=dilation if kernel > 1 else 0,
                      dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels), nn.ReLU()]


class ASPPConv(nn.Sequential):
    """A dilated 3x3 convolution."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(*_normed(in_channels, out_channels, 3, dilation))


class ASPPPooling(nn.Sequential):
    """The mean of the picture, at every place."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *_normed(in_channels, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return enlarged(super().forward(x), x)


class ASPP(nn.Module):
    """A 1x1 convolution, dilated ones and the mean, joined and narrowed."""

    def __init__(self, in_channels: int, atrous_rates: Sequence[int],
                 out_channels: int = 256) -> None:
        super().__init__()
        self.convs = nn.ModuleList([
            nn.Sequential(*_normed(in_channels, out_channels)),
            *(ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates),
            ASPPPooling(in_channels, out_channels)])
        self.project = nn.Sequential(*_normed(len(self.convs) * out_channels, out_channels),
                                     nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return self.project(cat([branch(x) for branch in self.convs], 1))


class DeepLabHead(nn.Sequential):
    """`ASPP`, a 3x3 and a 1x1 convolution."""

    def __init__(self, in_channels: int, num_classes: int,
                 atrous_rates: Sequence[int] = (12, 24, 36)) -> None:
        super().__init__(ASPP(in_channels, atrous_rates), *_normed(256, 256, 3),
                         nn.Conv2d(256, num_classes, 1))


def _deeplab(build: Any, num_classes: int | None, aux_loss: bool | None,
             weights_backbone: Any) -> DeepLabV3:
    classes = CLASSES if num_classes is None else num_classes
    body = dilated(build, weights_backbone, aux_loss)
    aux = FCNHead(1024, classes) if aux_loss else None
    return DeepLabV3(body, DeepLabHead(2048, classes), aux)


@model("DeepLabV3_ResNet50_Weights", aux_loss=True)
def deeplabv3_resnet50(num_classes: int | None = None, aux_loss: bool | None = None,
                       weights_backbone: Any = "IMAGENET1K_V1", **_: Any) -> DeepLabV3:
    """DeepLab v3 on a ResNet-50 (Chen et al., 2017); weights_backbone: of the ResNet, or None."""
    return _deeplab(resnet50, num_classes, aux_loss, weights_backbone)


@model("DeepLabV3_ResNet101_Weights", aux_loss=True)
def deeplabv3_resnet101(num_classes: int | None = None, aux_loss: bool | None = None,
                        weights_backbone: Any = "IMAGENET1K_V1", **_: Any) -> DeepLabV3:
    """DeepLab v3 on a ResNet-101 (Chen et al., 2017); weights_backbone: of the ResNet, or None."""
    return _deeplab(resnet101, num_classes, aux_loss, weights_backbone)


@model("DeepLabV3_MobileNet_V3_Large_Weights", aux_loss=True)
def deeplabv3_mobilenet_v3_large(num_classes: int | None = None, aux_loss: bool | None = None,
                                 weights_backbone: Any = "IMAGENET1K_V1",
                                 **_: Any) -> DeepLabV3:
    """DeepLab v3 on a MobileNet v3 (Chen et al., 2017); weights_backbone: of that, or None."""
    classes = CLASSES if num_classes is None else num_classes
    features = mobilenet_v3_large(weights=weights_backbone, dilated=True).features
    ends = stage_ends(features)
    names = {str(ends[-1]): "out", **({str(ends[-4]): "aux"} if aux_loss else {})}
    body = IntermediateLayerGetter(features, names)
    aux = FCNHead(features[ends[-4]].out_channels, classes) if aux_loss else None
    return DeepLabV3(body, DeepLabHead(features[ends[-1]].out_channels, classes), aux)
