"""Transforms of images, as callables to give to a data set (torchvision's `transforms`)."""

from rushlight.vision.transforms import functional
from rushlight.vision.transforms.functional_dimensions import InterpolationMode
from rushlight.vision.transforms.transforms import *  # noqa: F403
from rushlight.vision.transforms.transforms import __all__ as _classes

__all__ = ["InterpolationMode", "functional", *_classes]
