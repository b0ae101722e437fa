"""conv1d, conv2d, conv3d and their transposed forms.

A transposed convolution is the gradient, with respect to its input, of the convolution with the
same weight. So one op is both, told apart by whether it is given the extents of its output, and
is its own gradient; the gradient of the weight is a second op. Both are bilinear in two tensors,
and their gradients are again calls of the two, to any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends import kept_weights
from rushlight.backends.channels_last import is_last
from rushlight.backends.host.convolution import Window, output_space
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.engine.node import version_of
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.families.refusals import invalid_combination, tensor_arrays
from rushlight.tensor import Parameter, Tensor, wrap
from rushlight.tensor.storage import channels_last, channels_last_3d, contiguous_format

if TYPE_CHECKING:
    from rushlight.backends.cpu import convolution as backend
else:
    backend = Deferred("rushlight.backends.cpu.convolution", globals())

Array = np.ndarray
Option = Operand = Any
Ints = tuple[int, ...]
Numbers = int | Sequence[int]

FORMATS = {4: channels_last, 5: channels_last_3d}
_EXTENTS = ("depth", "height", "width")
_CTYPES = {"Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16",
           "Long": "long int", "Int": "int", "Short": "short int", "Char": "signed char",
           "Byte": "unsigned char", "Bool": "bool", "ComplexFloat": "c10::complex<float>",
           "ComplexDouble": "c10::complex<double>"}


@library("")
class convolution:
    """The convolution of `input` with `weight`, plus `bias`; transposed where `space` is given."""

    def forward(input: Array, weight: Array, bias: Operand = None, window: Option = None,
                space: Option = None) -> Array:
        if is_meta(input) or is_meta(weight):
            return _phantom(input, weight, window, space)
        if space is None:
            return backend.forward(input, weight, bias, window)
        return backend.transposed(input, weight, bias, window, space)

    def backward(gradient: Tensor, input: Tensor, weight: Tensor, bias: Tensor | None,
                 window: Window, space: Ints | None, needs: tuple) -> tuple:
        grads: list[Tensor | None] = [None, None, None]
        gradient = _as_result(gradient, input, weight)
        if needs[0]:
            extents = input.shape[2:] if space is None else None
            grads[0] = convolution(gradient, _conjugate(weight), None, window, extents)
        if space is not None:
            if needs[1]:
                grads[1] = convolution_weight(gradient, _conjugate(input), window, weight.shape)
            if needs[2]:
                grads[2] = gradient.sum((0, *range(2, gradient.ndim)))
        elif needs[2]:
            grads[1:] = convolution_weight_and_bias(_conjugate(input), gradient, window,
                                                    weight.shape)
        elif needs[1]:
            grads[1] = convolution_weight(_conjugate(input), gradient, window, weight.shape)
        return tuple(grads)


@library("")
class convolution_weight:
    """The gradient of a convolution's weight, of shape `size`: input and output correlated."""

    def forward(input: Array, grad: Array, window: Option, size: Option) -> Array:
        if is_meta(input) or is_meta(grad):
            return MetaArray(size, input.dtype)
        return backend.backward_weights(input, grad, window, size)

    def backward(gradient: Tensor, input: Tensor, grad: Tensor, window: Window, needs: tuple
                 ) -> tuple:
        return _second_order(gradient, None, input, grad, window, needs)


@library("")
class convolution_weight_and_bias:
    """The gradients of a convolution's weight, of shape `size`, and of its bias."""

    outputs = 2

    def forward(input: Array, grad: Array, window: Option, size: Option) -> tuple[Array, Array]:
        if is_meta(input) or is_meta(grad):
            return MetaArray(size, input.dtype), MetaArray(size[:1], input.dtype)
        return backend.backward_weights_and_bias(input, grad, window, size)

    def backward(gradients: Any, input: Tensor, grad: Tensor, window: Window, needs: tuple
                 ) -> tuple:
        return _second_order(*gradients, input, grad, window, needs)


def _second_order(weight: Tensor | None, bias: Tensor | None, input: Tensor, grad: Tensor,
                  window: Window, needs: tuple) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of the weight's gradient, for its two operands."""
    first = second = None
    if weight is not None:
        if needs[0]:
            first = convolution(_conjugate(grad), weight, None, window, input.shape[2:])
        if needs[1]:
            second = convolution(_conjugate(input), weight, bias, window, None)
    elif bias is not None and needs[1]:
        second = bias.reshape(-1, *[1] * (grad.ndim - 2)).expand(grad.shape)
    return first, second


