"""Derivatives of expressions, in reverse mode: one pass from the root to the symbols.

The rule of a primitive gives the partial derivatives with respect to its operands, as
expressions of the operands and of the node itself; None means that no gradient flows.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from rushlight.expr.expression import Expression, call, constant, walk

Partial = Expression | int | float | None
Rule = Callable[..., tuple[Partial, ...]]
RULES: dict[str, Rule] = {}

# No gradient flows through these: they are constant almost everywhere or discrete.
FLAT = frozenset(
    "sign floor ceil trunc round floor_div trunc_div eq ne lt le gt ge isnan isinf isfinite "
    "signbit cast nonzero bitwise_not bitwise_and bitwise_or bitwise_xor shift_left shift_right "
    "nextafter angle imag".split()
)


def rule(names: str) -> Callable[[Rule], Rule]:
    """Register the partial derivatives of the primitives `names`: (node, *operands) -> tuple."""

    def register(function: Rule) -> Rule:
        for name in names.split():
            RULES[name] = function
        return function

    return register


def derivative(root: Expression, wrt: Expression, gradient: Expression) -> Expression | None:
    """The gradient of `root` with respect to the symbol `wrt`, given that of `root`.

    For complex numbers it is torch's convention: the conjugate of the derivative.
    """
    depends = _dependents(root, wrt)
    if root not in depends:
        return None
    adjoint: dict[Expression, Expression] = {root: gradient}
    for node in reversed(depends):
        incoming = adjoint.get(node)
        if incoming is None or not node.operands:
            continue
        for operand, contribution in zip(node.operands, _flow(node, incoming), strict=True):
            if contribution is not None and operand in depends:
                known = adjoint.get(operand)
                adjoint[operand] = contribution if known is None else known + contribution
    return adjoint.get(wrt)


def _dependents(root: Expression, wrt: Expression) -> dict[Expression, None]:
    """The nodes below `root` that depend on `wrt`, in order of creation."""
    found: dict[Expression, None] = {}
    for node in walk([root]):
        if node is wrt or any(x in found for x in node.operands):
            found[node] = None
    return found


def _flow(node: Expression, incoming: Expression) -> tuple[Expression | None, ...]:
    """What the gradient of `node` becomes for each of its operands."""
    name, operands = node.name, node.operands
    if name in FLAT:
        return (None,) * len(operands)
    if name == "where":
        zero = constant(0)
        condition = operands[0]
        return (None, call("where", condition, incoming, zero),
                call("where", condition, zero, incoming))
    if name == "abs":  # not analytic: no conjugate here
        return (call("real", incoming) * call("sgn", operands[0]),)
    if name == "sgn":  # on the unit circle: what is along the circle stays
        along = incoming - call("real", incoming * call("conj", node)) * node
        size = call("abs", operands[0])
        return (call("where", call("eq", operands[0], 0), 0, along / size),)
    if name in ("conj", "real"):
        return (call(name, incoming),)
    if name not in RULES:
        raise NotImplementedError(f"the derivative of {name} is not implemented")
    partials = RULES[name](node, *operands)
    return tuple(None if p is None else _times(incoming, p) for p in partials)


def _times(incoming: Expression, partial: Expression | int | float) -> Expression:
    if isinstance(partial, Expression):
        if partial.name == "reciprocal":
            return incoming / call("conj", partial.operands[0])
        return incoming * (partial if partial.name == "constant" else call("conj", partial))
    return -incoming if partial == -1 else incoming * partial


def _f(name: str) -> Callable[..., Expression]:
    return lambda *operands: call(name, *operands)


exp, log, sqrt, where = _f("exp"), _f("log"), _f("sqrt"), _f("where")
reciprocal, cos, sin, sinh, cosh = _f("reciprocal"), _f("cos"), _f("sin"), _f("sinh"), _f("cosh")
LN_2, LN_10, TWO_OVER_SQRT_PI = math.log(2), math.log(10), 2 / math.sqrt(math.pi)

rule("neg")(lambda y, x: (-1,))
rule("sqrt")(lambda y, x: (reciprocal(2 * y),))
rule("rsqrt")(lambda y, x: (-0.5 * y / x,))
rule("reciprocal")(lambda y, x: (-y * y,))
rule("exp")(lambda y, x: (y,))
rule("exp2")(lambda y, x: (y * LN_2,))
rule("expm1")(lambda y, x: (y + 1,))
rule("log")(lambda y, x: (reciprocal(x),))
rule("log2")(lambda y, x: (reciprocal(x * LN_2),))
rule("log10")(lambda y, x: (reciprocal(x * LN_10),))
rule("log1p")(lambda y, x: (reciprocal(x + 1),))
rule("sin")(lambda y, x: (cos(x),))
rule("cos")(lambda y, x: (-sin(x),))
rule("tan")(lambda y, x: (1 + y * y,))
rule("asin")(lambda y, x: (call("rsqrt", 1 - x * x),))
rule("acos")(lambda y, x: (-call("rsqrt", 1 - x * x),))
rule("atan")(lambda y, x: (reciprocal(x * x + 1),))
rule("sinh")(lambda y, x: (cosh(x),))
rule("cosh")(lambda y, x: (sinh(x),))
rule("tanh")(lambda y, x: (1 - y * y,))
rule("asinh")(lambda y, x: (call("rsqrt", x * x + 1),))
rule("acosh")(lambda y, x: (call("rsqrt", x * x - 1),))
rule("atanh")(lambda y, x: (reciprocal(1 - x * x),))
rule("erf")(lambda y, x: (TWO_OVER_SQRT_PI * exp(-(x * x)),))
rule("erfc")(lambda y, x: (-TWO_OVER_SQRT_PI * exp(-(x * x)),))
rule("erfinv")(lambda y, x: (exp(y * y) / TWO_OVER_SQRT_PI,))
rule("lgamma")(lambda y, x: (call("digamma", x),))
rule("digamma")(lambda y, x: (call("trigamma", x),))
rule("trigamma")(lambda y, x: (call("polygamma", 2, x),))
rule("polygamma")(lambda y, n, x: (None, call("polygamma", n + 1, x)))
rule("i0")(lambda y, x: (call("i1", x),))
rule("i0e")(lambda y, x: (call("i1e", x) - call("sign", x) * y,))
rule("add")(lambda y, a, b: (1, 1))
rule("sub")(lambda y, a, b: (1, -1))
rule("mul")(lambda y, a, b: (b, a))
rule("div")(lambda y, a, b: (reciprocal(b), -y / b))
rule("fmod")(lambda y, a, b: (1, -call("trunc", a / b)))
rule("remainder")(lambda y, a, b: (1, -call("floor", a / b)))
rule("atan2")(lambda y, a, b: (b / (a * a + b * b), -a / (a * a + b * b)))
rule("hypot")(lambda y, a, b: (a / y, b / y))
rule("copysign")(lambda y, a, b: (
    where(call("eq", a, 0), 0, call("sign", y) * call("sign", a)), None))


@rule("pow")
def _pow(y: Expression, a: Expression, b: Expression) -> tuple[Partial, ...]:
    base = where(call("eq", b, 0), 0, b * call("pow", a, b - 1))
    zero = call("bitwise_and", call("eq", a, 0), call("ge", b, 0))
    return base, where(zero, 0, y * log(a))


@rule("maximum minimum fmax fmin")
def _extreme(y: Expression, a: Expression, b: Expression) -> tuple[Partial, ...]:
    """The larger operand gets the gradient; equal ones share it."""
    first, second = ("gt", "lt") if y.name in ("maximum", "fmax") else ("lt", "gt")
    tie = call("eq", a, b)
    half = constant(0.5)
    return (where(tie, half, call("cast", call(first, a, b))),
            where(tie, half, call("cast", call(second, a, b))))


@rule("i1")
def _i1(y: Expression, x: Expression) -> tuple[Partial, ...]:
    return (where(call("eq", x, 0), 0.5, call("i0", x) - y / x),)


@rule("i1e")
def _i1e(y: Expression, x: Expression) -> tuple[Partial, ...]:
    slope = call("i0e", x) - y * (call("sign", x) + reciprocal(x))
    return (where(call("eq", x, 0), 0.5, slope),)
