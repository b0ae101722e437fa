"""Scaled dot-product attention: the blocked op against the plain form, gradients of every order."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.backends.cpu import attention as cpu
from rushlight.backends.cpu import task
from rushlight.backends.host import attention as host
from rushlight.ops import attention

sdpa = rl.nn.functional.scaled_dot_product_attention


def draw(*shape: int, dtype: rl.dtype = rl.float64) -> rl.Tensor:
    return rl.randn(*shape, dtype=dtype).requires_grad_()


def compare(q: rl.Tensor, k: rl.Tensor, v: rl.Tensor, mask: rl.Tensor | None = None,
            causal: bool = False, tolerance: float = 1e-11) -> None:
    """The fused op against the composed form, results and gradients."""
    scale = 1 / math.sqrt(q.shape[-1])
    assert attention._fits(q, k, v, mask, scale)
    fused = attention.attend(q, k, v, mask, is_causal=causal, enable_gqa=q.ndim > 3)
    composed = attention._composed(q, k, v, mask, causal, scale)
    assert fused.grad_fn.name() == "ScaledDotProductFlashAttentionForCpuBackward0"
    assert fused.shape == composed.shape
    assert rl.allclose(fused, composed, rtol=tolerance, atol=tolerance)
    weight = rl.randn(*fused.shape, dtype=fused.dtype)
    pairs = zip(rl.autograd.grad(fused, (q, k, v), weight),
                rl.autograd.grad(composed, (q, k, v), weight), strict=True)
    for found, wanted in pairs:
        assert rl.allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("targets, sources, dim, dim_v", [
    (1, 1, 1, 1), (5, 9, 3, 7), (33, 33, 16, 16), (70, 65, 20, 33), (40, 100, 8, 8)])
def test_blocks_are_the_plain_form(
    causal: bool, targets: int, sources: int, dim: int, dim_v: int
) -> None:
    rl.manual_seed(0)
    q, k, v = draw(2, 3, targets, dim), draw(2, 3, sources, dim), draw(2, 3, sources, dim_v)
    compare(q, k, v, causal=causal)


@pytest.mark.parametrize("shape", [(6, 4), (3, 6, 4), (2, 1, 2, 6, 4)])
def test_other_numbers_of_dimensions(shape: tuple) -> None:
    rl.manual_seed(0)
    compare(draw(*shape), draw(*shape), draw(*shape), causal=True)


@pytest.mark.parametrize("kind", ["bool", "added"])
@pytest.mark.parametrize("shape", [(9, 11), (1, 11), (9, 1), (2, 1, 9, 11), (3, 9, 11), (11,)])
def test_masks(kind: str, shape: tuple) -> None:
    rl.manual_seed(1)
    q, k, v = draw(2, 3, 9, 4), draw(2, 3, 11, 4), draw(2, 3, 11, 5)
    seen = rl.rand(*shape) > 0.3
    added = rl.randn(*shape, dtype=rl.float64).masked_fill(~seen, -math.inf)
    for causal in (False, True):
        compare(q, k, v, seen if kind == "bool" else added, causal)


def test_rows_that_may_look_nowhere_are_zeros() -> None:
    rl.manual_seed(2)
    q, k, v = (draw(2, 5, 4) for _ in range(3))
    seen = rl.ones(5, 5, dtype=rl.bool)
    seen[2] = False
    for mask in (seen, rl.zeros(5, 5, dtype=rl.float64).masked_fill(~seen, -math.inf)):
        out = sdpa(q, k, v, mask)
        assert out[:, 2].abs().max() == 0
        for g in rl.autograd.grad(out.square().sum(), (q, k, v)):
            assert rl.isfinite(g).all()
        compare(q, k, v, mask)


@pytest.mark.parametrize("heads", [1, 2, 6])
def test_heads_shared_by_groups(heads: int) -> None:
    rl.manual_seed(3)
    compare(draw(2, 6, 7, 4), draw(2, heads, 40, 4), draw(2, heads, 40, 5), causal=True)


def test_operands_in_any_strides() -> None:
    rl.manual_seed(4)
    packed = draw(2, 37, 3, 4, 8)  # (batch, time, three, heads, dim)
    q, k, v = packed.permute(2, 0, 3, 1, 4)
    fused = sdpa(q, k, v, is_causal=True)
    composed = attention._composed(q, k, v, None, True, 8**-0.5)
    assert rl.allclose(fused, composed)
    (found,) = rl.autograd.grad(fused.sin().sum(), packed)
    (wanted,) = rl.autograd.grad(composed.sin().sum(), packed)
    assert rl.allclose(found, wanted)
    turned = draw(4, 6).t()  # its last dimension is not contiguous
    assert rl.allclose(sdpa(turned, turned, turned),
                       attention._composed(turned, turned, turned, None, False, 0.5))


def test_gradients_of_every_order() -> None:
    rl.manual_seed(5)
    q, k, v = draw(1, 2, 3, 2), draw(1, 2, 4, 2), draw(1, 2, 4, 2)
    mask = rl.tensor([[True, False, True, True]])
    for options in ({}, {"is_causal": True}, {"attn_mask": mask}):
        assert gradcheck(lambda *t, o=options: sdpa(*t, **o), (q, k, v))
    assert gradgradcheck(lambda *t: sdpa(*t, is_causal=True), (q, k, v))


def test_learnt_mask_gets_a_gradient() -> None:
    rl.manual_seed(6)
    q, k, v, mask = draw(1, 2, 3, 2), draw(1, 2, 4, 2), draw(1, 2, 4, 2), draw(3, 4)
    assert gradcheck(lambda *t: sdpa(*t), (q, k, v, mask))


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("masked", [False, True])
def test_generated_code_is_the_numpy_form(dtype: type, tolerance: float, masked: bool) -> None:
    if not task.available():
        pytest.skip("no code can be generated here")
    random = np.random.default_rng(0)
    q, g = (random.normal(size=(2, 4, 45, 20)).astype(dtype) for _ in range(2))
    k, v = (random.normal(size=(2, 2, 70, 20)).astype(dtype) for _ in range(2))
    mask = None
    if masked:
        mask = random.normal(size=(2, 4, 45, 70)).astype(dtype)
        mask[0, 1, 3], mask[1, 2, :, 7] = -np.inf, -np.inf
    for causal in (False, True):
        results = []
        for module in (cpu, host):
            out, lse = module.forward(q, k, v, mask, causal, 0.3)
            results.append([out, lse, *module.backward(g, q, k, v, mask, causal, 0.3, out, lse)])
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_extremes() -> None:
    big = rl.tensor([[1e30, 1.0], [-1e30, 2.0], [0.0, 3.0]]).unsqueeze(0)
    assert rl.isfinite(sdpa(big * 1e-12, big * 1e-12, big)).all()
    bad = big.clone()
    bad[0, 1, 0] = math.nan
    out = sdpa(rl.ones(1, 1, 2), bad, rl.ones(1, 3, 2))
    assert out.isnan().all()
    assert sdpa(rl.ones(1, 0, 2), big, big).shape == (1, 0, 2)


def test_half_types_are_computed_in_float32() -> None:
    rl.manual_seed(7)
    q, k, v = (rl.randn(2, 4, 50, 16) for _ in range(3))
    exact = sdpa(q, k, v, is_causal=True)
    for dtype, tolerance in ((rl.bfloat16, 0.03), (rl.float16, 0.004)):
        given = [x.to(dtype).requires_grad_() for x in (q, k, v)]
        out = sdpa(*given, is_causal=True)
        assert out.dtype is dtype and rl.allclose(out.float(), exact, atol=tolerance, rtol=0.05)
        out.float().sum().backward()
        assert all(x.grad.dtype is dtype for x in given)


def test_results_do_not_depend_on_the_threads() -> None:
    rl.manual_seed(8)
    q, k, v = (draw(3, 5, 130, 24, dtype=rl.float32) for _ in range(3))
    threads, found = rl.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            rl.set_num_threads(count)
            out = sdpa(q, k, v, is_causal=True)
            found.append([out, *rl.autograd.grad(out.sum(), (q, k, v))])
    finally:
        rl.set_num_threads(threads)
    for other in found[1:]:
        assert all(rl.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_saved_operand_that_was_overwritten_is_named() -> None:
    q = draw(1, 3, 2)
    k = q * 2
    out = sdpa(q, k, q)
    k.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


@pytest.mark.parametrize("shapes, options, words", [
    ([(2, 3, 4), (2, 3, 5), (2, 3, 4)], {}, "first two dimensions of batch2"),
    ([(2, 5, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)], {}, "at non-singleton dimension"),
    ([(2, 5, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)], {"enable_gqa": True}, "must divide the number"),
    ([(4,), (3, 4), (3, 4)], {}, "at least 2 dimensional"),
    ([(3, 4)] * 3, {"dropout_p": 1.5}, "dropout probability has to be between 0 and 1"),
    ([(3, 4)] * 3, {"attn_mask": rl.ones(3, 3, dtype=rl.int64)}, "Expected attn_mask dtype"),
    ([(3, 4), (5, 4), (6, 4)], {}, "cannot be multiplied"),
])
def test_errors(shapes: list, options: dict, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        sdpa(*(rl.zeros(s) for s in shapes), **options)
    with pytest.raises(RuntimeError, match="same dtype"):
        sdpa(rl.zeros(2, 3), rl.zeros(2, 3), rl.zeros(2, 3, dtype=rl.float64))
