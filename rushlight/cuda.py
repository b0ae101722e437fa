"""What programs ask about CUDA before they use it: there is none in this build."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["current_device", "device_count", "empty_cache", "get_device_name", "is_available",
           "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all",
           "max_memory_allocated", "memory_allocated", "synchronize"]


def is_available() -> bool:
    """Whether tensors can lie on a CUDA device: False.

    >>> import rushlight as rl
    >>> "cuda" if rl.cuda.is_available() else "cpu"
    'cpu'
    """
    return False


def is_initialized() -> bool:
    """Whether a CUDA device is in use: False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a CUDA device computes in bfloat16: False."""
    return False


def device_count() -> int:
    """The number of CUDA devices: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the current CUDA device: there is none, so nothing is done."""


def manual_seed_all(seed: int) -> None:
    """Seed all CUDA devices: there are none, so nothing is done."""


def empty_cache() -> None:
    """Free unused memory of CUDA devices: there is none."""


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors hold on a CUDA device: 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors held on a CUDA device: 0."""
    return 0


def _none() -> NoReturn:
    raise AssertionError("Torch not compiled with CUDA enabled: this build computes on 'cpu'. "
                         "Ask cuda.is_available() first")


def synchronize(device: Any = None) -> None:
    """Wait for a CUDA device. Raises AssertionError: there is none."""
    _none()


def current_device() -> int:
    """The number of the CUDA device in use. Raises AssertionError: there is none."""
    _none()


def get_device_name(device: Any = None) -> str:
    """The name of a CUDA device. Raises AssertionError: there is none."""
    _none()
