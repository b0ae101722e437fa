"""The cpu backend's compiled expressions against the host's, in units in the last place."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from rushlight.backends.cpu import jit, kernels, vector_forms
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.integers import INTEGERS
from rushlight.backends.cpu.kernels import Unsupported, cost, kernel
from rushlight.backends.cpu.lower import FLOATS
from rushlight.backends.host.scalar import evaluate
from rushlight.expr.expression import Expression, call, constant, symbol
from rushlight.expr.primitives import PRIMITIVES

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

VALUES = json.loads(Path(__file__).with_name("reference_values.json").read_text())
X, Y = symbol("x"), symbol("y")
C = symbol("c", boolean=True)
BOOL, F32, F64, I64 = map(np.dtype, ("bool", "float32", "float64", "int64"))
INF, NAN = math.inf, math.nan
LONG = np.longdouble if np.finfo(np.longdouble).nmant > 52 else None

# Functions that run on the host; everything else is compiled.
ON_HOST = {"lgamma", "digamma", "trigamma", "polygamma", "i0", "i0e", "i1", "i1e"}

# Bounds in units in the last place, of float32 and float64.
NATIVE = {"exp": 1.1, "exp2": 1, "expm1": 2, "log": 1, "log2": 1, "log1p": 1, "tanh": 2, "erf": 1.2}
BOUNDS32 = {**NATIVE, "rsqrt": 1.5}
BOUNDS64 = {**NATIVE, "rsqrt": 1.5, "log10": 1, "sin": 2, "cos": 2, "tan": 4, "asin": 2, "acos": 2,
            "atan": 2, "sinh": 2, "cosh": 2, "asinh": 4, "acosh": 4, "atanh": 4, "erfc": 4,
            "erfinv": 4, "pow": 1.1, "atan2": 3, "hypot": 2}
EXACT = 0.51  # correctly rounded, or nearly

# Where the arguments of a function lie, and how their logarithms are spread besides.
INTERVALS = {
    "exp": (-100, 88), "exp2": (-140, 127), "expm1": (-30, 88), "sinh": (-80, 80),
    "cosh": (-80, 80), "log": (0, 3), "log2": (0, 3), "log10": (0, 3), "log1p": (-1, 3),
    "sin": (-1e5, 1e5), "cos": (-1e5, 1e5), "tan": (-1e5, 1e5), "asin": (-1, 1), "acos": (-1, 1),
    "atanh": (-1, 1), "acosh": (1, 5), "tanh": (-10, 10), "asinh": (-9, 9), "atan": (-9, 9),
}
LONG_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
              "acosh": "arccosh", "atanh": "arctanh", "pow": "power", "atan2": "arctan2"}


def compiled(root: Expression, inputs: dict[str, np.ndarray], output: np.dtype) -> np.ufunc:
    return kernel(root, list(inputs), tuple(a.dtype for a in inputs.values()), output)


def both(root: Expression, inputs: dict[str, np.ndarray], dtype: np.dtype) -> tuple:
    """The results of the cpu and of the host."""
    output = BOOL if root.boolean else dtype
    return (compiled(root, inputs, output)(*inputs.values(), out=...),
            evaluate(root, inputs, dtype))


def units(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The error in units in the last place of `got`'s dtype; inf where only one is finite."""
    rounded = wanted.astype(got.dtype)
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(wanted.dtype) - wanted) / np.spacing(np.abs(rounded))
    alike = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(np.isfinite(rounded) & np.isfinite(got), error, np.where(alike, 0, INF))


def arguments(name: str, dtype: np.dtype) -> np.ndarray:
    generator = np.random.default_rng(len(name))
    low, high = INTERVALS.get(name, (-5, 5))
    spread = np.exp(generator.uniform(-80, 0, 20_000)) * generator.choice([-1, 1], 20_000)
    plain = generator.uniform(low, high, 50_000)
    x = np.concatenate([plain, np.clip(spread, low, high)]).astype(dtype)
    return np.clip(x, np.nextafter(dtype.type(low), INF), np.nextafter(dtype.type(high), -INF))


def unary(name: str) -> bool:
    return PRIMITIVES[name].arity == 1


def test_every_primitive_is_compiled_or_known_to_run_on_the_host() -> None:
    complex_only = {"conj", "real"}  # the identity of real numbers
    everywhere = {"where", "cast", "nonzero"}
    integers_only = {"shift_left", "shift_right", "bitwise_not", "bitwise_and", "bitwise_or",
                     "bitwise_xor"}
    assert FLOATS.keys() | ON_HOST | complex_only | everywhere | integers_only == PRIMITIVES.keys()
    assert INTEGERS.keys() <= PRIMITIVES.keys()


