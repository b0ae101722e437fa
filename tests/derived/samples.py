"""Calls to test a declaration with: those it states, and those that follow from it.

A pointwise op's follow from its operands, their domain, its scalars and switches; every other op
states calls as `samples=`, or takes operands by their usual names, for which square matrices do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import Tensor
from rushlight.base import dtypes
from rushlight.families.declaration import DECLARATIONS, Declaration
from rushlight.families.pointwise import Pointwise

OPERANDS = {"input", "other", "tensor", "A", "B", "x1", "x2"}  # what they call tensors
EVERY = 5  # of so many cases the quick suite runs one


class Maker:
    """Tensors of float64 with random elements, the same on every run."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    def __call__(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
        return rl.from_numpy(np.asarray(self.random.uniform(low, high, shape)))

    def integers(self, *shape: int, low: int = 1, high: int = 6) -> Tensor:
        return rl.from_numpy(np.asarray(self.random.integers(low, high, shape)))

    def bools(self, *shape: int) -> Tensor:
        return self(*shape) > 0

    def tensor(self, values: Any) -> Tensor:
        return rl.tensor(values)

    def regular(self, size: int, *batch: int) -> Tensor:
        """Square matrices far from singular, elements above 0."""
        return self(*batch, size, size, low=0.1, high=0.4) + rl.eye(size, dtype=rl.float64)

    def definite(self, size: int, *batch: int) -> Tensor:
        """Symmetric positive definite matrices with eigenvalues well apart."""
        x = self(*batch, size, size, low=0.1, high=0.4)
        return (x + x.mT) / 2 + rl.arange(1.0, size + 1, dtype=rl.float64).diag()


@dataclass
class Sample:
    """One call of a declared op."""

    declaration: Declaration
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        given = [*map(text, self.args), *(f"{k}={text(v)}" for k, v in self.options.items())]
        return f"{self.declaration.name}({', '.join(given)})"

    def run(self, function: Callable[..., Any] | None = None) -> Any:
        """The result; an op that writes is given a copy, so that the sample can serve again."""
        args, options = self.args, self.options
        if function is None and writes(self.declaration):
            args = (args[0].clone(), *args[1:])
        return (function or self.declaration.function)(*args, **options)

    def map(self, change: Callable[[Tensor], Tensor]) -> Sample:
        """The same call with other tensors."""
        return Sample(self.declaration, tuple(mapped(a, change) for a in self.args),
                      {k: mapped(v, change) for k, v in self.options.items()})

    def to(self, dtype: Any) -> Sample:
        """The same call with floating point tensors of another dtype."""
        return self.map(lambda x: x.to(dtype) if x.is_floating_point() else x)

    def tensors(self) -> list[Tensor]:
        return list(tensors_in([*self.args, *self.options.values()]))


def writes(declaration: Declaration) -> bool:
    """Whether every form of an op changes its first operand."""
    return all(p.endswith("_") and not p.endswith("__") for p in declaration.paths)


def text(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype.name}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text, value))}]"
    return repr(value)


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(mapped(v, change) for v in value)
    return value


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors among nested lists and tuples."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


@cache
def samples_of(declaration: Declaration) -> list[Sample]:
    """The calls to test a declaration with; none where none are known."""
    x = Maker()
    stated = [] if declaration.samples is None else declaration.samples(x)
    found = [Sample(declaration, call[:-1], call[-1]) if isinstance(call[-1], dict)
             else Sample(declaration, call) for call in stated]
    if isinstance(declaration.op, Pointwise):
        return [*pointwise_samples(declaration, x), *found]
    return found or usual_samples(declaration, x)


