"""The flat Python of pointwise ops: eager wrappers and the backward of their nodes, as source.

A wrapper tests for the common case (exact tensor types, one dtype that the kernel takes as it
is), calls the kernel and records; every other case goes to `pointwise_general`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base.errors import user_site
from rushlight.base.flags import flags
from rushlight.engine.node import LEAF, Node, changed, freed, next_sequence
from rushlight.families import pointwise_general as general
from rushlight.families.broadcast import sum_to
from rushlight.families.kernels import LARGE, number
from rushlight.families.source import compile_function, lazy_function
from rushlight.tensor import Parameter, Tensor

ENVIRONMENT: dict[str, Any] = {
    "Tensor": Tensor, "Parameter": Parameter, "new": object.__new__, "flags": flags,
    "LEAF": LEAF, "LARGE": LARGE, "next_sequence": next_sequence, "sum_to": sum_to,
    "changed": changed, "freed": freed, "number": number, "user_site": user_site,
    "apply": general.apply, "apply_in_place": general.apply_in_place,
    "differentiable_gradients": general.differentiable_gradients, "ndarray": np.ndarray,
    "FLOATING": frozenset(np.dtype(t) for t in (np.float32, np.float64)), "int64": np.dtype("i8"),
}


def wrapper(op: Any, name: str, form: str = "function") -> Any:
    """The eager function of a pointwise op; its source is written on first call.

    form: "function", "switched" (with an inplace= parameter), "operator", "reflected" (operands
    exchanged), "in-place" or "in-place operator".
    """
    return lazy_function(name, op.body.__module__, lambda: _write(op, name, form))


def _write(op: Any, name: str, form: str) -> tuple[str, dict[str, Any]]:
    names = op.operands
    reflected = form == "reflected"
    environment = {**ENVIRONMENT, "op": op}
    if form == "function":
        head = _signature(op, out=True)
        fast = _defaults_test(op, environment)
        slow = f"apply(op, {_arguments(op)}, out=out)"
    elif form == "switched":
        head = _signature(op, out=False) + ", inplace=False"
        fast = " and ".join(["not inplace", *_defaults_test(op, environment).split(" and ")[1:]])
        slow = f"(apply_in_place if inplace else apply)(op, {_arguments(op)})"
    elif form == "in-place":
        head, fast = _signature(op, out=False), None
        slow = f"apply_in_place(op, {_arguments(op)})"
    elif form == "in-place operator":
        head, fast = ", ".join(names), None
        slow = "apply_in_place(op, " + _dict(names) + ")"
    else:
        head, fast = ", ".join(reversed(names) if reflected else names), "True"
        slow = "apply(op, " + _dict(names) + ")"
    lines = [f"def {name}({head}):"]
    if form in ("operator", "reflected", "in-place operator"):
        other = names[0] if reflected else names[1]
        slow_guard = f"    if not isinstance({other}, (Tensor, int, float, complex, ndarray)) " \
                     f"and not hasattr({other}, '__torch_function__'):\n" \
                     f"        return general_unsupported({other})"
        environment["general_unsupported"] = general.unsupported_operand
    else:
        slow_guard = None
    if fast is not None:
        lines += _fast_path(op, fast, numbers=form not in ("function", "switched") and len(names) == 2,
                            reflected=reflected, environment=environment)
    if slow_guard:
        lines.append(slow_guard)
    lines.append(f"    return {slow}")
    return "\n".join(lines) + "\n", environment


def _signature(op: Any, out: bool) -> str:
    """The parameters as torch's users see them."""
    parts, keyword_only = [], False
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        parts.append(p.name if p.default is p.empty else f"{p.name}={p.default!r}")
    if out:
        parts += [] if keyword_only else ["*"]
        parts.append("out=None")
    return ", ".join(parts)


def _dict(names: Any) -> str:
    return "{" + ", ".join(f"{n!r}: {n}" for n in names) + "}"


def _arguments(op: Any) -> str:
    return _dict(op.signature.parameters)


def _defaults_test(op: Any, environment: dict[str, Any]) -> str:
    """The condition under which the plain variant applies."""
    tests = ["out is None"]
    for name, default in op.defaults.items():
        environment[f"default_{name}"] = default
        tests.append(f"{name} is default_{name}")
    return " and ".join(tests)


def _fast_path(op: Any, test: str, numbers: bool, reflected: bool,
               environment: dict[str, Any]) -> list[str]:
    plain = op.plain
    names = plain.names
    if not names or len(names) > 3 or "condition" in names:
        return []  # those go the general way
    arrays = [f"array{i}" for i in range(len(names))]
    environment.update(small=plain.small, large=plain.large)
    first = names[1] if reflected else names[0]
    lines = [f"    if {test}:" if test != "True" else "    if True:"]
    if numbers:
        other = names[0] if reflected else names[1]
        lines += _load_with_number(first, other, names, arrays)
    else:
        tests = " and ".join(f"(type({n}) is Tensor or type({n}) is Parameter)" for n in names)
        lines += [f"        if {tests}:"]
        lines += [f"            {a} = {n}._array" for a, n in zip(arrays, names, strict=True)]
        same = " and ".join(f"array0.dtype is {a}.dtype" for a in arrays[1:]) or "True"
        lines += [f"            fits = {same}", "        else:", "            fits = False"]
    lines += [
        "        if fits:",
        "            kernel = (small if array0.size < LARGE else large)[array0.dtype]",
        "            if kernel is not None:",
        "                try:",
        f"                    array = kernel({', '.join(arrays)}, out=...)",
        "                except (ValueError, FloatingPointError):",  # the general way explains
        "                    return apply(op, " + _dict(op.operands) + ")",
        "                result = new(Tensor)",
        "                result._array = array",
        "                result._version = result._view = None",
    ]
    edges = [f"edge{i}" for i in range(len(names))]
    for e, n in zip(edges, names, strict=True):
        is_other = numbers and n != first
        lines.append(f"                {e} = " + (
            f"{n}._node if tensor else None" if is_other else f"{n}._node"))
    if plain.boolean or all(g is None for g in plain.gradients.values()):
        lines += ["                result._node = None", "                return result"]
        return lines
    nothing = " and ".join(f"{e} is None" for e in edges)
    lines += [
        f"                if ({nothing}) or not flags.grad_enabled:",
        "                    result._node = None",
        "                    return result",
    ]
    lines += ["                " + line for line in record_lines(plain, arrays, edges,
                                                                numbers and first, environment)]
    lines += ["                return result"]
    return lines


