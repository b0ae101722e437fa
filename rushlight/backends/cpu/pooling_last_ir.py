"""The native code of pooling with the channels last in memory: vectors of channels, box by box.

A task is a sample and `BLOCK` of its channels. What a window makes of its places is gathered in
the row of the result itself, which the nearest cache holds.
"""

from __future__ import annotations

from rushlight.backends.cpu.average_pooling_ir import count_loop, rows_of_windows, span_ir
from rushlight.backends.cpu.pooling_ir import TYPES, call_ir, scopes

BLOCK = 64  # channels of a task
NUMBERS = ("I0", "I1", "I2", "O0", "O1", "O2", "C", "blocks")
_READ, _WRITE = "!alias.scope !2, !noalias !4", "!alias.scope !4, !noalias !2"
_PLACE = "!alias.scope !5, !noalias !6"


def largest_ir(kind: str) -> str:
    """(samples, windows, channels) of the largest elements, and of their places in the plane."""
    t = TYPES[kind]
    first = f"""
  %f0 = mul i64 %s0.first, %image
  %f1 = mul i64 %s1.first, %I2
  %f01 = add i64 %f0, %f1
  %f = add i64 %f01, %s2.first
  %f.c = mul i64 %f, %C
  %x.f = getelementptr {t}, ptr %x, i64 %f.c""" + _channels("a", f"""
  %a.x = getelementptr {t}, ptr %x.f, i64 %a
  %a.v = load {t}, ptr %a.x, {_READ}
  %a.y = getelementptr {t}, ptr %y.w, i64 %a
  store {t} %a.v, ptr %a.y, {_WRITE}
  %a.n = getelementptr i64, ptr %n.w, i64 %a
  store i64 %f, ptr %a.n, {_PLACE}""", "o2.body")
    rest = _places_of_window(t, f"""
  %c.x = getelementptr {t}, ptr %x.at, i64 %c
  %v = load {t}, ptr %c.x, {_READ}
  %c.y = getelementptr {t}, ptr %y.w, i64 %c
  %best = load {t}, ptr %c.y, {_WRITE}
  %c.n = getelementptr i64, ptr %n.w, i64 %c
  %best.at = load i64, ptr %c.n, {_PLACE}
  %larger = fcmp ogt {t} %v, %best
  %nan = fcmp uno {t} %v, 0.0
  %better = or i1 %larger, %nan
  %new = select i1 %better, {t} %v, {t} %best
  %new.at = select i1 %better, i64 %at, i64 %best.at
  store {t} %new, ptr %c.y, {_WRITE}
  store i64 %new.at, ptr %c.n, {_PLACE}""", "a.end")
    return _task(t, ("source", "target", "places", "spans"), rows_of_windows(
        _sample(t, "source", "target", "places"), _windows(t, first + rest, places=True)))


def average_ir(kind: str) -> str:
    """(samples, windows, channels) of means."""
    t = TYPES[kind]
    clear = _channels("a", f"""
  %a.y = getelementptr {t}, ptr %y.w, i64 %a
  store {t} 0.0, ptr %a.y, {_WRITE}""", "o2.body")
    add = _places_of_window(t, f"""
  %c.x = getelementptr {t}, ptr %x.at, i64 %c
  %v = load {t}, ptr %c.x, {_READ}
  %c.y = getelementptr {t}, ptr %y.w, i64 %c
  %sum = load {t}, ptr %c.y, {_WRITE}
  %new = fadd {t} %sum, %v
  store {t} %new, ptr %c.y, {_WRITE}""", "a.end")
    divide = _channels("e", f"""
  %e.y = getelementptr {t}, ptr %y.w, i64 %e
  %e.v = load {t}, ptr %e.y, {_WRITE}
  %mean = fdiv {t} %e.v, %d
  store {t} %mean, ptr %e.y, {_WRITE}""", "i0.end")
    return _task(t, ("source", "target", "spans", "divisors"), rows_of_windows(
        _sample(t, "source", "target"), _windows(t, _divisor(t) + clear + add + divide)))


def spread_ir(kind: str) -> str:
    """The transpose of `average_ir`: each window's share to all its places."""
    t = TYPES[kind]
    share = _channels("a", f"""
  %a.y = getelementptr {t}, ptr %y.w, i64 %a
  %a.v = load {t}, ptr %a.y, {_READ}
  %share = fdiv {t} %a.v, %d
  %a.r = getelementptr {t}, ptr %row, i64 %a
  store {t} %share, ptr %a.r""", "o2.body")
    add = _places_of_window(t, f"""
  %c.x = getelementptr {t}, ptr %x.at, i64 %c
  %old = load {t}, ptr %c.x, {_WRITE}
  %c.r = getelementptr {t}, ptr %row, i64 %c
  %more = load {t}, ptr %c.r
  %new = fadd {t} %old, %more
  store {t} %new, ptr %c.x, {_WRITE}""", "a.end")
    return _task(t, ("source", "target", "spans", "divisors"), rows_of_windows(
        _sample(t, "target", "source") + _zeros(t), _windows(t, _divisor(t) + share + add),
        "z.end"))


