"""The one door to Pillow, which is optional: images as arrays work without it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np


def has_pillow() -> bool:
    """Return whether Pillow can be imported."""
    try:
        import PIL.Image
    except ImportError:
        return False
    return PIL.Image is not None


def pillow(module: str = "Image") -> Any:
    """Return the module PIL.`module`.

    Raises:
        ModuleNotFoundError: Pillow is not installed.
    """
    try:
        return import_module(f"PIL.{module}")
    except ImportError as error:
        raise ModuleNotFoundError(
            "No module named 'PIL': Pillow is needed for images that are not tensors. Install it "
            "with `pip install pillow`, or give the data set a transform such as "
            "rushlight.vision.transforms.ToTensor(), which works without."
        ) from error


def to_pillow(array: np.ndarray) -> Any:
    """Return the PIL image of a uint8 `array`, (height, width) or (height, width, channels).

    Raises:
        ModuleNotFoundError: Pillow is not installed.
    """
    return pillow().fromarray(array)


def is_pillow(picture: object) -> bool:
    """Return whether `picture` is a PIL image; imports nothing."""
    pil = sys.modules.get("PIL.Image")  # nobody can hold an image while this is not imported
    return pil is not None and isinstance(picture, pil.Image)
