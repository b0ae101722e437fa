"""What programs ask about Meta's accelerators before they use them: there are none, see `cuda`."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.cuda import (
    device_count,
    empty_cache,
    is_available,
    is_initialized,
    manual_seed,
    manual_seed_all,
    max_memory_allocated,
    memory_allocated,
)

__all__ = ["current_device", "device_count", "empty_cache", "is_available", "is_initialized",
           "manual_seed", "manual_seed_all", "max_memory_allocated", "memory_allocated",
           "synchronize"]


def _none() -> NoReturn:
    raise AssertionError("Torch not compiled with MTIA enabled: this build computes on 'cpu'. "
                         "Ask mtia.is_available() first")


def synchronize(device: Any = None) -> None:
    """Wait for a device. Raises AssertionError: there is none."""
    _none()


def current_device() -> int:
    """The number of the device in use. Raises AssertionError: there is none."""
    _none()
