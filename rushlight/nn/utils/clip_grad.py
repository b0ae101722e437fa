"""Limits on gradients: by their total norm, or element by element."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

from rushlight.autograd import no_grad
from rushlight.ops import clamp, stack, tensor
from rushlight.ops.norm import vector_norm
from rushlight.tensor import Tensor


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The ``norm_type``-norm of all ``tensors`` taken as one vector, a 0-d tensor.

    ``error_if_nonfinite=True`` raises ``RuntimeError`` for NaN or infinity. ``foreach`` is
    accepted as in torch; the result does not depend on it.

    >>> import rushlight as rl
    >>> rl.nn.utils.get_total_norm([rl.tensor([3.0]), rl.tensor([4.0])])
    tensor(5.)
    """
    with no_grad():
        tensors = _as_list(tensors)
        norm_type = float(norm_type)
        if not tensors:
            return tensor(0.0)
        norms = [vector_norm(each, norm_type) for each in tensors]
        total = vector_norm(stack(norms), norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"The total norm of order {norm_type} for gradients from `parameters` is "
                "non-finite, so it cannot be clipped. To disable this error and scale the "
                "gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
            )
        return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale all gradients in place by min(1, max_norm / (total_norm + 1e-6)).

    >>> import rushlight as rl
    >>> w = rl.ones(2, requires_grad=True)
    >>> (3 * w).sum().backward()
    >>> rl.nn.utils.clip_grads_with_norm_(w, 1.0, rl.tensor(6.0))
    >>> w.grad
    tensor([0.5000, 0.5000])
    """
    with no_grad():
        factor = clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)
        for grad in _gradients(parameters):
            grad.mul_(factor)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients in place so that their total norm is at most ``max_norm``.

    Returns the total norm before (Pascanu et al., 2013). A tensor's missing gradient counts as
    none. Raises as :func:`get_total_norm`.

    >>> import rushlight as rl
    >>> w = rl.ones(2, requires_grad=True)
    >>> (w * rl.tensor([3.0, 4.0])).sum().backward()
    >>> rl.nn.utils.clip_grad_norm_([w], max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    parameters = _warned_if_empty(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(*args: Any, **kwargs: Any) -> Tensor:
    """The older name of :func:`clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated "
        "in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(*args, **kwargs)


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Clamp every element of the gradients in place to [-clip_value, clip_value].

    >>> import rushlight as rl
    >>> w = rl.ones(1, requires_grad=True)
    >>> (3 * w).sum().backward()
    >>> rl.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([1.])
    """
    clip_value = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(min=-clip_value, max=clip_value)


def _as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [each.grad for each in _as_list(parameters) if each.grad is not None]


def _warned_if_empty(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """As a list: a generator is read once, and an exhausted one is most likely a mistake."""
    found = _as_list(parameters)
    if isinstance(parameters, GeneratorType) and not found:
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3
        )
    return found
