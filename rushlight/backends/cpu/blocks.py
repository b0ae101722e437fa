"""Two-dimensional blocks of elements, copied whatever their strides: the inner part of every copy.

A block with contiguous columns on both sides is copied row by row. One whose source is contiguous
along the rows is transposed in tiles that fill vector registers, so both sides are read and
written in whole cache lines. Any other goes element by element.
"""

from __future__ import annotations

from functools import cache

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.features import target
from rushlight.backends.cpu.values import Value

LINES, TRANSPOSED, ELEMENTS = range(3)  # how a block is copied
SIZES = {1: "i8", 2: "i16", 4: "i32", 8: "i64", 16: "i128"}  # elements by their bytes
_SHORT = 64  # bytes of a row below which a call of memcpy costs more than the copy
_PAGE, _STEP = 4096, 256  # bytes of a page, and of a part of a row that is loaded at once

_PARAMETERS = (("ptr", "to"), ("i64", "to_row"), ("i64", "to_column"),
              ("ptr", "from"), ("i64", "from_row"), ("i64", "from_column"),
              ("i64", "rows"), ("i64", "columns"))
DECLARATIONS = f"declare void @rl_block(i64, i64, {', '.join(kind for kind, _ in _PARAMETERS)})\n"


def lanes(size: int) -> int:
    """Rows and columns of a transposed tile of elements of `size` bytes; 0 where there are none."""
    widest = 64 if target().has("avx512f") else 32 if target().has("avx2") else 16
    return 0 if size > 8 else min(16, widest // max(size, 2))


@cache
def imports() -> dict[str, int]:
    """The address of what `DECLARATIONS` declares: `@block`, which copies `rows` times `columns`
    elements of `size` bytes in the way `mode`; it is given the steps in bytes along both."""
    functions: list[str] = []
    declarations: dict[str, str] = {}
    for size in SIZES:
        for write in (_lines, _transposed, _elements):
            code = Code(f"{write.__name__[1:]}{size}", _PARAMETERS)
            write(code, size)
            functions.append(code.text())
            declarations |= code.declarations
    ir = "".join([*functions, _choice(), *declarations.values()])
    return {"rl_block": jit.load(ir, "block")[0]}


def _choice() -> str:
    names = [f"{word}{size}" for word in ("lines", "transposed", "elements") for size in SIZES]
    arguments = ", ".join(f"{kind} %{name}" for kind, name in _PARAMETERS)
    cases = "".join(f"{name}:\n  call void @{name}({arguments})\n  ret void\n" for name in names)
    table = " ".join(f"i64 {16 * mode + size.bit_length() - 1}, label %{word}{size}"
                     for mode, word in enumerate(("lines", "transposed", "elements"))
                     for size in SIZES)
    return f"""define void @block(i64 %mode, i64 %size, {arguments}) nounwind {{
  %high = shl i64 %mode, 4
  %low = call i64 @llvm.cttz.i64(i64 %size, i1 true)
  %which = or i64 %high, %low
  switch i64 %which, label %end [ {table} ]
end:
  ret void
{cases}}}
declare i64 @llvm.cttz.i64(i64, i1)
"""


def _lines(code: Code, size: int) -> None:
    """Contiguous columns on both sides."""
    to, to_row, _, source, from_row, _, rows, columns = code.parameters
    length = columns * size
    with code.loop(code.integer(0), rows) as r:
        there, here = code.at(to, r * to_row, 1), code.at(source, r * from_row, 1)
        ahead = (there.convert("ptrtoint", "i64") - here.convert("ptrtoint", "i64")) & (_PAGE - 1)
        behind = (length >= _SHORT) & (ahead > 0) & (ahead < _STEP)
        with code.when(behind):
            _backwards(code, there, here, length)
        with code.when((length >= _SHORT) & ~behind):
            _memcpy(code, there, here, length)
        with code.when(length < _SHORT), code.loop(code.integer(0), columns) as c:
            _move(code, size, code.at(there, c, size), code.at(here, c, size))


def _memcpy(code: Code, there: Value, here: Value, length: Value) -> None:
    name = "@llvm.memcpy.p0.p0.i64"
    code.declarations[name] = f"declare void {name}(ptr, ptr, i64, i1)\n"
    code.lines.append(f"call void {name}(ptr {there.text}, ptr {here.text}, i64 {length.text}, "
                      "i1 false)")


def _backwards(code: Code, there: Value, here: Value, length: Value) -> None:
    """Copy from the end. A row that is read shortly behind where it is written within a page would
    have each load wait for the store before it: CPUs tell them apart by the lowest 12 bits."""
    whole = length & -_STEP
    _memcpy(code, code.at(there, whole, 1), code.at(here, whole, 1), length - whole)
    with code.loop(code.integer(0), whole, _STEP) as done:
        place = whole - done - _STEP
        _memcpy(code, code.at(there, place, 1), code.at(here, place, 1), code.integer(_STEP))


def _elements(code: Code, size: int) -> None:
    """Any steps; a source that stays in place is read once a row, and one that runs backwards
    by vectors."""
    to, to_row, to_column, source, from_row, from_column, rows, columns = code.parameters
    zero = code.integer(0)
    with code.loop(zero, rows) as r:
        there, here = code.at(to, r * to_row, 1), code.at(source, r * from_row, 1)
        value = code.load(SIZES[size], here, min(size, 8))
        spread = from_column.equals(0) & to_column.equals(size)
        with code.when(spread), code.loop(zero, columns) as c:
            code.store(value, code.at(there, c, size), min(size, 8))
        turned = from_column.equals(-size) & to_column.equals(size)
        with code.when(turned), code.loop(zero, columns) as c:
            _move(code, size, code.at(there, c, size), code.at(here, zero - c, size))
        with code.when(~(spread | turned)), code.loop(zero, columns) as c:
            _move(code, size, code.at(there, c * to_column, 1), code.at(here, c * from_column, 1))


def _move(code: Code, size: int, to: Value, source: Value) -> None:
    code.store(code.load(SIZES[size], source, min(size, 8)), to, min(size, 8))


def _transposed(code: Code, size: int) -> None:
    """to[r, c] = from[r, c], contiguous along c there and along r here."""
    to, to_row, _, source, _, from_column, rows, columns = code.parameters
    zero, width = code.integer(0), lanes(size)
    whole_rows = rows & -width if width else zero
    whole_columns = columns & -width if width else zero
    if width:
        with (code.loop(zero, whole_columns, width) as c,
              code.loop(zero, whole_rows, width) as r):
            tile(code, size, code.at(code.at(to, r * to_row, 1), c, size), to_row,
                 code.at(code.at(source, c * from_column, 1), r, size), from_column)
    for first_row, last_row, first_column in (
            (zero, whole_rows, whole_columns), (whole_rows, rows, zero)):
        with code.loop(first_row, last_row) as r, code.loop(first_column, columns) as c:
            _move(code, size, code.at(code.at(to, r * to_row, 1), c, size),
                  code.at(code.at(source, c * from_column, 1), r, size))


def tile(code: Code, size: int, to: Value, to_row: Value, source: Value, from_column: Value,
         ) -> None:
    """Turn a square of as many elements as a vector has; rows are written in their order. There
    are log2(n) rounds, each of which exchanges one bit of the row with that of the column."""
    width = lanes(size)
    kind = f"<{width} x {SIZES[size]}>"
    vectors = [code.load(kind, code.at(source, from_column * j, 1), size) for j in range(width)]
    bit = 1
    while bit < width:
        for i in (i for i in range(width) if not i & bit):
            a, b = vectors[i], vectors[i + bit]
            low = [lane + width - bit if lane & bit else lane for lane in range(width)]
            high = [lane + width if lane & bit else lane + bit for lane in range(width)]
            vectors[i], vectors[i + bit] = (
                code.emit(kind, f"shufflevector {kind} {a.text}, {kind} {b.text}, <{width} x i32> <"
                          + ", ".join(f"i32 {lane}" for lane in order) + ">")
                for order in (low, high))
        bit *= 2
    for i, vector in enumerate(vectors):
        code.store(vector, code.at(to, to_row * i, 1), size)
