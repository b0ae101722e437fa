"""Backbones for detection: nets with a feature pyramid, lower layers frozen."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.autograd import no_grad
from rushlight.ops import zeros
from rushlight.tensor import Tensor
from rushlight.vision.models.intermediate_layers import IntermediateLayerGetter, stage_ends
from rushlight.vision.models.registry import get_model
from rushlight.vision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d, LastLevelMaxPool

Layer = Callable[..., nn.Module]
CHANNELS = 256  # of every level of the pyramid
RESNET = ("layer4", "layer3", "layer2", "layer1", "conv1", "bn1")  # from the top


class BackboneWithFPN(nn.Module):
    """A net's features, as levels of a pyramid.

    Args:
        backbone: the net. return_layers: from the names of its children to those of the levels.
        in_channels_list: channels of these children's outputs. out_channels: of every level.
        extra_blocks: makes more levels; None: `LastLevelMaxPool`.
        norm_layer: of the pyramid; None: none.
    """

    def __init__(self, backbone: nn.Module, return_layers: Mapping[str, str],
                 in_channels_list: Sequence[int], out_channels: int,
                 extra_blocks: Any = None, norm_layer: Layer | None = None) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(backbone, return_layers)
        self.fpn = FeaturePyramidNetwork(
            in_channels_list, out_channels,
            LastLevelMaxPool() if extra_blocks is None else extra_blocks, norm_layer)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """(batch, 3, height, width) gives levels by name, the finest first."""
        return self.fpn(self.body(x))


def _demand_range(what: str, low: int, high: int, found: Any) -> None:
    """found: a number, or several."""
    numbers = [found] if isinstance(found, int) else found
    if min(numbers) < low or max(numbers) > high:
        raise ValueError(f"{what} should be in the range [{low},{high}], got {found}")


def resnet_fpn_backbone(*, backbone_name: str, weights: Any,
                        norm_layer: Layer = FrozenBatchNorm2d, trainable_layers: int = 3,
                        returned_layers: Sequence[int] | None = None,
                        extra_blocks: Any = None) -> BackboneWithFPN:
    """A ResNet with a feature pyramid.

    Args:
        backbone_name: "resnet50", ... weights: of it, or None.
        norm_layer: of the ResNet. trainable_layers: from the top, 0 to 5; the rest is frozen.
        returned_layers: stages that become levels, of 1 to 4; None: all.
        extra_blocks: makes more levels; None: `LastLevelMaxPool`.
    """
    net = get_model(backbone_name, weights=weights, norm_layer=norm_layer)
    return resnet_pyramid(net, trainable_layers, returned_layers, extra_blocks)


def resnet_pyramid(net: Any, trainable_layers: int,
                   returned_layers: Sequence[int] | None = None, extra_blocks: Any = None,
                   norm_layer: Layer | None = None) -> BackboneWithFPN:
    """The same of a ResNet that exists."""
    _demand_range("Trainable layers", 0, 5, trainable_layers)
    trained = RESNET[: 6 if trainable_layers == 5 else trainable_layers]
    for name, parameter in net.named_parameters():
        if not name.startswith(tuple(trained)):
            parameter.requires_grad_(False)
    stages = [1, 2, 3, 4] if returned_layers is None else list(returned_layers)
    _demand_range("Each returned layer", 1, 4, stages)
    first = net.inplanes // 8
    return BackboneWithFPN(net, {f"layer{k}": str(i) for i, k in enumerate(stages)},
                           [first * 2 ** (k - 1) for k in stages], CHANNELS, extra_blocks,
                           norm_layer)


def trainable(is_trained: bool, layers: int | None, most: int, default: int) -> int:
    """How many layers are trained: all where no weights were given.

    Raises ValueError for a number that is not in 0 to `most`.
    """
    if not is_trained:
        if layers is not None:
            warnings.warn("Changing trainable_backbone_layers has no effect if neither pretrained "
                          "nor pretrained_backbone have been set to True, falling back to "
                          f"trainable_backbone_layers={most} so that all layers are trainable",
                          stacklevel=4)
        return most
    layers = default if layers is None else layers
    _demand_range("Trainable backbone layers", 0, most, layers)
    return layers


def mobilenet_backbone(*, backbone_name: str, weights: Any, fpn: bool,
                       norm_layer: Layer = FrozenBatchNorm2d, trainable_layers: int = 2,
                       returned_layers: Sequence[int] | None = None,
                       extra_blocks: Any = None) -> nn.Module:
    """A MobileNet with a feature pyramid, or (fpn=False) with one more convolution.

    Arguments as of `resnet_fpn_backbone`; stages are those that halve the size.
    """
    net = get_model(backbone_name, weights=weights, norm_layer=norm_layer)
    return mobilenet_pyramid(net, fpn, trainable_layers, returned_layers, extra_blocks)


def mobilenet_pyramid(net: Any, fpn: bool, trainable_layers: int,
                      returned_layers: Sequence[int] | None = None, extra_blocks: Any = None,
                      norm_layer: Layer | None = None) -> nn.Module:
    """The same of a MobileNet that exists."""
    features = net.features
    ends = stage_ends(features)
    count = len(ends)
    _demand_range("Trainable layers", 0, count, trainable_layers)
    frozen = len(features) if trainable_layers == 0 else ends[count - trainable_layers]
    for layer in features[:frozen]:
        for parameter in layer.parameters():
            parameter.requires_grad_(False)
    if not fpn:
        net = nn.Sequential(features, nn.Conv2d(features[-1].out_channels, CHANNELS, 1))
        net.out_channels = CHANNELS
        return net
    stages = [count - 2, count - 1] if returned_layers is None else list(returned_layers)
    _demand_range("Each returned layer", 0, count - 1, stages)
    return BackboneWithFPN(features, {str(ends[k]): str(i) for i, k in enumerate(stages)},
                           [features[ends[k]].out_channels for k in stages], CHANNELS,
                           extra_blocks, norm_layer)


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """Set eps of every frozen batch norm: the first published weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps


def retrieve_out_channels(model: nn.Module, size: tuple[int, int]) -> list[int]:
    """Channels of a net's features, found by running it on an empty picture (width, height)."""
    training = model.training
    model.eval()
    with no_grad():
        features = model(zeros(1, 3, size[1], size[0]))
    model.train(training)
    named = {"0": features} if isinstance(features, Tensor) else features
    return [each.shape[1] for each in named.values()]
