"""Pointwise ops: every output element depends on the elements at its own place.

The body of a declaration is traced once into a scalar expression. From it come the kernels, the
gradient (the expression's derivative, itself pointwise), the method, in-place and out= forms.

    @pointwise("gelu nn.functional.gelu", promote="floating")
    def gelu(input, approximate: str = "none"): ...

Parameters without a default are operands (tensors or numbers); `Operand` marks optional ones,
`Scalar` marks numbers that vary from call to call; all others are options, known while tracing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.dtypes import dtype as dtype_
from rushlight.engine.node import Node
from rushlight.expr.derivative import derivative
from rushlight.expr.expression import (
    Expression,
    call,
    constant,
    lift,
    specialise,
    substitute,
    symbol,
    symbols,
)
from rushlight.families.declaration import Declaration, Samples, named, register
from rushlight.families.kernels import Kernels, tables
from rushlight.families.pointwise_node import node_class
from rushlight.families.pointwise_source import variant_source, wrapper
from rushlight.families.source import lazy_function

OPERATORS = ("__add__ __sub__ __mul__ __truediv__ __div__ __floordiv__ __mod__ __pow__ __and__ "
             "__or__ __xor__ __lshift__ __rshift__ __eq__ __ne__ __lt__ __le__ __gt__ "
             "__ge__").split()
Rule = Callable[..., Any]  # the gradient of an operand, a function of expressions by name
GRADIENT = symbol("gradient")
OUTPUT = symbol("output")
NOTHING = call("where", call("isnan", GRADIENT), 0, 0)  # zeros, whatever the gradient is

# A fact of a declaration; where it depends on the options, a function of them.
Word = str | Callable[..., str]
# Where an op is defined and smooth, for samples: (low, high), or one such pair for each operand.
Domain = Any


class Pointwise:
    """A declared pointwise op: its parameters, and a variant for each setting of its options."""

    def __init__(self, declaration: Declaration, promote: Word, result: str, refuse: Word,
                 grad: Mapping[str, Rule] | Rule | None, *, tensors: str = "",
                 domain: Domain = None, refusal: str = "",
                 check: Callable[..., None] | None = None, casts: bool = False,
                 natural: str = "", numbers: bool = False) -> None:
        self.declaration, self.name, self.body = declaration, declaration.name, declaration.body
        declaration.op, self.check, self.casts, self.natural = self, check, casts, natural
        self.numbers = numbers
        self.promote, self.result, self.refuse = promote, result, refuse
        self.tensors, self.domain, self.refusal = frozenset(tensors.split()), domain, refusal
        self._grad = grad
        self._variants: dict[tuple[Any, ...], Variant] = {}
        # Flat functions, by the options that they are for.
        self.written: dict[Any, Callable[..., Any]] = {}

    # What the body's signature says is read when first asked for: importing stays quick.

    @cached_property
    def signature(self) -> inspect.Signature:
        """The parameters as declared."""
        return inspect.signature(self.body)

    @cached_property
    def _kinds(self) -> dict[str, list[str]]:
        kinds: dict[str, list[str]] = {"operand": [], "scalar": [], "option": []}
        for p in self.signature.parameters.values():
            note = str(p.annotation)
            operand = p.default is p.empty or note == "Operand"
            kinds["scalar" if note == "Scalar" else "operand" if operand else "option"].append(
                p.name)
        return kinds

    @cached_property
    def operands(self) -> list[str]:
        """The parameters that are tensors, or numbers in their place."""
        return self._kinds["operand"]

    @cached_property
    def scalars(self) -> list[str]:
        """The parameters that are numbers which vary from call to call."""
        return self._kinds["scalar"]

    @cached_property
    def options(self) -> list[str]:
        """The parameters that are known while tracing."""
        return self._kinds["option"]

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The values of parameters that may be left out."""
        return {p.name: p.default for p in self.signature.parameters.values()
                if p.default is not p.empty}

    @cached_property
    def grad(self) -> Mapping[str, Rule]:
        """The declared gradients, by operand."""
        if callable(self._grad):
            return {self.operands[0]: self._grad}
        return self._grad or {}

    @cached_property
    def flat(self) -> Callable[..., Any]:
        """The plain op as a flat function of its operands alone."""
        return lazy_function(self.name, self.body.__module__,
                             lambda: variant_source(self.plain, False))

    @property
    def plain(self) -> Variant:
        """The op with all options and scalars as they are by default."""
        return self.variant({})

    def variant(self, given: Mapping[str, Any]) -> Variant:
        """The op with these options and non-default scalars; `given` maps names to values."""
        settings = {**self.defaults, **given}
        absent = tuple(n for n in self.operands if n in self.defaults and settings[n] is None)
        varying = tuple(n for n in self.scalars if n not in self.defaults or (
            settings[n] is not None and not _same_number(settings[n], self.defaults[n])))
        fixed = tuple((n, settings[n]) for n in self.options)
        key = (absent, varying, fixed)
        found = self._variants.get(key)
        if found is None:
            found = self._variants[key] = Variant(self, absent, varying, dict(fixed))
        return found


