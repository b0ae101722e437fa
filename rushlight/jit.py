"""torch's script compiler, passed through: modules and functions stay the Python that they are."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from typing import Any, Final, TypeVar

from rushlight import serialization
from rushlight.base.first_use import Deferred
from rushlight.nn import Module

__all__ = ["Attribute", "Final", "RecursiveScriptModule", "ScriptFunction", "ScriptModule",
           "annotate", "export", "fork", "freeze", "fuser", "ignore", "interface",
           "is_scripting", "is_tracing", "isinstance", "load", "onednn_fusion_enabled",
           "enable_onednn_fusion", "optimize_for_inference", "optimized_execution", "save",
           "script", "script_if_tracing", "script_method", "set_fusion_strategy", "trace",
           "trace_module", "unused", "wait"]

T = TypeVar("T")
_builtin_isinstance = isinstance
fx: Any = Deferred("rushlight.fx", globals())


def script(obj: T, *arguments: Any, **options: Any) -> T:
    """Return the module, function or class as it is: it runs as Python.

    A module's `code` is then the text of its `forward`, and `graph` what `fx` records of it.

    >>> import rushlight as rl
    >>> net = rl.nn.Linear(2, 3)
    >>> rl.jit.script(net) is net
    True
    """
    return _saved(obj)


def _saved(obj: Any) -> Any:
    """Give a module what compiled modules have, where its class has nothing of that name."""
    if _builtin_isinstance(obj, Module):
        if not hasattr(obj, "save"):
            type(obj).save = save
        for module in obj.modules():
            for shown in (_Shown("code", _code), _Shown("graph", _graph)):
                if not hasattr(type(module), shown.name) and not hasattr(module, shown.name):
                    kind: Any = type(module)
                    setattr(kind, shown.name, shown)
                    kind._yielding |= {shown.name}  # members may take the name
    return obj


class _Shown:
    """An attribute that is made when it is read, unless the module holds one of that name."""

    def __init__(self, name: str, make: Callable[[Module], Any]) -> None:
        self.name, self._make = name, make

    def __get__(self, module: Module | None, kind: type | None = None) -> Any:
        if module is None:
            return self
        for held in (module._parameters, module._buffers, module._modules):
            if self.name in held:
                return held[self.name]
        return self._make(module)


def _code(module: Module) -> str:
    """What runs: the text of `forward`."""
    return textwrap.dedent(inspect.getsource(type(module).forward))


def _graph(module: Module) -> Any:
    """The operations of `forward`, as `fx` records them; its errors where they depend on values."""
    return fx.Tracer().trace(module)


def trace(func: T, example_inputs: Any = None, *arguments: Any, **options: Any) -> T:
    """Return the module or function as it is, after it has run once on the example inputs.

    Unlike a traced one it still takes every branch of its Python.
    """
    if example_inputs is not None:
        inputs = example_inputs if _builtin_isinstance(example_inputs, tuple) \
            else (example_inputs,)
        func(*inputs)  # type: ignore[operator]  # errors show now, as when tracing
    return _saved(func)


def trace_module(mod: T, inputs: dict[str, Any], *arguments: Any, **options: Any) -> T:
    """Return the module as it is, after its methods have run once on their example inputs."""
    for name, given in inputs.items():
        trace(getattr(mod, name), given)
    return mod


def _same(function: T) -> T:
    return function


def export(fn: T) -> T:
    """Decorator: the method as it is."""
    return fn


script_method = interface = export


def script_if_tracing(fn: T) -> T:
    """Decorator: the function as it is."""
    return fn


def _mark(drop: Any = False, **options: Any) -> Any:
    return drop if callable(drop) else _same


def ignore(drop: Any = False, **options: Any) -> Any:
    """Decorator, with or without arguments: the method as it is."""
    return _mark(drop)


def unused(fn: T) -> T:
    """Decorator: the method as it is."""
    return fn


def is_scripting() -> bool:
    """Whether code is being compiled: False."""
    return False


def is_tracing() -> bool:
    """Whether code is being traced: False."""
    return False


def annotate(the_type: Any, the_value: T) -> T:
    """Return `the_value`."""
    return the_value


def Attribute(value: T, type: Any) -> T:
    """Return `value`."""
    return value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether `obj` is of the type; of a type such as list[int] its origin counts."""
    kinds = target_type if _builtin_isinstance(target_type, tuple) else (target_type,)
    return _builtin_isinstance(obj, tuple(getattr(kind, "__origin__", kind) for kind in kinds))


def freeze(mod: T, *arguments: Any, **options: Any) -> T:
    """Return the module as it is."""
    return mod


optimize_for_inference = run_frozen_optimizations = freeze


def fork(func: Callable[..., T], *arguments: Any, **options: Any) -> Future[T]:
    """Call `func` now; `wait` on what is returned gives its result."""
    return Future(func(*arguments, **options))


class Future(list[T]):
    """A result that `fork` has computed."""

    def __init__(self, value: T) -> None:
        super().__init__([value])

    def wait(self) -> T:
        """The result."""
        return self[0]


def wait(future: Future[T]) -> T:
    """The result of `fork`."""
    return future.wait()


class ScriptModule(Module):
    """A module like any other; torch's compiled modules are instances, ours are not."""


class RecursiveScriptModule(ScriptModule):
    """A compiled module; none is made here."""


class ScriptFunction:
    """A compiled function; none is made here."""


@contextmanager
def optimized_execution(should_optimize: bool) -> Any:
    """A block in which nothing changes."""
    yield


def fuser(name: str) -> Any:
    """A block in which nothing changes."""
    return nullcontext()


def enable_onednn_fusion(enabled: bool) -> None:
    """Nothing: there is no graph whose parts could be joined."""


def onednn_fusion_enabled() -> bool:
    """What `enable_onednn_fusion` changed: nothing, so False."""
    return False


def set_fusion_strategy(strategy: Any) -> Any:
    """Nothing: there is no graph whose parts could be joined."""
    return strategy


def save(m: Module, f: Any, *arguments: Any, **options: Any) -> None:
    """Save the module whole, to be read by `load` in a program that has its class."""
    serialization.save(m, f)


def load(f: Any, map_location: Any = None, **options: Any) -> Any:
    """Read a module that `save` wrote, in a program that has its class.

    The file can run code when it is read: only read files that you trust. Raises RuntimeError
    for a file of torch's script compiler.
    """
    return serialization.load(f, map_location=map_location, weights_only=False)
