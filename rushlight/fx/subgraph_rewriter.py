"""Finding a pattern of nodes in a program, and putting others in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rushlight.fx._symbolic_trace import symbolic_trace
from rushlight.fx.graph import Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.node import Node

__all__ = ["Match", "replace_pattern"]


class Match(NamedTuple):
    """Where a pattern was found: its last node there, and the node there for each of its own."""

    anchor: Node
    nodes_map: dict[Node, Any]


def replace_pattern(gm: GraphModule, pattern: Callable[..., Any] | GraphModule,
                    replacement: Callable[..., Any] | GraphModule) -> list[Match]:
    """Put `replacement` in the place of every `pattern` in the program of `gm`, and recompile.

    Both are functions or modules with the same arguments. A match is found by what is computed
    from what, not by names; matches do not overlap, and nothing but the result of a pattern may be
    taken elsewhere. Returns the matches.

    >>> import rushlight as rl
    >>> from rushlight import fx
    >>> traced = fx.symbolic_trace(lambda x: rl.neg(x) + 1)
    >>> matches = fx.replace_pattern(traced, lambda a: rl.neg(a), lambda a: a * 3)
    >>> traced(rl.ones(1))
    tensor([4.])
    """
    wanted, instead = _graph(pattern), _graph(replacement)
    inputs = [node for node in wanted.nodes if node.op == "placeholder"]
    new_inputs = [node for node in instead.nodes if node.op == "placeholder"]
    if len(inputs) != len(new_inputs):
        raise ValueError(f"replace_pattern(): the pattern takes {len(inputs)} arguments, the "
                         f"replacement {len(new_inputs)}")
    last = wanted.output_node().args[0]
    if not isinstance(last, Node):
        raise NotImplementedError("replace_pattern(): a pattern must return one value")
    matches = _matches(gm.graph, last)
    moved: dict[Node, Any] = {}
    for match in matches:
        known = {new: moved.get(match.nodes_map[old], match.nodes_map[old])
                 for old, new in zip(inputs, new_inputs, strict=True) if old in match.nodes_map}
        first = next((n for n in gm.graph.nodes if n in match.anchor.users), match.anchor)
        with gm.graph.inserting_before(first):
            result = gm.graph.graph_copy(instead, known)
        match.anchor.replace_all_uses_with(result)
        moved[match.anchor] = result
        for node in reversed([n for n in wanted.nodes if n.op not in ("placeholder", "output")]):
            if node in match.nodes_map:
                gm.graph.erase_node(match.nodes_map[node])
    gm.recompile()
    return matches


def _graph(program: Callable[..., Any] | GraphModule) -> Graph:
    return program.graph if isinstance(program, GraphModule) else symbolic_trace(program).graph


def _matches(graph: Graph, last: Node) -> list[Match]:
    found: list[Match] = []
    taken: set[Node] = set()
    for anchor in graph.nodes:
        nodes: dict[Node, Any] = {}
        if not _same(last, anchor, nodes):
            continue
        inner = {node for part, node in nodes.items() if part.op != "placeholder"}
        leaks = any(user not in inner for node in inner if node is not anchor
                    for user in node.users)
        if not leaks and taken.isdisjoint(inner):
            found.append(Match(anchor, nodes))
            taken |= inner
    return found


def _same(part: Any, node: Any, nodes: dict[Node, Any]) -> bool:
    """Whether `node` computes what `part` of the pattern does; notes which stands for which."""
    if not isinstance(part, Node):
        if isinstance(part, tuple | list):
            return (isinstance(node, tuple | list) and len(part) == len(node)
                    and all(_same(p, n, nodes) for p, n in zip(part, node, strict=True)))
        if isinstance(part, dict):
            return (isinstance(node, dict) and part.keys() == node.keys()
                    and all(_same(part[key], node[key], nodes) for key in part))
        if isinstance(part, slice):
            return isinstance(node, slice) and _same((part.start, part.stop, part.step),
                                                     (node.start, node.stop, node.step), nodes)
        return not isinstance(node, Node) and type(part) is type(node) and part == node
    if part in nodes:
        return nodes[part] is node
    if part.op == "placeholder":
        nodes[part] = node
        return True
    if not isinstance(node, Node) or (part.op, part.target) != (node.op, node.target):
        return False
    nodes[part] = node
    return _same(part.args, node.args, nodes) and _same(part.kwargs, node.kwargs, nodes)
