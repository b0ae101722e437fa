"""What programs ask about Apple's graphics processors: there is no backend for them."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can lie on such a device: False."""
    return False


def is_built() -> bool:
    """Whether this build knows such devices: False."""
    return False
