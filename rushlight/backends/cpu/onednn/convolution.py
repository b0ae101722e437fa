"""Convolution by oneDNN: forward, gradient of the input, gradient of weight and bias.

Arrays are (batch, channels, *space) in any strides; weights (out, in / groups, *window). A
transposed convolution is the input gradient of the convolution with the same weight, so these
three programs, each bilinear in its two arrays, serve it too.

oneDNN's fast kernels want channels innermost ("NHWC") and weights in blocks. Reordering in and out
costs a few passes over memory and brings 1.5 to 2 times the speed of its plain kernels, wherever
there are enough channels to fill a vector register.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_void_p
from math import prod

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.interface import (
    CONVOLUTION_DIRECT,
    FORWARD_TRAINING,
    Descriptor,
    dims,
    implementation,
    interface,
)
from rushlight.backends.cpu.onednn.layout import Layout, channels_last, contiguous
from rushlight.backends.cpu.onednn.parallel import nanoseconds, threads_for
from rushlight.backends.cpu.onednn.program import Builder, Program, attributes, queried
from rushlight.backends.host.convolution import Window

FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS = "forward", "backward_data", "backward_weights"
PLAIN, LAST, LIBRARY = "plain", "channels_last", "library"

def grouped(weight: Layout, groups: int) -> Layout:
    """A weight (out, in / groups, ...) as oneDNN has it: (groups, out / groups, ...)."""
    if groups == 1:
        return weight
    out = weight.shape[0] // groups
    return Layout((groups, out, *weight.shape[1:]), (weight.strides[0] * out, *weight.strides),
                  weight.kind)


def offered(layout: Layout, how: str) -> Descriptor:
    """The descriptor that a primitive is offered for an activation."""
    if how == LIBRARY:
        return Descriptor.any(layout.shape, layout.kind)
    strides = channels_last(layout.shape) if how == LAST else contiguous(layout.shape)
    return Descriptor.strided(layout.shape, strides, layout.kind)


def supports(kind: str) -> bool:
    """Whether oneDNN convolves this data type here."""
    return kind in ("float32", "bfloat16")


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
            out: np.ndarray) -> np.ndarray:
    """out = the convolution of `input` with `weight`, plus `bias` by channel.

    `out` is (batch, out channels, *space), of the input's data type; its contents are overwritten.
    """
    key = (FORWARD, input.shape, input.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program = cache.find(key)
    if program is None:
        layouts = Layout.of(input), Layout.of(weight), Layout.of(out)
        program = cache.build(key, lambda: _forward(*layouts, window, bias is not None))
    if bias is None:
        program.run(input, weight, out)
    else:
        program.run(input, weight, bias, out)
    return out


def backward_data(grad: np.ndarray, weight: np.ndarray, window: Window, out: np.ndarray
                  ) -> np.ndarray:
    """out = the gradient of the convolution's input, given the gradient of its output."""
    key = (BACKWARD_DATA, grad.shape, grad.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, grad.dtype)
    program = cache.find(key)
    if program is None:
        layouts = Layout.of(out), Layout.of(weight), Layout.of(grad)
        program = cache.build(key, lambda: _backward_data(*layouts, window))
    program.run(grad, weight, out)
    return out


