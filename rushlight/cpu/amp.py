"""Mixed precision on the CPU under its former names."""

from __future__ import annotations

from typing import Any

from rushlight.amp import GradScaler as _GradScaler
from rushlight.amp import autocast as _autocast
from rushlight.base import dtypes

__all__ = ["GradScaler", "autocast"]


class autocast(_autocast):  # noqa: N801 - torch's name
    """`amp.autocast("cpu")`."""

    def __init__(self, enabled: bool = True, dtype: Any = dtypes.bfloat16,
                 cache_enabled: bool = True) -> None:
        super().__init__("cpu", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(_GradScaler):
    """`amp.GradScaler("cpu")`."""

    def __init__(self, init_scale: float = 65536.0, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000,
                 enabled: bool = True) -> None:
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval,
                         enabled)
