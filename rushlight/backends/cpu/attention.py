"""Attention in one native call, there and back, without a matrix of all scores.

A thread takes one head of keys and values at a time and all queries that look at it, some rows of
scores at once: products, softmax and products again run on what lies in the nearest caches. The
gradient computes the scores anew from the logarithm of each row's sum (Dao et al., 2022). Keys
that a causal mask hides from all rows of a block are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import features, task
from rushlight.backends.cpu import mathematics as m
from rushlight.backends.cpu.rows import RowWriter
from rushlight.backends.cpu.small_product import product_ir, tile_of
from rushlight.backends.cpu.values import Value, select

Array = Any  # an np.ndarray
BLOCK, LEAST, SCORES = 32, 8, 1 << 16  # rows of scores at once: most, fewest; elements of them
INF = float("inf")

# Arrays are (batch, heads, time, dim); q_b, q_h, q_t: elements from one to the next in `q`, and so
# on. nk_, d_, dv_: sizes rounded up to whole panels.
STRIDED = ("q", "k", "v", "o", "mask", "go", "gq", "gk", "gv")
FIELDS = (("single", "group", "heads", "nq", "nk", "d", "dv", "nk_", "d_", "dv_", "block", "causal",
           "space", "places", *(f"{name}_{axis}" for name in STRIDED for axis in "bht")),
          (*STRIDED, "lse", "scale", "one", "zero", "lowest", "workspace", "taken"))
# What a thread works in, forward and backward: rows and columns of each part.
PARTS = {
    False: {"keys": ("nk_", "d"), "values": ("nk", "dv_"), "scores": ("block", "nk_"),
            "sums": ("block", "dv_"), "factor": ("block", "single"), "shift": ("block", "single")},
    True: {"keys": ("nk_", "d"), "rows": ("nk", "d_"), "values": ("nk_", "dv"),
           "scores": ("block", "nk_"), "slopes": ("block", "nk_"), "queries": ("block", "d_"),
           "sums": ("block", "dv_"), "gq": ("block", "d_"), "gk": ("nk", "d_"),
           "gv": ("nk", "dv_"), "delta": ("block", "single")},
}


# ---- what happens to a row of scores


def _masked(row: RowWriter) -> None:
    """(scores, mask, scale): scores * scale + mask"""
    scale = row.scalar(2)
    row.each(lambda i: row.write(0, row.read(0, i) * scale + row.read(1, i), i))


def _softmax(row: RowWriter) -> None:
    """(scores, scale, shift, total): scores become e^(x - shift), total is their sum"""
    kind, scale = row.operands[0].kind, row.scalar(1)
    largest = row.maximum(kind, lambda i: row.read(0, i) * scale)
    shift = select(largest.equals(-INF), 0, largest)

    def power(i: Value) -> Value:
        e = m.exp(row.read(0, i) * scale - shift)
        row.write(0, e, i)
        return e

    row.write(2, shift)
    row.write(3, row.sum(power, kind))


def _finish(row: RowWriter) -> None:
    """(total, shift, lse): total becomes the factor 1 / total; for all rows of a block. Rows that
    may look nowhere get 0 and inf, which makes zeros of them there and back"""

    def element(i: Value) -> None:
        total = row.read(0, i)
        nothing = total.equals(0)
        row.write(2, select(nothing, INF, m.log(total) + row.read(1, i)), i)
        row.write(0, select(nothing, 0, 1 / total), i)

    row.each(element)


def _slopes(row: RowWriter) -> None:
    """(scores, scale, lse, gradients, delta, whole): scores become probabilities, gradients of
    these those of the products of queries and keys, which `whole` multiplies at last"""
    scale, lse, delta, whole = (row.scalar(k) for k in (1, 2, 4, 5))

    def element(i: Value) -> None:
        p = m.exp(row.read(0, i) * scale - lse)
        row.write(3, p * (row.read(3, i) - delta) * whole, i)
        row.write(0, p, i)

    row.each(element)


def _scaled(row: RowWriter) -> None:
    """(out, x, factor): out = x * factor"""
    factor = row.scalar(2)
    row.each(lambda i: row.write(0, row.read(1, i) * factor, i))


def _inner(row: RowWriter) -> None:
    """(a, b, total): total = sum a b"""
    kind = row.operands[0].kind
    row.write(2, row.sum(lambda i: row.read(0, i) * row.read(1, i), kind))


# ---- what happens to a head


class _Heads(task.Task):
    """`task(context, begin, end)`: heads of keys and values, numbered through all batches."""

    def __init__(self, dtype: str, masked: bool, parts: dict[str, tuple[str, str]]) -> None:
        super().__init__(dtype, *FIELDS)
        self.masked, self.width = masked, tile_of(dtype).width
        self.zero, self.one = self.integer(0), self.integer(1)
        f = self.field
        own = self.slot("i64")
        self.call("claim", f["taken"], f["places"], own)
        self.place = self.load("i64", own)
        free = self.at(f["workspace"], self.place * f["space"], self.size)
        self.part = {}
        for name, (rows, columns) in parts.items():
            self.part[name] = free
            free = self.at(free, f[rows] * f[columns], self.size)

    def row(self, name: str, b: Value, h: Value, t: Value) -> Value:
        """The address of a row (batch, head, time)."""
        f = self.field
        where = b * f[f"{name}_b"] + h * f[f"{name}_h"] + t * f[f"{name}_t"]
        return self.at(f[name], where, self.size)

    def pack(self, target: Value, source: Value, pitch: Value, rows: Value, columns: Value,
             room: Value) -> None:
        """A matrix into panels of `room` rows each; `pitch`: elements from row to row."""
        with self.loop(self.zero, columns, self.width) as c:
            count = self.intrinsic("smin", columns - c, self.integer(self.width))
            with self.when(count < self.width):
                self.clear(self.at(target, c * room, self.size), rows * self.width)
            with self.loop(self.zero, rows) as r:
                self.copy(self.at(target, c * room + r * self.width, self.size),
                          self.at(source, r * pitch + c, self.size), count)

    def pack_turned(self, target: Value, source: Value, pitch: Value, rows: Value,
                    columns: Value) -> None:
        """The transpose of a matrix into panels of `columns` rows each."""
        last = rows & -self.width
        with self.when(rows.differs(last)):
            self.clear(self.at(target, last * columns, self.size), columns * self.width)
        with self.loop(self.zero, rows) as r:
            lane = r & (self.width - 1)
            panel = self.at(target, (r - lane) * columns + lane, self.size)
            self.call("scatter", panel, self.at(source, r * pitch, self.size), columns)

    def whole(self, columns: Value) -> Value:
        """How many panels so many columns fill."""
        bits = self.width.bit_length() - 1
        return (columns + (self.width - 1)) >> bits

    def product(self, a: Value, lda: Value, step: Value, b: Value, ldb: Value, out: Value,
                ldo: Value, inner: Value, rows: Value, columns: Value, add: bool = False) -> None:
        """out = a @ b, or out + a @ b, for `columns` rounded up to whole panels."""
        start, lds = (out, ldo) if add else (self.field["zero"], self.zero)
        self.call("product", a, lda, step, b, ldb, out, ldo, start, lds, inner, rows,
                  self.whole(columns))

    def over_heads(self, before: Callable[[Value, Value], None],
                   block: Callable[[Value, Value, Value, Value, Value], None],
                   after: Callable[[Value, Value], None]) -> None:
        """For each head of keys: `before(b, kv)`; `block(b, h, first, rows, keys)` for all blocks
        of rows of all its heads of queries; `after(b, kv)`."""
        f = self.field
        with self.loop(self.begin, self.end) as index:
            b = self.emit("i64", f"sdiv i64 {index.text}, {f['heads'].text}")
            kv = index - b * f["heads"]
            before(b, kv)
            with self.loop(self.zero, f["group"]) as g:
                h = kv * f["group"] + g
                with self.loop(self.zero, f["nq"], f["block"]) as first:
                    rows = self.intrinsic("smin", f["block"], f["nq"] - first)
                    block(b, h, first, rows, self.seen(first + rows))
            after(b, kv)
        self.call("leave", f["taken"], self.place)

    def seen(self, end: Value) -> Value:
        """How many keys the queries before `end` look at."""
        f = self.field
        causal = self.intrinsic("smin", f["nk"], end)
        return select(f["causal"].differs(0), causal, f["nk"])

    def prepare(self, scores: Value, b: Value, h: Value, t: Value) -> Value:
        """Add the mask to the scores of a row, and hide what lies behind its keys up to where a
        vector ends; returns that length. Vector loops are far quicker without a rest."""
        own = self.seen(t + 1)
        if self.masked:
            self.call("masked", scores, self.row("mask", b, h, t), self.field["scale"], own)
        up = (own + (self.width - 1)) & -self.width
        self.copy(self.at(scores, own, self.size), self.field["lowest"], up - own)
        return up

    def clear_after(self, scores: Value, own: Value, keys: Value) -> None:
        """Set to zero what a product up to `keys` would read after a row's own part."""
        with self.when(own < keys):
            self.clear(self.at(scores, own, self.size), keys - own)

    @property
    def factor(self) -> Value:
        """What a row's kernel multiplies the scores by: the mask's kernel has done so before."""
        return self.field["one" if self.masked else "scale"]

    def number(self, name: str, b: Value, h: Value, t: Value) -> Value:
        """The address of a row's number in a contiguous (batch, heads, time)."""
        f = self.field
        head = b * (f["heads"] * f["group"]) + h
        return self.at(f[name], head * f["nq"] + t, self.size)


