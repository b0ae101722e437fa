"""LLVM IR of normal numbers: `backends/host/box_muller.py`, rounding for rounding."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from rushlight.backends.cpu.twister import CHUNK

LANES = 8  # half a block of 16 words: the radii, and the angles
VECTOR, INTEGERS = f"<{LANES} x float>", f"<{LANES} x i32>"

class _Vectors:
    """Writes straight-line arithmetic on vectors of `LANES` float32 numbers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def let(self, text: str) -> str:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def number(self, value: float) -> str:
        """A float32 constant in every lane."""
        single = struct.unpack("f", struct.pack("f", value))[0]
        bits = "0x" + struct.pack(">d", single).hex().upper()
        return "<" + ", ".join([f"float {bits}"] * LANES) + ">"

    def whole(self, value: int) -> str:
        return "<" + ", ".join([f"i32 {value}"] * LANES) + ">"

    def real(self, op: str, a: str, b: str) -> str:
        return self.let(f"{op} {VECTOR} {a}, {b}")

    def integer(self, op: str, a: str, value: int) -> str:
        return self.let(f"{op} {INTEGERS} {a}, {self.whole(value)}")

    def fma(self, a: str, b: str, c: str) -> str:
        return self.let(f"call {VECTOR} @llvm.fma.v{LANES}f32("
                        f"{VECTOR} {a}, {VECTOR} {b}, {VECTOR} {c})")

    def select(self, condition: str, a: str, b: str) -> str:
        return self.let(f"select <{LANES} x i1> {condition}, {VECTOR} {a}, {VECTOR} {b}")

    def convert(self, op: str, a: str, source: str, target: str) -> str:
        return self.let(f"{op} {source} {a} to {target}")

    def horner(self, coefficients: Iterable[float], x: str) -> str:
        first, *rest = (self.number(c) for c in coefficients)
        total = first
        for coefficient in rest:
            total = self.fma(total, x, coefficient)
        return total


# The constants of Cephes' logf, sinf and cosf.
LOG_POLYNOMIAL = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
                  1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
                  3.3333331174e-1)
COS_POLYNOMIAL = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SIN_POLYNOMIAL = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
PI_QUARTERS = (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)


def _uniform(v: _Vectors, words: str) -> str:
    low = v.integer("and", words, 0xFFFFFF)
    return v.real("fmul", v.convert("uitofp", low, INTEGERS, VECTOR), v.number(2.0**-24))


def _log(v: _Vectors, x: str) -> str:
    bits = v.convert("bitcast", x, VECTOR, INTEGERS)
    exponent = v.integer("sub", v.integer("lshr", bits, 23), 126)
    e = v.convert("sitofp", exponent, INTEGERS, VECTOR)
    mantissa = v.integer("or", v.integer("and", bits, 0x007FFFFF), 0x3F000000)
    x = v.convert("bitcast", mantissa, INTEGERS, VECTOR)
    low = v.let(f"fcmp olt {VECTOR} {x}, {v.number(0.707106781186547524)}")
    e = v.select(low, v.real("fsub", e, v.number(1)), e)
    shifted = v.real("fsub", x, v.number(1))
    x = v.real("fadd", shifted, v.select(low, x, v.number(0)))
    square = v.real("fmul", x, x)
    y = v.real("fmul", v.horner(LOG_POLYNOMIAL, x), x)
    y = v.fma(y, square, v.real("fmul", e, v.number(-2.12194440e-4)))
    y = v.fma(square, v.number(-0.5), y)
    return v.fma(e, v.number(0.693359375), v.real("fadd", x, y))


