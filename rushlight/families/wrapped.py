"""Wrapped tensors, and where operations ask for their rules: the root of vmap and forward mode.

A function transform hands the program tensors of a subclass of `Wrapped`, each of the level at
which it was entered. The flat wrappers take exact tensors only, so these arrive in the general
paths; there `override` looks for the highest level among the arguments and runs the call by the
rule of that kind of tensor, which works on what is inside, of lower levels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rushlight.base.structure import Structure
from rushlight.families.override import disabled
from rushlight.tensor import Tensor


class Wrapped(Tensor):
    """A tensor that belongs to a running transform."""

    __slots__ = ()
    __torch_function__ = staticmethod(disabled)  # the transforms have rules of their own
    level: int

    @classmethod
    def run(cls, level: int, call: Call) -> Any:
        """The call by the rule for tensors of this kind at `level`."""
        raise NotImplementedError


@dataclass
class Call:
    """One call of an operation: `function(*args, **options)`."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]
    op: Any  # the family's own object, None where there is none
    name: str
    family: str
    in_place: bool = False
    body: Callable[..., Any] | None = None  # what a function of plain Python does by itself

    def plainly(self) -> Any:
        """Run it without asking for rules; what it calls asks."""
        return (self.body or self.function)(*self.args, **self.options)

    def leaves(self) -> list[Any]:
        """The arguments, lists and dictionaries opened."""
        return list(leaves_of((self.args, self.options)))

    def __call__(self, change: Callable[[Any], Any] | None = None) -> Any:
        """Run it; change: of each of the leaves, in order."""
        if change is None:
            return self.function(*self.args, **self.options)
        args, options = mapped((self.args, self.options), change)
        return self.function(*args, **options)

    def given(self, leaves: list[Any]) -> Any:
        """Run it with other leaves in place of its own."""
        rest = iter(leaves)
        return self(lambda _: next(rest))


@dataclass
class Level:
    """One transform that is running on this thread."""

    number: int
    size: int = -1  # of the batch, for vmap
    randomness: str = ""


class Levels(threading.local):
    """The transforms that run on this thread, outermost first."""

    def __init__(self) -> None:
        self.stack: list[Level] = []


levels = Levels()


@contextmanager
def entered(size: int = -1, randomness: str = "") -> Iterator[Level]:
    """Run the block inside one more transform."""
    before = levels.stack
    number = before[-1].number + 1 if before else 1
    level = Level(number, size, randomness)
    levels.stack = [*before, level]
    try:
        yield level
    finally:
        levels.stack = before


@contextmanager
def below(number: int) -> Iterator[None]:
    """Run the block as if the transforms from `number` on had not been entered."""
    before = levels.stack
    levels.stack = [level for level in before if level.number < number]
    try:
        yield
    finally:
        levels.stack = before


def leaves_of(value: Any) -> Iterator[Any]:
    """What lists, tuples and dictionaries hold, to any depth."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from leaves_of(item)
    elif type(value) is dict:
        for item in value.values():
            yield from leaves_of(item)
    else:
        yield value


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same structure with `change` of each of its leaves."""
    if isinstance(value, tuple | list):
        items = [mapped(item, change) for item in value]
        kind = type(value)
        if kind in (tuple, list):
            return kind(items)
        named = hasattr(kind, "_fields") or isinstance(value, Structure)
        return kind(*items) if named else kind(items)
    if type(value) is dict:
        return {name: mapped(item, change) for name, item in value.items()}
    return change(value)


def is_wrapped(values: Any) -> bool:
    """Whether a wrapped tensor is among the values."""
    return any(isinstance(value, Wrapped) for value in values)


def highest(leaves: Any) -> Wrapped | None:
    """The wrapped tensor of the highest level."""
    found: Wrapped | None = None
    for leaf in leaves:
        if isinstance(leaf, Wrapped) and (found is None or leaf.level > found.level):
            found = leaf
    return found


def override(call: Call) -> Any:
    """Run a call of which an argument is wrapped, by the rule of its highest level."""
    top = highest(call.leaves())
    return call() if top is None else type(top).run(top.level, call)


def override_op(form: Callable[..., Any], op: Any, arguments: Any, in_place: bool = False) -> Any:
    """`override` of `form(op, arguments)`, as the families run their operations."""
    return override(Call(lambda values: form(op, values), (dict(arguments),), {}, op, op.name,
                         op.declaration.family, in_place))


def refuse_out(name: str, out: Any) -> None:
    """Refuse to write what a transform computes into a tensor from outside."""
    if out is not None:
        raise RuntimeError(f"{name}(): functions with out=... arguments don't support automatic "
                           "differentiation or vmap; leave out= away inside a transform")
