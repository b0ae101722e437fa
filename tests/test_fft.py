"""Fourier transforms: against NumPy, their inverses, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(2)
NORMS = [None, "forward", "backward", "ortho"]


def signal(*shape: int, imaginary: bool = False) -> np.ndarray:
    values = RNG.standard_normal(shape)
    return values + 1j * RNG.standard_normal(shape) if imaginary else values


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("n", [None, 3, 6, 7])
@pytest.mark.parametrize("norm", NORMS)
def test_one_dimension_is_numpys(name: str, n: int | None, norm: str | None) -> None:
    array = signal(5, 2, imaginary=name not in ("rfft", "ihfft"))
    found = getattr(rl.fft, name)(rl.from_numpy(array), n, 0, norm)
    np.testing.assert_allclose(found.numpy(), getattr(np.fft, name)(array, n, 0, norm), atol=1e-12)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
@pytest.mark.parametrize("norm", NORMS)
def test_several_dimensions_are_numpys(name: str, norm: str | None) -> None:
    array = signal(3, 4, 5, imaginary=name != "rfftn")
    for s, dim in [(None, (0, 1, 2)), ((2, 6), (2, 0))]:
        found = getattr(rl.fft, name)(rl.from_numpy(array), s, dim, norm)
        expected = getattr(np.fft, name)(array, s, dim, norm)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_inverses(norm: str | None) -> None:
    x = rl.from_numpy(signal(3, 6))
    assert rl.allclose(rl.fft.irfft2(rl.fft.rfft2(x, norm=norm), norm=norm), x)
    assert rl.allclose(rl.fft.hfftn(rl.fft.ihfftn(x, norm=norm), norm=norm), x)
    assert rl.allclose(rl.fft.ifft2(rl.fft.fft2(x, norm=norm), norm=norm).real, x)


@pytest.mark.parametrize(
    ("name", "imaginary"),
    [("fft", False), ("ifft", True), ("rfft", False), ("irfft", True), ("hfft", True),
     ("ihfft", False), ("rfftn", False), ("irfftn", True), ("ihfft2", False), ("hfftn", True)],
)
def test_gradients(name: str, imaginary: bool) -> None:
    x = rl.tensor(signal(2, 4, imaginary=imaginary), requires_grad=True)
    operation: Any = getattr(rl.fft, name)
    for op in (operation, lambda x: operation(x, norm="ortho")):
        assert gradcheck(op, x)
    assert gradgradcheck(operation, x)
    if not name.endswith(("n", "2")):
        assert gradcheck(lambda x: operation(x, 5), x)


def test_dtypes() -> None:
    assert rl.fft.fft(rl.ones(4)).dtype is rl.complex64
    assert rl.fft.fft(rl.arange(4)).tolist() == [6, -2 + 2j, -2, -2 - 2j]
    assert rl.fft.irfft(rl.ones(3, dtype=rl.complex128)).dtype is rl.float64
    with pytest.raises(RuntimeError, match="Unsupported dtype Half"):
        rl.fft.fft(rl.ones(4, dtype=rl.float16))
    with pytest.raises(RuntimeError, match="rfft expects a real input tensor, but got Complex"):
        rl.fft.rfft(rl.tensor([1j]))


def test_frequencies_and_their_order() -> None:
    for n in (4, 5):
        assert rl.allclose(rl.fft.fftfreq(n, 0.5).double(), rl.from_numpy(np.fft.fftfreq(n, 0.5)))
        assert rl.fft.rfftfreq(n).tolist() == np.fft.rfftfreq(n).astype(np.float32).tolist()
    x = rl.arange(15).reshape(3, 5)
    assert rl.fft.fftshift(x).tolist() == np.fft.fftshift(x.numpy()).tolist()
    assert rl.fft.ifftshift(x, 1).tolist() == np.fft.ifftshift(x.numpy(), 1).tolist()


def test_errors() -> None:
    x = rl.ones(2, 3)
    with pytest.raises(RuntimeError, match=r"Invalid number of data points \(0\) specified"):
        rl.fft.fft(x, 0)
    with pytest.raises(RuntimeError, match='Invalid normalization mode: "x"'):
        rl.fft.fft(x, norm="x")
    with pytest.raises(RuntimeError, match="FFT dims must be unique"):
        rl.fft.fftn(x, dim=(0, 0))
    with pytest.raises(RuntimeError, match="dim and shape arguments must have the same length"):
        rl.fft.fftn(x, (2,), (0, 1))
    with pytest.raises(IndexError, match="Dimension out of range"):
        rl.fft.fft2(rl.ones(3))
    with pytest.raises(RuntimeError, match="rfftn must transform at least one axis"):
        rl.fft.rfftn(x, dim=())
