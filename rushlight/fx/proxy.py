"""What a program sees in place of tensors while it is traced: every use becomes a node."""

from __future__ import annotations

import dis
import enum
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from rushlight.base.device import device
from rushlight.base.dtypes import dtype
from rushlight.families.override import arm, title
from rushlight.families.wrapped import leaves_of
from rushlight.fx.graph import Graph
from rushlight.fx.node import Node, Target
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["Attribute", "GraphAppendingTracer", "ParameterProxy", "Proxy", "TraceError",
           "TracerBase"]

_UNPACK = dis.opmap["UNPACK_SEQUENCE"]
_PLAIN = (str, int, float, bool, complex, type(None), type(...), dtype, device, range, enum.Enum,
          np.number, np.bool_)


class TraceError(ValueError):
    """Python asked for a value that is known only when the program runs."""


class TracerBase:
    """Makes nodes of what happens to proxies."""

    graph: Graph

    def create_node(self, kind: str, target: Target, args: tuple[Any, ...],
                    kwargs: dict[str, Any], name: str | None = None,
                    type_expr: Any = None) -> Node:
        """A new node of the graph; every one is made here."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """What stands for a node's value while tracing."""
        return Proxy(node, self)

    def create_proxy(self, kind: str, target: Target, args: tuple[Any, ...],
                     kwargs: dict[str, Any], name: str | None = None, type_expr: Any = None,
                     proxy_factory_fn: Callable[[Node], Any] | None = None) -> Any:
        """A new node from arguments that may be or hold proxies, and the proxy of its value."""
        made = self.create_node(kind, target, self.create_arg(tuple(args)),
                                self.create_arg(dict(kwargs)), name, type_expr)
        return (proxy_factory_fn or self.proxy)(made)

    def create_arg(self, a: Any) -> Any:
        """A value as nodes hold it: proxies become their nodes."""
        if isinstance(a, Proxy):
            return a.node
        if isinstance(a, (Node, *_PLAIN)):
            return a
        if isinstance(a, tuple):
            items = [self.create_arg(item) for item in a]
            return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
        if isinstance(a, list):
            return [self.create_arg(item) for item in a]
        if isinstance(a, dict):
            for key in a:
                if isinstance(key, Proxy):
                    raise RuntimeError(f"Keys for dictionaries used as an argument cannot contain "
                                       f"a Node. Got key: {key}")
            return {key: self.create_arg(item) for key, item in a.items()}
        if isinstance(a, slice):
            return slice(*(self.create_arg(item) for item in (a.start, a.stop, a.step)))
        if callable(a) and not isinstance(a, Module):
            return a
        raise NotImplementedError(f"argument of type: {type(a)} cannot be part of a graph")

    def to_bool(self, obj: Proxy) -> bool:
        """Called where the program decides by a value. Raises TraceError."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow: "
                         f"{obj} has no value yet; use where(), or give the deciding argument as "
                         "concrete_args")

    def iter(self, obj: Any) -> Iterator[Any]:
        """Called where the program walks along a value: only `a, b = value` is known to end."""
        frame = sys._getframe(2)
        code = frame.f_code.co_code
        if code[frame.f_lasti] == _UNPACK:
            return (obj[i] for i in range(code[frame.f_lasti + 1]))
        raise TraceError("Proxy object cannot be iterated. This can be attempted when the Proxy is "
                         "used in a loop or as a *args or **kwargs function argument: how many "
                         f"items {obj} has is known only when the program runs")

    def keys(self, obj: Proxy) -> Any:
        """Called for `**value`."""
        return Attribute(obj, "keys")()


class GraphAppendingTracer(TracerBase):
    """Puts what happens to its proxies into an existing graph."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph


class Proxy:
    """Stands for the value of `node`: what is done with it becomes nodes of the graph.

    >>> from rushlight import fx
    >>> graph = fx.Graph()
    >>> (fx.Proxy(graph.placeholder("x")) * 2 + 1).node
    add
    """

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        arm()  # all operations ask proxies from here on
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer
        self.node = node

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, k: str) -> Attribute:
        if k.startswith("__") and k.endswith("__"):
            raise AttributeError(f"Proxy({self.node.name}) has no attribute '{k}'")
        return Attribute(self, k)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Any]:
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __len__(self) -> NoReturn:
        raise RuntimeError("'len' is not supported in symbolic tracing by default. If you want "
                           "this call to be recorded, please call torch.fx.wrap('len') at module "
                           "scope")

    def __index__(self) -> NoReturn:
        self.tracer.to_bool(self)
        raise TraceError(f"{self} has no value yet")

    __hash__ = object.__hash__

    def keys(self) -> Any:
        """As `**value` asks."""
        return self.tracer.keys(self)

    @classmethod
    def __torch_function__(cls, orig_method: Any, types: tuple[type, ...],
                           args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        tracer = next(p.tracer for p in leaves_of((args, kwargs)) if isinstance(p, Proxy))
        owner = getattr(orig_method, "__self__", None)
        if isinstance(owner, property):  # tensor.shape of a subclass, and the like
            name = title(orig_method).split(".")[-2]
            return tracer.create_proxy("call_function", getattr, (args[0], name), {})
        path = title(orig_method)
        if path.startswith("torch.Tensor."):
            return tracer.create_proxy("call_method", path.rpartition(".")[2], args, kwargs)
        if path == "torch.einsum" and len(args) == 2 and isinstance(args[1], tuple | list):
            args = (args[0], *args[1])  # what reads the graph expects the operands one by one
        name = tracer.graph._target_to_str(getattr(orig_method, "__name__", "call"))
        return tracer.create_proxy("call_function", orig_method, args, kwargs, name=name)


class Attribute(Proxy):
    """`value.name`: a node of its own unless it is called at once, as a method."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The node that looks the attribute up, made when it is needed."""
        if self._node is None:
            self._node = self.tracer.create_proxy(
                "call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """Stands for a parameter, whose shape and dtype are known while tracing."""

    def __init__(self, tracer: TracerBase, node: Node, name: str, param: Tensor) -> None:
        super().__init__(node, tracer)
        self.param, self.name = param, name

    @property
    def shape(self) -> Any:
        """The parameter's shape."""
        return self.param.shape

    def size(self, *dim: Any) -> Any:
        """The parameter's shape, or its size in one dimension."""
        return self.param.size(*dim)

    def dim(self) -> int:
        """How many dimensions the parameter has."""
        return self.param.dim()

    @property
    def ndim(self) -> int:
        """How many dimensions the parameter has."""
        return self.param.ndim

    def numel(self) -> int:
        """How many elements the parameter has."""
        return self.param.numel()


def holds_proxy(value: Any) -> bool:
    """Whether a value is or holds a proxy."""
    return any(isinstance(leaf, Proxy) for leaf in leaves_of(value))


def _install(name: str, reflected: bool) -> None:
    function = getattr(operator, name)
    method = f"__{name.strip('_')}__"

    def forwards(self: Proxy, *others: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (self, *others), {})

    def backwards(self: Proxy, other: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (other, self), {})

    setattr(Proxy, method, forwards)
    if reflected:
        setattr(Proxy, f"__r{method[2:]}", backwards)


for _name in ("add sub mul truediv floordiv mod pow matmul lshift rshift and_ or_ xor").split():
    _install(_name, reflected=True)
for _name in ("eq ne lt gt le ge neg pos invert abs getitem").split():
    _install(_name, reflected=False)
