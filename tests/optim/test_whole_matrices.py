"""Optimizers that look at whole matrices, at the whole model, or refuse: recorded from torch 2.13.
"""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl

MATRIX = [[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]]
VECTOR = [1.0, -2.0, 0.5]
RECORDED = [
    ("Adafactor", MATRIX, {"lr": 0.1}, 1e-5,
     [1.068087, -1.888074, 0.1408, -0.053836, 0.504106, -0.959668]),
    ("Adafactor", VECTOR, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}, 1e-5,
     [0.793224, -2.050948, 0.578713]),
    ("Muon", MATRIX, {"lr": 0.1}, 5e-3,  # bfloat16 inside
     [0.909491, -1.894087, 0.292174, 0.071829, 0.576454, -1.084455]),
    ("Muon", MATRIX, {"lr": 0.1, "nesterov": False, "adjust_lr_fn": "match_rms_adamw"}, 5e-3,
     [0.951389, -1.913122, 0.409105, 0.210144, 0.636403, -1.075361]),
]


@pytest.mark.parametrize(("name", "start", "options", "tolerance", "expected"), RECORDED)
def test_three_steps(name: str, start: list, options: dict[str, Any], tolerance: float,
                     expected: list[float]) -> None:
    w = rl.nn.Parameter(rl.tensor(start))
    optimizer = getattr(rl.optim, name)([w], **options)
    for step in range(3):
        w.grad = rl.cos(w.detach() * (step + 1))
        optimizer.step()
    assert w.detach().flatten().tolist() == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("name", "options", "message"), [
    ("Adafactor", {"lr": -1}, "Learning rate should be >= 0 but is: -1"),
    ("Adafactor", {"eps": (-1, 1)}, "epsilon1 should be >= 0 but is: -1"),
    ("Adafactor", {"d": 0.5}, "Clipping threshold d should be >= 1 but is: 0.5"),
    ("Adafactor", {"beta2_decay": 1}, "beta2_decay should be <= 0 but is: 1"),
    ("Adafactor", {"weight_decay": -1}, "weight_decay should be >= 0 but is: -1"),
    ("Muon", {"lr": -1}, "Learning rate should be >= 0 but is: -1"),
    ("Muon", {"momentum": -1}, "momentum should be >= 0 but is: -1"),
    ("Muon", {"adjust_lr_fn": "x"}, "Adjust learning rate function x is not supported"),
    ("Muon", {}, "Muon only supports 2D parameters whereas we found a parameter with size"),
    ("SparseAdam", {"lr": 0}, "Invalid learning rate: 0"),
    ("SparseAdam", {"betas": (1, 0)}, "Invalid beta parameter at index 0: 1"),
    ("LBFGS", {"lr": -1}, "Invalid learning rate: -1"),
])
def test_options_out_of_range(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as raised:
        getattr(rl.optim, name)([rl.zeros(2)], **options)
    assert str(raised.value).startswith(message)


def test_sparse_adam_refuses_dense_gradients() -> None:
    w = rl.nn.Parameter(rl.ones(1))
    optimizer = rl.optim.SparseAdam([w])
    optimizer.step()
    w.grad = rl.ones(1)
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients, please"):
        optimizer.step()


def rosenbrock(options: dict[str, Any], steps: int = 1) -> tuple[rl.Tensor, int]:
    w = rl.nn.Parameter(rl.tensor([-1.2, 1.0], dtype=rl.float64))
    optimizer = rl.optim.LBFGS([w], **options)
    calls = 0

    def closure() -> rl.Tensor:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return w.detach(), calls


@pytest.mark.parametrize(("options", "expected", "evaluations"), [
    ({"line_search_fn": "strong_wolfe"}, [-0.8802131649658734, 0.7274772060719978], 10),
    ({"lr": 1e-3}, [-1.198339840719921, 1.0008346006613886], 8),
])
def test_lbfgs_follows_torch(options: dict[str, Any], expected: list[float],
                             evaluations: int) -> None:
    w, calls = rosenbrock({"max_iter": 8, **options})
    assert calls == evaluations
    assert w.tolist() == pytest.approx(expected, rel=1e-9)


def test_lbfgs_finds_the_minimum() -> None:
    w, _ = rosenbrock({"line_search_fn": "strong_wolfe"}, steps=5)
    assert w.tolist() == pytest.approx([1.0, 1.0], abs=1e-4)


def test_lbfgs_complex_parameters() -> None:
    target = rl.tensor([1.0 + 2.0j, -3.0j])
    w = rl.nn.Parameter(rl.zeros(2, dtype=rl.complex64))
    optimizer = rl.optim.LBFGS([w], line_search_fn="strong_wolfe")

    def closure() -> rl.Tensor:
        optimizer.zero_grad()
        loss = ((w - target).abs() ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert rl.allclose(w.detach(), target, atol=1e-4)


def test_lbfgs_errors() -> None:
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        rl.optim.LBFGS([{"params": [rl.zeros(1)]}, {"params": [rl.zeros(1)]}])
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        rosenbrock({"line_search_fn": "golden"})


def test_lbfgs_resumes_from_its_state() -> None:
    def closure(w: rl.Tensor) -> Any:
        def evaluate() -> rl.Tensor:
            w.grad = None
            loss = ((w - 1) ** 2 * rl.tensor([1.0, 30.0])).sum()
            loss.backward()
            return loss
        return evaluate

    w = rl.nn.Parameter(rl.tensor([3.0, -2.0]))
    first = rl.optim.LBFGS([w], lr=0.1, max_iter=3)
    first.step(closure(w))
    v = rl.nn.Parameter(w.detach().clone())
    second = rl.optim.LBFGS([v], lr=0.1, max_iter=3)
    second.load_state_dict(first.state_dict())
    first.step(closure(w))
    second.step(closure(v))
    assert rl.equal(w.detach(), v.detach())
