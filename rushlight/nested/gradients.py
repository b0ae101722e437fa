"""Gradients with respect to nested tensors, and of them."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.gradient import grad
from rushlight.nested.dispatch import HANDLERS
from rushlight.nested.tensor import NestedTensor


def _lowered(value: Any) -> Any:
    """Tensors, or a list of them, with the values of nested ones in their place."""
    if isinstance(value, NestedTensor):
        return value._ragged.values
    return [_lowered(x) for x in value] if isinstance(value, list | tuple) else value


def nested_grad(function: Any, outputs: Any, inputs: Any, grad_outputs: Any = None,
                **options: Any) -> tuple[Any, ...]:
    """autograd.grad: the gradients of nested inputs are nested alike."""
    found = grad(_lowered(outputs), _lowered(inputs), _lowered(grad_outputs), **options)
    return tuple(x._alike(g) if isinstance(x, NestedTensor) and g is not None else g
                 for x, g in zip(inputs, found, strict=True))


HANDLERS[grad] = nested_grad