def scatter_ir(kind: str) -> str:
    """Each element of (samples, windows, channels) added to its place in planes of zeros."""
    t = TYPES[kind]
    body = count_loop("w", "0", "%windows", f"""
  %w.c = mul i64 %w, %C
  %y.w = getelementptr {t}, ptr %y, i64 %w.c
  %n.w = getelementptr i64, ptr %n, i64 %w.c""" + _channels("c", f"""
  %c.n = getelementptr i64, ptr %n.w, i64 %c
  %at = load i64, ptr %c.n, {_PLACE}
  %c.y = getelementptr {t}, ptr %y.w, i64 %c
  %g = load {t}, ptr %c.y, {_READ}
  %at.c = mul i64 %at, %C
  %there = add i64 %at.c, %c
  %c.x = getelementptr {t}, ptr %x, i64 %there
  %old = load {t}, ptr %c.x, {_WRITE}
  %new = fadd {t} %old, %g
  store {t} %new, ptr %c.x, {_WRITE}""", "w.body"), "z.end")
    return _task(t, ("source", "places", "target"),
                 _sample(t, "target", "source", "places") + _zeros(t) + body)


def _task(t: str, arrays: tuple[str, ...], body: str) -> str:
    loads = "".join(f"""
  %{name}.slot = getelementptr i64, ptr %context, i64 {i}
  %{name} = load {'ptr' if name in arrays else 'i64'}, ptr %{name}.slot"""
                    for i, name in enumerate(arrays + NUMBERS))
    return f"""
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.smin.i64(i64, i64)

define internal void @task(ptr noalias %context, i64 %begin, i64 %end) {{
entry:{loads}
  %row = alloca [{BLOCK} x {t}], align 64
  %image = mul i64 %I1, %I2
  %size = mul i64 %I0, %image
  %windows.image = mul i64 %O1, %O2
  %windows = mul i64 %O0, %windows.image
  %begin1 = add i64 %O0, 0
  %begin2 = add i64 %O0, %O1
  br label %start
start:{count_loop("p", "%begin", "%end", body, "start")}
  ret void
}}
{scopes()}{call_ir(len(arrays), len(NUMBERS))}"""


def _sample(t: str, elements: str, windows: str, places: str = "") -> str:
    """%x and %y, where the task's channels of its sample begin; %count: how many there are."""
    return f"""
  %sample = udiv i64 %p, %blocks
  %block = urem i64 %p, %blocks
  %channel = mul i64 %block, {BLOCK}
  %left = sub i64 %C, %channel
  %count = call i64 @llvm.smin.i64(i64 %left, i64 {BLOCK})
  %x.places = mul i64 %sample, %size
  %x.rows = mul i64 %x.places, %C
  %x.skip = add i64 %x.rows, %channel
  %x = getelementptr {t}, ptr %{elements}, i64 %x.skip
  %y.places = mul i64 %sample, %windows
  %y.rows = mul i64 %y.places, %C
  %y.skip = add i64 %y.rows, %channel
  %y = getelementptr {t}, ptr %{windows}, i64 %y.skip""" + (f"""
  %n = getelementptr i64, ptr %{places}, i64 %y.skip""" if places else "")


def _channels(name: str, body: str, before: str) -> str:
    return count_loop(name, "0", "%count", body, before)


def _zeros(t: str) -> str:
    """Clear the task's channels of all places."""
    size = {"float": 4, "double": 8}[t]
    return f"""
  %bytes = mul i64 %count, {size}""" + count_loop("z", "0", "%size", f"""
  %z.c = mul i64 %z, %C
  %z.x = getelementptr {t}, ptr %x, i64 %z.c
  call void @llvm.memset.p0.i64(ptr %z.x, i8 0, i64 %bytes, i1 false)""", "p.body")


def _windows(t: str, body: str, places: bool = False) -> str:
    """`body` for each window of a row, whose channels begin at %y.w and their places at %n.w."""
    return count_loop("o2", "0", "%O2", span_ir("s2", "%begin2", "%o2") + f"""
  %w = add i64 %cell, %o2
  %w.c = mul i64 %w, %C
  %y.w = getelementptr {t}, ptr %y, i64 %w.c""" + ("""
  %n.w = getelementptr i64, ptr %n, i64 %w.c""" if places else "") + body, "o1.body")


def _divisor(t: str) -> str:
    return f"""
  %d.p = getelementptr {t}, ptr %divisors, i64 %w
  %d = load {t}, ptr %d.p"""


def _places_of_window(t: str, body: str, before: str) -> str:
    """`body` for each channel %c of each place %at that a window sees; they begin at %x.at."""
    inner = count_loop("i2", "%s2.first", "%s2.last", f"""
  %at = add i64 %row.at, %i2
  %at.c = mul i64 %at, %C
  %x.at = getelementptr {t}, ptr %x, i64 %at.c""" + _channels("c", body, "i2.body"), "i1.body")
    middle = count_loop("i1", "%s1.first", "%s1.last", """
  %line.in = mul i64 %i1, %I2
  %row.at = add i64 %image.at, %line.in""" + inner, "i0.body")
    return count_loop("i0", "%s0.first", "%s0.last", """
  %image.at = mul i64 %i0, %image""" + middle, before)
