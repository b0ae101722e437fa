"""Tensor: its memory, attributes, protocols and repr. Its operations come from `ops`."""

from rushlight.tensor._parameter import Buffer, Parameter
from rushlight.tensor._tensor import Tensor, wrap

__all__ = ["Buffer", "Parameter", "Tensor", "wrap"]
