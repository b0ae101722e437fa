"""The flat Python of pointwise ops: eager wrappers, as source.

A wrapper tests for the common case (exact tensor types, one dtype that the kernel takes as it
is, or a Python number beside it), calls the kernel and records; every other case goes to
`pointwise_general`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rushlight.families import pointwise_general as general
from rushlight.families.pointwise_node import ENVIRONMENT, record_lines
from rushlight.families.source import lazy_function


@dataclass
class Form:
    """One form of an op: how it is called, when the fast path applies, what it falls back to."""

    head: str  # parameters
    condition: str  # "" for always
    slow: str  # the general call
    first: str  # the operand that is certainly a tensor in the fast path
    in_place: bool = False
    operator: bool = False  # leaves unknown types to the other operand


def wrapper(op: Any, name: str, form: str = "function") -> Any:
    """The eager function of a pointwise op; its source is written on first call.

    form: "function", "switched" (with an inplace= parameter), "operator", "reflected" (operands
    exchanged), "in-place" or "in-place operator".
    """
    return lazy_function(name, op.body.__module__, lambda: _write(op, name, form))


def _write(op: Any, name: str, form: str) -> tuple[str, dict[str, Any]]:
    environment = {**ENVIRONMENT, "op": op, "small": op.plain.small, "large": op.plain.large,
                   "unsupported": general.unsupported_operand}
    settled = _form(op, form, environment)
    fast = _load(op, settled, environment)
    lines = fast
    if fast and settled.condition:
        lines = [f"if {settled.condition}:", *_indent(fast)]
    if settled.operator:
        other = op.operands[0] if form == "reflected" else op.operands[1]
        lines += [f"if not isinstance({other}, (Tensor, int, float, complex, ndarray)) and "
                  f"not hasattr({other}, '__torch_function__'):",
                  f"    return unsupported({other})"]
    lines.append(f"return {settled.slow}")
    return "\n".join([f"def {name}({settled.head}):", *_indent(lines)]) + "\n", environment


def _form(op: Any, form: str, environment: dict[str, Any]) -> Form:
    names = op.operands
    everything, operands = _mapping(op.signature.parameters), _mapping(names)
    defaults = []
    for name, default in op.defaults.items():
        environment[f"default_{name}"] = default
        defaults.append(f"{name} is default_{name}")
    if form == "function":
        return Form(_signature(op) + _out(op), " and ".join(["out is None", *defaults]),
                    f"apply(op, {everything}, out=out)", names[0])
    if form == "switched":
        return Form(_signature(op) + ", inplace=False", " and ".join(["not inplace", *defaults]),
                    f"(apply_in_place if inplace else apply)(op, {everything})", names[0])
    if form == "in-place":
        return Form(_signature(op), " and ".join(defaults),
                    f"apply_in_place(op, {everything})", names[0], in_place=True)
    if form == "in-place operator":
        return Form(", ".join(names), "", f"apply_in_place(op, {operands})", names[0],
                    in_place=True, operator=True)
    if form == "reflected":
        return Form(", ".join(reversed(names)), "", f"apply(op, {operands})", names[1],
                    operator=True)
    return Form(", ".join(names), "", f"apply(op, {operands})", names[0],
                operator=len(names) > 1)


def _signature(op: Any) -> str:
    """The parameters as torch's users see them."""
    parts, keyword_only = [], False
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        parts.append(p.name if p.default is p.empty else f"{p.name}={p.default!r}")
    return ", ".join(parts)


def _out(op: Any) -> str:
    keyword_only = any(p.kind is p.KEYWORD_ONLY for p in op.signature.parameters.values())
    return ", out=None" if keyword_only else ", *, out=None"


def _mapping(names: Any) -> str:
    return "{" + ", ".join(f"{n!r}: {n}" for n in names) + "}"


