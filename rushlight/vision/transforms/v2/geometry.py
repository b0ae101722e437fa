"""Resize, crop, pad, flip and warp whole samples, fixed and random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.vision.transforms import drawing
from rushlight.vision.transforms.functional_geometry import PADDING_MODES, sides
from rushlight.vision.transforms.functional_warp import perspective_coefficients
from rushlight.vision.transforms.v2 import functional as F
from rushlight.vision.transforms.v2.kinds import has_any, query_size
from rushlight.vision.transforms.v2.transform import (
    RandomApplyTransform,
    Transform,
    checked_fill,
    fill_of,
)
from rushlight.vision.tv_tensors import BoundingBoxes, Mask


class RandomHorizontalFlip(RandomApplyTransform):
    """Left and right exchanged, with probability p."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, flipped."""
        return self.call(F.horizontal_flip, inpt)


class RandomVerticalFlip(RandomApplyTransform):
    """Top and bottom exchanged, with probability p."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, flipped."""
        return self.call(F.vertical_flip, inpt)


class Resize(Transform):
    """Resize to (height, width), to a shorter side of `size`, or (None) to a longer `max_size`."""

    def __init__(self, size: Any, interpolation: Any = "bilinear", max_size: int | None = None,
                 antialias: bool | None = True) -> None:
        super().__init__()
        if size is None and not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} "
                             "instead.")
        if size is not None and not isinstance(size, int) and not (
                isinstance(size, Sequence) and len(size) in (1, 2)):
            raise ValueError("size can be an integer, a sequence of one or two integers, or None, "
                             f"but got {size} instead.")
        self.size = [size] if isinstance(size, int) else None if size is None else list(size)
        self.interpolation, self.max_size, self.antialias = interpolation, max_size, antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, resized."""
        return self.call(F.resize, inpt, self.size, interpolation=self.interpolation,
                         max_size=self.max_size, antialias=self.antialias)


class CenterCrop(Transform):
    """The middle (height, width)."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = drawing.pair(size)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, cropped."""
        return self.call(F.center_crop, inpt, output_size=self.size)


class RandomResizedCrop(Transform):
    """A crop of random area and aspect ratio, resized (Szegedy et al., 2015)."""

    def __init__(self, size: Any, scale: Sequence[float] = (0.08, 1.0),
                 ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0), interpolation: Any = "bilinear",
                 antialias: bool | None = True) -> None:
        super().__init__()
        self.size = drawing.pair(size)
        drawing.check_rectangle(scale, ratio)
        self.scale, self.ratio = scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The place of the crop."""
        place = drawing.resized_crop_place(*query_size(flat_inputs), self.scale, self.ratio)
        return dict(zip(("top", "left", "height", "width"), place, strict=True))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, cropped and resized."""
        return self.call(F.resized_crop, inpt, **params, size=self.size,
                         interpolation=self.interpolation, antialias=self.antialias)


class _Crops(Transform):
    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raises TypeError for boxes and masks."""
        if has_any(flat_inputs, BoundingBoxes, Mask):
            raise TypeError("BoundingBoxes'es and Mask's are not supported by "
                            f"{type(self).__name__}()")


class FiveCrop(_Crops):
    """The four corners and the centre, as a tuple."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = drawing.pair(size)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Five crops of one input."""
        return self.call(F.five_crop, inpt, self.size)