def _same_number(value: Any, default: Any) -> bool:
    """Whether a scalar is its default."""
    return value is default or (isinstance(default, float) and bool(value == default))


class Variant:
    """An op with its options settled: one expression, its kernels and its gradients."""

    def __init__(self, op: Pointwise, absent: tuple[str, ...], varying: tuple[str, ...],
                 fixed: dict[str, Any]) -> None:
        self.op, self.fixed = op, fixed
        self.promote = op.promote if isinstance(op.promote, str) else op.promote(**fixed)
        refuse = op.refuse if isinstance(op.refuse, str) else op.refuse(**fixed)
        self.refuse = frozenset(refuse.split())
        self.names = tuple(n for n in op.signature.parameters
                           if (n in op.operands and n not in absent) or n in varying)
        self.differentiable = tuple(n for n in self.names if n in op.operands)
        arguments: dict[str, Any] = {}
        for name in op.signature.parameters:
            if name in self.names:
                arguments[name] = symbol(name, boolean=name == "condition")
            elif name in op.scalars:
                value = op.defaults[name]
                arguments[name] = None if value is None else lift(value)
            else:
                arguments[name] = None if name in absent else fixed.get(name)
        self.arguments = arguments
        self.root: Expression = lift(op.body(**arguments))
        self.boolean = op.result == "bool" or self.root.boolean
        self.small, self.large = tables(self.root, self.names, self.accepts)
        self._gradients: dict[str, Gradient | None] | None = None
        self._node_class: type[Node] | None = None
        self._read_by: dict[tuple[bool, ...], set[str]] = {}  # by the operands that need gradients
        # What operands of several kinds are computed in, by those kinds (`promoted`).
        self.promotions: dict[tuple[Any, ...], tuple[np.dtype, tuple[int, ...]]] = {}

    def accepts(self, dtype: np.dtype) -> bool:
        """Whether a kernel runs on `dtype` as it is, without promotion."""
        d = dtypes.FROM_ARRAY[dtype]
        return self.computes_in(d) is d

    def computes_in(self, d: dtype_) -> dtype_ | None:
        """The dtype to compute in for operands of `d`; None where the op refuses it."""
        if self.refuses(d):
            return None
        if self.promote == "floating" and d.category < 2:
            return dtypes.default_dtype()
        if self.promote == "integer" and d.category < 1:
            return dtypes.int64
        return d

    def refuses(self, d: dtype_) -> bool:
        """Whether operands of `d` are refused."""
        return d.name in self.refuse or dtypes.CATEGORIES[d.category] in self.refuse

    @property
    def gradients(self) -> dict[str, Gradient | None]:
        """How the gradient of each operand is computed; None where none flows."""
        if self._gradients is None:
            self._gradients = {name: self._gradient(name) for name in self.differentiable}
        return self._gradients

    def _gradient(self, name: str) -> Gradient | None:
        if self.boolean or name == "condition":
            return None
        own = self.op.grad.get(name)
        if own is not None:
            wanted = inspect.signature(own).parameters
            known = {**self.arguments, "gradient": GRADIENT, "output": OUTPUT}
            found: Any = own(**{n: known[n] for n in wanted})
            expression = None if found is None else lift(found)
        else:
            expression = derivative(self.root, symbol(name), GRADIENT)
            if expression is None and len(self.differentiable) == 1:
                expression = NOTHING
        if expression is None:
            return None
        return Gradient(substitute(expression, {self.root: OUTPUT})
                        if self.root.operands else expression)

    @property
    def node_class(self) -> type[Node]:
        """The class of the nodes that record this variant."""
        if self._node_class is None:
            self._node_class = node_class(self)
        return self._node_class

    @cached_property
    def saves(self) -> tuple[str, ...]:
        """Names of the values that the gradients read: operands, scalars, "output"."""
        read: dict[str, None] = {}
        for gradient in self.gradients.values():
            if gradient is not None:
                read.update(dict.fromkeys(gradient.real_names))
                read.update(dict.fromkeys(gradient.names))
        read.pop("gradient", None)
        return tuple(read)

    def readers(self, name: str) -> list[int]:
        """Numbers of the differentiable operands whose gradient reads the value `name`."""
        found = [self.gradients[operand] for operand in self.differentiable]
        return [i for i, g in enumerate(found)
                if g is not None and name in (*g.names, *g.real_names)]

    def read_by(self, edges: Any) -> set[str]:
        """The values that the gradients along those edges (None: not needed) read."""
        needed = tuple([edge is not None for edge in edges])
        found = self._read_by.get(needed)
        if found is None:
            found = self._read_by[needed] = {
                name for name in self.saves if any(needed[i] for i in self.readers(name))}
        return found