def _as_result(gradient: Tensor, input: Tensor, weight: Tensor) -> Tensor:
    """`gradient` with its channels last in memory where the result had them there, else not."""
    if gradient.ndim not in FORMATS:
        return gradient
    last = is_last(input._array) or is_last(weight._array)
    if last == is_last(gradient._array):
        return gradient
    return gradient.clone(memory_format=FORMATS[gradient.ndim] if last else contiguous_format)


def _conjugate(x: Tensor) -> Tensor:
    return x.conj() if x._array.dtype.kind == "c" else x


def _phantom(input: Array, weight: Array, window: Window, space: Ints | None) -> MetaArray:
    channels = weight.shape[0] if space is None else weight.shape[1] * window.groups
    if space is None:
        space = output_space(input.shape[2:], weight.shape[2:], window)
    return MetaArray((input.shape[0], channels, *space), input.dtype)


@function("conv1d nn.functional.conv1d", samples=lambda x: [
    (x(1, 2, 5), x(2, 2, 3), x(2)), (x(2, 4), x(2, 1, 2), None, 2, 1, 1, 2),
    (x(1, 1, 5), x(1, 1, 2), None, 1, "same", 2)])
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1,
           padding: Numbers | str = 0, dilation: Numbers = 1, groups: int = 1) -> Tensor:
    """Slide windows along sequences: out[n, o, t] = bias[o] + sum weight[o] * window at t.

    Args:
        input: (batch, in channels, length) or (in channels, length).
        weight: (out channels, in channels / groups, window).
        bias: (out channels,).
        stride: steps between windows. dilation: steps between the elements of a window.
        padding: zeros at both ends; "valid" is none, "same" keeps the length (stride 1).
        groups: the channels are split in so many groups that do not see each other.

    Returns a new tensor, (batch, out channels, (length + 2 padding - dilation (window - 1) - 1)
    // stride + 1). Raises RuntimeError where shapes, dtypes or options do not fit.

    >>> import rushlight as rl
    >>> rl.conv1d(rl.tensor([[1.0, 2.0, 4.0]]), rl.tensor([[[1.0, -1.0]]]))
    tensor([[-1., -2.]])
    """
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@function("conv2d nn.functional.conv2d", samples=lambda x: [
    (x(1, 2, 3, 3), x(1, 2, 2, 2), x(1)), (x(1, 4, 3), x(2, 1, 2, 2), None, 2, (1, 0))])
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1,
           padding: Numbers | str = 0, dilation: Numbers = 1, groups: int = 1) -> Tensor:
    """Slide windows over images: out[n, o, y, x] = bias[o] + sum weight[o] * window at (y, x).

    Args:
        input: (batch, in channels, height, width) or (in channels, height, width).
        weight: (out channels, in channels / groups, window height, window width).
        bias: (out channels,).
        stride, dilation, padding: one number, or (vertical, horizontal), as for `conv1d`.
        groups: the channels are split in so many groups that do not see each other.

    Returns a new tensor, (batch, out channels, height, width) with extents as for `conv1d`.
    Raises RuntimeError where shapes, dtypes or options do not fit. Convolutional networks: LeCun
    et al., 1989.

    >>> import rushlight as rl
    >>> rl.conv2d(rl.ones(1, 1, 3, 3), rl.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@function("conv3d nn.functional.conv3d", samples=lambda x: [
    (x(1, 1, 2, 3, 2), x(1, 1, 2, 2, 2), x(1))])
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Numbers = 1,
           padding: Numbers | str = 0, dilation: Numbers = 1, groups: int = 1) -> Tensor:
    """Slide windows through volumes; `conv2d` with a depth before height and width.

    >>> import rushlight as rl
    >>> rl.conv3d(rl.ones(1, 2, 2, 2), rl.ones(1, 1, 2, 2, 2))
    tensor([[[[8.]]]])
    """
    return _convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


@function("conv_transpose1d nn.functional.conv_transpose1d", samples=lambda x: [
    (x(1, 2, 3), x(2, 1, 2), x(1)), (x(1, 2, 3), x(2, 1, 3), None, 2, 1, 1, 2)])
def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None,
                     stride: Numbers = 1, padding: Numbers = 0, output_padding: Numbers = 0,
                     groups: int = 1, dilation: Numbers = 1) -> Tensor:
    """The transpose of `conv1d` as a linear map: each element adds a scaled window to the output.

    Args:
        input: (batch, in channels, length) or (in channels, length).
        weight: (in channels, out channels / groups, window).
        bias: (out channels,).
        stride: steps between the windows in the output. dilation: steps inside a window.
        padding: elements cut off at both ends. output_padding: elements added at the far end,
            fewer than stride or dilation: the one length, of several possible, that is meant.
        groups: the channels are split in so many groups that do not see each other.

    Returns a new tensor, (batch, out channels, (length - 1) stride - 2 padding +
    dilation (window - 1) + output_padding + 1).

    >>> import rushlight as rl
    >>> rl.conv_transpose1d(rl.tensor([[1.0, 2.0]]), rl.tensor([[[1.0, 10.0]]]), stride=2)
    tensor([[ 1., 10.,  2., 20.]])
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding,
                       output_padding, groups, dilation)