@pytest.mark.parametrize("name", sorted(ON_HOST))
def test_what_is_not_compiled_says_so(name: str) -> None:
    operands = (X,) * PRIMITIVES[name].arity
    for _ in range(2):
        with pytest.raises(Unsupported, match=name):
            kernel(call(name, *operands), ["x"], (F32,), F32)
    with pytest.raises(Unsupported, match="complex64"):
        kernel(X + 1, ["x"], (np.dtype(np.complex64),), np.dtype(np.complex64))


@pytest.mark.parametrize("name", sorted(set(INTERVALS) - ON_HOST))
def test_accuracy_of_functions(name: str) -> None:
    function = getattr(np, LONG_NAMES.get(name, name))
    for dtype, bounds, wide in ((F32, BOUNDS32, np.float64), (F64, BOUNDS64, LONG)):
        if wide is None:
            continue
        x = arguments(name, dtype)
        with np.errstate(all="ignore"):
            wanted = function(x.astype(wide))
        error = units(compiled(call(name, X), {"x": x}, dtype)(x), wanted)
        worst = error.argmax()
        assert error[worst] <= bounds.get(name, EXACT), (dtype, float(x[worst]))


def test_accuracy_of_erf_in_float32() -> None:
    x = np.linspace(0, 4.5, 20_000).astype(np.float32)
    x = np.concatenate([x, -x, np.exp(np.linspace(-100, 0, 5_000)).astype(np.float32)])
    wanted = np.array([math.erf(value) for value in x.tolist()])
    got = compiled(call("erf", X), {"x": x}, F32)(x)
    assert units(got, wanted).max() <= 1.5
    far = np.array([3.95, 4, 5, 1e30, INF], np.float32)
    assert (compiled(call("erf", X), {"x": far}, F32)(far) == 1).all()


def sampled(step: int) -> np.ndarray:
    """Floats of every size and sign: each `step`-th bit pattern."""
    return np.arange(step // 3, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("forms", [True, False], ids=["forms", "plain"])
@pytest.mark.parametrize(("name", "bound"), [("exp", 1.1), ("tanh", 2), ("erf", 1.5),
                                            ("log", 1), ("log1p", 1)])
def test_floats_of_every_size(
    monkeypatch: pytest.MonkeyPatch, name: str, bound: float, forms: bool
) -> None:
    """With coefficients picked from registers, where the CPU can, and without."""
    if not forms:
        monkeypatch.setattr(vector_forms, "available", lambda: False)
        monkeypatch.setattr(kernels, "_compiled", {})
    x = sampled(1 << 14)
    with np.errstate(all="ignore"):
        wide = x.astype(F64)
        wanted = np.vectorize(math.erf)(wide) if name == "erf" else getattr(np, name)(wide)
        # whole vectors, a rest, and elements one by one
        for part in (slice(None), slice(77), slice(None, None, 3)):
            got = compiled(call(name, X), {"x": x}, F32)(x[part])
            assert units(got, wanted[part]).max() <= bound
            np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted[part]))


@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_limits_are_reached_and_never_passed(name: str) -> None:
    x = np.linspace(3, 12, 200_000).astype(np.float32)
    got = compiled(call(name, X), {"x": x}, F32)(x)
    assert got.max() == 1
    assert (got[x > 9.1] == 1).all()
    ends = np.array([INF, -INF, 1e30, -1e30], np.float32)
    np.testing.assert_array_equal(compiled(call(name, X), {"x": ends}, F32)(ends), [1, -1, 1, -1])


@pytest.mark.parametrize("name", ["exp", "tanh", "erf", "log1p"])
def test_functions_in_loops_of_other_widths(name: str) -> None:
    """Floats beside int64 or double go in vectors of 8, beside truth values in any."""
    x = np.linspace(-0.9, 4, 1000).astype(np.float32)
    plain = compiled(call(name, X), {"x": x}, F32)(x)
    integers = np.linspace(0, 4, 1000).astype(np.int64)
    got = kernel(call(name, X), ["x"], (I64,), F32)(integers)
    np.testing.assert_array_equal(
        got, compiled(call(name, X), {"x": x}, F32)(integers.astype(np.float32)))
    doubles = kernel(call(name, X), ["x"], (F64,), F32)(x.astype(F64))
    np.testing.assert_array_equal(doubles, plain)
    compared = call("gt", call(name, X), constant(0.5))
    np.testing.assert_array_equal(compiled(compared, {"x": x}, BOOL)(x), plain > 0.5)