def _forward(dtype: str, masked: bool) -> _Heads:
    code = _Heads(dtype, masked, PARTS[False])
    f, part = code.field, code.part

    def before(b: Value, kv: Value) -> None:
        code.pack_turned(part["keys"], code.row("k", b, kv, code.zero), f["k_t"], f["nk"], f["d"])
        code.pack(part["values"], code.row("v", b, kv, code.zero), f["v_t"], f["nk"], f["dv"],
                  f["nk"])

    def block(b: Value, h: Value, first: Value, rows: Value, keys: Value) -> None:
        code.product(code.row("q", b, h, first), f["q_t"], code.one, part["keys"], f["d"],
                     part["scores"], f["nk_"], f["d"], rows, keys)
        with code.loop(code.zero, rows) as r:
            t = first + r
            scores = code.at(part["scores"], r * f["nk_"], code.size)
            own = code.prepare(scores, b, h, t)
            code.call("softmax", scores, code.factor, code.at(part["shift"], r, code.size),
                      code.at(part["factor"], r, code.size), own)
            code.clear_after(scores, own, keys)
        code.call("finish", part["factor"], part["shift"], code.number("lse", b, h, first), rows)
        code.product(part["scores"], f["nk_"], code.one, part["values"], f["nk"], part["sums"],
                     f["dv_"], keys, rows, f["dv"])
        with code.loop(code.zero, rows) as r:
            code.call("scaled", code.row("o", b, h, first + r),
                      code.at(part["sums"], r * f["dv_"], code.size),
                      code.at(part["factor"], r, code.size), f["dv"])

    code.over_heads(before, block, lambda b, kv: None)
    return code


