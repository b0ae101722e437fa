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

__all__ = ["FunctionalModule", "FunctionalModuleWithBuffers",
           "combine_state_for_ensemble", "functionalize", "grad", "grad_and_value", "hessian",
           "jacfwd", "jacrev", "jvp", "make_functional", "make_functional_with_buffers", "vjp",
           "vmap"]


class FunctionalModuleWithBuffers:
    """A module as a function of its parameters, its buffers and what the module takes."""

    def __init__(self, model: Module) -> None:
        self.stateless_model = copy.deepcopy(model)
        self.param_names = tuple(name for name, _ in model.named_parameters())
        self.buffer_names = tuple(name for name, _ in model.named_buffers())

    def __call__(self, params: Any, buffers: Any, *arguments: Any, **options: Any) -> Any:
        names = [*self.param_names, *self.buffer_names]
        state = dict(zip(names, [*params, *buffers], strict=True))
        return functional_call(self.stateless_model, state, arguments, options)


class FunctionalModule(FunctionalModuleWithBuffers):
    """A module without buffers as a function of its parameters and of what the module takes."""

    def __call__(self, params: Any, *arguments: Any, **options: Any) -> Any:
        return super().__call__(params, (), *arguments, **options)


def make_functional_with_buffers(model: Module, disable_autograd_tracking: bool = False) -> Any:
    """`f`, parameters, buffers: `f(parameters, buffers, *inputs)` calls the module with them."""
    call = FunctionalModuleWithBuffers(model)
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
    _, params, _ = make_functional_with_buffers(model, disable_autograd_tracking)
    return FunctionalModule(model), params


def combine_state_for_ensemble(models: Sequence[Module]) -> Any:
    """A function for `vmap`, and the parameters and buffers of all models, stacked."""
    if not models:
        raise RuntimeError("combine_state_for_ensemble: Expected at least one model, got 0.")
    made = [make_functional_with_buffers(model) for model in models]
    stacked = [tuple(stack(list(same)).detach() for same in zip(*(one[kind] for one in made),
                                                               strict=True)) for kind in (1, 2)]
    return made[0][0], tuple(p.requires_grad_() for p in stacked[0]), stacked[1]
