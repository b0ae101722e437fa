"""Optimizers beyond the elementwise ones, and averaged models, against torch."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")


def arrays(shapes: list[tuple[int, ...]], dtype: str, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [np.asarray(random.standard_normal(shape), dtype) for shape in shapes]


def same(ours: Any, theirs: Any, rtol: float, where: str = "") -> None:
    if isinstance(theirs, dict):
        for key in ours:
            same(ours[key], theirs[key], rtol, f"{where}/{key}")
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            same(a, b, rtol, f"{where}/{i}")
    elif isinstance(theirs, torch.Tensor):
        ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, where
        np.testing.assert_allclose(ours, theirs, rtol, rtol / 10, err_msg=where)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=rtol, abs=rtol), where
    else:
        assert ours == theirs, where


def as_ours(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return rl.tensor(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: as_ours(x) for key, x in value.items()}
    return [as_ours(x) for x in value] if isinstance(value, list) else value


MATRICES = [(6, 3), (3, 6), (4, 4)]
MIXED = [(3, 4), (17,), (), (2, 1, 5)]
CASES = [
    ("Adafactor", MIXED, {}),
    ("Adafactor", MIXED, {"weight_decay": 0.1, "maximize": True}),
    ("Adafactor", MIXED, {"eps": (1e-3, 0.1), "d": 1.5, "beta2_decay": -0.5, "lr": 0.3}),
    ("Muon", MATRICES, {}),
    ("Muon", MATRICES, {"nesterov": False, "weight_decay": 0.0, "momentum": 0.5}),
    ("Muon", MATRICES, {"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3, "lr": 0.02}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "shapes", "options"), CASES)
def test_steps_and_states(name: str, shapes: list, options: dict[str, Any], dtype: str) -> None:
    sides: list[tuple[Any, list, Any]] = []
    for library in (rl, torch):
        params = [library.nn.Parameter(library.tensor(a)) for a in arrays(shapes, dtype, 0)]
        groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.02}]
        sides.append((library, params, getattr(library.optim, name)(groups, **options)))
    assert sides[0][2].defaults == sides[1][2].defaults and repr(sides[0][2]) == repr(sides[1][2])
    # Muon multiplies in bfloat16, whose last bit depends on the order of the sums.
    rtol = 1e-2 if name == "Muon" else 2e-5 if dtype == "float32" else 1e-9
    for step in range(8):
        for library, params, optimizer in sides:
            for i, (p, g) in enumerate(zip(params, arrays(shapes, dtype, step + 1), strict=True)):
                p.grad = None if (i == 1 and step == 1) else library.tensor(g)
            optimizer.step()
        same(sides[0][1], sides[1][1], rtol)
        same(sides[0][2].state_dict(), sides[1][2].state_dict(), rtol)
        if step == 4:
            sides[0][2].load_state_dict(as_ours(copy.deepcopy(sides[1][2].state_dict())))


def fit(library: Any, loss_name: str, options: dict[str, Any], steps: int) -> tuple[Any, ...]:
    start = arrays([(2, 2), (3,)], "float64", 3)
    params = [library.nn.Parameter(library.tensor(a)) for a in start]
    optimizer = library.optim.LBFGS(params, **options)
    calls = []

    def closure() -> Any:
        optimizer.zero_grad()
        x = library.cat([p.reshape(-1) for p in params])
        if loss_name == "rosenbrock":
            loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        elif loss_name == "wavy":
            loss = (library.sin(3 * x) + 0.3 * x ** 2).sum()
        else:
            loss = (library.arange(1, 8, dtype=library.float64) * x * x).sum()
        loss.backward()
        calls.append(loss.item())
        return loss

    losses = [optimizer.step(closure).item() for _ in range(steps)]
    return params, optimizer, calls, losses


@pytest.mark.parametrize("loss", ["rosenbrock", "wavy", "quadratic"])
@pytest.mark.parametrize("options", [
    {"lr": 1e-3}, {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7, "lr": 0.5},
    {"lr": 0.01, "history_size": 2, "max_eval": 9}, {"tolerance_grad": 1.0, "lr": 0.01},
])
def test_lbfgs(loss: str, options: dict[str, Any]) -> None:
    our_params, ours, our_calls, our_losses = fit(rl, loss, options, 4)
    their_params, theirs, their_calls, their_losses = fit(torch, loss, options, 4)
    assert len(our_calls) == len(their_calls)
    same(our_calls, their_calls, 1e-6)
    same(our_losses, their_losses, 1e-6)
    same(our_params, their_params, 1e-5)
    assert ours.defaults == theirs.defaults and repr(ours) == repr(theirs)
    state, known = ours.state_dict()["state"][0], theirs.state_dict()["state"][0]
    assert set(known) - set(state) <= {"al"}
    assert (state["n_iter"], state["func_evals"]) == (known["n_iter"], known["func_evals"])
    ours.load_state_dict(as_ours(theirs.state_dict()))


def averaged(library: Any, options: dict[str, Any]) -> Any:
    swa = library.optim.swa_utils
    model = library.nn.Sequential(library.nn.Linear(2, 3), library.nn.BatchNorm1d(3))
    if "fn" in options:
        kind, decay = options["fn"]
        make = getattr(swa, kind)
        key = "multi_avg_fn" if "multi" in kind else "avg_fn"
        average = swa.AveragedModel(model, **{key: make(*decay)},
                                    use_buffers=options.get("use_buffers", False))
    else:
        average = swa.AveragedModel(model, **options)
    for step in range(5):
        shapes = [tuple(p.shape) for p in model.parameters()]
        for p, a in zip(model.parameters(), arrays(shapes, "float32", step), strict=True):
            p.data = library.tensor(a)
        model[1].running_mean.fill_(float(step))
        average.update_parameters(model)
    data = arrays([(4, 2)] * 3, "float32", 9)
    state = {k: v.clone() for k, v in average.state_dict().items()}
    swa.update_bn([(library.tensor(a), 0) for a in data], average)
    return state, average.state_dict(), average.training


@pytest.mark.parametrize("options", [
    {}, {"use_buffers": True}, {"fn": ("get_ema_multi_avg_fn", (0.9,))},
    {"fn": ("get_ema_avg_fn", (0.5,))}, {"fn": ("get_swa_avg_fn", ())},
    {"fn": ("get_swa_multi_avg_fn", ())},
])
def test_averaged_models(options: dict[str, Any]) -> None:
    for ours, theirs in zip(averaged(rl, options), averaged(torch, options), strict=True):
        if isinstance(theirs, dict):
            assert list(ours) == list(theirs)
        same(ours, theirs, 1e-5)


@pytest.mark.parametrize("options", [{}, {"anneal_epochs": 3, "anneal_strategy": "linear"},
                                     {"anneal_epochs": 0}])
def test_swa_rates(options: dict[str, Any]) -> None:
    rates = []
    for library in (rl, torch):
        params = [library.nn.Parameter(library.ones(1)) for _ in range(2)]
        optimizer = library.optim.SGD([{"params": params[:1]},
                                       {"params": params[1:], "lr": 0.2}], lr=0.1)
        scheduler = library.optim.swa_utils.SWALR(optimizer, [0.05, 0.01], **options)
        known = library.optim.swa_utils.SWALR.__name__, []
        for _ in range(14):
            optimizer.step()
            scheduler.step()
            known[1].append(scheduler.get_last_lr())
        rates.append(known)
    np.testing.assert_allclose(rates[0][1], rates[1][1], rtol=1e-12)