def _backward(dtype: str, masked: bool) -> _Heads:
    code = _Heads(dtype, masked, PARTS[True])
    f, part = code.field, code.part

    def before(b: Value, kv: Value) -> None:
        k, v = (code.row(name, b, kv, code.zero) for name in "kv")
        code.pack_turned(part["keys"], k, f["k_t"], f["nk"], f["d"])
        code.pack(part["rows"], k, f["k_t"], f["nk"], f["d"], f["nk"])
        code.pack_turned(part["values"], v, f["v_t"], f["nk"], f["dv"])
        code.clear(part["gk"], f["nk"] * f["d_"])
        code.clear(part["gv"], f["nk"] * f["dv_"])

    def block(b: Value, h: Value, first: Value, rows: Value, keys: Value) -> None:
        q, go = code.row("q", b, h, first), code.row("go", b, h, first)
        scores, slopes = part["scores"], part["slopes"]
        code.product(q, f["q_t"], code.one, part["keys"], f["d"], scores, f["nk_"], f["d"], rows,
                     keys)
        code.product(go, f["go_t"], code.one, part["values"], f["dv"], slopes, f["nk_"], f["dv"],
                     rows, keys)
        with code.loop(code.zero, rows) as r:
            t, delta = first + r, code.at(part["delta"], r, code.size)
            code.call("inner", code.row("go", b, h, t), code.row("o", b, h, t), delta, f["dv"])
            both = [code.at(x, r * f["nk_"], code.size) for x in (scores, slopes)]
            own = code.prepare(both[0], b, h, t)
            code.call("slopes", both[0], code.factor, code.number("lse", b, h, t), both[1], delta,
                      f["scale"], own)
            for x in both:
                code.clear_after(x, own, keys)
        code.product(slopes, f["nk_"], code.one, part["rows"], f["nk"], part["gq"], f["d_"], keys,
                     rows, f["d"])
        with code.loop(code.zero, rows) as r:
            code.copy(code.row("gq", b, h, first + r),
                      code.at(part["gq"], r * f["d_"], code.size), f["d"])
        code.pack(part["queries"], q, f["q_t"], rows, f["d"], f["block"])
        code.product(slopes, code.one, f["nk_"], part["queries"], f["block"], part["gk"], f["d_"],
                     rows, keys, f["d"], add=True)
        code.pack(part["sums"], go, f["go_t"], rows, f["dv"], f["block"])
        code.product(scores, code.one, f["nk_"], part["sums"], f["block"], part["gv"], f["dv_"],
                     rows, keys, f["dv"], add=True)

    def after(b: Value, kv: Value) -> None:
        with code.loop(code.zero, f["nk"]) as t:
            for name, pitch, count in (("gk", "d_", "d"), ("gv", "dv_", "dv")):
                code.copy(code.row(name, b, kv, t), code.at(part[name], t * f[pitch], code.size),
                          f[count])

    code.over_heads(before, block, after)
    return code


