"""Strides of results and gradients, for inputs in each order of memory, as torch has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

Call = Callable[..., Any]
IMAGES, VOLUMES = (2, 8, 6, 4), (2, 4, 4, 6, 4)


def _on(name: str, *arguments: Any, **options: Any) -> Call:
    return lambda T, *x: getattr(T.nn.functional, name)(*x, *arguments, **options)


def _norm(T: Any, x: Any, training: bool) -> Any:
    c = x.shape[1]
    return T.nn.functional.batch_norm(x, T.zeros(c), T.ones(c), T.ones(c), T.zeros(c), training)


CONVOLUTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], Call]] = {
    "3x3": (IMAGES, (16, 8, 3, 3), _on("conv2d", padding=1)),
    "1x1": (IMAGES, (16, 8, 1, 1), _on("conv2d")),
    "depthwise": (IMAGES, (8, 1, 3, 3), _on("conv2d", padding=1, groups=8)),
    "grouped": (IMAGES, (8, 4, 3, 3), _on("conv2d", padding=1, groups=2)),
    "dilated": (IMAGES, (16, 8, 3, 3), _on("conv2d", padding=2, dilation=2, stride=2)),
    "winograd": ((2, 32, 12, 12), (32, 32, 3, 3), _on("conv2d", padding=1)),
    "one channel": ((2, 1, 6, 4), (8, 1, 3, 3), _on("conv2d", padding=1)),
    "one output": (IMAGES, (1, 8, 3, 3), _on("conv2d", padding=1)),
    "one place": (IMAGES, (8, 8, 6, 4), _on("conv2d")),
    "from one place": ((2, 8, 1, 1), (8, 8, 1, 1), _on("conv2d")),
    "one sample": ((1, 8, 6, 4), (8, 8, 3, 3), _on("conv2d")),
    "transposed": (IMAGES, (8, 6, 3, 3), _on("conv_transpose2d", stride=2, padding=1)),
    "volume": (VOLUMES, (8, 4, 3, 3, 3), _on("conv3d", padding=1)),
    "volume transposed": (VOLUMES, (4, 6, 3, 3, 3), _on("conv_transpose3d", stride=2, padding=1)),
}
ONE_OPERAND: dict[str, Call] = {
    "max": _on("max_pool2d", 3, 2, 1), "max, places": _on("max_pool2d", 2, return_indices=True),
    "average": _on("avg_pool2d", 2), "adaptive average": _on("adaptive_avg_pool2d", 2),
    "adaptive average 1": _on("adaptive_avg_pool2d", 1), "adaptive max": _on(
        "adaptive_max_pool2d", 2, return_indices=True), "norm": _on("lp_pool2d", 2.0, 2),
    "batch norm": lambda T, x: _norm(T, x, True), "group norm": _on("group_norm", 2),
    "instance norm": _on("instance_norm"), "relu": _on("relu"), "gelu": _on("gelu"),
    "silu": _on("silu"), "relu6": _on("relu6"), "sigmoid": _on("sigmoid"), "mish": _on("mish"),
    "hardswish": _on("hardswish"), "dropout": _on("dropout", 0.5),
    "dropout2d": _on("dropout2d", 0.5), "nearest": _on("interpolate", scale_factor=2),
    "exact": _on("interpolate", scale_factor=2, mode="nearest-exact"),
    "bilinear": _on("interpolate", scale_factor=2, mode="bilinear"),
    "area": _on("interpolate", size=(3, 2), mode="area"), "pad": _on("pad", (1, 1, 1, 1)),
    "reflect": _on("pad", (1, 1, 1, 1), mode="reflect"),
    "replicate": _on("pad", (1, 1, 1, 1), mode="replicate"),
    "shuffle": _on("pixel_shuffle", 2), "unshuffle": _on("pixel_unshuffle", 2),
    "channels": lambda T, x: T.channel_shuffle(x, 2), "flip": lambda T, x: x.flip(2),
    "softmax": _on("softmax", 1), "clone": lambda T, x: x.clone(), "half": lambda T, x: x.half(),
    "cat": lambda T, x: T.cat([x, x], 1), "sum of two": lambda T, x: x + x,
    "by channel": lambda T, x: x * T.ones(1, 8, 1, 1),
}
VOLUME: dict[str, Call] = {
    "max": _on("max_pool3d", 2), "average": _on("avg_pool3d", 2),
    "adaptive average": _on("adaptive_avg_pool3d", 2),
    "adaptive average 1": _on("adaptive_avg_pool3d", 1),
    "adaptive max": _on("adaptive_max_pool3d", 2), "batch norm": lambda T, x: _norm(T, x, True),
    "group norm": _on("group_norm", 2), "trilinear": _on("interpolate", scale_factor=2,
                                                          mode="trilinear"),
    "pad": _on("pad", (1, 1) * 3), "replicate": _on("pad", (1, 1) * 3, mode="replicate"),
}


def _strides(T: Any, call: Call, shapes: list[tuple[int, ...]], orders: str) -> list[Any]:
    """Shapes and strides of the results and the gradients of all operands."""
    generator, inputs = np.random.default_rng(0), []
    order = {4: T.channels_last, 5: T.channels_last_3d}
    for shape, how in zip(shapes, orders, strict=False):
        x = T.from_numpy(generator.standard_normal(shape).astype(np.float32))
        if how == "l":
            x = x.contiguous(memory_format=order[x.dim()])
        inputs.append(x.requires_grad_())
    found = call(T, *inputs)
    results = list(found) if isinstance(found, (tuple, list)) else [found]
    g = T.ones(tuple(results[0].shape)).to(results[0].dtype)
    if orders[-1] == "l":
        g = g.contiguous(memory_format=order[g.dim()])
    gradients = T.autograd.grad(results[0], inputs, g)
    return [(tuple(x.shape), x.stride()) for x in (*results, *gradients)]


@pytest.mark.parametrize("orders", ["lll", "llc", "lcl", "lcc", "cll", "clc", "ccl", "ccc"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name: str, orders: str) -> None:
    """Input, weight and the result's gradient each with channels last or row-major."""
    *shapes, call = CONVOLUTIONS[name]
    assert _strides(rl, call, shapes, orders) == _strides(torch, call, shapes, orders)


