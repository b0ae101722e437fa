"""Elementary functions on LLVM values in double precision, branch-free for vector code.

float32 goes through double and back for these, which costs half the speed and rounds nearly
right. The stated bounds are checked in tests/backends/test_lower.py.
"""

from __future__ import annotations

import math

from rushlight.backends.approximations import (
    ASIN,
    ATAN,
    COS,
    ERF,
    ERFINV_CENTRE,
    ERFINV_MIDDLE,
    ERFINV_TAIL,
    EXP2,
    POWER_EXP2_FLOAT,
    POWER_LOG,
    POWER_LOG2_FLOAT,
    SIN,
    SINH,
)
from rushlight.backends.cpu.mathematics import (
    INF,
    LN2,
    LOG2E,
    LOG2E_LOW,
    NAN,
    erfc_positive,
    exp_scaled,
    log,
    log1p,
    log_to_base,
    power_of_2,
    scale,
    split,
    to_integer,
)
from rushlight.backends.cpu.values import (
    Value,
    absolute,
    at_least,
    at_most,
    copysign,
    fma,
    muladd,
    polynomial,
    select,
    sqrt,
)

PI, PI_LOW = math.pi, 1.2246467991473532e-16  # pi and what its double lacks
LOG10E, LOG10E_LOW = 0.4342944819032518, 1.098319650216765e-17
LOG10_2, LOG10_2_LOW = 0.3010299956639812, -2.8037281277851704e-18
HALF_PI_PARTS = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
TWO_OVER_PI = 0.6366197723675814


def log10(x: Value) -> Value:
    """Below 1 ulp."""
    scale = 2.0**41
    high = math.floor(LOG10_2 * scale) / scale
    return log_to_base(x, (LOG10E, LOG10E_LOW), (high, (LOG10_2 - high) + LOG10_2_LOW))


def erfc(x: Value) -> Value:
    """Below 4 ulp."""
    a = absolute(x)
    near = 1 - muladd(x, polynomial(x * x, ERF[x.kind]), x)
    far = erfc_positive(a)
    return select(a < 0.5, near, select(x < 0, 2 - far, far))


def _reduce_angle(x: Value, exact: bool) -> tuple[Value, Value]:
    """r and the quadrant q with x = q pi/2 + r, |r| <= pi/4, |x| < ANGLE_LIMIT."""
    n, q = to_integer(x, TWO_OVER_PI)
    first, second, third = HALF_PI_PARTS
    r = fma(n, -second, fma(n, -first, x))
    return (fma(n, -third, r) if exact else r), q


def _sin_cos(r: Value, precision: str) -> tuple[Value, Value]:
    z = r * r
    sine = muladd(r * z, polynomial(z, SIN[precision]), r)
    half = z * 0.5
    w = 1 - half
    cosine = w + muladd(z * z, polynomial(z, COS[precision]), (1 - w) - half)
    return sine, cosine


ANGLE_LIMIT = 2.0**45  # from here on the reduction needs more digits of pi


def sin(x: Value, precision: str = "double") -> Value:
    """Below 2 ulp for |x| < ANGLE_LIMIT; precision "float" is enough for a float32 result."""
    r, q = _reduce_angle(x, precision == "double")
    sine, cosine = _sin_cos(r, precision)
    result = select((q & 1).equals(0), sine, cosine)
    result = select((q & 2).equals(0), result, -result)
    return select(x.equals(0), x, result)


def cos(x: Value, precision: str = "double") -> Value:
    """Below 2 ulp for |x| < ANGLE_LIMIT."""
    r, q = _reduce_angle(x, precision == "double")
    sine, cosine = _sin_cos(r, precision)
    result = select((q & 1).equals(0), cosine, sine)
    return select(((q + 1) & 2).equals(0), result, -result)


def tan(x: Value, precision: str = "double") -> Value:
    """Below 4 ulp for |x| < ANGLE_LIMIT."""
    r, q = _reduce_angle(x, precision == "double")
    sine, cosine = _sin_cos(r, "double")
    even = (q & 1).equals(0)
    result = select(even, sine, -cosine) / select(even, cosine, sine)
    return select(x.equals(0), x, result)


def _asin_rest(x: Value, z: Value) -> Value:
    """asin(x) - x for |x| <= 1/2, z = x^2."""
    return x * z * polynomial(z, ASIN)


