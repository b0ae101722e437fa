"""ResNet, ResNeXt and Wide ResNet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight import nn
from rushlight.ops import flatten
from rushlight.tensor import Tensor
from rushlight.vision.models.weights import model

__all__ = ["ResNet", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
           "resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "wide_resnet101_2",
           "wide_resnet50_2"]

Layer = Callable[..., nn.Module]


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1,
            dilation: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size at stride 1, without bias."""
    return nn.Conv2d(in_planes, out_planes, 3, stride, dilation, dilation, groups, bias=False)


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution without bias."""
    return nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    expansion = 1

    def __init__(self, inplanes: int, planes: int, stride: int = 1,
                 downsample: nn.Module | None = None, groups: int = 1, base_width: int = 64,
                 dilation: int = 1, norm_layer: Layer | None = None) -> None:
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside the identity; the 3x3 has the stride."""

    expansion = 4

    def __init__(self, inplanes: int, planes: int, stride: int = 1,
                 downsample: nn.Module | None = None, groups: int = 1, base_width: int = 64,
                 dilation: int = 1, norm_layer: Layer | None = None) -> None:
        super().__init__()
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """A stem, four stages of blocks, a mean and a linear layer (He et al., 2016).

    Args:
        block: `BasicBlock` or `Bottleneck`. layers: blocks in each stage.
        zero_init_residual: blocks begin as the identity.
        groups, width_per_group: of the 3x3 convolutions (Xie et al., 2017: ResNeXt).
        replace_stride_with_dilation: for stages 2 to 4, whether to keep the size.
        norm_layer: in place of BatchNorm2d.
    """

    def __init__(self, block: Any, layers: Sequence[int], num_classes: int = 1000,
                 zero_init_residual: bool = False, groups: int = 1, width_per_group: int = 64,
                 replace_stride_with_dilation: Sequence[bool] | None = None,
                 norm_layer: Layer | None = None) -> None:
        super().__init__()
        dilate = [False] * 3 if replace_stride_with_dilation is None else [
            *replace_stride_with_dilation]
        if len(dilate) != 3:
            raise ValueError("replace_stride_with_dilation should be None or a 3-element tuple, "
                             f"got {replace_stride_with_dilation}")
        self._norm_layer = nn.BatchNorm2d if norm_layer is None else norm_layer
        self.inplanes, self.dilation = 64, 1
        self.groups, self.base_width = groups, width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, 7, 2, 3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self._init_weights(zero_init_residual)

    def _init_weights(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
        if zero_init_residual:
            for module in self.modules():
                last = getattr(module, "bn3" if isinstance(module, Bottleneck) else "bn2", None)
                if isinstance(module, BasicBlock | Bottleneck) and last.weight is not None:
                    nn.init.constant_(last.weight, 0)

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1,
                    dilate: bool = False) -> nn.Sequential:
        before = self.dilation
        if dilate:
            self.dilation, stride = self.dilation * stride, 1
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(conv1x1(self.inplanes, planes * block.expansion, stride),
                                       self._norm_layer(planes * block.expansion))
        shared = (self.groups, self.base_width)
        made = [block(self.inplanes, planes, stride, downsample, *shared, before,
                      self._norm_layer)]
        self.inplanes = planes * block.expansion
        made += [block(self.inplanes, planes, 1, None, *shared, self.dilation, self._norm_layer)
                 for _ in range(blocks - 1)]
        return nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, height, width) pictures give (batch, num_classes) scores."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(flatten(self.avgpool(x), 1))


@model("ResNet18_Weights")
def resnet18(**options: Any) -> ResNet:
    """ResNet-18 (He et al., 2016)."""
    return ResNet(BasicBlock, [2, 2, 2, 2], **options)


@model("ResNet34_Weights")
def resnet34(**options: Any) -> ResNet:
    """ResNet-34 (He et al., 2016)."""
    return ResNet(BasicBlock, [3, 4, 6, 3], **options)


@model("ResNet50_Weights")
def resnet50(**options: Any) -> ResNet:
    """ResNet-50 (He et al., 2016)."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **options)


@model("ResNet101_Weights")
def resnet101(**options: Any) -> ResNet:
    """ResNet-101 (He et al., 2016)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **options)


@model("ResNet152_Weights")
def resnet152(**options: Any) -> ResNet:
    """ResNet-152 (He et al., 2016)."""
    return ResNet(Bottleneck, [3, 8, 36, 3], **options)


@model("ResNeXt50_32X4D_Weights")
def resnext50_32x4d(**options: Any) -> ResNet:
    """ResNeXt-50, 32 groups of width 4 (Xie et al., 2017)."""
    return ResNet(Bottleneck, [3, 4, 6, 3], groups=32, width_per_group=4, **options)


@model("ResNeXt101_32X8D_Weights")
def resnext101_32x8d(**options: Any) -> ResNet:
    """ResNeXt-101, 32 groups of width 8 (Xie et al., 2017)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=8, **options)


@model("ResNeXt101_64X4D_Weights")
def resnext101_64x4d(**options: Any) -> ResNet:
    """ResNeXt-101, 64 groups of width 4 (Xie et al., 2017)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], groups=64, width_per_group=4, **options)


@model("Wide_ResNet50_2_Weights")
def wide_resnet50_2(**options: Any) -> ResNet:
    """Wide ResNet-50-2: inner 3x3 convolutions of twice the width (Zagoruyko et al., 2016)."""
    return ResNet(Bottleneck, [3, 4, 6, 3], width_per_group=128, **options)


@model("Wide_ResNet101_2_Weights")
def wide_resnet101_2(**options: Any) -> ResNet:
    """Wide ResNet-101-2: inner 3x3 convolutions of twice the width (Zagoruyko et al., 2016)."""
    return ResNet(Bottleneck, [3, 4, 23, 3], width_per_group=128, **options)
