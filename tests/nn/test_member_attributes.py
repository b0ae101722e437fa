"""Members of a module, read as attributes by classes that have a say in it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import rushlight as rl
from rushlight import nn


class Watched(nn.Linear):
    """Counts every reading of a parameter, as libraries do that record them."""

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        self.__dict__.setdefault("read", []).append(name)
        return value


def test_a_getattr_of_its_own_is_asked_for_every_member() -> None:
    for layer in (Watched(2, 3), copy.deepcopy(Watched(2, 3)),
                  pickle.loads(pickle.dumps(Watched(2, 3)))):
        layer.__dict__.pop("read", None)
        layer.load_state_dict(layer.state_dict())
        layer.__dict__.pop("read", None)
        layer(rl.ones(1, 2))
        layer(rl.ones(1, 2))
        assert [name for name in layer.__dict__["read"] if name in ("weight", "bias")] \
            == ["weight", "bias"] * 2
        layer.weight = nn.Parameter(rl.zeros(3, 2))
        assert "weight" not in layer.__dict__ and not layer.weight.any()


def test_modules_that_change_their_class() -> None:
    layer = nn.Linear(2, 3)
    weight = layer.weight
    layer.__class__ = Watched
    assert layer.weight is weight and layer.__dict__["read"] == ["weight"]
    layer.__class__ = nn.Linear
    assert layer.weight is weight and layer.__dict__["weight"] is weight


def test_members_of_plain_modules_are_plain_attributes() -> None:
    assert "weight" in nn.Linear(2, 3).__dict__
