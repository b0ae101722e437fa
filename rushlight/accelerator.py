"""Whichever accelerator there is: none, so programs stay on the CPU."""

from __future__ import annotations

from typing import Any

from rushlight.base.device import device

__all__ = ["current_accelerator", "current_device_index", "device_count", "empty_cache",
           "is_available", "memory_allocated", "set_device_index", "synchronize"]


def is_available() -> bool:
    """Whether there is an accelerator: False.

    >>> import rushlight as rl
    >>> rl.accelerator.current_accelerator() if rl.accelerator.is_available() else "cpu"
    'cpu'
    """
    return False


def current_accelerator(check_available: bool = False) -> device | None:
    """The accelerator: None."""
    return None


def device_count() -> int:
    """The number of accelerators: 0."""
    return 0


def memory_allocated(device_index: Any = None) -> int:
    """Bytes that tensors hold on an accelerator: 0."""
    return 0


def empty_cache() -> None:
    """Free unused memory of the accelerator: there is none."""


def _refuse(*arguments: Any, **options: Any) -> Any:
    """Raises RuntimeError: there is no accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available: ask "
                       "accelerator.is_available() first")


synchronize = current_device_index = set_device_index = current_stream = _refuse
