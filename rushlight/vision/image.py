"""The one door to Pillow, which is optional: images as arrays work without it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def has_pillow() -> bool:
    """Return whether Pillow can be imported."""
    try:
        import PIL.Image
    except ImportError:
        return False
    return PIL.Image is not None


def to_pillow(array: np.ndarray) -> Any:
    """Return the PIL image of a uint8 `array`, (height, width) or (height, width, channels).

    Raises:
        ModuleNotFoundError: Pillow is not installed.
    """
    try:
        import PIL.Image
    except ImportError as error:
        raise ModuleNotFoundError(
            "No module named 'PIL': Pillow is needed to return an image. Install it with "
            "`pip install pillow`, or give the data set a transform such as "
            "rushlight.vision.transforms.ToTensor(), which works without."
        ) from error
    return PIL.Image.fromarray(array)


def is_pillow(picture: object) -> bool:
    """Return whether `picture` is a PIL image; imports nothing."""
    pil = sys.modules.get("PIL.Image")  # nobody can hold an image while this is not imported
    return pil is not None and isinstance(picture, pil.Image)
