"""QR of small float32 matrices in generated code: a call of LAPACK takes longer than its work.

Reflections (Householder, 1958; Golub and Van Loan, 2013, 5.1-5.2) of row-major matrices, a vector
of columns at a time; a matrix is a step of a job for the pool. Norms are computed in double, where
squares of floats neither overflow nor vanish.
"""

from __future__ import annotations

import math
from functools import cache
from struct import pack
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.values import Value, select, sqrt

Array = np.ndarray

LIMIT = 64  # rows and columns of the largest matrix
LANES = 16
GRAIN = 1 << 16  # multiplications worth a thread's while
_VECTOR = f"<{LANES} x float>"
_ALIGN = 4 * LANES
_FIELDS = ("a", "q", "r", "rows", "columns", "reflections", "q_columns", "r_rows")


def qr(a: Array, mode: str) -> tuple[Array, Array] | None:
    """(Q, R) with a = Q R for matrices (..., rows, columns); None where this does not serve.

    mode: "reduced", "complete" or "r", for which Q is empty.
    """
    rows, columns = a.shape[-2:]
    if not 0 < rows <= LIMIT or not 0 < columns <= LIMIT or a.dtype != np.float32 or not a.size:
        return None
    run = _run()
    if run is None or not a.dtype.isnative:
        return None
    a = np.ascontiguousarray(a)
    reflections = min(rows, columns)
    inner = rows if mode == "complete" else reflections
    wanted = 0 if mode == "r" else inner
    q = np.empty((*a.shape[:-1], wanted) if wanted else 0, np.float32)
    r = np.empty((*a.shape[:-2], inner, columns), np.float32)
    run(pack("8q", id(a), id(q), id(r), rows, columns, reflections, wanted, inner),
        math.prod(a.shape[:-2]), max(1, GRAIN // (rows * columns * reflections)))
    return q, r


@cache
def _run() -> Any:
    if not builtin.supported():
        return None
    try:
        (address,) = jit.load(_text(), "run", imports={"rl_pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)


class _Task(Code):
    """Matrices begin to end."""

    def __init__(self) -> None:
        super().__init__("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
        context = self.parameters[0]
        self.field = {name: self.load("i64", self.at(context, k, 8))
                      for k, name in enumerate(_FIELDS)}
        for k, name in enumerate(("a", "q", "r")):
            array = self.load("ptr", self.at(context, k, 8))
            self.field[name] = self.load("ptr", self.at(array, builtin.DATA, 1))
        # R, with anything below its diagonal; Q; and a row for the v of each reflection.
        self.matrix, self.unfolded, self.v = (
            self.slot(f"[{LIMIT * LIMIT} x float], align {_ALIGN}") for _ in range(3))
        self.tau = self.slot(f"[{LIMIT} x float]")
        self.squares, self.sums = self.slot("double"), self.slot(f"{_VECTOR}, align {_ALIGN}")

    def element(self, matrix: Value, row: Value, column: Value) -> Value:
        """The address of an element of one of our own matrices."""
        return self.at(matrix, row * LIMIT + column, 4)

    def read(self, place: Value) -> Value:
        return self.load("float", place, 4)

    def write(self, value: Value, place: Value) -> None:
        self.store(value, place, 4)

    def clear(self, matrix: Value) -> None:
        size = self.field["rows"] * (4 * LIMIT)
        self.lines.append(f"call void @llvm.memset.p0.i64(ptr align {_ALIGN} {matrix.text}, i8 0, "
                          f"i64 {size.text}, i1 false)")

    def vectors(self, operation: str, a: Value, b: Value) -> Value:
        return self.emit(_VECTOR, f"{operation} contract {_VECTOR} {a.text}, {b.text}")

    def spread(self, number: Value) -> Value:
        """A vector of one number."""
        one = self.emit(_VECTOR, f"insertelement {_VECTOR} poison, float {number.text}, i64 0")
        return self.emit(_VECTOR, f"shufflevector {_VECTOR} {one.text}, {_VECTOR} poison, "
                                  f"<{LANES} x i32> zeroinitializer")

    def reflect(self, matrix: Value, first: Value, columns: Value, tau: Value) -> None:
        """matrix -= tau v v^T matrix, from row and (the vector of) column `first` on: reflection
        `first`."""
        strength = self.spread(tau)
        with self.loop(first & -LANES, columns, LANES) as c:
            self.store(Value(self, _VECTOR, "zeroinitializer"), self.sums, _ALIGN)
            with self.loop(first, self.field["rows"]) as row:
                part = self.load(_VECTOR, self.element(matrix, row, c), _ALIGN)
                weight = self.spread(self.read(self.element(self.v, first, row)))
                known = self.load(_VECTOR, self.sums, _ALIGN)
                self.store(self.vectors("fadd", known, self.vectors("fmul", weight, part)),
                           self.sums, _ALIGN)
            sums = self.vectors("fmul", self.load(_VECTOR, self.sums, _ALIGN), strength)
            with self.loop(first, self.field["rows"]) as row:
                place = self.element(matrix, row, c)
                weight = self.spread(self.read(self.element(self.v, first, row)))
                part = self.load(_VECTOR, place, _ALIGN)
                self.store(self.vectors("fsub", part, self.vectors("fmul", weight, sums)), place,
                           _ALIGN)

    def clear_below(self, i: Value) -> None:
        """Apply the reflection i that leaves zeros below element i of column i."""
        rows, below = self.field["rows"], i + 1
        corner = self.element(self.matrix, i, i)
        self.store(self.constant("double", 0), self.squares)
        with self.loop(below, rows) as row:
            x = self.read(self.element(self.matrix, row, i)).widen()
            self.store(self.load("double", self.squares) + x * x, self.squares)
        squares = self.load("double", self.squares)
        self.write(self.constant("float", 0), self.at(self.tau, i, 4))
        with self.when(squares.differs(0)):  # else there is nothing to clear
            alpha = self.read(corner).widen()
            size = sqrt(alpha * alpha + squares)
            beta = select(alpha >= 0, -size, size)
            tau = ((beta - alpha) / beta).convert("fptrunc", "float")
            self.write(tau, self.at(self.tau, i, 4))
            scale = 1 / (alpha - beta)
            self.write(self.constant("float", 1), self.element(self.v, i, i))
            with self.loop(below, rows) as row:
                x = self.read(self.element(self.matrix, row, i)).widen() * scale
                self.write(x.convert("fptrunc", "float"), self.element(self.v, i, row))
            self.reflect(self.matrix, i, self.field["columns"], tau)
            self.write(beta.convert("fptrunc", "float"), corner)

    def unfold(self, i: Value) -> None:
        """Apply reflection i to what is to become Q."""
        tau = self.read(self.at(self.tau, i, 4))
        with self.when(tau.differs(0)):
            self.reflect(self.unfolded, i, self.field["q_columns"], tau)


def _text() -> str:
    code = _Task()
    _, begin, end = code.parameters
    field, zero = code.field, code.integer(0)
    rows, columns = field["rows"], field["columns"]
    with code.loop(begin, end) as number:
        source = code.at(field["a"], number * rows * columns, 4)
        code.clear(code.matrix)
        with code.loop(zero, rows) as row, code.loop(zero, columns) as c:
            code.write(code.read(code.at(source, row * columns + c, 4)),
                       code.element(code.matrix, row, c))
        with code.loop(zero, field["reflections"]) as i:
            code.clear_below(i)
        target = code.at(field["r"], number * field["r_rows"] * columns, 4)
        with code.loop(zero, field["r_rows"]) as row, code.loop(zero, columns) as c:
            value = code.read(code.element(code.matrix, row, c))
            code.write(select(c < row, 0.0, value), code.at(target, row * columns + c, 4))
        width = field["q_columns"]
        with code.when(width > 0):
            code.clear(code.unfolded)
            with code.loop(zero, width) as row:
                code.write(code.constant("float", 1), code.element(code.unfolded, row, row))
            with code.loop(zero, field["reflections"]) as i:
                code.unfold(field["reflections"] - 1 - i)
            target = code.at(field["q"], number * rows * width, 4)
            with code.loop(zero, rows) as row, code.loop(zero, width) as c:
                code.write(code.read(code.element(code.unfolded, row, c)),
                           code.at(target, row * width + c, 4))
    return f"""{code.text()}{"".join(code.declarations.values())}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @rl_pool_run(ptr, ptr, i64, i64)
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  ret void
}}
"""
