"""Mixed precision under its former name: `cuda.amp.autocast`, which does nothing without CUDA."""

from __future__ import annotations

from typing import Any

from rushlight.amp import GradScaler as _GradScaler
from rushlight.amp import autocast as _autocast
from rushlight.amp import custom_bwd, custom_fwd
from rushlight.base import dtypes

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast(_autocast):  # noqa: N801 - torch's name
    """`amp.autocast("cuda")`: warns that there is no CUDA, and changes nothing."""

    def __init__(self, enabled: bool = True, dtype: Any = dtypes.float16,
                 cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(_GradScaler):
    """`amp.GradScaler("cuda")`: warns that there is no CUDA, and scales by one."""

    def __init__(self, init_scale: float = 65536.0, growth_factor: float = 2.0,
                 backoff_factor: float = 0.5, growth_interval: int = 2000,
                 enabled: bool = True) -> None:
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval,
                         enabled)
