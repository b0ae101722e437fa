"""Layers added, removed and resized while they are trained: the optimizer's state follows."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn, optim

OPTIMIZERS = [optim.SGD, optim.Adam, optim.AdamW, optim.Adagrad, optim.Adamax, optim.RMSprop,
              optim.Adadelta, optim.NAdam, optim.RAdam, optim.Rprop, optim.ASGD, optim.Adafactor]


def options(kind: Any) -> dict[str, Any]:
    return {"momentum": 0.9} if kind in (optim.SGD, optim.RMSprop) else {}


def step(model: Any, optimizer: Any, width: int = 4) -> None:
    x = rl.linspace(-1, 1, 6 * width).reshape(6, width)
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()


def net() -> Any:
    rl.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def states(optimizer: Any, param: Any) -> dict[str, Any]:
    return {k: v.clone() if isinstance(v, rl.Tensor) else v
            for k, v in optimizer.state[param].items()}


@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("named", [False, True])
def test_a_wider_layer(kind: Any, named: bool) -> None:
    model = net()
    params = model.named_parameters() if named else model.parameters()
    optimizer = kind(params, **options(kind))
    for _ in range(2):
        step(model, optimizer)
    kept, old = states(optimizer, model[0].weight), states(optimizer, model[2].weight)
    model[2] = nn.Linear(5, 7)
    report = optimizer.sync(model)
    assert report.of("kept") == ["0.weight", "0.bias"]
    assert report.of("resized") == ["2.weight", "2.bias"]
    assert not report.of("added") and not report.of("dropped")
    new = states(optimizer, model[2].weight)
    assert old.keys() == new.keys()
    for name, value in old.items():
        if not isinstance(value, rl.Tensor) or value.dim() == 0:
            assert new[name] == value
            continue
        fitted = new[name]
        assert fitted.shape == tuple(7 if n == 3 else n for n in value.shape)
        assert (fitted[:3] == value).all() if value.shape[0] == 3 else (fitted == value).all()
        assert not fitted[3:].any()
    for name, value in states(optimizer, model[0].weight).items():
        assert (rl.as_tensor(value) == rl.as_tensor(kept[name])).all()
    step(model, optimizer)  # goes on


def test_a_narrower_layer_keeps_the_corner() -> None:
    model = net()
    optimizer = optim.Adam(model.parameters())
    step(model, optimizer)
    old = optimizer.state[model[2].weight]["exp_avg"].clone()
    model[2] = nn.Linear(5, 2)
    optimizer.sync(model)
    assert (optimizer.state[model[2].weight]["exp_avg"] == old[:2]).all()
    assert optimizer.state[model[2].weight]["step"] == 1


def test_a_parameter_that_was_given_other_data() -> None:
    model = net()
    optimizer = optim.Adam(model.parameters())
    step(model, optimizer)
    old = optimizer.state[model[0].weight]["exp_avg"].clone()
    model[0].weight.data = rl.randn(5, 6)
    model[0].weight.grad = None
    report = optimizer.sync(model)
    assert report[0] == ("resized", "0.weight", (5, 4), (5, 6))
    assert (optimizer.state[model[0].weight]["exp_avg"][:, :4] == old).all()
    step(model, optimizer, 6)


def test_layers_that_come_and_go() -> None:
    model = net()
    optimizer = optim.SGD([{"params": model[0].parameters(), "lr": 0.1},
                           {"params": model[2].parameters(), "lr": 0.2}], momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1)
    step(model, optimizer)
    buffer = optimizer.state[model[2].weight]["momentum_buffer"].clone()
    longer = nn.Sequential(model[0], nn.Linear(5, 5), model[2])
    report = optimizer.sync(longer)
    assert report.of("added") == ["1.weight", "1.bias"] and len(report.of("kept")) == 4
    assert [len(group["params"]) for group in optimizer.param_groups] == [4, 2]
    assert (optimizer.state[model[2].weight]["momentum_buffer"] == buffer).all()
    step(longer, optimizer)
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.01, 0.02])
    report = optimizer.sync(nn.Sequential(model[0]))
    assert report.of("dropped") == ["1.weight", "1.bias", "2.weight", "2.bias"]
    assert set(optimizer.state) == set(model[0].parameters())


def test_names_tell_what_places_cannot() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return rl.cat([head(self.body(x)) for head in (self.a, self.b) if head is not None], 1)

    model: Any = Net()
    optimizer = optim.Adam(model.named_parameters())
    step(model, optimizer)
    old = optimizer.state[model.b.weight]["exp_avg"].clone()
    model.a, model.b = None, nn.Linear(4, 3)
    report = optimizer.sync(model)
    assert report.of("resized") == ["b.weight", "b.bias"]
    assert report.of("dropped") == ["a.weight", "a.bias"]
    assert (optimizer.state[model.b.weight]["exp_avg"][:2] == old).all()


def test_without_names_an_unclear_place_is_new() -> None:
    model = net()
    optimizer = optim.Adam(model.parameters())
    step(model, optimizer)
    model[2] = nn.Linear(5, 3, bias=False)  # a weight in the place of a weight and a bias
    report = optimizer.sync(model)
    assert report.of("added") == ["2.weight"]
    assert report.of("dropped") == ["parameter 2", "parameter 3"]
    assert optimizer.sync(model).of("kept") == ["0.weight", "0.bias", "2.weight"]


def test_frozen_parameters() -> None:
    model = net()
    model[0].requires_grad_(False)
    optimizer = optim.SGD(model[2].parameters(), 0.1)
    assert optimizer.sync(model).of("kept") == ["2.weight", "2.bias"]
    model[0].bias.requires_grad_()
    assert optimizer.sync(model).of("added") == ["0.bias"]


def test_several_models() -> None:
    first, second = net(), net()
    optimizer = optim.SGD([*first.parameters(), *second.parameters()], 0.1)
    report = optimizer.sync(first, second)
    assert len(report.of("kept")) == 8 and report.of("kept")[4] == "1.0.weight"


def test_the_run_resumes_from_a_checkpoint(tmp_path: Any) -> None:
    def grown() -> Any:
        model = net()
        model[2] = nn.Linear(5, 7)
        return model

    model = net()
    optimizer = optim.AdamW(model.parameters())
    step(model, optimizer)
    model[2] = nn.Linear(5, 7)
    optimizer.sync(model)
    step(model, optimizer)
    rl.checkpoint.save(tmp_path, 2, model=model, optimizer=optimizer)
    uninterrupted = copy.deepcopy(model.state_dict())
    step(model, optimizer)
    resumed = grown()
    other = optim.AdamW(resumed.named_parameters())
    rl.checkpoint.load(tmp_path, model=resumed, optimizer=other)
    assert all((uninterrupted[k] == v).all() for k, v in resumed.state_dict().items())
    step(resumed, other)
    assert all((model.state_dict()[k] == v).all() for k, v in resumed.state_dict().items())
    resumed[0] = nn.Linear(6, 5)
    assert other.sync(resumed).of("resized") == ["0.weight"]


def test_reports_print_as_tables() -> None:
    model = net()
    optimizer = optim.SGD(model.parameters(), 0.1)
    model[0] = nn.Linear(4, 6)
    assert str(optimizer.sync(model)).splitlines()[:2] == [
        "resized 0.weight  [5, 4] -> [6, 4]", "resized 0.bias  [5] -> [6]"]


def test_errors() -> None:
    model = net()
    optimizer = optim.SGD(model.parameters(), 0.1)
    with pytest.raises(TypeError, match="sync\\(\\) takes modules, but got a Parameter"):
        optimizer.sync(model[0].weight)
    with pytest.raises(ValueError, match="no parameter of the models requires"):
        optimizer.sync(nn.ReLU())
    assert len(optimizer.param_groups[0]["params"]) == 4  # as before
    with pytest.raises(TypeError, match="LBFGS cannot follow"):
        optim.LBFGS(model.parameters()).sync(model)