@function("conv_transpose2d nn.functional.conv_transpose2d", samples=lambda x: [
    (x(1, 2, 2, 2), x(2, 1, 2, 2), x(1), 2)])
def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None,
                     stride: Numbers = 1, padding: Numbers = 0, output_padding: Numbers = 0,
                     groups: int = 1, dilation: Numbers = 1) -> Tensor:
    """The transpose of `conv2d` as a linear map; arguments as for `conv_transpose1d`.

    >>> import rushlight as rl
    >>> rl.conv_transpose2d(rl.ones(1, 1, 2), rl.ones(1, 1, 2, 2), stride=2)
    tensor([[[1., 1., 1., 1.],
             [1., 1., 1., 1.]]])
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding,
                       output_padding, groups, dilation)


@function("conv_transpose3d nn.functional.conv_transpose3d", samples=lambda x: [
    (x(1, 1, 2, 1, 2), x(1, 1, 2, 2, 1))])
def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None,
                     stride: Numbers = 1, padding: Numbers = 0, output_padding: Numbers = 0,
                     groups: int = 1, dilation: Numbers = 1) -> Tensor:
    """The transpose of `conv3d` as a linear map; arguments as for `conv_transpose1d`.

    >>> import rushlight as rl
    >>> rl.conv_transpose3d(rl.ones(1, 1, 1, 1), rl.ones(1, 2, 1, 1, 1)).shape
    torch.Size([2, 1, 1, 1])
    """
    return _transposed("conv_transpose3d", 3, input, weight, bias, stride, padding,
                       output_padding, groups, dilation)


@function("convolution", samples=lambda x: [
    (x(1, 2, 4), x(1, 2, 2), x(1), (1,), (0,), (1,), False, (0,), 1),
    (x(1, 2, 3), x(2, 1, 2), None, (2,), (0,), (1,), True, (1,), 1)])
def general_convolution(input: Tensor, weight: Tensor, bias: Tensor | None, stride: Numbers,
                        padding: Numbers, dilation: Numbers, transposed: bool,
                        output_padding: Numbers, groups: int) -> Tensor:
    """Any of the convolutions, by the number of dimensions of `weight` and by `transposed`.

    >>> import rushlight as rl
    >>> rl.convolution(rl.ones(1, 1, 2), rl.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1)
    tensor([[[2.]]])
    """
    space = weight.ndim - 2
    if transposed:
        return _transposed("convolution", space, input, weight, bias, stride, padding,
                           output_padding, groups, dilation)
    return _convolve("convolution", space, input, weight, bias, stride, padding, dilation, groups)


@function("conv_tbc nn.functional.conv_tbc", samples=lambda x: [(x(4, 1, 2), x(2, 2, 3), x(3), 1)])
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` of (time, batch, channels) with a weight (window, in channels, out channels).

    >>> import rushlight as rl
    >>> rl.conv_tbc(rl.ones(3, 1, 2), rl.ones(2, 2, 1), rl.zeros(1)).shape
    torch.Size([2, 1, 1])
    """
    out = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1)


# What was checked once need not be checked again: a network calls with the same shapes for ever.
_checked: dict[Any, tuple[Window, Any]] = {}
_KEPT = 4096


