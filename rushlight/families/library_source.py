"""The flat Python of library ops: eager wrappers and the backward of their nodes, as source.

As for pointwise ops, the common case (exact tensor types, no out=) is written out; every other
case goes to `library.call`.
"""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.backends import kept_weights
from rushlight.base.errors import user_site
from rushlight.base.flags import flags, tracing
from rushlight.base.structure import Structure
from rushlight.engine.node import LEAF, Slot, changed, freed, next_sequence, version_of
from rushlight.families.inplace import write_out
from rushlight.families.override_source import ASKING, asking_lines
from rushlight.tensor import Parameter, Tensor, wrap

ENVIRONMENT: dict[str, Any] = {
    "Tensor": Tensor, "Parameter": Parameter, "new": object.__new__, "flags": flags,
    "tracing": tracing, "LEAF": LEAF, "next_sequence": next_sequence, "changed": changed,
    "freed": freed, "user_site": user_site, **ASKING, "kept_weights": kept_weights.kept,
    "kept_of": kept_weights.of, "forget": kept_weights.forget, "version_of": version_of,
    "write_out": write_out,
}


# NumPy's names of parameters, which torch takes as well.
NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def restored(node: Any, array: Any, version: Any, position: int) -> Tensor:
    """A saved tensor with its place in the graph: operand `position`, or output -1 - position."""
    if position >= 0:
        edge = node.edges[position]
        if isinstance(edge, Tensor) and edge._array is array:
            return edge
    else:
        edge = node if node.outputs == 1 else Slot(node, -1 - position)
    made = wrap(array)
    made._node, made._writes = edge if array.dtype.kind in "fcV" else None, version
    return made


def wrapper_source(op: Any, call: Any) -> tuple[str, dict[str, Any]]:
    """Source and globals of a library op's eager function."""
    environment = {**ENVIRONMENT, "op": op, "call": call, "forward": op.forward,
                   "NodeClass": op.node_class, "structure": op.structure, "layout": op.layout,
                   "tuple_of": tuple.__new__, "Slot": Slot}
    names = list(op.signature.parameters)
    mapping = "{" + ", ".join(f"{n!r}: {n}" for n in names) + "}"
    spelled = {n: own for n, own in NUMPY_NAMES.items() if own in op.options
               and not op.name.startswith("_")}
    others = "".join(f", {n}=None" for n in spelled)
    lines = [f"def {op.name}({head(op, environment, out=True)}{others}):"]
    for n, own in spelled.items():
        lines += [f"    if {n} is not None:", f"        {own} = {n}"]
    lines += _fast_path(op)
    lines += [f"    {line}" for line in asking(op, op.name, environment, out=True)]
    lines.append(f"    return call(op, {mapping}, out)")
    return "\n".join(lines) + "\n", environment


def asking(op: Any, name: str, environment: dict[str, Any], out: bool = False) -> list[str]:
    """Offer a call of the function `name` to other types and to modes."""
    if name.startswith("_"):  # a part of an operation, which asked itself
        return []
    parameters = op.signature.parameters
    defaults = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
    positional = [n for n, p in parameters.items()
                  if n not in defaults and p.kind is not p.KEYWORD_ONLY]
    return asking_lines(name, positional, [n for n in parameters if n not in positional], defaults,
                        environment, out=out,
                        tested=[n for n in op.operands if n not in positional])


def head(op: Any, environment: dict[str, Any], out: bool) -> str:
    """The parameters as torch's users see them; defaults become globals."""
    parts, keyword_only = [], False
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        if p.default is p.empty:
            parts.append(p.name)
        else:
            environment[f"default_{p.name}"] = p.default
            parts.append(f"{p.name}=default_{p.name}")
    if out:
        parts += ([] if keyword_only else ["*"]) + ["out=None"]
    return ", ".join(parts)


def _takes_out(op: Any) -> bool:
    """Whether the fast path serves `out=` too: of one result."""
    return op.outputs == 1


def _fast_path(op: Any) -> list[str]:
    parameters = op.signature.parameters
    optional = {n for n in op.operands if parameters[n].default is not inspect.Parameter.empty}
    tests: list[str] = [] if _takes_out(op) else ["out is None"]
    if op.in_target:  # another dtype of `out` is that to compute in
        kind = f"{op.operands[0]}._array.dtype"
        tests.append(f"(out is None or (type(out) is Tensor and out._array.dtype is {kind} "
                     f"and {kind}.kind in 'fV'))")
    loads, passed, edges = [], [], []
    for n, p in parameters.items():
        value = n
        if n in op.operands:
            exact = f"type({n}) is Tensor or type({n}) is Parameter"
            tests.append(f"({n} is None or {exact})" if n in optional else f"({exact})")
            value = f"array_{n}"
            loads.append(f"{value} = None if {n} is None else {n}._array" if n in optional
                         else f"{value} = {n}._array")
            edges.append(f"edge_{n} = None if {n} is None else {n}._node" if n in optional
                         else f"edge_{n} = {n}._node")
        passed.append(f"{n}={value}" if p.kind is p.KEYWORD_ONLY else value)
    numbers = [""] if op.outputs == 1 else [str(i) for i in range(op.outputs)]
    unpack = ", ".join(f"array{i}" for i in numbers)
    if op.keeps:
        unpack = f"{unpack if op.outputs == 1 else f'({unpack})'}, {', '.join(op.keeps)}"
    body = [*loads, *_call_lines(op, unpack, ", ".join(passed))]
    some = " or ".join(f"edge_{n} is not None" for n in op.operands)
    recorded = "False" if op.rule is None else f"({some}) and flags.grad_enabled"
    if op.rule is not None:
        body += edges
    if _takes_out(op):
        body += ["if out is not None:",
                 f"    return write_out(out, array, {op.name!r}, {recorded})"]
    for i in numbers:
        body += [f"result{i} = new(Tensor)", f"result{i}._array = array{i}",
                 f"result{i}._node = result{i}._writes = result{i}._view = None"]
    if op.rule is not None:
        test = f"if ({some}) and flags.grad_enabled"
        if op.outputs == 1:
            test += " and array.dtype.kind in 'fcV'"
        body += [f"{test}:", *("    " + line for line in _record_lines(op, optional))]
    body.append(f"return {_results(op, numbers)}")
    return [f"    if {' and '.join(tests)}:", *("        " + line for line in body)]