def _scatter(dtype: str) -> tuple[str, dict[str, str]]:
    """`scatter(target, source, n)`: elements to one lane of n rows of a panel."""
    kind, width = {"float32": "float", "float64": "double"}[dtype], tile_of(dtype).width
    return f"""define internal void @scatter(ptr %target, ptr %source, i64 %n) nounwind {{
entry:
  br label %each
each:
  %i = phi i64 [0, %entry], [%next, %each]
  %from = getelementptr {kind}, ptr %source, i64 %i
  %x = load {kind}, ptr %from
  %place = mul nuw nsw i64 %i, {width}
  %to = getelementptr {kind}, ptr %target, i64 %place
  store {kind} %x, ptr %to
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %each, label %end
end:
  ret void
}}
""", {}


@cache
def _compiled(dtype: str, back: bool, masked: bool) -> Callable[[bytes, int, int], None]:
    code = (_backward if back else _forward)(dtype, masked)
    rows: list[tuple[str, str, Callable[[RowWriter], None]]] = [("masked", "rrs", _masked)]
    rows += [("slopes", "rssrss", _slopes), ("inner", "rrs", _inner)] if back else [
        ("softmax", "rsss", _softmax), ("finish", "rrr", _finish), ("scaled", "rrs", _scaled)]
    return task.compiled([product_ir(dtype), _scatter(dtype), (task.CLAIM, {}),
                          (code.text(), code.declarations),
                          *(task.row_function(name, dtype, of, body) for name, of, body in rows)])


@lru_cache(maxsize=256)
def _constant(value: float, count: int, dtype: np.dtype) -> Array:
    """An array of one number, which no kernel writes to."""
    return np.full(count, value, dtype)


