"""Mask R-CNN."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.vision.models.detection.backbone_utils import CHANNELS
from rushlight.vision.models.detection.faster_rcnn import (
    CLASSES,
    FasterRCNN,
    Layer,
    demand_kind,
    init_convolutions,
    load_v1,
    resnet50_pyramid,
    resnet50_pyramid_v2,
)
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, MultiScaleRoIAlign

__all__ = ["MaskRCNN", "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2"]

LAYERS = (256, 256, 256, 256)  # channels of the convolutions of the head


class MaskRCNNHeads(nn.Sequential):
    """3x3 convolutions; layers: their channels."""

    _version = 2

    def __init__(self, in_channels: int, layers: Sequence[int], dilation: int,
                 norm_layer: Layer | None = None) -> None:
        widths = [in_channels, *layers]
        super().__init__(*(Conv2dNormActivation(inside, outside, 3, 1, dilation,
                                                dilation=dilation, norm_layer=norm_layer)
                           for inside, outside in zip(widths, layers, strict=False)))
        init_convolutions(self)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str,
                              local_metadata: dict[str, Any], *rest: Any) -> None:
        version = local_metadata.get("version")
        if version is None or version < 2:  # the convolutions were called mask_fcn1, ...
            for i in range(len(self)):
                for kind in ("weight", "bias"):
                    old = f"{prefix}mask_fcn{i + 1}.{kind}"
                    if old in state_dict:
                        state_dict[f"{prefix}{i}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class MaskRCNNPredictor(nn.Sequential):
    """Twice the size, and a mask for each class."""

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__(OrderedDict(
            conv5_mask=nn.ConvTranspose2d(in_channels, dim_reduced, 2, 2),
            relu=nn.ReLU(inplace=True),
            mask_fcn_logits=nn.Conv2d(dim_reduced, num_classes, 1)))
        for name, parameter in self.named_parameters():
            if "weight" in name:
                nn.init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")


class MaskRCNN(FasterRCNN):
    """Faster R-CNN with a mask for every box (He et al., 2017).

    Targets have "masks" (n, height, width) of 0 and 1 too; results "masks" (n, 1, height, width)
    in [0, 1].

    mask_roi_pool, mask_head, mask_predictor: None for those of the paper. Other arguments as of
    `FasterRCNN`.
    """

    def __init__(self, backbone: Any, num_classes: int | None = None, *args: Any,
                 mask_roi_pool: Any = None, mask_head: Any = None, mask_predictor: Any = None,
                 **options: Any) -> None:
        demand_kind("mask_roi_pool", mask_roi_pool, MultiScaleRoIAlign)
        if num_classes is not None and mask_predictor is not None:
            raise ValueError("num_classes should be None when mask_predictor is specified")
        if mask_roi_pool is None:
            mask_roi_pool = MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        if mask_head is None:
            mask_head = MaskRCNNHeads(backbone.out_channels, LAYERS, 1)
        if mask_predictor is None:
            mask_predictor = MaskRCNNPredictor(256, 256, num_classes)  # type: ignore[arg-type]
        super().__init__(backbone, num_classes, *args, **options)
        self.roi_heads.mask_roi_pool = mask_roi_pool
        self.roi_heads.mask_head = mask_head
        self.roi_heads.mask_predictor = mask_predictor


@model("MaskRCNN_ResNet50_FPN_Weights", load=load_v1)
def maskrcnn_resnet50_fpn(num_classes: int | None = None, weights_backbone: Any = "IMAGENET1K_V1",
                          trainable_backbone_layers: int | None = None, is_trained: bool = False,
                          **options: Any) -> MaskRCNN:
    """Mask R-CNN on a ResNet-50 with a pyramid (He et al., 2017).

    Arguments as of `fasterrcnn_resnet50_fpn`.
    """
    body = resnet50_pyramid(is_trained, weights_backbone, trainable_backbone_layers)
    return MaskRCNN(body, CLASSES if num_classes is None else num_classes, **options)


@model("MaskRCNN_ResNet50_FPN_V2_Weights")
def maskrcnn_resnet50_fpn_v2(num_classes: int | None = None, weights_backbone: Any = None,
                             trainable_backbone_layers: int | None = None,
                             is_trained: bool = False, **options: Any) -> MaskRCNN:
    """Mask R-CNN with deeper heads and batch norms (Li et al., 2021).

    Arguments as of `fasterrcnn_resnet50_fpn`.
    """
    body, heads = resnet50_pyramid_v2(is_trained, weights_backbone, trainable_backbone_layers)
    head = MaskRCNNHeads(CHANNELS, LAYERS, 1, norm_layer=nn.BatchNorm2d)
    return MaskRCNN(body, CLASSES if num_classes is None else num_classes, mask_head=head, **heads,
                    **options)