def backward_weights(input: np.ndarray, grad: np.ndarray, window: Window, out: np.ndarray,
                     bias: np.ndarray | None = None) -> np.ndarray:
    """out = the gradient of the weight, and `bias`, where given, that of the bias."""
    key = (BACKWARD_WEIGHTS, input.shape, input.strides, grad.shape, grad.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program = cache.find(key)
    if program is None:
        layouts = Layout.of(input), Layout.of(out), Layout.of(grad)
        program = cache.build(key, lambda: _backward_weights(*layouts, window, bias is not None))
    if bias is None:
        program.run(input, grad, out)
    else:
        program.run(input, grad, out, bias)
    return out


class Problem:
    """One convolution's layouts while its program is being built."""

    def __init__(self, input: Layout, weight: Layout, output: Layout, window: Window) -> None:
        self.input, self.output, self.window = input, output, window
        self.weight = grouped(weight, window.groups)
        self.kind = input.kind
        self.flops = 2.0 * prod(output.shape) * prod(weight.shape[1:])
        self.geometry = (dims(window.stride), dims(d - 1 for d in window.dilation),
                         dims(window.front), dims(window.behind))

    def forward(self, how: str, bias: Descriptor | None) -> c_void_p:
        source, target = offered(self.input, how), offered(self.output, how)
        weights = Descriptor.any(self.weight.shape, self.kind)
        return interface().create(
            "dnnl_convolution_forward_primitive_desc_create", interface().engine,
            FORWARD_TRAINING, CONVOLUTION_DIRECT, source.handle, weights.handle,
            bias.handle if bias else None, target.handle, *self.geometry, attributes())

    def backward_data(self, how: str) -> c_void_p:
        hint = self.forward(how, None)
        source, target = offered(self.input, how), offered(self.output, how)
        weights = Descriptor.any(self.weight.shape, self.kind)
        try:
            return interface().create(
                "dnnl_convolution_backward_data_primitive_desc_create", interface().engine,
                CONVOLUTION_DIRECT, source.handle, weights.handle, target.handle,
                *self.geometry, hint, attributes())
        finally:
            interface().library.dnnl_primitive_desc_destroy(hint)

    def backward_weights(self, how: str, bias: Descriptor | None) -> c_void_p:
        hint = self.forward(how, bias)
        source, target = offered(self.input, how), offered(self.output, how)
        weights = Descriptor.any(self.weight.shape, self.kind)
        try:
            return interface().create(
                "dnnl_convolution_backward_weights_primitive_desc_create", interface().engine,
                CONVOLUTION_DIRECT, source.handle, weights.handle,
                bias.handle if bias else None, target.handle, *self.geometry, hint,
                attributes())
        finally:
            interface().library.dnnl_primitive_desc_destroy(hint)

    def is_channels_last(self) -> bool:
        """Whether the caller's activations have their channels innermost already."""
        return all(layout.strides == channels_last(layout.shape) != contiguous(layout.shape)
                   for layout in (self.input, self.output))

    def is_pointwise(self) -> bool:
        """Whether the window is one element that visits every place: a matrix product."""
        space = self.output.shape[2:]
        return prod(self.weight.shape[-len(space):]) == 1 and space == self.input.shape[2:]

    def bias(self, wanted: bool) -> Descriptor | None:
        return Descriptor.strided((self.output.shape[1],), (1,), self.kind) if wanted else None


def _best(problem: Problem, direction: str, make: Callable[[str], c_void_p]) -> c_void_p:
    """The primitive descriptor of the first layout that a fast implementation serves."""
    slow: c_void_p = c_void_p()
    for how in preference(problem, direction):
        descriptor = make(how)
        if not implementation(descriptor).startswith("ref"):
            return descriptor
        slow = descriptor
    return slow  # right, but by plain loops


def preference(problem: Problem, direction: str) -> tuple[str, ...]:
    """Layouts to try, the fastest first; as measured with plain arrays on AVX-512."""
    if problem.is_channels_last():
        return (LAST, LIBRARY, PLAIN)
    inputs = problem.input.shape[1] // problem.window.groups
    outputs = problem.output.shape[1] // problem.window.groups
    many = problem.window.groups > 1
    if problem.is_pointwise() and direction != BACKWARD_WEIGHTS and not many:
        return (PLAIN, LIBRARY, LAST)  # a matrix product as it stands
    if direction == FORWARD:
        strided_stem = inputs < 4 and max(problem.window.stride) > 1
        return (LAST, LIBRARY, PLAIN) if (outputs < 16 and not many) or strided_stem else (
            LIBRARY, LAST, PLAIN)
    if direction == BACKWARD_DATA:
        if outputs < 8 and inputs >= 16:
            return (LAST, LIBRARY, PLAIN)
        # With few input channels most of a register of 16 would be empty.
        return (PLAIN, LAST, LIBRARY) if inputs < 6 and not many else (LIBRARY, LAST, PLAIN)
    return (LAST, LIBRARY, PLAIN) if 4 <= inputs < 16 else (LIBRARY, LAST, PLAIN)


def _forward(input: Layout, weight: Layout, output: Layout, window: Window, bias: bool) -> Program:
    problem = Problem(input, weight, output, window)
    builder = Builder(threads_for(problem.flops))
    offset = problem.bias(bias)
    descriptor = _best(problem, FORWARD, lambda how: problem.forward(how, offset))
    x = builder.external(input.descriptor())
    w = builder.external(problem.weight.descriptor())
    arguments = {"bias": builder.external(offset)} if offset else {}
    y = builder.external(output.descriptor())
    result = builder.target(y, queried(descriptor, "dst"))
    arguments |= {"src": builder.laid_out(x, queried(descriptor, "src")),
                  "weights": builder.laid_out(w, queried(descriptor, "weights")),
                  "dst": result}
    builder.step(descriptor, arguments)
    builder.finish(result, y)
    return builder.build(nanoseconds(problem.flops))


def _backward_data(input: Layout, weight: Layout, output: Layout, window: Window) -> Program:
    problem = Problem(input, weight, output, window)
    builder = Builder(threads_for(problem.flops))
    descriptor = _best(problem, BACKWARD_DATA, problem.backward_data)
    dy = builder.external(output.descriptor())
    w = builder.external(problem.weight.descriptor())
    dx = builder.external(input.descriptor())
    result = builder.target(dx, queried(descriptor, "diff_src"))
    builder.step(descriptor, {
        "diff_dst": builder.laid_out(dy, queried(descriptor, "diff_dst")),
        "weights": builder.laid_out(w, queried(descriptor, "weights")),
        "diff_src": result})
    builder.finish(result, dx)
    return builder.build(nanoseconds(problem.flops))


def _backward_weights(input: Layout, weight: Layout, output: Layout, window: Window, bias: bool
                      ) -> Program:
    problem = Problem(input, weight, output, window)
    builder = Builder(threads_for(problem.flops))
    offset = problem.bias(bias)
    descriptor = _best(problem, BACKWARD_WEIGHTS,
                       lambda how: problem.backward_weights(how, offset))
    x = builder.external(input.descriptor())
    dy = builder.external(output.descriptor())
    dw = builder.external(problem.weight.descriptor())
    arguments = {"diff_bias": builder.external(offset)} if offset else {}
    result = builder.target(dw, queried(descriptor, "diff_weights"))
    arguments |= {"src": builder.laid_out(x, queried(descriptor, "src")),
                  "diff_dst": builder.laid_out(dy, queried(descriptor, "diff_dst")),
                  "diff_weights": result}
    builder.step(descriptor, arguments)
    builder.finish(result, dw)
    return builder.build(nanoseconds(problem.flops))