def _convolve(name: str, space: int, input: Tensor, weight: Tensor, bias: Tensor | None,
              stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    try:
        x, w, b = input._array, weight._array, None if bias is None else bias._array
    except AttributeError:
        raise invalid_combination(name, input, weight, bias) from None
    key = (name, x.shape, w.shape, None if b is None else b.shape, x.dtype, w.dtype,
           None if b is None else b.dtype, _hashable(stride), _hashable(padding),
           _hashable(dilation), groups)
    known = _checked.get(key)
    if known is None:
        if len(_checked) >= _KEPT:
            _checked.clear()
        known = _checked[key] = _window(name, space, x, w, b, stride, padding, dilation, groups), 0
    if len(x.shape) == space + 2:
        if type(weight) is Parameter and type(input) is Tensor and not is_meta(x):
            del w  # a holder of the weight's memory, of which there may be one
            if not flags.grad_enabled or (input._node is weight._node is None and (
                    bias is None or bias._node is None)):
                kept = kept_weights.of(weight._array, version_of(weight))
                return wrap(backend.forward(x, weight._array, b, known[0], kept))
            if kept_weights.kept:
                kept_weights.forget(weight._array)  # it is being trained
        return convolution(input, weight, bias, known[0], None)
    return convolution(input.unsqueeze(0), weight, bias, known[0], None).squeeze(0)


def _transposed(name: str, space: int, input: Tensor, weight: Tensor, bias: Tensor | None,
                stride: Any, padding: Any, output_padding: Any, groups: int, dilation: Any
                ) -> Tensor:
    x, w, b = tensor_arrays(name, input=input, weight=weight, bias=bias)
    key = (name, x.shape, w.shape, None if b is None else b.shape, x.dtype, w.dtype,
           None if b is None else b.dtype, _hashable(stride), _hashable(padding),
           _hashable(dilation), groups, _hashable(output_padding))
    known = _checked.get(key)
    if known is None:
        if len(_checked) >= _KEPT:
            _checked.clear()
        extra = _numbers("output_padding", output_padding, space)
        if min(extra) < 0:
            raise RuntimeError(f"negative output_padding is not supported: got {list(extra)}")
        window = _window(name, space, x, w, b, stride, padding, dilation, groups, transposed=True)
        extents = _transposed_space(x, w, window, extra, space)
        # Output padding of a stride or more would be room for more windows than the input has.
        behind = tuple(p - e if e >= s else p for p, e, s in zip(
            window.behind, extra, window.stride, strict=True))
        known = _checked[key] = window._replace(behind=behind), extents
    if len(x.shape) == space + 2:
        return convolution(input, weight, bias, *known)
    return convolution(input.unsqueeze(0), weight, bias, *known).squeeze(0)


def _hashable(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


def _window(name: str, space: int, x: Array, w: Array, b: Array | None, stride: Any, padding: Any,
            dilation: Any, groups: int, transposed: bool = False) -> Window:
    """The window's moves, once everything fits together; else torch's errors."""
    if x.ndim not in (space + 1, space + 2):
        raise RuntimeError(
            f"Expected {space + 1}D (unbatched) or {space + 2}D (batched) input to {name}, but got "
            f"input of size: {list(x.shape)}: the input is (batch, channels, "
            f"{', '.join(_EXTENTS[-space:])}), the batch optional; unsqueeze(0) adds a dimension")
    if w.ndim != space + 2:
        given = (f"expected stride to be a single integer value or a list of {w.ndim - 2} values "
                 f"to match the convolution dimensions, but got stride={[1] * space}"
                 if w.ndim > 2 else "weight should have at least three dimensions")
        raise RuntimeError(
            f"{given}: weight should have {space + 2} dimensions for {name}, (out channels, in "
            f"channels / groups, *window), but got weight of size {list(w.shape)}")
    if transposed and isinstance(padding, str):
        raise TypeError(f"{name}(): argument 'padding' must be tuple of ints, not str")
    steps, gaps = _numbers("stride", stride, space), _numbers("dilation", dilation, space)
    if min(steps) <= 0:
        raise RuntimeError(f"non-positive stride is not supported: {name} got {list(steps)}")
    if min(gaps) <= 0:
        raise RuntimeError(f"non-positive dilation is not supported: {name} got {list(gaps)}")
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported: {name} got {groups}")
    front, behind = _padding(padding, space, w.shape[2:], steps, gaps)
    window = Window(steps, front, behind, gaps, int(groups))
    _check_channels(x.shape, w.shape, b, window, transposed, space)
    _check_dtypes(x, w, b)
    if not transposed:
        _check_extents(x.shape[-space:], w.shape[2:], window)
    return window


def _numbers(name: str, value: Any, space: int) -> Ints:
    """One number a spatial dimension."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return (int(value),) * space
    try:
        found = tuple(int(v.__index__()) for v in value)
    except (TypeError, AttributeError):
        raise TypeError(f"{name} must be an int or a tuple of {space} ints, but got {value!r}"
                        ) from None
    if len(found) == 1:
        return found * space
    if len(found) != space:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {space} values to match "
            f"the convolution dimensions, but got {name}={list(found)}")
    return found


def _padding(padding: Any, space: int, size: Ints, stride: Ints, dilation: Ints
             ) -> tuple[Ints, Ints]:
    """Zeros before and after, of the given number or to keep the extents."""
    if isinstance(padding, str):
        if padding == "valid":
            return (0,) * space, (0,) * space
        if padding != "same":
            raise RuntimeError(f"Invalid padding string: '{padding}'; it is 'same' or 'valid'")
        if max(stride) > 1:
            raise RuntimeError("padding='same' is not supported for strided convolutions: got "
                               f"stride {list(stride)}")
        total = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
        return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    both = _numbers("padding", padding, space)
    if min(both) < 0:
        raise RuntimeError(f"negative padding is not supported: got {list(both)}")
    return both, both


def _check_channels(x: Ints, w: Ints, b: Array | None, window: Window, transposed: bool,
                    space: int) -> None:
    groups, channels = window.groups, x[-space - 1]
    if w[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
            f"got weight of size {list(w)} instead")
    if w[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{list(w)}] instead")
    given = f"transposed={int(transposed)}" if transposed else f"groups={groups}"
    wanted = w[0] if transposed else w[1] * groups
    if channels != wanted:
        raise RuntimeError(
            f"Given {given}, weight of size {list(w)}, expected input{list(x)} to have {wanted} "
            f"channels, but got {channels} channels instead: channels are dimension "
            f"{len(x) - space - 1} of the input")
    out = w[1] * groups if transposed else w[0]
    if b is not None and b.shape != (out,):
        given = f"Given {given}, weight of size" if transposed else "Given weight of size"
        raise RuntimeError(
            f"{given} {list(w)}, expected bias to be 1-dimensional with {out} elements, but got "
            f"bias of size {list(b.shape)} instead")


def _refuse_bias(x: Array, b: Array) -> None:
    raise RuntimeError(
        f"Input type ({_CTYPES[title(x.dtype)]}) and bias type ({_CTYPES[title(b.dtype)]}) "
        "should be the same; convert one with .to(dtype)")


def _check_dtypes(x: Array, w: Array, b: Array | None) -> None:
    if x.dtype != w.dtype:
        if b is not None and b.dtype == w.dtype:
            _refuse_bias(x, b)
        raise RuntimeError(
            f"expected scalar type {title(x.dtype)} but found {title(w.dtype)}: input and weight "
            "must have one dtype; convert one with .to(dtype)")
    if b is not None and b.dtype != x.dtype:
        _refuse_bias(x, b)
    if x.dtype.kind == "b":
        raise NotImplementedError('"slow_conv2d_cpu" not implemented for \'Bool\'; convert the '
                                  "operands with .to(dtype)")


def _check_extents(space: Ints, size: Ints, window: Window) -> None:
    padded = [i + f + b for i, f, b in zip(space, window.front, window.behind, strict=True)]
    reach = [d * (k - 1) + 1 for d, k in zip(window.dilation, size, strict=True)]
    if any(r > i for r, i in zip(reach, padded, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel "
            f"size: ({' x '.join(map(str, reach))}). Kernel size can't be greater than actual "
            "input size: enlarge the input, or pad it with padding=")


def _transposed_space(x: Array, w: Array, window: Window, extra: Ints, space: int) -> Ints:
    """Spatial extents of a transposed convolution's output."""
    steps, gaps = window.stride, window.dilation
    if any(e >= s and e >= d for e, s, d in zip(extra, steps, gaps, strict=True)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding {list(extra)}, stride {list(steps)}, dilation {list(gaps)}")
    inner = x.shape[-space:]
    found = tuple((i - 1) * s - 2 * p + d * (k - 1) + e + 1 for i, s, p, d, k, e in zip(
        inner, steps, window.front, gaps, w.shape[2:], extra, strict=True))
    if min(found) <= 0:
        raise RuntimeError(
            f"Given input size per channel: ({' x '.join(map(str, inner))}). Calculated output "
            f"size per channel: ({' x '.join(map(str, found))}). Output size is too small")
    return found
