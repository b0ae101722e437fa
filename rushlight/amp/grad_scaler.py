"""Loss scaling: small gradients survive a low precision, steps with infinite ones are skipped."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Iterable
from typing import Any

from rushlight.autograd import no_grad
from rushlight.backends.finite import all_finite
from rushlight.base import dtypes
from rushlight.optim import Optimizer
from rushlight.tensor import Tensor


class GradScaler:
    """Multiplies losses by a scale, divides gradients by it, and adapts it.

    After `growth_interval` steps without inf or nan the scale grows by `growth_factor`; a step
    with them is skipped and multiplies the scale by `backoff_factor`.

    Args:
        device: "cpu"; the scaler of "cuda" is disabled, and warns. init_scale: the first scale.
        enabled: False makes everything pass through.

    Raises AssertionError for factors that do not grow or shrink.

    >>> import rushlight as rl
    >>> w = rl.nn.Parameter(rl.ones(1))
    >>> optimizer, scaler = rl.optim.SGD([w], lr=0.1), rl.amp.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(2 * w.sum()).backward(); w.grad
    tensor([16.])
    >>> scaler.step(optimizer); scaler.update(); round(w.item(), 3)
    0.8
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if enabled and device == "cuda":
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  "
                          "Disabling. Losses on the CPU are scaled by GradScaler('cpu').",
                          stacklevel=2)
            self._enabled = False
        if self._enabled and growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if self._enabled and backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._scale = init_scale
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._used = False  # whether anything was scaled yet
        self._reset()

    def _reset(self) -> None:
        # By the id of an optimizer: whether inf was found, None without gradients; which ones
        # have stepped.
        self._found: dict[int, bool | None] = {}
        self._stepped: set[int] = set()

    def __getstate__(self) -> dict[str, Any]:
        if self._enabled and self._found:
            raise AssertionError(
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at "
                "the end after scaler.update().")
        return self.__dict__.copy()

    def _check_used(self, what: str) -> None:
        if not self._used:
            raise AssertionError(
                f"Attempted {what} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration.")

    def scale(self, outputs: Any) -> Any:
        """A tensor, or those of an iterable, times the scale.

        Raises ValueError for anything else.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            self._used = True
            return outputs * self._scale
        if isinstance(outputs, Iterable) and not isinstance(outputs, str):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer by the scale, to clip them before its step.

        Raises RuntimeError if that was done since the last `update`, or after `step`; ValueError
        for gradients of float16, which have lost what scaling was to keep.
        """
        if not self._enabled:
            return
        self._check_used("unscale_")
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if id(optimizer) in self._found:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]
                     if p.grad is not None]
        if any(g.dtype is dtypes.float16 for g in gradients):
            raise ValueError("Attempting to unscale FP16 gradients.")
        finite = [all_finite(g._array) for g in gradients]
        with no_grad():
            for gradient in gradients:
                gradient.mul_(1.0 / self._scale)
        self._found[id(optimizer)] = not all(finite) if finite else None

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(*args, **kwargs)`, with gradients unscaled, unless they hold inf or nan.

        Returns what the step returns, None where it is skipped.

        Raises RuntimeError for a closure, or a second step before `update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        self._check_used("step")
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._found:
            self.unscale_(optimizer)
        if self._found[id(optimizer)] is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        self._stepped.add(id(optimizer))
        return None if self._found[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the scale, once after all steps; or set it.

        Raises AssertionError where no optimizer has been looked at since the last update.
        """
        if not self._enabled:
            return
        self._check_used("update")
        if new_scale is None:
            self._adapt()
        elif isinstance(new_scale, Tensor) and (new_scale.numel() != 1 or new_scale.requires_grad):
            raise AssertionError(
                "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
                "torch.FloatTensor with requires_grad=False.")
        elif not isinstance(new_scale, float | Tensor):
            raise AttributeError(f"'{type(new_scale).__name__}' object has no attribute 'device': "
                                 "new_scale must be a float or a tensor of one element")
        else:
            self._scale = float(new_scale)
        self._reset()

    def _adapt(self) -> None:
        checks = [found for found in self._found.values() if found is not None]
        if not checks:
            raise AssertionError("No inf checks were recorded prior to update.")
        if any(checks):
            self._scale = _single(self._scale * self._backoff_factor)
            self._growth_tracker = 0
            return
        self._growth_tracker += 1
        if self._growth_tracker == self._growth_interval:
            grown = _single(self._scale * self._growth_factor)
            self._scale = grown if math.isfinite(grown) else self._scale
            self._growth_tracker = 0

    def get_scale(self) -> float:
        """The present scale, 1.0 where disabled."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """By what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set by what the scale grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the scale is multiplied after inf or nan."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set by what the scale is multiplied after inf or nan."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        return self._growth_tracker if self._enabled else 0

    def is_enabled(self) -> bool:
        """Whether anything is scaled."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Scale and settings, in torch's layout; empty where disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale, "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor, "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned. Raises RuntimeError for an empty one."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]


def _single(x: float) -> float:
    """`x` rounded to float32, as which a scale multiplies."""
    try:
        return float(struct.unpack("f", struct.pack("f", x))[0])
    except OverflowError:
        return math.inf
