"""Running a graph node by node, with a method for each kind of node to override."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rushlight.fx._symbolic_trace import Tracer
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node, Target, map_arg
from rushlight.fx.proxy import Proxy
from rushlight.nn.modules.module import Module

__all__ = ["Interpreter", "Transformer"]


class Interpreter:
    """Runs the graph of `module` node by node; subclasses change what a kind of node does.

    garbage_collect_values: forget a value when no later node takes it.

    >>> import rushlight as rl
    >>> from rushlight import fx
    >>> class Loud(fx.Interpreter):
    ...     def call_function(self, target, args, kwargs):
    ...         print(target.__name__)
    ...         return super().call_function(target, args, kwargs)
    >>> Loud(fx.symbolic_trace(lambda x: rl.relu(x))).run(rl.ones(1))
    relu
    tensor([1.])
    """

    def __init__(self, module: Module, garbage_collect_values: bool = True,
                 graph: Graph | None = None) -> None:
        if graph is None and not isinstance(module, GraphModule):
            raise ValueError(f"{type(self).__name__} needs a GraphModule, or a graph, got "
                             f"{type(module).__name__}: trace it with fx.symbolic_trace")
        self.module = module
        self.graph: Graph = module.graph if graph is None else graph
        self.env: dict[Node, Any] = {}
        self.garbage_collect_values = garbage_collect_values
        self.name = type(self).__name__
        self.args_iter: Iterator[Any] = iter(())

    def run(self, *args: Any, initial_env: dict[Node, Any] | None = None,
            enable_io_processing: bool = True) -> Any:
        """What the program returns for `args`. initial_env: values of nodes known already."""
        self.env = dict(initial_env or {})
        self.args_iter = iter(args)
        last: dict[Node, Node] = {}
        for node in self.graph.nodes:
            last.update(dict.fromkeys(node.all_input_nodes, node))
        for node in self.graph.nodes:
            if node in self.env:
                continue
            self.env[node] = self.run_node(node)
            if node.op == "output":
                return self.env[node]
            if self.garbage_collect_values:
                for other in node.all_input_nodes:
                    if last[other] is node:
                        self.env.pop(other, None)
        return None

    def run_node(self, n: Node) -> Any:
        """The value of one node."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return getattr(self, n.op)(n.target, args, kwargs)

    def placeholder(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The next argument of `run`, or the default."""
        if isinstance(target, str) and target.startswith("*"):
            return list(self.args_iter)
        try:
            return next(self.args_iter)
        except StopIteration:
            if args:
                return args[0]
            raise RuntimeError("Expected positional argument for parameter "
                               f"{target}, but one was not passed in!") from None

    def get_attr(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What lies at the path `target` of the module."""
        return self.fetch_attr(str(target))

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a function returns."""
        return target(*args, **kwargs)

    def call_method(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the method `target` of args[0] returns."""
        return getattr(args[0], str(target))(*args[1:], **kwargs)

    def call_module(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the submodule at the path `target` returns."""
        return self.fetch_attr(str(target))(*args, **kwargs)

    def output(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the program returns."""
        return args[0]

    def fetch_attr(self, target: str) -> Any:
        """What lies at the path `target` of the module."""
        value: Any = self.module
        for part in target.split("."):
            if not hasattr(value, part):
                raise RuntimeError(f"Node referenced nonexistent target {target}")
            value = getattr(value, part)
        return value

    def fetch_args_kwargs_from_env(self, n: Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a node, with values in place of nodes."""
        return self.map_nodes_to_values(n.args, n), self.map_nodes_to_values(n.kwargs, n)

    def map_nodes_to_values(self, args: Any, n: Node) -> Any:
        """`args` with values in place of nodes."""
        def value(node: Node) -> Any:
            if node not in self.env:
                raise RuntimeError(f"Node {n} referenced nonexistent value {node}! Run "
                                   "Graph.lint() to diagnose such issues")
            return self.env[node]

        return map_arg(args, value)


class Transformer(Interpreter):
    """Makes another graph, node by node; subclasses return proxies of what stands for a node."""

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.new_graph = Graph()
        self.tracer = _Following(self.new_graph, module)

    def placeholder(self, target: Target, args: tuple[Any, ...],
                    kwargs: dict[str, Any]) -> Proxy:
        """A proxy of the same argument."""
        made = self.new_graph.placeholder(str(target),
                                          default_value=args[0] if args else ...)
        return Proxy(made, self.tracer)

    def get_attr(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Proxy:
        """A proxy of the same attribute."""
        return self.tracer.create_proxy("get_attr", target, args, kwargs)

    def call_module(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A proxy of what the same module gives."""
        return self.tracer.call_module(self.fetch_attr(str(target)), lambda: None, args, kwargs)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A proxy of what the same function gives."""
        return self.tracer.create_proxy("call_function", target, args, kwargs)

    def transform(self) -> GraphModule:
        """The module with the new graph."""
        result = super().run(enable_io_processing=False)
        if result is not None:
            self.new_graph.output(map_proxies(result))
        return GraphModule(self.module, self.new_graph)

    def run_node(self, n: Node) -> Any:
        """The proxy that stands for a node."""
        if n.op == "placeholder":
            return self.placeholder(n.target, n.args, n.kwargs)
        result = super().run_node(n)
        if isinstance(result, Proxy):
            result.node.meta.update(n.meta)
        return result


class _Following(Tracer):
    """Puts nodes into a graph that is being made."""

    def __init__(self, graph: Graph, module: Module) -> None:
        super().__init__()
        self.graph, self.root = graph, module
        self.submodule_paths = {id(m): path for path, m in module.named_modules()}

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        return True


def map_proxies(value: Any) -> Any:
    """`value` with the nodes of proxies in their place."""
    if isinstance(value, Proxy):
        return value.node
    if isinstance(value, tuple | list):
        items = [map_proxies(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: map_proxies(item) for key, item in value.items()}
    return value
