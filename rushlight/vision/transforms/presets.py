"""The preprocessing that trained weights expect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import nn
from rushlight.tensor import Tensor
from rushlight.vision.transforms import functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's training pictures


class ImageClassification(nn.Module):
    """Resize, crop the centre, scale to [0, 1], normalise."""

    def __init__(self, *, crop_size: int, resize_size: int = 256, mean: Sequence[float] = MEAN,
                 std: Sequence[float] = STD, interpolation: str = "bilinear",
                 antialias: bool | None = True) -> None:
        super().__init__()
        self.crop_size, self.resize_size = [crop_size], [resize_size]
        self.mean, self.std = list(mean), list(std)
        self.interpolation, self.antialias = F.InterpolationMode(interpolation), antialias

    def forward(self, img: Any) -> Tensor:
        """A picture, or (..., 3, height, width), gives (..., 3, crop_size, crop_size) floats."""
        img = F.resize(img, self.resize_size, self.interpolation, antialias=self.antialias)
        return _normalised(F.center_crop(img, self.crop_size), self.mean, self.std)


class ObjectDetection(nn.Module):
    """Scale to [0, 1]; the models resize and normalise themselves."""

    def forward(self, img: Any) -> Tensor:
        """A picture, or (..., 3, height, width), gives floats of the same size."""
        return _float(img)


class SemanticSegmentation(nn.Module):
    """Resize, scale to [0, 1], normalise."""

    def __init__(self, *, resize_size: int | None, mean: Sequence[float] = MEAN,
                 std: Sequence[float] = STD, interpolation: str = "bilinear",
                 antialias: bool | None = True) -> None:
        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean, self.std = list(mean), list(std)
        self.interpolation, self.antialias = F.InterpolationMode(interpolation), antialias

    def forward(self, img: Any) -> Tensor:
        """A picture, or (..., 3, height, width), gives (..., 3, height, width) floats."""
        if self.resize_size is not None:
            img = F.resize(img, self.resize_size, self.interpolation, antialias=self.antialias)
        return _normalised(img, self.mean, self.std)


def _float(img: Any) -> Tensor:
    return F.convert_image_dtype(img if isinstance(img, Tensor) else F.pil_to_tensor(img))


def _normalised(img: Any, mean: list[float], std: list[float]) -> Tensor:
    return F.normalize(_float(img), mean, std)
