"""What pointwise ops leave in the graph: the source that records a call, and nodes' backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.copies import distinct
from rushlight.base.errors import user_site
from rushlight.base.flags import flags, tracing
from rushlight.engine.node import LEAF, Node, changed, freed, next_sequence
from rushlight.families import pointwise_general as general
from rushlight.families.broadcast import sum_to
from rushlight.families.declaration import node_name
from rushlight.families.inplace import wrote
from rushlight.families.kernels import LARGE, number
from rushlight.families.saved_values import attributes
from rushlight.families.source import compile_function
from rushlight.tensor import Parameter, Tensor

ENVIRONMENT: dict[str, Any] = {
    "Tensor": Tensor, "Parameter": Parameter, "new": object.__new__, "flags": flags,
    "tracing": tracing, "LEAF": LEAF, "LARGE": LARGE, "next_sequence": next_sequence,
    "sum_to": sum_to, "changed": changed, "freed": freed, "number": number,
    "user_site": user_site, "wrote": wrote, "distinct": distinct,
    "apply": general.apply, "apply_in_place": general.apply_in_place,
    "differentiable_gradients": general.differentiable_gradients, "ndarray": np.ndarray,
    "generic": np.generic,
    "FLOATING": frozenset(np.dtype(t) for t in (np.float32, np.float64)), "int64": np.dtype("i8"),
    "boolean": np.dtype("?"),
}


def record_lines(variant: Any, first: str, environment: dict[str, Any],
                 in_place: bool = False) -> list[str]:
    """Source that records `result`: its node, the node's edges and saved values.

    first: the operand that is a tensor for certain; the others say in `tensor_{name}`.
    in_place: the result lies in `array`, where `first` was; `array_{first}` is a copy of that if
    the gradient reads it.
    """
    environment["NodeClass"] = variant.node_class
    names = variant.names
    targets = [f"{n} if edge_{n} is LEAF else edge_{n}" for n in variant.differentiable]
    lines = [f"node = {'' if in_place else 'result._node = '}new(NodeClass)",
             "node._sequence = next_sequence()",
             f"node.edges = ({', '.join(targets)},)"]
    others = [n for n in names if n != first]
    if others:  # a number broadcasts, but needs no gradient
        same = " and ".join(f"(not tensor_{n} or array_{first}.shape == array_{n}.shape)"
                            for n in others if n not in variant.op.scalars) or "True"
        shapes = ", ".join(f"array_{n}.shape" for n in names)
        lines.append(f"shapes = None if {same} else ({shapes},)")
    saved = ["shapes" if others else "None"]
    for name in variant.saves:
        readers = [f"edge_{variant.differentiable[i]}" for i in variant.readers(name)]
        lines += _save_lines(variant, name, name == first, readers, in_place)
        saved += [f"kept_{name}", f"version_{name}", f"count_{name}"]
    lines += [f"node.saved = ({', '.join(saved)},)",
              "if tracing and flags.anomaly:", "    node.site = user_site()"]
    return lines


def _save_lines(variant: Any, name: str, certain: bool, readers: list[str],
                in_place: bool) -> list[str]:
    """Source that keeps one value and its version, if a gradient that is needed reads it."""
    value = "array" if name == "output" else f"array_{name}"
    lines = [f"kept_{name} = {value}"]
    version = [f"version_{name} = {name}._writes",
               f"if version_{name} is None:",
               f"    version_{name} = {name}._writes = [0, None, None]",
               f"count_{name} = version_{name}[0]"]
    if name == "output" and in_place:
        version = ["version_output = version", "count_output = version[0] + 1"]
    elif name == "output":
        version = ["version_output = result._writes = [0, None, None]", "count_output = 0"]
    elif certain and in_place:
        version = [f"version_{name} = [0, None, None]", f"count_{name} = 0"]  # of the copy
    elif name in variant.op.scalars:
        version = [f"version_{name} = count_{name} = None"]
    elif not certain:
        version = [f"if tensor_{name}:", *("    " + line for line in version), "else:",
                   f"    version_{name} = count_{name} = None"]
    lines += version
    if len(variant.differentiable) == 1:
        return lines
    needed = " or ".join(f"{e} is not None" for e in readers)
    return [f"if {needed}:", *("    " + line for line in lines), "else:",
            f"    kept_{name} = version_{name} = count_{name} = None"]


def node_class(variant: Any) -> type[Node]:
    """The class of nodes that record `variant`, with its backward as flat source."""
    name = node_name(variant.op.name)
    environment = {**ENVIRONMENT, "variant": variant}
    saves = variant.saves
    unpack = "".join(f", array_{n}, version_{n}, count_{n}" for n in saves)
    lines = ["def backward(self, gradient, create):",
             "    saved = self.saved",
             "    if saved is None:",
             "        raise freed(self)",
             f"    shapes{unpack or ','} = saved"]
    for n in saves:
        lines += [f"    if version_{n} is not None and version_{n}[0] != count_{n}:",
                  f"        raise changed(self, version_{n}, count_{n})"]
    lines += ["    if create:",
              "        return differentiable_gradients(variant, self, gradient)",
              "    array_gradient = gradient._array",
              "    big = array_gradient.size >= LARGE"]
    if len(variant.differentiable) > 1:
        lines.append("    edges = self.edges")
    results = []
    for i, operand in enumerate(variant.differentiable):
        results.append(f"result{i}")
        lines += _gradient_lines(variant, i, operand, environment)
    lines.append(f"    return ({', '.join(results)},)")
    backward = compile_function("backward", "\n".join(lines) + "\n", environment,
                                f"{variant.op.body.__module__}.{name}")
    return type(name, (Node,), {"__slots__": (), "backward": backward, "variant": variant,
                                "keeps_tensors": any(n not in variant.op.scalars for n in saves),
                                "__module__": variant.op.body.__module__, **attributes(saves)})


def _gradient_lines(variant: Any, i: int, operand: str, environment: dict[str, Any]) -> list[str]:
    gradient = variant.gradients[operand]
    if gradient is None:
        return [f"    result{i} = None"]
    guard = f"    if edges[{i}] is None:" if len(variant.differentiable) > 1 else "    if False:"
    lines = [guard, f"        result{i} = None"]
    at = variant.names.index(operand)
    many = len(variant.names) > 1
    reduce_to = f"shapes[{at}]"
    if gradient.passes:
        lines += ["    else:", f"        result{i} = gradient"]
        if many:
            lines += [f"        if shapes is not None and array_gradient.shape != {reduce_to}:",
                      f"            result{i} = new(Tensor)",
                      f"            result{i}._array = sum_to(array_gradient, {reduce_to})",
                      f"            result{i}._node = result{i}._writes = None",
                      f"            result{i}._view = None"]
        return lines
    environment[f"small{i}"], environment[f"large{i}"] = gradient.small, gradient.large
    arguments = ", ".join(f"array_{n}" for n in gradient.names)
    source = f"array_{operand}" if variant.op.result == "real" else "array_gradient"
    lines += ["    else:",
              f"        kernel = (large{i} if big else small{i})[{source}.dtype]",
              f"        result{i} = new(Tensor)",
              f"        array = kernel({arguments})",
              "        if type(array) is not ndarray:",
              f"            array = kernel({arguments}, out=...)"]
    if many:
        lines += ["        if shapes is not None:",
                  f"            array = sum_to(array, {reduce_to})"]
    lines += [f"        result{i}._array = array",
              f"        result{i}._node = result{i}._writes = result{i}._view = None"]
    return lines
