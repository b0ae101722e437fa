"""Lazy layers and the rarer modules, against torch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

LAZY: list[tuple[str, tuple, dict[str, Any], tuple[int, ...]]] = [
    ("LazyLinear", (3,), {}, (2, 5)),
    ("LazyLinear", (3,), {"bias": False, "dtype": "float64"}, (4, 2, 5)),
    ("LazyConv1d", (4, 3), {"padding": 1}, (2, 3, 6)),
    ("LazyConv2d", (4, 3), {"groups": 2, "stride": 2}, (2, 6, 7, 7)),
    ("LazyConv2d", (4, 3), {"padding_mode": "reflect", "padding": 1}, (3, 7, 7)),
    ("LazyConv3d", (2, 2), {"bias": False}, (1, 3, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 3), {"stride": 2}, (2, 3, 6)),
    ("LazyConvTranspose2d", (4, 3), {"groups": 2, "output_padding": 1, "stride": 2}, (2, 6, 4, 4)),
    ("LazyConvTranspose3d", (2, 2), {}, (3, 4, 4, 4)),
    ("LazyBatchNorm1d", (), {}, (6, 4)),
    ("LazyBatchNorm2d", (), {"affine": False}, (2, 4, 3, 3)),
    ("LazyBatchNorm3d", (), {"track_running_stats": False, "bias": False}, (2, 4, 3, 3, 2)),
    ("LazyInstanceNorm1d", (), {}, (2, 3, 5)),
    ("LazyInstanceNorm2d", (), {"momentum": 0.3}, (2, 4, 3, 3)),
    ("LazyInstanceNorm3d", (), {"affine": False}, (2, 4, 3, 3, 2)),
]


def made(library: Any, name: str, args: tuple, options: dict[str, Any]) -> Any:
    options = dict(options)
    if "dtype" in options:
        options["dtype"] = getattr(library, options["dtype"])
    return getattr(library.nn, name)(*args, **options)


def close(ours: Any, theirs: Any, rtol: float = 1e-5) -> None:
    ours, theirs = ours.detach().numpy(), theirs.detach().numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol, 1e-6)


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAZY)
def test_lazy_layers(name: str, args: tuple, options: dict[str, Any],
                     shape: tuple[int, ...]) -> None:
    dtype = options.get("dtype", "float32")
    data = np.asarray(np.random.default_rng(0).standard_normal(shape), dtype)
    results = []
    for library in (rl, torch):
        module = made(library, name, args, options)
        before = repr(module), list(module.state_dict()), module.has_uninitialized_params()
        library.manual_seed(3)
        out = module(library.tensor(data))
        results.append((module, before, out))
    (ours, our_before, our_out), (theirs, their_before, their_out) = results
    assert our_before == their_before
    assert repr(ours) == repr(theirs) and type(ours).__name__ == type(theirs).__name__
    close(our_out, their_out)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        close(ours.state_dict()[key], value)
    # The state of a used layer goes into a fresh one (torch then shows no channels).
    fresh = made(rl, name, args, options)
    fresh.load_state_dict(ours.state_dict())
    fresh.eval(), ours.eval(), theirs.eval()
    out = fresh(rl.tensor(data))
    close(out, ours(rl.tensor(data)))
    close(out, theirs(torch.tensor(data)))
    assert repr(fresh) == repr(ours)


@pytest.mark.parametrize("use", [
    lambda lib, p: p.shape, lambda lib, p: p + 1, lambda lib, p: lib.relu(p),
    lambda lib, p: p.share_memory_(), lambda lib, p: lib.nn.functional.linear(p, p),
    lambda lib, p: (p.dtype is lib.float32, p.requires_grad, isinstance(p, lib.nn.Parameter)),
    lambda lib, p: repr(copy.deepcopy(p)), lambda lib, p: repr(pickle.loads(pickle.dumps(p))),
    lambda lib, p: tuple(p.to(lib.float64).shape),
    lambda lib, p: repr(lib.nn.Linear(4, 3).load_state_dict({"weight": p, "bias": p})),
    lambda lib, p: len(lib.optim.SGD([p], lr=1.0).param_groups),
    lambda lib, p: lib.nn.LazyConv2d(4, 3)(lib.ones(2, 3)),
    lambda lib, p: lib.nn.LazyBatchNorm2d()(lib.ones(2, 3)),
    lambda lib, p: lib.nn.LazyConv2d(4, 3, groups=2)(lib.ones(1, 3, 5, 5)),
    lambda lib, p: repr(lib.nn.LazyLinear(3).load_state_dict(lib.nn.LazyLinear(3).state_dict())),
    lambda lib, p: str(lib.nn.LazyLinear(3).double().weight.dtype),
    lambda lib, p: lib.nn.LazyLinear(2).double()(lib.ones(1, 3, dtype=lib.float64)).shape[-1],
])
def test_uninitialized_parameters(use: Any) -> None:
    found: list[Any] = []
    for library in (rl, torch):
        try:
            found.append(use(library, library.nn.UninitializedParameter()))
        except Exception as error:
            found.append((type(error), str(error)[:43]))
    assert found[0] == found[1]


def state_of(theirs: Any) -> dict[str, Any]:
    return {key: rl.tensor(value.detach().numpy().copy())
            for key, value in theirs.state_dict().items()}


@pytest.mark.parametrize(("size", "options"), [
    (3, {}), (4, {"alpha": 0.5}), (5, {"alpha": 1.0, "beta": 0.5, "k": 2.0}), (1, {"alpha": 1.0})])
def test_cross_map_lrn(size: int, options: dict[str, Any]) -> None:
    data = np.random.default_rng(0).standard_normal((2, 6, 3, 2)).astype(np.float32)
    ours, theirs = rl.nn.CrossMapLRN2d(size, **options), torch.nn.CrossMapLRN2d(size, **options)
    assert repr(ours) == repr(theirs)
    close(ours(rl.tensor(data)), theirs(torch.tensor(data)))


@pytest.mark.parametrize("options", [{}, {"head_bias": True, "div_value": 2.0}])
def test_adaptive_log_softmax(options: dict[str, Any]) -> None:
    torch.manual_seed(5)
    rl.manual_seed(5)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10], **options)
    ours = rl.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10], **options)
    assert repr(ours) == repr(theirs)
    for key, value in theirs.state_dict().items():
        close(ours.state_dict()[key], value)
    data = np.random.default_rng(0).standard_normal((6, 16)).astype(np.float32)
    for target in ([0, 7, 19, 3, 9, 5], [0, 1, 2, 3, 4, 0]):
        a = ours(rl.tensor(data), rl.tensor(target))
        b = theirs(torch.tensor(data), torch.tensor(target))
        close(a.output, b.output)
        ours.zero_grad(), theirs.zero_grad()
        a.loss.backward()
        b.loss.backward()
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            if q.grad is not None and q.grad.abs().sum() > 0:
                close(p.grad, q.grad, 1e-4)
    close(ours.log_prob(rl.tensor(data)), theirs.log_prob(torch.tensor(data)))
    close(ours.predict(rl.tensor(data)), theirs.predict(torch.tensor(data)))
    close(ours(rl.tensor(data[0]), rl.tensor(7)).output,
          theirs(torch.tensor(data[0]), torch.tensor(7)).output)


@pytest.mark.parametrize("use", [
    lambda lib, m: lib.nn.AdaptiveLogSoftmaxWithLoss(5, 20, []),
    lambda lib, m: lib.nn.AdaptiveLogSoftmaxWithLoss(5, 20, [10, 5]),
    lambda lib, m: lib.nn.AdaptiveLogSoftmaxWithLoss(5, 20, [5, 25]),
    lambda lib, m: lib.nn.AdaptiveLogSoftmaxWithLoss(5, 20, [1.5]),
    lambda lib, m: m(lib.ones(2, 16), lib.zeros(3).long()),
    lambda lib, m: m(lib.ones(2, 16), lib.tensor([1, 25])),
    lambda lib, m: m(lib.ones(1, 2, 16), lib.tensor([1])),
    lambda lib, m: m(lib.ones(2, 16), lib.zeros(2, 2).long()),
    lambda lib, m: lib.nn.SyncBatchNorm(3)(lib.ones(3)),
    lambda lib, m: lib.nn.CrossMapLRN2d(3)(lib.ones(3)),
    lambda lib, m: repr(lib.nn.SyncBatchNorm.convert_sync_batchnorm(
        lib.nn.Sequential(lib.nn.BatchNorm1d(3), lib.nn.Sequential(lib.nn.BatchNorm2d(2))))),
    lambda lib, m: (repr(lib.nn.DataParallel(m)), list(lib.nn.DataParallel(m).state_dict())),
])
def test_errors_and_representations(use: Any) -> None:
    found: list[Any] = []
    for library in (rl, torch):
        try:
            module = library.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10])
            found.append(use(library, module))
        except Exception as error:
            found.append((type(error), str(error)))
    assert found[0] == found[1]
