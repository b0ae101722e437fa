"""Convolution by oneDNN: forward, gradient of the input, gradient of weight and bias.

Arrays are (batch, channels, *space) in any strides; weights (out, in / groups, *window). A
transposed convolution is the input gradient of the convolution with the same weight, so these
three programs, each bilinear in its two arrays, serve it too.

oneDNN's fast kernels want channels innermost ("NHWC") and weights in blocks. Reordering in and out
costs a few passes over memory and brings 1.5 to 2 times the speed of its plain kernels, wherever
there are enough channels to fill a vector register.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.interface import (
    CONVOLUTION_DIRECT,
    FORWARD_TRAINING,
    Descriptor,
    dims,
    interface,
)
from rushlight.backends.cpu.onednn.invoke import ALIGNMENT
from rushlight.backends.cpu.onednn.layout import Ints, Layout, channels_last, contiguous
from rushlight.backends.cpu.onednn.library import has_bfloat16
from rushlight.backends.cpu.onednn.parallel import cut, jobs_for, nanoseconds
from rushlight.backends.cpu.onednn.program import Builder, Primitive, Program, attributes
from rushlight.backends.host.convolution import Window
from rushlight.backends.kept_weights import Kept

FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS = "forward", "backward_data", "backward_weights"
FORWARD_KEPT, LAYOUT = "forward_kept", "layout"
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


def supports(kind: str) -> bool:
    """Whether oneDNN convolves this data type here."""
    return kind == "float32" or (kind == "bfloat16" and has_bfloat16())


def forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
            out: np.ndarray) -> np.ndarray:
    """out = the convolution of `input` with `weight`, plus `bias` by channel.

    `out` is (batch, out channels, *space), of the input's data type; its contents are overwritten.
    """
    key = (FORWARD, input.shape, input.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program = cache.find(key)
    if program is None:
        problem = Problem(Layout.of(input), Layout.of(weight), Layout.of(out), window,
                          bias is not None)
        program = cache.build(key, lambda: _forward(problem))
    if bias is None:
        program.run(input, weight, out)
    else:
        program.run(input, weight, bias, out)
    return out


def forward_kept(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, window: Window,
                 out: np.ndarray, kept: Kept) -> np.ndarray:
    """`forward` with the weight in the library's layout, made now or at an earlier call."""
    key = (FORWARD_KEPT, input.shape, input.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program, own = cache.find(key), kept.copies.get(key)
    if program is None or own is None:
        problem = Problem(Layout.of(input), Layout.of(weight), Layout.of(out), window,
                          bias is not None)
        program = program or cache.build(key, lambda: _forward(problem, kept=True))
        preparing = (LAYOUT, *key[1:])
        own = _laid_out(weight, cache.find(preparing) or cache.build(
            preparing, lambda: _layout(problem)))
        kept.add(key, own)
    if bias is None:
        program.run(input, own, out)
    else:
        program.run(input, own, bias, out)
    return out


def _laid_out(weight: np.ndarray, layout: Program) -> np.ndarray:
    """The bytes of the weight as `layout` lays it out."""
    size = max(slot.offset + slot.descriptor.size for slot in layout.slots if slot.array == 1)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    own = memory[start : start + size]
    layout.run(weight, own)
    return own


def backward_data(grad: np.ndarray, weight: np.ndarray, window: Window, out: np.ndarray
                  ) -> np.ndarray:
    """out = the gradient of the convolution's input, given the gradient of its output."""
    key = (BACKWARD_DATA, grad.shape, grad.strides, weight.shape, weight.strides, out.shape,
           out.strides, window, grad.dtype)
    program = cache.find(key)
    if program is None:
        problem = Problem(Layout.of(out), Layout.of(weight), Layout.of(grad), window, False)
        program = cache.build(key, lambda: _backward_data(problem))
    program.run(grad, weight, out)
    return out


def backward_weights(input: np.ndarray, grad: np.ndarray, window: Window, out: np.ndarray,
                     bias: np.ndarray | None = None) -> np.ndarray:
    """out = the gradient of the weight, and `bias`, where given, that of the bias."""
    key = (BACKWARD_WEIGHTS, input.shape, input.strides, grad.shape, grad.strides, out.shape,
           out.strides, window, bias is None, input.dtype)
    program = cache.find(key)
    if program is None:
        problem = Problem(Layout.of(input), Layout.of(out), Layout.of(grad), window,
                          bias is not None)
        program = cache.build(key, lambda: _backward_weights(problem))
    if bias is None:
        program.run(input, grad, out)
    else:
        program.run(input, grad, out, bias)
    return out


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


class Assembly:
    """The program of one problem in one direction, put together from its parts."""

    def __init__(self, problem: Problem, direction: str) -> None:
        self.problem, self.direction = problem, direction
        self.parts = problem.parts(direction)
        self.builder = Builder()
        self.size = np.dtype(np.float32).itemsize if problem.kind == "float32" else 2
        made: dict[tuple[Ints, Ints], Primitive] = {}
        self.primitives = []
        for part in self.parts:
            key = part.problem.input.shape, part.problem.output.shape
            if key not in made:
                made[key] = part.problem.primitive(direction)
            self.primitives.append(made[key])

    def shared(self, slot: int, name: str) -> list[int]:
        """An array that all jobs read whole, laid out for each: once for every layout wanted."""
        found: list[tuple[Descriptor | None, int]] = []
        slots = []
        for primitive in self.primitives:
            wanted = primitive.wanted(name)
            known = [s for d, s in found if d == wanted]
            if not known:
                found.append((wanted, self.builder.laid_out(slot, wanted)))
            slots.append(known[0] if known else found[-1][1])
        return slots

    def part(self, slot: int, descriptor: Descriptor, offset: int) -> int:
        return self.builder.part(slot, descriptor, offset * self.size)

    def source(self, slot: int, shared: list[int] | None, j: int, name: str, layout: Layout,
               offset: int) -> int:
        """What job `j` reads for an argument: what is shared, or its own part laid out."""
        if shared is not None:
            return shared[j]
        own = self.part(slot, layout.descriptor(), offset)
        return self.builder.laid_out(own, self.primitives[j].wanted(name))

    def build(self) -> Program:
        return self.builder.build(nanoseconds(self.problem.flops))


def _places(a: Assembly) -> list[tuple[int, Descriptor, Part]]:
    """For each job: where its weights are kept, in which layout, and which part they are."""
    places: list[tuple[int, Descriptor, Part]] = []
    end = 0
    for part, primitive in zip(a.parts, a.primitives, strict=True):
        wanted = primitive.wanted("weights")
        assert wanted is not None
        known = [at for at, layout, other in places if layout == wanted
                 and (other.weight, other.problem.weight) == (part.weight, part.problem.weight)]
        places.append((known[0] if known else end, wanted, part))
        if not known:
            end += -(-wanted.size // ALIGNMENT) * ALIGNMENT
    return places


def _layout(problem: Problem) -> Program:
    """Lay the weights out for `_forward` with `kept`: arrays are the weight and the copy."""
    a = Assembly(problem, FORWARD)
    b = a.builder
    w, own = (b.external(problem.weight_descriptor()) for _ in range(2))
    for at, wanted, part in {place[0]: place for place in _places(a)}.values():
        b.job()
        source = a.part(w, part.problem.weight_descriptor(), part.weight)
        b.reorder(source, b.part(own, wanted.clone(), at))
    return a.build()


def _forward(problem: Problem, kept: bool = False) -> Program:
    a = Assembly(problem, FORWARD)
    b = a.builder
    x, w = b.external(problem.input.descriptor()), b.external(problem.weight_descriptor())
    offset = problem.bias_descriptor()
    bias = b.external(offset) if offset else None
    y = b.external(problem.output.descriptor())
    by_samples = len(a.parts) == 1 or a.parts[0].problem.weight == problem.weight
    weights = a.shared(w, "weights") if by_samples and not kept else None
    if kept:
        weights = [b.part(w, wanted.clone(), at) for at, wanted, _ in _places(a)]
    inputs = None if by_samples else a.shared(x, "src")
    b.phase()
    for j, (part, primitive) in enumerate(zip(a.parts, a.primitives, strict=True)):
        b.job()
        own = part.problem
        out = a.part(y, own.output.descriptor(), part.output)
        result = b.target(out, primitive.wanted("dst"))
        arguments: dict[str | int, int] = {
            "src": a.source(x, inputs, j, "src", own.input, part.input),
            "weights": a.source(w, weights, j, "weights", own.weight, part.weight), "dst": result}
        offset = own.bias_descriptor()
        if bias is not None and offset is not None:
            arguments["bias"] = a.part(bias, offset, part.bias)
        b.step(primitive, arguments)
        b.finish(result, out)
    return a.build()


def _backward_data(problem: Problem) -> Program:
    a = Assembly(problem, BACKWARD_DATA)
    b = a.builder
    dy, w = b.external(problem.output.descriptor()), b.external(problem.weight_descriptor())
    dx = b.external(problem.input.descriptor())
    by_samples = len(a.parts) == 1 or a.parts[0].problem.weight == problem.weight
    weights = a.shared(w, "weights") if by_samples else None
    grads = None if by_samples else a.shared(dy, "diff_dst")
    b.phase()
    for j, (part, primitive) in enumerate(zip(a.parts, a.primitives, strict=True)):
        b.job()
        own = part.problem
        out = a.part(dx, own.input.descriptor(), part.input)
        result = b.target(out, primitive.wanted("diff_src"))
        b.step(primitive, {
            "diff_dst": a.source(dy, grads, j, "diff_dst", own.output, part.output),
            "weights": a.source(w, weights, j, "weights", own.weight, part.weight),
            "diff_src": result})
        b.finish(result, out)
    return a.build()


def _backward_weights(problem: Problem) -> Program:
    a = Assembly(problem, BACKWARD_WEIGHTS)
    b = a.builder
    x, dy = b.external(problem.input.descriptor()), b.external(problem.output.descriptor())
    dw = b.external(problem.weight_descriptor())
    offset = problem.bias_descriptor()
    db = b.external(offset) if offset else None
    adding = len(a.parts) > 1 and a.parts[0].problem.weight == problem.weight
    by_channels = len(a.parts) > 1 and not adding
    inputs = a.shared(x, "src") if by_channels else None
    weights, biases = [], []
    b.phase()
    for j, (part, primitive) in enumerate(zip(a.parts, a.primitives, strict=True)):
        b.job()
        own = part.problem
        offset = own.bias_descriptor()
        if adding:
            out = b.temporary(problem.weight_descriptor())
        else:
            out = a.part(dw, own.weight_descriptor(), part.weight)
        result = b.target(out, primitive.wanted("diff_weights"))
        arguments: dict[str | int, int] = {
            "src": a.source(x, inputs, j, "src", own.input, part.input),
            "diff_dst": a.source(dy, None, j, "diff_dst", own.output, part.output),
            "diff_weights": result}
        if db is not None and offset is not None:
            biases.append(b.temporary(offset) if adding else a.part(db, offset, part.bias))
            arguments["diff_bias"] = biases[-1]
        b.step(primitive, arguments)
        b.finish(result, out)
        weights.append(out)
    if adding:
        b.phase()
        b.add_up(weights, dw)
        if db is not None:
            b.add_up(biases, db)
    return a.build()
