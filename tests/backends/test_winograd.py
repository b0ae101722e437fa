"""Winograd's convolution: the same results as the direct one, for any shape, layout and threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import winograd as switch
from rushlight.backends.cpu import convolution, features, winograd
from rushlight.backends.host import convolution as host
from rushlight.backends.host.convolution import Window

pytestmark = pytest.mark.skipif(not winograd.available(), reason="no AVX-512 or no LLVM")

SHAPES = [  # batch, inputs, outputs, height, width, padding
    (2, 16, 32, 8, 8, (1, 1)), (3, 20, 24, 9, 13, (1, 1)), (1, 64, 40, 30, 28, (1, 1)),
    (7, 33, 41, 7, 7, (2, 2)), (5, 16, 70, 12, 6, (0, 0)), (2, 17, 33, 5, 20, (2, 0)),
    (1, 130, 129, 14, 15, (0, 1)), (2, 260, 257, 6, 6, (1, 1)), (40, 32, 32, 4, 4, (1, 1))]


@pytest.fixture
def served(monkeypatch):
    """Serve shapes too, for which a direct convolution would be faster."""
    for name, value in (("INPUTS", 1), ("OUTPUTS", 1), ("PAYING", 1), ("PAYING_BACK", 1),
                        ("WASTE", 9)):
        monkeypatch.setattr(winograd, name, value)


def window(padding: tuple[int, int]) -> Window:
    return Window((1, 1), padding, padding, (1, 1), 1)


def arrays(batch, inputs, outputs, height, width, padding):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((batch, inputs, height, width), np.float32)
    w = rng.standard_normal((outputs, inputs, 3, 3), np.float32)
    space = (height + 2 * padding[0] - 2, width + 2 * padding[1] - 2)
    return x, w, rng.standard_normal((batch, outputs, *space), np.float32)


def wide(*given):
    return [x.astype(np.float64) for x in given]


def error(found, exact):
    return float(np.abs(found - exact).max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("served")
def test_it_computes_the_convolution_and_its_gradients(shape):
    x, w, dy = arrays(*shape)
    own = window(shape[-1])
    bias = np.linspace(-3, 3, len(w), dtype=np.float32)
    y = winograd.forward(x, w, bias, own)
    dx = winograd.backward_data(dy, w, own, x.shape)
    exact = host.forward(*wide(x, w, bias), own)
    assert error(y, exact) < 2e-6 * np.abs(exact).max()
    exact = host.backward_data(*wide(dy, w), own, x.shape)
    assert error(dx, exact) < 2e-6 * np.abs(exact).max()
    sums = np.empty_like(bias)
    dw = winograd.backward_weights(x, dy, own, w.shape, sums)
    exact = host.backward_weights(*wide(x, dy), own, w.shape)
    assert error(dw, exact) < 2e-6 * np.abs(exact).max()
    exact = dy.sum((0, 2, 3), np.float64)
    assert error(sums, exact) < 1e-6 * np.abs(dy).sum((0, 2, 3)).max()
    assert np.array_equal(winograd.backward_weights(x, dy, own, w.shape), dw)


@pytest.mark.parametrize("channels", [64, 128, 256, 512])
def test_errors_are_within_four_times_those_of_a_direct_convolution(channels):
    shape = (2, channels, channels, 14, 14, (1, 1))
    x, w, dy = arrays(*shape)
    own = window((1, 1))
    calls = [(lambda: convolution.forward(x, w, None, own), host.forward(*wide(x, w), None, own)),
             (lambda: convolution.backward_data(dy, w, own, x.shape),
              host.backward_data(*wide(dy, w), own, x.shape)),
             (lambda: convolution.backward_weights(x, dy, own, w.shape),
              host.backward_weights(*wide(x, dy), own, w.shape))]
    for call, exact in calls:
        with switch.flags(enabled=False):
            direct = call()
        fast = call()
        assert not np.array_equal(fast, direct)  # else this compares one with itself
        assert error(fast, exact) <= 4 * error(direct, exact)


@pytest.mark.parametrize("shape", SHAPES[:4])
@pytest.mark.usefixtures("served")
def test_layouts_of_the_input_do_not_matter(shape):
    x, w, dy = arrays(*shape)
    own = window(shape[-1])
    y, dx = winograd.forward(x, w, None, own), winograd.backward_data(dy, w, own, x.shape)
    dw = winograd.backward_weights(x, dy, own, w.shape)
    forms = [lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
             lambda a: np.ascontiguousarray(a.swapaxes(2, 3)).swapaxes(2, 3),
             lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a[:, ::-1].copy()[:, ::-1]]
    turned = np.ascontiguousarray(w.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)
    for form in forms:
        for weight in (w, turned, np.repeat(w, 2, axis=0)[::2]):
            assert np.array_equal(winograd.forward(form(x), weight, None, own), y)
            assert np.array_equal(winograd.backward_data(form(dy), weight, own, x.shape), dx)
        assert np.array_equal(winograd.backward_weights(form(x), form(dy), own, w.shape), dw)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("channels", [48, 300])
def test_results_are_the_same_for_any_number_of_threads(channels):
    x, w, dy = arrays(5, channels, 48, 21, 19, (1, 1))
    own, found, before = window((1, 1)), [], features.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            features.set_num_threads(threads)
            found.append([winograd.forward(x, w, None, own),
                          winograd.backward_data(dy, w, own, x.shape),
                          winograd.backward_weights(x, dy, own, w.shape)])
    finally:
        features.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert np.array_equal(one, same)


def test_python_threads_convolve_at_the_same_time():
    x, w, dy = arrays(4, 32, 32, 20, 20, (1, 1))
    own, wrong = window((1, 1)), []

    def work():
        return [winograd.forward(x, w, None, own), winograd.backward_data(dy, w, own, x.shape),
                winograd.backward_weights(x, dy, own, w.shape)]

    def repeat():
        for _ in range(10):
            if not all(map(np.array_equal, work(), wanted)):
                wrong.append(1)

    wanted = work()
    threads = [threading.Thread(target=repeat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("where", ["x", "w"])
def test_what_is_not_finite_reaches_just_what_it_reaches_directly(value, where):
    x, w, dy = arrays(2, 16, 32, 16, 16, (1, 1))
    own = window((1, 1))
    (x if where == "x" else w)[1, 3, 1, 2] = value
    dy[0, 2, 6, 7] = value
    for call in (lambda: convolution.forward(x, w, None, own),
                 lambda: convolution.backward_data(dy, w, own, x.shape),
                 lambda: convolution.backward_weights(x, dy, own, w.shape)):
        fast = call()
        with switch.flags(enabled=False):
            direct = call()
        assert np.array_equal(np.isfinite(fast), np.isfinite(direct))
        assert not np.isfinite(fast).all()
        assert np.array_equal(np.isnan(fast), np.isnan(direct))


def test_what_it_does_not_serve_is_left_to_others():
    x, w, dy = arrays(2, 32, 32, 16, 16, (1, 1))
    own = window((1, 1))
    assert winograd.forward(x, w, None, own) is not None
    refused = [
        (x.astype(np.float64), w.astype(np.float64), own), (x[:, :8], w[:, :8], own),
        (x, w[:8], own), (x[:, :, :2, :2], w, own), (x, w, own._replace(stride=(2, 1))),
        (x, w, own._replace(dilation=(1, 2))), (x, w[:, :16], own._replace(groups=2)),
        (x, np.ones((32, 32, 1, 1), np.float32), own), (x, w, window((3, 1))), (x[:0], w, own),
        (x, w, own._replace(front=(-1, 0))), (x[:, :, None], w[:, :, None], own)]
    for image, weight, how in refused:
        assert winograd.forward(image, weight, None, how) is None
    with switch.flags(enabled=False):
        assert winograd.forward(x, w, None, own) is None
        assert winograd.backward_data(dy, w, own, x.shape) is None
        assert winograd.backward_weights(x, dy, own, w.shape) is None
    assert switch.enabled


def test_kept_weights_are_used_until_the_weight_changes():
    conv = rl.nn.Conv2d(64, 64, 3, padding=1, bias=False).requires_grad_(False)
    x = rl.randn(1, 64, 12, 12)
    first, again = conv(x), conv(x)
    assert rl.equal(first, again)
    with rl.no_grad():
        conv.weight.mul_(2)
    assert rl.equal(conv(x), first * 2)


@pytest.mark.usefixtures("served")
def test_gradients_of_gradients():
    rl.manual_seed(0)
    x = rl.randn(2, 16, 14, 12, requires_grad=True)
    w = rl.randn(24, 16, 3, 3, requires_grad=True)

    def penalty():
        y = rl.conv2d(x, w, padding=1)
        (dx,) = rl.autograd.grad(y.tanh().sum(), x, create_graph=True)
        return rl.autograd.grad(dx.square().sum(), (x, w))

    fast = penalty()
    with switch.flags(enabled=False):
        direct = penalty()
    for one, other in zip(fast, direct, strict=True):
        assert (one - other).abs().max() < 1e-4 * other.abs().max()
