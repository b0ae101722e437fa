"""Faster R-CNN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.models.detection.anchor_utils import AnchorGenerator
from rushlight.vision.models.detection.backbone_utils import (
    CHANNELS,
    BackboneWithFPN,
    mobilenet_pyramid,
    overwrite_eps,
    resnet_pyramid,
    trainable,
)
from rushlight.vision.models.detection.generalized_rcnn import GeneralizedRCNN
from rushlight.vision.models.detection.roi_heads import RoIHeads
from rushlight.vision.models.detection.rpn import RegionProposalNetwork, RPNHead
from rushlight.vision.models.detection.transform import GeneralizedRCNNTransform
from rushlight.vision.models.mobilenetv3 import mobilenet_v3_large
from rushlight.vision.models.resnet import resnet50
from rushlight.vision.models.weights import model
from rushlight.vision.ops import Conv2dNormActivation, FrozenBatchNorm2d, MultiScaleRoIAlign

__all__ = ["FasterRCNN", "fasterrcnn_mobilenet_v3_large_320_fpn",
           "fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn",
           "fasterrcnn_resnet50_fpn_v2"]

F = nn.functional
Layer = Callable[..., nn.Module]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
CLASSES = 91  # of COCO, the background included
WIDTH = 1024  # of the heads


def default_anchors() -> AnchorGenerator:
    """One size for each of five levels, three shapes."""
    return AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5)


class TwoMLPHead(nn.Module):
    """Two linear layers."""

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) gives (n, representation_size)."""
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(start_dim=1)))))


class FastRCNNConvFCHead(nn.Sequential):
    """3x3 convolutions, then linear layers.

    input_size: (channels, height, width). conv_layers, fc_layers: their widths.
    """

    def __init__(self, input_size: tuple[int, int, int], conv_layers: Sequence[int],
                 fc_layers: Sequence[int], norm_layer: Layer | None = None) -> None:
        channels, height, width = input_size
        blocks: list[nn.Module] = []
        for each in conv_layers:
            blocks.append(Conv2dNormActivation(channels, each, norm_layer=norm_layer))
            channels = each
        blocks.append(nn.Flatten())
        channels *= height * width
        for each in fc_layers:
            blocks += [nn.Linear(channels, each), nn.ReLU(inplace=True)]
            channels = each
        super().__init__(*blocks)
        init_convolutions(self)


def init_convolutions(net: nn.Module) -> None:
    """Normal weights for ReLU, zero biases."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class FastRCNNPredictor(nn.Module):
    """Scores of the classes, the background included, and an offset for each of them."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, in_channels) gives (n, num_classes) and (n, 4 num_classes)."""
        if x.dim() == 4 and tuple(x.shape[2:]) != (1, 1):
            raise AssertionError("x has the wrong shape, expecting the last two dimensions to be "
                                 f"[1,1] instead of {list(x.shape[2:])}")
        x = x.flatten(start_dim=1)
        return self.cls_score(x), self.bbox_pred(x)


def demand_kind(name: str, value: Any, kind: type) -> None:
    """Raises TypeError for a part of another class."""
    if not isinstance(value, kind | None):
        raise TypeError(f"{name} should be of type {kind.__name__} or None instead of "
                        f"{type(value)}")


