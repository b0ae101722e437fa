"""The sum of a whole contiguous array, at the speed of memory: one call, in one task of the pool.

The array is cut into chunks whose sums are added in order, so that the result depends on its size
alone. Only four numbers at a time are added at working precision, in pairs; the rest is done in
double, and what the additions of chunks lose is kept beside (Knuth, TAOCP 2, 4.2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import pack

import ml_dtypes
import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.features import has_half
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value
from rushlight.base.dtypes import NAMES

CHUNK = 1 << 14  # elements with a sum of their own
BLOCK = 1 << 11  # elements between which lanes are added up
GROUP, GROUPS = 4, 2  # vectors added in pairs, and such sums side by side ...
HALF_GROUP = 16  # ... of half types, whose sums need not be as exact
GRAIN = 1  # chunks that a thread takes at a time: they are short, so that threads end together
_KINDS = {np.dtype(np.float32): ("float", "float", 4), np.dtype(np.float64): (
    "double", "double", 8), np.dtype(np.float16): ("float", "half", 2),
          np.dtype(ml_dtypes.bfloat16): ("float", "i16", 2)}  # added as, stored as, bytes


def serves(array: np.ndarray) -> bool:
    """Whether `total` takes the array: large and contiguous, of a floating dtype."""
    return (array.size >= 2 * CHUNK and array.dtype in _KINDS and array.flags.c_contiguous
            and available() and (array.itemsize > 2 or has_half(NAMES[array.dtype])))


def total(array: np.ndarray) -> np.ndarray:
    """The sum of all elements as a 0-d array; of half types as float32."""
    count = -(-array.size // CHUNK)
    parts = np.empty(count)
    result = np.empty((), array.dtype if array.itemsize > 2 else np.float32)
    _run(array.dtype)(pack("4q", id(array), id(parts), id(result), array.size), count, GRAIN)
    return result


@cache
def available() -> bool:
    """Whether the kernel can be compiled here."""
    return builtin.supported() and jit.available() is None


@cache
def _run(dtype: np.dtype) -> Callable[[bytes, int, int], None]:
    kind, stored, size = _KINDS[dtype]
    (address,) = jit.load(f"""{_task(kind, stored, size)}
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
entry:
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  %second = getelementptr ptr, ptr %context, i64 1
  %object = load ptr, ptr %second
  %parts.p = getelementptr i8, ptr %object, i64 {builtin.DATA}
  %parts = load ptr, ptr %parts.p
  %third = getelementptr ptr, ptr %context, i64 2
  %target = load ptr, ptr %third
  %result.p = getelementptr i8, ptr %target, i64 {builtin.DATA}
  %result = load ptr, ptr %result.p
  br label %each
each:
  %k = phi i64 [0, %entry], [%next, %each]
  %sum = phi double [0.0, %entry], [%more, %each]
  %lost = phi double [0.0, %entry], [%lost.more, %each]
  %part.p = getelementptr double, ptr %parts, i64 %k
  %part = load double, ptr %part.p
  %more = fadd double %sum, %part
  %added = fsub double %more, %sum
  %kept = fsub double %more, %added
  %lost.sum = fsub double %sum, %kept
  %lost.part = fsub double %part, %added
  %lost.here = fadd double %lost.sum, %lost.part
  %lost.more = fadd double %lost, %lost.here
  %next = add i64 %k, 1
  %left = icmp slt i64 %next, %count
  br i1 %left, label %each, label %end
