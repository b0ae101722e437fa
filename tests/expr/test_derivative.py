"""The rules of derivatives against central differences, evaluated by the host backend."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rushlight.backends.host.scalar import evaluate
from rushlight.expr.derivative import FLAT, RULES, derivative
from rushlight.expr.expression import Expression, call, constant, symbol
from rushlight.expr.primitives import PRIMITIVES

X, Y, G = symbol("x"), symbol("y"), symbol("g")
C = symbol("c", boolean=True)
F64, C128 = np.dtype(np.float64), np.dtype(np.complex128)
STEP = 1e-5

# Where the functions that are not defined everywhere are looked at.
DOMAINS = {
    **dict.fromkeys(["log", "log2", "log10", "sqrt", "rsqrt", "lgamma", "digamma", "trigamma"],
                    (0.3, 4.0)),
    **dict.fromkeys(["asin", "acos", "atanh", "erfinv"], (-0.8, 0.8)),
    "acosh": (1.2, 4.0), "log1p": (-0.7, 4.0), "reciprocal": (0.3, 2.0), "tan": (-1.2, 1.2),
}
ANALYTIC = ("neg", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log", "log2", "log10",
            "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
            "acosh", "atanh", "add", "sub", "mul", "div", "pow")
OUTSIDE_RULES = {"sgn", "abs", "where", "conj", "real"}


def values(root: Expression, inputs: dict[str, np.ndarray], dtype: np.dtype = F64) -> np.ndarray:
    return evaluate(root, inputs, dtype)


def slope(root: Expression, inputs: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Central differences of fourth order."""

    def at(shift: float) -> np.ndarray:
        return values(root, {**inputs, name: inputs[name] + shift * STEP})

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * STEP)


def check(root: Expression, inputs: dict[str, np.ndarray]) -> None:
    for name in list(inputs):
        if inputs[name].dtype == np.bool_:
            continue
        found = derivative(root, symbol(name), G)
        assert found is not None, name
        gradient = np.full_like(inputs["x"], 2.0)
        got = values(found, {**inputs, "g": gradient})
        np.testing.assert_allclose(got, 2 * slope(root, inputs, name), rtol=1e-7, atol=1e-8)


def test_every_primitive_has_a_rule_or_is_known_to_be_flat() -> None:
    assert RULES.keys() | FLAT | OUTSIDE_RULES == PRIMITIVES.keys() | (RULES.keys() & OUTSIDE_RULES)
    assert not RULES.keys() & FLAT


@pytest.mark.parametrize("name", sorted(n for n in RULES if PRIMITIVES[n].arity == 1))
def test_functions_of_one(name: str) -> None:
    low, high = DOMAINS.get(name, (-2.5, 2.5))
    check(call(name, X), {"x": np.linspace(low, high, 41) + 0.001})


@pytest.mark.parametrize("name", sorted(n for n in RULES if PRIMITIVES[n].arity == 2))
def test_functions_of_two(name: str) -> None:
    generator = np.random.default_rng(3)
    x, y = generator.uniform(0.4, 3, 60), generator.uniform(0.4, 3, 60)
    if name == "pow":
        check(call(name, X, Y), {"x": x, "y": y - 1.5})
    elif name == "polygamma":  # of one order
        check(call(name, 2, X), {"x": x})
    elif name == "copysign":
        x[::2] *= -1
        y[::3] *= -1
        found = derivative(call(name, X, Y), X, G)
        assert derivative(call(name, X, Y), Y, G) is None
        got = values(found, {"x": x, "y": y, "g": np.ones(60)})
        np.testing.assert_array_equal(got, np.sign(x) * np.sign(y))
    else:
        x[::2] *= -1
        y[::3] *= -1
        check(call(name, X, Y), {"x": x, "y": y})


@pytest.mark.parametrize("name", sorted(FLAT))
def test_no_gradient_flows_through_the_flat(name: str) -> None:
    operands = (X, Y)[: PRIMITIVES[name].arity]
    assert derivative(call("cast", call(name, *operands)) + 0, X, G) is None


