"""Noting the shape and dtype of every value of a program, by running it once."""

from __future__ import annotations

from typing import Any, NamedTuple

from rushlight.base.dtypes import dtype
from rushlight.base.shapes import Size
from rushlight.fx.interpreter import Interpreter
from rushlight.fx.node import Node, map_aggregate
from rushlight.tensor import Tensor

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What is known of a tensor without its numbers."""

    shape: Size
    dtype: dtype
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: Any
    is_quantized: bool
    qparams: dict[str, Any]


def _described(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return TensorMetadata(value.shape, value.dtype, value.requires_grad, value.stride(), None,
                          False, {})


class ShapeProp(Interpreter):
    """Runs a program; each node's `meta["tensor_meta"]` then says what its value was like.

    >>> import rushlight as rl
    >>> from rushlight import fx
    >>> from rushlight.fx.passes.shape_prop import ShapeProp
    >>> traced = fx.symbolic_trace(lambda x: x.sum(dim=0))
    >>> ShapeProp(traced).propagate(rl.ones(2, 3))
    tensor([2., 2., 2.])
    >>> [tuple(node.meta["tensor_meta"].shape) for node in traced.graph.nodes]
    [(2, 3), (3,), (3,)]
    """

    def run_node(self, n: Node) -> Any:
        """The value of a node, whose description is noted."""
        result = super().run_node(n)
        held: list[Tensor] = []
        map_aggregate(result, lambda v: held.append(v) if isinstance(v, Tensor) else None)
        if held:
            n.meta["tensor_meta"] = map_aggregate(result, _described)
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args: Any) -> Any:
        """Run the program on `args`; returns what it returns."""
        return super().run(*args)