class FasterRCNN(GeneralizedRCNN):
    """Faster R-CNN (Ren et al., 2015): a list of pictures gives boxes, labels and scores.

    While training it is called with targets too and gives a dict of losses; see
    `GeneralizedRCNN.forward`.

    Args:
        backbone: gives features, one tensor or several by name; has `out_channels`.
        num_classes: with the background; None where `box_predictor` is given.
        min_size, max_size, image_mean, image_std: of `GeneralizedRCNNTransform`.
        rpn_*: of `RegionProposalNetwork`, box_*, bbox_reg_weights: of `RoIHeads`.
        options: more for `GeneralizedRCNNTransform`.

    Raises ValueError for a backbone without `out_channels`, or where both or neither of
    num_classes and box_predictor are given; TypeError for parts of another class.
    """

    def __init__(self, backbone: Any, num_classes: int | None = None, min_size: Any = 800,
                 max_size: int = 1333, image_mean: Any = None, image_std: Any = None,
                 rpn_anchor_generator: Any = None, rpn_head: Any = None,
                 rpn_pre_nms_top_n_train: int = 2000, rpn_pre_nms_top_n_test: int = 1000,
                 rpn_post_nms_top_n_train: int = 2000, rpn_post_nms_top_n_test: int = 1000,
                 rpn_nms_thresh: float = 0.7, rpn_fg_iou_thresh: float = 0.7,
                 rpn_bg_iou_thresh: float = 0.3, rpn_batch_size_per_image: int = 256,
                 rpn_positive_fraction: float = 0.5, rpn_score_thresh: float = 0.0,
                 box_roi_pool: Any = None, box_head: Any = None, box_predictor: Any = None,
                 box_score_thresh: float = 0.05, box_nms_thresh: float = 0.5,
                 box_detections_per_img: int = 100, box_fg_iou_thresh: float = 0.5,
                 box_bg_iou_thresh: float = 0.5, box_batch_size_per_image: int = 512,
                 box_positive_fraction: float = 0.25, bbox_reg_weights: Any = None,
                 **options: Any) -> None:
        if not hasattr(backbone, "out_channels"):
            raise ValueError("backbone should contain an attribute out_channels specifying the "
                             "number of output channels (assumed to be the same for all levels)")
        demand_kind("rpn_anchor_generator", rpn_anchor_generator, AnchorGenerator)
        demand_kind("box_roi_pool", box_roi_pool, MultiScaleRoIAlign)
        if num_classes is not None and box_predictor is not None:
            raise ValueError("num_classes should be None when box_predictor is specified")
        if num_classes is None and box_predictor is None:
            raise ValueError("num_classes should not be None when box_predictor is not specified")
        channels = backbone.out_channels
        anchors = default_anchors() if rpn_anchor_generator is None else rpn_anchor_generator
        if rpn_head is None:
            rpn_head = RPNHead(channels, anchors.num_anchors_per_location()[0])
        rpn = RegionProposalNetwork(
            anchors, rpn_head, rpn_fg_iou_thresh, rpn_bg_iou_thresh, rpn_batch_size_per_image,
            rpn_positive_fraction,
            {"training": rpn_pre_nms_top_n_train, "testing": rpn_pre_nms_top_n_test},
            {"training": rpn_post_nms_top_n_train, "testing": rpn_post_nms_top_n_test},
            rpn_nms_thresh, rpn_score_thresh)
        if box_roi_pool is None:
            box_roi_pool = MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)
        if box_head is None:
            box_head = TwoMLPHead(channels * box_roi_pool.output_size[0] ** 2, WIDTH)
        if box_predictor is None:
            box_predictor = FastRCNNPredictor(WIDTH, num_classes)  # type: ignore[arg-type]
        heads = RoIHeads(box_roi_pool, box_head, box_predictor, box_fg_iou_thresh,
                         box_bg_iou_thresh, box_batch_size_per_image, box_positive_fraction,
                         bbox_reg_weights, box_score_thresh, box_nms_thresh,
                         box_detections_per_img)
        transform = GeneralizedRCNNTransform(
            min_size, max_size, list(MEAN) if image_mean is None else image_mean,
            list(DEVIATION) if image_std is None else image_std, **options)
        super().__init__(backbone, rpn, heads, transform)


def resnet50_pyramid(is_trained: bool, weights_backbone: Any, layers: int | None,
                     extra_blocks: Callable[[], Any] | None = None,
                     **options: Any) -> BackboneWithFPN:
    """The backbone of the first versions: batch norms are frozen where weights are given.

    extra_blocks: makes the blocks once the ResNet is there, as the order of random draws has it.
    """
    trained = is_trained or weights_backbone is not None
    layers = trainable(trained, layers, 5, 3)
    norm = FrozenBatchNorm2d if trained else nn.BatchNorm2d
    net = resnet50(weights=weights_backbone, norm_layer=norm)
    return resnet_pyramid(net, layers,
                          extra_blocks=None if extra_blocks is None else extra_blocks(), **options)


def resnet50_pyramid_v2(is_trained: bool, weights_backbone: Any,
                        layers: int | None) -> tuple[BackboneWithFPN, dict[str, Any]]:
    """Backbone and heads of the second versions: batch norms throughout, deeper heads."""
    layers = trainable(is_trained or weights_backbone is not None, layers, 5, 3)
    body = resnet_pyramid(resnet50(weights=weights_backbone), layers, norm_layer=nn.BatchNorm2d)
    anchors = default_anchors()
    return body, {
        "rpn_anchor_generator": anchors,
        "rpn_head": RPNHead(CHANNELS, anchors.num_anchors_per_location()[0], conv_depth=2),
        "box_head": FastRCNNConvFCHead((CHANNELS, 7, 7), [256] * 4, [WIDTH],
                                       norm_layer=nn.BatchNorm2d)}


