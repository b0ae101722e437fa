"""Large pointwise calls on operands that are broadcast, transposed or sliced.

NumPy calls a kernel's loop for one row after the other, in one thread, and a transposed operand
is read across its cache lines. Here the dimensions are coalesced, the threads of the pool share
tiles of rows and columns, and an operand that does not lie along the rows is first copied to a
buffer in the cache, a tile at a time, in whole cache lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from struct import pack
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import blocks, builtin, jit
from rushlight.backends.cpu.blocks import ELEMENTS, LINES, SIZES, TRANSPOSED, lanes
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.loop import FLAG_CODE, flag_family
from rushlight.backends.cpu.nest import divided, places, quotient_up, runner, smaller
from rushlight.backends.cpu.ufunc import LOOPS, Loop
from rushlight.backends.cpu.values import Value, select
from rushlight.backends.memory_order import empty

MANY = 1 << 15  # elements of a result from which on this pays
SHORT = 96  # columns below which rows are joined in a buffer, not passed to the kernel one by one
CHUNK = 1 << 16  # elements that a thread takes at a time
BUFFER = 1 << 15  # bytes of a buffer, of which each operand may have one
LINE = 64
_PASSED = 0  # an operand that the kernel reads where it is; others are copied, in a way plus one

_FIELDS = ("loop", "rows", "columns", "tile_rows", "tile_columns", "joined", "outer")
_OPERAND = ("offset", "row", "column", "size", "way")  # of each operand, inputs first
_KEPT = 1024  # plans


class Plan(NamedTuple):
    """How to run a kernel on operands of some shapes and strides."""

    words: bytes  # what the task is told, apart from the arrays
    tiles: int
    grain: int
    shape: tuple[int, ...]  # of a new result, its dimensions in the order they have in memory, ...
    axes: tuple[int, ...]  # ... and where they belong


_plans: dict[tuple[Any, ...], Plan | None] = {}


def apply(kernel: np.ufunc, arrays: Sequence[np.ndarray], out: Any = ...) -> Any:
    """``kernel(*arrays, out=out)``, shared by the threads where that pays."""
    found = LOOPS.get(kernel)
    if found is None or not _suits(arrays, out, found.types):
        return kernel(*arrays, out=out)
    given = arrays if out is ... else (*arrays, out)
    key = (found.address, *[(a.shape, a.strides) for a in given])
    try:
        plan = _plans[key]
    except KeyError:
        plan = _planned(found, arrays, out)
        if len(_plans) >= _KEPT:
            _plans.clear()
        _plans[key] = plan
    if plan is None:
        return kernel(*arrays, out=out)
    if out is ...:
        out = np.empty(plan.shape, found.types[-1])
        if plan.axes:
            out = out.transpose(plan.axes)
    count = len(arrays) + 1
    _run(count)(pack(f"{count}q", *[id(a) for a in arrays], id(out)) + plan.words, plan.tiles,
                plan.grain)
    return out


def _suits(arrays: Sequence[np.ndarray], out: Any, types: Sequence[np.dtype]) -> bool:
    """Whether the operands have the kernel's types and an output is apart from other inputs."""
    if not available() or len(types) != len(arrays) + 1:
        return False
    for array, dtype in zip(arrays, types, strict=False):
        if (type(array) is not np.ndarray or array.dtype is not dtype  # meta arrays have no memory
                or array.itemsize not in SIZES):
            return False
    if out is ...:
        return True
    return (type(out) is np.ndarray and out.dtype is types[-1] and out.flags.writeable
            and out.flags.forc and not any(
                a is not out and np.may_share_memory(a, out) for a in arrays))


