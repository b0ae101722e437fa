"""Parametrizations, weight and spectral norm, pruning, fusion."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn
from rushlight.nn.utils import parametrizations, parametrize, prune

IDENTITY = rl.eye(3)


class Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Any) -> Any:
        return self.factor * x

    def right_inverse(self, x: Any) -> Any:
        return x / self.factor


def test_registration_assignment_and_removal() -> None:
    layer = nn.Linear(2, 2)
    weight, before = layer.weight, layer.weight.detach().clone()
    optimizer = rl.optim.SGD([weight], lr=1.0)
    parametrize.register_parametrization(layer, "weight", Scaled(2.0))
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert layer.parametrizations.weight.original is weight
    assert rl.equal(layer.weight, before) and rl.equal(weight, before / 2)
    layer.weight.sum().backward()
    optimizer.step()
    assert rl.allclose(layer.weight, before - 4.0)
    parametrize.register_parametrization(layer, "weight", Scaled(3.0))
    layer.weight = rl.full((2, 2), 6.0)
    assert layer.parametrizations.weight.original.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and layer.weight is weight
    assert list(layer.state_dict()) == ["bias", "weight"]
    assert layer.weight.tolist() == [[6.0, 6.0], [6.0, 6.0]]


def test_copies_and_caches() -> None:
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Scaled(2.0))
    copied = copy.deepcopy(layer)
    copied.weight = rl.zeros(2, 2)
    assert layer.weight.abs().sum() > 0 and copied.weight.abs().sum() == 0
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    with pytest.raises(RuntimeError, match="Serialization of parametrized modules is only"):
        pickle.dumps(layer)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_stays_orthogonal(kind: str) -> None:
    layer = parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map=kind)
    optimizer = rl.optim.SGD(layer.parameters(), lr=0.1)
    start = layer.weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        (layer(rl.ones(1, 3)) ** 2).sum().backward()
        (layer.weight[0, 1] * 2).backward()
        optimizer.step()
    assert rl.allclose(layer.weight @ layer.weight.T, IDENTITY, atol=1e-5)
    assert not rl.allclose(layer.weight, start, atol=1e-3)


def test_weight_norm_and_spectral_norm() -> None:
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    parametrizations.weight_norm(layer)
    assert rl.allclose(layer.weight, before, atol=1e-6)
    with pytest.warns(FutureWarning, match="weight_norm` is deprecated"):
        old = nn.utils.weight_norm(nn.Linear(3, 2))
    layer.load_state_dict(old.state_dict())  # the older form's keys
    assert rl.allclose(layer.weight, old.weight, atol=1e-6)
    spectral = parametrizations.spectral_norm(nn.Linear(3, 2))
    assert rl.linalg.matrix_norm(spectral.weight, 2).item() == pytest.approx(1.0, abs=0.05)
    hooked = nn.utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=20)
    hooked(rl.ones(1, 3))
    assert rl.linalg.matrix_norm(hooked.weight, 2).item() == pytest.approx(1.0, abs=1e-3)
    plain = nn.utils.remove_spectral_norm(hooked)
    assert list(plain.state_dict()) == ["bias", "weight"] and not plain._forward_pre_hooks
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found in Linear"):
        nn.utils.remove_spectral_norm(plain)


def test_pruning() -> None:
    layer = nn.Linear(2, 2)
    with rl.no_grad():
        layer.weight.copy_(rl.tensor([[1.0, -4.0], [3.0, 2.0]]))
    prune.l1_unstructured(layer, "weight", amount=1)
    prune.ln_structured(layer, "weight", amount=1, n=1, dim=0)
    assert layer.weight_mask.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert prune.is_pruned(layer) and len(layer._forward_pre_hooks) == 1
    layer(rl.ones(1, 2)).sum().backward()
    assert layer.weight_orig.grad.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    prune.remove(layer, "weight")
    assert layer.weight.tolist() == [[0.0, 0.0], [3.0, 2.0]] and not prune.is_pruned(layer)
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    prune.global_unstructured([(first, "weight"), (second, "weight")], prune.L1Unstructured,
                              amount=0.5)
    assert first.weight_mask.sum() + second.weight_mask.sum() == 3
    with pytest.raises(ValueError, match="has to be pruned before pruning can be removed"):
        prune.remove(layer, "weight")
    with pytest.raises(ValueError, match="amount=50 should be smaller than the number of param"):
        prune.random_unstructured(layer, "weight", 50)


@pytest.mark.parametrize("transpose", [False, True])
def test_fusion(transpose: bool) -> None:
    kind = nn.ConvTranspose2d if transpose else nn.Conv2d
    conv, norm = kind(2, 3, 3).eval(), nn.BatchNorm2d(3).eval()
    norm.running_mean.fill_(0.5)
    norm.running_var.fill_(4.0)
    x = rl.randn(2, 2, 6, 6)
    fused = nn.utils.fuse_conv_bn_eval(conv, norm, transpose)
    assert rl.allclose(fused(x), norm(conv(x)), atol=1e-5)
    with pytest.raises(AssertionError, match="Fusion only for eval!"):
        nn.utils.fuse_conv_bn_eval(conv.train(), norm)


def test_modules_without_initialisation() -> None:
    rl.manual_seed(0)
    first = rl.rand(1)
    rl.manual_seed(0)
    layer = nn.utils.skip_init(nn.Linear, 5, 1)
    assert rl.equal(rl.rand(1), first) and layer.weight.shape == (1, 5)
    with pytest.raises(TypeError, match="must be a class"):
        nn.utils.skip_init(len)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        nn.utils.skip_init(int)
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        nn.utils.skip_init(nn.ReLU)
