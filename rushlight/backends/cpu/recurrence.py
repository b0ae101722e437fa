"""Recurrent layers over whole sequences in one native call, there and back.

The input's part of the gates is computed before, for all times at once. What remains runs here:
per step one small product with the state and the gates (`gates.py`). Sequences of a batch know
nothing of each other, so threads share them out and never wait for one another. States are kept
in place: the arrays given as first states hold the final ones at the end.

Rows of all times stand one after the other: step t has `counts[t]` rows from `offsets[t]` on, those
of the longest sequences first, and never more than the batch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import features, jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.gates import BACKWARD, FORWARD, WIDE, Step, writer_of
from rushlight.backends.cpu.rows import _METADATA, KINDS, Operand, RowWriter
from rushlight.backends.cpu.small_product import packed, product_ir, tile_of
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value

Array = Any  # an np.ndarray
WORTH_SHARING = 2e6  # multiplications of a call that are worth waking a thread

# What a call is told, 64 bits each: numbers, then addresses.
NUMBERS = ("steps", "first", "last", "by", "n", "wide", "inner", "panels", "ld", "lds")
ARRAYS = ("counts", "offsets", "weight", "start", "scratch", "x", "g", "e", "y", "hs", "cs", "h",
          "c", "dy", "dx", "da", "dh", "dc")
FIELDS = (*NUMBERS, *ARRAYS)


class _Task(Code):
    """`task(context, begin, end)`: the sequences from begin to end, through all steps."""

    def __init__(self, dtype: str, step: Step) -> None:
        super().__init__("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
        self.kind, self.size = KINDS[dtype]
        self.step = step
        context, self.begin, self.end = self.parameters
        self.field = {name: self.load("i64" if name in NUMBERS else "ptr",
                                      self.at(context, place, 8))
                      for place, name in enumerate(FIELDS)}

    def over_steps(self, body: Callable[[Value, Value], None]) -> None:
        """Run `body` for each step with its number of rows and the number of its first row."""
        field = self.field
        with self.loop(self.integer(0), field["steps"]) as k:
            t = field["first"] + k * field["by"]
            count = self.load("i64", self.at(field["counts"], t, 8))
            rows = self.intrinsic("smin", count, self.end) - self.begin
            with self.when(rows > 0):
                offset = self.load("i64", self.at(field["offsets"], t, 8))
                body(rows, offset + self.begin)

    def row(self, name: str, r: Value) -> Value:
        """Row r of an array."""
        pitch = {"scratch": "ld", "dh": "ld"}.get(
            name, "wide" if name in (*WIDE, "g") else "n")
        return self.at(self.field[name], r * self.field[pitch], self.size)

    def copy(self, target: Value, source: Value) -> None:
        """Copy a row of a state."""
        name = "@llvm.memcpy.p0.p0.i64"
        self.declarations[name] = f"declare void {name}(ptr, ptr, i64, i1)\n"
        count = self.field["n"] * self.size
        self.lines.append(f"call void {name}(ptr {target.text}, ptr {source.text}, "
                          f"i64 {count.text}, i1 false)")

    def product(self, left: Value, lda: str, out: Value, start: Value, rows: Value) -> None:
        """out = start + left @ weight."""
        f = self.field
        self.call("product", left, f[lda], f["weight"], out, f["ld"], start, f["lds"], f["inner"],
                  rows, f["panels"])


def _forward(dtype: str, cell: str) -> Code:
    code = _Task(dtype, FORWARD[cell])
    carried = "c" in code.step.inputs

    def step(rows: Value, first: Value) -> None:
        scratch = code.row("scratch", code.begin)
        code.product(code.row("h", code.begin), "n", scratch, code.field["start"], rows)
        with code.loop(code.integer(0), rows) as r:
            own, place = code.begin + r, first + r
            state = code.row("h", own)
            at = {"x": code.row("x", place), "a": code.row("scratch", own),
                  "c": code.row("c", own), "e": code.row("e", place), "h": state}
            at["g"] = at["x"]  # the gates take the place of what they are computed from
            code.copy(code.row("hs", place), state)
            if carried:
                code.copy(code.row("cs", place), at["c"])
            code.call("cell", *(at[letter] for letter in code.step.letters), code.field["n"])
            code.copy(code.row("y", place), state)

    code.over_steps(step)
    return code


def _backward(dtype: str, cell: str) -> Code:
    code = _Task(dtype, BACKWARD[cell])
    two = "da" in code.step.outputs

    def step(rows: Value, first: Value) -> None:
        with code.loop(code.integer(0), rows) as r:
            own, place = code.begin + r, first + r
            at = {letter: code.row(letter, place) for letter in ("g", "e", "y", "dx", "da")}
            at |= {"h": code.row("hs", place), "c": code.row("cs", place),
                   "dh": code.row("dh", own), "dc": code.row("dc", own)}
            code.call("add", at["dh"], code.row("dy", place), code.field["n"])
            code.call("cell", *(at[letter] for letter in code.step.letters), code.field["n"])
        state = code.row("dh", code.begin)
        direct = "dh" in code.step.outputs
        code.product(code.row("da" if two else "dx", first), "wide", state,
                     state if direct else code.field["start"], rows)

    code.over_steps(step)
    return code


def _row_function(name: str, writer: RowWriter) -> str:
    """A row kernel as a function of its operands' addresses and the length."""
    parameters = ", ".join(f"ptr %a{k}" for k in range(len(writer.operands)))
    body = "\n".join(writer.lines)
    return f"define internal void @{name}({parameters}, i64 %n) nounwind {{\nrow:\n{body}\n" \
           "ret void\n}\n"


