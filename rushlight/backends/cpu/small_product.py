"""Products with a matrix that many small ones are multiplied by, as LLVM IR.

The right operand is packed once into panels of `width` columns that lie together; a tile of rows
by one panel stays in registers while the inner dimension runs. Every element of the result is
summed in the same order, however many rows a call has.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.features import target
from rushlight.backends.cpu.rows import KINDS

Array = Any  # an np.ndarray
VECTORS = 2  # in a row of a tile


class Tile(NamedTuple):
    """The shape of what stays in registers: rows, and elements of a vector."""

    rows: int
    lanes: int

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return VECTORS * self.lanes


@cache
def tile_of(dtype: str) -> Tile:
    """The tile for this CPU: half of its vector registers hold sums."""
    size = KINDS[dtype][1]
    if target().has("avx512f"):
        return Tile(8, 64 // size)
    if target().family in ("aarch64", "arm64"):
        return Tile(8, 16 // size)
    return Tile(4, 32 // size)


def packed(matrix: Array, width: int) -> Array:
    """(inner, columns) as panels (count, inner, width), the last one filled up with zeros."""
    inner, columns = matrix.shape
    count = -(-columns // width)
    panels = np.zeros((count, inner, width), matrix.dtype)
    whole = columns // width
    cut = whole * width
    panels[:whole] = matrix[:, :cut].reshape(inner, whole, width).swapaxes(0, 1)
    if cut < columns:
        panels[whole, :, : columns - cut] = matrix[:, cut:]
    return panels


PARAMETERS = [("ptr", "a"), ("i64", "lda"), ("i64", "step"), ("ptr", "b"), ("i64", "ldb"),
              ("ptr", "out"), ("i64", "ldo"), ("ptr", "start"), ("i64", "lds"), ("i64", "inner")]


def product_ir(dtype: str) -> tuple[str, dict[str, str]]:
    """`@product(a, lda, step, b, ldb, out, ldo, start, lds, inner, rows, panels)` and what it
    declares: out = start + a @ b.

    `b` is packed, its panels hold `ldb` rows each, of which the first `inner` are read. lda, ldo,
    lds: elements from row to row (0 repeats `start`); step: from column to column of `a`. Rows of
    `out` and `start` are whole panels long.
    """
    tile, text, declarations = tile_of(dtype), "", {}
    heights = [tile.rows >> k for k in range(tile.rows.bit_length())]
    for rows in heights:
        code = _tile(dtype, tile, rows)
        text += code.text()
        declarations.update(code.declarations)
    code = _driver(dtype, tile, heights)
    return text + code.text(), declarations | code.declarations


def _tile(dtype: str, tile: Tile, rows: int) -> Code:
    """out[:rows, :width] = start + a @ panel."""
    code = Code(f"tile{rows}", PARAMETERS)
    a, lda, step, b, _, out, ldo, start, lds, inner = code.parameters
    kind, size = KINDS[dtype]
    vector = f"<{tile.lanes} x {kind}>"
    short = f"v{tile.lanes}f{8 * size}"
    code.declarations["fma"] = f"declare {vector} @llvm.fma.{short}({vector}, {vector}, {vector})\n"
    zero, places = code.integer(0), [(r, v) for r in range(rows) for v in range(VECTORS)]
    sums = {place: code.slot(vector) for place in places}
    for r, v in places:
        at = code.at(code.at(start, lds * r, size), v * tile.lanes, size)
        code.store(code.load(vector, at, size), sums[r, v], 64)
    with code.loop(zero, inner) as k:
        panel = code.at(b, k * tile.width, size)
        columns = [code.load(vector, code.at(panel, v * tile.lanes, size), size)
                   for v in range(VECTORS)]
        for r in range(rows):
            x = code.load(kind, code.at(code.at(a, lda * r, size), k * step, size), size)
            first = code.emit(vector, f"insertelement {vector} poison, {kind} {x.text}, i64 0")
            every = code.emit(vector, f"shufflevector {vector} {first.text}, {vector} poison, "
                                      f"<{tile.lanes} x i32> zeroinitializer")
            for v in range(VECTORS):
                total = code.load(vector, sums[r, v], 64)
                code.store(code.emit(
                    vector, f"call {vector} @llvm.fma.{short}({vector} {every.text}, "
                            f"{vector} {columns[v].text}, {vector} {total.text})"), sums[r, v], 64)
    for r, v in places:
        at = code.at(code.at(out, ldo * r, size), v * tile.lanes, size)
        code.store(code.load(vector, sums[r, v], 64), at, size)
    return code


def _driver(dtype: str, tile: Tile, heights: list[int]) -> Code:
    """All panels, and for each all rows: full tiles first, then ever lower ones."""
    code = Code("product", [*PARAMETERS, ("i64", "rows"), ("i64", "panels")])
    a, lda, step, b, ldb, out, ldo, start, lds, inner, rows, panels = code.parameters
    size, zero = KINDS[dtype][1], code.integer(0)
    with code.loop(zero, panels) as p:
        column = p * tile.width
        panel = code.at(b, column * ldb, size)
        left, right = code.at(start, column, size), code.at(out, column, size)

        def rows_at(height: int, r: Any) -> None:
            code.call(f"tile{height}", code.at(a, lda * r, size), lda, step, panel, ldb,
                      code.at(right, ldo * r, size), ldo, code.at(left, lds * r, size), lds, inner)

        full = rows & -tile.rows
        with code.loop(zero, full, tile.rows) as r:
            rows_at(tile.rows, r)
        for height in heights[1:]:
            with code.when((rows & height).differs(0)):
                rows_at(height, rows & -2 * height)
    return code
