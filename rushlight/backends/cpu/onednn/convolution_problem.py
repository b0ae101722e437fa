"""One convolution for oneDNN: its layouts, its cut into jobs, and the primitives that serve it.

oneDNN's fast kernels want channels innermost ("NHWC") and weights in blocks. Reordering in and out
costs a few passes over memory and brings 1.5 to 2 times the speed of its plain kernels, wherever
there are enough channels to fill a vector register.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from rushlight.backends.cpu.onednn.interface import (
    CONVOLUTION_DIRECT,
    FORWARD_TRAINING,
    Descriptor,
    dims,
    interface,
)
from rushlight.backends.cpu.onednn.layout import Layout, channels_last, contiguous
from rushlight.backends.cpu.onednn.parallel import cut, jobs_for
from rushlight.backends.cpu.onednn.program import Primitive, attributes
from rushlight.backends.host.convolution import Window

FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS = "forward", "backward_data", "backward_weights"
PLAIN, LAST, LIBRARY = "plain", "channels_last", "library"
BLOCK = 16  # channels: an AVX-512 register, and the unit that the library lays them out in
FEW = 1 << 20  # activations that stay in the cache while their layout is changed


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


class Problem:
    """One convolution, or one job's part of it, while its program is being built."""

    def __init__(self, input: Layout, weight: Layout, output: Layout, window: Window,
                 bias: bool) -> None:
        self.input, self.weight, self.output = input, weight, output
        self.window, self.bias, self.kind = window, bias, input.kind
        self.flops = 2.0 * prod(output.shape) * prod(weight.shape[1:])
        self.geometry = (dims(window.stride), dims(d - 1 for d in window.dilation),
                         dims(window.front), dims(window.behind))

    def primitive(self, direction: str) -> Primitive:
        """The primitive of the first layout that a fast implementation serves."""
        best: tuple[int, Primitive] | None = None
        for how in preference(self, direction):
            primitive: Primitive = getattr(self, direction)(how)
            rank = self.rank(primitive.implementation)
            if best is None or rank < best[0]:
                best = rank, primitive
            if not rank:
                break
        assert best is not None
        return best[1]

    def rank(self, implementation: str) -> int:
        """0 for a fast one; by groups, products of tiny matrices are slow; 2 for plain loops."""
        if implementation.startswith("ref"):
            return 2
        return int(self.window.groups > 1 and "gemm" in implementation)

    def forward(self, how: str) -> Primitive:
        source, weights, offset, target = self._offered(how)
        return Primitive(
            "dnnl_convolution_forward_primitive_desc_create", interface().engine,
            FORWARD_TRAINING, CONVOLUTION_DIRECT, source.handle, weights.handle,
            offset.handle if offset else None, target.handle, *self.geometry, attributes())

    def backward_data(self, how: str) -> Primitive:
        source, weights, _, target = self._offered(how)
        hint = self.forward(how)
        return Primitive(
            "dnnl_convolution_backward_data_primitive_desc_create", interface().engine,
            CONVOLUTION_DIRECT, source.handle, weights.handle, target.handle, *self.geometry,
            hint.descriptor, attributes())

    def backward_weights(self, how: str) -> Primitive:
        source, weights, offset, target = self._offered(how)
        hint = self.forward(how)
        return Primitive(
            "dnnl_convolution_backward_weights_primitive_desc_create", interface().engine,
            CONVOLUTION_DIRECT, source.handle, weights.handle, offset.handle if offset else None,
            target.handle, *self.geometry, hint.descriptor, attributes())

    def _offered(self, how: str) -> tuple[Descriptor, Descriptor, Descriptor | None, Descriptor]:
        """Descriptors of input, weight, bias and output to make a primitive from."""
        weights = Descriptor.any(grouped(self.weight, self.window.groups).shape, self.kind)
        return (offered(self.input, how), weights, self.bias_descriptor(),
                offered(self.output, how))

    def weight_descriptor(self) -> Descriptor:
        return grouped(self.weight, self.window.groups).descriptor()

    def bias_descriptor(self) -> Descriptor | None:
        if not self.bias:
            return None
        return Descriptor.strided((self.output.shape[1],), (1,), self.kind)

    def is_channels_last(self) -> bool:
        """Whether the caller's activations have their channels innermost already."""
        return all(layout.strides == channels_last(layout.shape) != contiguous(layout.shape)
                   for layout in (self.input, self.output))

    def is_pointwise(self) -> bool:
        """Whether the window is one element that visits every place: a matrix product."""
        return prod(self.weight.shape[2:]) == 1 and self.output.shape[2:] == self.input.shape[2:]

    def samples(self, first: int, last: int) -> Part:
        """The job of some samples."""
        (x, at_x), (y, at_y) = self.input.part(0, first, last), self.output.part(0, first, last)
        return Part(Problem(x, self.weight, y, self.window, self.bias), at_x, 0, 0, at_y)

    def out_channels(self, first: int, last: int) -> Part:
        """The job of some output channels."""
        (w, at_w), (y, at_y) = self.weight.part(0, first, last), self.output.part(1, first, last)
        return Part(Problem(self.input, w, y, self.window, self.bias), 0, at_w, first, at_y)

    def in_channels(self, first: int, last: int) -> Part:
        """The job of some input channels."""
        (x, at_x), (w, at_w) = self.input.part(1, first, last), self.weight.part(1, first, last)
        return Part(Problem(x, w, self.output, self.window, self.bias), at_x, at_w, 0, 0)

    def parts(self, direction: str) -> list[Part]:
        """The jobs: by samples if there are enough of them, else by channels."""
        jobs, batch = jobs_for(self.flops), self.input.shape[0]
        axis = 1 if direction == BACKWARD_DATA else 0
        channels, by_channel = self.weight.shape[axis], self.out_channels
        if axis:
            by_channel = self.in_channels
        weights = prod(self.weight.shape)
        data = prod(self.input.shape) + prod(self.output.shape)
        by_samples = batch >= min(jobs, 4)
        if direction == BACKWARD_WEIGHTS:
            # Each job has a gradient of its own to be added up: not worth it for large weights.
            jobs = min(jobs, 8)
            by_samples = by_samples and jobs * weights < data / 4
            if self.window.groups > 1 and not by_samples:
                jobs = 1
        elif weights > data / 2:  # every job by samples would read all the weights
            by_samples, jobs = False, min(jobs, channels // (2 * BLOCK))
        if self.window.groups > 1 or by_samples or channels < 2 * BLOCK:
            return [self.samples(*range_) for range_ in cut(batch, jobs)]
        return [by_channel(*range_) for range_ in cut(channels, jobs, BLOCK)]


class Part(NamedTuple):
    """A job's problem, and where it begins in each array, in elements."""

    problem: Problem
    input: int
    weight: int
    bias: int
    output: int


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
        strided_stem = 1 < inputs < 4 and max(problem.window.stride) > 1
        volumes = len(problem.input.shape) == 5
        return (LAST, LIBRARY, PLAIN) if not many and (
            outputs < 16 or strided_stem or volumes) else (LIBRARY, LAST, PLAIN)
    if direction == BACKWARD_DATA:
        if outputs < 8 and inputs >= 16:
            return (LAST, LIBRARY, PLAIN)
        # With few input channels most of a register of 16 would be empty.
        return (PLAIN, LAST, LIBRARY) if inputs < 6 and not many else (LIBRARY, LAST, PLAIN)
    few = (max(problem.window.stride) == 1 and not many
           and prod(problem.input.shape) + prod(problem.output.shape) <= FEW)
    return (LAST, LIBRARY, PLAIN) if inputs >= 4 and (inputs < 16 or few) else (
        LIBRARY, LAST, PLAIN)