def _indent(lines: list[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]


def _load(op: Any, form: Form, environment: dict[str, Any]) -> list[str]:
    """The test for the common case around the core."""
    plain = op.plain
    names = plain.names
    if not names or len(names) > 3 or "condition" in names:
        return []  # those go the general way
    if form.in_place and plain.boolean:
        return []
    core = _core_in_place(op, form) if form.in_place else _core(op, form, environment)
    if len(names) == 2:
        other = next(n for n in names if n != form.first)
        return _load_pair(form.first, other, other not in op.tensors, core)
    exact = " and ".join(f"(type({n}) is Tensor or type({n}) is Parameter)" for n in names)
    loads = [f"array_{n} = {n}._array" for n in names]
    edges = [f"edge_{n} = {n}._node" for n in names]
    dtype = [f"dtype = array_{names[0]}.dtype"]
    if len(names) > 1:
        same = " and ".join(f"dtype is array_{n}.dtype" for n in names[1:])
        core = [f"if {same}:", *_indent(core)]
    return [f"if {exact}:", *_indent([*loads, *edges, *dtype, *core])]


def _load_pair(first: str, other: str, number: bool, core: list[str]) -> list[str]:
    """Two operands, of which `other` may be a number (if so declared) that fits the dtype."""
    return [
        f"if type({first}) is Tensor or type({first}) is Parameter:",
        *_indent([
            f"array_{first} = {first}._array",
            f"edge_{first} = {first}._node",
            f"dtype = array_{first}.dtype",
            f"kind = type({other})",
            "if kind is Tensor or kind is Parameter:",
            f"    array_{other} = {other}._array",
            f"    edge_{other} = {other}._node",
            f"    fits = dtype is array_{other}.dtype",
            "    tensor = True",
            f"elif {number} and (kind is float or kind is int) and ("
            "dtype in FLOATING or (kind is int and dtype is int64)):",
            f"    array_{other} = number({other}, dtype)",
            f"    edge_{other} = None",
            "    fits = True",
            "    tensor = False",
            "else:",
            "    fits = False",
            "if fits:",
            *_indent(core),
        ]),
    ]


def _core(op: Any, form: Form, environment: dict[str, Any]) -> list[str]:
    plain = op.plain
    names = plain.names
    arrays = ", ".join(f"array_{n}" for n in names)
    lines = [
        f"kernel = (small if array_{form.first}.size < LARGE else large)[dtype]",
        "if kernel is not None:",
        "    try:",
        f"        array = kernel({arrays})",
        "        if type(array) is not ndarray:",  # 0-d results come as scalars, others faster
        f"            array = kernel({arrays}, out=...)",
        "    except (ValueError, FloatingPointError, RuntimeWarning):",  # the general way explains
        f"        return {form.slow}",
        "    result = new(Tensor)",
        "    result._array = array",
        "    result._writes = result._view = None",
    ]
    if plain.boolean or all(g is None for g in plain.gradients.values()):
        return [*lines, "    result._node = None", "    return result"]
    nothing = " and ".join(f"edge_{n} is None" for n in names)
    mixed = form.first if len(names) == 2 else ""
    return [
        *lines,
        f"    if ({nothing}) or not flags.grad_enabled:",
        "        result._node = None",
        "        return result",
        *_indent(record_lines(plain, mixed, environment)),
        "    return result",
    ]


def _core_in_place(op: Any, form: Form) -> list[str]:
    """Writing where nothing is recorded, to memory where each element has its own place."""
    names = op.plain.names
    target = form.first
    nothing = " and ".join(f"edge_{n} is None" for n in names)
    return [
        f"if (({nothing}) or not flags.grad_enabled) and 0 not in array_{target}.strides:",
        f"    kernel = (small if array_{target}.size < LARGE else large)[dtype]",
        "    if kernel is not None:",
        "        try:",
        f"            kernel({', '.join(f'array_{n}' for n in names)}, out=array_{target})",
        "        except (ValueError, TypeError, FloatingPointError):",
        f"            return {form.slow}",
        "        except RuntimeWarning:",  # an error by the user's filters, after the write
        "            pass",
        f"        if {target}._writes is not None:",
        f"            wrote({target})",
        f"        return {target}",
    ]
