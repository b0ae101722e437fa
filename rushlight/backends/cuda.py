"""Settings of CUDA that programs make on any machine; there is none here, so they do nothing."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
                         allow_bf16_reduced_precision_reduction=True,
                         allow_fp16_accumulation=False, fp32_precision="none")
cufft_plan_cache = SimpleNamespace(size=0, max_size=0, clear=lambda: None)
_sdp = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """Whether this build knows CUDA devices: False."""
    return False


def _switch(name: str) -> tuple[Any, Any]:
    def enable(enabled: bool) -> None:
        _sdp[name] = bool(enabled)

    def enabled() -> bool:
        return _sdp[name]

    enable.__doc__ = f"Allow the way {name!r} of computing attention: kept, without effect."
    enabled.__doc__ = f"What the way {name!r} of computing attention was last set to."
    return enable, enabled


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")


def preferred_linalg_library(backend: Any = None) -> str:
    """The library for decompositions on CUDA devices: the default."""
    return "default"


@contextmanager
def sdp_kernel(enable_flash: bool = True, enable_math: bool = True,
               enable_mem_efficient: bool = True, enable_cudnn: bool = True) -> Any:
    """A block in which attention on CUDA devices is computed in some ways only: no effect."""
    yield
