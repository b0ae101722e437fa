"""Modules that `compile` was given: names, attributes, saving, copies."""

from __future__ import annotations

import copy
import io
import pickle

import rushlight as rl
from rushlight import nn


def test_a_compiled_module_stands_before_the_module() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    compiled = rl.compile(net, mode="reduce-overhead")
    assert compiled._orig_mod is net and type(compiled).__name__ == "OptimizedModule"
    assert list(compiled.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    assert [name for name, _ in compiled.named_modules()] == ["", "_orig_mod", "_orig_mod.0",
                                                             "_orig_mod.1"]
    x = rl.ones(4, 2)
    assert compiled(x).equal(net(x))
    assert compiled[0] is net[0] and len(compiled) == 2 and list(compiled) == list(net)


def test_attributes_are_the_modules() -> None:
    net = nn.Linear(2, 3)
    compiled = rl.compile(net)
    compiled.eval()
    assert not net.training and not compiled.training
    compiled.scale = 2
    assert net.scale == 2 and compiled.scale == 2
    compiled.weight = nn.Parameter(rl.zeros(3, 2))
    assert net.weight.sum() == 0 and "scale" in dir(compiled)
    del compiled.scale
    assert not hasattr(net, "scale")


def test_it_is_copied_pickled_and_loaded() -> None:
    compiled = rl.compile(nn.Linear(2, 3))
    for other in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
        assert other._orig_mod is not compiled._orig_mod
        assert other.weight.equal(compiled.weight)
    file = io.BytesIO()
    rl.save(compiled.state_dict(), file)
    file.seek(0)
    fresh = rl.compile(nn.Linear(2, 3))
    assert not fresh.load_state_dict(rl.load(file)).missing_keys
    assert fresh.bias.equal(compiled.bias)


def test_hooks_of_the_module_run_once() -> None:
    net, seen = nn.Linear(2, 3), []
    net.register_forward_hook(lambda *_: seen.append(1))
    rl.compile(net)(rl.ones(1, 2))
    assert seen == [1]
