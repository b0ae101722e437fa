"""What autocast casts, where it holds, and that gradients keep their parameters' dtypes."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight.nn import functional as F

# Results inside autocast, for float32 and for bfloat16 arguments (as torch 2.13 gives them).
LOWER: dict[str, Callable[[Any], Any]] = {
    "matmul": lambda x: x @ x,
    "method": lambda x: x.mm(x),
    "addmm": lambda x: rl.addmm(x, x, x),
    "einsum": lambda x: rl.einsum("ij,jk->ik", x, x),
    "linear": lambda x: F.linear(x, x, x[0]),
    "conv2d": lambda x: F.conv2d(x[None, None], x[None, None]),
    "attention": lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
}
FLOAT32: dict[str, Callable[[Any], Any]] = {
    "mse_loss": lambda x: F.mse_loss(x, x),
    "cross_entropy": lambda x: F.cross_entropy(x, rl.tensor([0, 1, 2])),
    "prod": lambda x: x.prod(),
    "inverse": lambda x: rl.inverse(rl.eye(3).to(x.dtype)),
    "cdist": lambda x: rl.cdist(x, x),
    "cat": lambda x: rl.cat([x, rl.ones(1, 3)]),
}
SAME: dict[str, Callable[[Any], Any]] = {
    "add": lambda x: x + x,
    "exp": lambda x: x.exp(),
    "softmax": lambda x: F.softmax(x, 1),
    "layer_norm": lambda x: F.layer_norm(x, (3,)),
    "mv": lambda x: x.mv(x[0]),
    "sum": lambda x: x.sum(),
}


@pytest.mark.parametrize("given", [rl.float32, rl.bfloat16])
@pytest.mark.parametrize(("cases", "kind"), [(LOWER, "lower"), (FLOAT32, "float32"),
                                             (SAME, "same")])
def test_dtypes(cases: dict[str, Any], kind: str, given: Any) -> None:
    x = (rl.rand(3, 3) + 0.1).to(given)
    expected = {"lower": rl.bfloat16, "float32": rl.float32, "same": given}[kind]
    with rl.autocast("cpu"):
        assert {name: f(x).dtype for name, f in cases.items()} == dict.fromkeys(cases, expected)
    outside = {name: f(rl.rand(3, 3) + 0.1).dtype for name, f in cases.items()}
    assert outside == dict.fromkeys(cases, rl.float32)


def test_float64_and_integers_are_left_alone() -> None:
    with rl.autocast("cpu", dtype=rl.float16):
        assert (rl.ones(2, 2, dtype=rl.float64) @ rl.ones(2, 2, dtype=rl.float64)).dtype is (
            rl.float64)
        assert (rl.ones(2, 2, dtype=rl.int32) @ rl.ones(2, 2, dtype=rl.int32)).dtype is rl.int32
        assert (rl.ones(2, 2) @ rl.ones(2, 2)).dtype is rl.float16


def test_nesting_decorating_and_threads() -> None:
    a = rl.ones(2, 2)
    seen = []
    with rl.autocast("cpu"):
        with rl.autocast("cpu", enabled=False):
            assert (a @ a).dtype is rl.float32
        assert (a @ a).dtype is rl.bfloat16
        assert rl.is_autocast_enabled("cpu") and not rl.is_autocast_enabled()
        thread = threading.Thread(target=lambda: seen.append((a @ a).dtype))
        thread.start()
        thread.join()
    assert seen == [rl.float32]

    @rl.autocast("cpu", dtype=rl.float16)
    def product(x: Any) -> Any:
        return x @ x

    assert product(a).dtype is rl.float16 and (a @ a).dtype is rl.float32
    with pytest.raises(ValueError), rl.autocast("cpu"):
        raise ValueError
    assert not rl.is_autocast_enabled("cpu")


def test_training_keeps_the_parameters_dtypes() -> None:
    rl.manual_seed(0)
    model = rl.nn.Sequential(rl.nn.Linear(4, 8), rl.nn.ReLU(), rl.nn.Linear(8, 3))
    x, target = rl.randn(5, 4), rl.tensor([0, 1, 2, 0, 1])
    with rl.autocast("cpu"):
        out = model(x)
        loss = F.cross_entropy(out, target)
    assert out.dtype is rl.bfloat16 and loss.dtype is rl.float32
    loss.backward()
    plain = F.cross_entropy(model(x), target)
    lower = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    plain.backward()
    for p, g in zip(model.parameters(), lower, strict=True):
        assert p.grad.dtype is g.dtype is rl.float32
        assert rl.allclose(p.grad, g, atol=0.02)


def test_signatures_and_results_stay() -> None:
    with rl.autocast("cpu"):
        pass
    assert list(inspect.signature(F.linear).parameters)[:3] == ["input", "weight", "bias"]
    out = rl.empty(2, 2)
    rl.mm(rl.ones(2, 2), mat2=rl.ones(2, 2), out=out)
    assert out.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        rl.mm(rl.ones(2, 3), rl.ones(2, 3))


def test_unsupported_settings() -> None:
    with pytest.warns(UserWarning, match="target dtype is not supported. Disabling autocast"):
        context = rl.autocast("cpu", dtype=rl.float64)
    with context:
        assert not rl.is_autocast_enabled("cpu")
    with pytest.warns(UserWarning, match="CUDA is not available"):
        rl.autocast("cuda")
    with pytest.raises(RuntimeError, match=r"Expected one of cpu, cuda, .*: abacus"):
        rl.autocast("abacus")


def test_custom_functions() -> None:
    class Square(rl.autograd.Function):
        @staticmethod
        @rl.amp.custom_fwd(device_type="cpu", cast_inputs=rl.float32)
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x @ x

        @staticmethod
        @rl.amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g @ x.T + x.T @ g

    x = rl.eye(2).bfloat16().requires_grad_()
    with rl.autocast("cpu"):
        y = Square.apply(x)
    assert y.dtype is rl.float32
    y.sum().backward()
    assert x.grad.float().tolist() == [[2.0, 2.0], [2.0, 2.0]]