def _call_lines(op: Any, unpack: str, passed: str) -> list[str]:
    """The call, with a copy of one operand in another layout where one may be kept."""
    if op.layout is None:
        return [f"{unpack} = forward({passed})"]
    first, weight = op.operands[0], op.layout.operand
    return ["kept = None",
            f"if type({weight}) is Parameter and array_{weight}.size >= {kept_weights.SMALLEST}:",
            "    if flags.grad_enabled:",
            f"        if kept_weights and {weight}._node is not None:",
            f"            forget(array_{weight})  # it is being trained",
            f"    elif layout.serves(array_{first}, array_{weight}):",
            f"        del array_{weight}  # a holder of its memory, of which there may be one",
            f"        kept = kept_of({weight}._array, version_of({weight}))",
            f"        array_{weight} = {weight}._array",
            f"{unpack} = forward({passed}) if kept is None else layout.forward({passed}, kept)"]


def _results(op: Any, numbers: list[str]) -> str:
    """What the call returns: the result, or the structure of several."""
    if op.outputs == 1:
        return "result"
    several = f"({', '.join(f'result{i}' for i in numbers)})"
    if op.structure is tuple:
        return several
    plain = isinstance(op.structure, type) and issubclass(op.structure, Structure)
    return f"tuple_of(structure, {several})" if plain else f"structure(*{several})"


def _record_lines(op: Any, optional: set[str]) -> list[str]:
    lines = ["node = new(NodeClass)", "node._sequence = next_sequence()"]
    if op.outputs == 1:
        lines.append("result._node = node")
    else:
        for i in range(op.outputs) if op.differentiable is None else op.differentiable:
            lines += [f"if array{i}.dtype.kind in 'fcV':", f"    result{i}._node = Slot(node, {i})"]
    targets = [f"{n} if edge_{n} is LEAF else edge_{n}" for n in op.operands]
    lines.append(f"node.edges = ({', '.join(targets)},)")
    saved: list[str] = []
    first = op.operands[0]
    for name in op.reads:
        if name in op.operands:
            fetch = [f"version_{name} = {name}._writes", f"if version_{name} is None:",
                     f"    version_{name} = {name}._writes = [0, None, None]",
                     f"count_{name} = version_{name}[0]"]
            if name in optional:
                fetch = [f"if {name} is None:", f"    version_{name} = count_{name} = None",
                         "else:", *("    " + line for line in fetch)]
            lines += fetch
            saved += [f"array_{name}", f"version_{name}", f"count_{name}"]
        elif op.is_output(name):
            number = "" if op.outputs == 1 else name[6:] or "0"
            lines.append(f"version_{name} = result{number}._writes = [0, None, None]")
            saved += [f"array{number}", f"version_{name}", "0"]
        elif name in ("shape", "kind"):
            saved.append(f"array_{first}.shape" if name == "shape" else f"array_{first}.dtype")
        elif name != "needs":
            saved.append(name)
    lines.append(f"node.saved = ({', '.join(saved)}{',' if saved else ''})")
    return [*lines, "if tracing and flags.anomaly:", "    node.site = user_site()"]


def backward_source(op: Any) -> tuple[str, dict[str, Any]]:
    """Source and globals of the backward of a library op's nodes."""
    environment = {**ENVIRONMENT, "rule": op.rule, "restored": restored}
    unpack, checks, plain, full, arguments = [], [], [], [], []
    for name in op.reads:
        arguments.append(name)
        if name == "needs":
            checks.append("needs = tuple([edge is not None for edge in self.edges])")
            continue
        if name not in op.operands and not op.is_output(name):
            unpack.append(name)
            continue
        unpack += [f"array_{name}", f"version_{name}", f"count_{name}"]
        position = op.operands.index(name) if name in op.operands else -1 - int(name[6:] or 0)
        checks += [f"if version_{name} is not None and version_{name}[0] != count_{name}:",
                   f"    raise changed(self, version_{name}, count_{name})"]
        absent = f"None if array_{name} is None else "
        full.append(f"{name} = {absent}restored(self, array_{name}, version_{name}, {position})")
        plain += [f"if array_{name} is None:", f"    {name} = None", "else:",
                  f"    {name} = new(Tensor)", f"    {name}._array = array_{name}",
                  f"    {name}._writes = version_{name}",
                  f"    {name}._node = {name}._view = None"]
    lines = ["saved = self.saved", "if saved is None:", "    raise freed(self)"]
    if unpack:
        lines.append(f"{', '.join(unpack)}, = saved")
    lines += checks
    if full:
        lines += ["if create:", *("    " + line for line in full), "else:",
                  *("    " + line for line in plain)]
    lines += [f"results = rule({', '.join(['incoming', *arguments])})",
              "return results if type(results) is tuple else (results,)"]
    text = "def backward(self, incoming, create):\n" + "".join(f"    {x}\n" for x in lines)
    return text, environment
