"""Models that find objects in pictures."""

from functools import partial

from rushlight.vision.models.detection.faster_rcnn import (
    FasterRCNN,
    fasterrcnn_mobilenet_v3_large_320_fpn,
    fasterrcnn_mobilenet_v3_large_fpn,
    fasterrcnn_resnet50_fpn,
    fasterrcnn_resnet50_fpn_v2,
)
from rushlight.vision.models.detection.fcos import FCOS, fcos_resnet50_fpn
from rushlight.vision.models.detection.keypoint_rcnn import KeypointRCNN, keypointrcnn_resnet50_fpn
from rushlight.vision.models.detection.mask_rcnn import (
    MaskRCNN,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)
from rushlight.vision.models.detection.retinanet import (
    RetinaNet,
    retinanet_resnet50_fpn,
    retinanet_resnet50_fpn_v2,
)
from rushlight.vision.models.detection.ssd import SSD, ssd300_vgg16
from rushlight.vision.models.detection.ssdlite import ssdlite320_mobilenet_v3_large
from rushlight.vision.models.weights import attribute

__all__ = [
    "FCOS",
    "FasterRCNN",
    "KeypointRCNN",
    "MaskRCNN",
    "RetinaNet",
    "SSD",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fcos_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
]


__getattr__ = partial(attribute, __name__)
