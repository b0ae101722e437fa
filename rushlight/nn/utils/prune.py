"""Pruning: parts of a parameter masked to zero, and kept there while it trains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.nn.utils.pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
)
from rushlight.ops import cat
from rushlight.tensor import Tensor

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


def identity(module: Module, name: str) -> Module:
    """Give the parameter a mask of ones; returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Any) -> Module:
    """Mask `amount` elements (a number, or a share if float) drawn at random; returns the module.
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: Any, importance_scores: Tensor | None = None
) -> Module:
    """Mask the `amount` elements (a number, or a share if float) that are smallest in size.

    importance_scores: of the parameter's shape; taken instead of its values. Returns the module.

    >>> import rushlight as rl
    >>> from rushlight.nn.utils import prune
    >>> layer = rl.nn.Linear(2, 2)
    >>> _ = rl.nn.init.constant_(layer.weight, 1.0); layer.weight.data[0, 1] = 0.5
    >>> prune.l1_unstructured(layer, "weight", amount=1).weight_mask
    tensor([[1., 0.],
            [1., 1.]])
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Any, dim: int) -> Module:
    """Mask `amount` whole slices along `dim`, drawn at random; returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: Any, n: Any, dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Mask the `amount` slices along `dim` of the smallest n-norm; returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Mask where `mask`, of the parameter's shape, is zero; returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one long vector.

    Args:
        parameters: pairs of module and name.
        pruning_method: an unstructured one, such as `L1Unstructured`.
        importance_scores: for some of the pairs; taken instead of the values.
        kwargs: of the method, such as `amount`.

    Raises TypeError where parameters are not iterable or the method is structured.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    importance = cat([
        scores.get((module, name), getattr(module, name)).detach().reshape(-1)
        for module, name in pairs
    ])
    masks = cat([
        getattr(module, f"{name}_mask", getattr(module, name).new_ones(1).expand(
            getattr(module, name).shape)).reshape(-1)
        for module, name in pairs
    ])
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    final = container.compute_mask(importance, masks)
    start = 0
    for module, name in pairs:
        parameter = getattr(module, name)
        own = final[start : start + parameter.numel()].view_as(parameter)
        custom_from_mask(module, name, mask=own)
        start += parameter.numel()


def remove(module: Module, name: str) -> Module:
    """Make the masked values permanent: the parameter is a plain one again; returns the module.

    Raises ValueError where it is not pruned.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            module._call_hooks.pop(key, None)
            return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
    )


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for _, submodule in module.named_modules()
        for hook in submodule._forward_pre_hooks.values()
    )
