"""Sizes given as one number for all spatial dimensions, or one for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def ntuple(value: Any, count: int) -> tuple:
    """``value`` as a tuple: a number repeated ``count`` times, an iterable as it is."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * count
