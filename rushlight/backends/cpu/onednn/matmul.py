"""Matrix products by oneDNN: operands in any strides, leading dimensions broadcast, bias fused."""

from __future__ import annotations

from math import prod

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.interface import Descriptor, interface
from rushlight.backends.cpu.onednn.layout import Ints, Layout, contiguous
from rushlight.backends.cpu.onednn.library import has_bfloat16
from rushlight.backends.cpu.onednn.parallel import cut, jobs_for, nanoseconds
from rushlight.backends.cpu.onednn.program import Builder, Primitive, Program, attributes

NARROW = 128  # rows or columns of a job, where there are many
NARROWEST = {-2: 32, -1: 96}  # and where there are few: each job packs the other operand for itself
FEW_ROWS = 16  # below, oneDNN's kernels for transposed operands are quicker than copies of them
COLUMNS = 32  # in a job at least, so that there are two: it takes those kernels for parts only
FEW = 4  # jobs for which parts may be as narrow as that
BLOCK = 16
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
    axis, ranges = jobs(out.shape, flops)
    if len(ranges) == 1 and out.shape[-2] < FEW_ROWS and b.strides[-2] == 1:
        axis, columns = len(out.shape) - 1, out.shape[-1]
        ranges = cut(columns, min(2, columns // COLUMNS), BLOCK)
    # With a transposed `b` the library is quick only where it writes rows without gaps.
    aside = (len(ranges) > 1 and axis == len(out.shape) - 1 and b.strides[-2] == 1
             and out.shape[-2] >= FEW_ROWS)
    builder = Builder()
    size = 4 if a.kind == "float32" else 2
    whole = [builder.external(layout.descriptor()) for layout in (a, b)]
    bias = builder.external(row(out.shape, a.kind)) if with_bias else None
    whole.append(builder.external(out.descriptor()))
    made: dict[int, Primitive] = {}
    for first, last in ranges:
        builder.job()
        parts = [part(layout, axis, first, last, operand)
                 for operand, layout in enumerate((a, b, out))]
        slots = [builder.part(slot, layout.descriptor(), offset * size)
                 for slot, (layout, offset) in zip(whole, parts, strict=True)]
        arguments: dict[str | int, int] = dict(zip(("src", "weights", "dst"), slots, strict=True))
        bias_part = row(parts[2][0].shape, a.kind)
        if bias is not None:
            at = first * size if axis == len(out.shape) - 1 else 0
            arguments["bias"] = builder.part(bias, bias_part, at)
        target = slots[2]
        if aside:
            dense = parts[2][0]._replace(strides=contiguous(parts[2][0].shape))
            slots[2] = arguments["dst"] = builder.temporary(dense.descriptor())
        if last - first not in made:
            descriptors = [builder.slots[slot].descriptor.handle for slot in slots]
            made[last - first] = Primitive(
                "dnnl_matmul_primitive_desc_create", interface().engine, *descriptors[:2],
                bias_part.handle if with_bias else None, descriptors[2], attributes())
        builder.step(made[last - first], arguments)
        builder.finish(slots[2], target)
    return builder.build(nanoseconds(flops))


def jobs(shape: Ints, flops: float) -> tuple[int, list[tuple[int, int]]]:
    """The dimension of the result that is cut, and the ranges: the batch, else rows or columns."""
    wanted = jobs_for(flops)
    for axis in range(len(shape) - 2):
        if shape[axis] >= min(wanted, 4):
            return axis, cut(shape[axis], wanted)
    pieces = {axis: max(1, extent // NARROW, min(FEW, extent // NARROWEST[axis]))
              for axis, extent in ((-2, shape[-2]), (-1, shape[-1]))}
    best = max(pieces, key=lambda axis: min(wanted, pieces[axis]))
    return len(shape) + best, cut(shape[best], min(wanted, pieces[best]), BLOCK)


def part(layout: Layout, axis: int, first: int, last: int, operand: int) -> tuple[Layout, int]:
    """A job's part of an operand (0: a, 1: b, 2: the result), and where it begins."""
    ndim = len(layout.shape)
    seen = axis < ndim - 2 or operand == 2 or axis == ndim - 2 + operand
    if not seen or layout.shape[axis] == 1:  # read whole: not along this dimension, or repeated
        return layout, 0
    return layout.part(axis, first, last)


def row(shape: Ints, kind: str) -> Descriptor:
    """The layout of a bias, (columns,), as a row of a result of `shape`."""
    extents = (*[1] * (len(shape) - 1), shape[-1])
    return Descriptor.strided(extents, (*[shape[-1]] * (len(shape) - 1), 1), kind)
