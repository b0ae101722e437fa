"""Whether memory holds a NaN or an infinity: its exponent bits, read once, by all threads.

A floating point number is neither if and only if its bits without the sign are below those of an
infinity. So the largest such integer is enough, which needs no arithmetic on numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import pack

import ml_dtypes
import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value

CHUNK = 1 << 16  # bytes that a thread takes at a time
VECTOR, ABREAST = 64, 4  # bytes of a vector; maxima that do not wait for each other
# The width of the parts of an element, and the bits of an infinity.
_PARTS = {
    np.dtype(np.float16): (16, 0x7C00), np.dtype(ml_dtypes.bfloat16): (16, 0x7F80),
    np.dtype(np.float32): (32, 0x7F800000), np.dtype(np.float64): (64, 0x7FF << 52),
    np.dtype(np.complex64): (32, 0x7F800000), np.dtype(np.complex128): (64, 0x7FF << 52),
}


def serves(dtype: np.dtype) -> bool:
    """Whether `finite` can tell for elements of that type, on this machine."""
    return dtype in _PARTS and available()


def finite(array: np.ndarray, count: int) -> bool:
    """Whether the `count` elements that lie together from the array's first one on are finite."""
    width, infinity = _PARTS[array.dtype]
    size, found = 8 * count * array.itemsize // width, np.zeros(1, np.int64)
    _run(width, infinity)(pack("3q", id(array), id(found), size), size, 8 * CHUNK // width)
    return not found[0]


@cache
def available() -> bool:
    """Whether the kernel can be compiled here."""
    return builtin.supported() and jit.available() is None


@cache
def _run(width: int, infinity: int) -> Callable[[bytes, int, int], None]:
    (address,) = jit.load(f"""{_task(width, infinity)}
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  ret void
}}
declare void @rl_pool_run(ptr, ptr, i64, i64)
""", "run", imports={"rl_pool_run": pool_run_address()})
    return builtin.runner(address)


def _task(width: int, infinity: int) -> str:
    """Sets the word at `found` if one of the elements begin to end is not finite."""
    code = Code("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
    context, begin, end = code.parameters
    data, found = (code.load("ptr", code.at(code.load("ptr", code.at(context, k, 8)),
                                            builtin.DATA, 1)) for k in (0, 1))
    kind, size, lanes = f"i{width}", width // 8, 8 * VECTOR // width
    vector, step = f"<{lanes} x {kind}>", ABREAST * lanes
    places = [code.slot(vector) for _ in range(ABREAST)]
    last = code.slot(kind)
    for place in places:
        code.lines.append(f"store {vector} zeroinitializer, ptr {place.text}")
    code.store(code.constant(kind, 0), last)
    full = begin + ((end - begin) & -step)
    with code.loop(begin, full, step) as i:
        for k, place in enumerate(places):
            _raise(code, place, code.load(vector, code.at(data, i + k * lanes, size), size))
    with code.loop(full, end) as i:
        _raise(code, last, code.load(kind, code.at(data, i, size), size))
    for place in places:
        wide = code.load(vector, place, VECTOR)
        _raise(code, last, code.emit(
            kind, f"call {kind} @llvm.vector.reduce.umax.v{lanes}{kind}({vector} {wide.text})"))
    largest = code.load(kind, last)
    with code.when(code.emit("i1", f"icmp uge {kind} {largest.text}, {infinity}")):
        code.lines.append(f"store atomic i64 1, ptr {found.text} monotonic, align 8")
    return (f"declare {kind} @llvm.vector.reduce.umax.v{lanes}{kind}({vector})\n"
            f"declare {vector} @llvm.umax.v{lanes}{kind}({vector}, {vector})\n"
            f"declare {kind} @llvm.umax.{kind}({kind}, {kind})\n" + code.text())


def _raise(code: Code, place: Value, bits: Value) -> None:
    """The larger of what `place` holds and of `bits` without their signs, kept there."""
    whole = bits.kind.startswith("<")
    lane = bits.kind.strip("<>").split(" x ")[-1]
    mask = f"{(1 << int(lane[1:]) - 1) - 1}"
    if whole:
        mask = f"splat ({lane} {mask})"
    size = code.emit(bits.kind, f"and {bits.kind} {bits.text}, {mask}")
    name = f"v{bits.kind.split()[0][1:]}{lane}" if whole else lane
    known = code.load(bits.kind, place, VECTOR if whole else 8)
    code.store(code.emit(bits.kind, f"call {bits.kind} @llvm.umax.{name}({bits.kind} {known.text}, "
                                    f"{bits.kind} {size.text})"), place, VECTOR if whole else 8)
