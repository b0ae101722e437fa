"""Process-wide switches of torch: determinism, matmul precision, threads between operations.

Every kernel is deterministic and computes in the precision of its operands, so these change
nothing here. They keep what a program sets, and refuse what torch refuses.
"""

from __future__ import annotations

import warnings

from rushlight.base.flags import Deterministic

DEBUG_MODES = ("default", "warn", "error")
PRECISIONS = ("highest", "high", "medium")


class _Kept:
    """What programs have set."""

    precision = "highest"
    interop_threads = 1
    warn_always = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that are equal in every run; all kernels give such results anyway.

    >>> import rushlight as rl
    >>> rl.use_deterministic_algorithms(True); rl.are_deterministic_algorithms_enabled()
    True
    >>> rl.use_deterministic_algorithms(False)
    """
    if not isinstance(mode, bool):
        raise TypeError("use_deterministic_algorithms(): argument 'mode' must be bool, not "
                        f"{type(mode).__name__}")
    Deterministic.enabled, Deterministic.warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was switched on."""
    return Deterministic.enabled


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked to warn only."""
    return Deterministic.warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Set the switch by level: 0 or "default", 1 or "warn", 2 or "error"."""
    level = DEBUG_MODES.index(debug_mode) if debug_mode in DEBUG_MODES else debug_mode
    if level not in (0, 1, 2):
        raise RuntimeError("invalid value of debug_mode, expected one of `default`, `warn`, "
                           f"`error` or 0, 1, 2, but got {debug_mode}")
    use_deterministic_algorithms(level != 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """The level of `set_deterministic_debug_mode`: 0, 1 or 2."""
    if not Deterministic.enabled:
        return 0
    return 1 if Deterministic.warn_only else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Allow less precision in float32 products; they keep full precision here.

    precision: "highest", "high" or "medium"; another value is warned about and ignored.
    """
    if precision not in PRECISIONS:
        warnings.warn(f"{precision} is not one of {', '.join(map(repr, PRECISIONS))}: ignored",
                      stacklevel=2)
        return
    _Kept.precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was last given."""
    return _Kept.precision


def set_num_interop_threads(count: int) -> None:
    """Threads that run operations beside each other: kept, and not used.

    Raises RuntimeError for other than a positive number.
    """
    if not isinstance(count, int) or count < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, but got {count}")
    _Kept.interop_threads = count


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was last given; 1 before."""
    return _Kept.interop_threads


def set_warn_always(enabled: bool, /) -> None:
    """Ask for warnings that torch gives once to be given always; Python's filters decide here."""
    _Kept.warn_always = bool(enabled)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was last given."""
    return _Kept.warn_always


def set_flush_denormal(mode: bool) -> bool:
    """Ask the processor to treat subnormal numbers as zero: not done, so the answer is False."""
    return False
