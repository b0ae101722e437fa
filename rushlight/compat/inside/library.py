"""`torch.library`: operations of a program's own, called as the Python functions that they are."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from rushlight.autograd.function import Function
from rushlight.compat.inside.ops import Overloads, namespace

__all__ = ["CustomOp", "Library", "custom_op", "define", "impl", "register_autograd",
           "register_fake", "register_kernel"]

_made: dict[str, CustomOp] = {}


class CustomOp(Overloads):
    """A function with a name, "namespace::name", and a gradient where one was registered."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name, function)
        space, _, last = name.partition("::")
        self._differentiable: type[Function] | None = None
        setattr(namespace(space), last, self)
        _made[name] = self

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self._differentiable is None:
            return self._function(*arguments, **options)
        if options:  # apply takes arguments by position
            bound = signature(self._function).bind(*arguments, **options)
            bound.apply_defaults()
            arguments = bound.args
        return self._differentiable.apply(*arguments)

    def register_kernel(self, device_types: Any, func: Any = None, /) -> Any:
        """Decorator: the implementation for "cpu" (or None, all devices) replaces the first."""

        def accept(function: Callable[..., Any]) -> Callable[..., Any]:
            if device_types in (None, "cpu") or (device_types and "cpu" in device_types):
                self._function = function
            return function

        return accept if func is None else accept(func)

    def register_fake(self, func: Callable[..., Any], /) -> Callable[..., Any]:
        """Decorator: the shapes of results, which no tracer asks for here."""
        return func

    register_vmap = register_fake

    def register_autograd(self, backward: Callable[..., Any], /, *,
                          setup_context: Callable[..., Any] | None = None) -> None:
        """Give the operation its gradient: `backward(context, *gradients)`."""
        custom = self

        class Differentiable(Function):
            @staticmethod
            def forward(ctx: Any, *inputs: Any) -> Any:
                output = custom._function(*inputs)
                if setup_context is not None:
                    setup_context(ctx, inputs, output)
                return output

            @staticmethod
            def backward(ctx: Any, *gradients: Any) -> Any:
                return backward(ctx, *gradients)

        self._differentiable = Differentiable


def custom_op(name: str, fn: Callable[..., Any] | None = None, /, *, mutates_args: Any = (),
              device_types: Any = None, schema: str | None = None, tags: Any = None) -> Any:
    """Decorator: an operation "namespace::name", found in `torch.ops.namespace.name`, too."""
    return (lambda function: CustomOp(name, function)) if fn is None else CustomOp(name, fn)


def _named(op: Any) -> CustomOp:
    return op if isinstance(op, CustomOp) else _made[op]


def register_fake(op: Any, func: Any = None, /, **options: Any) -> Any:
    """Decorator: the shapes of results, which no tracer asks for here."""
    return (lambda function: function) if func is None else func


def register_kernel(op: Any, device_types: Any, func: Any = None, /, **options: Any) -> Any:
    """Decorator: an implementation of a custom operation."""
    return _named(op).register_kernel(device_types, func)


def register_autograd(op: Any, backward: Callable[..., Any], /, *, setup_context: Any = None,
                      lib: Any = None) -> None:
    """Give a custom operation its gradient."""
    _named(op).register_autograd(backward, setup_context=setup_context)


def define(qualname: str, schema: str, **options: Any) -> None:
    """Announce an operation, whose implementation `impl` gives."""


def impl(qualname: str, types: Any, func: Any = None, **options: Any) -> Any:
    """Decorator: the implementation of an operation that was announced."""
    accept = _accept(qualname, types)
    return accept if func is None else accept(func)


def _accept(qualname: str, types: Any) -> Callable[..., Any]:
    def accept(function: Callable[..., Any]) -> Callable[..., Any]:
        if str(types).lower() not in ("cuda", "meta", "autogradcuda"):
            CustomOp(qualname, function)
        return function

    return accept


class Library:
    """A namespace of operations: `define` announces one, `impl` implements it."""

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        self.ns = ns

    def define(self, schema: str, **options: Any) -> str:
        """Announce an operation; return its name."""
        return schema.partition("(")[0]

    def impl(self, op_name: Any, fn: Callable[..., Any], dispatch_key: str = "CPU",
             **options: Any) -> None:
        """Implement an operation."""
        last = str(op_name).rpartition("::")[2].partition("(")[0]
        _accept(f"{self.ns}::{last}", dispatch_key)(fn)
