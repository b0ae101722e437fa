"""Exponentials, logarithms and the error function on LLVM values, in float32 and float64.

Branch-free, so that loops over them become vector code; each works in the type of its operand.
The stated bounds are checked in tests/backends/test_lower.py.
"""

from __future__ import annotations

import math
from functools import cache

from rushlight.backends import pieces
from rushlight.backends.approximations import (
    ERF,
    ERF_FAR,
    ERF_NEAR,
    ERFC,
    EXP,
    EXP2,
    LOG,
    TANH,
)
from rushlight.backends.cpu import vector_forms
from rushlight.backends.cpu.features import llvm, target
from rushlight.backends.cpu.values import (
    FORMATS,
    Value,
    absolute,
    at_least,
    at_most,
    copysign,
    fma,
    horner,
    muladd,
    polynomial,
    select,
)

INF, NAN = math.inf, math.nan
LN2, LN2_LOW = 0.6931471805599453, 2.3190468138462996e-17  # log(2) and what its double lacks
LN2_FLOAT = (0.693147182464599609375, -1.904654299957768e-09)  # the same in float32
LOG2E, LOG2E_LOW = 1.4426950408889634, 2.0355273740931033e-17

# The largest argument of exp that is looked at, and the smallest; beyond, it is inf and 0.
EXP_RANGE = {"float": (-105.0, 91.0), "double": (-750.0, 720.0)}


def to_integer(x: Value, factor: float = 1.0) -> tuple[Value, Value]:
    """The integer nearest to x * factor, |it| < 2^22 or 2^51: as a float and as an integer."""
    f = FORMATS[x.kind]
    shifted = fma(x, factor, f.magic)
    return shifted - f.magic, shifted.bits() - f.bits(f.magic)


def _to_float(i: Value, kind: str) -> Value:
    """A small integer of the width of `kind` as a float."""
    f = FORMATS[kind]
    return (i + f.bits(f.magic)).convert("bitcast", kind) - f.magic


def power_of_2(i: Value, kind: str) -> Value:
    """2 ** i for an i that gives a normal number."""
    f = FORMATS[kind]
    return ((i + f.bias) << f.mantissa).convert("bitcast", kind)


@cache
def _one_instruction_scales() -> bool:
    """Whether this CPU multiplies a vector of floats by powers of 2, and LLVM knows it does."""
    return target().has("avx512f") and llvm().llvm_version_info[0] >= 22


def scale(x: Value, i: Value) -> Value:
    """x * 2 ** i, in two factors so that overflow and subnormal results come out right."""
    if x.kind == "float" and _one_instruction_scales():
        symbol = "@llvm.ldexp.f32.i32"
        x.writer.declarations[symbol] = f"declare float {symbol}(float, i32)\n"
        return x.writer.emit("float", f"call float {symbol}(float {x.text}, i32 {i.text})")
    half = i >> 1
    return x * power_of_2(half, x.kind) * power_of_2(i - half, x.kind)


def _exp_picked(x: Value) -> Value:
    """e^x = 2^(n / 16) e^r. Beyond the floats, n is what counts: it is infinite or nan with x."""
    magic = FORMATS[x.kind].magic / 16  # rounds to a multiple of 1/16
    shifted = fma(x, LOG2E, magic)
    n = shifted - magic
    high, low = LN2_FLOAT
    r = vector_forms.within(fma(n, -low, fma(n, -high, x)), pieces.EXP_RANGE)
    root, lack = _picked("exp", pieces.EXP, shifted.bits())
    rest = fma(root * r, polynomial(r, (1.0, *pieces.EXP_REST)), lack)
    return vector_forms.scale(root + rest, n)


def exp_falling(x: Value) -> Value:
    """e^x for x <= 0; below 1.1 ulp."""
    if _has_forms(x):
        return _exp_picked(x)
    p, i = _reduce_exp(at_least(x, EXP_RANGE[x.kind][0]))
    return scale(p + 1, i)


def _reduce_exp(x: Value) -> tuple[Value, Value]:
    """e^r - 1 and n with x = n ln(2) + r, for x within EXP_RANGE."""
    high, low = (LN2, LN2_LOW) if x.kind == "double" else LN2_FLOAT
    n, i = to_integer(x, LOG2E)
    r = fma(n, -low, fma(n, -high, x))
    return muladd(r * r, polynomial(r, EXP[x.kind]), r), i


