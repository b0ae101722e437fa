"""One step of a traced program: what is called, with which values of earlier steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rushlight.fx import naming

if TYPE_CHECKING:
    from rushlight.fx.graph import Graph

__all__ = ["Argument", "Node", "Target", "has_side_effect", "map_aggregate", "map_arg"]

Target = Callable[..., Any] | str
Argument = Any
OPCODES = ("placeholder", "call_method", "call_module", "call_function", "get_attr", "output",
           "root")
_side_effects: set[Any] = set()  # functions that are kept though nobody uses what they return


def has_side_effect(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function that `Graph.eliminate_dead_code` must keep; returns it."""
    _side_effects.add(fn)
    return fn


class Node:
    """A step of a `Graph`.

    op says what kind: "placeholder" (an argument, target its name, args its default), "get_attr"
    (a parameter by its path), "call_function", "call_module" (by its path), "call_method" (by its
    name, of args[0]) or "output". users holds the nodes that take this one's value.
    """

    def __init__(self, graph: Graph, name: str, op: str, target: Target, args: tuple[Any, ...],
                 kwargs: dict[str, Any], return_type: Any = None) -> None:
        if op not in OPCODES:
            raise ValueError(f"Node: unknown op {op!r}, expected one of {', '.join(OPCODES)}")
        if op == "call_function" and not callable(target):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target} has type "
                             f"{type(target).__name__} but a Callable is expected")
        self.graph, self.name, self.op, self.target = graph, name, op, target
        self.type = return_type
        self.meta: dict[str, Any] = {}
        self.users: dict[Node, None] = {}
        self._input_nodes: dict[Node, None] = {}
        self._args: Any = ()
        self._kwargs: Any = {}
        self._prev = self._next = self
        self._erased = False
        self.stack_trace: str | None = None
        self._take(args, kwargs)

    # ---- places and values

    @property
    def next(self) -> Node:
        """The node that follows in the graph."""
        return self._next

    @property
    def prev(self) -> Node:
        """The node before."""
        return self._prev

    @property
    def args(self) -> tuple[Any, ...]:
        """Positional arguments; nodes stand for their values. Assign a tuple to change them."""
        return self._args

    @args.setter
    def args(self, values: tuple[Any, ...]) -> None:
        self._take(values, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Any]:
        """Arguments by name. Assign a dict to change them."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, values: dict[str, Any]) -> None:
        self._take(self._args, values)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes whose values this one takes, each once."""
        return list(self._input_nodes)

    def _take(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for node in self._input_nodes:
            node.users.pop(self, None)
        self._input_nodes = {}

        def used(node: Node) -> Node:
            self._input_nodes[node] = None
            node.users[self] = None
            return node

        self._args = map_arg(tuple(args), used)
        self._kwargs = map_arg(dict(kwargs), used)

    def update_arg(self, idx: int, arg: Any) -> None:
        """Put `arg` at position `idx` of args."""
        args = list(self._args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Any) -> None:
        """Put `arg` before position `idx` of args."""
        self.args = (*self._args[:idx], arg, *self._args[idx:])

    def update_kwarg(self, key: str, arg: Any) -> None:
        """Set one argument by name."""
        self.kwargs = {**self._kwargs, key: arg}

    # ---- moving and replacing

    def prepend(self, x: Node) -> None:
        """Move `x`, a node of the same graph, before this one."""
        if self.graph is not x.graph:
            raise ValueError("prepend(): attempting to move a Node into a different Graph")
        if x is self:
            return
        x._unlink()
        before = self._prev
        before._next, x._prev, x._next, self._prev = x, before, self, x
        x._erased = False

    def append(self, x: Node) -> None:
        """Move `x`, a node of the same graph, behind this one."""
        if x is not self._next:
            self._next.prepend(x)

    def _unlink(self) -> None:
        # The way on is kept: who walks along the graph meanwhile finds the next node.
        self._prev._next, self._next._prev = self._next, self._prev

    def replace_all_uses_with(self, replace_with: Node,
                              delete_user_cb: Callable[[Node], bool] = lambda user: True, *,
                              propagate_meta: bool = False) -> list[Node]:
        """Let all nodes that take this one's value take that of `replace_with`; returns them.

        delete_user_cb says of a user whether it is to change; propagate_meta copies meta.
        """
        if propagate_meta:
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Take the value of `new_input` wherever that of `old_input` was taken."""
        def other(node: Node) -> Node:
            return new_input if node is old_input else node

        self._take(map_arg(self._args, other), map_arg(self._kwargs, other))

    def is_impure(self, impure_random: bool = True) -> bool:
        """Whether the node must stay though nobody takes its value."""
        if self.op in ("placeholder", "output"):
            return True
        if self.op == "call_function":
            inplace = getattr(self.target, "__name__", "")
            return self.target in _side_effects or (
                inplace.endswith("_") and not inplace.endswith("__"))
        if self.op == "call_method":
            return str(self.target).endswith("_") and not str(self.target).endswith("__")
        return False

    # ---- text

    def format_node(self, placeholder_names: list[str] | None = None,
                    maybe_return_typename: list[str] | None = None) -> str | None:
        """The node in a line, as `str(graph)` has it."""
        if self.op == "output":
            return f"return {self._args[0]}"
        head = f"%{self.name} : [num_users={len(self.users)}] = {self.op}"
        if self.op == "placeholder":
            default = f"(default={self._args[0]})" if self._args else ""
            return f"{head}[target={self.target}]{default}"
        target = self.target if isinstance(self.target, str) else naming.path_of(self.target)
        if self.op == "get_attr":
            return f"{head}[target={target}]"
        return (f"{head}[target={target}](args = {_shown(self._args)}, "
                f"kwargs = {_shown(self._kwargs)})")

    def __repr__(self) -> str:
        return self.name

    def __lt__(self, other: Node) -> bool:
        order = list(self.graph.nodes)
        return order.index(self) < order.index(other)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        items = ", ".join(map(_shown, value))
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    return f"%{value.name}" if isinstance(value, Node) else str(value)


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """`a` with every node inside tuples, lists, dicts and slices replaced by `fn` of it."""
    return map_aggregate(a, lambda value: fn(value) if isinstance(value, Node) else value)


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """`a` with every value inside tuples, lists, dicts and slices replaced by `fn` of it."""
    if isinstance(a, tuple):
        items = [map_aggregate(item, fn) for item in a]
        return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
    if isinstance(a, list):
        return [map_aggregate(item, fn) for item in a]
    if isinstance(a, dict):
        return {key: map_aggregate(item, fn) for key, item in a.items()}
    if isinstance(a, slice):
        return slice(*(map_aggregate(item, fn) for item in (a.start, a.stop, a.step)))
    return fn(a)
