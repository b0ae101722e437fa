"""Loss scaling: values and states as torch 2.13 gives them."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl


def prepared(**options: Any) -> tuple[rl.Tensor, Any, Any]:
    w = rl.nn.Parameter(rl.ones(2))
    return w, rl.optim.SGD([w], lr=0.1), rl.amp.GradScaler(
        "cpu", **{"init_scale": 8.0, "growth_interval": 2, **options})


def test_scale_grows_and_backs_off() -> None:
    w, optimizer, scaler = prepared()
    scaler.scale(w)
    scales, trackers = [], []
    for step in range(6):
        w.grad = rl.tensor([8.0, float("inf") if step == 3 else 8.0])
        before = w.detach().clone()
        scaler.step(optimizer)
        assert rl.equal(before, w.detach()) is (step == 3)
        scaler.update()
        scales.append(scaler.get_scale())
        trackers.append(scaler.state_dict()["_growth_tracker"])
    assert scales == [8.0, 16.0, 16.0, 8.0, 8.0, 16.0]
    assert trackers == [1, 0, 1, 0, 1, 0]


def test_unscaled_gradients_can_be_clipped() -> None:
    w, optimizer, scaler = prepared()
    scaler.scale((3 * w).sum()).backward()
    assert w.grad.tolist() == [24.0, 24.0]
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called on this opt"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    assert w.tolist() == pytest.approx([0.7, 0.7])
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called since the last"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) is being called after step"):
        scaler.unscale_(optimizer)
    scaler.update()


def test_state_and_switches() -> None:
    scaler = rl.amp.GradScaler("cpu")
    assert scaler.state_dict() == {
        "scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000,
        "_growth_tracker": 0}
    other = rl.amp.GradScaler("cpu", init_scale=2.0)
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 65536.0
    with pytest.raises(AssertionError, match="Attempted update but _scale is None"):
        other.update(4.0)
    other.scale(rl.ones(1))
    other.update(4.0)
    assert other.get_scale() == 4.0
    w, optimizer, off = prepared(enabled=False)
    assert off.state_dict() == {} and off.get_scale() == 1.0 and not off.is_enabled()
    assert off.scale(3) == 3
    w.grad = rl.ones(2)
    off.step(optimizer)
    off.update()
    assert w.tolist() == pytest.approx([0.9, 0.9])


def test_errors() -> None:
    w, optimizer, scaler = prepared()
    for call in (scaler.step, scaler.unscale_):
        with pytest.raises(AssertionError, match=r"Attempted .* but _scale is None"):
            call(optimizer)
    scaler.scale(w)
    with pytest.raises(AssertionError, match="No inf checks were recorded for this optimizer"):
        scaler.step(optimizer)
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()
    with pytest.raises(AssertionError, match="The growth factor must be > 1"):
        rl.amp.GradScaler("cpu", growth_factor=1.0)
    with pytest.raises(AssertionError, match="The backoff factor must be < 1"):
        rl.amp.GradScaler("cpu", backoff_factor=1.0)
    with pytest.raises(RuntimeError, match="The source state dict is empty"):
        scaler.load_state_dict({})
    with pytest.raises(ValueError, match="outputs must be a Tensor or an iterable of Tensors"):
        scaler.scale(3)
    with pytest.raises(RuntimeError, match="Closure use is not currently supported"):
        scaler.step(optimizer, closure=lambda: 1.0)
