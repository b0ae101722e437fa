"""Modules whose parameters are not initialised, for those that load theirs."""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.nn.modules.module import Module


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """`module_cls(*args, **kwargs)` with uninitialised parameters and buffers.

    device: where they are, as for the class itself.

    Raises TypeError for no class, RuntimeError where it is no Module or takes no `device`.

    >>> import rushlight as rl
    >>> rl.nn.utils.skip_init(rl.nn.Linear, 5, 1)
    Linear(in_features=5, out_features=1, bias=True)
    """
    if not isinstance(module_cls, type):
        raise TypeError(f"issubclass() arg 1 must be a class: got {module_cls!r} for module_cls")
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)
