"""The options that say where and of what dtype a module's tensors are made."""

from __future__ import annotations

from typing import Any

OPTIONS = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The options for making tensors out of a module's keyword arguments.

    kwargs: device, dtype and memory_format, given by themselves or as a dict "factory_kwargs".
    Raises TypeError for others, or for one that is given twice.

    >>> import rushlight as rl
    >>> rl.nn.factory_kwargs({"dtype": rl.float64})
    {'dtype': torch.float64}
    """
    if kwargs is None:
        return {}
    others = kwargs.keys() - {*OPTIONS, "factory_kwargs"}
    if others:
        raise TypeError(f"unexpected kwargs {others}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for name in OPTIONS:
        if name in kwargs:
            if name in found:
                raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
            found[name] = kwargs[name]
    return found
