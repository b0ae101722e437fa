"""Gradients of every declared op against finite differences, to second order."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.autograd import gradcheck, gradgradcheck

from .samples import POINTWISE, TESTED, Sample, cases, flat, tensors_in

# Of these the gradient is a convention, not the derivative.
CONVENTIONS = {
    "sgn",
    "set_",  # takes the elements of another tensor, and none of its history
    "old_cholesky", "lobpcg",  # those of a symmetric matrix
    "svd_lowrank", "pca_lowrank",  # of random projections
    "_fake_quantize", "fake_quantize_per_tensor_affine",  # straight through their steps
    "native_layer_norm", "native_batch_norm",  # mean and deviation pass none
}
CONVENTIONAL_OPTIONS = {"padding_idx", "scale_grad_by_freq"}  # with these it is one, too
# Said of gradients that there are not, in torch neither.
REFUSALS = ("is not implemented", "The derivative of linalg.qr", "require grad",
            "that was computed with gradients", "double backward does not support",
            "requires dtype Double")


def hermitian(x: Tensor) -> Tensor:
    return (x + x.mH) / 2


# The gradient is that among such operands: which operand, and how any other is made one.
AMONG = {
    **dict.fromkeys(("cholesky", "cholesky_ex", "eigh", "eigvalsh", "ldl_factor_ex",
                     "ldl_factor"), (0, hermitian)),
    "ctc_loss": (0, lambda x: x.log_softmax(-1)),
    "cholesky_inverse": (0, lambda x: x.tril() if not x.ndim > 2 else x.triu()),
    "cholesky_solve": (1, rl.tril),
}
# Defined up to a factor of absolute value 1.
UP_TO_PHASE = {"eig", "eigh", "svd", "old_svd"}

ANALYTIC = [d for d in POINTWISE if "complex" not in str(d.op.refuse) and not callable(d.op.refuse)
            and not d.op.plain.boolean]


def prepared(sample: Sample) -> tuple[Any, tuple[Tensor, ...]]:
    """A function of the sample's floating point tensors alone, and those tensors as leaves."""
    leaves = [t.detach().clone().requires_grad_() for t in sample.tensors()
              if t.is_floating_point() or t.is_complex()]

    def function(*given: Tensor) -> list[Tensor]:
        rest = iter(given)
        own = sample.map(lambda t: next(rest) if t.is_floating_point() or t.is_complex() else t)
        own = among(own)
        turning = sample.declaration.name in UP_TO_PHASE
        return [finite(y.abs() if turning and y.is_complex() else y)
                for y in tensors_in(own.run()) if y.dtype in (rl.float64, rl.complex128)]

    return function, tuple(leaves)


def among(sample: Sample) -> Sample:
    """The sample with an operand of the kind that its gradient is meant for."""
    name = sample.declaration.name
    if name == "pinv" and sample.options.get("hermitian"):
        place, change = 0, hermitian
    elif name in AMONG:
        place, change = AMONG[name]
    else:
        return sample
    args = [change(x) if i == place else x for i, x in enumerate(sample.args)]
    return Sample(sample.declaration, tuple(args), sample.options)


def finite(y: Tensor) -> Tensor:
    """Without the infinities that masked ops give, which have no finite differences."""
    whole = y.detach().isfinite()
    return y if whole.all() else y.masked_fill(~whole, 0)


def differentiable(sample: Sample) -> bool:
    function, leaves = prepared(sample)
    try:
        return bool(leaves) and any(y.requires_grad for y in function(*leaves))
    except RuntimeError as error:
        if any(reason in str(error) for reason in REFUSALS):
            return False
        raise


def is_convention(sample: Sample) -> bool:
    return bool(sample.declaration.name in CONVENTIONS or CONVENTIONAL_OPTIONS & set(
        sample.options))


def check(sample: Sample) -> None:
    if is_convention(sample) or not differentiable(sample):
        pytest.skip("nothing here requires grad, or none is the derivative")
    function, leaves = prepared(sample)
    try:
        assert gradcheck(function, leaves) and gradgradcheck(function, leaves)
    except RuntimeError as error:
        if not any(reason in str(error) for reason in REFUSALS):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("sample", cases(TESTED))
def test_real(sample: Sample) -> None:
    check(sample)


def complex_sample(sample: Sample) -> Sample:
    unit = rl.tensor(0.3j, dtype=rl.complex128)
    return sample.map(lambda t: t + t.flatten().roll(1).reshape(t.shape) * unit
                      if t.is_floating_point() else t)


@pytest.mark.parametrize("sample", cases(TESTED))
def test_complex(sample: Sample) -> None:
    """In torch's convention, by which gradients are conjugate."""
    changed = complex_sample(sample)
    if not any(t.is_complex() for t in changed.tensors()):
        pytest.skip("no floating point tensors go in")
    try:
        among(changed).run()
    except (RuntimeError, TypeError, ValueError) as error:
        pytest.skip(f"not for complex numbers: {error}")
    check(changed)


@pytest.mark.parametrize("sample", cases(TESTED))
def test_gradients_have_shape_and_dtype_of_the_operands(sample: Sample) -> None:
    single = sample.to(rl.float32)
    if not differentiable(single):
        pytest.skip("nothing here requires grad")
    function, leaves = prepared(single)
    outputs = [y for y in flat(function(*leaves)) if isinstance(y, Tensor) and y.requires_grad]
    if not outputs:
        pytest.skip("nothing here requires grad")
    rl.autograd.backward([y.abs().sum() for y in outputs])
    for leaf in leaves:
        if leaf.grad is not None:
            assert (leaf.grad.shape, leaf.grad.dtype) == (leaf.shape, leaf.dtype)
