"""Half types: what torch computes in one go is rounded once, at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as rl

F = rl.nn.functional

# An operation of tensors of these shapes.
CASES: dict[str, tuple[Callable[..., Any], list[tuple[int, ...]]]] = {
    "attention, a learnt mask": (F.scaled_dot_product_attention, [(2, 4, 16, 8)] * 3 + [(16, 16)]),
    "attention, causal": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                          [(2, 4, 16, 8)] * 3),
    "conv_transpose1d": (F.conv_transpose1d, [(2, 16, 8), (16, 16, 3), (16,)]),
    "conv_transpose2d": (lambda x, w, b: F.conv_transpose2d(x, w, b, 2),
                         [(2, 16, 8, 8), (16, 16, 3, 3), (16,)]),
    "linear of a vector": (F.linear, [(64,), (48, 64), (48,)]),
    "linear": (F.linear, [(32, 64), (48, 64), (48,)]),
    "addmm": (rl.addmm, [(48,), (32, 64), (64, 48)]),
    "batch_norm, evaluation": (
        lambda x, w, b: F.batch_norm(x, rl.full((8,), 0.3, dtype=x.dtype),
                                     rl.full((8,), 2.0, dtype=x.dtype), w, b),
        [(16, 8, 6), (8,), (8,)]),
    "glu": (F.glu, [(16, 8)]),
    "cumsum": (lambda x: x.cumsum(1), [(20, 64)]),
    "cumprod": (lambda x: x.cumprod(1), [(20, 8)]),
    "bilinear": (lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"), [(2, 3, 9, 9)]),
    "bicubic": (lambda x: F.interpolate(x, size=(13, 5), mode="bicubic"), [(2, 3, 9, 9)]),
    "antialias": (lambda x: F.interpolate(x, size=(5, 4), mode="bilinear", antialias=True),
                  [(2, 3, 9, 9)]),
    "embedding_bag": (lambda w: F.embedding_bag(rl.arange(30).view(5, 6) % 9, w), [(9, 8)]),
}


def relative(found: rl.Tensor, exact: rl.Tensor) -> float:
    """The error of `found`, squared and averaged, against that of `exact`."""
    a, b = found.detach().double().numpy(), exact.detach().numpy()
    return float(np.sqrt(((a - b) ** 2).mean() / (b ** 2).mean()))


@pytest.mark.parametrize("dtype", [rl.bfloat16, rl.float16])
@pytest.mark.parametrize("name", CASES)
def test_rounded_once(name: str, dtype: Any) -> None:
    """The error is that of one rounding, 0.29 of the dtype's last digit on average, forward; of
    two at most in gradients, whose own operands are rounded."""
    function, shapes = CASES[name]
    random = np.random.default_rng(0)
    given = [rl.tensor(random.standard_normal(shape)).to(dtype) for shape in shapes]
    operands = [x.clone().requires_grad_() for x in given]
    exact = [x.double().requires_grad_() for x in given]
    out, wanted = function(*operands), function(*exact)
    assert out.dtype is dtype
    once = 0.29 * rl.finfo(dtype).eps * 0.9
    assert relative(out, wanted) < 1.15 * once
    weights = rl.tensor(random.standard_normal(tuple(out.shape))).to(dtype)
    out.backward(weights)
    wanted.backward(weights.double())
    for own, other in zip(operands, exact, strict=True):
        assert own.grad is not None and own.grad.dtype is dtype
        assert relative(own.grad, other.grad) < 2 * once


@pytest.mark.parametrize("dtype", [rl.bfloat16, rl.float16])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_recurrent_layers_keep_their_state_in_float32(kind: str, dtype: Any) -> None:
    rl.manual_seed(0)
    options = {"proj_size": 3} if kind == "LSTM" else {}
    for extra in ({}, options):
        layer = getattr(rl.nn, kind)(5, 8, 2, bidirectional=True, dtype=dtype, **extra)
        exact = getattr(rl.nn, kind)(5, 8, 2, bidirectional=True, dtype=rl.float64, **extra)
        exact.load_state_dict(layer.state_dict())
        x = rl.randn(20, 3, 5).to(dtype)
        out, wanted = layer(x)[0], exact(x.double())[0]
        assert out.dtype is dtype and relative(out, wanted) < rl.finfo(dtype).eps
        out.sum().backward()
        wanted.sum().backward()
        for own, other in zip(layer.parameters(), exact.parameters(), strict=True):
            assert relative(own.grad, other.grad) < 2 * rl.finfo(dtype).eps