class Gradient:
    """The gradient of one operand as an expression of the output's gradient and saved values."""

    def __init__(self, root: Expression) -> None:
        self.root = root
        self.names = tuple(symbols([root]))
        self.real_root = specialise(root, complex_numbers=False)
        self.real_names = tuple(symbols([self.real_root]))
        self.small, self.large = (GradientKernels(self, large) for large in (False, True))
        self._ops: dict[bool, Pointwise] = {}

    @property
    def passes(self) -> bool:
        """Whether it is the output's gradient itself."""
        return self.root is GRADIENT


    def op(self, complex_numbers: bool) -> Pointwise:
        """The gradient as a pointwise op of its own, with gradients of its own."""
        if complex_numbers not in self._ops:
            root = self.root if complex_numbers else self.real_root
            # Its own gradient and output are other symbols than those that are operands here.
            fresh = {name: _fresh(name, self.names) for name in self.operands(complex_numbers)}
            names = fresh.values()
            root = substitute(root, {symbol(a): symbol(b) for a, b in fresh.items() if a != b})

            def gradient(**symbols: Expression) -> Expression:
                return root

            gradient.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
                inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names])
            declaration = Declaration("gradient", "pointwise", gradient)
            self._ops[complex_numbers] = Pointwise(declaration, "numeric", "same", "", None)
        return self._ops[complex_numbers]


    def operands(self, complex_numbers: bool) -> tuple[str, ...]:
        """The values that `op` takes, in order."""
        return self.names if complex_numbers else self.real_names


def _fresh(name: str, taken: tuple[str, ...]) -> str:
    if name not in ("gradient", "output"):
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


class GradientKernels(dict[Any, Any]):
    """Kernels of a gradient by dtype, taking all its names; conjugation only where it matters."""

    def __init__(self, gradient: Gradient, large: bool) -> None:
        self.gradient, self.large = gradient, large

    def __missing__(self, dtype: np.dtype) -> Any:
        root = self.gradient.root if dtype.kind == "c" else self.gradient.real_root
        made = self[dtype] = Kernels(root, self.gradient.names, self.large)[dtype]
        return made


