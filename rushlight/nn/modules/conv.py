"""Convolution layers."""

from __future__ import annotations

from typing import Any

from rushlight.nn import functional as F
from rushlight.nn.modules.linear import reset_weight_and_bias
from rushlight.nn.modules.module import Module
from rushlight.nn.modules.sizes import ntuple
from rushlight.nn.parameter import Parameter
from rushlight.ops import empty
from rushlight.tensor import Tensor

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: str | tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_channels(in_channels, out_channels, groups)
        _check_padding(padding, stride, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = _pad_argument(padding, dilation, kernel_size)
        into, out_of = in_channels, out_channels
        if not transposed:
            into, out_of = out_channels, in_channels
        shape = (into, out_of // groups, *kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        reset_weight_and_bias(self.weight, self.bias)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """The input, and the padding that is left for the convolution to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return padded, 0

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}, stride={self.stride}",
        ]
        for name, default in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (default,) * len(value):
                parts.append(f"{name}={value}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _Conv(_ConvNd):
    """What the three convolutions share; ``dimensions`` is the number of spatial ones."""

    dimensions = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        n = self.dimensions
        super().__init__(
            in_channels,
            out_channels,
            ntuple(kernel_size, n),
            ntuple(stride, n),
            padding if isinstance(padding, str) else ntuple(padding, n),
            ntuple(dilation, n),
            False,
            (0,) * n,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv1d(_Conv):
    """Cross-correlation of (N, C_in, L) with (C_out, C_in / groups, K), plus bias.

    ``padding``: a number each side, "same" or "valid"; ``padding_mode``: zeros, reflect,
    replicate, circular.

    >>> import rushlight as rl
    >>> rl.nn.Conv1d(16, 33, 3, stride=2)(rl.ones(20, 16, 50)).shape
    torch.Size([20, 33, 24])
    """

    dimensions = 1

    def forward(self, input: Tensor) -> Tensor:
        input, padding = self._padded(input)
        return F.conv1d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv2d(_Conv):
    """Cross-correlation of (N, C_in, H, W) with (C_out, C_in / groups, KH, KW), plus bias.

    ``padding``: a number each side, "same" or "valid"; ``padding_mode``: zeros, reflect,
    replicate, circular.

    >>> import rushlight as rl
    >>> rl.nn.Conv2d(3, 8, kernel_size=3, padding=1)(rl.ones(2, 3, 28, 28)).shape
    torch.Size([2, 8, 28, 28])
    """

    dimensions = 2

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode == "zeros":
            return F.conv2d(
                input,
                self.weight,
                self.bias,
                self.stride,
                self.padding,
                self.dilation,
                self.groups,
            )
        input, padding = self._padded(input)
        return F.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv3d(_Conv):
    """Cross-correlation of (N, C_in, D, H, W) with (C_out, C_in / groups, KD, KH, KW), plus bias.

    ``padding``: a number each side, "same" or "valid"; ``padding_mode``: zeros, reflect,
    replicate, circular.

    >>> import rushlight as rl
    >>> rl.nn.Conv3d(4, 8, 3, stride=2)(rl.ones(1, 4, 10, 10, 10)).shape
    torch.Size([1, 8, 4, 4, 4])
    """

    dimensions = 3

    def forward(self, input: Tensor) -> Tensor:
        input, padding = self._padded(input)
        return F.conv3d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class _ConvTransposeNd(_ConvNd):
    """The gradient of a convolution with respect to its input, as a layer."""

    dimensions = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        n = self.dimensions
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels,
            out_channels,
            ntuple(kernel_size, n),
            ntuple(stride, n),
            ntuple(padding, n),
            ntuple(dilation, n),
            True,
            ntuple(output_padding, n),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """How much to add to the smallest output to reach ``output_size``."""
        if output_size is None:
            return self.output_padding
        n = self.dimensions
        leading = input.dim() - n
        asked = output_size = tuple(output_size)
        if len(output_size) == leading + n:
            output_size = output_size[leading:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} "
                f"or {leading + n} elements (got {len(output_size)})"
            )
        least = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in zip(
                input.shape[leading:],
                self.stride,
                self.padding,
                self.dilation,
                self.kernel_size,
                strict=True,
            )
        ]
        most = [size + stride - 1 for size, stride in zip(least, self.stride, strict=True)]
        if any(not a <= size <= b for a, size, b in zip(least, output_size, most, strict=True)):
            raise ValueError(
                f"requested an output size of {asked}, but valid sizes range "
                f"from {least} to {most} (for an input of {input.shape[2:]})"
            )
        return tuple(size - a for size, a in zip(output_size, least, strict=True))

    def _arguments(self, input: Tensor, output_size: Any) -> tuple:
        extra = self._output_padding(input, output_size)
        places = (self.stride, self.padding, extra, self.groups, self.dilation)
        return (input, self.weight, self.bias, *places)


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of (N, C_in, L); the weight is (C_in, C_out / groups, K).

    ``forward(input, output_size)`` chooses among the sizes that a stride leaves open.

    >>> import rushlight as rl
    >>> rl.nn.ConvTranspose1d(4, 2, 3, stride=2)(rl.ones(1, 4, 5)).shape
    torch.Size([1, 2, 11])
    """

    dimensions = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose1d(*self._arguments(input, output_size))


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of (N, C_in, H, W); the weight is (C_in, C_out / groups, KH, KW).

    ``forward(input, output_size)`` chooses among the sizes that a stride leaves open.

    >>> import rushlight as rl
    >>> up = rl.nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
    >>> up(rl.ones(1, 4, 6, 6), output_size=[12, 12]).shape
    torch.Size([1, 2, 12, 12])
    """

    dimensions = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose2d(*self._arguments(input, output_size))


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of (N, C_in, D, H, W); weight (C_in, C_out / groups, KD, KH, KW).

    ``forward(input, output_size)`` chooses among the sizes that a stride leaves open.

    >>> import rushlight as rl
    >>> rl.nn.ConvTranspose3d(4, 2, 3, stride=2)(rl.ones(1, 4, 2, 2, 2)).shape
    torch.Size([1, 2, 5, 5, 5])
    """

    dimensions = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return F.conv_transpose3d(*self._arguments(input, output_size))


def _check_channels(in_channels: int, out_channels: int, groups: int) -> None:
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups: "
                         f"got {in_channels} channels in {groups} groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups: "
                         f"got {out_channels} channels in {groups} groups")


def _check_padding(padding: Any, stride: tuple[int, ...], padding_mode: str) -> None:
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(
                f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}"
            )
        if padding == "same" and any(step != 1 for step in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in PADDING_MODES:
        raise ValueError(
            f"padding_mode must be one of {set(PADDING_MODES)}, "
            f"but got padding_mode='{padding_mode}'"
        )


def _pad_argument(padding: Any, dilation: tuple, kernel_size: tuple) -> list[int]:
    """The padding in the form of ``F.pad``: both sides of each dimension, the last one first."""
    if not isinstance(padding, str):
        return [side for side in reversed(padding) for _ in range(2)]
    sides = [0] * (2 * len(kernel_size))
    if padding == "same":
        for place, (gap, size) in enumerate(zip(dilation, kernel_size, strict=False), 1):
            total = gap * (size - 1)
            sides[-2 * place], sides[-2 * place + 1] = total // 2, total - total // 2
    return sides
