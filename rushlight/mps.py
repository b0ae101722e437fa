"""What programs ask about a graphics processor (here Apple's) that there is no backend for."""

from __future__ import annotations

from typing import Any

__all__ = ["current_allocated_memory", "device_count", "empty_cache", "is_available",
           "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """Whether tensors can lie on such a device: False."""
    return False


def device_count() -> int:
    """The number of such devices: 0."""
    return 0


def current_allocated_memory() -> int:
    """Bytes that tensors hold on such a device: 0."""
    return 0


def empty_cache() -> None:
    """Free unused memory of such a device: there is none."""


def manual_seed(seed: int) -> None:
    """Seed such a device: there is none, so nothing is done."""


manual_seed_all = manual_seed


def synchronize(device: Any = None) -> None:
    """Wait for such a device. Raises RuntimeError: there is none."""
    raise RuntimeError("there is no such device: ask is_available() first")
