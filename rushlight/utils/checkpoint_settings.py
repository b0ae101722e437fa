"""Settings and small parts of `utils.checkpoint`, under torch's names."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rushlight.autograd import enable_grad
from rushlight.base.flags import flags
from rushlight.random import fork_rng, get_rng_state, set_rng_state
from rushlight.tensor import Tensor


class CheckpointError(RuntimeError):
    """A function that, run again, did something else than before."""


class _Settings(threading.local):
    early_stop: bool | None = None
    debug: bool | None = None


_settings = _Settings()


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether checkpoints of the block stop running again early, whatever `early_stop` says."""
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


def stopping(asked: bool) -> bool:
    """Whether a function that runs again stops once it has what backward needs."""
    return asked if _settings.early_stop is None else _settings.early_stop


class Surroundings:
    """What a function ran in: random numbers and autocast, and the context for its next run."""

    def __init__(self, context: Any, preserve_rng_state: bool) -> None:
        self.context = context
        self.autocast = flags.autocast, flags.autocast_dtype
        self.random = get_rng_state() if preserve_rng_state else None

    @contextmanager
    def again(self) -> Iterator[None]:
        """Within the block everything is as it was, and recorded."""
        now = flags.autocast, flags.autocast_dtype
        with fork_rng(enabled=self.random is not None), self.context, enable_grad():
            if self.random is not None:
                set_rng_state(self.random)
            flags.autocast, flags.autocast_dtype = self.autocast
            try:
                yield
            finally:
                flags.autocast, flags.autocast_dtype = now


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