end:
  %whole = fadd double %more, %lost.more
  %size = call double @llvm.fabs.f64(double %more)
  %finite = fcmp olt double %size, 0x7FF0000000000000
  %total = select i1 %finite, double %whole, double %more
  {"%narrow = fptrunc double %total to float" if kind == "float" else ""}
  store {kind} {"%narrow" if kind == "float" else "%total"}, ptr %result
  ret void
}}
declare void @rl_pool_run(ptr, ptr, i64, i64)
declare double @llvm.fabs.f64(double)
""", "run", imports={"rl_pool_run": pool_run_address()})
    return builtin.runner(address)


def _task(kind: str, stored: str, size: int) -> str:
    """The sums of the chunks begin to end."""
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    data, parts = (code.load("ptr", code.at(code.load("ptr", code.at(context, k, 8)),
                                            builtin.DATA, 1)) for k in (0, 1))
    length = code.load("i64", code.at(context, 3, 8))
    lanes = 16 if kind == "float" else 8
    group_size = GROUP if size > 2 else HALF_GROUP
    step = GROUPS * group_size * lanes
    vector, wide = f"<{lanes} x {kind}>", f"<{lanes} x double>"
    places = [code.slot(wide) for _ in range(GROUPS)]
    whole = code.slot("double")
    zero, reduce = code.integer(0), f"@llvm.vector.reduce.fadd.v{lanes}f64"
    with code.loop(begin, end) as chunk:
        first = chunk * CHUNK
        count = code.emit("i64", f"call i64 @llvm.smin.i64(i64 {(length - first).text}, "
                                 f"i64 {CHUNK})")
        start = code.at(data, first, size)
        code.store(code.constant("double", 0.0), whole)
        full = count & -step
        with code.loop(zero, full, BLOCK) as block:
            stop = code.emit("i64", f"call i64 @llvm.smin.i64(i64 {(block + BLOCK).text}, "
                                    f"i64 {full.text})")
            for place in places:
                code.lines.append(f"store {wide} zeroinitializer, ptr {place.text}")
            with code.loop(block, stop, step) as i:
                for j, place in enumerate(places):
                    first = code.at(start, i + j * group_size * lanes, size)
                    group = _in_pairs(code, _vectors(code, stored, first, group_size, lanes))
                    if kind == "float":
                        group = code.emit(wide, f"fpext {vector} {group.text} to {wide}")
                    code.store(_added(code, code.load(wide, place, 64), group), place, 64)
            lane = _in_pairs(code, [code.load(wide, place, 64) for place in places])
            code.store(code.load("double", whole) + code.emit("double", (
                f"call reassoc double {reduce}(double -0.0, {wide} {lane.text})")), whole)
        with code.loop(full, count) as i:
            (x,) = _vectors(code, stored, code.at(start, i, size), 1, 1)
            code.store(code.load("double", whole) + x.widen(), whole)
        code.store(code.load("double", whole), code.at(parts, chunk, 8))
    return (f"declare i64 @llvm.smin.i64(i64, i64)\n"
            f"declare double {reduce}(double, <{lanes} x double>)\n" + code.text())


def _vectors(code: Code, stored: str, at: Value, count: int, lanes: int) -> list[Value]:
    """So many vectors from `at` on, in any order, as what is added; one lane is a number."""
    def form(word: str) -> str:
        return f"<{lanes} x {word}>" if lanes > 1 else word

    def read(word: str, place: int, size: int) -> Value:
        return code.load(form(word), code.at(at, place * lanes, size), size)

    if stored == "half":
        return [read("half", k, 2).convert("fpext", form("float")) for k in range(count)]
    if stored != "i16":
        return [read(stored, k, 4 if stored == "float" else 8) for k in range(count)]
    if lanes == 1:  # bfloat16: the upper half of a float
        return [(read("i16", 0, 2).convert("zext", "i32") << 16).convert("bitcast", "float")]
    found = []
    for k in range(count // 2):  # two of them in each word
        pair, every = read("i32", k, 4).text, f"<{', '.join(['i32 {0}'] * lanes)}>"
        for operation, number in (("shl", 16), ("and", -65536)):
            moved = code.emit(form("i32"), f"{operation} {form('i32')} {pair}, "
                                           f"{every.format(number)}")
            found.append(moved.convert("bitcast", form("float")))
    return found


def _added(code: Code, a: Value, b: Value) -> Value:
    return code.emit(a.kind, f"fadd {a.kind} {a.text}, {b.text}")


def _in_pairs(code: Code, vectors: list[Value]) -> Value:
    while len(vectors) > 1:
        vectors = [_added(code, a, b) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
    return vectors[0]
