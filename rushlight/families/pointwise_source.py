"""The flat Python of pointwise ops: eager wrappers, as source.

A wrapper tests for the common case (exact tensor types, one dtype that the kernel takes as it
is, or a Python number beside it), calls the kernel and records; every other case goes to
`pointwise_general`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from rushlight.backends.memory_order import arranged
from rushlight.families import pointwise_general as general
from rushlight.families.declaration import FUNCTIONS
from rushlight.families.older_calls import FACTORS, factor_first
from rushlight.families.override_source import ASKING, asking_lines
from rushlight.families.pointwise_node import ENVIRONMENT, record_lines
from rushlight.families.pointwise_writing import in_place_lines, out_lines, truth_lines
from rushlight.families.promoted import promoted
from rushlight.families.source import compile_function, lazy_function

FEW = 256  # elements


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
    environment = {**ENVIRONMENT, **ASKING, "op": op, "arranged": arranged,
                   "small": op.plain.small, "large": op.plain.large,
                   "unsupported": general.unsupported_operand}
    settled = _form(op, form, environment)
    fast = _load(op, settled, environment)
    lines = fast
    if fast and settled.condition:
        lines = [f"if {settled.condition}:", *_indent(fast)]
    if form == "switched":  # torch has two functions of the name: this one is offered
        lines += _asking(op, form, environment)
    environment.update(written_functions=op.written, dispatch=dispatch)
    if form == "function":
        lines += _out_dispatch_lines(op, settled, environment)
    if form == "switched" or (op.defaults and form in ("function", "in-place")):
        lines += _dispatch_lines(op, "inplace" if form == "switched" else str(settled.in_place))
    else:
        lines += _general_lines(op, form, settled, bool(fast), environment)
    if op.check is not None:
        environment["check"] = op.check
        lines.insert(0, f"check({', '.join(signature(op.check).parameters)})")
    if op.name in FACTORS and form in ("function", "in-place"):
        environment.update(factor_first=factor_first, asked=op.declaration.function)
        operands = [n for n in op.operands if n not in op.defaults]
        own = "asked" if form == "function" else "itself"
        out = ", **({} if out is None else {'out': out})" if form == "function" else ""
        lines[:0] = ["if older:", f"    return factor_first({own}, {name!r}, "
                     f"{FACTORS[op.name]!r}, {len(operands)}, "
                     f"({', '.join(operands)}, *older), {{{out.removeprefix(', ')}}})"]
    return "\n".join([f"def {name}({settled.head}):", *_indent(lines)]) + "\n", environment


def _general_lines(op: Any, form: str, settled: Form, fast: bool,
                   environment: dict[str, Any]) -> list[str]:
    """What the fast path leaves: other types, operands of several dtypes, errors."""
    lines = []
    if settled.operator:
        other = op.operands[0] if form == "reflected" else op.operands[1]
        lines += [f"if not isinstance({other}, (Tensor, int, float, complex, ndarray, generic)) "
                  f"and not hasattr({other}, '__torch_function__'):",
                  f"    return unsupported({other})"]
    lines += _asking(op, form, environment)
    if fast and not settled.in_place:
        names = op.operands if settled.operator else list(op.signature.parameters)
        order = list(reversed(names)) if form == "reflected" else names
        lines += _promoted_lines(op.plain, f"itself({', '.join(order)})", environment)
    return [*lines, f"return {settled.slow}"]


def _form(op: Any, form: str, environment: dict[str, Any]) -> Form:
    names = [n for n in op.operands if n != "condition"]
    everything, operands = _mapping(op.signature.parameters), _mapping(op.operands)
    defaults = []
    for name, default in op.defaults.items():
        environment[f"default_{name}"] = default
        defaults.append(_is_default(op, name))
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


def _asking(op: Any, form: str, environment: dict[str, Any]) -> list[str]:
    """Offer the call to other types and to modes, as a call of the function that torch names."""
    in_place = FUNCTIONS.get(f"Tensor.{op.name}_", FUNCTIONS.get(f"nn.functional.{op.name}_"))
    asked = in_place if form.endswith("in-place") else op.declaration.function
    if "operator" in form or form == "reflected":
        operands = list(reversed(op.operands)) if form == "reflected" else op.operands
        if form == "in-place operator":
            asked = in_place
        known = asked is not None and (form != "reflected" or op.name in ("add", "mul"))
        environment["asked"] = asked
        return asking_lines("asked" if known else "itself", operands, [], {}, environment,
                            operator=len(operands) > 1)
    environment["asked"] = asked
    operands = [n for n in op.operands if n not in op.defaults]
    options = [n for n in op.signature.parameters if n not in operands]
    if form == "switched":
        options.append("inplace")
    offered = "asked" if "variant" in form or form == "function" else "itself"
    return asking_lines(offered, operands, options, {"inplace": False, **op.defaults}, environment,
                        out=form == "function", tested=[n for n in op.operands if n in op.defaults])


def _is_default(op: Any, name: str) -> str:
    """The test that an argument is its default, as `Pointwise.variant` understands it."""
    # 1 and 1.0 are different alphas, but no 0.01 is the same object as another.
    return f"{name} {'==' if isinstance(op.defaults[name], float) else 'is'} default_{name}"


def _signature(op: Any) -> str:
    """The parameters as torch's users see them."""
    parts, keyword_only = [], False
    for p in op.signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            parts.append("*older" if op.name in FACTORS else "*")
            keyword_only = True
        parts.append(p.name if p.default is p.empty else f"{p.name}=default_{p.name}")
    return ", ".join(parts)


