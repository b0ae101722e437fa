"""The host backend: NumPy functions of the primitives, and expressions run by them."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from rushlight.backends.host import special
from rushlight.backends.host.functions import FUNCTIONS
from rushlight.backends.host.scalar import evaluate, kernel
from rushlight.expr.expression import call, constant, symbol
from rushlight.expr.primitives import PRIMITIVES

# name -> pairs of argument and value, computed with 40 digits and rounded to double
VALUES = json.loads(Path(__file__).with_name("reference_values.json").read_text())
X, Y = symbol("x"), symbol("y")
CONDITION = symbol("c", boolean=True)
INF, NAN = math.inf, math.nan
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def run(name: str, *values: list, dtype: np.dtype = F64) -> list:
    inputs = dict(zip("xyz", (np.array(v, dtype) for v in values), strict=False))
    operands = [symbol(n) for n in inputs]
    return evaluate(call(name, *operands), inputs, dtype).tolist()


def same(got: list, wanted: list) -> bool:
    """Equal, nan to nan, and with the same signs of zero."""
    a, b = np.array(got), np.array(wanted)
    return bool(np.array_equal(a, b, equal_nan=True) and
                np.array_equal(np.signbit(a) | np.isnan(a), np.signbit(b) | np.isnan(b)))


def test_every_primitive_has_a_function() -> None:
    assert FUNCTIONS.keys() == PRIMITIVES.keys()


@pytest.mark.parametrize("name", sorted(VALUES))
def test_recorded_values(name: str) -> None:
    arguments, wanted = np.array(VALUES[name]).T
    got = evaluate(call(name, X), {"x": arguments}, F64)
    units = np.abs(got - wanted) / np.spacing(np.abs(wanted))
    assert units.max() <= 10, dict(zip(arguments, units, strict=True))


@pytest.mark.parametrize("name", [n for n in VALUES if hasattr(special, n)])
def test_special_functions_in_float32(name: str) -> None:
    arguments, wanted = np.array(VALUES[name]).T
    with np.errstate(all="ignore"):
        arguments, wanted = arguments.astype(F32), wanted.astype(F32)
    fits = np.isfinite(wanted) & (np.abs(wanted) > 1e-30) & (np.abs(arguments) > 1e-30)
    fits &= (arguments != 1) & (arguments.astype(F64) == np.array(VALUES[name])[:, 0])
    got = evaluate(call(name, X), {"x": arguments[fits]}, F32)
    assert got.dtype == F32
    assert (np.abs(got - wanted[fits]) <= np.spacing(np.abs(wanted[fits]))).all()


def test_special_functions_at_poles_and_infinities() -> None:
    assert same(run("lgamma", [0.0, -0.0, -3.0, 1.0, 2.0, INF, -INF, NAN]),
                [INF, INF, INF, 0.0, 0.0, INF, INF, NAN])
    assert same(run("digamma", [0.0, -0.0, -3.0, INF, -INF, NAN]),
                [-INF, INF, NAN, INF, NAN, NAN])
    assert same(run("trigamma", [0.0, -3.0, INF, NAN]), [INF, INF, 0.0, NAN])
    assert same(run("erfinv", [1.0, -1.0, 1.5, -2.0, -0.0, NAN]),
                [INF, -INF, NAN, NAN, -0.0, NAN])
    assert same(run("erf", [INF, -INF, -0.0, NAN]), [1.0, -1.0, -0.0, NAN])
    assert same(run("erfc", [INF, -INF, NAN]), [0.0, 2.0, NAN])
    assert same(run("i0", [INF, -INF, NAN]), [INF, INF, NAN])
    assert same(run("i1", [INF, -INF, -0.0]), [INF, -INF, -0.0])


# Where torch and NumPy differ, it is as torch has it.


def test_sign_of_nan_is_zero() -> None:
    assert run("sign", [NAN, -2.0, 0.0, INF]) == [0.0, -1.0, 0.0, 1.0]


def test_halves_round_to_even() -> None:
    assert same(run("round", [0.5, 1.5, 2.5, -0.5, -1.5, -0.2]), [0.0, 2.0, 2.0, -0.0, -2.0, -0.0])
    assert run("round", [-3, 7], dtype=np.dtype(np.int64)) == [-3, 7]


def test_angle_of_negative_zero_is_zero() -> None:
    assert same(run("angle", [-0.0, -1.0, 2.0, NAN]), [0.0, math.pi, 0.0, NAN])


def test_remainder_follows_the_divisor_and_a_zero_the_dividend() -> None:
    assert same(run("remainder", [5.0, -5.0, 5.0, -4.0, 4.0, -1.0, 1.0, 1.0],
                    [3.0, 3.0, -3.0, 2.0, -2.0, INF, -INF, 0.0]),
                [2.0, 1.0, -1.0, -0.0, 0.0, INF, -INF, NAN])


def test_division_of_integers() -> None:
    a, b = [7, -7, 7, -7, 6], [2, 2, -2, -2, -3]
    dtype = np.dtype(np.int64)
    assert run("floor_div", a, b, dtype=dtype) == [3, -4, -4, 3, -2]
    assert run("trunc_div", a, b, dtype=dtype) == [3, -3, -3, 3, -2]
    assert run("remainder", a, b, dtype=dtype) == [1, 1, -1, -1, 0]
    assert run("fmod", a, b, dtype=dtype) == [1, -1, 1, -1, 0]


@pytest.mark.parametrize("name", ["floor_div", "trunc_div", "remainder", "fmod"])
def test_integer_division_by_zero_neither_warns_nor_raises(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # One ufunc alone is NumPy's own, which the caller keeps quiet: so two of them.
        expression = call("add", call(name, X, Y), X)
        inputs = {"x": np.array([1, -1]), "y": np.array([0, 0])}
        assert evaluate(expression, inputs, np.dtype(np.int64)).shape == (2,)


def test_integer_powers() -> None:
    assert run("pow", [2, -1, -1, 1, 0, 3, 2], [-1, -1, -2, -5, -1, 4, 0],
               dtype=np.dtype(np.int64)) == [0, -1, 1, 1, 0, 81, 1]


def test_shifts_beyond_the_width() -> None:
    dtype = np.dtype(np.int64)
    assert run("shift_left", [5, -5, 1, 5], [64, 64, 63, -1], dtype=dtype) == [0, 0, -2**63, 0]
    assert run("shift_right", [5, -5, -5, 5], [64, 64, -1, -1], dtype=dtype) == [0, -1, -1, 0]


def test_nan_in_extremes() -> None:
    a, b = [NAN, 1.0, 2.0], [1.0, NAN, 1.0]
    assert same(run("maximum", a, b), [NAN, NAN, 2.0])
    assert same(run("minimum", a, b), [NAN, NAN, 1.0])
    assert same(run("fmax", a, b), [1.0, 1.0, 2.0])
    assert same(run("fmin", a, b), [1.0, 1.0, 1.0])


def test_complex_numbers() -> None:
    z = np.array([3 + 4j, 0j, -1j], np.complex64)
    inputs = {"x": z}
    size = evaluate(call("abs", X), inputs, z.dtype)
    assert size.dtype == F32
    assert size.tolist() == [5.0, 0.0, 1.0]
    np.testing.assert_allclose(evaluate(call("sgn", X), inputs, z.dtype), [0.6 + 0.8j, 0, -1j])
    np.testing.assert_array_equal(evaluate(call("conj", X) * 2, inputs, z.dtype), 2 * z.conj())
    assert evaluate(call("abs", X) + 1.5, inputs, z.dtype).dtype == F32
    assert evaluate(X * 1j, inputs, z.dtype).dtype == np.complex64


def test_one_primitive_on_the_symbols_is_the_ufunc() -> None:
    assert kernel(X * Y, ["x", "y"]) is np.multiply
    assert kernel(call("exp", X), ["x"]) is np.exp
    assert kernel(X - Y, ["y", "x"]) is not np.subtract


@pytest.mark.parametrize("dtype", [F32, F64, np.dtype(np.float16), np.dtype(np.int8)])
def test_nothing_is_promoted(dtype: np.dtype) -> None:
    x = np.array([1, 2, 3], dtype)
    got = kernel(call("where", X > 2, X * 3 + 1, 0), ["x"])(x)
    assert got.dtype == dtype
    assert got.tolist() == [0, 0, 10]


def test_constants_of_integer_kernels() -> None:
    x = np.array([5], np.uint8)
    assert evaluate(X + 300, {"x": x}, x.dtype).tolist() == [49]
    with pytest.raises(TypeError, match="no integer"):
        evaluate(X * 0.5, {"x": x}, x.dtype)
    with pytest.raises(TypeError, match="does not fit"):
        evaluate(X * 1j, {"x": np.ones(1)}, F64)


def test_out_zero_dimensions_and_broadcasting() -> None:
    function = kernel(call("exp", -X) * Y, ["x", "y"])
    out = np.empty((2, 3), F32)
    x, y = np.zeros((2, 1), F32), np.arange(3, dtype=F32)
    assert function(x, y, out=out) is out
    np.testing.assert_array_equal(out, [[0, 1, 2], [0, 1, 2]])
    single = function(np.array(0, F32), np.array(2, F32))
    assert isinstance(single, np.ndarray)
    assert single.shape == ()


def test_inputs_are_left_alone_and_may_be_the_output() -> None:
    function = kernel(call("sqrt", X * X + 1) * X, ["x"])
    x = np.array([0.0, 1.0, -2.0])
    wanted = np.sqrt(x * x + 1) * x
    assert not np.shares_memory(function(x), x)
    np.testing.assert_array_equal(x, [0.0, 1.0, -2.0])
    assert function(x, out=x) is x
    np.testing.assert_array_equal(x, wanted)


def test_roots_without_work() -> None:
    x, y = np.arange(3.0), np.zeros((2, 1))
    copy = kernel(X, ["x"])(x)
    np.testing.assert_array_equal(copy, x)
    assert not np.shares_memory(copy, x)
    assert evaluate(constant(4), {"x": x}, F64).tolist() == [4.0, 4.0, 4.0]
    assert evaluate(X, {"x": x, "y": y}, F64).shape == (2, 3)
    unchanged = kernel(call("floor", X) + 0, ["x"])(np.array([-1, 2]))
    assert unchanged.tolist() == [-1, 2]


def test_truth_values() -> None:
    c, x = np.array([True, False]), np.array([1.5, NAN])
    chosen = kernel(call("where", CONDITION, X, 0), ["c", "x"])
    assert chosen(c, x).tolist() == [1.5, 0.0]
    assert evaluate(call("cast", CONDITION), {"c": c}, F32).dtype == F32
    assert evaluate(call("nonzero", X), {"x": np.array([0.0, NAN, -0.0])}, F64).tolist() == [
        False, True, False]
    assert evaluate(~(X > 1), {"x": x}, F64).tolist() == [False, True]
    assert evaluate(call("add", X, Y), {"x": c, "y": c}, c.dtype).tolist() == [True, False]


def test_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.array([0.0, -1.0, INF, NAN, 1e308])
        kernel(call("log", X) / X + call("exp", X), ["x"])(x)
        special.lgamma(x)


def test_wrong_number_of_arrays() -> None:
    with pytest.raises(TypeError, match="takes 1 arrays, got 2"):
        kernel(call("exp", X) + 1, ["x"])(np.ones(1), np.ones(1))