class Plan(NamedTuple):
    """All about a call but its arrays, which a program makes with the same shapes for ever."""

    fields: bytes  # the numbers that the task is told
    pieces: int  # of work, and how many of them a thread takes at once
    grain: int
    places: int  # threads with a workspace of `space` elements of their own
    space: int
    zeros: int  # elements of the longest row
    width: int  # elements of a vector


Layout = tuple[str, tuple[int, ...], tuple[int, ...]]  # of an operand: letter, shape, strides


@lru_cache(maxsize=1024)
def _plan(back: bool, causal: bool, name: str, threads: int, layouts: tuple[Layout, ...]) -> Plan:
    """The plan of a call on operands that lie so, `layouts` beginning with q, k, v."""
    size = 4 if name == "float32" else 8
    (_, (batch, heads, nq, d), _), (_, (_, own, nk, _), _), (_, (*_, dv), _) = layouts[:3]
    width = tile_of(name).width
    nk_, d_, dv_ = (-(-extent // width) * width for extent in (nk, d, dv))
    numbers = {"single": 1, "group": heads // own, "heads": own, "nq": nq, "nk": nk, "d": d,
               "dv": dv, "nk_": nk_, "d_": d_, "dv_": dv_, "causal": int(causal),
               "block": min(nq, max(LEAST, min(BLOCK, SCORES // nk_)))}
    for letter, _, strides in layouts:
        for way, stride in zip("bht", strides[:3], strict=True):
            numbers[f"{letter}_{way}"] = stride // size
    count = batch * own
    grain = task.grain_of(count, count * (heads // own) * nq * nk * (d + dv))
    numbers["places"] = places = min(-(-count // grain), threads)
    numbers["space"] = space = sum([numbers[rows] * numbers[columns]
                                    for rows, columns in PARTS[back].values()])
    return Plan(task.context(numbers, {}, (FIELDS[0], ())), count, grain, places, space,
                max(nk_, d_, dv_), width)


def _call(back: bool, mask: Array | None, scale: float, causal: bool,
          arrays: dict[str, Array]) -> None:
    dtype = arrays["q"].dtype
    name = "float32" if dtype.char == "f" else "float64"
    if mask is not None:
        arrays["mask"] = mask
    plan = _plan(back, causal, name, features.get_num_threads(), tuple(
        [(letter, x.shape, x.strides) for letter, x in arrays.items() if letter != "lse"]))
    arrays |= {"scale": _constant(scale, 1, dtype), "one": _constant(1, 1, dtype),
               "zero": _constant(0, plan.zeros, dtype),
               "lowest": _constant(-INF, plan.width, dtype),
               "workspace": np.empty(plan.places * plan.space, dtype),
               "taken": np.zeros(plan.places, np.int64)}
    fields = plan.fields + task.context({}, arrays, ((), FIELDS[1]))
    _compiled(name, back, mask is not None)(fields, plan.pieces, plan.grain)


def forward(q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float,
            ) -> tuple[Array, Array]:
    """(output, logarithm of each row's sum); see `backends/attention.py` for the arguments."""
    batch, heads, nq, _ = q.shape
    # Time before heads, so that joining the heads of a position takes no copy.
    out = np.empty((batch, nq, heads, v.shape[3]), q.dtype).swapaxes(1, 2)
    lse = np.empty((batch, heads, nq), q.dtype)
    _call(False, mask, scale, causal, {"q": q, "k": k, "v": v, "o": out, "lse": lse})
    return out, lse


def backward(gradient: Array, q: Array, k: Array, v: Array, mask: Array | None, causal: bool,
             scale: float, out: Array, lse: Array) -> tuple[Array, Array, Array]:
    """The gradients of q, k and v."""
    gq, gk, gv = (np.empty(x.swapaxes(1, 2).shape, x.dtype).swapaxes(1, 2) for x in (q, k, v))
    _call(True, mask, scale, causal, {"q": q, "k": k, "v": v, "o": out, "lse": lse, "go": gradient,
                                      "gq": gq, "gk": gk, "gv": gv})
    return gq, gk, gv
