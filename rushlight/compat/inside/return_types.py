"""`torch.return_types`: the named tuples that operations answer with, for isinstance tests."""

from __future__ import annotations

from typing import Any

from rushlight.base.structure import Structure


def __getattr__(name: str) -> Any:
    for kind in Structure.__subclasses__():
        if kind.__name__ == name:
            return kind
    raise AttributeError(f"module 'torch.return_types' has no attribute '{name}'")
