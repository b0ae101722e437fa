"""Matrix products by oneDNN: operands in any strides, leading dimensions broadcast, bias fused."""

from __future__ import annotations

from math import prod

import numpy as np

from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.interface import interface
from rushlight.backends.cpu.onednn.layout import Layout
from rushlight.backends.cpu.onednn.parallel import nanoseconds, threads_for
from rushlight.backends.cpu.onednn.program import Builder, Program, attributes

MAX_DIMS = 6  # of oneDNN's fast matrix products


def supports(kind: str) -> bool:
    """Whether oneDNN multiplies matrices of this data type here."""
    return kind in ("float32", "bfloat16")


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
    builder = Builder(threads_for(flops))
    left, right, result = a.descriptor(), b.descriptor(), out.descriptor()
    row = (*[1] * (len(out.shape) - 1), out.shape[-1])
    offset = Layout(row, (*[out.shape[-1]] * (len(row) - 1), 1), a.kind).descriptor()
    descriptor = interface().create(
        "dnnl_matmul_primitive_desc_create", interface().engine, left.handle, right.handle,
        offset.handle if with_bias else None, result.handle, attributes())
    arguments = {"src": builder.external(left), "weights": builder.external(right)}
    if with_bias:
        arguments["bias"] = builder.external(offset)
    arguments["dst"] = builder.external(result)
    builder.step(descriptor, arguments)
    return builder.build(nanoseconds(flops))
