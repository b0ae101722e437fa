"""Tensors made on the device that a context or `set_default_device` names."""

from __future__ import annotations

import pytest

import rushlight as rl


def test_context_makes_models_without_memory():
    with rl.device("meta"):
        model = rl.nn.Sequential(rl.nn.Linear(1000, 2000), rl.nn.BatchNorm1d(2000),
                                 rl.nn.LSTM(2000, 10))
        assert rl.arange(3).is_meta and rl.tensor([1, 2]).is_meta and rl.randn(2, 3).is_meta
        assert rl.zeros(2, device="cpu").device == rl.device("cpu")
        assert rl.get_default_device() == rl.device("meta")
    assert all(p.is_meta for p in model.parameters()) and all(b.is_meta for b in model.buffers())
    assert not rl.zeros(2).is_meta and not rl.arange(2).is_meta
    assert model[0](rl.empty(4, 1000, device="meta")).shape == (4, 2000)


def test_model_comes_to_life():
    with rl.device("meta"):
        model = rl.nn.Linear(3, 2)
    model.to_empty(device="cpu")
    model.load_state_dict(rl.nn.Linear(3, 2).state_dict())
    assert model(rl.ones(1, 3)).shape == (1, 2) and not model.weight.is_meta
    with rl.device("meta"):
        other = rl.nn.Linear(3, 2)
    other.load_state_dict(model.state_dict(), assign=True)
    assert other.weight.equal(model.weight)


def test_default_is_set_and_taken_back():
    rl.set_default_device("meta")
    try:
        assert rl.ones(2).is_meta
        with rl.device("cpu"):
            assert not rl.ones(2).is_meta
        assert rl.nn.Linear(2, 2).weight.is_meta
    finally:
        rl.set_default_device("cpu")
    assert not rl.ones(2).is_meta and rl.get_default_device() == rl.device("cpu")


def test_context_ends_with_an_error_and_refuses_what_there_is_not():
    with pytest.raises(KeyError), rl.device("meta"):
        raise KeyError
    assert not rl.ones(2).is_meta
    with pytest.raises((RuntimeError, AssertionError)), rl.device("cuda"):
        pass
    assert not rl.ones(2).is_meta
