"""Models that name the class of every pixel."""

from functools import partial

from rushlight.vision.models.segmentation.deeplabv3 import (
    DeepLabV3,
    deeplabv3_mobilenet_v3_large,
    deeplabv3_resnet50,
    deeplabv3_resnet101,
)
from rushlight.vision.models.segmentation.fcn import FCN, fcn_resnet50, fcn_resnet101
from rushlight.vision.models.segmentation.lraspp import LRASPP, lraspp_mobilenet_v3_large
from rushlight.vision.models.weights import attribute

__all__ = [
    "FCN",
    "LRASPP",
    "DeepLabV3",
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "fcn_resnet50",
    "fcn_resnet101",
    "lraspp_mobilenet_v3_large",
]


__getattr__ = partial(attribute, __name__)
