"""Parameter, the tensor that an optimizer changes, and Buffer, the one it leaves alone."""

from __future__ import annotations

from rushlight.nn.uninitialized import (
    UninitializedBuffer,
    UninitializedParameter,
    UninitializedTensorMixin,
    is_lazy,
)
from rushlight.tensor import Buffer, Parameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]
