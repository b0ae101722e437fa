"""`torch.utils._contextlib`: context managers that decorate functions as well."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.grad_mode import _ContextDecorator

__all__: list[str] = []


class _DecoratorContextManager(_ContextDecorator):
    """A context manager whose `clone` makes the one that each call of a function enters."""

    def __enter__(self) -> Any:
        raise NotImplementedError


class _NoParamDecoratorContextManager(_DecoratorContextManager):
    """The same without arguments: it decorates with or without brackets."""

    def __new__(cls, orig_func: Any = None) -> Any:
        made = super().__new__(cls)
        return made if orig_func is None else made(orig_func)
