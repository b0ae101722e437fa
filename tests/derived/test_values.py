"""Values of every declared op: against its expression in float64, and of one dtype by another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.backends.host.scalar import evaluate
from rushlight.families.kernels import LARGE

from .samples import POINTWISE, TESTED, UNSPECIFIED, Sample, cases, flat, is_public, samples_of

# From float32 samples these give other answers than from float64: they look at the dtype itself.
BY_DTYPE = {"nextafter", "finfo", "frexp", "result_type", "dtype", "float_power_"}
# Public ops for which no sample is known, and why.
WITHOUT_SAMPLES = {
    "setitem": "returns nothing", "__array_namespace__": "returns a module",
    "while_loop": "the number of its turns is in the data",
    "frombuffer": "takes bytes", "from_file": "takes a file",
    "as_subclass": "takes a class", "new": "takes what constructors do",
    "apply_": "calls Python for each element", "map_": "the same", "map2_": "the same",
    "rrelu_": "random", "gumbel_softmax": "random",
    **dict.fromkeys(("sparse_coo_tensor", "sparse_csr_tensor", "sparse_csc_tensor",
                     "sparse_compressed_tensor", "to_sparse", "to_sparse_csr", "to_sparse_csc",
                     "spmm", "sparse_mask"),
                    "sparse: tests/test_sparse.py"),
}


def expected(sample: Sample) -> np.ndarray:
    """The op's expression, run by NumPy in float64 on the same operands."""
    op = sample.declaration.op
    names = list(op.signature.parameters)
    given = dict(zip(names, sample.args)) | sample.options
    variant = op.variant({n: v for n, v in given.items() if n in op.defaults})
    arrays = {n: getattr(given[n], "_array", given[n]) for n in variant.names}
    dtype = np.result_type(*(a for a in arrays.values() if getattr(a, "dtype", None) != np.bool_))
    root = variant.root
    return evaluate(root, {n: np.asarray(a, a.dtype if getattr(a, "dtype", None) == np.bool_
                                         else dtype) for n, a in arrays.items()}, dtype)


def close(found: Any, wanted: Any, tolerance: float) -> None:
    a, b = np.asarray(found), np.asarray(wanted)
    assert a.shape == b.shape
    if a.dtype.kind in "bi":
        assert np.array_equal(a, b)
    else:
        scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
        np.testing.assert_allclose(a, b, tolerance, tolerance * scale)


@pytest.mark.parametrize("sample", cases(POINTWISE))
def test_pointwise_ops_follow_their_expression(sample: Sample) -> None:
    close(sample.run(), expected(sample), 1e-12)


def enlarged(x: Tensor) -> Tensor:
    return x if not x.ndim else x.expand(LARGE // 12 + 1, *([1] * (2 - x.ndim)), *x.shape) if (
        x.ndim < 2) else x.expand(LARGE // 12 + 1, *x.shape)


@pytest.mark.parametrize("sample", cases(POINTWISE))
def test_large_arrays_give_what_small_ones_give(sample: Sample) -> None:
    if not any(x.ndim for x in sample.tensors()):
        pytest.skip("only numbers")
    small, large = sample.run(), sample.map(lambda x: enlarged(x).contiguous()).run()
    close(large, np.broadcast_to(small, large.shape), 1e-12)


@pytest.mark.parametrize("sample", cases(TESTED))
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-4), ("bfloat16", 0.1)])
def test_narrow_dtypes_agree_with_float64(sample: Sample, dtype: str, tolerance: float) -> None:
    name = sample.declaration.name
    if name in BY_DTYPE | UNSPECIFIED or not any(x.is_floating_point() for x in sample.tensors()):
        pytest.skip("looks at the dtype itself")
    narrow = sample.to(getattr(rl, dtype))
    try:
        found = flat(narrow.run())
    except (NotImplementedError, RuntimeError):
        if dtype == "float32":
            raise
        pytest.skip("not for half types")
    for a, b in zip(found, flat(narrow.to(rl.float64).run()), strict=True):
        if isinstance(a, Tensor) and a.is_floating_point():
            if not steps(sample):
                close(a.double(), b.double(), tolerance)
            assert a.dtype == b.dtype or a.dtype in (getattr(rl, dtype), rl.float32)
        elif isinstance(a, Tensor):
            assert a.shape == b.shape


def steps(sample: Sample) -> bool:
    """Whether the op jumps, so that rounding may move a value over an edge."""
    return any(word in sample.declaration.name for word in (
        "floor", "round", "remainder", "fmod", "trunc", "ceil", "sort", "frac", "eig", "svd",
        "rank", "unique", "lu", "qr", "shrink", "threshold")) or "rounding_mode" in sample.options


def test_every_public_op_has_samples() -> None:
    without = {d.name for d in TESTED if is_public(d) and not samples_of(d)}
    assert without == set(WITHOUT_SAMPLES)
