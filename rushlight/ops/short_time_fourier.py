"""The short-time Fourier transform of a signal, and the signal of it: stft, istft."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from rushlight.base.errors import operands
from rushlight.families.composite import composite
from rushlight.ops import fft as transforms
from rushlight.ops.padding import pad
from rushlight.tensor import Tensor, wrap


@composite("stft", samples=lambda x: [
    (x(20), 6, {"hop_length": 2, "window": x(6), "return_complex": True}),
    (x(2, 20), 6, {"win_length": 4, "window": x(4), "center": False, "return_complex": True})])
def stft(input: Any, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
         window: Any = None, center: bool = True, pad_mode: str = "reflect",
         normalized: bool = False, onesided: bool | None = None,
         return_complex: bool | None = None, align_to_window: bool | None = None) -> Tensor:
    """The Fourier transforms of windows of n_fft elements of a signal, hop_length apart.

    input: (length) or (batch, length). window: (win_length), in the middle of n_fft; None is all
    ones. center: the signal is padded by n_fft // 2 on both sides, in pad_mode, so that window t is
    centred at t * hop_length. normalized: divide by sqrt(n_fft). onesided: only the frequencies 0
    to n_fft // 2, as for real signals by default. return_complex: False gives (real, imaginary) in
    a last dimension. align_to_window: without center, the first window, not its n_fft elements,
    begins where the signal does. Returns (batch, frequencies, windows). Raises RuntimeError for
    what does not fit together.

    >>> import rushlight as rl
    >>> x = rl.tensor([0., 1., 0., -1.] * 4)
    >>> rl.stft(x, 4, 2, window=rl.ones(4), return_complex=True).abs()[:, 1].round()
    tensor([0., 2., 0.])
    """
    if window is None:
        _warn("Spectral leakage follows from it; give window=torch.hann_window(win_length)")
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if center:
        both = (n_fft // 2, n_fft // 2)
        input = pad(input.unsqueeze(0), both, pad_mode).squeeze(0) if input.ndim == 1 else pad(
            input, both, pad_mode)
    hop = n_fft // 4 if hop_length is None else hop_length
    size = n_fft if win_length is None else win_length
    _check_stft(input, n_fft, hop, size, window)
    if align_to_window:
        left = (n_fft - size) // 2
        input = pad(input, (left, n_fft - size - left))
    is_complex = input.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft requires the return_complex parameter be given for real "
                               "inputs, and will further require that return_complex=True in a "
                               "future PyTorch release.")
        return_complex = True
    if onesided is None:
        onesided = not is_complex
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = input.unfold(-1, n_fft, hop)  # (batch, windows, n_fft)
    if window is not None:
        frames = frames * _widened(window, n_fft)
    transform = transforms.rfft if onesided else transforms.fft  # type: ignore[attr-defined]
    found = transform(frames, norm="ortho" if normalized else None).transpose(-1, -2)
    return found if return_complex else found.view_as_real()


def _warn(remedy: str) -> None:
    warnings.warn(f"A window was not provided. A rectangular window will be applied. {remedy}",
                  UserWarning, stacklevel=3)


def _check_stft(input: Any, n_fft: int, hop: int, size: int, window: Any) -> None:
    problem = ""
    if input.dtype.category < 2:
        problem = "expected a tensor of floating point or complex values"
    elif input.ndim not in (1, 2):
        problem = "expected a 1D or 2D tensor"
    elif not 0 < n_fft <= input.shape[-1]:
        problem = f"expected 0 < n_fft < {input.shape[-1]}, but got n_fft={n_fft}"
    elif hop <= 0:
        problem = f"expected hop_length > 0, but got hop_length={hop}"
    elif not 0 < size <= n_fft:
        problem = f"expected 0 < win_length <= n_fft, but got win_length={size}"
    elif window is not None and tuple(window.shape) != (size,):
        problem = (f"expected a 1D window tensor of size equal to win_length={size}, but got "
                   f"window with size {list(window.shape)}")
    if problem:
        raise RuntimeError(f"stft({operands(input=input)}, n_fft={n_fft}, hop_length={hop}, "
                           f"win_length={size}) : {problem}")


def _widened(window: Any, n_fft: int) -> Any:
    """A window in the middle of n_fft elements."""
    spare = n_fft - window.shape[0]
    return pad(window, (spare // 2, spare - spare // 2)) if spare else window


@composite("istft", samples=lambda x: [
    (x(4, 9, 2).view_as_complex(), 6, {"hop_length": 2, "window": x(6, low=0.5)})])
def istft(input: Any, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
          window: Any = None, center: bool = True, normalized: bool = False,
          onesided: bool | None = None, length: int | None = None,
          return_complex: bool = False) -> Tensor:
    """The signal whose `stft` with the same arguments is `input`, in the sense of least squares.

    input: complex (frequencies, windows) or (batch, frequencies, windows). length: of the signal,
    which is cut or padded with zeros. Returns (length) or (batch, length). Raises RuntimeError for
    what does not fit together, and where the windows leave gaps.

    >>> import rushlight as rl
    >>> x, w = rl.tensor([1., 2., 3., 4., 5., 6.]), rl.ones(4)
    >>> rl.istft(rl.stft(x, 4, 1, window=w, return_complex=True), 4, 1, window=w).round()
    tensor([1., 2., 3., 4., 5., 6.])
    """
    if window is None:
        _warn("Give the window that stft was given")
    hop = n_fft // 4 if hop_length is None else hop_length
    size = n_fft if win_length is None else win_length
    _check_istft(input, n_fft, hop, size, window, onesided, return_complex)
    if onesided is None:
        onesided = not return_complex and input.shape[-2] != n_fft
    norm = "ortho" if normalized else None
    spectra = input.transpose(-1, -2)  # (batch, windows, frequencies)
    if return_complex:
        frames = transforms.ifft(spectra, norm=norm)  # type: ignore[attr-defined]
    else:
        half = spectra if onesided else spectra.narrow(-1, 0, n_fft // 2 + 1)
        frames = transforms.irfft(half, n_fft, norm=norm)  # type: ignore[attr-defined]
    shape = _widened(window, n_fft) if window is not None else frames.new_ones(n_fft)
    signal, weight = _overlapped(frames * shape, hop), _overlapped(
        (shape * shape).expand(frames.shape[-2], n_fft), hop)
    start = n_fft // 2 if center else 0
    end = signal.shape[-1] - (n_fft // 2 if center else 0)
    if length is not None:
        end = min(start + length, signal.shape[-1])
    signal, weight = signal[..., start:end], weight[start:end]
    if weight.numel() and not weight.is_meta and float(weight.detach().abs().min()) < 1e-11:
        raise RuntimeError(f"istft({operands(input=input)}, n_fft={n_fft}, hop_length={hop}, "
                           f"win_length={size}) window overlap add min: 1: no window covers some "
                           "element; use a smaller hop_length or another window")
    signal = signal / weight
    if length is not None and length > end - start:
        warnings.warn("The length of signal is shorter than the length parameter. Result is being "
                      "padded with zeros in the tail. Please check your center and hop_length "
                      "settings.", UserWarning, stacklevel=2)
        signal = pad(signal, (0, length - (end - start)))
    return signal


def _overlapped(frames: Any, hop: int) -> Any:
    """The sum of windows (batch, windows, n_fft) that begin `hop` apart: (batch, length)."""
    count, size = frames.shape[-2:]
    places = (np.arange(count)[:, None] * hop + np.arange(size)).ravel()
    total = frames.new_zeros((*frames.shape[:-2], (count - 1) * hop + size))
    return total.index_add(-1, wrap(places), frames.flatten(-2))


def _check_istft(input: Any, n_fft: int, hop: int, size: int, window: Any, onesided: bool | None,
                 return_complex: bool) -> None:
    if not input.dtype.is_complex:
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from "
                           "stft with return_complex=True.")
    bins, problem = input.shape[-2] if input.ndim > 1 else 0, ""
    if not input.numel():
        problem = "input tensor cannot be empty."
    elif input.ndim not in (2, 3):
        problem = f"expected a tensor with 3 or 4 dimensions, but got {input.ndim + 1}"
    elif bins != (n_fft if onesided is False else n_fft // 2 + 1) and not (
            onesided is None and bins == n_fft):
        problem = ("expected the frequency dimension (3rd to the last) of the input tensor to "
                   f"match n_fft: n_fft / 2 + 1 when onesided=True, else n_fft, but got {bins}")
    elif not 0 < hop <= size:
        problem = "expected 0 < hop_length <= win_length"
    elif not 0 < size <= n_fft:
        problem = "expected 0 < win_length <= n_fft"
    elif window is not None and tuple(window.shape) != (size,):
        problem = "Invalid window shape. window has to be 1D and length of `win_length`"
    if problem:
        raise RuntimeError(f"istft({operands(input=input)}, n_fft={n_fft}, hop_length={hop}, "
                           f"win_length={size}) : {problem}")
    if return_complex and (onesided or (onesided is None and bins != n_fft)):
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if not return_complex and window is not None and window.dtype.is_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
