"""Pooling to a given output size, and with windows of random size.

``output_size`` is one number or one for each spatial dimension; None keeps that dimension.
"""

from __future__ import annotations

from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.sizes import ntuple
from rushlight.tensor import Tensor


class _AdaptiveAvgPoolNd(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means of (N, C, L) over ``output_size`` windows that cover the length.

    >>> import rushlight as rl
    >>> rl.nn.AdaptiveAvgPool1d(2)(rl.tensor([[[1.0, 3.0, 5.0, 7.0]]]))
    tensor([[[2., 6.]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means of (N, C, H, W) over windows that cover each image.

    >>> import rushlight as rl
    >>> rl.nn.AdaptiveAvgPool2d((5, None))(rl.ones(1, 8, 10, 9)).shape
    torch.Size([1, 8, 5, 9])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means of (N, C, D, H, W) over windows that cover each volume.

    >>> import rushlight as rl
    >>> rl.nn.AdaptiveAvgPool3d(2)(rl.ones(1, 3, 4, 5, 6)).shape
    torch.Size([1, 3, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(Module):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima of (N, C, L) over ``output_size`` windows that cover the length.

    >>> import rushlight as rl
    >>> rl.nn.AdaptiveMaxPool1d(2)(rl.tensor([[[1.0, 3.0, 7.0, 5.0]]]))
    tensor([[[3., 7.]]])
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima of (N, C, H, W) over windows that cover each image.

    >>> import rushlight as rl
    >>> rl.nn.AdaptiveMaxPool2d((5, 7))(rl.ones(1, 8, 10, 9)).shape
    torch.Size([1, 8, 5, 7])
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maxima of (N, C, D, H, W) over windows that cover each volume.

    >>> import rushlight as rl
    >>> rl.nn.AdaptiveMaxPool3d(2)(rl.ones(1, 3, 4, 5, 6)).shape
    torch.Size([1, 3, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _FractionalMaxPoolNd(Module):
    dimensions = 0

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        n, name = self.dimensions, type(self).__name__
        self.kernel_size = ntuple(kernel_size, n)
        if any(size <= 0 for size in self.kernel_size):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else ntuple(output_size, n)
        self.output_ratio = None if output_ratio is None else ntuple(output_ratio, n)
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _arguments(self) -> tuple:
        return (self.kernel_size, self.output_size, self.output_ratio, self.return_indices)


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maxima over windows at random places, so that sizes shrink by any ratio (Graham, 2014).

    Give ``output_size``, or ``output_ratio`` between 0 and 1.

    >>> import rushlight as rl
    >>> rl.nn.FractionalMaxPool2d(3, output_size=(13, 12))(rl.ones(2, 4, 50, 32)).shape
    torch.Size([2, 4, 13, 12])
    """

    dimensions = 2

    def forward(self, input: Tensor) -> Any:
        samples = self._random_samples
        return F.fractional_max_pool2d(input, *self._arguments(), _random_samples=samples)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """:class:`FractionalMaxPool2d` for volumes.

    >>> import rushlight as rl
    >>> rl.nn.FractionalMaxPool3d(2, output_ratio=0.5)(rl.ones(1, 2, 8, 8, 8)).shape
    torch.Size([1, 2, 4, 4, 4])
    """

    dimensions = 3

    def forward(self, input: Tensor) -> Any:
        samples = self._random_samples
        return F.fractional_max_pool3d(input, *self._arguments(), _random_samples=samples)
