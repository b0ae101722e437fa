"""Marks for NVIDIA's profiler: without CUDA they are ignored."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

__all__ = ["mark", "range", "range_pop", "range_push"]


def range_push(msg: str) -> int:
    """Begin a range: ignored."""
    return -1


def range_pop() -> int:
    """End a range: ignored."""
    return -1


def mark(msg: str) -> None:
    """Mark a moment: ignored."""


def range(msg: str, *arguments: Any, **options: Any) -> Any:
    """A block that is a range: ignored."""
    return nullcontext()
