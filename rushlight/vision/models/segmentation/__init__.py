"""Models that name the class of every pixel."""

from rushlight.vision.models.segmentation.deeplabv3 import (
    DeepLabV3,
    deeplabv3_mobilenet_v3_large,
    deeplabv3_resnet50,
    deeplabv3_resnet101,
)
from rushlight.vision.models.segmentation.fcn import FCN, fcn_resnet50, fcn_resnet101
from rushlight.vision.models.segmentation.lraspp import LRASPP, lraspp_mobilenet_v3_large
from rushlight.vision.models.weights import weights_enum

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


def __getattr__(name: str) -> object:
    """The enumerations of weights, made when asked for."""
    if name.endswith("_Weights"):
        try:
            return weights_enum(name)
        except KeyError:
            pass
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
