"""Large strided copies: coalesced, cut into blocks, and shared by the threads of the pool."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import pack

import numpy as np

from rushlight.backends.cpu import blocks, builtin, jit
from rushlight.backends.cpu.blocks import ELEMENTS, LINES, SIZES, TRANSPOSED, lanes
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.nest import divided, places, quotient_up, runner, smaller

TILE = 1 << 16  # bytes of a block: it and its copy stay in a core's cache
LINE = 64  # bytes that a transposed block takes of each column of its source: a cache line

# The array objects, how to copy, the matrix, then size and steps of each further dimension.
_FIELDS = ("to", "from", "mode", "size", "rows", "columns", "to_row", "to_column", "from_row",
           "from_column", "tile_rows", "tile_columns", "outer")


def copy_into(target: np.ndarray, source: np.ndarray) -> bool:
    """Write `source`, broadcast, to `target`, of one dtype and apart in memory.

    False, with nothing done, where there is no kernel for the elements or the machine.
    """
    if target.itemsize not in SIZES or not available():
        return False
    if not target.size:
        return True
    to, source = np.nditer([target, source], ["zerosize_ok", "refs_ok"],
                           [["writeonly"], ["readonly"]], order="K").itviews
    size, shape = to.itemsize, to.shape
    there, here = to.strides, source.strides
    if not shape:
        shape, there, here = (1,), (size,), (size,)
    rest = list(range(len(shape)))
    column = next((k for k in reversed(rest) if there[k] == size), rest[-1])
    rest.remove(column)
    mode = ELEMENTS
    row = rest[-1] if rest else -1
    if there[column] == here[column] == size:
        mode = LINES
    elif there[column] == size and lanes(size):
        along = [k for k in rest if here[k] == size and shape[k] > 1]
        if along:
            mode, row = TRANSPOSED, along[-1]
    rows, columns = 1, shape[column]
    steps = [0, there[column], 0, here[column]]
    if row >= 0:
        rest.remove(row)
        rows, steps[0], steps[2] = shape[row], there[row], here[row]
    tile_rows, tile_columns = _tile(mode, rows, columns, size)
    tiles = -(-rows // tile_rows) * -(-columns // tile_columns)
    for k in rest:
        tiles *= shape[k]
    words = [id(to), id(source), mode, size, rows, columns, *steps, tile_rows,
             tile_columns, len(rest)]
    for k in reversed(rest):
        words += shape[k], there[k], here[k]
    grain = max(1, TILE // (size * min(rows, tile_rows) * tile_columns))
    _run()(pack(f"{len(words)}q", *words), tiles, grain)
    return True


def _tile(mode: int, rows: int, columns: int, size: int) -> tuple[int, int]:
    """Rows and columns of a block."""
    if mode == TRANSPOSED:
        return LINE // size, min(columns, TILE // LINE)
    wide = min(columns, TILE // size)
    return max(1, TILE // size // wide), wide


@cache
def available() -> bool:
    """Whether copies can be compiled here."""
    return builtin.supported() and jit.available() is None


@cache
def _run() -> Callable[[bytes, int, int], None]:
    return runner(_task())


def _task() -> str:
    """The blocks begin to end of a copy: the last dimensions are those within a matrix."""
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    field = {name: code.load("ptr" if name in ("to", "from") else "i64", code.at(context, k, 8))
             for k, name in enumerate(_FIELDS)}
    for name in ("to", "from"):
        field[name] = code.load("ptr", code.at(field[name], builtin.DATA, 1))
    with code.loop(begin, end) as tile:
        across = quotient_up(field["columns"], field["tile_columns"])
        down = quotient_up(field["rows"], field["tile_rows"])
        rest, column = divided(tile, across)
        rest, row = divided(rest, down)
        there, here = places(code, rest, code.at(context, len(_FIELDS), 8), field["outer"], 2)
        r, c = row * field["tile_rows"], column * field["tile_columns"]
        there = there + r * field["to_row"] + c * field["to_column"]
        here = here + r * field["from_row"] + c * field["from_column"]
        code.call("rl_block", field["mode"], field["size"], code.at(field["to"], there, 1),
                  field["to_row"], field["to_column"], code.at(field["from"], here, 1),
                  field["from_row"], field["from_column"],
                  smaller(field["rows"] - r, field["tile_rows"]),
                  smaller(field["columns"] - c, field["tile_columns"]))
    return blocks.DECLARATIONS + code.text() + "".join(code.declarations.values())
