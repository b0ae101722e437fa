"""Large strided copies: coalesced, cut into blocks, and shared by the threads of the pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from struct import pack

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rushlight.backends.cpu import blocks, builtin, jit
from rushlight.backends.cpu.blocks import ELEMENTS, LINES, SIZES, TRANSPOSED, lanes
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.nest import divided, places, quotient_up, runner, smaller
from rushlight.backends.cpu.values import Value

TILE = 1 << 16  # bytes of a block: it and its copy stay in a core's cache
LINE = 64  # bytes that a transposed block takes of each column of its source: a cache line

# The array objects and where in them, how to copy, the matrix, then size and steps of each further
# dimension.
_FIELDS = ("to", "from", "to_offset", "from_offset", "mode", "size", "rows", "columns", "to_row",
           "to_column", "from_row", "from_column", "tile_rows", "tile_columns", "outer")


def copy_into(target: np.ndarray, source: np.ndarray) -> bool:
    """Write `source`, broadcast, to `target`, of one dtype and apart in memory.

    False, with nothing done, where there is no kernel for the elements or the machine.
    """
    return copy_all([(target, source)])


def copy_all(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Several copies as `copy_into` makes them, in one job of the pool."""
    if not available():
        return False
    head = [len(pairs)]
    bodies = []
    tiles = length = 0
    place = 2 * len(pairs) + 3  # of a copy's fields in the context
    for target, source in pairs:
        if target.itemsize not in SIZES:
            return False
        made, count = _layout(target.itemsize, target.shape, target.strides, source.shape,
                              source.strides)
        head += tiles, place
        bodies.append(pack("2q", id(target), id(source)) + made)
        place += 2 + len(made) // 8
        tiles += count
        length += target.nbytes
    if tiles:
        context = pack(f"{len(head) + 2}q", *head, tiles, 0) + b"".join(bodies)
        _run()(context, tiles, max(1, tiles * TILE // length))
    return True


@lru_cache(maxsize=1024)
def _layout(size: int, *layouts: tuple[int, ...]) -> tuple[bytes, int]:
    """What the task is told about a copy of elements of `size` bytes, besides the arrays, and its
    number of tiles; given shape and strides of the target and of the source."""
    if 0 in layouts[0]:
        return b"", 0
    one = np.empty(1, f"V{size}")  # stands for both: NumPy orders and joins their dimensions
    whole = [as_strided(one, layouts[k], layouts[k + 1]) for k in (0, 2)]
    to, source = np.nditer(whole, [], [["writeonly"], ["readonly"]], order="K").itviews
    offsets = [view.ctypes.data - one.ctypes.data for view in (to, source)]
    shape, there, here = to.shape or (1,), to.strides or (size,), source.strides or (size,)
    rest = list(range(len(shape)))
    column = next((k for k in reversed(rest) if there[k] == size), rest[-1])
    rest.remove(column)
    mode, row = ELEMENTS, rest[-1] if rest else -1
    if there[column] == here[column] == size:
        mode = LINES
    elif there[column] == size and lanes(size):
        along = [k for k in rest if here[k] == size]
        if along:
            mode, row = TRANSPOSED, along[-1]
    rows, columns = 1, shape[column]
    steps = [0, there[column], 0, here[column]]
    if row >= 0:
        rest.remove(row)
        rows, steps[0], steps[2] = shape[row], there[row], here[row]
    tile_rows, tile_columns = _tile(mode, rows, columns, size)
    tiles = -(-rows // tile_rows) * -(-columns // tile_columns)
    words = [*offsets, mode, size, rows, columns, *steps, tile_rows, tile_columns, len(rest)]
    for k in reversed(rest):
        words += shape[k], there[k], here[k]
        tiles *= shape[k]
    return pack(f"{len(words)}q", *words), tiles


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
    """The tiles begin to end of all copies: the context has their number, and for each copy, and
    a last one that is none, its first tile and where its fields are."""
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    table = code.at(context, 1, 8)
    copy = code.slot("i64")
    code.store(code.integer(0), copy)
    with code.loop(begin, end) as tile:
        known, count = code.load("i64", copy), code.load("i64", context)
        with (code.loop(known, count) as k,
              code.when(code.load("i64", code.at(table, k * 2, 8)) <= tile)):
            code.store(k, copy)
        entry = code.at(table, code.load("i64", copy) * 2, 8)
        fields = code.at(context, code.load("i64", code.at(entry, 1, 8)), 8)
        _copy_tile(code, fields, tile - code.load("i64", entry))
    return blocks.DECLARATIONS + code.text() + "".join(code.declarations.values())


def _copy_tile(code: Code, fields: Value, tile: Value) -> None:
    """One tile of one copy: the last dimensions are those within a matrix."""
    field = {name: code.load("ptr" if name in ("to", "from") else "i64", code.at(fields, k, 8))
             for k, name in enumerate(_FIELDS)}
    for name in ("to", "from"):
        data = code.load("ptr", code.at(field[name], builtin.DATA, 1))
        field[name] = code.at(data, field[f"{name}_offset"], 1)
    rest, column = divided(tile, quotient_up(field["columns"], field["tile_columns"]))
    rest, row = divided(rest, quotient_up(field["rows"], field["tile_rows"]))
    there, here = places(code, rest, code.at(fields, len(_FIELDS), 8), field["outer"], 2)
    r, c = row * field["tile_rows"], column * field["tile_columns"]
    there = there + r * field["to_row"] + c * field["to_column"]
    here = here + r * field["from_row"] + c * field["from_column"]
    code.call("rl_block", field["mode"], field["size"], code.at(field["to"], there, 1),
              field["to_row"], field["to_column"], code.at(field["from"], here, 1),
              field["from_row"], field["from_column"],
              smaller(field["rows"] - r, field["tile_rows"]),
              smaller(field["columns"] - c, field["tile_columns"]))
