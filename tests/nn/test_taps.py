"""Taps: outputs of submodules out of one call, and nothing left behind."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import rushlight as rl

nn = rl.nn


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.act = nn.ReLU()

    def forward(self, x: Any) -> Any:
        return self.act(x + self.conv2(self.act(self.conv1(x))))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.layer = nn.Sequential(Block(), Block())
        self.fc = nn.Linear(4, 2)
        self.ran = 0

    def forward(self, x: Any, fail: bool = False) -> Any:
        x = self.layer(self.stem(x))
        self.ran += 1
        if fail:
            raise ZeroDivisionError("on purpose")
        return self.fc(x.mean((2, 3)))


def hooks(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._call_hooks)
        for module in model.modules()
    )


@pytest.fixture
def model() -> Net:
    rl.manual_seed(0)
    return Net()


X = rl.ones(2, 3, 4, 4)


def test_paths_patterns_and_classes(model: Net) -> None:
    found = rl.taps(model, ["layer.0.conv1", "fc"])(X)
    assert list(found) == ["layer.0.conv1", "fc"]
    assert found["layer.0.conv1"].shape == (2, 4, 4, 4)
    assert rl.equal(found["fc"], model(X))
    assert list(rl.taps(model, "layer.?.conv*")(X)) == [
        "layer.0.conv1", "layer.0.conv2", "layer.1.conv1", "layer.1.conv2"]
    assert list(rl.taps(model, nn.Linear)(X)) == ["fc"]
    assert list(rl.taps(model, [nn.Conv2d, "stem", ""])(X))[:2] == ["stem", "layer.0.conv1"]
    assert hooks(model) == 0


def test_gradients_reach_the_taps(model: Net) -> None:
    with rl.taps(model, ["layer.0", "fc"]) as found:
        loss = model(X).square().sum()
    loss.backward()
    assert found["fc"].grad.shape == (2, 2)
    assert rl.allclose(found["fc"].grad, 2 * found["fc"])
    again = rl.taps(model, "layer.0")(X)
    (grad,) = rl.autograd.grad(again["layer.0"].sum(), model.stem.weight)
    assert grad.shape == model.stem.weight.shape and (grad != 0).any()


def test_stop_leaves_the_rest_out(model: Net) -> None:
    found = rl.taps(model, ["stem", "layer.0"], stop=True)(X)
    assert list(found) == ["stem", "layer.0"] and model.ran == 0
    with rl.taps(model, "stem", stop=True) as seen:
        model(X)
        raise AssertionError("the block ends where the model stops")
    assert list(seen) == ["stem"] and hooks(model) == 0
    # An inner tap that does not stop lets the outer one through.
    with rl.taps(model, "stem", stop=True), rl.taps(model, "fc") as inner:
        model(X)
    assert not inner and hooks(model) == 0


def test_no_hook_is_left_after_an_error(model: Net) -> None:
    taps = rl.taps(model, "*")
    with pytest.raises(ZeroDivisionError):
        taps(X, fail=True)
    assert hooks(model) == 0
    assert list(taps(X))[-1] == "fc"


def test_a_module_that_runs_twice_has_a_list(model: Net) -> None:
    found = rl.taps(model, "layer.0.act")(X)
    first, second = found["layer.0.act"]
    assert first.shape == second.shape == (2, 4, 4, 4)


def test_only_the_last_call_of_a_block_counts(model: Net) -> None:
    with rl.taps(model, "fc") as found:
        model(X)
        last = model(2 * X)
    assert rl.equal(found["fc"], last)


def test_writing_over_a_tapped_output_warns() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    with pytest.warns(UserWarning, match=r"'0' was overwritten in place .* at .*test_taps"):
        rl.taps(model, ["0", "1"])(rl.ones(1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rl.taps(model, "1")(rl.ones(1, 2))


def test_errors(model: Net) -> None:
    with pytest.raises(ValueError, match=r"'layer.0.conv3'; did you mean 'layer.0.conv"):
        rl.taps(model, "layer.0.conv3")
    with pytest.raises(ValueError, match="'Embedding'"):
        rl.taps(model, nn.Embedding)
    with pytest.raises(TypeError, match="got int"):
        rl.taps(model, [3])
    with pytest.raises(TypeError, match="needs a Module, got function"):
        rl.taps(lambda x: x, "fc")
    taps = rl.taps(model, "fc")
    with taps as found, pytest.raises(RuntimeError, match="in use already"), taps:
        pass
    with pytest.raises(KeyError, match="not tapped, or did not run"):
        found["fc"]