def exp_scaled(x: Value, shift: int) -> Value:
    """e^x * 2^shift without overflow in between."""
    low, high = EXP_RANGE[x.kind]
    p, i = _reduce_exp(at_least(at_most(x, high), low))
    return scale(p + 1, i + shift)


def exp(x: Value) -> Value:
    """Below 1.1 ulp."""
    if _has_forms(x):
        return _exp_picked(x)
    return exp_scaled(x, 0)


def exp2(x: Value) -> Value:
    """Below 1 ulp."""
    f = FORMATS[x.kind]
    x = at_least(at_most(x, f.bias + 3), -(f.bias + f.mantissa + 3))
    n, i = to_integer(x)
    return scale(muladd(x - n, polynomial(x - n, EXP2[x.kind]), 1), i)


def expm1(x: Value) -> Value:
    """Below 2 ulp."""
    low, high = {"float": (-20.0, 88.8), "double": (-42.0, 709.9)}[x.kind]
    p, i = _reduce_exp(at_least(at_most(x, high), low))
    # (e^r - 1) 2^n + (2^n - 1), halved so that the largest results do not overflow on the way.
    factor = power_of_2(i - 1, x.kind)
    large = (factor * p + (factor - 0.5)) * 2
    return select(x.equals(0), x, select(i.equals(0), p, large))


def _has_forms(x: Value) -> bool:
    """Whether there are instructions that pick coefficients from registers."""
    return x.kind == "float" and vector_forms.available()


def _picked(name: str, tables: tuple[tuple[float, ...], ...], index: Value) -> list[Value]:
    return [vector_forms.pick(f"{name}{k}", table, index) for k, table in enumerate(tables)]


def tanh(x: Value) -> Value:
    """1 - 2 / (e^(2 |x|) + 1), and a polynomial near zero; below 2 ulp."""
    a = absolute(x)
    if _has_forms(x):
        a = at_most(a, 9.02)
        centre, *coefficients = _picked("tanh", pieces.TANH, (a + pieces.TANH_START).bits() >> 21)
        return copysign(horner(a - centre, coefficients), x)
    square = x * x
    near = muladd(a * square, polynomial(square, TANH[x.kind]), a)
    e = exp(at_most(a, 22.0) * 2)
    return copysign(select(square < 0.3, near, 1 - 2 / (e + 1)), x)


def split(x: Value) -> tuple[Value, Value]:
    """k and f with x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for positive finite x."""
    f = FORMATS[x.kind]
    smallest, lift = 2.0 ** (1 - f.bias), f.mantissa + 2
    tiny = x < smallest
    root = f.bits(math.sqrt(0.5))
    offset = select(tiny, x * 2.0**lift, x).bits() - root
    mantissa = (offset & ((1 << f.mantissa) - 1)) + root
    k = _to_float(offset >> f.mantissa, x.kind)
    return select(tiny, k - lift, k), mantissa.convert("bitcast", x.kind) - 1


def _log_series(f: Value) -> tuple[Value, Value]:
    """h = f^2 / 2 and the small rest of log(1 + f) = f - h + rest."""
    s = f / (f + 2)
    z = s * s
    h = f * f * 0.5
    return h, s * muladd(z, polynomial(z, LOG[f.kind]), h)


def _ln2_parts(kind: str) -> tuple[float, float]:
    """ln(2) in two parts of which the first has zeros at its end: k times it is exact."""
    scale = 2.0**16 if kind == "float" else 2.0**41
    high = math.floor(LN2 * scale) / scale
    return high, (LN2 - high) + LN2_LOW


def _log_domain(x: Value, result: Value) -> Value:
    """The results of a logarithm at nan, inf, zero and below."""
    result = select(x < INF, result, x)
    return select(x > 0, result, select(x.equals(0), -INF, select(x.is_nan(), x, NAN)))


