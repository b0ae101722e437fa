"""`torch._prims_common`: types for annotations."""

from __future__ import annotations

from typing import Any

from rushlight.base.device import device
from rushlight.tensor import Tensor

TensorLike = TensorLikeType = Tensor
DeviceLikeType = str | device | int
NumberType = Number = bool | int | float | complex
ShapeType = DimsType = Any

__all__ = ["DeviceLikeType", "DimsType", "Number", "NumberType", "ShapeType", "TensorLike",
           "TensorLikeType"]
