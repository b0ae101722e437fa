"""The array API standard: its names, its rules where torch's differ, and libraries on top of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight import array_api as xp

ROOT = Path(__file__).parents[1]

# The standard's names, recorded from its text of 2023.12 (array-api-strict has the same).
FUNCTIONS = """
    abs acos acosh add all any arange argmax argmin argsort asarray asin asinh astype atan atan2
    atanh bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
    broadcast_arrays broadcast_to can_cast ceil clip concat conj copysign cos cosh cumulative_sum
    divide empty empty_like equal exp expand_dims expm1 eye finfo flip floor floor_divide
    from_dlpack full full_like greater greater_equal hypot iinfo imag isdtype isfinite isinf isnan
    less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or
    logical_xor matmul matrix_transpose max maximum mean meshgrid min minimum moveaxis multiply
    negative nonzero not_equal ones ones_like permute_dims positive pow prod real remainder repeat
    reshape result_type roll round searchsorted sign signbit sin sinh sort sqrt square squeeze
    stack std subtract sum take tan tanh tensordot tile tril triu trunc unique_all unique_counts
    unique_inverse unique_values unstack var vecdot where zeros zeros_like
    __array_namespace_info__""".split()
CONSTANTS = """
    e inf nan newaxis pi bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64
    complex64 complex128""".split()
LINALG = """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank
    matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot
    vector_norm""".split()
FFT = """
    fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift
    ifftshift""".split()


def test_every_name_of_the_standard_is_there():
    missing = [n for n in FUNCTIONS + CONSTANTS if not hasattr(xp, n)]
    missing += [f"linalg.{n}" for n in LINALG if not hasattr(xp.linalg, n)]
    missing += [f"fft.{n}" for n in FFT if not hasattr(xp.fft, n)]
    assert not missing
    assert not [n for n in xp.__all__ if not hasattr(xp, n)]


def test_tensors_lead_to_it():
    assert rl.ones(2).__array_namespace__() is xp
    assert rl.ones(2).__array_namespace__(api_version="2023.12") is xp
    with pytest.raises(ValueError, match="not supported"):
        rl.ones(2).__array_namespace__(api_version="2050.12")
    info = xp.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] is rl.float32
    assert info.dtypes(kind="real floating") == {"float32": rl.float32, "float64": rl.float64}
    assert info.devices() == [rl.device("cpu")] and info.capabilities()["boolean indexing"]


UNARY = """abs acos acosh asin asinh atan atanh ceil conj cos cosh exp expm1 floor isfinite isinf
    isnan log log10 log1p log2 negative positive real reciprocal round sign signbit sin sinh sqrt
    square tan tanh trunc""".split()
BINARY = """add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal
    logaddexp maximum minimum multiply nextafter not_equal pow remainder subtract""".split()
REDUCTIONS = "all any count_nonzero max mean min prod std sum var".split()


def agree(found, expected):
    assert isinstance(found, rl.Tensor)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert found.numpy().dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("name", UNARY)
def test_of_one_operand(name):
    x = np.linspace(-2.3, 2.4, 12).reshape(3, 4)
    with np.errstate(all="ignore"):
        agree(getattr(xp, name)(rl.from_numpy(x)), getattr(np, name)(x))


@pytest.mark.parametrize("name", BINARY)
def test_of_two_operands(name):
    x, y = np.linspace(-2.3, 2.4, 12).reshape(3, 4), np.float64(1.5)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x, y)
        agree(getattr(xp, name)(rl.from_numpy(x), rl.tensor(1.5, dtype=rl.float64)), expected)
        agree(getattr(xp, name)(rl.from_numpy(x), 1.5), expected)
        agree(getattr(xp, name)(1.5, rl.from_numpy(x)), getattr(np, name)(1.5, x))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (), (1,)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_folds(name, axis, keepdims):
    x = np.linspace(-1.5, 1.5, 24).reshape(2, 3, 4)
    agree(getattr(xp, name)(rl.from_numpy(x), axis=axis, keepdims=keepdims),
          getattr(np, name)(x, axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "ihfft"])
def test_transforms(name, axis):
    x = np.linspace(-1.5, 1.5, 12).reshape(3, 4)
    agree(getattr(xp.fft, name)(rl.from_numpy(x), axis=axis, n=5),
          getattr(np.fft, name)(x, axis=axis, n=5))


def test_zero_dimensional_tensors_take_part_in_promotion():
    assert xp.add(rl.ones(2), rl.tensor(1.0, dtype=rl.float64)).dtype is rl.float64
    assert (rl.ones(2) + rl.tensor(1.0, dtype=rl.float64)).dtype is rl.float32
    assert xp.result_type(rl.int8, rl.uint8) is rl.int16
    assert xp.result_type(rl.float64, 1, 2.0) is rl.float64
    assert xp.result_type(rl.int32, 1.5) is rl.float32
    assert xp.result_type(rl.float64, 1j) is rl.complex128


def test_sums_of_integers_are_wide():
    small = rl.tensor([100, 100], dtype=rl.int8)
    assert xp.sum(small).dtype is rl.int64 and xp.sum(small).item() == 200
    assert xp.sum(small.to(rl.uint8)).dtype is rl.uint64
    assert xp.cumulative_sum(small, include_initial=True).tolist() == [0, 100, 200]
    assert xp.prod(rl.tensor([True, True])).dtype is rl.int64


def test_creation_and_shapes():
    assert xp.arange(3, 0).shape == (0,) and xp.arange(5, 0, -2).tolist() == [5, 3, 1]
    assert xp.linspace(0, 1, 4, endpoint=False).tolist() == [0, 0.25, 0.5, 0.75]
    np.testing.assert_array_equal(xp.eye(2, 4, k=1).numpy(), np.eye(2, 4, 1, dtype="f4"))
    np.testing.assert_array_equal(xp.eye(3, k=-5).numpy(), np.eye(3, k=-5))
    a, b = xp.meshgrid(rl.arange(2), rl.arange(3))
    assert a.shape == (3, 2) and b[2, 0] == 2
    x = rl.arange(6).view(2, 3)
    assert xp.concat([x, x], axis=None).shape == (12,)
    assert xp.take(x, rl.tensor([2, 0]), axis=1).tolist() == [[2, 0], [5, 3]]
    assert xp.flip(x).tolist() == [[5, 4, 3], [2, 1, 0]]
    assert xp.expand_dims(x, axis=1).shape == (2, 1, 3)
    with pytest.raises(ValueError, match="not 1"):
        xp.squeeze(x, 0)
    with pytest.raises(ValueError, match="copy"):
        xp.reshape(x.t(), (6,), copy=False)
    assert xp.reshape(x, (6,), copy=True).data_ptr() != x.data_ptr()
    assert xp.tril(rl.ones(2, 2).bool(), k=-1).tolist() == [[False, False], [True, False]]


def test_sets_and_searching():
    found = xp.unique_all(rl.tensor([3, 1, 3, 2]))
    assert [v.tolist() for v in found] == [[1, 2, 3], [1, 3, 0], [2, 0, 2, 1], [1, 1, 2]]
    assert xp.searchsorted(rl.tensor([1.0, 2.0]), 1.5).item() == 1
    assert xp.argsort(rl.tensor([1, 2, 1]), descending=True).tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="zero-dimensional"):
        xp.nonzero(rl.tensor(1))


def test_linear_algebra():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 3)), rng.standard_normal((2, 3, 2))
    agree(xp.linalg.solve(rl.from_numpy(a), rl.from_numpy(b)), np.linalg.solve(a, b))
    agree(xp.linalg.solve(rl.from_numpy(a), rl.from_numpy(b[0, :, 0])),
          np.stack([np.linalg.solve(m, b[0, :, 0]) for m in a]))
    agree(xp.vecdot(rl.from_numpy(a + 1j), rl.from_numpy(a * 2j)), np.vecdot(a + 1j, a * 2j))
    agree(xp.linalg.trace(rl.from_numpy(a), offset=1), np.linalg.trace(a, offset=1))
    agree(xp.linalg.matrix_norm(rl.from_numpy(a), ord=1), np.linalg.matrix_norm(a, ord=1))
    agree(xp.linalg.vector_norm(rl.from_numpy(a), axis=(0, 2)),
          np.linalg.vector_norm(a, axis=(0, 2)))


def test_gradients_flow():
    x = rl.tensor([1.0, 2.0], requires_grad=True)
    xp.sum(xp.square(x)).backward()
    assert x.grad.tolist() == [2, 4]


def run(program: str) -> None:
    """In a process of its own: SciPy reads its switch when it is imported."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_scipy_computes_on_tensors():
    pytest.importorskip("scipy", minversion="1.15")
    run("""
        import os
        os.environ["SCIPY_ARRAY_API"] = "1"
        import numpy as np
        from scipy import special, stats
        import rushlight as rl
        a = np.random.default_rng(0).standard_normal((20, 3))
        x = rl.from_numpy(a)
        for f in (special.expit, lambda v: special.logsumexp(v, axis=0), stats.zscore, stats.skew,
                  lambda v: stats.ttest_1samp(v, 0.0).pvalue):
            found = f(x)
            assert isinstance(found, rl.Tensor), type(found)
            np.testing.assert_allclose(found.numpy(), f(a), rtol=1e-10)
    """)


def test_scikit_learn_computes_on_tensors():
    pytest.importorskip("sklearn", minversion="1.5")
    run("""
        import os
        os.environ["SCIPY_ARRAY_API"] = "1"
        import numpy as np
        from sklearn import config_context
        from sklearn.decomposition import PCA
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
        import rushlight as rl
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((60, 5)), np.arange(60) % 3
        x[:, 0] += y
        expected = LinearDiscriminantAnalysis().fit(x, y).predict_proba(x)
        axes = abs(PCA(2, svd_solver="full").fit_transform(x))
        with config_context(array_api_dispatch=True):
            x, y = rl.from_numpy(x), rl.from_numpy(y)
            found = LinearDiscriminantAnalysis().fit(x, y).predict_proba(x)
            turned = PCA(2, svd_solver="full").fit_transform(x)
        assert isinstance(found, rl.Tensor) and isinstance(turned, rl.Tensor)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-8)
        np.testing.assert_allclose(turned.abs().numpy(), axes, rtol=1e-8)
    """)
