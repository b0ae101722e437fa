"""Layers that add elements around the last dimensions.

``padding`` is one number for every side, or (left, right, top, bottom, front, back).
"""

from __future__ import annotations

from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.sizes import ntuple
from rushlight.tensor import Tensor


class _Pad(Module):
    dimensions = 0
    mode = "constant"

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = ntuple(padding, 2 * self.dimensions)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        batched = self.dimensions + 2
        if input.dim() not in (batched - 1, batched):
            raise ValueError(
                f"expected {batched - 1}D or {batched}D input (got {input.dim()}D input)"
            )
        return F.pad(input, self.padding, self.mode)


class _ReflectionPadNd(_Pad):
    mode = "reflect"


class _ReplicationPadNd(_Pad):
    mode = "replicate"


class CircularPad1d(_CircularPadNd):
    """Extend the last dimension from the other end, as if the input were periodic.

    >>> import rushlight as rl
    >>> rl.nn.CircularPad1d(1)(rl.arange(3.0).view(1, 1, 3)).shape
    torch.Size([1, 1, 5])
    """

    dimensions = 1


class CircularPad2d(_CircularPadNd):
    """Extend the last two dimensions from the other end, as if the input were periodic.

    >>> import rushlight as rl
    >>> rl.nn.CircularPad2d(1)(rl.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 5, 5])
    """

    dimensions = 2


class CircularPad3d(_CircularPadNd):
    """Extend the last three dimensions from the other end, as if the input were periodic.

    >>> import rushlight as rl
    >>> rl.nn.CircularPad3d(1)(rl.ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 1, 5, 5, 5])
    """

    dimensions = 3


class ConstantPad1d(_ConstantPadNd):
    """Extend the last dimension with ``value``.

    >>> import rushlight as rl
    >>> rl.nn.ConstantPad1d(1, 3.5)(rl.arange(3.0).view(1, 1, 3)).shape
    torch.Size([1, 1, 5])
    """

    dimensions = 1


class ConstantPad2d(_ConstantPadNd):
    """Extend the last two dimensions with ``value``.

    >>> import rushlight as rl
    >>> rl.nn.ConstantPad2d(1, 3.5)(rl.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 5, 5])
    """

    dimensions = 2


class ConstantPad3d(_ConstantPadNd):
    """Extend the last three dimensions with ``value``.

    >>> import rushlight as rl
    >>> rl.nn.ConstantPad3d(1, 3.5)(rl.ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 1, 5, 5, 5])
    """

    dimensions = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Extend the last dimension with the mirror image, the edge not repeated.

    >>> import rushlight as rl
    >>> rl.nn.ReflectionPad1d(1)(rl.arange(3.0).view(1, 1, 3)).shape
    torch.Size([1, 1, 5])
    """

    dimensions = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Extend the last two dimensions with the mirror image, the edge not repeated.

    >>> import rushlight as rl
    >>> rl.nn.ReflectionPad2d(1)(rl.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 5, 5])
    """

    dimensions = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Extend the last three dimensions with the mirror image, the edge not repeated.

    >>> import rushlight as rl
    >>> rl.nn.ReflectionPad3d(1)(rl.ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 1, 5, 5, 5])
    """

    dimensions = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Extend the last dimension with copies of the edge.

    >>> import rushlight as rl
    >>> rl.nn.ReplicationPad1d(1)(rl.arange(3.0).view(1, 1, 3)).shape
    torch.Size([1, 1, 5])
    """

    dimensions = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Extend the last two dimensions with copies of the edge.

    >>> import rushlight as rl
    >>> rl.nn.ReplicationPad2d(1)(rl.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 5, 5])
    """

    dimensions = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Extend the last three dimensions with copies of the edge.

    >>> import rushlight as rl
    >>> rl.nn.ReplicationPad3d(1)(rl.ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 1, 5, 5, 5])
    """

    dimensions = 3


class ZeroPad1d(_ZeroPadNd, ConstantPad1d):
    """Extend the last dimension with zeros.

    >>> import rushlight as rl
    >>> rl.nn.ZeroPad1d(1)(rl.arange(3.0).view(1, 1, 3)).shape
    torch.Size([1, 1, 5])
    """


class ZeroPad2d(_ZeroPadNd, ConstantPad2d):
    """Extend the last two dimensions with zeros.

    >>> import rushlight as rl
    >>> rl.nn.ZeroPad2d(1)(rl.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 5, 5])
    """


class ZeroPad3d(_ZeroPadNd, ConstantPad3d):
    """Extend the last three dimensions with zeros.

    >>> import rushlight as rl
    >>> rl.nn.ZeroPad3d(1)(rl.ones(1, 1, 3, 3, 3)).shape
    torch.Size([1, 1, 5, 5, 5])
    """