def pointwise(paths: str, *, promote: Word = "numeric", result: str = "same", refuse: Word = "",
              grad: Mapping[str, Rule] | Rule | None = None, inplace: bool = True,
              switch: bool = False, tensors: str = "input", domain: Domain = None,
              refusal: str = "", check: Callable[..., None] | None = None,
              casts: bool = False, natural: str = "", numbers: bool = False,
              samples: Samples | None = None) -> Callable[[Callable[..., Any]], Any]:
    """Declare a pointwise op under the torch `paths`; returns its eager function.

    A bare name stands for the function, the method and both in-place forms; "Tensor.__add__"
    brings its reflected and in-place operators along. promote: "floating" lifts integers to the
    default dtype, "integer" truth values to int64. result: "bool" for comparisons, "real" where
    complex gives real. refuse: dtypes or categories that raise NotImplementedError, or
    RuntimeError with the text `refusal`. grad: overrides the derived gradient; a function of
    `gradient`, `output` and parameters by name, or a mapping of operands to such functions.
    switch: the functions in nn.functional take inplace=, and have in-place forms there. tensors:
    the operands that may not be numbers. domain: between which numbers the op is defined and
    smooth, or a tuple of pairs, one for each operand. check: a function of scalars, by their
    names, that raises an error for those that are out of range. casts: scalars are converted to
    the operands' dtype, fractions beside integers too. natural: an operand that, as a number
    beside integers, is not below 0. numbers: all operands may be numbers. samples: calls for the
    derived tests besides those that follow from all this.
    """

    def declare(body: Callable[..., Any]) -> Any:
        declaration = Declaration(body.__name__, "pointwise", body, samples=samples)
        op = Pointwise(declaration, promote, result, refuse, grad, tensors=tensors, domain=domain,
                       refusal=refusal, check=check, casts=casts, natural=natural,
                       numbers=numbers)
        function = declaration.function = named(op.name, wrapper(op, op.name), declaration)
        in_place = None
        for path in paths.split():
            holder, _, name = path.rpartition(".")
            if name in OPERATORS:
                _register_operators(op, name, declaration)
                continue
            if switch and holder == "nn.functional":
                _register_switched(op, path, name, declaration)
                continue
            register(declaration, path, function)
            if not holder and not name.startswith("_"):
                register(declaration, f"Tensor.{name}", function)
                if inplace:
                    in_place = in_place or named(f"{op.name}_", wrapper(op, f"{op.name}_",
                                                                        form="in-place"),
                                                 declaration)
                    register(declaration, f"{name}_", in_place)
                    register(declaration, f"Tensor.{name}_", in_place)
        return function

    return declare


def _register_switched(op: Pointwise, path: str, name: str, declaration: Declaration) -> None:
    for own, form in ((name, "switched"), (f"{name}_", "in-place")):
        function = named(own, wrapper(op, own, form=form), declaration)
        function.__module__ = f"rushlight.{path.rpartition('.')[0]}"  # where pickle finds it
        register(declaration, path if own == name else f"{path}_", function)


def _register_operators(op: Pointwise, name: str, declaration: Declaration) -> None:
    register(declaration, f"Tensor.{name}",
             named(name, wrapper(op, name, form="operator"), declaration))
    if name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        return
    for form, prefix in (("reflected", "__r"), ("in-place operator", "__i")):
        other = prefix + name[2:]
        if other in ("__radd__", "__rmul__"):  # the tensor comes first, as torch has it
            form = "operator"
        register(declaration, f"Tensor.{other}",
                 named(other, wrapper(op, other, form=form), declaration))


__all__ = ["GRADIENT", "OUTPUT", "Gradient", "Pointwise", "Variant", "constant", "pointwise"]
