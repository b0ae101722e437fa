"""A traced program as a list of nodes, which programs may change."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rushlight.fx import naming
from rushlight.fx.node import Node, Target, map_aggregate, map_arg
from rushlight.fx.writing import CodeGen, PythonCode
from rushlight.nn.modules.module import Module

__all__ = ["CodeGen", "Graph", "PythonCode"]


class Nodes:
    """The nodes of a graph in order. The graph may change while one walks along them."""

    def __init__(self, graph: Graph, direction: str = "_next") -> None:
        self._graph, self._direction = graph, direction

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Node]:
        root = self._graph._root
        node = getattr(root, self._direction)
        while node is not root:
            if not node._erased:
                yield node
            node = getattr(node, self._direction)

    def __reversed__(self) -> Nodes:
        return Nodes(self._graph, "_prev" if self._direction == "_next" else "_next")


class _Place:
    """Where new nodes go; as a context, the former place afterwards."""

    def __init__(self, graph: Graph, insert: Callable[[Node], None]) -> None:
        self._graph, self._before = graph, graph._insert
        graph._insert = insert

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        self._graph._insert = self._before


class Graph:
    """A program as nodes: arguments, calls, and an output.

    >>> import operator
    >>> import rushlight as rl
    >>> from rushlight import fx
    >>> graph = fx.Graph()
    >>> x = graph.placeholder("x")
    >>> out = graph.output(graph.call_function(operator.mul, (x, 2)))
    >>> fx.GraphModule(rl.nn.Module(), graph)(rl.ones(2))
    tensor([2., 2.])
    """

    def __init__(self, owning_module: Any = None, tracer_cls: Any = None,
                 tracer_extras: dict[str, Any] | None = None) -> None:
        self._root = Node(self, "", "root", "", (), {})
        self._insert: Callable[[Node], None] = self._root.prepend
        self._names = naming.Names()
        self._codegen = CodeGen()
        self.owning_module = owning_module
        self._tracer_cls = tracer_cls

    @property
    def nodes(self) -> Nodes:
        """All nodes in the order in which they run; `reversed` goes backwards."""
        return Nodes(self)

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """The nodes with this op and, if given, this target."""
        return [node for node in self.nodes
                if node.op == op and (target is None or node.target == target)]

    # ---- making nodes

    def create_node(self, op: str, target: Target, args: tuple[Any, ...] | None = None,
                    kwargs: dict[str, Any] | None = None, name: str | None = None,
                    type_expr: Any = None) -> Node:
        """A new node at the place where nodes go: the end, or inside `inserting_before`."""
        wish = name if name is not None else self._target_to_str(target)
        node = Node(self, self._names.create(wish), op, target, args or (), kwargs or {},
                    type_expr)
        self._insert(node)
        return node

    def _target_to_str(self, target: Target) -> str:
        return naming.wish_for(target)

    def placeholder(self, name: str, type_expr: Any = None, default_value: Any = ...) -> Node:
        """A node for an argument; `*name` and `**name` collect arguments."""
        args = () if default_value is ... else (default_value,)
        return self.create_node("placeholder", name, args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """A node for a parameter, buffer or constant, by its path."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(self, module_name: str, args: tuple[Any, ...] | None = None,
                    kwargs: dict[str, Any] | None = None, type_expr: Any = None) -> Node:
        """A node that calls the submodule at the path `module_name`."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args: tuple[Any, ...] | None = None,
                    kwargs: dict[str, Any] | None = None, type_expr: Any = None) -> Node:
        """A node that calls a method of args[0]."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(self, the_function: Callable[..., Any],
                      args: tuple[Any, ...] | None = None, kwargs: dict[str, Any] | None = None,
                      type_expr: Any = None, name: str | None = None) -> Node:
        """A node that calls a function."""
        return self.create_node("call_function", the_function, args, kwargs, name, type_expr)

    def output(self, result: Any, type_expr: Any = None) -> Node:
        """The node that returns `result`, a node or nodes in tuples, lists and dicts."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def output_node(self) -> Node:
        """The last node, which returns."""
        return self._root.prev

    def node_copy(self, node: Node,
                  arg_transform: Callable[[Node], Any] = lambda node: node) -> Node:
        """A copy of another graph's node; arg_transform gives the node here for one there."""
        made = self.create_node(node.op, node.target, map_arg(node.args, arg_transform),
                                map_arg(node.kwargs, arg_transform), node.name, node.type)
        made.meta = copy.copy(node.meta)
        return made

    def graph_copy(self, g: Graph, val_map: dict[Node, Any],
                   return_output_node: bool = False) -> Any:
        """Copy all nodes of `g`; returns what its output returns, as nodes here.

        val_map: nodes here for nodes of `g`; it is filled. return_output_node: also `g`'s output.
        """
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                result = map_arg(node.args[0], lambda n: val_map[n])
                return (result, node) if return_output_node else result
            val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    # ---- changing

    def inserting_before(self, n: Node | None = None) -> _Place:
        """From now on, or in a `with`, new nodes go before `n`; None: to the beginning."""
        return _Place(self, self._root.append if n is None else self._own(n).prepend)

    def inserting_after(self, n: Node | None = None) -> _Place:
        """From now on, or in a `with`, new nodes go behind `n`; None: to the end."""
        last = [self._root.prev if n is None else self._own(n)]

        def insert(node: Node) -> None:
            last[0].append(node)
            last[0] = node

        return _Place(self, insert)

    def _own(self, node: Node) -> Node:
        if node.graph is not self:
            raise AssertionError(f"Node to insert at, {node}, is not in graph.")
        return node

    def erase_node(self, to_erase: Node) -> None:
        """Remove a node. Raises RuntimeError while others take its value."""
        if to_erase.users:
            raise RuntimeError(f"Tried to erase Node {to_erase} but it still had "
                               f"{len(to_erase.users)} users in the graph: {to_erase.users}!")
        if to_erase._erased or to_erase.graph is not self:
            return
        to_erase._unlink()
        to_erase._erased = True
        to_erase._take((), {})

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Remove the nodes whose values nobody takes; returns whether there were any."""
        impure = is_impure_node or Node.is_impure
        before = len(self.nodes)
        for node in reversed(self.nodes):
            if not node.users and not impure(node):
                self.erase_node(node)
        return len(self.nodes) < before

    # ---- checking and writing

    def lint(self) -> None:
        """Raise RuntimeError where a node stands before a value that it takes, or is foreign."""
        seen: set[Node] = set()
        names: set[str] = set()
        for node in self.nodes:
            if node.graph is not self:
                raise RuntimeError(f"Node '{node}' does not belong to this Graph!")
            for other in node.all_input_nodes:
                if other.graph is not self:
                    raise RuntimeError(f"Argument '{other}' of Node '{node}' does not belong to "
                                       "this Graph, but was used as an argument!")
                if other not in seen:
                    raise RuntimeError(f"Argument '{other}' of Node '{node}' was used before it "
                                       "has been defined! Please check that Nodes in the graph "
                                       f"are topologically ordered\n{self}")
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            seen.add(node)
            names.add(node.name)
            if self.owning_module is not None and node.op in ("get_attr", "call_module"):
                self._look_up(node)

    def _look_up(self, node: Node) -> None:
        value = self.owning_module
        for part in str(node.target).split("."):
            if not hasattr(value, part):
                raise AttributeError(f"{type(value).__name__} has no attribute `{part}`: node "
                                     f"{node} wants {node.target!r}")
            value = getattr(value, part)
        if node.op == "call_module" and not isinstance(value, Module):
            raise RuntimeError(f"Node {node} target {node.target} is a {type(value).__name__}, "
                               "not a Module")

    def python_code(self, root_module: str, **options: Any) -> PythonCode:
        """The program as Python: `src`, and the `globals` that it needs."""
        return self._codegen.write(self, root_module)

    def set_codegen(self, codegen: CodeGen) -> None:
        """Let `codegen` write the program."""
        self._codegen = codegen

    def print_tabular(self) -> None:
        """Print the nodes as a table."""
        head = ["opcode", "name", "target", "args", "kwargs"]
        rows = [[n.op, n.name, str(n.target), str(n.args), str(n.kwargs)] for n in self.nodes]
        widths = [max(len(column[0]) + 2, *map(len, column[1:]))
                  for column in zip(head, *rows, strict=True)]
        for row in (head, ["-" * width for width in widths], *rows):
            cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())

    def __str__(self) -> str:
        lines = [f"\n    {node.format_node()}" for node in self.nodes]
        return f"graph():{''.join(lines)}"

    # ---- copies

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Graph:
        made = Graph(tracer_cls=self._tracer_cls)
        memo = {} if memo is None else memo
        memo[id(self)] = made
        made._fill(_steps(self.nodes))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (_steps(self.nodes), self._tracer_cls)

    def _fill(self, steps: Iterable[tuple[Any, ...]]) -> None:
        made: dict[str, Node] = {}

        def known(value: Any) -> Any:
            return made[value.name] if isinstance(value, _Reference) else value

        for op, name, target, args, kwargs, kind, meta in steps:
            node = Node(self, name, op, target, map_aggregate(args, known),
                        map_aggregate(kwargs, known), kind)
            node.meta = dict(meta)
            self._names.take(name)
            self._insert(node)
            made[name] = node


class _Reference:
    """A node, by name, in a graph that is written down: a chain of nodes would go too deep."""

    def __init__(self, name: str) -> None:
        self.name = name


def _steps(nodes: Iterable[Node]) -> list[tuple[Any, ...]]:
    def named(node: Node) -> _Reference:
        return _Reference(node.name)

    return [(node.op, node.name, node.target, map_arg(node.args, named),
             map_arg(node.kwargs, named), node.type, node.meta) for node in nodes]


def _rebuilt(steps: list[tuple[Any, ...]], tracer_cls: Any) -> Graph:
    graph = Graph(tracer_cls=tracer_cls)
    graph._fill(steps)
    return graph
