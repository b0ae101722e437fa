"""Pooling layers: the maximum, mean or norm of windows.

Sizes are one number or one for each spatial dimension; ``stride`` defaults to ``kernel_size``.
"""

from __future__ import annotations

from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.sizes import ntuple
from rushlight.tensor import Tensor


class _MaxPoolNd(Module):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _options(self) -> dict[str, Any]:
        return {"ceil_mode": self.ceil_mode, "return_indices": self.return_indices}

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The maximum of each window of (N, C, L); ``return_indices=True`` gives their places too.

    >>> import rushlight as rl
    >>> rl.nn.MaxPool1d(2)(rl.tensor([[[1.0, 3.0, 2.0, 0.0]]]))
    tensor([[[3., 2.]]])
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, **self._options()
        )


class MaxPool2d(_MaxPoolNd):
    """The maximum of each window of (N, C, H, W); ``return_indices=True`` gives their places too.

    >>> import rushlight as rl
    >>> rl.nn.MaxPool2d(3, stride=2)(rl.ones(1, 16, 50, 32)).shape
    torch.Size([1, 16, 24, 15])
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class MaxPool3d(_MaxPoolNd):
    """The maximum of each window of (N, C, D, H, W).

    >>> import rushlight as rl
    >>> rl.nn.MaxPool3d(2)(rl.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, **self._options()
        )


class _MaxUnpoolNd(Module):
    dimensions = 0

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        n = self.dimensions
        self.kernel_size = ntuple(kernel_size, n)
        self.stride = ntuple(kernel_size if stride is None else stride, n)
        self.padding = ntuple(padding, n)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

    def _sizes(self, output_size: Any) -> tuple:
        return (self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpoolNd):
    """Put the maxima of :class:`MaxPool1d` back at their ``indices``, zeros elsewhere.

    >>> import rushlight as rl
    >>> out, places = rl.nn.MaxPool1d(2, return_indices=True)(rl.tensor([[[1.0, 3.0]]]))
    >>> rl.nn.MaxUnpool1d(2)(out, places)
    tensor([[[0., 3.]]])
    """

    dimensions = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool1d(input, indices, *self._sizes(output_size))


class MaxUnpool2d(_MaxUnpoolNd):
    """Put the maxima of :class:`MaxPool2d` back at their ``indices``, zeros elsewhere.

    >>> import rushlight as rl
    >>> out, places = rl.nn.MaxPool2d(2, return_indices=True)(rl.ones(1, 1, 4, 4))
    >>> rl.nn.MaxUnpool2d(2)(out, places).sum().item()
    4.0
    """

    dimensions = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool2d(input, indices, *self._sizes(output_size))


class MaxUnpool3d(_MaxUnpoolNd):
    """Put the maxima of :class:`MaxPool3d` back at their ``indices``, zeros elsewhere.

    >>> import rushlight as rl
    >>> out, places = rl.nn.MaxPool3d(2, return_indices=True)(rl.ones(1, 1, 2, 2, 2))
    >>> rl.nn.MaxUnpool3d(2)(out, places).shape
    torch.Size([1, 1, 2, 2, 2])
    """

    dimensions = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool3d(input, indices, *self._sizes(output_size))


class _AvgPoolNd(Module):
    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window of (N, C, L); padding counts unless ``count_include_pad=False``.

    >>> import rushlight as rl
    >>> rl.nn.AvgPool1d(3, stride=2)(rl.tensor([[[1.0, 2, 3, 4, 5, 6, 7]]]))
    tensor([[[2., 4., 6.]]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = ntuple(kernel_size, 1)
        self.stride = ntuple(kernel_size if stride is None else stride, 1)
        self.padding = ntuple(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class AvgPool2d(_AvgPoolNd):
    """The mean of each window of (N, C, H, W); ``divisor_override`` replaces the window's size.

    >>> import rushlight as rl
    >>> rl.nn.AvgPool2d(3, stride=2)(rl.ones(1, 16, 50, 32)).shape
    torch.Size([1, 16, 24, 15])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _arguments(self) -> tuple:
        sizes = (self.kernel_size, self.stride, self.padding)
        return (*sizes, self.ceil_mode, self.count_include_pad, self.divisor_override)

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, *self._arguments())


class AvgPool3d(AvgPool2d):
    """The mean of each window of (N, C, D, H, W).

    >>> import rushlight as rl
    >>> rl.nn.AvgPool3d(2)(rl.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool3d(input, *self._arguments())


class _LPPoolNd(Module):
    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _arguments(self) -> tuple:
        return (float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window of (N, C, L), p = ``norm_type``.

    >>> import rushlight as rl
    >>> rl.nn.LPPool1d(2, 2)(rl.tensor([[[3.0, 4.0]]]))
    tensor([[[5.]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(input, *self._arguments())


class LPPool2d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window of (N, C, H, W), p = ``norm_type``.

    >>> import rushlight as rl
    >>> rl.nn.LPPool2d(2, 3, stride=2)(rl.ones(1, 16, 50, 32)).shape
    torch.Size([1, 16, 24, 15])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(input, *self._arguments())


class LPPool3d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window of (N, C, D, H, W), p = ``norm_type``.

    >>> import rushlight as rl
    >>> rl.nn.LPPool3d(2, 2)(rl.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 2, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool3d(input, *self._arguments())
