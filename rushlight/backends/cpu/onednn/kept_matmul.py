"""Products with a matrix that lies in oneDNN's own layout, kept from call to call.

Without it, each job of a product packs its part of a transposed matrix anew: for 16 to 500 rows
that takes a tenth to a third of the time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.interface import Descriptor, interface
from rushlight.backends.cpu.onednn.invoke import ALIGNMENT
from rushlight.backends.cpu.onednn.layout import Ints, Layout
from rushlight.backends.cpu.onednn.matmul import jobs, part, row
from rushlight.backends.cpu.onednn.parallel import nanoseconds
from rushlight.backends.cpu.onednn.program import Builder, Primitive, Program, attributes
from rushlight.backends.kept_weights import Kept

KEPT, LAYOUT = "matmul_kept", "matmul_layout"
COLUMNS = 1  # the dimension
MATRIX = 1  # the number of the kept matrix among a program's arrays


class _Job(NamedTuple):
    """A job's primitive, its parts of the operands, and where its matrix is kept, in bytes."""

    primitive: Primitive
    parts: list[tuple[Layout, int]]  # of a, b, out, and where they begin, in elements
    first: int  # column
    place: int


def matmul(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None, out: np.ndarray, kept: Kept
           ) -> np.ndarray:
    """out = a @ b + bias for matrices, with `b` as laid out now or at an earlier call.

    `a` is (rows, inner), `b` (inner, columns), `out` (rows, columns), `bias` (columns,) without
    gaps.
    """
    key = (KEPT, a.shape, a.strides, b.shape, b.strides, out.strides, bias is None, a.dtype)
    program, own = cache.find(key), kept.copies.get(key)
    if program is None or own is None:
        layouts = Layout.of(a), Layout.of(b), Layout.of(out)
        # Worked out for a shape once, not whenever its matrix has changed.
        made = functools.cache(lambda: _jobs(*layouts, bias is not None))
        program = program or cache.build(key, lambda: _program(*layouts, bias is not None, made()))
        own = own if own is not None else _copy(key, b, program, made, kept)
        kept.add(key, own)
    if bias is None:
        program.run(a, own, out)
    else:
        program.run(a, own, bias, out)
    return out


def _jobs(a: Layout, b: Layout, out: Layout, with_bias: bool) -> list[_Job]:
    primitives: dict[Ints, Primitive] = {}
    made: list[_Job] = []
    end = 0
    for ranges in jobs(out.shape, _flops(a, out)):
        parts = [part(x, ranges, operand) for operand, x in enumerate((a, b, out))]
        shapes = [layout.descriptor() for layout, _ in parts]
        shapes[1] = Descriptor.any(parts[1][0].shape, b.kind)
        bias = row(parts[2][0].shape, b.kind)
        shape = parts[2][0].shape
        primitive = primitives.get(shape)
        if primitive is None:
            primitive = primitives[shape] = Primitive(
                "dnnl_matmul_primitive_desc_create", interface().engine, shapes[0].handle,
                shapes[1].handle, bias.handle if with_bias else None, shapes[2].handle,
                attributes())
        wanted = _wanted(primitive)
        known = [job.place for job in made
                 if job.parts[1] == parts[1] and _wanted(job.primitive) == wanted]
        place = known[0] if known else end
        column = sum(first for axis, first, _ in ranges if axis == COLUMNS)
        made.append(_Job(primitive, parts, column, place))
        if not known:
            end += -(-wanted.size // ALIGNMENT) * ALIGNMENT
    return made


def _flops(a: Layout, out: Layout) -> float:
    return 2.0 * prod(out.shape) * a.shape[-1]


def _wanted(primitive: Primitive) -> Descriptor:
    wanted = primitive.wanted("weights")
    assert wanted is not None  # a product has a second operand
    return wanted


def _program(a: Layout, b: Layout, out: Layout, with_bias: bool, made: list[_Job]) -> Program:
    """Run on a, the kept matrix, the bias if there is one, and out."""
    builder = Builder()
    whole = [builder.external(layout.descriptor()) for layout in (a, b)]
    bias = builder.external(row(out.shape, a.kind)) if with_bias else None
    target = builder.external(out.descriptor())
    size = np.dtype(np.float32).itemsize if a.kind == "float32" else 2
    for job in made:
        builder.job()
        (source, start), _, (result, to) = job.parts
        arguments: dict[str | int, int] = {
            "src": builder.part(whole[0], source.descriptor(), start * size),
            "weights": builder.part(whole[1], _wanted(job.primitive).clone(), job.place),
            "dst": builder.part(target, result.descriptor(), to * size)}
        if bias is not None:
            arguments["bias"] = builder.part(bias, row(result.shape, a.kind), job.first * size)
        builder.step(job.primitive, arguments)
    return builder.build(nanoseconds(_flops(a, out)))


def _copy(key: tuple[Any, ...], b: np.ndarray, program: Program,
          made: Callable[[], list[_Job]], kept: Kept) -> np.ndarray:
    """The matrix as `program` reads it: another call's, where that wants it just so."""
    for other, copy in list(kept.copies.items()):
        known = cache.find(other)
        if known is not None and _places(known) == _places(program):
            return copy
    preparing = (LAYOUT, *key[1:])
    layout = cache.find(preparing) or cache.build(preparing, lambda: _layout(Layout.of(b), made()))
    size = max(at + descriptor.size for at, descriptor in _places(program))
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    own = memory[start : start + size]
    layout.run(b, own)
    return own


def _places(program: Program) -> list[tuple[int, Descriptor]]:
    """Where parts of the kept matrix begin, and their layouts; the first slot is the whole."""
    slots = [slot for slot in program.slots if slot.array == MATRIX][1:]
    return [(slot.offset, slot.descriptor) for slot in slots]


def _layout(b: Layout, made: list[_Job]) -> Program:
    """Run on the matrix and its copy."""
    builder = Builder()
    matrix, own = (builder.external(b.descriptor()) for _ in range(2))
    size = np.dtype(np.float32).itemsize if b.kind == "float32" else 2
    for job in {job.place: job for job in made}.values():
        builder.job()
        layout, start = job.parts[1]
        builder.reorder(builder.part(matrix, layout.descriptor(), start * size),
                        builder.part(own, _wanted(job.primitive).clone(), job.place))
    return builder.build(nanoseconds(2.0 * prod(b.shape)))
