"""Intel's MKL: not used."""

from __future__ import annotations

VERBOSE_OFF, VERBOSE_ON = 0, 1


def is_available() -> bool:
    """Whether products use MKL: False."""
    return False