@pytest.mark.parametrize("orders", ["ll", "cc"])
@pytest.mark.parametrize("name", ONE_OPERAND)
def test_images(name: str, orders: str) -> None:
    call = ONE_OPERAND[name]
    assert _strides(rl, call, [IMAGES], orders) == _strides(torch, call, [IMAGES], orders)


@pytest.mark.parametrize("orders", ["ll", "cc"])
@pytest.mark.parametrize("name", VOLUME)
def test_volumes(name: str, orders: str) -> None:
    call = VOLUME[name]
    assert _strides(rl, call, [VOLUMES], orders) == _strides(torch, call, [VOLUMES], orders)


@pytest.mark.parametrize("shape", [(2, 1, 6, 4), (2, 8, 1, 1), (1, 8, 6, 4), (2, 8, 1, 4),
                                   (1, 1, 6, 4), (2, 1, 1, 1)])
@pytest.mark.parametrize("name", ["max", "average", "adaptive average 1", "clone", "sum of two"])
def test_sizes_of_one(name: str, shape: tuple[int, ...]) -> None:
    """Strides leave it open which order it is; torch's rule settles that."""
    call = {**ONE_OPERAND, "max": _on("max_pool2d", 1), "average": _on("avg_pool2d", 1)}[name]
    assert _strides(rl, call, [shape], "ll") == _strides(torch, call, [shape], "ll")


@pytest.mark.parametrize("order", ["contiguous_format", "channels_last"])
def test_gradients_of_parameters_lie_as_these(order: str) -> None:
    found = []
    for T in (rl, torch):
        net = T.nn.Sequential(T.nn.Conv2d(3, 8, 3), T.nn.BatchNorm2d(8), T.nn.ReLU(),
                              T.nn.Conv2d(8, 4, 1)).to(memory_format=getattr(T, order))
        net(T.ones(2, 3, 6, 6)).sum().backward()
        found.append([(p.stride(), p.grad.is_contiguous(), p.dim() == 4 and p.grad.is_contiguous(
            memory_format=T.channels_last)) for p in net.parameters()])
    assert found[0] == found[1]
