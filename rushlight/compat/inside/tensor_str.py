"""`torch._tensor_str`: tensors as text."""

from __future__ import annotations

from typing import Any

from rushlight.tensor import Tensor, printing
from rushlight.tensor.printing import (
    format_tensor,
    get_printoptions,
    printoptions,
    set_printoptions,
)

__all__ = ["get_printoptions", "printoptions", "set_printoptions"]


def _str(self: Tensor, *, tensor_contents: Any = None) -> str:
    return format_tensor(self)


def _tensor_str(self: Tensor, indent: int) -> str:
    """The elements as `repr` writes them, without the name around them."""
    lines = format_tensor(self.detach()).splitlines()
    text = "\n".join([lines[0].removeprefix("tensor("), *(
        " " * indent + line[len("tensor("):] for line in lines[1:])])
    return text[:text.rindex("]") + 1] if self.ndim else text.rstrip(")").partition(",")[0]


class _PrintOptions:
    """The options of printing as they are at the moment."""

    def __getattr__(self, name: str) -> Any:
        return getattr(printing._options, name)


PRINT_OPTS = _PrintOptions()
