"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.nn import Module
from rushlight.nn.utils.stateless import functional_call
from rushlight.ops import stack
from rushlight.tensor import Tensor

__all__ = ["functional_call", "stack_module_state"]


def stack_module_state(
    models: Sequence[Module],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several models, stacked along a new first dimension.

    The models are of one class, of the same shapes, and all in training or all in evaluation.
    Returns two dictionaries by path; the stacked parameters are new leaves.

    Raises RuntimeError where the models do not fit together.

    >>> import rushlight as rl
    >>> parameters, buffers = rl.func.stack_module_state([rl.nn.Linear(2, 3) for _ in range(4)])
    >>> parameters["weight"].shape
    torch.Size([4, 3, 2])
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same "
                           "training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(model.named_parameters()) for model in models], True)
    return parameters, _stacked([dict(model.named_buffers()) for model in models], False)


def _stacked(members: list[dict[str, Tensor]], parameters: bool) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for path in members[0]:
        column: list[Any] = [own[path] for own in members]
        joined = stack([tensor.detach() for tensor in column])
        if parameters:
            required = {tensor.requires_grad for tensor in column}
            if len(required) > 1:
                raise RuntimeError(
                    f"Expected {path} parameters from each model to have the same .requires_grad"
                )
            joined.requires_grad_(required.pop())
        result[path] = joined
    return result
