"""Gradients of every declared op against finite differences, to second order."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.autograd import gradcheck, gradgradcheck

from .samples import POINTWISE, TESTED, Sample, cases, flat, tensors_in

FIRST_ORDER = {"digamma"}  # whose second derivative is not known yet
# Of these the gradient is a convention, not the derivative.
CONVENTIONS = {
    "sgn",
    "old_cholesky", "lobpcg",  # those of a symmetric matrix
    "svd_lowrank", "pca_lowrank",  # of random projections
    "_fake_quantize", "fake_quantize_per_tensor_affine",  # straight through their steps
    "native_layer_norm", "native_batch_norm",  # mean and deviation pass none
}
ANALYTIC = [d for d in POINTWISE if "complex" not in str(d.op.refuse) and not callable(d.op.refuse)
            and not d.op.plain.boolean]


def prepared(sample: Sample) -> tuple[Any, tuple[Tensor, ...]]:
    """A function of the sample's floating point tensors alone, and those tensors as leaves."""
    leaves = [t.detach().clone().requires_grad_() for t in sample.tensors()
              if t.is_floating_point() or t.is_complex()]

    def function(*given: Tensor) -> list[Tensor]:
        rest = iter(given)
        own = sample.map(lambda t: next(rest) if t.is_floating_point() or t.is_complex() else t)
        return [finite(y) for y in tensors_in(own.run())
                if y.dtype in (rl.float64, rl.complex128)]

    return function, tuple(leaves)


def finite(y: Tensor) -> Tensor:
    """Without the infinities that masked ops give, which have no finite differences."""
    whole = y.detach().isfinite()
    return y if whole.all() else y.masked_fill(~whole, 0)


def differentiable(sample: Sample) -> bool:
    function, leaves = prepared(sample)
    return bool(leaves) and any(y.requires_grad for y in function(*leaves))


def check(sample: Sample) -> None:
    if sample.declaration.name in CONVENTIONS or not differentiable(sample):
        pytest.skip("nothing here requires grad, or none is the derivative")
    function, leaves = prepared(sample)
    try:
        assert gradcheck(function, leaves)
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
        pytest.skip(str(error))
    if sample.declaration.name not in FIRST_ORDER:
        assert gradgradcheck(function, leaves)


@pytest.mark.parametrize("sample", cases(TESTED))
def test_real(sample: Sample) -> None:
    check(sample)


def complex_sample(sample: Sample) -> Sample:
    unit = rl.tensor(0.3j, dtype=rl.complex128)
    return sample.map(lambda t: t.to(rl.complex128) + t.to(rl.complex128) * unit
                      if t.is_floating_point() else t)


@pytest.mark.parametrize("sample", cases(ANALYTIC))
def test_complex(sample: Sample) -> None:
    check(complex_sample(sample))


@pytest.mark.parametrize("sample", cases(TESTED))
def test_gradients_have_shape_and_dtype_of_the_operands(sample: Sample) -> None:
    single = sample.to(rl.float32)
    function, leaves = prepared(single)
    outputs = [y for y in flat(function(*leaves)) if isinstance(y, Tensor) and y.requires_grad]
    if not outputs:
        pytest.skip("nothing here requires grad")
    rl.autograd.backward([y.abs().sum() for y in outputs])
    for leaf in leaves:
        if leaf.grad is not None:
            assert (leaf.grad.shape, leaf.grad.dtype) == (leaf.shape, leaf.dtype)
