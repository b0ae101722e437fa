"""Convolution and pooling against torch: values, and gradients of two orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.ops import FUNCTIONS

torch = pytest.importorskip("torch")

TOLERANCE = {"float64": 1e-9, "float32": 5e-4}


def _functions(module: Any, name: str) -> Any:
    if module is rl:
        return FUNCTIONS[f"nn.functional.{name}"]
    return getattr(torch.nn.functional, name)


def _results(module: Any, name: str, arrays: list, options: dict, second: bool) -> list:
    """Outputs, gradients, and gradients of a sum of gradients."""
    tensors = [module.tensor(a).requires_grad_() if a is not None else None for a in arrays]
    found = _functions(module, name)(*tensors, **options)
    outputs = found if isinstance(found, tuple) else (found,)
    leaves = [t for t in tensors if t is not None]
    generator = np.random.default_rng(1)

    def noise(like: Any) -> Any:
        values = generator.standard_normal(tuple(like.shape))
        return module.tensor(values.astype(arrays[0].dtype))

    upstream = noise(outputs[0]).requires_grad_()
    first = module.autograd.grad(outputs[0], leaves, upstream, create_graph=second)
    results = [*outputs, *first]
    if second:
        total = sum((g * noise(g)).sum() for g in first)
        results += module.autograd.grad(total, [*leaves, upstream], allow_unused=True)
    return [None if r is None else r.detach().numpy() for r in results]


def _compare(name: str, shapes: list, options: dict, dtype: str, second: bool = True,
             positive: bool = False) -> None:
    generator = np.random.default_rng(0)
    arrays = [None if s is None else generator.standard_normal(s).astype(dtype) for s in shapes]
    if positive:
        arrays = [np.abs(a) + np.asarray(0.1, dtype) for a in arrays]
    wanted, found = (_results(m, name, arrays, options, second) for m in (torch, rl))
    assert len(wanted) == len(found)
    for a, b in zip(wanted, found, strict=True):
        if a is None or b is None:  # nothing flows: torch may say so with zeros
            assert not np.any(b if a is None else a) or a is b
            continue
        assert a.shape == b.shape and a.dtype == b.dtype
        scale = max(1.0, float(np.abs(a).max(initial=0)))
        np.testing.assert_allclose(b, a, rtol=0, atol=TOLERANCE[dtype] * scale)


CONVOLUTIONS = [
    ("conv2d", [(2, 3, 8, 9), (4, 3, 3, 2), (4,)], {}),
    ("conv2d", [(2, 3, 8, 9), (4, 3, 3, 2), None], {"stride": 2, "padding": 1}),
    ("conv2d", [(2, 4, 8, 9), (6, 2, 3, 3), (6,)],
     {"padding": (1, 0), "stride": (1, 2), "groups": 2, "dilation": (2, 1)}),
    ("conv2d", [(3, 8, 9), (6, 1, 3, 3), (6,)], {"padding": "same", "groups": 3}),
    ("conv2d", [(2, 1, 28, 28), (6, 1, 5, 5), (6,)], {}),
    ("conv1d", [(2, 3, 8), (4, 3, 3), (4,)], {"stride": 2, "padding": 1}),
    ("conv1d", [(3, 8), (4, 3, 3), (4,)], {"padding": "same"}),
    ("conv3d", [(2, 2, 5, 6, 4), (4, 2, 3, 2, 2), (4,)],
     {"stride": (1, 2, 1), "padding": (1, 0, 1)}),
    ("conv_transpose1d", [(2, 4, 5), (4, 3, 3), None], {"stride": 3}),
    ("conv_transpose2d", [(2, 4, 5, 6), (4, 3, 3, 2), (3,)],
     {"stride": 2, "padding": 1, "output_padding": 1}),
    ("conv_transpose2d", [(4, 5, 6), (4, 3, 3, 2), (6,)],
     {"stride": (2, 1), "groups": 2, "dilation": (1, 3), "output_padding": (0, 2)}),
    ("conv_transpose3d", [(1, 2, 3, 4, 3), (2, 2, 2, 2, 2), (2,)], {"stride": 2}),
]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name, shapes, options", CONVOLUTIONS)
def test_convolution(name: str, shapes: list, options: dict, dtype: str) -> None:
    _compare(name, shapes, options, dtype)


SPACES = {1: (11,), 2: (9, 8), 3: (5, 6, 7)}
WINDOWS = [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1},
           {"kernel_size": 3, "stride": 2, "ceil_mode": True},
           {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}]


@pytest.mark.parametrize("n", SPACES)
@pytest.mark.parametrize("options", WINDOWS, ids=str)
@pytest.mark.parametrize("batch", [(2, 3), (3,)])
def test_pooling(n: int, options: dict, batch: tuple) -> None:
    shape = [(*batch, *SPACES[n])]
    for dtype in TOLERANCE:
        _compare(f"max_pool{n}d", shape, options, dtype)
        _compare(f"max_pool{n}d", shape, {**options, "return_indices": True}, dtype)
        _compare(f"avg_pool{n}d", shape, options, dtype)
        _compare(f"avg_pool{n}d", shape, {**options, "count_include_pad": False}, dtype)
        if n > 1:
            _compare(f"avg_pool{n}d", shape, {**options, "divisor_override": 3}, dtype)


@pytest.mark.parametrize("n", SPACES)
def test_other_pooling(n: int) -> None:
    shape = [(2, 3, *SPACES[n])]
    for dtype in TOLERANCE:
        _compare(f"max_pool{n}d", shape, {"kernel_size": 2, "dilation": 2}, dtype)
        for size in (1, 3):
            _compare(f"adaptive_avg_pool{n}d", shape, {"output_size": size}, dtype)
            _compare(f"adaptive_max_pool{n}d", shape,
                     {"output_size": size, "return_indices": True}, dtype)
        for options in ({"norm_type": 3.0, "kernel_size": 2},
                        {"norm_type": 2, "kernel_size": 3, "stride": 2, "ceil_mode": True}):
            _compare(f"lp_pool{n}d", shape, options, dtype, positive=True, second=False)


@pytest.mark.parametrize("n", [2, 3])
def test_fractional_pooling_from_the_same_samples(n: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, *SPACES[n]))
    samples = np.random.default_rng(1).random((2, 3, n))
    wanted, found = (_functions(m, f"fractional_max_pool{n}d")(
        m.tensor(x), 2, 3, return_indices=True, _random_samples=m.tensor(samples))
        for m in (torch, rl))
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(b.numpy(), a.numpy())


CALLS = """
F.conv2d(z(2,3), z(1,3,2,2))
F.conv2d(z(1,3,8,8), z(6,1,5,5))
F.conv2d(z(1,1,3,3), z(6,1,5,5))
F.conv2d(z(1,1,8,8), z(6,1,5,5), z(5))
F.conv2d(z(1,1,8,8), z(6,1,5,5), stride=0)
F.conv2d(z(1,1,8,8), z(6,1,5,5), padding=-1)
F.conv2d(z(1,1,8,8), z(6,1,5,5), dilation=0)
F.conv2d(z(1,2,8,8), z(3,1,5,5), groups=2)
F.conv2d(z(1,2,8,8), z(1,1,5,5), groups=2)
F.conv2d(z(1,1,8,8), z(6,1,5,5), padding="same", stride=2)
F.conv2d(z(1,1,8,8).double(), z(6,1,5,5))
F.conv2d(z(1,1,8,8), z(6,1,5,5), z(6).double())
F.conv2d(z(1,1,8,8).bool(), z(6,1,5,5).bool())
F.conv_transpose2d(z(1,3,8,8), z(6,1,5,5))
F.conv_transpose2d(z(1,6,8,8), z(6,1,5,5), output_padding=2)
F.conv_transpose2d(z(1,6,8,8), z(6,1,5,5), z(2))
F.conv_transpose2d(z(1,6,8,8), z(6,2,5,5), output_padding=-1)
F.max_pool2d(z(3,3), 2)
F.max_pool2d(z(1,3,3,3), 5)
F.max_pool2d(z(1,3,8,8), 2, padding=2)
F.max_pool2d(z(1,3,8,8), 2, stride=0)
F.max_pool2d(z(1,0,8,8), 2)
F.max_pool2d(z(1,3,8,8).bool(), 2)
F.max_pool1d(z(1,3,8), 9)
F.max_pool1d(z(1,3,8), 0)
F.avg_pool2d(z(1,3,3,3), 5)
F.adaptive_avg_pool2d(z(3,3), 2)
F.adaptive_max_pool2d(z(1,3,0,8), 2)
F.fractional_max_pool2d(z(1,3,8,8), 2)
F.max_unpool2d(z(1,3,4,4), z(1,3,4,4).long()+100, 2)
F.max_unpool2d(z(1,3,4,4), z(1,3,4,4).long(), 2, output_size=(20,20))
""".strip().splitlines()


class _Functional:
    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        return _functions(self.module, name)


@pytest.mark.parametrize("call", CALLS)
def test_errors_begin_alike(call: str) -> None:
    raised = []
    for module in (torch, rl):
        with pytest.raises(Exception) as caught:
            eval(call, {"z": module.zeros, "F": _Functional(module)})
        raised.append((caught.type, str(caught.value).splitlines()[0]))
    (kind, words), (own_kind, own_words) = raised
    assert own_kind is kind and own_words.startswith(words[:40])
