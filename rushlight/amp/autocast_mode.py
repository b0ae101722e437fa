"""Mixed precision: matrix products in a lower dtype within a block or function."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from rushlight.amp.casting import install
from rushlight.amp.state import (
    DEFAULTS,
    get_autocast_dtype,
    is_autocast_cache_enabled,
    kind_of,
    set_autocast_cache_enabled,
)
from rushlight.autograd.grad_mode import _ContextDecorator
from rushlight.base import dtypes
from rushlight.base.flags import flags
from rushlight.tensor import Tensor

LOWER = (dtypes.bfloat16, dtypes.float16)


class autocast(_ContextDecorator):
    """Within the block, or the decorated function, matrix products are computed in `dtype`.

    Products, convolutions, attention and recurrent layers take float32 arguments cast to `dtype`;
    losses, decompositions and transforms take theirs in float32; all other ops take them as they
    come. float64 is left alone. Gradients have the dtypes of their parameters.

    Args:
        device_type: "cpu"; another device's autocast does nothing here, and warns.
        dtype: bfloat16 (default; inside another block that block's) or float16; with another one
            autocast is off, and warns.
        enabled: False switches autocast off inside.
        cache_enabled: accepted.

    >>> import rushlight as rl
    >>> a = rl.ones(2, 2)
    >>> with rl.autocast("cpu"):
    ...     (a @ a).dtype
    torch.bfloat16
    """

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True,
                 cache_enabled: bool | None = None) -> None:
        self.device = kind_of(device_type)
        if self.device not in DEFAULTS:
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{self.device}'")
        self.fast_dtype = get_autocast_dtype(self.device) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else (
            cache_enabled)
        if self.device != "cpu" and enabled:
            warnings.warn(f"User provided device_type of '{self.device}', but "
                          f"{self.device.upper()} is not available. Disabling", stacklevel=2)
            enabled = False
        if self.device == "cpu" and enabled and self.fast_dtype not in LOWER:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2)
            enabled = False
        self._enabled = enabled
        self._before: list[Any] = []

    def clone(self) -> autocast:
        """A fresh context of the same settings."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, _before=[])
        return made

    def __enter__(self) -> autocast:
        self._before.append((flags.autocast, flags.autocast_dtype, flags.autocast_cache))
        if self.device == "cpu":
            if self._enabled:
                install()
            flags.autocast = self.fast_dtype if self._enabled else None
            flags.autocast_dtype = self.fast_dtype
        set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *exception: object) -> None:
        flags.autocast, flags.autocast_dtype, flags.autocast_cache = self._before.pop()


def _cast(value: Any, dtype: Any) -> Any:
    """Floating point tensors in `value`, containers included, as `dtype`; float64 stays."""
    if isinstance(value, Tensor):
        castable = value.is_floating_point() and value.dtype is not dtypes.float64
        return value.to(dtype) if castable else value
    if isinstance(value, Mapping):
        return {_cast(k, dtype): _cast(v, dtype) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_cast(x, dtype) for x in value])
    return value


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorate the `forward` of an `autograd.Function` to be run under autocast.

    cast_inputs: a dtype; floating point tensors are cast to it, and autocast is off inside.
    """
    if fwd is None:
        kind_of(device_type)
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(*args: Any, **options: Any) -> Any:
        args[0]._dtype = flags.autocast
        args[0]._fwd_used_autocast = flags.autocast is not None
        if cast_inputs is None or flags.autocast is None:
            return fwd(*args, **options)

        with autocast("cpu", enabled=False):
            args[0]._fwd_used_autocast = False
            return fwd(args[0], *_cast(args[1:], cast_inputs), **_cast(options, cast_inputs))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the `backward` that belongs to a `custom_fwd`: it runs as the forward did."""
    if bwd is None:
        kind_of(device_type)
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(*args: Any, **options: Any) -> Any:
        used = args[0]._fwd_used_autocast
        with autocast("cpu", dtype=args[0]._dtype if used else None, enabled=used):
            return bwd(*args, **options)

    return backward