def _load_with_number(first: str, other: str, names: Any, arrays: list[str]) -> list[str]:
    a, b = (arrays[list(names).index(n)] for n in (first, other))
    return [
        f"        kind = type({other})",
        f"        {a} = {first}._array",
        f"        fits = type({first}) is Tensor or type({first}) is Parameter",
        "        if kind is Tensor or kind is Parameter:",
        f"            tensor, {b} = True, {other}._array",
        f"            fits = fits and {a}.dtype is {b}.dtype",
        "        elif kind is float or kind is int:",
        "            tensor = False",
        f"            fits = fits and ({a}.dtype in FLOATING or "
        f"(kind is int and {a}.dtype is int64))",
        "            if fits:",
        f"                {b} = number({other}, {a}.dtype)",
        "        else:",
        "            fits = False",
    ]


def record_lines(variant: Any, arrays: list[str], edges: list[str], mixed: str | bool,
                 environment: dict[str, Any]) -> list[str]:
    """Source that records `result`: its node, the node's edges and saved values."""
    environment["NodeClass"] = variant.node_class
    names = variant.names
    lines = ["node = result._node = new(NodeClass)", "node._sequence = next_sequence()"]
    targets = []
    for e, n in zip(edges, names, strict=True):
        if n in variant.differentiable:
            targets.append(f"{n} if {e} is LEAF else {e}")
    lines.append(f"node.edges = ({', '.join(targets)},)")
    if len(names) > 1:
        shapes = ", ".join(f"{a}.shape" for a in arrays)
        same = " and ".join(f"array0.shape == {a}.shape" for a in arrays[1:])
        if mixed:  # a number broadcasts, but needs no gradient
            same = f"not tensor or {same}"
        lines.append(f"shapes = None if {same} else ({shapes},)")
    else:
        lines.append("shapes = None")
    saved = ["shapes"]
    edge_numbers = [edges[names.index(n)] for n in variant.differentiable]
    for name in variant.saves:
        readers = [edge_numbers[i] for i in variant.readers(name)]
        value = "array" if name == "output" else arrays[names.index(name)]
        lines += _save_lines(name, value, readers, len(edge_numbers) > 1,
                             bool(mixed) and name not in (mixed, "output"))
        saved += [f"kept_{name}", f"version_{name}", f"count_{name}"]
    lines.append(f"node.saved = ({', '.join(saved)},)")
    lines += ["if flags.anomaly:", "    node.site = user_site()"]
    return lines


def _save_lines(name: str, value: str, readers: list[str], conditional: bool,
                maybe_number: bool) -> list[str]:
    """Source that keeps one value and its version, if a gradient that is needed reads it."""
    lines = [f"kept_{name} = {value}"]
    if name == "output":
        lines += ["version_output = result._version = [0, None, None]", "count_output = 0"]
    else:
        version = [f"version_{name} = {name}._version",
                   f"if version_{name} is None:",
                   f"    version_{name} = {name}._version = [0, None, None]",
                   f"count_{name} = version_{name}[0]"]
        if maybe_number:
            version = ["if tensor:", *("    " + line for line in version), "else:",
                       f"    version_{name} = count_{name} = None"]
        lines += version
    if not conditional:
        return lines
    needed = " or ".join(f"{e} is not None" for e in readers)
    return [f"if {needed}:", *("    " + line for line in lines), "else:",
            f"    kept_{name} = version_{name} = count_{name} = None"]


def node_class(variant: Any) -> type[Node]:
    """The class of nodes that record `variant`, with its backward as flat source."""
    title = "".join(part.capitalize() for part in variant.op.name.strip("_").split("_"))
    name = f"{title}Backward0"
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
                                "__module__": variant.op.body.__module__})


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
                      f"            result{i}._node = result{i}._version = None",
                      f"            result{i}._view = None"]
        return lines
    environment[f"small{i}"], environment[f"large{i}"] = gradient.small, gradient.large
    arguments = ", ".join(f"array_{n}" for n in gradient.names)
    source = f"array_{operand}" if variant.op.result == "real" else "array_gradient"
    lines += ["    else:",
              f"        kernel = (large{i} if big else small{i})[{source}.dtype]",
              f"        result{i} = new(Tensor)",
              f"        array = kernel({arguments}, out=...)"]
    if many:
        lines += ["        if shapes is not None:",
                  f"            array = sum_to(array, {reduce_to})"]
    lines += [f"        result{i}._array = array",
              f"        result{i}._node = result{i}._version = result{i}._view = None"]
    return lines


