"""Settings of cuDNN that programs make on any machine; there is none here, so they do nothing."""

from __future__ import annotations

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether cuDNN serves: False."""
    return False


def version() -> int | None:
    """The version of cuDNN: None."""
    return None
