"""The operations that AutoAugment and its kin choose from, and their magnitudes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight.ops import arange, linspace, randint, tensor
from rushlight.tensor import Tensor
from rushlight.vision.transforms import functional as F

Space = dict[str, tuple[Tensor, bool]]


def apply_operation(img: Any, name: str, magnitude: float, interpolation: Any, fill: Any) -> Any:
    """The picture after the operation `name`. Raises ValueError for an unknown one."""
    moves = {"interpolation": interpolation, "fill": fill}
    if name in ("ShearX", "ShearY"):
        slant = math.degrees(math.atan(magnitude))
        shear = [slant, 0.0] if name == "ShearX" else [0.0, slant]
        return F.affine(img, 0.0, [0, 0], 1.0, shear, center=[0, 0], **moves)
    if name in ("TranslateX", "TranslateY"):
        far = int(magnitude)
        move = [far, 0] if name == "TranslateX" else [0, far]
        return F.affine(img, 0.0, move, 1.0, [0.0, 0.0], **moves)
    if name == "Rotate":
        return F.rotate(img, magnitude, **moves)
    if name in _FACTORS:
        return _FACTORS[name](img, 1.0 + magnitude)
    if name == "Posterize":
        return F.posterize(img, int(magnitude))
    if name == "Solarize":
        return F.solarize(img, magnitude)
    if name in _PLAIN:
        return _PLAIN[name](img)
    raise ValueError(f"The provided operator {name} is not recognized.")


_FACTORS: dict[str, Callable[[Any, float], Any]] = {
    "Brightness": F.adjust_brightness, "Color": F.adjust_saturation,
    "Contrast": F.adjust_contrast, "Sharpness": F.adjust_sharpness,
}
_PLAIN: dict[str, Callable[[Any], Any]] = {
    "AutoContrast": F.autocontrast, "Equalize": F.equalize, "Invert": F.invert,
    "Identity": lambda img: img,
}


def space(bins: int, *, shear: float, far: tuple[float, float], turn: float, factor: float,
          bits: int, bits_lost: int, first: str | None = None, last: str | None = None,
          colors: str = "within") -> Space:
    """Operation -> (magnitudes, whether they have a random sign), in torchvision's order.

    far: the largest move in pixels (x, y). colors: "within", "last" or "" (none).
    """
    none = (tensor(0.0), False)
    shades: Space = {name: (linspace(0.0, factor, bins), True)
                     for name in ("Brightness", "Color", "Contrast", "Sharpness")}
    found: Space = {first: none} if first else {}
    found |= {"ShearX": (linspace(0.0, shear, bins), True),
              "ShearY": (linspace(0.0, shear, bins), True),
              "TranslateX": (linspace(0.0, far[0], bins), True),
              "TranslateY": (linspace(0.0, far[1], bins), True),
              "Rotate": (linspace(0.0, turn, bins), True)}
    found |= shades if colors == "within" else {}
    fewer = (arange(bins) / ((bins - 1) / bits_lost)).round()
    found |= {"Posterize": (bits - fewer, False), "Solarize": (linspace(255.0, 0.0, bins), False),
              "AutoContrast": none, "Equalize": none}
    found |= {last: none} if last else {}
    return found | (shades if colors == "last" else {})


def draw_operation(choices: Space, pick: Callable[[Tensor], float]) -> tuple[str, float]:
    """(name, magnitude): one of the choices, `pick` of its magnitudes, a random sign."""
    name = list(choices)[int(randint(len(choices), (1,)).item())]
    magnitudes, signed = choices[name]
    magnitude = pick(magnitudes) if magnitudes.ndim > 0 else 0.0
    if signed and randint(2, (1,)).item():
        magnitude = -magnitude
    return name, magnitude


def auto_space(bins: int, height: int, width: int) -> Space:
    """Of AutoAugment."""
    return space(bins, shear=0.3, far=(150.0 / 331.0 * width, 150.0 / 331.0 * height), turn=30.0,
                 factor=0.9, bits=8, bits_lost=4, last="Invert")


def rand_space(bins: int, height: int, width: int) -> Space:
    """Of RandAugment."""
    return space(bins, shear=0.3, far=(150.0 / 331.0 * width, 150.0 / 331.0 * height), turn=30.0,
                 factor=0.9, bits=8, bits_lost=4, first="Identity")


def wide_space(bins: int) -> Space:
    """Of TrivialAugmentWide."""
    return space(bins, shear=0.99, far=(32.0, 32.0), turn=135.0, factor=0.99, bits=8, bits_lost=6,
                 first="Identity")


def mix_space(bins: int, height: int, width: int, all_ops: bool) -> Space:
    """Of AugMix."""
    return space(bins, shear=0.3, far=(width / 3.0, height / 3.0), turn=30.0, factor=0.9, bits=4,
                 bits_lost=4, colors="last" if all_ops else "")
