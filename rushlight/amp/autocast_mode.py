"""Mixed precision: matrix products in a lower dtype within a block or function."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from rushlight.amp.casting import install
from rushlight.autograd.grad_mode import _ContextDecorator
from rushlight.base import dtypes
from rushlight.base.flags import flags

LOWER = (dtypes.bfloat16, dtypes.float16)


class autocast(_ContextDecorator):
    """Within the block, or the decorated function, matrix products are computed in `dtype`.

    Products, convolutions, attention and recurrent layers take float32 arguments cast to `dtype`;
    losses, decompositions and transforms take theirs in float32; all other ops take them as they
    come. float64 is left alone. Gradients have the dtypes of their parameters.

    Args:
        device_type: "cpu"; another device's autocast does nothing here, and warns.
        dtype: bfloat16 (default) or float16; with another one autocast is off, and warns.
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
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in ("cpu", "cuda"):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self.fast_dtype = dtypes.bfloat16 if dtype is None else dtype
        if device_type != "cpu" and enabled:
            warnings.warn("User provided device_type of 'cuda', but CUDA is not available. "
                          "Disabling", stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in LOWER:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtype of torch.bfloat16, torch.float16 currently.",
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
        self._before.append(flags.autocast)
        if self.device == "cpu":
            if self._enabled:
                install()
            flags.autocast = self.fast_dtype if self._enabled else None
        return self

    def __exit__(self, *exception: object) -> None:
        flags.autocast = self._before.pop()


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether this thread is inside `autocast` for a device (as in torch, "cuda" if left out)."""
    return device_type == "cpu" and flags.autocast is not None


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype that products are cast to: that of the block, or the default."""
    if device_type == "cpu":
        return flags.autocast or dtypes.bfloat16
    return dtypes.float16


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast works for a device: "cpu"."""
    return device_type == "cpu"


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorate the `forward` of an `autograd.Function` to be run under autocast.

    cast_inputs: a dtype; floating point tensors are cast to it, and autocast is off inside.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(*args: Any, **options: Any) -> Any:
        args[0]._dtype = flags.autocast
        args[0]._fwd_used_autocast = flags.autocast is not None
        if cast_inputs is None or flags.autocast is None:
            return fwd(*args, **options)

        def cast(x: Any) -> Any:
            floating = hasattr(x, "is_floating_point") and x.is_floating_point()
            return x.to(cast_inputs) if floating and x.dtype is not dtypes.float64 else x

        with autocast("cpu", enabled=False):
            args[0]._fwd_used_autocast = False
            return fwd(*map(cast, args), **{k: cast(v) for k, v in options.items()})

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the `backward` that belongs to a `custom_fwd`: it runs as the forward did."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(*args: Any, **options: Any) -> Any:
        used = args[0]._fwd_used_autocast
        with autocast("cpu", dtype=args[0]._dtype if used else None, enabled=used):
            return bwd(*args, **options)

    return backward
