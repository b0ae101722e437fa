"""`torch.library`: operations of a program's own, called as the Python functions that they are."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from rushlight.autograd.function import Function
from rushlight.compat.inside.ops import Overloads, namespace
from rushlight.ops import equal
from rushlight.tensor import Tensor

__all__ = ["CustomOp", "Library", "custom_op", "define", "impl", "opcheck",
           "register_autograd", "register_fake", "register_kernel"]

_made: dict[str, CustomOp] = {}


class CustomOp(Overloads):
    """A function with a name, "namespace::name", and a gradient where one was registered."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name, function)
        space, _, last = name.partition("::")
        self._differentiable: type[Function] | None = None
        self._fake: Callable[..., Any] | None = None
        self.mutates_args: Any = ()
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
        """Decorator: the shapes of results, which only `opcheck` asks for here."""
        self._fake = func
        return func

    def register_vmap(self, func: Callable[..., Any], /) -> Callable[..., Any]:
        """Decorator: the batched form; vmap runs the operation on each element here."""
        return func

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
    def make(function: Callable[..., Any]) -> CustomOp:
        made = CustomOp(name, function)
        made.mutates_args = list(signature(function).parameters) if mutates_args == "unknown" else (
            mutates_args)
        return made

    return make if fn is None else make(fn)


CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor",
          "test_aot_dispatch_dynamic")


class OpCheckError(Exception):
    """What `opcheck` found."""


def opcheck(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, *,
            test_utils: Any = CHECKS, raise_exception: bool = True, atol: Any = None,
            rtol: Any = None) -> dict[str, Any]:
    """Run an operation of the program's own on examples, and check what it has declared.

    test_schema: it writes only to what `mutates_args` names and returns none of its inputs;
    test_faketensor: the registered shapes are those of the results. The others pass: nothing is
    traced here. Returns "SUCCESS" or the error for each test; the first error is raised unless
    raise_exception is False.
    """
    names = (test_utils,) if isinstance(test_utils, str) else tuple(test_utils)
    custom, found = _named(op), dict[str, Any]()
    for name in names:
        check = {"test_schema": _check_schema, "test_faketensor": _check_fake}.get(name)
        try:
            if check is not None:
                check(custom, tuple(args), dict(kwargs or {}))
            found[name] = "SUCCESS"
        except OpCheckError as error:
            if raise_exception:
                raise OpCheckError(f"opcheck(op, ...): {name} failed with {error}") from None
            found[name] = error
    return found


def _tensors(value: Any) -> list[Tensor]:
    values = value if isinstance(value, tuple | list) else [value]
    return [one for one in values if isinstance(one, Tensor)]


def _check_schema(op: CustomOp, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    given = signature(op._function).bind(*args, **options).arguments
    copies = {name: one.detach().clone() if isinstance(one, Tensor) else one
              for name, one in given.items()}
    before = {name: one.clone() for name, one in copies.items() if isinstance(one, Tensor)}
    results = _tensors(op._function(**copies))
    for name, known in before.items():
        if name not in op.mutates_args and not equal(copies[name], known):
            raise OpCheckError(f"Argument {name} is not defined as mutable but was mutated")
        if any(one is copies[name] for one in results):
            raise OpCheckError(f"Argument {name} is not defined to alias output but was aliasing")


def _check_fake(op: CustomOp, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    real = _tensors(op._function(*(one.detach().clone() if isinstance(one, Tensor) else one
                                   for one in args), **options))
    if op._fake is None:
        if real:
            raise OpCheckError(f"{op} has no fake kernel: use register_fake")
        return
    fake = _tensors(op._fake(*(one.detach().to("meta") if isinstance(one, Tensor) else one
                               for one in args), **options))
    for one, other in zip(real, fake, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise OpCheckError(f"the fake kernel returns {tuple(other.shape)} {other.dtype}, the "
                               f"operation {tuple(one.shape)} {one.dtype}")


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