@pytest.mark.parametrize("name", ["pow", "atan2", "hypot"])
def test_accuracy_of_functions_of_two(name: str) -> None:
    generator = np.random.default_rng(0)
    for dtype, bounds, wide in ((F32, BOUNDS32, np.float64), (F64, BOUNDS64, LONG)):
        if wide is None:
            continue
        x = np.exp(generator.uniform(-8, 8, 50_000)).astype(dtype)
        y = generator.uniform(-10, 10, 50_000).astype(dtype)
        wanted = getattr(np, LONG_NAMES.get(name, name))(x.astype(wide), y.astype(wide))
        got = compiled(call(name, X, Y), {"x": x, "y": y}, dtype)(x, y)
        assert units(got, wanted).max() <= bounds.get(name, EXACT), dtype


@pytest.mark.parametrize("name", sorted(set(VALUES) - ON_HOST))
def test_recorded_values(name: str) -> None:
    x, wanted = np.array(VALUES[name]).T
    got = compiled(call(name, X), {"x": x}, F64)(x)
    assert units(got, wanted).max() <= BOUNDS64[name] + 0.5


SPECIAL = [NAN, INF, 0.0, 1.0, 0.5, 2.0, 3.0, 1.5, 2.5, 1e-40, 1e-45, 1.2e-38, 3e38, 1e10, 1e20,
           88.8, 104.5, 149.5, 709.7, 745.5, 1075.5, 7.5, 1e5, 12345.678]
SPECIAL += [-x for x in SPECIAL]
SIGN_OF_ZERO_IS_OPEN = {"maximum", "minimum", "fmax", "fmin"}


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", sorted(FLOATS))
def test_special_values(name: str, dtype: np.dtype) -> None:
    """nan, infinities, both zeros, subnormals, overflow: as the host has them."""
    with np.errstate(over="ignore"):
        values = np.array(SPECIAL, F64).astype(dtype)
    if unary(name):
        inputs, root = {"x": values}, call(name, X)
    else:
        x, y = np.array(list(itertools.product(values, values))).T.copy()
        inputs, root = {"x": x, "y": y}, call(name, X, Y)
    got, wanted = both(root, inputs, dtype)
    if root.boolean:
        np.testing.assert_array_equal(got, wanted)
        return
    assert units(got, wanted).max() <= 4.5
    zero = (wanted == 0) & (name not in SIGN_OF_ZERO_IS_OPEN)
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(wanted[zero]))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("name", sorted(INTEGERS))
def test_integers_and_truth_values(name: str, dtype: str) -> None:
    d = np.dtype(dtype)
    info = None if d == BOOL else np.iinfo(d)
    numbers = [0, 1] if info is None else [0, 1, 2, 3, 7, info.max, info.min, info.max - 1]
    if info is not None and info.min < 0:
        numbers += [-1, -2, -3, -7, info.min + 1]
    x = np.array(numbers * 5, d)
    inputs, root = {"x": x}, None
    if unary(name):
        root = call(name, X)
    else:
        a, b = np.array(list(itertools.product(x[: len(numbers)], repeat=2)), d).T.copy()
        inputs, root = {"x": a, "y": b}, call(name, X, Y)
    try:
        got, wanted = both(root, inputs, d)
    except Unsupported:
        assert d == BOOL  # neg, sub and divisions of truth values: the op has refused them
        return
    np.testing.assert_array_equal(got, wanted)
    assert got.dtype == wanted.dtype


GELU = 0.5 * X * (1 + call("erf", X * math.sqrt(0.5)))
LOSS = call("where", C, call("log1p", call("exp", -call("abs", X))) * Y, call("sin", X) - Y)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_an_expression_at_every_float_type(dtype: str) -> None:
    import ml_dtypes

    d = np.dtype(getattr(ml_dtypes, dtype, None) or dtype)
    x = np.linspace(-4, 4, 1001).astype(d)
    got, wanted = both(GELU, {"x": x}, d)
    assert got.dtype == d
    close = {"float64": 1e-14, "float32": 2e-6, "float16": 1e-3, "bfloat16": 8e-3}[dtype]
    np.testing.assert_allclose(got.astype(F64), wanted.astype(F64), rtol=close, atol=close / 10)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (7, 5), (40, 1000), (3, 5, 7)])
