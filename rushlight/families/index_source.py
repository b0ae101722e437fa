"""The flat Python of index ops: eager wrappers, in-place forms and backward, as source.

The common case (exact tensor types with data, numbers where numbers may stand) is written out;
every other case goes to `index.apply` and `index.apply_in_place`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.copies import copied
from rushlight.base.errors import user_site
from rushlight.base.flags import flags, tracing
from rushlight.engine.node import LEAF, changed, freed, next_sequence
from rushlight.families.inplace import check_out, write_out, wrote
from rushlight.families.override_source import ASKING, asking_lines
from rushlight.tensor import Parameter, Tensor


class Geometry(NamedTuple):
    """What a gradient may know of a tensor that was not saved."""

    shape: tuple[int, ...]
    dtype: np.dtype


ENVIRONMENT: dict[str, Any] = {
    "Tensor": Tensor, "Parameter": Parameter, "ndarray": np.ndarray, "new": object.__new__,
    "flags": flags, "tracing": tracing, "LEAF": LEAF, "next_sequence": next_sequence,
    "changed": changed, "freed": freed, "user_site": user_site, "wrote": wrote,
    "Call": SimpleNamespace, "Geometry": Geometry, "copied": copied,
    "check_out": check_out, "write_out": write_out, **ASKING,
}


def _indent(lines: list[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]


def _head(op: Any, environment: dict[str, Any]) -> tuple[str, bool]:
    """The parameters as torch's users see them, and whether the last are given by name only."""
    parts, keyword_only = [], False
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        if p.default is not p.empty:
            environment[f"default_{p.name}"] = p.default
        parts.append(p.name if p.default is p.empty else f"{p.name}=default_{p.name}")
    return ", ".join(parts), keyword_only


def _mapping(op: Any) -> str:
    return "{" + ", ".join(f"{n!r}: {n}" for n in op.signature.parameters) + "}"


def _types(op: Any) -> str:
    """The test that every operand is a tensor of a plain type, or a number where one may be."""
    tests = []
    for name in op.operands:
        kinds = ["Tensor", "Parameter", *(["float", "int"] if name in op.optional else [])]
        test = " or ".join(f"type({name}) is {kind}" for kind in kinds)
        if name in op.optional:
            test += f" or {name} is None"
        tests.append(f"({test})")
    return " and ".join(tests)


def _loads(op: Any) -> list[str]:
    """The operands' arrays and edges; a number stands for its own array."""
    lines = []
    for name in op.operands:
        load = [f"array_{name} = {name}._array"]
        number = [f"array_{name} = {name}"]
        if name in op.grad:
            load.append(f"edge_{name} = {name}._node")
            number.append(f"edge_{name} = None")
        if name in op.optional:
            load = [f"if type({name}) is Tensor or type({name}) is Parameter:", *_indent(load),
                    "else:", *_indent(number)]
        lines += load
    return lines


def _have_data(op: Any) -> str:
    """The test that every array has elements to compute with."""
    return " and ".join(
        f"type(array_{n}) is ndarray" if n not in op.optional else
        f"(type(array_{n}) is ndarray or array_{n} is {n})" for n in op.operands)


def _call(op: Any, target: str) -> str:
    """The call of the body, its first operand under another name."""
    arguments = []
    for name, p in op.signature.parameters.items():
        value = f"array_{name}" if name in op.operands else name
        value = target if name == op.operands[0] else value
        arguments.append(f"{name}={value}" if p.kind is p.KEYWORD_ONLY else value)
    return f"body({', '.join(arguments)})"


def _needed(op: Any) -> str:
    return " or ".join(f"edge_{n} is not None" for n in op.grad if n in op.operands)


def wrapper_source(op: Any, name: str, apply: Any) -> tuple[str, dict[str, Any]]:
    """Source and globals of the eager function, which copies where the op writes."""
    environment = {**ENVIRONMENT, "op": op, "apply": apply, "body": op.body,
                   "NodeClass": op.node_class}
    head, keyword_only = _head(op, environment)
    first = op.operands[0]
    test = _have_data(op)
    if op.broadcast:
        test += f" and array_{first}.shape == array_{op.broadcast}.shape"
    if op.writes:
        compute = [f"array = copied(array_{first})", _call(op, "array")]
    else:
        compute = [f"array = {_call(op, f'array_{first}')}"]
    needed = _needed(op)
    recorded = f"({needed}) and flags.grad_enabled" if needed else "False"
    compute += ["if out is not None:", f"    check_out(op, out, array, {_mapping(op)})",
                f"    return write_out(out, array, {op.name!r}, {recorded})",
                "result = new(Tensor)", "result._array = array",
                "result._writes = result._view = None"]
    if needed:
        compute += [f"if ({needed}) and flags.grad_enabled and array.dtype.kind in 'fcV':",
                    *_indent(_record_lines(op)), "else:", "    result._node = None"]
    else:
        compute.append("result._node = None")
    lines = [f"if (out is None or type(out) is Tensor) and {_types(op)}:",
             *_indent([*_loads(op), f"if {test}:", *_indent([*compute, "return result"])]),
             *_asking(op, name, environment, out=True),
             f"return apply(op, {_mapping(op)}, out)"]
    out = "out=None" if keyword_only else "*, out=None"
    return "\n".join([f"def {name}({head}, {out}):", *_indent(lines)]) + "\n", environment