def test_abs_and_where() -> None:
    x = np.array([-1.5, 2.0, 0.7])
    check(call("abs", X), {"x": x})
    zero = values(derivative(call("abs", X), X, G), {"x": np.zeros(1), "g": np.ones(1)})
    assert zero.tolist() == [0.0]
    inputs = {"x": x, "y": x + 1, "c": np.array([True, False, True])}
    check(call("where", C, X * X * Y, call("exp", Y) + X), inputs)


def test_gradients_of_shared_nodes_add_up() -> None:
    square = X * X
    check(call("sin", square) * square + call("exp", -square) / (1 + square),
          {"x": np.linspace(-2, 2, 9)})


def test_gelu_and_its_second_derivative() -> None:
    gelu = 0.5 * X * (1 + call("erf", X * math.sqrt(0.5)))
    x = {"x": np.linspace(-4, 4, 17)}
    check(gelu, x)
    check(derivative(gelu, X, constant(1.0)), x)


def test_equal_operands_share_the_gradient_of_an_extreme() -> None:
    inputs = {"x": np.array([1.0, 2.0, 1.0]), "y": np.array([1.0, 1.0, 2.0]), "g": np.ones(3)}
    largest = call("maximum", X, Y)
    assert values(derivative(largest, X, G), inputs).tolist() == [0.5, 1.0, 0.0]
    assert values(derivative(largest, Y, G), inputs).tolist() == [0.5, 0.0, 1.0]


def test_powers_at_zero() -> None:
    inputs = {"x": np.array([0.0, 0.0, 2.0]), "y": np.array([0.0, 2.0, 0.0]), "g": np.ones(3)}
    power = call("pow", X, Y)
    assert values(derivative(power, X, G), inputs).tolist() == [0.0, 0.0, 0.0]
    assert values(derivative(power, Y, G), inputs).tolist() == [0.0, 0.0, math.log(2)]


def test_what_does_not_depend_has_no_derivative() -> None:
    assert derivative(call("exp", Y), X, G) is None
    assert derivative(X, X, G) is G


@pytest.mark.parametrize("name", ANALYTIC)
def test_analytic_functions_of_complex_numbers(name: str) -> None:
    """The gradient is g times the conjugate of the derivative, as torch has it."""
    generator = np.random.default_rng(4)
    x = generator.uniform(0.2, 0.7, 30) + 1j * generator.uniform(0.2, 0.7, 30)
    inputs = {"x": x}
    if PRIMITIVES[name].arity == 2:
        inputs["y"] = generator.uniform(0.5, 1, 30) + 1j * generator.uniform(0.5, 1, 30)
    root = call(name, *map(symbol, inputs))
    g = np.full(30, 0.5 - 2j)
    for operand in inputs:

        def at(shift: complex, operand: str = operand) -> np.ndarray:
            return values(root, {**inputs, operand: inputs[operand] + shift}, C128)

        along_real = (at(STEP) - at(-STEP)) / (2 * STEP)
        along_imaginary = (at(1j * STEP) - at(-1j * STEP)) / (2j * STEP)
        np.testing.assert_allclose(along_real, along_imaginary, rtol=1e-7)
        found = values(derivative(root, symbol(operand), G), {**inputs, "g": g}, C128)
        np.testing.assert_allclose(found, g * along_real.conj(), rtol=1e-7)


def test_conjugate_and_size_of_complex_numbers() -> None:
    """Of a real result: the direction of steepest ascent."""
    z = np.array([3 + 4j, -1 + 2j])
    square = call("real", X * call("conj", X))
    slope = values(derivative(square, X, G), {"x": z, "g": np.ones(2)}, C128)
    np.testing.assert_allclose(slope, 2 * z)
    found = values(derivative(call("abs", X), X, G), {"x": z, "g": np.ones(2)}, C128)
    np.testing.assert_allclose(found, z / np.abs(z))
    turned = values(derivative(call("conj", X), X, G), {"x": z, "g": 1j * z}, C128)
    np.testing.assert_allclose(turned, (1j * z).conj())