def test_shapes_strides_and_broadcasting(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(1)
    x = np.asarray(generator.normal(size=shape), F32)
    y = np.asarray(generator.normal(size=shape[-1:]), F32)
    c = np.asarray(generator.normal(size=shape) > 0)
    for a, b, k in ((x, y, c), (x.T, x.T, c.T), (x[..., ::-1] if shape else x, y, c),
                    (x, np.float32(2), np.True_)):
        inputs = {"x": np.asarray(a), "y": np.asarray(b), "c": np.asarray(k)}
        got, wanted = both(LOSS, inputs, F32)
        assert isinstance(got, np.ndarray)
        assert got.shape == np.broadcast_shapes(a.shape, b.shape, k.shape)
        np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=1e-6)


def test_large_arrays_are_split_without_a_difference() -> None:
    x = np.random.default_rng(2).normal(size=1_000_003).astype(F32)
    function = compiled(GELU, {"x": x}, F32)
    pieces = np.concatenate([function(part) for part in np.array_split(x, 1000)])
    np.testing.assert_array_equal(function(x), pieces)
    y = x.copy()
    assert function(y, out=y) is y
    np.testing.assert_array_equal(y, pieces)


def test_rare_operands_take_the_exact_way_wherever_they_stand() -> None:
    x = np.linspace(-10, 10, 70_001)
    for place in (0, 1, 35_000, 70_000):
        y = x.copy()
        y[place] = 1e22
        function = compiled(call("sin", X), {"x": y}, F64)
        assert function(y)[place] == pytest.approx(-0.8522008497671888, rel=1e-15)
        assert function(y[place]) == pytest.approx(-0.8522008497671888, rel=1e-15)
        np.testing.assert_allclose(np.delete(function(y), place), np.delete(np.sin(x), place),
                                   rtol=1e-15, atol=1e-15)
    wide = np.array([1e300, 1e30, 7.0])
    np.testing.assert_array_equal(compiled(call("fmod", X, Y), {"x": wide, "y": wide}, F64)(
        wide, 3.7), np.fmod(wide, 3.7))


def test_numbers_of_other_types_are_converted() -> None:
    integers = np.arange(-3, 4)
    got = compiled(X / Y, {"x": integers, "y": integers}, F32)(integers, np.full(7, 2))
    assert got.dtype == F32
    np.testing.assert_array_equal(got, integers / 2)
    truths = integers > 0
    assert compiled(call("cast", C), {"c": truths}, I64)(truths).tolist() == [0, 0, 0, 0, 1, 1, 1]
    with pytest.raises(Unsupported, match="different types"):
        kernel(X < Y, ["x", "y"], (I64, F32), BOOL)


def test_constants() -> None:
    x = np.arange(4, dtype=np.uint8)
    assert compiled(X + 300, {"x": x}, x.dtype)(x).tolist() == [44, 45, 46, 47]
    with pytest.raises(TypeError, match="no integer"):
        compiled(X * 0.5, {"x": x}, x.dtype)
    y = np.array([0.1], F32)
    assert compiled(Y + 0.1, {"y": y}, F32)(y)[0] == y[0] + np.float32(0.1)
    assert compiled(call("copysign", Y, constant(-0.0)), {"y": y}, F32)(y)[0] == -y[0]
    assert compiled(constant(3), {"y": y}, F32)(y).tolist() == [3.0]


def test_kernels_are_kept_and_are_ufuncs() -> None:
    one, two = (kernel(GELU, ["x"], (F32,), F32) for _ in range(2))
    assert one is two
    assert isinstance(one, np.ufunc)
    assert kernel(GELU, ["x"], (F64,), F64) is not one


def test_without_code_generation_the_host_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise Unavailable("no llvmlite here")

    monkeypatch.setattr(kernels, "compile_ufunc", refuse)
    with pytest.raises(Unsupported, match="no llvmlite here"):
        kernel(X * 17.25 + 3, ["x"], (F32,), F32)
    kernels._compiled.clear()


def test_no_warnings() -> None:
    x = np.array([0.0, -1.0, INF, NAN, 1e38, 1e-45] * 10, F32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(call("log", X) / X + call("exp", X) * X, {"x": x}, F32)(x)


def test_cost_grows_with_the_work() -> None:
    assert cost(X + Y, "float32") < cost(GELU, "float32") < cost(GELU, "float64")
