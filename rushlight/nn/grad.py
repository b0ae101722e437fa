"""The two gradients of a convolution as functions of their own: of its input, of its weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.autograd import enable_grad, grad, is_grad_enabled
from rushlight.ops import conv1d, conv2d, conv3d, zeros
from rushlight.tensor import Tensor

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input",
           "conv3d_weight"]


def conv1d_input(input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv1d`'s output, times `grad_output`, with respect to its input.

    input_size: of the input, (N, C, L); the other arguments are those of the convolution.

    >>> import rushlight as rl
    >>> from rushlight.nn.grad import conv1d_input
    >>> conv1d_input((1, 1, 3), rl.tensor([[[1., 2.]]]), rl.ones(1, 1, 2))
    tensor([[[1., 3., 2.]]])
    """
    return _of_input(conv1d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1,
                  padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv1d`'s output, times `grad_output`, with respect to its weight."""
    return _of_weight(conv1d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv2d`'s output, times `grad_output`, with respect to its input."""
    return _of_input(conv2d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1,
                  padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv2d`'s output, times `grad_output`, with respect to its weight."""
    return _of_weight(conv2d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv3d`'s output, times `grad_output`, with respect to its input."""
    return _of_input(conv3d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1,
                  padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv3d`'s output, times `grad_output`, with respect to its weight."""
    return _of_weight(conv3d, input, weight_size, grad_output, stride, padding, dilation, groups)


def _of_input(convolution: Any, size: Any, weight: Tensor, gradient: Tensor, *options: Any) -> Any:
    input = zeros(tuple(size), dtype=weight.dtype, device=weight.device, requires_grad=True)
    return _pulled_back(input, gradient, lambda: convolution(input, weight, None, *options))


def _of_weight(convolution: Any, input: Tensor, size: Any, gradient: Tensor, *options: Any) -> Any:
    weight = zeros(tuple(size), dtype=input.dtype, device=input.device, requires_grad=True)
    return _pulled_back(weight, gradient, lambda: convolution(input, weight, None, *options))


def _pulled_back(leaf: Tensor, gradient: Tensor, output: Any) -> Any:
    recorded = is_grad_enabled()
    with enable_grad():
        (found,) = grad(output(), leaf, gradient, create_graph=recorded)
    return found
