"""`torch.nn.utils._named_member_accessor`: another tensor under a member's name."""

from __future__ import annotations

from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["swap_tensor"]


def swap_tensor(module: Module, name: str, tensor: Tensor | None,
                allow_missing: bool = False) -> Tensor | None:
    """Put `tensor` in the place of the module's member `name`, and return what was there.

    It need not be a Parameter. None takes the name away.
    """
    if not isinstance(module, Module):
        raise TypeError(f"{module} is not an instance of torch.nn.Module")
    if tensor is not None and not isinstance(tensor, Tensor):
        raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    if not name or "." in name:
        raise KeyError('tensor name can\'t be empty string ""' if not name
                       else 'tensor name cannot contain "."')
    registry: Any = next((members for members in (module._parameters, module._buffers)
                          if name in members), module.__dict__)
    before = registry.get(name)
    if before is None and name not in registry and not allow_missing:
        raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
    if tensor is None:
        registry.pop(name, None)
    else:
        registry[name] = tensor
    return before
