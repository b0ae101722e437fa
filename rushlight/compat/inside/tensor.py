"""`torch._tensor`: the class Tensor."""

from rushlight.tensor import Tensor

__all__ = ["Tensor"]
