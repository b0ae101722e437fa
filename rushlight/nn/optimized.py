"""What `compile` makes of a module: it stands before the module, as in torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rushlight.nn.modules.module import Module

# What a compiled module has of its own; everything else is the module's.
_OWN = frozenset(("_orig_mod", "dynamo_ctx", "forward", "__dict__", "_super_module_initialized"))


class OptimizedModule(Module):
    """A module that `compile` was given, under the key `_orig_mod`.

    A call runs the module. Attributes are read from it and written to it; the names of parameters
    and the keys of `state_dict` begin with "_orig_mod.", as files that torch's users have do.

    >>> import rushlight as rl
    >>> net = rl.compile(rl.nn.Linear(2, 1))
    >>> list(net.state_dict())
    ['_orig_mod.weight', '_orig_mod.bias']
    >>> net.in_features
    2
    """

    _orig_mod: Module

    def __init__(self, module: Module) -> None:
        super().__init__()
        self._modules["_orig_mod"] = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        return self._orig_mod(*args, **kwargs)

    @property
    def training(self) -> bool:
        """Whether the module is in training mode."""
        module = self.__dict__.get("_modules", {}).get("_orig_mod")
        return True if module is None else module.training

    @training.setter
    def training(self, mode: bool) -> None:
        module = self.__dict__.get("_modules", {}).get("_orig_mod")
        if module is not None:
            module.training = mode

    def __getattr__(self, name: str) -> Any:
        module = self.__dict__.get("_modules", {}).get("_orig_mod")
        if name == "_orig_mod" and module is not None:
            return module
        if module is None:
            return super().__getattr__(name)
        return getattr(module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ or name == "training" or "_orig_mod" not in self.__dict__.get(
                "_modules", ()):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._orig_mod, name)

    def _inside(self) -> Any:
        return self._orig_mod

    def __len__(self) -> int:
        return len(self._inside())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inside())

    def __contains__(self, key: Any) -> bool:
        return key in self._inside()

    def __getitem__(self, key: Any) -> Any:
        return self._inside()[key]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._orig_mod)})
