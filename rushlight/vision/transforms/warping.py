"""Random rotations, affine and perspective maps, elastic distortion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.transforms import drawing
from rushlight.vision.transforms import functional as F
from rushlight.vision.transforms.functional_dimensions import InterpolationMode, interpolation_mode


def checked_fill(fill: Any) -> Any:
    """0 for None. Raises TypeError for what is neither number nor sequence."""
    if fill is None:
        return 0
    if not isinstance(fill, Sequence | int | float):
        raise TypeError("Fill should be either a sequence or a number.")
    return fill


def fill_of(fill: Any, img: Any) -> Any:
    """`fill` as the functions want it: one number a channel for tensors."""
    if fill is None or not isinstance(img, Tensor):
        return fill
    if isinstance(fill, int | float):
        return [float(fill)] * F.get_dimensions(img)[0]
    return [float(value) for value in fill]


class RandomPerspective(nn.Module):
    """The corners moved inwards by random amounts, with probability p."""

    def __init__(self, distortion_scale: float = 0.5, p: float = 0.5,
                 interpolation: Any = InterpolationMode.BILINEAR, fill: Any = 0) -> None:
        super().__init__()
        self.p, self.distortion_scale = p, distortion_scale
        self.interpolation, self.fill = interpolation_mode(interpolation), checked_fill(fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> Any:
        """(corners, where they go), drawn."""
        return drawing.perspective_corners(width, height, distortion_scale)

    def forward(self, img: Any) -> Any:
        """The picture, distorted or as it is."""
        _, height, width = F.get_dimensions(img)
        if not drawing.happens(self.p):
            return img
        points = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, *points, self.interpolation, fill_of(self.fill, img))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomRotation(nn.Module):
    """Turned by an angle of `degrees` (from, to), or of (-degrees, degrees)."""

    def __init__(self, degrees: Any, interpolation: Any = InterpolationMode.NEAREST,
                 expand: bool = False, center: Any = None, fill: Any = 0) -> None:
        super().__init__()
        self.degrees = drawing.angles(degrees, "degrees")
        if center is not None:
            drawing.check_sequence(center, "center", (2,))
        self.center, self.expand = center, expand
        self.interpolation, self.fill = interpolation_mode(interpolation), checked_fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """An angle, drawn."""
        return drawing.uniform(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        """The picture, turned."""
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand,
                        self.center, fill_of(self.fill, img))

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (f"{type(self).__name__}(degrees={self.degrees}, "
                f"interpolation={self.interpolation.value}, expand={self.expand}{center}, "
                f"fill={self.fill})")


class RandomAffine(nn.Module):
    """Turned, moved, scaled and sheared by random amounts; the centre stays where it is.

    degrees, shear: (from, to), or one number a for (-a, a); shear also (x from, to, y from, to).
    translate: the largest move (x, y), as parts of the picture. scale: (from, to).
    """

    def __init__(self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
                 interpolation: Any = InterpolationMode.NEAREST, fill: Any = 0,
                 center: Any = None) -> None:
        super().__init__()
        self.degrees = drawing.angles(degrees, "degrees")
        drawing.check_affine(translate, scale, center)
        self.translate, self.scale, self.center = translate, scale, center
        self.shear = None if shear is None else drawing.angles(shear, "shear", (2, 4))
        self.interpolation, self.fill = interpolation_mode(interpolation), checked_fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float], translate: Any, scale_ranges: Any, shears: Any,
                   img_size: Sequence[int]) -> Any:
        """(angle, (x, y), scale, (x, y) shear), drawn for a picture of (width, height)."""
        return drawing.affine_parameters(degrees, translate, scale_ranges, shears, img_size)

    def forward(self, img: Any) -> Any:
        """The picture, transformed."""
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear,
                                F.get_dimensions(img)[:0:-1])
        return F.affine(img, *drawn, interpolation=self.interpolation,
                        fill=fill_of(self.fill, img), center=self.center)

    def __repr__(self) -> str:
        given = [f"degrees={self.degrees}"]
        given += [f"{name}={getattr(self, name)}" for name in ("translate", "scale", "shear")
                  if getattr(self, name) is not None]
        if self.interpolation is not InterpolationMode.NEAREST:
            given.append(f"interpolation={self.interpolation.value}")
        given += [f"fill={self.fill}"] if self.fill != 0 else []
        given += [f"center={self.center}"] if self.center is not None else []
        return f"{type(self).__name__}({', '.join(given)})"


def _pair(value: Any, name: str) -> Any:
    if not isinstance(value, float | Sequence):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
    if isinstance(value, float):
        return [value, value]
    if len(value) != 2:
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(value)}")
    for element in value:
        if not isinstance(element, float):
            raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
    return value


class ElasticTransform(nn.Module):
    """Every pixel moved by smooth noise (Simard et al., 2003).

    alpha: how far, in pixels, (x, y). sigma: how smooth, in pixels, (x, y).
    """

    def __init__(self, alpha: Any = 50.0, sigma: Any = 5.0,
                 interpolation: Any = InterpolationMode.BILINEAR, fill: Any = 0) -> None:
        super().__init__()
        self.alpha, self.sigma = _pair(alpha, "alpha"), _pair(sigma, "sigma")
        self.interpolation = interpolation_mode(interpolation)
        if not isinstance(fill, int | float | list | tuple):
            raise TypeError("fill should be int or float or a list or tuple of them. Got "
                            f"{type(fill)}")
        values = [fill] if isinstance(fill, int | float) else fill
        self.fill = [float(value) for value in values]

    @staticmethod
    def get_params(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Tensor:
        """The displacement, (1, height, width, 2), drawn."""
        return drawing.displacement(alpha, sigma, size)

    def forward(self, tensor: Any) -> Any:
        """The picture, distorted."""
        moved = self.get_params(self.alpha, self.sigma, F.get_dimensions(tensor)[1:])
        return F.elastic_transform(tensor, moved, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, "
                f"interpolation={self.interpolation}, fill={self.fill})")