class TenCrop(_Crops):
    """FiveCrop of the picture and of the flipped one, as a tuple."""

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size, self.vertical_flip = drawing.pair(size), vertical_flip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Ten crops of one input."""
        return self.call(F.ten_crop, inpt, self.size, vertical_flip=self.vertical_flip)


def _check_padding(padding: Any, mode: str) -> None:
    if not isinstance(padding, int) and not (
            isinstance(padding, tuple | list) and len(padding) in (1, 2, 4)):
        raise ValueError("Padding must be an int or a 1, 2, or 4 element of tuple or list, got "
                         f"{padding}.")
    if mode not in PADDING_MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


class Pad(Transform):
    """A border; see `functional.pad`. fill: one for all, or a dictionary by kind of input."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        _check_padding(padding, padding_mode)
        self.padding = padding if isinstance(padding, int) else list(padding)
        self.fill, self.padding_mode = checked_fill(fill), padding_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input with its border."""
        return self.call(F.pad, inpt, padding=self.padding, fill=fill_of(self.fill, inpt),
                         padding_mode=self.padding_mode)


class RandomCrop(Transform):
    """A crop of (height, width) at a random place, after padding."""

    def __init__(self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0,
                 padding_mode: str = "constant") -> None:
        super().__init__()
        self.size = drawing.pair(size)
        _check_padding(0 if padding is None else padding, padding_mode)
        self.padding = sides(padding) if padding else None  # left, top, right, bottom
        self.pad_if_needed, self.fill = pad_if_needed, checked_fill(fill)
        self.padding_mode = padding_mode

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The border, and the place of the crop."""
        left, top, right, bottom = self.padding or [0, 0, 0, 0]
        height, width = query_size(flat_inputs)
        height, width = height + top + bottom, width + left + right
        rows, columns = self.size
        more = (max(rows - height, 0), max(columns - width, 0)) if self.pad_if_needed else (0, 0)
        padding = [left + more[1], top + more[0], right + more[1], bottom + more[0]]
        height, width = height + 2 * more[0], width + 2 * more[1]
        if height < rows or width < columns:
            raise ValueError(f"Required crop size {(rows, columns)} is larger than "
                             f"{'padded ' if self.padding else ''}input image size "
                             f"{(height, width)}.")
        at = drawing.integer(0, height - rows + 1) if height > rows else 0
        beside = drawing.integer(0, width - columns + 1) if width > columns else 0
        return {"padding": padding, "crop": (height, width) != (rows, columns), "top": at,
                "left": beside, "height": rows, "width": columns}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, padded and cropped."""
        if any(params["padding"]):
            inpt = self.call(F.pad, inpt, padding=params["padding"],
                             fill=fill_of(self.fill, inpt), padding_mode=self.padding_mode)
        if params["crop"]:
            place = {name: params[name] for name in ("top", "left", "height", "width")}
            inpt = self.call(F.crop, inpt, **place)
        return inpt


class RandomRotation(Transform):
    """Turned by an angle of `degrees` (from, to), or of (-degrees, degrees)."""

    def __init__(self, degrees: Any, interpolation: Any = "nearest", expand: bool = False,
                 center: Any = None, fill: Any = 0) -> None:
        super().__init__()
        self.degrees = drawing.angles(degrees, "degrees")
        self.interpolation, self.expand, self.fill = interpolation, expand, checked_fill(fill)
        drawing.check_affine(None, None, center)
        self.center = center

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The angle."""
        return {"angle": drawing.uniform(*self.degrees)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, turned."""
        return self.call(F.rotate, inpt, **params, interpolation=self.interpolation,
                         expand=self.expand, center=self.center, fill=fill_of(self.fill, inpt))


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared by random amounts; see v1's of this name."""

    def __init__(self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
                 interpolation: Any = "nearest", fill: Any = 0, center: Any = None) -> None:
        super().__init__()
        self.degrees = drawing.angles(degrees, "degrees")
        drawing.check_affine(translate, scale, center)
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else drawing.angles(shear, "shear", (2, 4))
        self.interpolation, self.fill, self.center = interpolation, checked_fill(fill), center

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Angle, move, scale and shear."""
        height, width = query_size(flat_inputs)
        drawn = drawing.affine_parameters(self.degrees, self.translate, self.scale, self.shear,
                                          (width, height))
        return dict(zip(("angle", "translate", "scale", "shear"), drawn, strict=True))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, transformed."""
        return self.call(F.affine, inpt, **params, interpolation=self.interpolation,
                         fill=fill_of(self.fill, inpt), center=self.center)


class RandomPerspective(RandomApplyTransform):
    """The corners moved inwards by random amounts, with probability p."""

    def __init__(self, distortion_scale: float = 0.5, p: float = 0.5,
                 interpolation: Any = "bilinear", fill: Any = 0) -> None:
        super().__init__(p)
        if not 0 <= distortion_scale <= 1:
            raise ValueError("Argument distortion_scale value should be between 0 and 1")
        self.distortion_scale = distortion_scale
        self.interpolation, self.fill = interpolation, checked_fill(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The eight coefficients."""
        height, width = query_size(flat_inputs)
        start, end = drawing.perspective_corners(width, height, self.distortion_scale)
        return {"coefficients": perspective_coefficients(start, end)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, distorted."""
        return self.call(F.perspective, inpt, startpoints=None, endpoints=None,
                         fill=fill_of(self.fill, inpt), interpolation=self.interpolation, **params)


class ElasticTransform(Transform):
    """Every pixel moved by smooth noise (Simard et al., 2003)."""

    def __init__(self, alpha: Any = 50.0, sigma: Any = 5.0, interpolation: Any = "bilinear",
                 fill: Any = 0) -> None:
        super().__init__()
        self.alpha, self.sigma = drawing.floats(alpha, "alpha"), drawing.floats(sigma, "sigma")
        self.interpolation, self.fill = interpolation, checked_fill(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The displacement."""
        size = query_size(flat_inputs)
        return {"displacement": drawing.displacement(self.alpha, self.sigma, size)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, distorted."""
        return self.call(F.elastic, inpt, **params, fill=fill_of(self.fill, inpt),
                         interpolation=self.interpolation)
