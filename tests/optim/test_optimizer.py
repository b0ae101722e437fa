"""Groups, errors, hooks, and states that are saved and loaded."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import rushlight as rl
from rushlight.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


def param(*values: float) -> rl.nn.Parameter:
    return rl.nn.Parameter(rl.tensor(values or (1.0,)))


def test_sgd_needs_no_rate() -> None:
    assert rl.optim.SGD([param()]).param_groups[0]["lr"] == 1e-3


@pytest.mark.parametrize(("params", "error", "message"), [
    (rl.ones(1), TypeError, "params argument given to the optimizer should be an iterable"),
    ([], ValueError, "optimizer got an empty parameter list"),
    ([3], TypeError, "optimizer can only optimize Tensors, but one of the params is int"),
    ([{"params": {param()}}], TypeError, "need to be organized in ordered collections"),
    ([rl.ones(1, requires_grad=True) * 2], ValueError, "can't optimize a non-leaf Tensor"),
    ([("a", param()), param()], ValueError, "with/without names. Some param names are missing"),
])
def test_bad_parameters(params: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rl.optim.SGD(params)


@pytest.mark.parametrize(("name", "options", "message"), [
    ("SGD", {"lr": -1.0}, "Invalid learning rate: -1.0"),
    ("SGD", {"lr": rl.ones(2)}, "Tensor lr must be 1-element"),
    ("SGD", {"momentum": -0.1}, "Invalid momentum value: -0.1"),
    ("SGD", {"weight_decay": -0.1}, "Invalid weight_decay value: -0.1"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
    ("Adam", {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
    ("Adam", {"betas": (0.9, -1.0)}, "Invalid beta parameter at index 1: -1.0"),
    ("AdamW", {"eps": -1.0}, "Invalid epsilon value: -1.0"),
    ("Adadelta", {"rho": 1.5}, "Invalid rho value: 1.5"),
    ("Rprop", {"etas": (0.5, 0.9)}, "Invalid eta values: 0.5, 0.9"),
    ("SGD", {"lr": float("nan")}, "Invalid learning rate: nan"),
])
def test_bad_options(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(rl.optim, name)([param()], **options)


def test_contradictory_switches() -> None:
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        rl.optim.Adam([param()], foreach=True, fused=True)
    with pytest.raises(RuntimeError, match="`fused` does not support `differentiable`"):
        rl.optim.Adam([param()], fused=True, differentiable=True)


def test_groups() -> None:
    a, b, c = param(), param(), param()
    optimizer = rl.optim.SGD([{"params": a, "lr": 0.5}, {"params": [b]}], lr=0.1)
    assert [g["lr"] for g in optimizer.param_groups] == [0.5, 0.1]
    with pytest.raises(ValueError, match="some parameters appear in more than one"):
        optimizer.add_param_group({"params": [b]})
    with pytest.raises(TypeError, match="param_group must be a dict"):
        optimizer.add_param_group([c])  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer.add_param_group({"params": [c, c]})
    for p in (a, b):
        p.grad = rl.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == pytest.approx((0.5, 0.9))


def test_required_hyperparameter() -> None:
    class Mine(Optimizer):
        pass

    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Mine([param()], {"lr": required})
    assert Mine([{"params": [param()], "lr": 1}], {"lr": required}).param_groups[0]["lr"] == 1


def test_names() -> None:
    optimizer = rl.optim.SGD([("a", param()), ("b", param())], lr=0.1)
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match=r"with/without names\. cannot add param group without"):
        optimizer.add_param_group({"params": [param()]})


def test_zero_grad() -> None:
    w = param()
    optimizer = rl.optim.SGD([w])
    w.grad = rl.ones(1)
    kept = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is kept and kept.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None


def test_closure() -> None:
    w = param(3.0)
    optimizer = rl.optim.SGD([w], lr=0.5)

    def closure() -> rl.Tensor:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with rl.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert w.item() == 0.0


def test_repr() -> None:
    text = repr(rl.optim.SGD([param()], lr=0.1))
    assert text == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n"
        "    fused: None\n    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n"
        "    weight_decay: 0\n)"
    )


def test_hooks_and_their_removal() -> None:
    w, calls = param(), []
    optimizer = rl.optim.SGD([w], lr=1.0)
    handles = [
        optimizer.register_step_pre_hook(lambda o, a, k: calls.append("pre")),
        optimizer.register_step_post_hook(lambda o, a, k: calls.append("post")),
        register_optimizer_step_pre_hook(lambda o, a, k: calls.append("global pre")),
        register_optimizer_step_post_hook(lambda o, a, k: calls.append("global post")),
    ]
    optimizer.step()
    assert calls == ["global pre", "pre", "post", "global post"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 4
    with optimizer.register_step_pre_hook(lambda o, a, k: 3), pytest.raises(RuntimeError):
        optimizer.step()


def test_hooks_of_states() -> None:
    optimizer, seen = rl.optim.SGD([param()]), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, s: s | {"note": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, s: seen.append(s["note"]))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("post"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["pre", 1, "post"]


def stepped(optimizer: Any, times: int = 2) -> None:
    for _ in range(times):
        for group in optimizer.param_groups:
            for i, p in enumerate(group["params"]):
                p.grad = p.detach() * 0.5 + i
        optimizer.step()


@pytest.mark.parametrize(("name", "options"), [
    ("SGD", {"momentum": 0.9}), ("Adam", {"amsgrad": True}), ("AdamW", {}), ("RMSprop", {}),
    ("Adagrad", {}), ("Adadelta", {}), ("Adamax", {}), ("NAdam", {}), ("RAdam", {}),
    ("ASGD", {}), ("Rprop", {}),
])
def test_training_continues_from_a_state(name: str, options: dict[str, Any]) -> None:
    make = getattr(rl.optim, name)
    first = [param(1.0, 2.0), param(3.0)]
    optimizer = make(first, **options)
    stepped(optimizer)
    state = copy.deepcopy(optimizer.state_dict())
    assert state["param_groups"][0]["params"] == [0, 1]
    second = [rl.nn.Parameter(p.detach().clone()) for p in first]
    resumed = make(second, **options)
    resumed.load_state_dict(pickle.loads(pickle.dumps(state)))
    stepped(optimizer)
    stepped(resumed)
    assert all(p.equal(q) for p, q in zip(first, second, strict=True))


def test_loading_casts_state_but_not_the_counter() -> None:
    source = rl.optim.Adam([param()])
    stepped(source)
    target = rl.optim.Adam([rl.nn.Parameter(rl.ones(1, dtype=rl.float64))])
    target.load_state_dict(source.state_dict())
    (state,) = target.state.values()
    assert state["exp_avg"].dtype == rl.float64 and state["step"].dtype == rl.float32


def test_loading_accepts_counters_that_are_numbers() -> None:
    optimizer = rl.optim.Adam([param()])
    stepped(optimizer)
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["step"] = 2
    optimizer.load_state_dict(state)
    stepped(optimizer, 1)
    assert optimizer.state_dict()["state"][0]["step"].item() == 3.0


def test_loading_something_else() -> None:
    one = rl.optim.SGD([param()]).state_dict()
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        rl.optim.SGD([param(), param()]).load_state_dict(one)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        rl.optim.SGD([{"params": param()}, {"params": param()}]).load_state_dict(one)


def test_a_subclass_of_ones_own() -> None:
    class Descent(Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        @rl.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad, alpha=-group["lr"])

    w = param()
    optimizer = Descent([w], lr=0.5)
    calls: list[int] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    stepped(optimizer, 1)
    assert w.item() == 0.75 and calls == [1]


def test_copies_and_pickles() -> None:
    w = param()
    optimizer = rl.optim.Adam([w], lr=0.25)
    stepped(optimizer)
    twin = pickle.loads(pickle.dumps(optimizer))
    assert twin.param_groups[0]["lr"] == 0.25
    assert twin.param_groups[0]["params"][0] is next(iter(twin.state))
    stepped(twin, 1)
    stepped(optimizer, 1)
    assert twin.param_groups[0]["params"][0].equal(w)