def _asking(op: Any, name: str, environment: dict[str, Any], out: bool) -> list[str]:
    """Offer a call of the function `name` to other types and to modes."""
    parameters = op.signature.parameters
    defaults = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
    positional = [n for n, p in parameters.items()
                  if n not in defaults and p.kind is not p.KEYWORD_ONLY]
    return asking_lines(name, positional, [n for n in parameters if n not in positional], defaults,
                        environment, out=out,
                        tested=[n for n in op.operands if n not in positional])


def _record_lines(op: Any) -> list[str]:
    """Source that gives `result` its node: the layout of `saved` is that of `saved_values`."""
    targets = [f"{n} if edge_{n} is LEAF else edge_{n}" for n in op.grad]
    lines = ["node = result._node = new(NodeClass)", "node._sequence = next_sequence()",
             f"node.edges = ({', '.join(targets)},)"]
    saved, versions = [], []
    for name in op.signature.parameters:
        geometry = f"(array_{name}.shape, array_{name}.dtype)"
        if name not in op.operands or name in op.saves:
            saved.append(name)
        elif name in op.optional:
            saved.append(f"{name} if array_{name} is {name} else {geometry}")
        else:
            saved.append(geometry)
        if name in op.saves:
            lines += [f"version_{name} = {name}._writes", f"if version_{name} is None:",
                      f"    version_{name} = {name}._writes = [0, None, None]"]
            versions += [f"version_{name}", f"version_{name}[0]"]
    lines.append(f"node.saved = ({', '.join([*saved, *versions])},)")
    return [*lines, "if tracing and flags.anomaly:", "    node.site = user_site()"]


def in_place_source(op: Any, name: str, apply_in_place: Any) -> tuple[str, dict[str, Any]]:
    """Source and globals of the form that writes to its first operand.

    The flat path: nothing is recorded, and the arrays have memory of their own.
    """
    environment = {**ENVIRONMENT, "op": op, "apply_in_place": apply_in_place, "body": op.body}
    head, _ = _head(op, environment)
    first, *others = op.operands
    tests = [f"{first}._view is None", f"array_{first}.base is None",
             f"array_{first}.flags.writeable"]
    for other in others:
        own = f"array_{other}.base is None and array_{other} is not array_{first}"
        tests.append(f"(array_{other} is {other} or {own})" if other in op.optional else own)
    if needed := _needed(op):
        tests.insert(0, f"not (({needed}) and flags.grad_enabled)")
    lines = [f"if {_types(op)}:",
             *_indent([*_loads(op), f"if {_have_data(op)} and {' and '.join(tests)}:",
                       f"    {_call(op, f'array_{first}')}",
                       f"    if {first}._writes is None:",
                       f"        {first}._writes = [1, None, None]",
                       "    else:", f"        wrote({first})",
                       f"    return {first}"]),
             *_asking(op, name, environment, out=False),
             f"return apply_in_place(op, {_mapping(op)})"]
    return "\n".join([f"def {name}({head}):", *_indent(lines)]) + "\n", environment


def backward_source(op: Any) -> tuple[str, dict[str, Any]]:
    """Source and globals of the backward of an op's nodes: the declared gradients, of a call."""
    environment = {**ENVIRONMENT}
    names = list(op.signature.parameters)
    versions = [f"version_{n}, count_{n}" for n in op.saves]
    lines = ["saved = self.saved", "if saved is None:", "    raise freed(self)",
             f"{', '.join([*names, *versions])}, = saved"]
    for name in op.saves:
        lines += [f"if version_{name}[0] != count_{name}:",
                  f"    raise changed(self, version_{name}, count_{name})"]
    given = []
    for name in names:
        value = name
        if name in op.operands and name not in op.saves:
            value = f"Geometry._make({name})"
            if name in op.optional:
                value += f" if type({name}) is tuple else {name}"
        given.append(f"{name}={value}")
    lines += [f"call = Call({', '.join(given)})",
              f"{', '.join(f'edge_{n}' for n in op.grad)}, = self.edges"]
    results = []
    for name, gradient in op.grad.items():
        environment[f"gradient_{name}"] = gradient
        results.append(f"None if edge_{name} is None else gradient_{name}(gradient, call)")
    lines.append(f"return ({', '.join(results)},)")
    return "\n".join(["def backward(self, gradient, create):", *_indent(lines)]) + "\n", environment
