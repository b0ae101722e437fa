"""oneDNN under its former name: whether it serves; its settings are kept, without effect."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

from rushlight.backends.cpu.onednn import library as _library

enabled = True
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether convolutions and products use oneDNN."""
    return bool(_library.available())


@contextmanager
def flags(enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True) -> Any:
    """A block with other settings: no effect."""
    yield
