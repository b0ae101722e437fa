"""conv1d, conv2d, conv3d and transposed: values, gradients of two orders, options, errors."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import rushlight as rl


def _random(*shape: int, seed: int = 0) -> rl.Tensor:
    return rl.tensor(np.random.default_rng(seed).standard_normal(shape))


def _by_definition(x: np.ndarray, w: np.ndarray, stride: int, padding: int, dilation: int,
                   groups: int) -> np.ndarray:
    """conv2d as loops over everything."""
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    rows, columns = ((n - dilation * (k - 1) - 1) // stride + 1
                     for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    out = np.zeros((x.shape[0], w.shape[0], rows, columns))
    per_in, per_out = w.shape[1], w.shape[0] // groups
    for n, o, r, c in product(*map(range, out.shape)):
        first = o // per_out * per_in
        for i, a, b in product(*map(range, w.shape[1:])):
            out[n, o, r, c] += w[o, i, a, b] * x[n, first + i, r * stride + a * dilation,
                                                 c * stride + b * dilation]
    return out


OPTIONS = [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2, "padding": 2}, {"groups": 2},
           {"stride": 3, "padding": 2, "groups": 4}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [rl.float64, rl.float32, rl.int64, rl.complex128])
def test_conv2d_is_its_definition(options: dict, dtype: Any) -> None:
    groups = options.get("groups", 1)
    x, w = _random(2, 4, 7, 6) * 5, _random(8, 4 // groups, 3, 2, seed=1) * 5
    if dtype is rl.complex128:
        x, w = rl.complex(x, x.flip(0)), rl.complex(w, w.flip(0))
    x, w = x.to(dtype), w.to(dtype)
    found = rl.conv2d(x, w, **options)
    known = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **options}
    assert found.dtype is dtype
    if dtype is rl.complex128:
        (a, b), (c, d) = ((v.real.numpy(), v.imag.numpy()) for v in (x, w))
        real = _by_definition(a, c, **known) - _by_definition(b, d, **known)
        np.testing.assert_allclose(found.real.numpy(), real, rtol=1e-9, atol=1e-9)
    else:
        wanted = _by_definition(x.numpy(), w.numpy(), **known)
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [*OPTIONS, {"padding": "same"}, {"padding": "valid"}], ids=str)
def test_gradients_of_two_orders(options: dict) -> None:
    groups = options.get("groups", 1)
    x, w, b = _random(2, 4, 5, 6), _random(4, 4 // groups, 2, 3, seed=1), _random(4, seed=2)
    inputs = [v.requires_grad_() for v in (x, w, b)]
    assert rl.autograd.gradcheck(lambda *v: rl.conv2d(*v, **options), inputs)
    assert rl.autograd.gradgradcheck(lambda *v: rl.conv2d(*v, **options), inputs)


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1, "output_padding": 1},
                                     {"dilation": 3, "output_padding": 2}, {"groups": 2}], ids=str)
def test_gradients_of_transposed(options: dict) -> None:
    x, w, b = _random(1, 4, 4, 3), _random(4, 3, 2, 3, seed=1), None
    b = _random(3 * options.get("groups", 1), seed=2)
    inputs = [v.requires_grad_() for v in (x, w, b)]
    assert rl.autograd.gradcheck(lambda *v: rl.conv_transpose2d(*v, **options), inputs)
    assert rl.autograd.gradgradcheck(lambda *v: rl.conv_transpose2d(*v, **options), inputs)


@pytest.mark.parametrize("stride, padding, extra, groups",
                         [(1, 0, 0, 1), (2, 1, 1, 1), (3, 0, 0, 2)])
@pytest.mark.parametrize("dtype", [rl.float32, rl.float64])
def test_transposed_is_the_transpose(stride: int, padding: int, extra: int, groups: int,
                                     dtype: Any) -> None:
    y = _random(2, 6, 4, 3).to(dtype)
    w = _random(6, 4, 3, 3, seed=1).to(dtype)  # (in of the transposed, out / groups, ...)
    up = rl.conv_transpose2d(y, w, None, stride, padding, extra, groups)
    x = _random(*up.shape, seed=2).to(dtype)
    down = rl.conv2d(x, w, None, stride, padding, groups=groups)
    np.testing.assert_allclose((up * x).sum().item(), (down * y).sum().item(), rtol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_number_of_dimensions_with_and_without_batch(n: int) -> None:
    space = (6, 5, 4)[:n]
    conv, back = getattr(rl, f"conv{n}d"), getattr(rl, f"conv_transpose{n}d")
    x, w, b = _random(2, 3, *space), _random(4, 3, *[2] * n, seed=1), _random(4, seed=2)
    out = conv(x, w, b)
    assert out.shape == (2, 4, *(s - 1 for s in space))
    np.testing.assert_allclose(conv(x[1], w, b).numpy(), out[1].numpy())
    assert back(out, w).shape == x.shape and back(out[0], w).shape == x.shape[1:]
    if n == 1:  # the last one is a special case of the first
        flat = rl.conv2d(x.unsqueeze(2), w.unsqueeze(2), b).squeeze(2)
        np.testing.assert_allclose(out.numpy(), flat.numpy())


def test_same_padding_keeps_the_extents() -> None:
    x = _random(1, 2, 9, 8)
    for k in (1, 2, 3, 4):
        for dilation in (1, 2):
            w = _random(3, 2, k, k, seed=k)
            out = rl.conv2d(x, w, padding="same", dilation=dilation)
            assert out.shape == (1, 3, 9, 8)
            total = dilation * (k - 1)
            padded = rl.tensor(np.pad(x.numpy(), [(0, 0), (0, 0), *[
                (total // 2, total - total // 2)] * 2]))
            np.testing.assert_allclose(out.numpy(), rl.conv2d(padded, w, dilation=dilation).numpy(),
                                       atol=1e-12)


def test_float32_and_float64_agree() -> None:
    x, w, b = _random(4, 3, 20, 20), _random(16, 3, 5, 5, seed=1), _random(16, seed=2)
    wide = [v.clone().requires_grad_() for v in (x, w, b)]
    narrow = [v.float().requires_grad_() for v in (x, w, b)]
    for v in (wide, narrow):
        rl.conv2d(*v, padding=2).square().sum().backward()
    for a, c in zip(wide, narrow, strict=True):
        scale = a.grad.abs().max().item()
        assert (a.grad - c.grad.double()).abs().max().item() < 1e-5 * scale


def test_empty_batch_and_graph_name() -> None:
    w = rl.ones(4, 3, 2, 2, requires_grad=True)
    out = rl.conv2d(rl.ones(0, 3, 5, 5), w)
    assert out.shape == (0, 4, 4, 4) and out.grad_fn.name() == "ConvolutionBackward0"
    out.sum().backward()
    assert w.grad.abs().sum().item() == 0


def test_meta_tensors_have_shapes() -> None:
    x, w = rl.empty(2, 3, 9, 9, device="meta"), rl.empty(4, 3, 3, 3, device="meta")
    assert rl.conv2d(x, w, stride=2).shape == (2, 4, 4, 4)
    assert rl.conv_transpose2d(rl.empty(2, 4, 4, 4, device="meta"), w, stride=2).shape == (
        2, 3, 9, 9)


def test_conv_tbc() -> None:
    x, w = _random(7, 2, 3), _random(4, 3, 5, seed=1)
    found = rl.conv_tbc(x, w, rl.ones(5, dtype=rl.float64), 1)
    wanted = rl.conv1d(x.permute(1, 2, 0), w.permute(2, 1, 0), padding=1) + 1
    np.testing.assert_allclose(found.numpy(), wanted.permute(2, 0, 1).numpy())


def _error(*shapes: Any, **options: Any) -> Any:
    return lambda f: f(*(None if s is None else rl.zeros(*s) for s in shapes), **options)


@pytest.mark.parametrize("name, call, error, words", [
    ("conv2d", _error((2, 3), (1, 3, 2, 2)), RuntimeError,
     r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d,"),
    ("conv2d", _error((1, 3, 8, 8), (6, 1, 5, 5)), RuntimeError,
     r"Given groups=1, weight of size \[6, 1, 5, 5\], expected input\[1, 3, 8, 8\] to have 1 "
     "channels, but got 3 channels instead"),
    ("conv2d", _error((1, 1, 3, 3), (6, 1, 5, 5)), RuntimeError,
     r"Calculated padded input size per channel: \(3 x 3\). Kernel size: \(5 x 5\). Kernel size "
     "can't be greater than actual input size"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), (5,)), RuntimeError,
     r"Given weight of size \[6, 1, 5, 5\], expected bias to be 1-dimensional with 6 elements"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), stride=0), RuntimeError,
     "non-positive stride is not supported"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), padding=-1), RuntimeError,
     "negative padding is not supported"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), dilation=0), RuntimeError,
     "non-positive dilation is not supported"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), groups=0), RuntimeError,
     "non-positive groups is not supported"),
    ("conv2d", _error((1, 2, 8, 8), (3, 1, 5, 5), groups=2), RuntimeError,
     "Given groups=2, expected weight to be divisible by 2 at dimension 0"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), padding="same", stride=2), RuntimeError,
     "padding='same' is not supported for strided convolutions"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), padding="all"), RuntimeError,
     "Invalid padding string: 'all'"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), stride=(1, 2, 3)), RuntimeError,
     "expected stride to be a single integer value or a list of 2 values"),
    ("conv2d", _error((1, 1, 8, 8), (6, 1, 5, 5), stride=1.5), TypeError, "stride must be an int"),
    ("conv_transpose2d", _error((1, 3, 8, 8), (6, 1, 5, 5)), RuntimeError,
     r"Given transposed=1, weight of size \[6, 1, 5, 5\], expected input"),
    ("conv_transpose2d", _error((1, 6, 8, 8), (6, 1, 5, 5), output_padding=2), RuntimeError,
     "output padding must be smaller than either stride or dilation"),
    ("conv_transpose2d", _error((1, 6, 1, 1), (6, 2, 1, 1), padding=1), RuntimeError,
     r"Given input size per channel: \(1 x 1\). Calculated output size per channel: \(-1 x -1\)"),
])
def test_errors(name: str, call: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(getattr(rl, name))


def test_dtypes_must_agree() -> None:
    x, w = rl.zeros(1, 1, 4, 4), rl.zeros(1, 1, 2, 2)
    with pytest.raises(RuntimeError, match="expected scalar type Double but found Float"):
        rl.conv2d(x.double(), w)
    with pytest.raises(RuntimeError, match=r"Input type \(float\) and bias type \(double\)"):
        rl.conv2d(x, w, rl.zeros(1).double())
    with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
        rl.conv2d(x.bool(), w.bool())


@pytest.mark.parametrize("shape, weight, options", [
    ((4, 64, 4, 4), (192, 64, 3, 3), {"padding": 1}),  # heavy weights: cut by channels
    ((4, 192, 5, 5), (40, 192, 3, 3), {"stride": 2, "bias": True}),
    ((16, 32, 9, 9), (32, 32, 3, 3), {"padding": 1, "bias": True}),
    ((3, 32, 50), (32, 1, 7), {"padding": 3, "groups": 32, "bias": True}),  # sequences by groups
    ((3, 32, 50), (64, 4, 3), {"stride": 2, "dilation": 2, "groups": 8}),
    ((2, 16, 15, 15), (16, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 16}),
    ((2, 16, 4, 6, 6), (16, 1, 3, 3, 3), {"padding": 1, "groups": 16}),
    ((1, 1, 400), (32, 1, 20), {"stride": 4}), ((2, 3, 4, 12, 12), (16, 3, 3, 3, 3), {}),
], ids=str)
def test_every_cut_and_layout_gives_the_same(shape: tuple, weight: tuple, options: dict) -> None:
    rl.manual_seed(0)
    x, w = rl.randn(shape), rl.randn(weight)
    b = rl.randn(weight[0]) if options.get("bias") else None
    rest = {k: v for k, v in options.items() if k != "bias"}
    f = getattr(rl, f"conv{x.ndim - 2}d")
    found = []
    for dtype in (rl.float32, rl.float64):  # float64 is NumPy's
        operands = [t.to(dtype).requires_grad_() for t in (x, w, b) if t is not None]
        out = f(*operands, **rest)
        g = rl.arange(out.numel()).reshape(out.shape).to(dtype).sin() + 1.5  # no sum cancels
        found.append([out, *rl.autograd.grad(out, operands, g)])
    for single, double in zip(*found):
        scale = double.abs().max().item()
        assert (single.double() - double).abs().max().item() < 2e-6 * scale
