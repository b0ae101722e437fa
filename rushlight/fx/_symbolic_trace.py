"""Tracing: a module's or function's program is run once on proxies, which note what happens."""

from __future__ import annotations

import builtins
import inspect
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

from rushlight.fx import naming, writing
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.proxy import ParameterProxy, TracerBase, holds_proxy
from rushlight.nn.modules.container import Sequential
from rushlight.nn.modules.module import Module
from rushlight.tensor import Parameter, Tensor

__all__ = ["Tracer", "symbolic_trace", "wrap"]

_wrapped: list[tuple[dict[str, Any], str]] = []  # global names whose calls are kept as calls
_MISSING = object()


def _assert(condition: Any, message: str) -> None:
    """Raise AssertionError when an argument differs from what the program was traced with."""
    if not condition:
        raise AssertionError(message)


naming.SPOKEN[_assert] = "torch._assert"


def wrap(fn_or_name: Any) -> Any:
    """Let a function of the calling file be one node wherever it is called with traced values.

    fn_or_name: the function, or the name of a global or builtin one. For use at the top of a file,
    also as a decorator. Returns its argument.
    """
    name = fn_or_name if isinstance(fn_or_name, str) else getattr(fn_or_name, "__name__", None)
    if not isinstance(name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or "
                           f"string name, got {type(fn_or_name).__name__}")
    frame = sys._getframe(1)
    if frame.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    if callable(fn_or_name):
        writing.marked.add(fn_or_name)
    _wrapped.append((frame.f_globals, name))
    return fn_or_name