def pointwise_samples(declaration: Declaration, x: Maker) -> list[Sample]:
    op = declaration.op
    required = [n for n in op.operands if n not in op.defaults]
    optional = [n for n in op.operands if n in op.defaults]
    integers = "float" in op.refuse if isinstance(op.refuse, str) else False
    domains = op.domain if isinstance(op.domain, tuple) else (-2, 2)
    if not isinstance(domains[0], tuple):
        domains = (domains,) * len(op.operands)

    def operand(position: int, *shape: int) -> Tensor:
        if op.operands[position] == "condition":
            return x(*shape) > 0
        if integers:
            return x.integers(*shape)
        low, high = domains[position]
        return x(*shape, low=low, high=high)

    count = len(required)
    shapes = [[(3, 4)] * count, [(3, 4), (4,), (3, 1)][:count], [()] * count]
    needed: dict[str, Any] = {n: 0.6 for n in op.scalars if n not in op.defaults}
    if optional and op.check is not None:  # some, but not none, of them may be left out
        needed[optional[0]] = operand(list(op.operands).index(optional[0]))
    found = [Sample(declaration, tuple(operand(i, *s) for i, s in enumerate(each)), dict(needed))
             for each in (shapes if len(required) > 1 else shapes[::2])]
    others = {n: v for n in op.scalars if (v := another(op.defaults.get(n))) is not None}
    changes: list[dict[str, Any]] = [{n: value} for n, value in others.items()]
    changes += [{n: not op.defaults[n]} for n in op.options if isinstance(op.defaults[n], bool)]
    if optional:
        names = list(op.operands)
        changes.append({n: operand(names.index(n), 4) for n in optional})
    for change in changes:
        args = tuple(operand(i, 3, 4) for i in range(len(required)))
        found.append(Sample(declaration, args, {**needed, **change}))
    return found


def another(default: Any) -> Any:
    """A value for a scalar that is not its default."""
    if isinstance(default, bool | int | float):
        return default + 1 if isinstance(default, int) else default + 0.3
    return None


def usual_samples(declaration: Declaration, x: Maker) -> list[Sample]:
    """A call with a square matrix for each operand, if there is nothing else to give."""
    if not public_functions(declaration):
        return []
    try:
        parameters = inspect.signature(declaration.body).parameters.values()
    except ValueError:
        return []
    required = [p for p in parameters if p.default is p.empty]
    if not required or any(p.name not in OPERANDS or p.kind is not p.POSITIONAL_OR_KEYWORD
                           for p in required):
        return []
    sample = Sample(declaration, tuple(regular(x) for _ in required))
    try:
        sample.run()
    except Exception:
        return []
    return [sample]


def regular(x: Maker) -> Tensor:
    """A matrix in the domain of nearly everything: between 0 and 1, of positive determinant."""
    return x(3, 3, low=0.2, high=0.3) + 0.6 * rl.eye(3, dtype=rl.float64)


def is_random(declaration: Declaration) -> bool:
    return declaration.family == "random" or "dropout" in declaration.name


DRAWING = {"svd_lowrank", "pca_lowrank", "lobpcg"}
UNSPECIFIED = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided",
               "empty_permuted"}  # whose elements are any


def is_refused(declaration: Declaration) -> bool:
    """Whether an op only says why it is not there."""
    return declaration.location[0].endswith("left_out.py") or declaration.name in ("chalf", "cuda")


# Random ops are tested for their streams, elsewhere.
TESTED = [d for d in DECLARATIONS if not is_random(d) and not is_refused(d)]
POINTWISE = [d for d in TESTED if isinstance(d.op, Pointwise)]


def cases(declarations: list[Declaration]) -> list[Any]:
    """Parameters for a test of each sample; of EVERY one is quick, the others are slow."""
    found = []
    for declaration in declarations:
        for i, sample in enumerate(samples_of(declaration)):
            marks = () if len(found) % EVERY == 0 else (pytest.mark.slow,)
            found.append(pytest.param(sample, id=f"{declaration.name}-{i}", marks=marks))
    return found


def is_public(declaration: Declaration) -> bool:
    """Whether users call an op by a name of its own; private ones serve those."""
    return any(not p.rpartition(".")[2].startswith("_") or p.endswith("__")
               for p in declaration.paths)


def public_functions(declaration: Declaration) -> list[str]:
    """Paths of public functions that write to nothing, linear algebra on its own terms apart."""
    return [p for p in declaration.paths if not p.startswith(("linalg.", "Tensor."))
            and not p.rpartition(".")[2].startswith("_") and not p.endswith("_")]


def flat(result: Any) -> list[Any]:
    """The tensors of a result, or the result itself where there are none."""
    return list(tensors_in(result)) or [result]


FLOATS = [d for d in dtypes.ALL if d.category == 2]
