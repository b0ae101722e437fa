"""What programs ask about OpenMP."""

from __future__ import annotations


def is_available() -> bool:
    """Whether it serves: False."""
    return False