class Tracer(TracerBase):
    """Follows programs. Subclasses may change what is followed and what becomes a node.

    autowrap_modules: modules of Python whose functions are one node each.
    autowrap_functions: further such functions, found in the globals of what is traced.
    """

    def __init__(self, autowrap_modules: tuple[ModuleType, ...] = (math,),
                 autowrap_functions: tuple[Callable[..., Any], ...] = (),
                 param_shapes_constant: bool = False) -> None:
        super().__init__()
        self.autowrap_modules = tuple(autowrap_modules)
        self.autowrap_functions = tuple(autowrap_functions)
        self.param_shapes_constant = param_shapes_constant
        self.root: Module
        self.submodule_paths: dict[int, str] = {}
        self._attributes: dict[int, str] = {}  # the path of each tensor of the root

    # ---- what subclasses change

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Whether a call of module `m` is one node, and not followed: those of the library."""
        inside = type(m).__module__.startswith(("rushlight.nn.", "torch.nn."))
        return inside and not isinstance(m, Sequential)

    def call_module(self, m: Module, forward: Callable[..., Any], args: tuple[Any, ...],
                    kwargs: dict[str, Any]) -> Any:
        """What a call of module `m` gives: a node, or what `forward` gives when followed."""
        path = self.path_of_module(m)
        if self.is_leaf_module(m, path):
            return self.create_proxy("call_module", path, args, kwargs)
        return forward(*args, **kwargs)

    def path_of_module(self, mod: Module) -> str:
        """The path of `mod` in the root. Raises NameError for a module that is not in it."""
        path = self.submodule_paths.get(id(mod))
        if path is None:
            raise NameError("module is not installed as a submodule: a "
                            f"{type(mod).__name__} is called that the traced module does not hold")
        return path

    def create_arg(self, a: Any) -> Any:
        """A value as nodes hold it: tensors of the root, and constants, are got by their paths."""
        if isinstance(a, Tensor):
            path = self._attributes.get(id(a))
            if path is None:
                if isinstance(a, Parameter):
                    raise NameError("parameter is not a member of this module")
                path = self._constant(a, "_tensor_constant")
            return self.create_node("get_attr", path, (), {})
        if isinstance(a, Module) and id(a) in self.submodule_paths:
            return self.create_node("get_attr", self.submodule_paths[id(a)], (), {})
        try:
            return super().create_arg(a)
        except NotImplementedError:
            if isinstance(a, Module) or type(a).__hash__ is None:
                raise
            return self.create_node("get_attr", self._constant(a, f"_{type(a).__name__}_constant"),
                                    (), {})

    def _constant(self, value: Any, name: str) -> str:
        number = 0
        while hasattr(self.root, f"{name}{number}"):
            number += 1
        path = f"{name}{number}"
        setattr(self.root, path, value)
        self._attributes[id(value)] = path
        return path

    # ---- tracing

    def trace(self, root: Module | Callable[..., Any],
              concrete_args: dict[str, Any] | None = None) -> Graph:
        """The graph of a module's `forward`, or of a function.

        concrete_args: values of arguments by which the program decides: the graph holds for these.
        Raises TraceError where the program needs the value of a traced argument.
        """
        if isinstance(root, Module):
            self.root, function, first = root, type(root).forward, [root]
        else:
            self.root, function, first = Module(), root, []
        self.graph = Graph(tracer_cls=type(self))
        self.submodule_paths = {id(m): path for path, m in self.root.named_modules()}
        self._attributes = {
            id(value): f"{path}.{name}" if path else name
            for path, module in self.root.named_modules()
            for name, value in (*module._parameters.items(), *module._buffers.items(),
                                *vars(module).items())
            if isinstance(value, Tensor)}
        function = inspect.unwrap(function)
        if not isinstance(function, FunctionType):
            bound = getattr(function, "__func__", None)
            if bound is None:
                raise TypeError(f"trace(): expected a Module or a Python function, got "
                                f"{type(root).__name__}")
            function, first = bound, [function.__self__]
        returned = _annotation(function.__annotations__.get("return"), function)
        function, args = self._arguments(function, first, concrete_args or {})
        with ExitStack() as changes:
            changes.enter_context(self._modules_noticed())
            changes.enter_context(self._functions_wrapped(function.__globals__))
            result = function(*args)
        self.create_node("output", "output", (self.create_arg(result),), {}, type_expr=returned)
        return self.graph

    def _arguments(self, function: FunctionType, first: list[Any],
                   concrete: dict[str, Any]) -> tuple[FunctionType, list[Any]]:
        """The function, taking `*args` and `**kwargs` as plain arguments, and what it is given."""
        code = function.__code__
        plain = code.co_argcount + code.co_kwonlyargcount
        names = code.co_varnames[:plain]
        stars = ["*"] * bool(code.co_flags & inspect.CO_VARARGS)
        stars += ["**"] * bool(code.co_flags & inspect.CO_VARKEYWORDS)
        parameters = inspect.signature(function).parameters
        args = list(first)
        for name in names[len(first):]:
            kind, default = parameters[name].annotation, parameters[name].default
            defaults = () if default is inspect.Parameter.empty else (default,)
            kind = None if kind is inspect.Parameter.empty else _annotation(kind, function)
            if name in concrete:
                args.append(self._concrete(name, concrete[name], len(args) - len(first)))
            else:
                args.append(self.create_proxy("placeholder", name, defaults, {}, type_expr=kind))
        for star, name in zip(stars, code.co_varnames[plain:], strict=False):
            args.append(self.create_proxy("placeholder", star + name, (), {}))
        code = _without_stars(code, plain + len(stars))
        made = FunctionType(code, function.__globals__, function.__name__, None,
                            function.__closure__)
        return made, args

    def _concrete(self, name: str, value: Any, place: int) -> Any:
        given = self.create_proxy("placeholder", f"{name}_{place}", (), {})
        condition = given == value if value is not None else None
        if condition is not None:
            self.create_proxy("call_function", _assert, (
                condition, f"{name} has been specialized to have value {value} but got another "
                           "value"), {}, name="_assert")
        return value

    @contextmanager
    def _modules_noticed(self) -> Iterator[None]:
        """Calls of modules, and look-ups of parameters, in this thread come here."""
        thread = threading.get_ident()
        call, proxies = Module.__call__, dict[int, Any]()

        def noticed(module: Module, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread:
                return call(module, *args, **kwargs)
            return self.call_module(module, lambda *a, **k: call(module, *a, **k), args, kwargs)

        def attribute(module: Module, name: str) -> Any:
            value = object.__getattribute__(module, name)
            if type(value) is not Parameter or threading.get_ident() != thread:
                return value
            path = self._attributes.get(id(value))
            if path is None:
                return value
            if id(value) not in proxies:
                proxies[id(value)] = self.create_proxy("get_attr", path, (), {}, proxy_factory_fn=(
                    (lambda node: ParameterProxy(self, node, path, value))
                    if self.param_shapes_constant else None))
            return proxies[id(value)]

        Module.__call__ = noticed  # type: ignore[method-assign,assignment]
        Module.__getattribute__ = attribute  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            Module.__call__ = call  # type: ignore[method-assign]
            del Module.__getattribute__

    @contextmanager
    def _functions_wrapped(self, names: dict[str, Any]) -> Iterator[None]:
        """Calls of functions that `wrap` was told of, with traced values, are nodes."""
        places = list(_wrapped)
        for module in self.autowrap_modules:
            places += [(vars(module), name) for name, value in vars(module).items()
                       if not name.startswith("_") and callable(value)]
        places += [(names, name) for name, value in names.items()
                   if any(value is function for function in self.autowrap_functions)]
        before = []
        for where, name in places:
            old = where.get(name, _MISSING)
            function = old
            if old is _MISSING:
                function = getattr(builtins, name, None)
            before.append((where, name, old))
            where[name] = self._wrapper(function)
        try:
            yield
        finally:
            for where, name, old in reversed(before):
                if old is _MISSING:
                    where.pop(name, None)
                else:
                    where[name] = old

    def _wrapper(self, function: Any) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            if holds_proxy((args, kwargs)):
                return self.create_proxy("call_function", function, args, kwargs)
            return function(*args, **kwargs)

        return called


def _annotation(kind: Any, function: FunctionType) -> Any:
    """The type that an annotation means; None where it cannot be told."""
    if not isinstance(kind, str):
        return kind
    parts = kind.split(".")
    value = function.__globals__.get(parts[0], getattr(builtins, parts[0], None))
    for part in parts[1:]:
        value = getattr(value, part, None)
    return value


def _without_stars(code: CodeType, count: int) -> CodeType:
    flags = code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return code.replace(co_argcount=count, co_posonlyargcount=0, co_kwonlyargcount=0,
                        co_flags=flags)


def symbolic_trace(root: Module | Callable[..., Any],
                   concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """The program of a module or function as a module that can be read and changed.

    root's `forward` runs once, on proxies. Python's loops over known numbers are unrolled; deciding
    by a traced value raises TraceError. concrete_args: values of arguments that decide.

    >>> import rushlight as rl
    >>> from rushlight import fx
    >>> traced = fx.symbolic_trace(lambda x: rl.relu(x) + 1)
    >>> [node.name for node in traced.graph.nodes]
    ['x', 'relu', 'add', 'output']
    >>> traced(rl.tensor([-1., 1.]))
    tensor([1., 2.])
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)
