"""Settings and small parts of `utils.checkpoint`, under torch's names."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.tensor import Tensor


class CheckpointError(RuntimeError):
    """A function that, run again, did something else than before."""


class _Settings(threading.local):
    early_stop = True
    debug: bool | None = None


_settings = _Settings()


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Accepted: a function that runs again always runs to its end."""
    before, _settings.early_stop = _settings.early_stop, enable
    try:
        yield
    finally:
        _settings.early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Whether errors of the checkpoints in the block list what was saved, whatever `debug` says."""
    before, _settings.debug = _settings.debug, enabled
    try:
        yield
    finally:
        _settings.debug = before


def debugging(asked: bool) -> bool:
    """Whether errors are to list what was saved."""
    return asked if _settings.debug is None else _settings.debug


class DefaultDeviceType:
    """The kind of device whose random numbers are kept beside the CPU's: here the CPU's alone."""

    _default_device_type = "cpu"

    @staticmethod
    def set_device_type(device: str = "cpu") -> None:
        """Accepted."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        """What was set last, "cpu" at first."""
        return DefaultDeviceType._default_device_type


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn where no tensor among the inputs requires a gradient."""
    if not any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None",
                      UserWarning, stacklevel=3)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, their tensors as leaves of a graph of their own.

    Raises RuntimeError for anything but a tuple.
    """
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: "
                           f"{type(inputs).__name__}")
    return tuple([x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x
                  for x in inputs])


def described(saved: list[Tensor]) -> list[dict[str, Any]]:
    """What can be compared of saved tensors without keeping them."""
    return [{"shape": x.shape, "dtype": x.dtype, "device": x.device} for x in saved]


def compare(before: list[dict[str, Any]], now: list[dict[str, Any]], metadata: bool,
            debug: bool) -> None:
    """Raise CheckpointError unless the same was saved; metadata: shapes and dtypes, too."""
    listed = "" if not debug else "".join(
        f"\n{when}:" + "".join(f"\n  {k}: {x}" for k, x in enumerate(kept))
        for when, kept in (("saved during forward", before), ("saved during recomputation", now)))
    tip = listed or "\nPass debug=True to checkpoint() to see all of them."
    if len(now) > len(before):
        raise CheckpointError(
            "torch.utils.checkpoint: trying to save more tensors during recomputation than during "
            f"the original forward pass: {len(now)} instead of {len(before)}; the function has to "
            f"do the same again.{tip}")
    if len(now) < len(before):
        raise CheckpointError(
            "torch.utils.checkpoint: A different number of tensors was saved during the original "
            f"forward and recomputation.\nNumber of tensors saved during forward: {len(before)}\n"
            f"Number of tensors saved during recomputation: {len(now)}{tip}")
    changed = [(k, a, b) for k, (a, b) in enumerate(zip(before, now, strict=True)) if a != b]
    if metadata and changed:
        raise CheckpointError(
            "torch.utils.checkpoint: Recomputed values for the following tensors have different "
            "metadata than during the forward pass." + "".join(
                f"\ntensor at position {k}:\nsaved metadata: {a}\nrecomputed metadata: {b}"
                for k, a, b in changed) + tip)