def _sincos(v: _Vectors, x: str) -> tuple[str, str]:
    octant = v.convert("fptosi", v.real("fmul", x, v.number(1.27323954473516)),
                       VECTOR, INTEGERS)
    octant = v.integer("and", v.integer("add", octant, 1), -2)
    turns = v.convert("sitofp", octant, INTEGERS, VECTOR)
    for part in PI_QUARTERS:
        x = v.fma(turns, v.number(part), x)
    square = v.real("fmul", x, x)
    c = v.real("fmul", v.horner(COS_POLYNOMIAL, square), square)
    c = v.fma(c, square, v.real("fmul", square, v.number(-0.5)))
    c = v.real("fadd", c, v.number(1))
    s = v.real("fmul", v.horner(SIN_POLYNOMIAL, square), square)
    s = v.fma(s, x, x)
    swapped = v.let(f"icmp ne {INTEGERS} {v.integer('and', octant, 2)}, {v.whole(0)}")
    sine, cosine = v.select(swapped, c, s), v.select(swapped, s, c)
    return (_negate(v, sine, v.integer("and", octant, 4)),
            _negate(v, cosine, v.integer("and", v.integer("add", octant, 2), 4)))


def _negate(v: _Vectors, x: str, bit: str) -> str:
    """-x in the lanes where bit 2 is set."""
    sign = v.integer("shl", bit, 29)
    bits = v.convert("bitcast", x, VECTOR, INTEGERS)
    return v.convert("bitcast", v.let(f"xor {INTEGERS} {bits}, {sign}"), INTEGERS, VECTOR)


def _block32() -> str:
    """`@block32`: 16 words at %at into 16 normal numbers, in place."""
    v = _Vectors()
    first = v.let(f"load {INTEGERS}, ptr %at, align 4")
    half = v.let(f"getelementptr i32, ptr %at, i64 {LANES}")
    second = v.let(f"load {INTEGERS}, ptr {half}, align 4")
    u1 = v.real("fsub", v.number(1), _uniform(v, first))
    log = _log(v, u1)
    root = v.real("fmul", log, v.number(-2))
    radius = v.let(f"call {VECTOR} @llvm.sqrt.v{LANES}f32({VECTOR} {root})")
    angle = v.real("fmul", _uniform(v, second), v.number(6.283185307179586))
    sine, cosine = _sincos(v, angle)
    for part, place in ((cosine, "%at"), (sine, half)):
        normal = v.fma(v.real("fmul", radius, part), "%stds", "%means")
        v.lines.append(f"  store {VECTOR} {normal}, ptr {place}, align 4")
    splat = "".join(
        f"  %{name}0 = insertelement {VECTOR} poison, float %{name}, i32 0\n"
        f"  %{name}s = shufflevector {VECTOR} %{name}0, {VECTOR} poison, "
        f"{INTEGERS} zeroinitializer\n" for name in ("mean", "std"))
    return ("define internal void @block32(ptr %at, float %mean, float %std) alwaysinline {\n"
            + splat + "\n".join(v.lines) + "\n  ret void\n}\n")