def _half_angle(a: Value) -> tuple[Value, Value]:
    """acos(a) = 2 (s + rest) for a >= 1/2."""
    z = (1 - a) * 0.5
    s = sqrt(z)
    lost = fma(-s, s, z) / select(s > 0, s + s, 1)
    return s, _asin_rest(s, z) + lost


def asin(x: Value) -> Value:
    """Below 2 ulp."""
    a = absolute(x)
    s, rest = _half_angle(a)
    far = PI / 2 - ((rest * 2 - PI_LOW / 2) + s * 2)
    return copysign(select(a <= 0.5, a + _asin_rest(a, a * a), far), x)


def acos(x: Value) -> Value:
    """Below 2 ulp."""
    a = absolute(x)
    s, rest = _half_angle(a)
    far = (s + rest) * 2
    far = select(x < 0, PI - (far - PI_LOW), far)
    return select(a <= 0.5, PI / 2 - (x + (_asin_rest(x, x * x) - PI_LOW / 2)), far)


def _atan_series(t: Value) -> Value:
    z = t * t
    return muladd(t * z, polynomial(z, ATAN), t)


def atan(x: Value) -> Value:
    """Below 2 ulp."""
    a = absolute(x)
    large, middle = a > math.sqrt(2) + 1, a > math.sqrt(2) - 1
    above = select(large, -1, select(middle, a - 1, a))
    below = select(large, a, select(middle, a + 1, 1))
    series = _atan_series(above / below)
    base = select(large, x.same(PI / 2), select(middle, x.same(PI / 4), 0))
    lost = select(large, x.same(PI_LOW / 2), select(middle, x.same(PI_LOW / 4), 0))
    return copysign(base + (series + lost), x)


