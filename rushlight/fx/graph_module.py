"""A module whose `forward` is written from a graph."""

from __future__ import annotations

import copy
import itertools
import linecache
from typing import Any

from rushlight.fx.graph import Graph
from rushlight.fx.writing import PythonCode
from rushlight.nn.modules.module import Module
from rushlight.tensor import Tensor

__all__ = ["GraphModule"]

_numbers = itertools.count()


class GraphModule(Module):
    """A graph as a module: it runs the program, and holds what the program takes by path.

    Args:
        root: the module that holds parameters and submodules, or a dict of them by path. What the
            graph names is shared with it, not copied.
        graph: the program. After changing it call `recompile`.
        class_name: how the module is called when printed.

    >>> import rushlight as rl
    >>> from rushlight import fx
    >>> traced = fx.symbolic_trace(lambda x: rl.cat([x, -x], dim=1))
    >>> print(traced.code.strip())
    def forward(self, x):
        neg = -x
        cat = torch.cat([x, neg], dim = 1);  x = neg = None
        return cat
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> GraphModule:
        # A class for each: `forward` is looked up on the class.
        base = next(kind for kind in cls.__mro__ if "_of_one_graph" not in vars(kind))
        made = type(cls.__name__, (base,), {"_of_one_graph": True, "__module__": cls.__module__,
                                            "__doc__": cls.__doc__})
        return super().__new__(made)

    def __init__(self, root: Module | dict[str, Any], graph: Graph,
                 class_name: str = "GraphModule") -> None:
        super().__init__()
        type(self).__name__ = class_name
        paths = [str(node.target) for node in graph.nodes if node.op in ("get_attr",
                                                                         "call_module")]
        if isinstance(root, Module):
            self.training = root.training
            for path in dict.fromkeys(paths):
                _put(self, path, _get(root, path))
        else:
            for path in paths:
                if path not in root:
                    raise RuntimeError(f"GraphModule: the graph names '{path}', which is not "
                                       f"among what it was given: {', '.join(root)}")
            for path in sorted(root, key=lambda p: p.count(".")):
                _put(self, path, root[path])
        self.graph = graph

    @property
    def graph(self) -> Graph:
        """The program. Assigning another compiles it."""
        found: Graph = self.__dict__["_graph"]
        return found

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if graph.owning_module not in (None, self):
            graph = copy.deepcopy(graph)
        graph.owning_module = self
        self.__dict__["_graph"] = graph
        self.recompile()

    @property
    def code(self) -> str:
        """The program as Python text."""
        text: str = self.__dict__["_code"]
        return text

    def recompile(self) -> PythonCode:
        """Write the program anew, after the graph was changed."""
        written = self.graph.python_code("self")
        self.__dict__["_code"] = written.src
        place = f"<eval_with_key>.{next(_numbers)}"
        names = dict(written.globals)
        exec(compile(written.body, place, "exec"), names)
        # So that tracebacks and debuggers show the lines.
        linecache.cache[place] = (len(written.body), None, written.body.splitlines(True), place)
        type(self).forward = names["forward"]  # type: ignore[method-assign]
        return written

    # ---- submodules

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put module `m` at the path `target`; False where something else is in the way."""
        try:
            _put(self, target, m)
        except (AttributeError, TypeError):
            return False
        return True

    def delete_submodule(self, target: str) -> bool:
        """Remove the module at the path `target`; False where there is none."""
        parent, _, last = target.rpartition(".")
        try:
            holder = self.get_submodule(parent)
        except AttributeError:
            return False
        if last not in holder._modules:
            return False
        del holder._modules[last]
        return True

    def delete_all_unused_submodules(self) -> None:
        """Remove the modules that the program does not call."""
        used = {str(node.target) for node in self.graph.nodes
                if node.op in ("call_module", "get_attr")}
        for path, _ in list(self.named_modules()):
            if path and not any(name == path or name.startswith(f"{path}.")
                                or path.startswith(f"{name}.") for name in used):
                self.delete_submodule(path)

    # ---- text and copies

    def print_readable(self, print_output: bool = True, **options: Any) -> str:
        """The program as the text of a class; printed, too, unless told otherwise."""
        body = self.graph.python_code("self").body.strip().replace("\n", "\n    ")
        text = f"class {type(self).__name__}(torch.nn.Module):\n    {body}\n"
        if print_output:
            print(text)
        return text

    def __str__(self) -> str:
        return (f"{super().__repr__()}\n{self.code}\n# To see more debug info, please use "
                "`graph_module.print_readable()`")

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphModule:
        return _rebuilt(copy.deepcopy(self._state(), memo), copy.deepcopy(self.graph, memo),
                        type(self).__name__)

    def __copy__(self) -> GraphModule:
        return _rebuilt(self._state(), copy.copy(self.graph), type(self).__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._state(), self.graph, type(self).__name__)

    def _state(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items()
                if name not in ("_graph", "_code")}


def _rebuilt(state: dict[str, Any], graph: Graph, class_name: str) -> GraphModule:
    holder = Module()
    vars(holder).update(state)
    made = GraphModule(holder, Graph(), class_name)
    vars(made).update(state)
    made.graph = graph
    return made


def _get(root: Module, path: str) -> Any:
    value: Any = root
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _put(root: Module, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        if not hasattr(root, part):
            root.add_module(part, Module())
        root = getattr(root, part)
    if type(value) is Tensor and last not in vars(root):
        root.register_buffer(last, value)
    else:
        setattr(root, last, value)
