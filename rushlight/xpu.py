"""What programs ask about Intel's graphics processors: the answers of `mps`, for there is none."""

from __future__ import annotations

from rushlight.mps import (
    device_count,
    empty_cache,
    is_available,
    manual_seed,
    manual_seed_all,
    synchronize,
)

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all",
           "synchronize"]