def atan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y); below 3 ulp."""
    ay, ax = absolute(y), absolute(x)
    steep = ay > ax
    above, below = select(steep, ax, ay), select(steep, ay, ax)
    ratio = select(above.equals(below), select(above.equals(0), above, 1), above / below)
    angle = atan(ratio)
    angle = select(steep, PI / 2 - (angle - PI_LOW / 2), angle)
    angle = select(x.bits() < 0, PI - (angle - PI_LOW), angle)
    return select(y.compare("uno", "", x), x + y, copysign(angle, y))


def sinh(x: Value) -> Value:
    """Below 2 ulp."""
    a = absolute(x)
    z = x * x
    half = exp_scaled(a, -1)
    far = copysign(half - 0.25 / half, x)
    return select(a < 1, muladd(x * z, polynomial(z, SINH), x), far)


def cosh(x: Value) -> Value:
    """Below 2 ulp."""
    half = exp_scaled(absolute(x), -1)
    return half + 0.25 / half


HUGE = 1e150  # its square is a number still, and 1 is nothing beside it


def asinh(x: Value) -> Value:
    """Below 4 ulp."""
    a = absolute(x)
    huge = a > HUGE
    square = a * a
    argument = select(huge, a, a + square / (sqrt(square + 1) + 1))
    return copysign(log1p(argument) + select(huge, x.same(LN2), 0), x)


def acosh(x: Value) -> Value:
    """Below 4 ulp."""
    huge = x > HUGE
    t = x - 1
    argument = select(huge, x, t + sqrt(t * (t + 2)))
    return select(x < 1, NAN, log1p(argument) + select(huge, x.same(LN2), 0))


def atanh(x: Value) -> Value:
    """Below 4 ulp."""
    a = absolute(x)
    return copysign(log1p(a * 2 / (1 - a)) * 0.5, x)


def hypot(x: Value, y: Value) -> Value:
    """sqrt(x^2 + y^2) without overflow on the way; below 2 ulp."""
    a, b = absolute(x), absolute(y)
    largest = select(a > b, a, b)
    down, up = largest > 2.0**500, largest < 2.0**-500
    scale = select(down, x.same(2.0**-600), select(up, x.same(2.0**600), 1))
    back = select(down, x.same(2.0**600), select(up, x.same(2.0**-600), 1))
    a, b = a * scale, b * scale
    infinite = absolute(x).equals(INF) | absolute(y).equals(INF)
    return select(infinite, INF, sqrt(fma(a, a, b * b)) * back)


def _log2_in_two_parts(x: Value) -> tuple[Value, Value]:
    """log2 of a positive number to about 2^-68, as a sum of two doubles."""
    k, f = split(x)
    m = f + 1
    d = m + 1
    d_low = m - (d - 1)
    s = f / d
    s_low = (fma(-s, d, f) - s * d_low) / d
    z = s * s
    z_low = fma(s, s, -z) + s * s_low * 2
    q = z * polynomial(z, POWER_LOG)
    a = q + 2 / 3
    a_low = ((2 / 3 - a) + q) + 3.700743415417188e-17
    u = s * z
    u_low = fma(s, z, -u) + s * z_low + s_low * z
    v = u * a
    v_low = fma(u, a, -v) + u * a_low + u_low * a
    whole = s * 2 + v
    whole_low = ((s * 2 - whole) + v) + (s_low * 2 + v_low)
    p = whole * LOG2E
    p_low = fma(whole, LOG2E, -p) + whole * LOG2E_LOW + whole_low * LOG2E
    total = k + p
    return total, ((k - total) + p) + p_low


def power(x: Value, y: Value) -> Value:
    """x ** y of doubles with the corner cases of C; below 1.1 ulp."""
    a = absolute(x)
    high, low = _log2_in_two_parts(a)
    product = y * high
    rest = fma(y, high, -product) + y * low
    bounded = at_least(at_most(product, 1100.0), -1100.0)
    n, i = to_integer(bounded)
    r = bounded - n + select(absolute(product) < 1100, rest, 0)
    result = scale(muladd(r, polynomial(r, EXP2["double"]), 1), i)
    return _power_corners(x, y, a, result)


def power_float(x: Value, y: Value) -> Value:
    """x ** y of floats with the corner cases of C, rounded nearly right: by way of doubles."""
    a = absolute(x)
    k, f = (part.widen() for part in split(a))
    s = f / (f + 2)
    product = y.widen() * muladd(s, polynomial(s * s, POWER_LOG2_FLOAT), k)
    bounded = at_least(at_most(product, 200.0), -200.0)
    n, i = to_integer(bounded)
    r = bounded - n
    wide = muladd(r, polynomial(r, POWER_EXP2_FLOAT), 1) * power_of_2(i, "double")
    return _power_corners(x, y, a, wide.convert("fptrunc", "float"))


def _power_corners(x: Value, y: Value, a: Value, result: Value) -> Value:
    """Zeros, infinities, nan and negative bases."""
    whole = y.writer.intrinsic("trunc", y).equals(y)
    half = y * 0.5
    odd = whole & y.writer.intrinsic("trunc", half).differs(half) & (absolute(y) < INF)
    falling = y < 0
    result = select(a.equals(0), select(falling, x.same(INF), 0), result)
    result = select(a.equals(INF), select(falling, x.same(0), INF), result)
    result = select((x < 0) & ~whole & (a < INF), NAN, result)
    result = select(odd, copysign(result, x), result)
    result = select(x.compare("uno", "", y), NAN, result)
    return select(y.equals(0) | x.equals(1) | (a.equals(1) & absolute(y).equals(INF)), 1, result)


def fmod(x: Value, y: Value) -> tuple[Value, Value]:
    """x - trunc(x / y) * y, exact, and where it is not: at quotients from 2^52 on."""
    a, b = absolute(x), absolute(y)
    quotient = x.writer.intrinsic("trunc", a / b)
    rest = fma(-quotient, b, a)
    rest = select(rest < 0, rest + b, rest)  # where the quotient was rounded up
    unfit = (quotient >= 2.0**52) & (a < INF) & b.differs(0)
    return copysign(select(quotient.equals(0), a, rest), x), unfit


def erfinv(x: Value) -> Value:
    """Below 4 ulp."""
    a = absolute(x)
    w = -log((1 - a) * (a + 1))
    s = sqrt(w)
    near = polynomial(w - 3.125, ERFINV_CENTRE)
    far = select(s < 4, polynomial(s - 3.25, ERFINV_MIDDLE), polynomial(s - 5, ERFINV_TAIL))
    result = x * select(w < 6.25, near, far)
    return select(a.equals(1), copysign(x.same(INF), x), select(a > 1, NAN, result))
