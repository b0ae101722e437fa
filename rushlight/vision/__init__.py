"""Data sets, transforms, models and operators for images, under torchvision's names."""

from importlib import import_module as _import_module
from typing import Any as _Any

from rushlight.vision import datasets, io, models, ops, transforms, utils
from rushlight.vision.backend import (
    disable_beta_transforms_warning,
    get_image_backend,
    set_image_backend,
)

__all__ = ["datasets", "disable_beta_transforms_warning", "get_image_backend", "io", "models",
           "ops", "set_image_backend", "transforms", "tv_tensors", "utils"]


def __getattr__(name: str) -> _Any:
    # Its classes are subclasses of Tensor, which plain programs should not pay for.
    if name == "tv_tensors":
        return _import_module("rushlight.vision.tv_tensors")
    raise AttributeError(f"module 'rushlight.vision' has no attribute '{name}'")
