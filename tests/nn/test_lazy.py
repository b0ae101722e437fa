"""Lazy layers, uninitialized parameters, and the rarer modules."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn


@pytest.mark.parametrize(("lazy", "plain", "shape"), [
    (lambda: nn.LazyLinear(3), lambda: nn.Linear(5, 3), (2, 5)),
    (lambda: nn.LazyConv2d(4, 3, groups=2), lambda: nn.Conv2d(6, 4, 3, groups=2), (1, 6, 5, 5)),
    (lambda: nn.LazyConv1d(4, 3), lambda: nn.Conv1d(3, 4, 3), (3, 6)),
    (lambda: nn.LazyConvTranspose2d(4, 3), lambda: nn.ConvTranspose2d(3, 4, 3), (1, 3, 4, 4)),
    (lambda: nn.LazyBatchNorm1d(), lambda: nn.BatchNorm1d(4), (6, 4)),
    (lambda: nn.LazyInstanceNorm2d(), lambda: nn.InstanceNorm2d(
        3, affine=True, track_running_stats=True), (3, 4, 4)),
])
def test_lazy_layers_become_ordinary_ones(lazy: Any, plain: Any, shape: tuple[int, ...]) -> None:
    module, x = lazy(), rl.randn(*shape)
    assert module.has_uninitialized_params()
    optimizer = rl.optim.SGD(module.parameters(), lr=0.1)
    rl.manual_seed(1)
    out = module(x)
    rl.manual_seed(1)
    expected = plain()
    assert type(module) is type(expected) and repr(module) == repr(expected)
    assert rl.equal(out, expected(x))
    for key, value in expected.state_dict().items():
        assert rl.equal(module.state_dict()[key], value)
    out.sum().backward()
    optimizer.step()  # the parameters are those that the optimizer knows
    assert all(not rl.equal(p, q) for p, q in zip(
        module.parameters(), expected.parameters(), strict=True) if p.grad.abs().sum() > 1e-3)
    fresh = lazy()
    fresh.load_state_dict(module.state_dict())
    assert repr(fresh.eval()) != repr(module) and not fresh.has_uninitialized_params()
    assert rl.equal(fresh(x), module.eval()(x)) and repr(fresh) == repr(module)


def test_uninitialized_parameters_say_so() -> None:
    weight = nn.UninitializedParameter(dtype=rl.float64)
    assert repr(weight) == "<UninitializedParameter>" and weight.dtype is rl.float64
    assert isinstance(weight, nn.Parameter) and weight.requires_grad
    for use in (lambda: weight + 1, lambda: rl.relu(weight), lambda: weight.numel(),
                lambda: nn.functional.linear(weight, weight)):
        with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
            use()
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized"):
        _ = weight.shape
    with pytest.raises(RuntimeError, match="Can't share memory on an uninitialized"):
        weight.share_memory_()
    for copied in (copy.deepcopy(weight), pickle.loads(pickle.dumps(weight))):
        assert repr(copied) == repr(weight) and copied.dtype is rl.float64
    weight.materialize((2, 3))
    assert type(weight) is nn.Parameter and weight.shape == (2, 3)


def test_lazy_models_convert_and_copy() -> None:
    model = nn.Sequential(nn.LazyConv1d(4, 2), nn.LazyBatchNorm1d(), nn.Flatten(),
                          nn.LazyLinear(2)).double()
    again = copy.deepcopy(model)
    x = rl.randn(3, 2, 5, dtype=rl.float64)
    assert model(x).dtype is again(x).dtype is rl.float64
    assert type(again[0]) is nn.Conv1d and again[3].in_features == 16


def test_errors_of_lazy_layers() -> None:
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input"):
        nn.LazyConv2d(4, 3)(rl.ones(2, 3))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        nn.LazyConv2d(4, 3, groups=2)(rl.ones(1, 3, 5, 5))
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized"):
        nn.Linear(4, 3).load_state_dict(nn.LazyLinear(3).state_dict())


def test_adaptive_log_softmax_is_a_distribution() -> None:
    m = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10], head_bias=True)
    x, target = rl.randn(6, 16), rl.tensor([0, 7, 19, 3, 9, 5])
    log_prob = m.log_prob(x)
    assert rl.allclose(log_prob.exp().sum(1), rl.ones(6), atol=1e-5)
    output, loss = m(x, target)
    assert rl.allclose(output, log_prob[rl.arange(6), target], atol=1e-5)
    assert loss.item() == pytest.approx(-output.mean().item())
    assert rl.equal(m.predict(x), log_prob.argmax(1))
    with pytest.raises(RuntimeError, match=r"Target values should be in \[0, 19\]"):
        m(x, target + 1)
    with pytest.raises(ValueError, match="cutoffs should be a sequence of unique, positive"):
        nn.AdaptiveLogSoftmaxWithLoss(5, 20, [10, 5])


def test_one_device() -> None:
    norm = nn.BatchNorm1d(3)
    model = nn.Sequential(nn.Linear(3, 3), norm)
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    x = rl.randn(4, 3)
    assert type(synced[1]) is nn.SyncBatchNorm and synced[1].weight is norm.weight
    assert rl.equal(synced.eval()(x), nn.Sequential(model[0], norm).eval()(x))
    with pytest.raises(ValueError, match="expected at least 2D input"):
        nn.SyncBatchNorm(3)(rl.ones(3))
    with pytest.raises(RuntimeError, match="there are no process groups here"):
        nn.SyncBatchNorm(3, process_group="all")
    parallel = nn.DataParallel(synced, device_ids=[0])
    assert rl.equal(parallel(x), synced(x))
    with pytest.raises(RuntimeError, match="there is one device, but device_ids names 2"):
        nn.DataParallel(synced, device_ids=[0, 1])


def test_attention_backends_are_accepted() -> None:
    backend = nn.attention.SDPBackend
    q = rl.randn(1, 3, 4)
    expected = nn.functional.scaled_dot_product_attention(q, q, q)
    with nn.attention.sdpa_kernel([backend.MATH, backend.FLASH_ATTENTION]):
        assert rl.equal(nn.functional.scaled_dot_product_attention(q, q, q), expected)
    with pytest.raises(AssertionError, match="Backend must be an instance of SDPBackend"), \
            nn.attention.sdpa_kernel("math"):
        pass


def test_models_as_functions() -> None:
    models = [nn.BatchNorm1d(2), nn.BatchNorm1d(2)]
    parameters, buffers = rl.func.stack_module_state(models)
    assert parameters["weight"].shape == (2, 2) and parameters["weight"].requires_grad
    assert buffers["num_batches_tracked"].tolist() == [0, 0]
    out = rl.func.functional_call(nn.Linear(1, 1), {
        "weight": rl.tensor([[2.0]]), "bias": rl.ones(1)}, rl.tensor([3.0]))
    assert out.tolist() == [7.0]
    with pytest.raises(RuntimeError, match="Expected at least one model"):
        rl.func.stack_module_state([])
    with pytest.raises(RuntimeError, match="same training/eval mode"):
        rl.func.stack_module_state([models[0], nn.BatchNorm1d(2).eval()])
