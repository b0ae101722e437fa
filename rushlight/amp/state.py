"""The switches of autocast, each thread its own, under torch's names."""

from __future__ import annotations

from typing import Any

from rushlight.base import dtypes
from rushlight.base.device import device
from rushlight.base.flags import flags

# The devices that torch can cast for, with the dtype that it casts to.
DEFAULTS = {
    "cpu": dtypes.bfloat16, "cuda": dtypes.float16, "ipu": dtypes.float16, "xpu": dtypes.float16,
    "maia": dtypes.bfloat16, "xla": dtypes.bfloat16, "mps": dtypes.float16,
    "hpu": dtypes.bfloat16, "mtia": dtypes.float16, "privateuseone": dtypes.float16,
}
_elsewhere: dict[str, Any] = {}  # dtypes set for devices that are not here


def kind_of(device_type: str) -> str:
    """The kind of device that a string names, such as "cpu" for "cpu:0".

    Raises RuntimeError for one that is none, ValueError for what is not a string.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    return device(device_type).type


def is_autocast_available(device_type: str) -> bool:
    """Whether programs may open `autocast` blocks for a device; only those of the CPU cast."""
    return kind_of(device_type) in DEFAULTS


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether this thread is inside `autocast` for a device (as in torch, "cuda" if left out)."""
    kind = kind_of(device_type)
    if kind not in DEFAULTS:
        raise RuntimeError("unknown device type for autocast in get_autocast_dispatch_key_from_"
                           f"device_type: {kind}")
    return kind == "cpu" and flags.autocast is not None


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype that products are cast to: that of the block, or the default."""
    kind = kind_of(device_type)
    if kind not in DEFAULTS:
        raise RuntimeError(f"unsupported scalarType: autocast knows no device {kind!r}")
    if kind == "cpu":
        return flags.autocast_dtype or DEFAULTS["cpu"]
    return _elsewhere.get(kind, DEFAULTS[kind])


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Switch the casting on or off in this thread, outside of a block."""
    if not isinstance(enabled, bool):
        raise TypeError("set_autocast_enabled(): argument 'enabled' (position 2) must be bool, "
                        f"not {type(enabled).__name__}")
    if kind_of(device_type) == "cpu":
        flags.autocast = get_autocast_dtype("cpu") if enabled else None


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the dtype that products are cast to in this thread."""
    if not isinstance(dtype, dtypes.dtype):
        raise TypeError("set_autocast_dtype(): argument 'dtype' (position 2) must be torch.dtype, "
                        f"not {type(dtype).__name__}")
    kind = kind_of(device_type)
    if kind != "cpu":
        _elsewhere[kind] = dtype
        return
    flags.autocast_dtype = dtype
    if flags.autocast is not None:
        flags.autocast = dtype


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`."""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> Any:
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> Any:
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cuda", dtype)`."""
    set_autocast_dtype("cuda", dtype)


def is_autocast_cache_enabled() -> bool:
    """What `set_autocast_cache_enabled` was given last: a setting that changes nothing here."""
    return bool(flags.autocast_cache)


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Accepted: casts of weights are not kept, so there is nothing to switch."""
    flags.autocast_cache = enabled


def clear_autocast_cache() -> None:
    """Nothing: casts of weights are not kept."""


def autocast_increment_nesting() -> int:
    """Count a block that is entered; returns how many are open in this thread."""
    flags.autocast_depth += 1
    return flags.autocast_depth


def autocast_decrement_nesting() -> int:
    """Count a block that is left; returns how many are still open in this thread."""
    flags.autocast_depth -= 1
    return flags.autocast_depth