def _module(dtype: str, cell: str, back: bool) -> str:
    """`@run(context, batch, grain)`."""
    step = (BACKWARD if back else FORWARD)[cell]
    body, add = writer_of(step, dtype), RowWriter([Operand(dtype, True)] * 2, True)
    add.each(lambda i: add.write(0, add.read(0, i) + add.read(1, i), i))
    code = (_backward if back else _forward)(dtype, cell)
    product, declarations = product_ir(dtype)
    declarations = {**declarations, **code.declarations, **body.declarations}
    return f"""{product}{_row_function("cell", body)}{_row_function("add", add)}{code.text()}
define void @run(ptr %context, i64 %batch, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %batch, i64 %grain)
  ret void
}}
declare void @rl_pool_run(ptr, ptr, i64, i64)
{"".join(sorted(declarations.values()))}{_METADATA}"""


@cache
def _compiled(dtype: str, cell: str, back: bool) -> Callable[[int, int, int], None]:
    (address,) = jit.load(_module(dtype, cell, back), "run",
                          imports={"rl_pool_run": pool_run_address()})
    run: Callable[[int, int, int], None] = ctypes.CFUNCTYPE(
        None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
    return run


def _call(cell: str, back: bool, order: Sequence[int], batch: int, numbers: dict[str, int],
          arrays: dict[str, Array | None]) -> None:
    """Run the steps in `order`, which goes up or down by one."""
    dtype = next(a.dtype.name for name, a in arrays.items() if name == "weight" and a is not None)
    numbers |= {"steps": len(order), "first": order[0], "by": 1 if order[-1] >= order[0] else -1}
    block = np.array([numbers.get(name, 0) for name in NUMBERS] + [
        0 if arrays.get(name) is None else arrays[name].ctypes.data  # type: ignore[union-attr]
        for name in ARRAYS], np.int64)
    work = len(order) * batch * numbers["inner"] * numbers["ld"]
    threads = features.get_num_threads() if work >= WORTH_SHARING else 1
    _compiled(dtype, cell, back)(block.ctypes.data, batch, max(1, -(-batch // threads)))


def forward(cell: str, x: Array, weight: Array, bias: Array | None, h: Array, c: Array | None,
            counts: Array, offsets: Array, order: Sequence[int]) -> tuple[Array, ...]:
    """Run a layer; returns (y, states before each step, of c likewise, e).

    x: (rows, gates * n), overwritten by the gates. weight: (gates * n, n). h, c: (batch, n),
    overwritten by the final states. counts, offsets: int64. All contiguous and of one dtype.
    """
    batch, n = h.shape
    width = tile_of(x.dtype.name).width
    panels = packed(weight.T, width)
    ld = len(panels) * width
    start = np.zeros(ld, x.dtype)
    if bias is not None:
        start[: len(bias)] = bias
    outputs = FORWARD[cell].outputs
    y, hs = (np.empty((len(x), n), x.dtype) for _ in range(2))
    cs = np.empty_like(y) if "c" in outputs else None
    e = np.empty_like(y) if "e" in outputs else None
    _call(cell, False, order, batch,
          {"n": n, "wide": x.shape[1], "inner": n, "panels": len(panels), "ld": ld, "lds": 0},
          {"counts": counts, "offsets": offsets, "weight": panels, "start": start,
           "scratch": np.empty((batch, ld), x.dtype), "x": x, "e": e, "y": y, "hs": hs, "cs": cs,
           "h": h, "c": c})
    return y, hs, cs, e


def backward(cell: str, dy: Array, dh: Array, dc: Array | None, weight: Array, g: Array,
             saved: Sequence[Array | None], counts: Array, offsets: Array,
             order: Sequence[int]) -> tuple[Array, Array, Array]:
    """The gradients (dx, da, dh) of a layer; da is dx where the two do not differ.

    saved: what `forward` returned; g: the gates. dc is overwritten by the first state's gradient.
    """
    y, hs, cs, e = saved
    batch, n = dh.shape
    width = tile_of(g.dtype.name).width
    panels = packed(weight, width)
    ld = len(panels) * width
    state = np.zeros((batch, ld), g.dtype)
    state[:, :n] = dh
    dx = np.empty_like(g)
    da = np.empty_like(g) if "da" in BACKWARD[cell].outputs else dx
    direct = "dh" in BACKWARD[cell].outputs
    _call(cell, True, order, batch,
          {"n": n, "wide": g.shape[1], "inner": len(weight), "panels": len(panels), "ld": ld,
           "lds": ld if direct else 0},
          {"counts": counts, "offsets": offsets, "weight": panels, "start": np.zeros(ld, g.dtype),
           "g": g, "e": e, "y": y, "hs": hs, "cs": cs, "dy": dy, "dx": dx, "da": da, "dh": state,
           "dc": dc})
    return dx, da, state[:, :n]
