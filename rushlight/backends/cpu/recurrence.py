"""Recurrent layers over whole sequences in one native call, there and back.

The input's part of the gates is computed before, for all times at once. What remains runs here:
per step one small product with the state and the gates (`gates.py`). Sequences of a batch know
nothing of each other, so threads share them out and never wait for one another. States are kept
in place: the arrays given as first states hold the final ones at the end.

Rows of all times stand one after the other: step t has `counts[t]` rows from `offsets[t]` on, those
of the longest sequences first, and never more than the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.cpu import task
from rushlight.backends.cpu.gates import BACKWARD, FORWARD, WIDE, Row, Step
from rushlight.backends.cpu.rows import RowWriter
from rushlight.backends.cpu.small_product import packed, product_ir, tile_of
from rushlight.backends.cpu.values import Value
from rushlight.base.dtypes import NAMES

Array = Any  # an np.ndarray

# What a call is told: numbers, and arrays by the letters of `gates.py`; hs and cs are the states
# before each step, y and dy the outputs and their gradients.
FIELDS = (("steps", "first", "by", "n", "wide", "inner", "panels", "ld", "lds"),
          ("counts", "offsets", "weight", "start", "scratch", "x", "g", "e", "y", "hs", "cs", "h",
           "c", "dy", "dx", "da", "dh", "dc"))


class _Sequences(task.Task):
    """`task(context, begin, end)`: the sequences from begin to end, through all steps."""

    def __init__(self, dtype: str, step: Step) -> None:
        super().__init__(dtype, *FIELDS)
        self.step = step

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

    def product(self, left: Value, lda: str, out: Value, start: Value, rows: Value) -> None:
        """out = start + left @ weight."""
        f = self.field
        self.call("product", left, f[lda], self.integer(1), f["weight"], f["inner"], out, f["ld"],
                  start, f["lds"], f["inner"], rows, f["panels"])


def _forward(dtype: str, cell: str) -> _Sequences:
    code = _Sequences(dtype, FORWARD[cell])
    carried, n = "c" in code.step.inputs, code.field["n"]

    def step(rows: Value, first: Value) -> None:
        scratch = code.row("scratch", code.begin)
        code.product(code.row("h", code.begin), "n", scratch, code.field["start"], rows)
        with code.loop(code.integer(0), rows) as r:
            own, place = code.begin + r, first + r
            state = code.row("h", own)
            at = {"x": code.row("x", place), "a": code.row("scratch", own),
                  "c": code.row("c", own), "e": code.row("e", place), "h": state}
            at["g"] = at["x"]  # the gates take the place of what they are computed from
            code.copy(code.row("hs", place), state, n)
            if carried:
                code.copy(code.row("cs", place), at["c"], n)
            code.call("cell", *(at[letter] for letter in code.step.letters), n)
            code.copy(code.row("y", place), state, n)

    code.over_steps(step)
    return code


def _backward(dtype: str, cell: str) -> _Sequences:
    code = _Sequences(dtype, BACKWARD[cell])
    two, n = "da" in code.step.outputs, code.field["n"]

    def step(rows: Value, first: Value) -> None:
        with code.loop(code.integer(0), rows) as r:
            own, place = code.begin + r, first + r
            at = {letter: code.row(letter, place) for letter in ("g", "e", "y", "dx", "da")}
            at |= {"h": code.row("hs", place), "c": code.row("cs", place),
                   "dh": code.row("dh", own), "dc": code.row("dc", own)}
            code.call("add", at["dh"], code.row("dy", place), n)
            code.call("cell", *(at[letter] for letter in code.step.letters), n)
        state = code.row("dh", code.begin)
        direct = "dh" in code.step.outputs
        code.product(code.row("da" if two else "dx", first), "wide", state,
                     state if direct else code.field["start"], rows)

    code.over_steps(step)
    return code


def _add(row: RowWriter) -> None:
    """(a, b) -> a + b, in the place of a"""
    row.each(lambda i: row.write(0, row.read(0, i) + row.read(1, i), i))


@cache
def _compiled(dtype: str, cell: str, back: bool) -> Callable[[bytes, int, int], None]:
    code = (_backward if back else _forward)(dtype, cell)
    step = code.step
    return task.compiled([
        product_ir(dtype), task.row_function("add", dtype, "rr", _add),
        task.row_function("cell", dtype, "r" * len(step.letters),
                          lambda writer: step.body(Row(writer, step))),
        (code.text(), code.declarations)])


def _call(cell: str, back: bool, order: Sequence[int], batch: int, numbers: dict[str, int],
          arrays: dict[str, Array | None]) -> None:
    """Run the steps in `order`, which goes up or down by one."""
    given = {name: array for name, array in arrays.items() if array is not None}
    numbers |= {"steps": len(order), "first": order[0], "by": 1 if order[-1] >= order[0] else -1}
    block = task.context(numbers, given, FIELDS)
    work = len(order) * batch * numbers["inner"] * numbers["ld"]
    run = _compiled(NAMES[given["weight"].dtype], cell, back)
    run(block, batch, task.grain_of(batch, work, tile_of(NAMES[given["weight"].dtype]).rows))


def forward(cell: str, x: Array, weight: Array, bias: Array | None, h: Array, c: Array | None,
            counts: Array, offsets: Array, order: Sequence[int]) -> tuple[Array, ...]:
    """Run a layer; returns (y, states before each step, of c likewise, e).

    x: (rows, gates * n), overwritten by the gates. weight: (gates * n, n). h, c: (batch, n),
    overwritten by the final states. counts, offsets: int64. All contiguous and of one dtype.
    """
    batch, n = h.shape
    width = tile_of(NAMES[x.dtype]).width
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
    width = tile_of(NAMES[g.dtype]).width
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
