"""Programs as graphs that can be read, changed and run: torch.fx."""

from rushlight.fx import passes
from rushlight.fx._symbolic_trace import Tracer, symbolic_trace, wrap
from rushlight.fx.graph import CodeGen, Graph
from rushlight.fx.graph_module import GraphModule
from rushlight.fx.interpreter import Interpreter, Transformer
from rushlight.fx.node import Node, has_side_effect, map_arg
from rushlight.fx.proxy import GraphAppendingTracer, Proxy, TraceError
from rushlight.fx.subgraph_rewriter import replace_pattern

__all__ = ["CodeGen", "Graph", "GraphAppendingTracer", "GraphModule", "Interpreter", "Node",
           "Proxy", "TraceError", "Tracer", "Transformer", "has_side_effect", "map_arg", "passes",
           "replace_pattern", "symbolic_trace", "wrap"]
