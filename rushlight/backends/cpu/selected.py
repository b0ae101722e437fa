"""What a mask selects, in order: elements, their positions, and elements put where it holds.

Each chunk is counted first, so that every thread knows where its own chunks go. No step branches
on the mask, which no CPU could foresee: an element is written to a buffer in any case, and the
place moves on by the mask's value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import pack

import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.blocks import SIZES
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.nest import divided, runner, smaller
from rushlight.backends.cpu.values import Value, select

Array = np.ndarray
Run = Callable[[bytes, int, int], None]

CHUNK = 1 << 11  # elements of a chunk
GRAIN = 16  # chunks that a thread takes at a time
_FIELDS = ("mask", "places", "from", "to", "size", "width")  # the first four are array objects


def available() -> bool:
    """Whether this can be compiled here."""
    return builtin.supported() and jit.available() is None


def take(array: Array, mask: Array) -> Array:
    """The elements where the mask holds; both contiguous and of one size."""
    places, total = _places(mask)
    result = np.empty(total, array.dtype)
    _call(_taking(array.itemsize), mask, places, array, result)
    return result


def put(target: Array, mask: Array, values: Array) -> None:
    """Write as many values as the mask selects, in order; all contiguous."""
    places, total = _places(mask)
    if total:
        _call(_putting(target.itemsize), mask, places, values, target, total)


def positions(mask: Array) -> Array:
    """(n, 2): the row and column of each place where the mask holds, seen as (rows, columns)."""
    places, total = _places(mask)
    result = np.empty((total, 2), np.int64)
    _call(_finding(True), mask, places, mask, result, mask.shape[-1])
    return result


def flat_positions(mask: Array) -> Array:
    """(n,): the place of each element where the mask holds, in memory."""
    places, total = _places(mask)
    result = np.empty(total, np.int64)
    _call(_finding(False), mask, places, mask, result)
    return result


def _places(mask: Array) -> tuple[Array, int]:
    """How many elements are selected before each chunk, and in all."""
    counts = np.empty(-(-mask.size // CHUNK), np.int64)
    _call(_counting(), mask, counts, mask, mask)
    ends = np.cumsum(counts)
    return ends - counts, int(ends[-1])


def _call(run: Run, mask: Array, places: Array, source: Array, target: Array,
          width: int = 0) -> None:
    run(pack(f"{len(_FIELDS)}q", *[id(a) for a in (mask, places, source, target)], mask.size,
             width), places.size, GRAIN)


class _Chunks(Code):
    """A task whose steps are chunks; a step has a range of elements."""

    def __init__(self) -> None:
        super().__init__("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
        context = self.parameters[0]
        self.field: dict[str, Value] = {}
        for k, name in enumerate(_FIELDS):
            value = self.load("ptr" if k < 4 else "i64", self.at(context, k, 8))
            self.field[name] = self.load("ptr", self.at(value, builtin.DATA, 1)) if k < 4 else value
        self.count = self.slot("i64")

    def chunk(self, number: Value) -> tuple[Value, Value]:
        """Where it begins and ends; the count is none."""
        begin = number * CHUNK
        self.store(self.integer(0), self.count)
        return begin, begin + smaller(self.field["size"] - begin, self.integer(CHUNK))

    def holds(self, i: Value) -> Value:
        """The mask at an element, as 0 or 1."""
        truth = self.load("i8", self.at(self.field["mask"], i, 1), 1)
        return truth.differs(0).convert("zext", "i64")

    def move(self, size: int, target: Value, source: Value) -> None:
        self.store(self.load(SIZES[size], source, min(size, 8)), target, min(size, 8))

    def flush(self, number: Value, buffer: Value, size: int) -> None:
        """Copy what the buffer holds to where the chunk's results begin."""
        place = self.load("i64", self.at(self.field["places"], number, 8))
        name = "@llvm.memcpy.p0.p0.i64"
        self.declarations[name] = f"declare void {name}(ptr, ptr, i64, i1)\n"
        length = self.load("i64", self.count) * size
        self.lines.append(f"call void {name}(ptr {self.at(self.field['to'], place, size).text}, "
                          f"ptr {buffer.text}, i64 {length.text}, i1 false)")

    def run(self) -> Run:
        return runner(self.text() + "".join(self.declarations.values()))


@cache
def _counting() -> Run:
    code = _Chunks()
    with code.loop(*code.parameters[1:]) as number:
        begin, end = code.chunk(number)
        with code.loop(begin, end) as i:
            code.store(code.load("i64", code.count) + code.holds(i), code.count)
        code.store(code.load("i64", code.count), code.at(code.field["places"], number, 8))
    return code.run()


@cache
def _taking(size: int) -> Run:
    code = _Chunks()
    buffer = code.slot(f"[{CHUNK * size + size} x i8], align 64")
    with code.loop(*code.parameters[1:]) as number:
        with code.loop(*code.chunk(number)) as i:
            k = code.load("i64", code.count)
            code.move(size, code.at(buffer, k, size), code.at(code.field["from"], i, size))
            code.store(k + code.holds(i), code.count)
        code.flush(number, buffer, size)
    return code.run()


@cache
def _putting(size: int) -> Run:
    code = _Chunks()
    last = code.field["width"] - 1  # of the values
    with code.loop(*code.parameters[1:]) as number:
        begin, end = code.chunk(number)
        code.store(code.load("i64", code.at(code.field["places"], number, 8)), code.count)
        with code.loop(begin, end) as i:
            k, place = code.load("i64", code.count), code.at(code.field["to"], i, size)
            holds = code.holds(i)
            source = code.at(code.field["from"], smaller(k, last), size)
            code.move(size, place, select(holds.differs(0), source, place))
            code.store(k + holds, code.count)
    return code.run()


@cache
def _finding(matrix: bool) -> Run:
    code = _Chunks()
    size = 16 if matrix else 8
    buffer = code.slot(f"[{(CHUNK + 1) * size} x i8], align 64")
    row, column = code.slot("i64"), code.slot("i64")
    with code.loop(*code.parameters[1:]) as number:
        begin, end = code.chunk(number)
        if matrix:
            for value, slot in zip(divided(begin, code.field["width"]), (row, column), strict=True):
                code.store(value, slot)
        with code.loop(begin, end) as i:
            k = code.load("i64", code.count)
            if matrix:
                r, c = code.load("i64", row), code.load("i64", column)
                code.store(r, code.at(buffer, k * 2, 8))
                code.store(c, code.at(buffer, k * 2 + 1, 8))
                wraps = (c + 1).equals(code.field["width"])
                code.store(r + wraps.convert("zext", "i64"), row)
                code.store(select(wraps, code.integer(0), c + 1), column)
            else:
                code.store(i, code.at(buffer, k, 8))
            code.store(k + code.holds(i), code.count)
        code.flush(number, buffer, size)
    return code.run()