def _out(op: Any) -> str:
    keyword_only = any(p.kind is p.KEYWORD_ONLY for p in op.signature.parameters.values())
    return ", out=None" if keyword_only else ", *, out=None"


def _mapping(names: Any) -> str:
    return "{" + ", ".join(f"{n!r}: {n}" for n in names) + "}"


def _indent(lines: list[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]


def _load(op: Any, form: Form, environment: dict[str, Any]) -> list[str]:
    """The fast path of the op with its options left alone."""
    plain = op.plain
    if not plain.names:
        return []
    if form.in_place:
        lines = truth_lines if plain.boolean else in_place_lines
        core = lines(plain, form.first, form.slow, environment)
    else:
        core = _core(plain, form, environment)
    return load_lines(plain, form.first, core)


def load_lines(variant: Any, first: str, core: list[str]) -> list[str]:
    """`core` below the test that the operands are tensors of one dtype, or numbers that fit.

    first: an operand that must be a tensor; its dtype decides.
    """
    op = variant.op
    lines = core
    for name in reversed([n for n in variant.names if n != first]):
        lines = [*_fit(name, op), f"if fits_{name}:", *_indent(lines)]
    return [f"if type({first}) is Tensor or type({first}) is Parameter:",
            *_indent([f"array_{first} = {first}._array", f"edge_{first} = {first}._node",
                      f"dtype = array_{first}.dtype", *lines])]


def _fit(name: str, op: Any) -> list[str]:
    """Whether one more operand fits, and its array, edge and nature (`tensor_{name}`)."""
    kind = f"kind_{name}"
    own = "boolean" if name == "condition" else "dtype"
    as_tensor = [f"if {kind} is Tensor or {kind} is Parameter:",
                 f"    array_{name} = {name}._array",
                 f"    edge_{name} = {name}._node",
                 f"    fits_{name} = {own} is array_{name}.dtype",
                 f"    tensor_{name} = True"]
    natural = f" and {name} >= 0" if name == op.natural else ""  # the general way refuses
    as_number = [f"if ({kind} is float or {kind} is int) and ("
                 f"dtype in FLOATING or ({kind} is int and dtype is int64{natural})):",
                 f"    array_{name} = number({name}, dtype)",
                 f"    edge_{name} = None",
                 f"    fits_{name} = True",
                 f"    tensor_{name} = False"]
    lines = [f"{kind} = type({name})"]
    if name in op.scalars:
        lines += as_number
    elif name == "condition" or name in op.tensors:
        lines += as_tensor
    else:
        lines += [*as_tensor, "el" + as_number[0], *as_number[1:]]
    return [*lines, "else:", f"    fits_{name} = False"]


def _core(variant: Any, form: Form, environment: dict[str, Any]) -> list[str]:
    names = variant.names
    arrays = ", ".join(f"array_{n}" for n in names)
    environment.update(small=variant.small, large=variant.large)
    lines = [
        f"kernel = (small if {_few(variant, form.first)} else large)[dtype]",
        "if kernel is not None:",
        "    try:",
        f"        array = kernel({arrays})",
        "        if type(array) is not ndarray:",  # 0-d results come as scalars, others faster
        f"            array = kernel({arrays}, out=...)",
        *_ordered(variant, form.first),
        "    except (ValueError, FloatingPointError, RuntimeWarning):",  # the general way explains
        f"        return {form.slow}",
        "    result = new(Tensor)",
        "    result._array = array",
        "    result._writes = result._view = None",
    ]
    if variant.boolean or all(g is None for g in variant.gradients.values()):
        return [*lines, "    result._node = None", "    return result"]
    nothing = " and ".join(f"edge_{n} is None" for n in variant.differentiable)
    return [
        *lines,
        f"    if ({nothing}) or not flags.grad_enabled:",
        "        result._node = None",
        "        return result",
        *_indent(record_lines(variant, form.first, environment)),
        "    return result",
    ]


def _ordered(variant: Any, known: str) -> list[str]:
    """The order of memory of the first operand, where NumPy gives a row-major result.

    To ask for the order takes 5 % of the time of an addition of few numbers: there only views are
    asked, which are the tensors that lie across memory as a rule and known at the cost of a slot.
    """
    names = [n for n in variant.names if n not in variant.op.scalars]
    if len(names) == 1:
        return []
    first = "condition" if "condition" in names else known
    others = [] if known != first else [f"tensor_{n}" for n in names if n != first]
    tests = [f"(size > {FEW} or {first}._view is not None)",
             *([f"({' or '.join(others)})"] if others else []),
             f"not array_{first}.flags.c_contiguous"]
    arrays = ", ".join(f"array_{n}" for n in variant.names)
    return [f"        elif {' and '.join(tests)}:",
            f"            array = arranged(array, ({arrays}))"]


def _few(variant: Any, first: str) -> str:
    """The test that no operand is large; a small one that comes first may be spread over others."""
    tests = [f"(size := array_{first}.size) < LARGE"]
    for name in variant.names:
        if name != first and name not in variant.op.scalars:
            tests.append(f"(not tensor_{name} or array_{name}.size < LARGE)")
    return " and ".join(tests)


def _promoted_lines(variant: Any, again: str, environment: dict[str, Any]) -> list[str]:
    """Operands of several dtypes, of kinds that were met before; `again` is this very call."""
    environment.update(variant=variant, promoted=promoted)
    names = "".join(f"{n}, " for n in variant.names)
    return [f"found = promoted(variant, ({names}))",
            "if type(found) is Tensor:",
            "    return found",
            "if found is not None:",
            f"    {names}= found",
            f"    return {again}"]


def variant_function(variant: Any, kind: Any) -> Callable[..., Any]:
    """The flat function of an op with some options and numbers given (see `variant_source`)."""
    op = variant.op
    return compile_function(op.name, *variant_source(variant, kind), op.body.__module__)


def variant_source(variant: Any, kind: Any) -> tuple[str, dict[str, Any]]:
    """Source and globals of the function of an op with some options given; it takes them all.

    kind: False for a new result, True for one in place, "out" for one in `out`.
    """
    op = variant.op
    environment = {**ENVIRONMENT, **ASKING, "op": op, "arranged": arranged}
    first = next(n for n in variant.names if n != "condition")
    head = ", ".join(op.signature.parameters)
    everything = _mapping(op.signature.parameters)
    if kind == "out":
        head += ", out"
        slow = f"apply(op, {everything}, out)"
        environment.update(small=variant.small, large=variant.large)
        core = out_lines(variant, first, slow)
        asking = "function"
    elif kind:
        slow = f"apply_in_place(op, {everything})"
        writing = truth_lines if variant.boolean else in_place_lines
        core = writing(variant, first, slow, environment)
        asking = "variant in-place"
    else:
        slow = f"apply(op, {everything})"
        core = _core(variant, Form("", "", slow, first), environment)
        asking = "variant"
    lines = load_lines(variant, first, core) if core else []
    if op.declaration.function is not None:  # else part of an operation, which asked itself
        lines += _asking(op, asking, environment)
    if not kind:
        lines += _promoted_lines(variant, f"itself({head})", environment)
    lines.append(f"return {slow}")
    return "\n".join([f"def {op.name}({head}):", *_indent(lines)]) + "\n", environment


def dispatch(op: Any, key: tuple[Any, ...], arguments: Mapping[str, Any]) -> Any:
    """The first call with certain options: write the function for them, then run it."""
    try:
        variant = op.variant({n: arguments[n] for n in op.defaults})
        written = op.written[key] = variant_function(variant, key[0])
    except TypeError:  # an option that cannot be looked up, or an argument of a wrong type
        given = {n: arguments[n] for n in op.signature.parameters}
        if key[0] is True:
            return general.apply_in_place(op, given)
        return general.apply(op, given, arguments.get("out"))
    return written(**arguments)


def _out_dispatch_lines(op: Any, form: Form, environment: dict[str, Any]) -> list[str]:
    """The written function for a call with `out=`; that for no options needs no look-up."""
    environment["into"] = lazy_function(op.name, op.body.__module__, lambda: variant_source(
        op.plain, "out"))
    plain = f"return into({', '.join(op.signature.parameters)}, out)"
    lines = [plain]
    if op.defaults:
        test = form.condition.removeprefix("out is None and ")
        lines = [f"if {test}:", f"    {plain}", *_dispatch_lines(op, "'out'", "out")]
    return ["if out is not None:", *_indent(lines)]


def _dispatch_lines(op: Any, kind: str, *more: str) -> list[str]:
    """Which written function serves the options that were given.

    kind: as `variant_function` takes it; more: arguments besides the op's own.
    """
    parts = [kind]
    for name in op.defaults:
        if name in op.operands:
            parts.append(f"{name} is None")
        else:
            parts.append(_is_default(op, name) if name in op.scalars else name)
    key = ", ".join(parts) + ","
    arguments = [*op.signature.parameters, *more]
    return ["try:",
            f"    written = written_functions[{key}]",
            "except (KeyError, TypeError):",
            f"    return dispatch(op, ({key}), {_mapping(arguments)})",
            f"return written({', '.join(arguments)})"]