def load_v1(build: Callable[..., Any], state: Mapping[str, Any], weights: Any,
            **options: Any) -> Any:
    """The first published weights were trained with eps = 0 in the frozen batch norms."""
    net = build(**options)
    net.load_state_dict(state)
    if weights.name == "COCO_V1":
        overwrite_eps(net, 0.0)
    return net


@model("FasterRCNN_ResNet50_FPN_Weights", load=load_v1)
def fasterrcnn_resnet50_fpn(num_classes: int | None = None,
                            weights_backbone: Any = "IMAGENET1K_V1",
                            trainable_backbone_layers: int | None = None,
                            is_trained: bool = False, **options: Any) -> FasterRCNN:
    """Faster R-CNN on a ResNet-50 with a pyramid (Ren et al., 2015; Lin et al., 2017).

    num_classes: with the background; 91 of COCO by default. weights_backbone: of the ResNet, or
    None. trainable_backbone_layers: 0 to 5 from the top; 3 by default, all without weights.
    """
    body = resnet50_pyramid(is_trained, weights_backbone, trainable_backbone_layers)
    return FasterRCNN(body, CLASSES if num_classes is None else num_classes, **options)


@model("FasterRCNN_ResNet50_FPN_V2_Weights")
def fasterrcnn_resnet50_fpn_v2(num_classes: int | None = None, weights_backbone: Any = None,
                               trainable_backbone_layers: int | None = None,
                               is_trained: bool = False, **options: Any) -> FasterRCNN:
    """Faster R-CNN with deeper heads and batch norms (Li et al., 2021).

    Arguments as of `fasterrcnn_resnet50_fpn`.
    """
    body, heads = resnet50_pyramid_v2(is_trained, weights_backbone, trainable_backbone_layers)
    return FasterRCNN(body, CLASSES if num_classes is None else num_classes, **heads, **options)


def _mobilenet(num_classes: int | None, weights_backbone: Any, layers: int | None,
               is_trained: bool, **options: Any) -> FasterRCNN:
    trained = is_trained or weights_backbone is not None
    layers = trainable(trained, layers, 6, 3)
    norm = FrozenBatchNorm2d if trained else nn.BatchNorm2d
    body = mobilenet_pyramid(mobilenet_v3_large(weights=weights_backbone, norm_layer=norm), True,
                             layers)
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    return FasterRCNN(body, CLASSES if num_classes is None else num_classes,
                      rpn_anchor_generator=anchors, **options)


@model("FasterRCNN_MobileNet_V3_Large_320_FPN_Weights")
def fasterrcnn_mobilenet_v3_large_320_fpn(num_classes: int | None = None,
                                          weights_backbone: Any = "IMAGENET1K_V1",
                                          trainable_backbone_layers: int | None = None,
                                          is_trained: bool = False, **options: Any) -> FasterRCNN:
    """Faster R-CNN on a MobileNet v3, for small pictures.

    Arguments as of `fasterrcnn_resnet50_fpn`; trainable_backbone_layers: 0 to 6.
    """
    small = {"min_size": 320, "max_size": 640, "rpn_pre_nms_top_n_test": 150,
             "rpn_post_nms_top_n_test": 150, "rpn_score_thresh": 0.05}
    return _mobilenet(num_classes, weights_backbone, trainable_backbone_layers, is_trained,
                      **{**small, **options})


@model("FasterRCNN_MobileNet_V3_Large_FPN_Weights")
def fasterrcnn_mobilenet_v3_large_fpn(num_classes: int | None = None,
                                      weights_backbone: Any = "IMAGENET1K_V1",
                                      trainable_backbone_layers: int | None = None,
                                      is_trained: bool = False, **options: Any) -> FasterRCNN:
    """Faster R-CNN on a MobileNet v3.

    Arguments as of `fasterrcnn_resnet50_fpn`; trainable_backbone_layers: 0 to 6.
    """
    return _mobilenet(num_classes, weights_backbone, trainable_backbone_layers, is_trained,
                      **{"rpn_score_thresh": 0.05, **options})
