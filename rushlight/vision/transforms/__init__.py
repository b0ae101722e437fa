"""Transforms of images, as callables to give to a data set (torchvision's `transforms`)."""

from importlib import import_module as _import_module
from typing import Any as _Any

from rushlight.vision.transforms import functional
from rushlight.vision.transforms.functional_dimensions import InterpolationMode
from rushlight.vision.transforms.transforms import *  # noqa: F403
from rushlight.vision.transforms.transforms import __all__ as _classes

__all__ = ["InterpolationMode", "functional", *_classes]


def __getattr__(name: str) -> _Any:
    # It defines subclasses of Tensor, which plain programs should not pay for.
    if name == "v2":
        return _import_module("rushlight.vision.transforms.v2")
    raise AttributeError(f"module 'rushlight.vision.transforms' has no attribute '{name}'")
