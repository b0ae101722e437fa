"""The order of products in `einsum`: settings that programs make."""

from __future__ import annotations

enabled = True
strategy: str | None = "auto"


def is_available() -> bool:
    """Whether the package opt_einsum chooses the order: False."""
    return False
