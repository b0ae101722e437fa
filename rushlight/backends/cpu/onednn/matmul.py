"""Matrix products by oneDNN: operands in any strides, leading dimensions broadcast, bias fused."""

from __future__ import annotations

from math import prod

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.interface import Descriptor, interface
from rushlight.backends.cpu.onednn.layout import Ints, Layout, contiguous
from rushlight.backends.cpu.onednn.library import has_bfloat16
from rushlight.backends.cpu.onednn.parallel import MANY_CORES, cut, jobs_for, nanoseconds
from rushlight.backends.cpu.onednn.program import Builder, Primitive, Program, attributes

NARROW = 128  # rows or columns of a job, where there are many
NARROWEST = {-2: 32, -1: 96}  # and where there are few: each job packs the other operand for itself
FEW_ROWS = 16  # below, oneDNN's kernels for transposed operands are quicker than copies of them
COLUMNS = 32  # in a job at least, so that there are two: it takes those kernels for parts only
FEW = 4  # jobs for which parts may be as narrow as that
BLOCK = 16
ENOUGH = 16  # jobs for which it is enough to cut one dimension
TILES = ((128, 32), (64, ENOUGH))  # rows and columns at least, and jobs at most, where both are cut
MAX_DIMS = 6  # of oneDNN's fast matrix products


def supports(kind: str) -> bool:
    """Whether oneDNN multiplies matrices of this data type here."""
    return kind == "float32" or (kind == "bfloat16" and has_bfloat16())


def matmul(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None, out: np.ndarray) -> np.ndarray:
    """out = a @ b, plus `bias` along the last dimension.

    `a` is (*batch, rows, inner), `b` (*batch, inner, columns), of as many dimensions; a batch
    dimension of 1 is repeated. `out` is (*batch, rows, columns), `bias` (columns,), contiguous.
    """
    key = (a.shape, a.strides, b.shape, b.strides, out.strides, bias is None, a.dtype)
    program = cache.find(key)
    if program is None:
        layouts = Layout.of(a), Layout.of(b), Layout.of(out)
        program = cache.build(key, lambda: _program(*layouts, bias is not None))
    if bias is None:
        program.run(a, b, out)
    else:
        program.run(a, b, bias, out)
    return out


def _program(a: Layout, b: Layout, out: Layout, with_bias: bool) -> Program:
    flops = 2.0 * prod(out.shape) * a.shape[-1]
    wanted = jobs(out.shape, flops)
    if len(wanted) == 1 and out.shape[-2] < FEW_ROWS and b.strides[-2] == 1:
        columns = out.shape[-1]
        wanted = along(len(out.shape) - 1, cut(columns, min(2, columns // COLUMNS), BLOCK))
    # With a transposed `b` the library is quick only where it writes rows without gaps.
    aside = (len(wanted) > 1 and any(axis == len(out.shape) - 1 for axis, *_ in wanted[0])
             and b.strides[-2] == 1 and out.shape[-2] >= FEW_ROWS)
    builder = Builder()
    size = 4 if a.kind == "float32" else 2
    whole = [builder.external(layout.descriptor()) for layout in (a, b)]
    bias = builder.external(row(out.shape, a.kind)) if with_bias else None
    whole.append(builder.external(out.descriptor()))
    made: dict[Ints, Primitive] = {}
    for ranges in wanted:
        builder.job()
        parts = [part(layout, ranges, operand) for operand, layout in enumerate((a, b, out))]
        slots = [builder.part(slot, layout.descriptor(), offset * size)
                 for slot, (layout, offset) in zip(whole, parts, strict=True)]
        arguments: dict[str | int, int] = dict(zip(("src", "weights", "dst"), slots, strict=True))
        bias_part = row(parts[2][0].shape, a.kind)
        if bias is not None:
            at = size * sum(first for axis, first, _ in ranges if axis == len(out.shape) - 1)
            arguments["bias"] = builder.part(bias, bias_part, at)
        target = slots[2]
        if aside:
            dense = parts[2][0]._replace(strides=contiguous(parts[2][0].shape))
            slots[2] = arguments["dst"] = builder.temporary(dense.descriptor())
        shape = parts[2][0].shape
        if shape not in made:
            descriptors = [builder.slots[slot].descriptor.handle for slot in slots]
            made[shape] = Primitive(
                "dnnl_matmul_primitive_desc_create", interface().engine, *descriptors[:2],
                bias_part.handle if with_bias else None, descriptors[2], attributes())
        builder.step(made[shape], arguments)
        builder.finish(slots[2], target)
    return builder.build(nanoseconds(flops))


Ranges = tuple[tuple[int, int, int], ...]  # dimension, from, to


def jobs(shape: Ints, flops: float) -> list[Ranges]:
    """How the result is cut: along the batch, else into rows, columns, or tiles of both."""
    wanted = jobs_for(flops)
    for axis in range(len(shape) - 2):
        if shape[axis] >= min(wanted, 4):
            return along(axis, cut(shape[axis], wanted))
    pieces = {axis: max(1, extent // NARROW, min(FEW, extent // NARROWEST[axis]))
              for axis, extent in ((-2, shape[-2]), (-1, shape[-1]))}
    best = max(pieces, key=lambda axis: min(wanted, pieces[axis]))
    rows, columns = len(shape) - 2, len(shape) - 1
    if MANY_CORES and pieces[best] < min(wanted, ENOUGH):
        down, over = max((tiles(shape[-2] // size, shape[-1] // size, min(wanted, most))
                          for size, most in TILES), key=prod)
        if down * over > pieces[best]:
            return [high + wide for high in along(rows, cut(shape[-2], down, BLOCK))
                    for wide in along(columns, cut(shape[-1], over, BLOCK))]
    return along(len(shape) + best, cut(shape[best], min(wanted, pieces[best]), BLOCK))


def tiles(rows: int, columns: int, wanted: int) -> tuple[int, int]:
    """Parts of the rows and the columns, at most so many: as many tiles as wanted, as square."""
    if rows < 2 or columns < 2:
        return 1, 1
    every = [(i, min(columns, wanted // i)) for i in range(1, min(rows, wanted) + 1)]
    return max(every, key=lambda grid: (
        grid[0] * grid[1], -abs(rows / grid[0] - columns / grid[1])))


def along(axis: int, ranges: list[tuple[int, int]]) -> list[Ranges]:
    """One job for each range of a dimension."""
    return [((axis, first, last),) for first, last in ranges]


def part(layout: Layout, ranges: Ranges, operand: int) -> tuple[Layout, int]:
    """A job's part of an operand (0: a, 1: b, 2: the result), and where it begins."""
    ndim, start = len(layout.shape), 0
    for axis, first, last in ranges:
        seen = axis < ndim - 2 or operand == 2 or axis == ndim - 2 + operand
        if seen and layout.shape[axis] != 1:  # else read whole: another's dimension, or repeated
            layout, distance = layout.part(axis, first, last)
            start += distance
    return layout, start


def row(shape: Ints, kind: str) -> Descriptor:
    """The layout of a bias, (columns,), as a row of a result of `shape`."""
    extents = (*[1] * (len(shape) - 1), shape[-1])
    return Descriptor.strided(extents, (*[shape[-1]] * (len(shape) - 1), 1), kind)
