"""`torch._tensor_str`: tensors as text."""

from __future__ import annotations

from typing import Any

from rushlight.tensor import Tensor
from rushlight.tensor.printing import (
    format_tensor,
    get_printoptions,
    printoptions,
    set_printoptions,
)

__all__ = ["get_printoptions", "printoptions", "set_printoptions"]


def _str(self: Tensor, *, tensor_contents: Any = None) -> str:
    return format_tensor(self)