def _log_picked(x: Value, rest: Value | None = None) -> Value:
    """log(x + rest), where the rest is less than the last place of x: k ln(2) + log(c) +
    log(1 + r). It is infinite at 0 and inf with k, and nan with the mantissa."""
    k, mantissa = vector_forms.exponent(x), vector_forms.mantissa(x)
    inverse, whole, lack = _picked("log", pieces.LOG, mantissa.bits() >> 19)
    r = fma(mantissa, inverse, -1.0)
    high, low = _ln2_parts(x.kind)
    small = fma(r * r, polynomial(r, pieces.LOG_REST), fma(k, low, lack))
    if rest is not None:  # times (1 - r) / c 2^k; nan at the ends, where k alone counts
        rest = vector_forms.within(vector_forms.scale(rest, -k), 2.0**-23)
        small = fma(rest, fma(inverse, -r, inverse), small)
    return fma(k, high, whole) + (r + small)


def log(x: Value) -> Value:
    """Below 1 ulp."""
    if _has_forms(x):
        return _log_picked(x)
    k, f = split(x)
    return _log_domain(x, _log(k, f, None))


def _log(k: Value, f: Value, correction: Value | None) -> Value:
    h, rest = _log_series(f)
    high, low = _ln2_parts(f.kind)
    small = k * low
    if correction is not None:
        small = small + correction
    return k * high - ((h - (rest + small)) - f)


def log1p(x: Value) -> Value:
    """Below 2 ulp: the logarithm of u = 1 + x, corrected for what the sum has lost."""
    u = x + 1
    if _has_forms(x):
        return select(x.equals(0), x, _log_picked(u, x - (u - 1)))
    k, f = split(u)
    lost = select(k >= 2, 1 - (u - x), x - (u - 1)) / u
    near = k.equals(0)
    result = _log(k, select(near, x, f), select(near, 0, lost))
    return select(x.equals(0), x, _log_domain(u, result))


def log_to_base(x: Value, factor: tuple[float, float], step: tuple[float, float]) -> Value:
    """log(x) * factor, the product and k * step in two parts each."""
    k, f = split(x)
    h, rest = _log_series(f)
    high = f - h
    low = ((f - high) - h) + rest
    if x.kind == "float":
        factor = _float_parts(factor[0])
    product = high * factor[0]
    error = fma(high, factor[0], -product) + muladd(high, factor[1], low * factor[0])
    whole = k * step[0]
    total = whole + product
    error = ((whole - total) + product) + error + k * step[1]
    return _log_domain(x, total + error)


def _float_parts(value: float) -> tuple[float, float]:
    scale = 2.0**24
    high = round(value * scale) / scale
    return high, value - high


def log2(x: Value) -> Value:
    """Below 1 ulp."""
    return log_to_base(x, (LOG2E, LOG2E_LOW), (1.0, 0.0))


def erf(x: Value) -> Value:
    """Below 2 ulp."""
    a = absolute(x)
    if x.kind == "float":
        return copysign(_erf_float(a), x)
    near = muladd(x, polynomial(x * x, ERF[x.kind]), x)
    return select(a < 1, near, copysign(1 - erfc_positive(a), x))


def _erf_float(a: Value) -> Value:
    """Polynomials in 16 pieces, or a + a P(a^2) up to 9/8, then 1 - P(a - 41/16): one polynomial,
    whose coefficients depend."""
    if _has_forms(a):
        a = at_most(a, 3.96875)
        index = fma(a, pieces.ERF_STEPS, FORMATS[a.kind].magic).bits()
        centre, least, *coefficients = _picked("erf", pieces.ERF, index)
        t = a - centre
        least = select(least > t, least, t)  # t is less but in the first interval, where it is a
        return horner(t, [least, *coefficients])
    near = a < 1.125
    t = select(near, a * a, at_most(a, 3.96875) - 2.5625)
    common = len(ERF_NEAR)
    far = polynomial(t, ERF_FAR[common:])  # what follows in P up to 9/8 is zero
    coefficients = [select(near, a.same(p), q) for p, q in zip(ERF_NEAR, ERF_FAR, strict=False)]
    p = horner(t, [*coefficients, select(near, 0.0, far)])
    return muladd(select(near, a, -1.0), p, select(near, a, 1.0))


def erfc_positive(a: Value) -> Value:
    """erfc for 1/2 <= a, in double precision."""
    a = at_most(a, 28.0)
    square = a * a
    lost = fma(a, a, -square)
    e = exp(-square)
    t = (a - 3.75) / (a + 3.75)
    return fma(e, -lost, e) * (polynomial(t, ERFC) / muladd(a, 2, 1))
