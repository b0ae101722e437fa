"""Keypoint R-CNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.faster_rcnn import (
    FasterRCNN,
    demand_kind,
    init_convolutions,
    load_v1,
    resnet50_pyramid,
)
from rushlight.vision.models.weights import model
from rushlight.vision.ops import MultiScaleRoIAlign

__all__ = ["KeypointRCNN", "keypointrcnn_resnet50_fpn"]

POINTS = 17  # of a person, in COCO
SIDES = (640, 672, 704, 736, 768, 800)  # one is drawn while training
LAYERS = (512,) * 8  # channels of the convolutions of the head


class KeypointRCNNHeads(nn.Sequential):
    """3x3 convolutions; layers: their channels."""

    def __init__(self, in_channels: int, layers: Sequence[int]) -> None:
        made: list[nn.Module] = []
        for channels in layers:
            made += [nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU(inplace=True)]
            in_channels = channels
        super().__init__(*made)
        init_convolutions(self)


class KeypointRCNNPredictor(nn.Module):
    """Four times the size, and a heatmap for each keypoint."""

    def __init__(self, in_channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.kps_score_lowres = nn.ConvTranspose2d(in_channels, num_keypoints, 4, stride=2,
                                                   padding=1)
        nn.init.kaiming_normal_(self.kps_score_lowres.weight, mode="fan_out",
                                nonlinearity="relu")
        nn.init.constant_(self.kps_score_lowres.bias, 0)
        self.up_scale, self.out_channels = 2, num_keypoints

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, size, size) gives (n, num_keypoints, 4 size, 4 size)."""
        return nn.functional.interpolate(
            self.kps_score_lowres(x), scale_factor=float(self.up_scale), mode="bilinear",
            align_corners=False, recompute_scale_factor=False)


class KeypointRCNN(FasterRCNN):
    """Faster R-CNN with keypoints for every box (He et al., 2017).

    Targets have "keypoints" (n, k, 3), x, y and visibility, too; results "keypoints" (n, k, 3)
    and "keypoints_scores" (n, k).

    keypoint_roi_pool, keypoint_head, keypoint_predictor: None for those of the paper.
    num_keypoints: 17 by default, None where `keypoint_predictor` is given. Other arguments as of
    `FasterRCNN`.
    """

    def __init__(self, backbone: Any, num_classes: int | None = None, min_size: Any = None,
                 *args: Any, keypoint_roi_pool: Any = None, keypoint_head: Any = None,
                 keypoint_predictor: Any = None, num_keypoints: int | None = None,
                 **options: Any) -> None:
        demand_kind("keypoint_roi_pool", keypoint_roi_pool, MultiScaleRoIAlign)
        if num_keypoints is not None and keypoint_predictor is not None:
            raise ValueError("num_keypoints should be None when keypoint_predictor is specified")
        if keypoint_roi_pool is None:
            keypoint_roi_pool = MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        if keypoint_head is None:
            keypoint_head = KeypointRCNNHeads(backbone.out_channels, LAYERS)
        if keypoint_predictor is None:
            keypoint_predictor = KeypointRCNNPredictor(
                512, POINTS if num_keypoints is None else num_keypoints)
        super().__init__(backbone, num_classes, SIDES if min_size is None else min_size, *args,
                         **options)
        self.roi_heads.keypoint_roi_pool = keypoint_roi_pool
        self.roi_heads.keypoint_head = keypoint_head
        self.roi_heads.keypoint_predictor = keypoint_predictor


def _trained_points(weights: Any) -> int:
    return len(weights.meta["keypoint_names"])


@model("KeypointRCNN_ResNet50_FPN_Weights", load=load_v1, num_keypoints=_trained_points)
def keypointrcnn_resnet50_fpn(num_classes: int | None = None, num_keypoints: int | None = None,
                              weights_backbone: Any = "IMAGENET1K_V1",
                              trainable_backbone_layers: int | None = None,
                              is_trained: bool = False, **options: Any) -> KeypointRCNN:
    """Keypoint R-CNN on a ResNet-50 with a pyramid (He et al., 2017).

    num_classes: 2 by default, background and person. Other arguments as of
    `fasterrcnn_resnet50_fpn` and `KeypointRCNN`.
    """
    body = resnet50_pyramid(is_trained, weights_backbone, trainable_backbone_layers)
    return KeypointRCNN(body, 2 if num_classes is None else num_classes,
                        num_keypoints=POINTS if num_keypoints is None else num_keypoints,
                        **options)
