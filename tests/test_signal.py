"""Windows, short-time transforms, finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.signal import windows

RNG = np.random.default_rng(0)
PLAIN = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "hamming", "hann", "kaiser",
         "nuttall", "general_hamming"]


def signal(*shape: int) -> rl.Tensor:
    return rl.from_numpy(RNG.standard_normal(shape))


@pytest.mark.parametrize("name", PLAIN)
def test_a_period_is_a_longer_symmetric_window_without_its_last(name: str) -> None:
    make = getattr(windows, name)
    period, whole = make(8, sym=False, dtype=rl.float64), make(9, dtype=rl.float64)
    assert rl.allclose(period, whole[:-1]) and rl.allclose(whole, whole.flip(0))
    assert make(0).shape == (0,) and make(1).tolist() == [1.0]
    assert abs(whole[4].item() - 1) < 1e-6


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hann", "kaiser"])
def test_numpys_windows(name: str) -> None:
    options = {"beta": 3.0} if name == "kaiser" else {}
    found = getattr(windows, name)(7, dtype=rl.float64, **options)
    expected = getattr(np, "hanning" if name == "hann" else name)(7, *options.values())
    np.testing.assert_allclose(found, expected, atol=1e-12)
    older = getattr(rl, f"{name}_window")(7, False, *options.values(), dtype=rl.float64)
    np.testing.assert_allclose(older, expected, atol=1e-12)
    assert getattr(rl, f"{name}_window")(6).shape == (6,)


def test_windows_refuse_what_they_cannot_make() -> None:
    with pytest.raises(ValueError, match="hann requires non-negative window length, got M=-1"):
        windows.hann(-1)
    with pytest.raises(ValueError, match=r"hann expects float32 or float64 dtypes, got: torch.int"):
        windows.hann(3, dtype=rl.int64)
    with pytest.raises(ValueError, match="Center must be None for symmetric windows"):
        windows.exponential(3, center=1.0)
    with pytest.raises(TypeError, match="Coefficients must be a list/tuple"):
        windows.general_cosine(3, a=None)
    with pytest.raises(TypeError, match="unexpected keyword argument 'beta'"):
        windows.hann(3, beta=1)
    with pytest.raises(RuntimeError, match="hann_window requires non-negative window_length"):
        rl.hann_window(-1)


@pytest.mark.parametrize("options", [
    {}, {"center": False}, {"normalized": True}, {"onesided": False}, {"win_length": 6},
    {"hop_length": 3, "pad_mode": "constant"}])
def test_istft_undoes_stft(options: dict) -> None:
    x, size = signal(2, 32), options.get("win_length", 8)
    window = windows.hamming(size, dtype=rl.float64) + 0.1
    hop = options.get("hop_length", 2)
    given = {"win_length": size, "window": window, "hop_length": hop,
             **{k: v for k, v in options.items() if k in ("center", "normalized", "onesided")}}
    found = rl.stft(x, 8, return_complex=True, pad_mode=options.get("pad_mode", "reflect"), **given)
    assert found.shape[1] == (8 if options.get("onesided") is False else 5)
    if size == 6 and options.get("center", True) is False:
        return
    back = rl.istft(found, 8, length=32 if options.get("center", True) else None, **given)
    assert rl.allclose(back, x[:, :back.shape[1]])


def test_stft_is_the_transform_of_windows() -> None:
    x, window = signal(20), signal(6)
    found = rl.stft(x, 6, 4, window=window, center=False, return_complex=True)
    for t in range(found.shape[1]):
        part = x[4 * t:4 * t + 6] * window
        assert rl.allclose(found[:, t], rl.fft.rfft(part))
    parts = rl.stft(x, 6, 4, window=window, center=False, return_complex=False)
    assert rl.equal(parts, found.view_as_real())
    shifted = rl.stft(x, 6, 4, 4, window=window[:4], center=False, return_complex=True,
                      align_to_window=True)
    assert shifted.shape[1] == 5 and found.shape[1] == 4


def test_gradients_of_short_time_transforms() -> None:
    x, window = signal(12).requires_grad_(), windows.hann(4, dtype=rl.float64) + 0.2
    op = lambda x: rl.stft(x, 4, 2, window=window, return_complex=True)  # noqa: E731
    assert gradcheck(op, x) and gradgradcheck(op, x)
    spectrum = op(x.detach()).requires_grad_()
    assert gradcheck(lambda s: rl.istft(s, 4, 2, window=window), spectrum)


def test_short_time_transforms_say_what_does_not_fit() -> None:
    x = rl.ones(20)
    with pytest.raises(RuntimeError, match="stft requires the return_complex parameter"):
        rl.stft(x, 8, window=rl.ones(8))
    with pytest.raises(RuntimeError, match=r"expected 0 < n_fft < 20, but got n_fft=80"):
        rl.stft(x, 80, window=rl.ones(80), center=False, return_complex=True)
    with pytest.raises(RuntimeError, match="expected a 1D window tensor of size equal to win_le"):
        rl.stft(x, 8, window=rl.ones(7), return_complex=True)
    spectrum = rl.stft(x, 8, window=rl.ones(8), return_complex=True)
    with pytest.raises(RuntimeError, match="window overlap add min: 1"):
        rl.istft(spectrum, 8, window=rl.zeros(8))
    with pytest.raises(RuntimeError, match="complex-valued input tensor"):
        rl.istft(spectrum.abs(), 8, window=rl.ones(8))
    with pytest.warns(UserWarning, match="A window was not provided"):
        rl.stft(x, 8, return_complex=True)
    with pytest.warns(UserWarning, match="Result is being padded with zeros in the tail"):
        assert rl.istft(spectrum, 8, window=rl.ones(8), length=26)[23:].tolist() == [1, 0, 0]


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient_is_numpys(edge_order: int) -> None:
    x, places = RNG.standard_normal((5, 6)), np.cumsum(RNG.uniform(0.5, 1, 6))
    for spacing, given in [(1.0, [1.0, 1.0]), ([0.5, 2.0], [0.5, 2.0])]:
        found = rl.gradient(rl.tensor(x), spacing=spacing, edge_order=edge_order)
        expected = np.gradient(x, *given, edge_order=edge_order)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
    (found,) = rl.gradient(rl.tensor(x), spacing=(rl.tensor(places),), dim=1,
                           edge_order=edge_order)
    np.testing.assert_allclose(found, np.gradient(x, places, axis=1, edge_order=edge_order))
    with pytest.raises(RuntimeError, match="each dimension size to be at least edge_order"):
        rl.gradient(rl.ones(edge_order), edge_order=edge_order)