def _planned(loop: Loop, arrays: Sequence[np.ndarray], out: Any) -> Plan | None:
    """The plan for these operands; None where a call of the ufunc does as well."""
    given = empty(np.broadcast_shapes(*[a.shape for a in arrays]), loop.types[-1],
                  arrays) if out is ... else out
    order = sorted(range(given.ndim), key=lambda k: -given.strides[k])
    result = given.transpose(order)  # the iterator would go row by row where operands disagree
    turned = [np.broadcast_to(a, given.shape).transpose(order) for a in arrays]
    flags: Any = [*[["readonly"]] * len(arrays), ["writeonly", "no_broadcast"]]
    nest = np.nditer([*turned, result], ["zerosize_ok"], flags, [*loop.types], order="K")
    views, operands = nest.itviews, nest.operands
    if views[0].ndim < 2 or views[0].size < MANY:
        return None
    offsets = [view.ctypes.data - operand.ctypes.data
               for view, operand in zip(views, operands, strict=True)]
    axes = () if given.flags.c_contiguous else tuple(map(int, np.argsort(order)))
    return Plan(*_nest(loop.address, views, offsets), result.shape if axes else given.shape, axes)


def _nest(address: int, views: Sequence[np.ndarray], offsets: Sequence[int],
          ) -> tuple[bytes, int, int]:
    """Words, tiles and grain for views of one shape, the output last, of two or more dimensions."""
    shape = views[0].shape
    strides = [view.strides for view in views]
    sizes = [view.itemsize for view in views]
    column = len(shape) - 1
    row = _row(strides, sizes, column)
    rest = [k for k in range(column) if k != row]
    rows, columns = shape[row], shape[column]
    steps = [(s[row], s[column]) for s in strides]
    joined = columns < SHORT and steps[-1] == (columns * sizes[-1], sizes[-1])
    ways = [_way(*step, size, columns, joined)
            for step, size in zip(steps[:-1], sizes, strict=False)] + [_PASSED]
    tile_rows, tile_columns = _tile(rows, columns, sizes, ways, joined)
    words = [address, rows, columns, tile_rows, tile_columns, joined, len(rest)]
    for k, offset in enumerate(offsets):
        words += offset, *steps[k], sizes[k], ways[k]
    tiles = -(-rows // tile_rows) * -(-columns // tile_columns)
    for dim in reversed(rest):
        words += shape[dim], *(s[dim] for s in strides)
        tiles *= shape[dim]
    grain = max(1, CHUNK // (min(rows, tile_rows) * tile_columns))
    return pack(f"{len(words)}q", *words), tiles, grain


def _tile(rows: int, columns: int, sizes: Sequence[int], ways: Sequence[int], joined: bool,
          ) -> tuple[int, int]:
    """Rows and columns of a tile."""
    room = BUFFER // max(sizes)
    if joined:
        return max(1, room // columns), columns
    if 1 + TRANSPOSED in ways:
        deep = max(LINE // size for size, way in zip(sizes, ways, strict=True) if way)
        return deep, min(columns, room // deep)
    columns = min(columns, room if any(ways) else CHUNK)
    return max(1, min(rows, CHUNK // columns)), columns


def _row(strides: Sequence[tuple[int, ...]], sizes: Sequence[int], column: int) -> int:
    """The dimension to tile beside the columns: that along which a transposed input lies."""
    for steps, size in zip(strides[:-1], sizes, strict=False):
        if steps[column] not in (0, size) and lanes(size):
            for k in range(column):
                if steps[k] == size:
                    return k
    return column - 1


def _way(row: int, column: int, size: int, columns: int, joined: bool) -> int:
    """How an input comes to the kernel."""
    if joined:
        if row == column == 0 or (column == size and row == columns * size):
            return _PASSED
        return 1 + (LINES if column == size else ELEMENTS)
    if row == 0 and column == size:
        return 1 + LINES  # aligned to cache lines, once
    turned = column not in (0, size) and row == size and lanes(size)
    return 1 + TRANSPOSED if turned else _PASSED


@cache
def available() -> bool:
    """Whether such calls can be compiled here."""
    return builtin.supported() and jit.available() is None


@cache
def _run(count: int) -> Callable[[bytes, int, int], None]:
    return runner(_task(count))


class _Tile(Code):
    """The task of a call with `count` operands."""

    def __init__(self, count: int) -> None:
        super().__init__("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
        self.count = count
        context = self.parameters[0]
        self.field = {
            name: self.load("ptr" if name == "loop" else "i64", self.at(context, count + k, 8))
            for k, name in enumerate(_FIELDS)}
        head = count + len(_FIELDS)
        self.operands = [{name: self.load("i64", self.at(
            context, head + k * len(_OPERAND) + j, 8))
            for j, name in enumerate(_OPERAND)} for k in range(count)]
        for k, operand in enumerate(self.operands):
            data = self.load("ptr", self.at(
                self.load("ptr", self.at(context, k, 8)), builtin.DATA, 1))
            operand["data"] = self.at(data, operand["offset"], 1)
        self.table = self.at(context, head + count * len(_OPERAND), 8)
        self.here, self.pitch = ([self.slot(kind) for _ in range(count)] for kind in ("ptr", "i64"))
        self.arguments = self.slot(f"[{count} x ptr]")
        self.steps = self.slot(f"[{count} x i64]")
        self.number = self.slot("i64")
        # What the buffers hold: an address, as a number, and how many of its rows.
        self.held, self.extent = ([self.slot("i64") for _ in range(count)] for _ in range(2))
        for slot in self.held:
            self.store(self.integer(0), slot)
        self.buffers = [self.slot(f"[{BUFFER} x i8], align 64") for _ in range(count - 1)]

    def fetch(self, k: int, data: Value, height: Value, width: Value) -> None:
        """Let operand k be read where it is, or from a buffer."""
        operand = self.operands[k]
        step = self.at(self.steps, k, 8)
        self.store(data, self.here[k])
        self.store(operand["row"], self.pitch[k])
        self.store(operand["column"], step)
        if k == self.count - 1:
            return
        size, pitch = operand["size"], width * operand["size"]
        repeated = operand["row"].equals(0)
        one = repeated & self.field["joined"].equals(0)  # a row that serves for all
        height, pitch = select(one, 1, height), select(one, 0, pitch)
        with self.when(operand["way"] > _PASSED):
            self.store(self.buffers[k], self.here[k])
            self.store(pitch, self.pitch[k])
            self.store(size, step)
        place = data.convert("ptrtoint", "i64")
        held = (self.load("i64", self.held[k]).equals(place)
                & self.load("i64", self.extent[k]).equals(height) & repeated)
        with self.when((operand["way"] > _PASSED) & ~held):
            self.store(place, self.held[k])
            self.store(height, self.extent[k])
            self.call("rl_block", operand["way"] - 1, size, self.buffers[k], pitch, size,
                      data, operand["row"], operand["column"], height, width)

    def run(self, row: Value, number: Value) -> None:
        """Call the kernel for `number` elements from a row of the tile on."""
        for k in range(self.count):
            pitch = self.load("i64", self.pitch[k])
            start = self.at(self.load("ptr", self.here[k]), row * pitch, 1)
            self.store(start, self.at(self.arguments, k, 8))
        self.store(number, self.number)
        self.lines.append(f"call void {self.field['loop'].text}(ptr {self.arguments.text}, ptr "
                          f"{self.number.text}, ptr {self.steps.text}, ptr null)")


def _task(count: int) -> str:
    code = _Tile(count)
    save, restore, declare = FLAG_CODE[flag_family()]
    code.lines.append(save)
    _, begin, end = code.parameters
    field = code.field
    with code.loop(begin, end) as tile:
        rest, column = divided(tile, quotient_up(field["columns"], field["tile_columns"]))
        rest, row = divided(rest, quotient_up(field["rows"], field["tile_rows"]))
        offsets = places(code, rest, code.table, field["outer"], count)
        r, c = row * field["tile_rows"], column * field["tile_columns"]
        height = smaller(field["rows"] - r, field["tile_rows"])
        width = smaller(field["columns"] - c, field["tile_columns"])
        for k, operand in enumerate(code.operands):
            offset = offsets[k] + r * operand["row"] + c * operand["column"]
            code.fetch(k, code.at(operand["data"], offset, 1), height, width)
        with code.when(field["joined"].differs(0)):
            code.run(code.integer(0), height * width)
        with code.when(field["joined"].equals(0)), code.loop(code.integer(0), height) as i:
            code.run(i, width)
    code.lines.append(restore)
    return blocks.DECLARATIONS + declare + "\n" + code.text() + "".join(code.declarations.values())
