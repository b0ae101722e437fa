"""Channels last in memory: operations keep the order, and give what they give row-major."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import strided

F = rl.nn.functional
IMAGES, VOLUMES = (2, 6, 8, 6), (2, 3, 4, 6, 4)


def _conv(name: str, *shape: int, **options: Any) -> Callable[[rl.Tensor], rl.Tensor]:
    weight = rl.from_numpy(np.random.default_rng(1).standard_normal(shape).astype(np.float32))
    return lambda x: getattr(F, name)(x, weight.to(x.dtype), **options)


def _order(x: rl.Tensor) -> Any:
    return rl.channels_last if x.dim() == 4 else rl.channels_last_3d


def _batch_norm(x: rl.Tensor, training: bool) -> rl.Tensor:
    c = x.shape[1]
    return F.batch_norm(x, rl.zeros(c), rl.ones(c), rl.ones(c) * 2, rl.ones(c), training)


CASES: dict[str, Callable[[rl.Tensor], rl.Tensor]] = {
    "conv2d": _conv("conv2d", 8, 6, 3, 3, padding=1),
    "conv2d 1x1": _conv("conv2d", 8, 6, 1, 1),
    "conv2d stride": _conv("conv2d", 8, 6, 3, 3, stride=2, dilation=2, padding=2),
    "conv2d groups": _conv("conv2d", 6, 1, 3, 3, padding=1, groups=6),
    "conv2d double": lambda x: _conv("conv2d", 8, 6, 3, 3)(x.double()),
    "conv2d half": lambda x: _conv("conv2d", 8, 6, 3, 3)(x.bfloat16()),
    "conv_transpose2d": _conv("conv_transpose2d", 6, 5, 3, 3, stride=2, padding=1),
    "batch_norm": lambda x: _batch_norm(x, True),
    "batch_norm eval": lambda x: _batch_norm(x, False),
    "group_norm": lambda x: F.group_norm(x, 3),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max_pool2d dilated": lambda x: F.max_pool2d(x, 2, 1, 0, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "avg_pool2d half": lambda x: F.avg_pool2d(x.bfloat16(), 2),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (3, 4)),
    "adaptive_avg_pool2d 1": lambda x: F.adaptive_avg_pool2d(x, 1),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(x, (3, 4)),
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "bilinear": lambda x: F.interpolate(x, (11, 7), mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic"),
    "antialias": lambda x: F.interpolate(x, (4, 3), mode="bilinear", antialias=True),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1), value=3.0),
    "pad reflect": lambda x: F.pad(x, (1, 2, 3, 1), "reflect"),
    "pad replicate": lambda x: F.pad(x, (1, 2, 3, 1), "replicate"),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "pixel_shuffle": lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 3),
    "flip": lambda x: x.flip(2),
    "relu": F.relu,
    "add": lambda x: x + x,
    "cat": lambda x: rl.cat([x, x * 2], 1),
    "dropout": lambda x: F.dropout(x, 0.0),
    "unpool": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
}
SPACE: dict[str, Callable[[rl.Tensor], rl.Tensor]] = {
    "conv3d": _conv("conv3d", 4, 3, 3, 3, 3, padding=1),
    "conv_transpose3d": _conv("conv_transpose3d", 3, 4, 3, 3, 3, stride=2),
    "batch_norm": lambda x: _batch_norm(x, True),
    "group_norm": lambda x: F.group_norm(x, 3),
    "max_pool3d": lambda x: F.max_pool3d(x, 2),
    "trilinear": lambda x: F.interpolate(x, scale_factor=2, mode="trilinear"),
    "pad": lambda x: F.pad(x, (1, 1) * 3, "replicate"),
}


def _values(shape: tuple[int, ...]) -> rl.Tensor:
    return rl.from_numpy(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def _run(function: Callable[[rl.Tensor], rl.Tensor], x: rl.Tensor) -> tuple[Any, Any]:
    x = x.detach().requires_grad_()
    y = function(x)
    weights = rl.from_numpy(np.random.default_rng(2).standard_normal(tuple(y.shape)))
    g = weights.to(y.dtype).contiguous(memory_format=_order(y)) if y.is_contiguous(
        memory_format=_order(y)) else weights.to(y.dtype)
    (dx,) = rl.autograd.grad(y, x, g)
    return y, dx


@pytest.mark.parametrize("shape, name, function", [
    *[(IMAGES, name, function) for name, function in CASES.items()],
    ((3, 36, 16, 12), "conv2d winograd", _conv("conv2d", 40, 36, 3, 3, padding=1)),
    *[(VOLUMES, f"{name} 3d", function) for name, function in SPACE.items()]])
def test_order_is_kept_and_values_are_the_same(
        shape: tuple[int, ...], name: str, function: Callable[[rl.Tensor], rl.Tensor]) -> None:
    plain = _values(shape)
    last = plain.contiguous(memory_format=_order(plain))
    assert not last.is_contiguous()
    (y, dx), (y_last, dx_last) = _run(function, plain), _run(function, last)
    assert y.is_contiguous() and y_last.is_contiguous(memory_format=_order(y))
    tolerance = 2e-2 if y.dtype is rl.bfloat16 else 1e-4
    for one, other in ((y, y_last), (dx, dx_last)):
        np.testing.assert_allclose(one.detach().double().numpy(),
                                   other.detach().double().numpy(), tolerance, tolerance)
    if name not in ("adaptive_avg_pool2d 1", "antialias"):  # a mean, and products of matrices
        assert dx_last.is_contiguous(memory_format=_order(dx))


@pytest.mark.parametrize("size", [3, 40])
def test_weights_in_that_order_turn_results(size: int) -> None:
    """A net moved with `.to(memory_format=...)` gives such results for row-major inputs too."""
    rl.manual_seed(0)
    conv = rl.nn.Conv2d(24, size, 3, padding=1)
    x = _values((4, 24, 8, 8))
    plain = conv(x)
    plain.sum().backward()
    before = conv.weight.grad.clone()
    conv.zero_grad()
    conv = conv.to(memory_format=rl.channels_last)
    y = conv(x)
    assert y.is_contiguous(memory_format=rl.channels_last)
    np.testing.assert_allclose(y.detach().numpy(), plain.detach().numpy(), 1e-4, 1e-4)
    y.sum().backward()
    assert conv.weight.grad.stride() == conv.weight.stride()
    np.testing.assert_allclose(conv.weight.grad.numpy(), before.numpy(), 1e-3, 1e-3)


# With 0.05 Adam's loss grows at every step, and with it what rounding differs by.
@pytest.mark.parametrize(("rule", "rate"), [("SGD", 0.05), ("Adam", 0.002)])
def test_training_is_the_same(rule: str, rate: float) -> None:
    losses = []
    for order in (rl.contiguous_format, rl.channels_last):
        rl.manual_seed(0)
        nn = rl.nn
        net = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
                            nn.MaxPool2d(2), nn.Conv2d(24, 32, 3, padding=1, bias=False),
                            nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
        net = net.to(memory_format=order)
        x = _values((8, 3, 12, 12)).contiguous(memory_format=order)
        optimizer = getattr(rl.optim, rule)(net.parameters(), lr=rate)
        run = []
        for _ in range(4):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), rl.arange(8) % 4)
            loss.backward()
            optimizer.step()
            run.append(loss.item())
        assert net[0].weight.is_contiguous(memory_format=order)
        losses.append(run)
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[0], losses[1], 2e-4)


def test_the_first_operand_decides_where_orders_meet() -> None:
    if not strided.available():
        pytest.skip("NumPy makes a row-major result")
    plain = _values((4, 32, 24, 24))
    last = plain.contiguous(memory_format=rl.channels_last)
    assert (last + plain).is_contiguous(memory_format=rl.channels_last)
    assert (plain + last).is_contiguous()
    np.testing.assert_array_equal((last + plain).numpy(), (plain * 2).numpy())


def test_second_derivatives() -> None:
    x = _values((1, 2, 5, 4)).double().contiguous(memory_format=rl.channels_last).requires_grad_()
    w = _values((3, 2, 3, 3)).double().requires_grad_()
    assert rl.autograd.gradgradcheck(lambda x, w: F.conv2d(x, w, padding=1), (x, w))
    assert rl.autograd.gradgradcheck(lambda x: F.max_pool2d(x, 2), (x,))
    assert rl.autograd.gradgradcheck(lambda x: F.avg_pool2d(x, 2), (x,))


def test_nan_is_largest_and_empty_batches_pass() -> None:
    x = _values(IMAGES).contiguous(memory_format=rl.channels_last)
    x[0, 1, 2, 3] = float("nan")
    assert F.max_pool2d(x, 2)[0, 1, 1, 1].isnan()
    assert int(F.max_pool2d(x, 2).isnan().sum()) == 1
    none = rl.empty(0, 6, 8, 6).contiguous(memory_format=rl.channels_last)
    assert F.max_pool2d(none, 2).shape == (0, 6, 4, 3)
    assert F.avg_pool2d(none, 2).shape == (0, 6, 4, 3)
