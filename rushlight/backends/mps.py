"""What programs ask about Apple's graphics processors: there is no backend for them."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can lie on such a device: False."""
    return False


def is_built() -> bool:
    """Whether this build knows such devices: False."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether the system is new enough for such devices: False."""
    return False


is_macos_or_newer = is_macos13_or_newer