# 16 fractions at %at into 16 normal numbers, by the C library's functions, as torch does.
BLOCK64 = """
define internal void @block64(ptr %at, double %mean, double %std) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%i1, %loop]
  %j = add i64 %i, 8
  %first = getelementptr double, ptr %at, i64 %i
  %second = getelementptr double, ptr %at, i64 %j
  %u1 = load double, ptr %first
  %u2 = load double, ptr %second
  %positive = fsub double 1.0, %u1
  %log = call double @log(double %positive)
  %root = fmul double %log, -2.0
  %radius = call double @llvm.sqrt.f64(double %root)
  %angle = fmul double %u2, 0x401921FB54442D18
  %cos = call double @cos(double %angle)
  %sin = call double @sin(double %angle)
  %x = fmul double %radius, %cos
  %y = fmul double %radius, %sin
  %x1 = call double @llvm.fma.f64(double %x, double %std, double %mean)
  %y1 = call double @llvm.fma.f64(double %y, double %std, double %mean)
  store double %x1, ptr %first
  store double %y1, ptr %second
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, 8
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""

# Whole blocks of 16, chunk by chunk; then, where 16 does not divide %n, the last 16 numbers anew.
# Before that, %skip says, the values past the last whole block take words that nobody sees.
NORMAL = """
define internal void @normal{bits}(ptr %state, ptr noalias %out, i64 %n, {real} %mean, {real} %std,
                          i64 %skip) {{
entry:
  %dropped = alloca [16 x {real}], align 64
  %skips = icmp ne i64 %skip, 0
  %rest = and i64 %n, 15
  %whole = sub i64 %n, %rest
  %none = icmp eq i64 %whole, 0
  br i1 %none, label %tail, label %chunk
chunk:
  %first = phi i64 [0, %entry], [%upto, %end]
  %left = sub i64 %whole, %first
  %count = call i64 @llvm.umin.i64(i64 %left, i64 {elements})
  %base = getelementptr {real}, ptr %out, i64 %first
  {draw_chunk}
  br label %loop
loop:
  %i = phi i64 [0, %chunk], [%i1, %loop]
  %at = getelementptr {real}, ptr %base, i64 %i
  call void @block{bits}(ptr %at, {real} %mean, {real} %std)
  %i1 = add i64 %i, 16
  %more = icmp ult i64 %i1, %count
  br i1 %more, label %loop, label %end
end:
  %upto = add i64 %first, %count
  %unfinished = icmp ult i64 %upto, %whole
  br i1 %unfinished, label %chunk, label %tail
tail:
  %even = icmp eq i64 %rest, 0
  br i1 %even, label %done, label %uneven
uneven:
  %skipped = select i1 %skips, i64 %rest, i64 0
  {draw_dropped}
  %last = sub i64 %n, 16
  %lastat = getelementptr {real}, ptr %out, i64 %last
  {draw_last}
  call void @block{bits}(ptr %lastat, {real} %mean, {real} %std)
  br label %done
done:
  ret void
}}
"""


# Two fractions into two standard normal numbers, over %n of them, an even number.
PAIRS = """
define internal void @pairs(ptr %state, ptr noalias %out, i64 %n) {
entry:
  call void @uniform64(ptr %state, ptr %out, i64 %n, double 0.0, double 1.0)
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [0, %entry], [%i2, %loop]
  %j = add i64 %i, 1
  %first = getelementptr double, ptr %out, i64 %i
  %second = getelementptr double, ptr %out, i64 %j
  %u1 = load double, ptr %first
  %u2 = load double, ptr %second
  %minus = fneg double %u2
  %log = call double @log1p(double %minus)
  %root = fmul double %log, -2.0
  %radius = call double @llvm.sqrt.f64(double %root)
  %angle = fmul double %u1, 0x401921FB54442D18
  %cos = call double @cos(double %angle)
  %sin = call double @sin(double %angle)
  %x = fmul double %radius, %cos
  %y = fmul double %radius, %sin
  store double %x, ptr %first
  store double %y, ptr %second
  %i2 = add i64 %i, 2
  %more = icmp ult i64 %i2, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""


# Up to 16 of them as float32.
PAIRS32 = """
define internal void @pairs32(ptr %state, ptr noalias %out, i64 %n) {
entry:
  %wide = alloca [16 x double], align 64
  call void @pairs(ptr %state, ptr %wide, i64 %n)
  br label %each
each:
  %i = phi i64 [0, %entry], [%next, %each]
  %from = getelementptr double, ptr %wide, i64 %i
  %x = load double, ptr %from
  %rounded = fptrunc double %x to float
  %to = getelementptr float, ptr %out, i64 %i
  store float %rounded, ptr %to
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %each, label %done
done:
  ret void
}
"""


def normal(bits: int) -> str:
    """`@normal32`; or `@normal64`, which needs `@uniform64`."""
    if bits == 32:
        block, draw = _block32(), "call void @words(ptr %state, ptr {0}, i64 {1})"
    else:
        block = BLOCK64
        draw = "call void @uniform64(ptr %state, ptr {0}, i64 {1}, double 0.0, double 1.0)"
    return block + NORMAL.format(
        bits=bits, real="float" if bits == 32 else "double", elements=CHUNK * 32 // bits,
        draw_chunk=draw.format("%base", "%count"), draw_dropped=draw.format("%dropped", "%skipped"),
        draw_last=draw.format("%lastat", "16"))
