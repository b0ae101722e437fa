"""The programs of a convolution for oneDNN: forward and the gradients, as jobs of steps."""

from __future__ import annotations

import numpy as np

from rushlight.backends.cpu.onednn.convolution_problem import (
    BACKWARD_DATA,
    BACKWARD_WEIGHTS,
    FORWARD,
    Part,
    Problem,
)
from rushlight.backends.cpu.onednn.interface import Descriptor
from rushlight.backends.cpu.onednn.invoke import ALIGNMENT
from rushlight.backends.cpu.onednn.layout import Ints, Layout
from rushlight.backends.cpu.onednn.parallel import nanoseconds
from rushlight.backends.cpu.onednn.program import Builder, Primitive, Program


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


def weight_layout(problem: Problem) -> Program:
    """Lay the weights out for `forward` with `kept`: arrays are the weight and the copy."""
    a = Assembly(problem, FORWARD)
    b = a.builder
    w, own = (b.external(problem.weight_descriptor()) for _ in range(2))
    for at, wanted, part in {place[0]: place for place in _places(a)}.values():
        b.job()
        source = a.part(w, part.problem.weight_descriptor(), part.weight)
        b.reorder(source, b.part(own, wanted.clone(), at))
    return a.build()


def forward(problem: Problem, kept: bool = False) -> Program:
    """Run on input, weight, bias if there is one, and output; `kept`: weights as `weight_layout`
    lays them out."""
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


def backward_data(problem: Problem) -> Program:
    """Run on the output's gradient, the weight, and the input's gradient."""
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


def backward_weights(problem: Problem) -> Program:
    """Run on input, the output's gradient, the weight's, and the bias's if there is one."""
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
