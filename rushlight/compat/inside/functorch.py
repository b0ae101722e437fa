"""`functorch`, the package that became `torch.func`: its names, and modules as functions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from rushlight.func import (
    functional_call,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    vjp,
    vmap,
)
from rushlight.nn.modules.module import Module
from rushlight.ops import stack

__all__ = ["combine_state_for_ensemble", "functionalize", "grad", "grad_and_value", "hessian",
           "jacfwd", "jacrev", "jvp", "make_functional", "make_functional_with_buffers", "vjp",
           "vmap"]


def make_functional_with_buffers(model: Module, disable_autograd_tracking: bool = False) -> Any:
    """`f`, parameters, buffers: `f(parameters, buffers, *inputs)` calls the module with them."""
    stateless = copy.deepcopy(model)
    names = [name for name, _ in model.named_parameters()]
    buffer_names = [name for name, _ in model.named_buffers()]

    def call(params: Any, buffers: Any, *arguments: Any, **options: Any) -> Any:
        state = dict(zip([*names, *buffer_names], [*params, *buffers], strict=True))
        return functional_call(stateless, state, arguments, options)

    params: tuple[Any, ...] = tuple(model.parameters())
    if disable_autograd_tracking:
        params = tuple(p.detach() for p in params)
    return call, params, tuple(model.buffers())


def make_functional(model: Module, disable_autograd_tracking: bool = False) -> Any:
    """`f`, parameters: `f(parameters, *inputs)` calls the module with them.

    Raises RuntimeError for a module with buffers.
    """
    if next(model.buffers(), None) is not None:
        raise RuntimeError("make_functional(model): `model` has buffers. Please use "
                           "make_functional_with_buffers(model) instead.")
    call, params, _ = make_functional_with_buffers(model, disable_autograd_tracking)
    return lambda params, *arguments, **options: call(params, (), *arguments, **options), params


def combine_state_for_ensemble(models: Sequence[Module]) -> Any:
    """A function for `vmap`, and the parameters and buffers of all models, stacked."""
    if not models:
        raise RuntimeError("combine_state_for_ensemble: Expected at least one model, got 0.")
    made = [make_functional_with_buffers(model) for model in models]
    stacked = [tuple(stack(list(same)).detach() for same in zip(*(one[kind] for one in made),
                                                               strict=True)) for kind in (1, 2)]
    return made[0][0], tuple(p.requires_grad_() for p in stacked[0]), stacked[1]
