"""Random programs with views, writes in place and broadcasting give what torch gives.

A program is Python source, run line by line in both packages from the same inputs. After every
line all values are compared, and whether an error was raised; after a last backward the
gradients. A failing program is printed, and can be run as it stands.
"""

from __future__ import annotations

import random
import re
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight

torch = pytest.importorskip("torch")

# What a line may be. x, y, z: values so far; new: a fresh name; d, e: dimensions of x; n: a
# number; order: a permutation of x's dimensions; sizes: x's sizes, shuffled; index: an index for
# x; picks: indices along d. Lines are drawn with equal chances from their group.
GROUPS: dict[int, list[str]] = {
    6: ["tanh", "sin", "exp", "sigmoid", "relu", "abs", "neg", "square", "clone", "detach",
        "contiguous", "sum", "mean", "flatten", "squeeze"],
    4: ["tanh_", "sin_", "sigmoid_", "relu_", "neg_", "zero_", "abs_", "square_"],
    7: ["{new} = {x} + {y}", "{new} = {x} * {y}", "{new} = {x} - {y}", "{new} = {x}.maximum({y})",
        "{new} = {x} @ {y}", "{new} = {x} + {n}", "{new} = {x} * {n}", "{new} = {x} / {n}",
        "{new} = {x} ** 2", "{new} = {n} - {x}", "{new} = T.where({x} > 0, {y}, {z})",
        "{new} = {x}.masked_fill({y} > 0, {n})", "{new} = {x}.float().double()"],
    8: ["{new} = {x}.add_({y})", "{new} = {x}.mul_({y})", "{new} = {x}.sub_({y})",
        "{new} = {x}.copy_({y})", "{x} += {n}", "{x} *= {n}", "{x}.div_({n})", "{x}.fill_({n})",
        "{x}.clamp_({n})", "{x}.pow_(2)", "{x}.masked_fill_({y} > 0, {n})",
        "{x}.expand(2, *{x}.shape).add_(1)"],
    12: ["{new} = {x}.transpose({d}, {e})", "{new} = {x}.unsqueeze({d})",
         "{new} = {x}.squeeze({d})", "{new} = {x}.view(-1)", "{new} = {x}.view({sizes})",
         "{new} = {x}.reshape(-1)", "{new} = {x}.expand(2, *{x}.shape)",
         "{new} = {x}.permute({order})", "{new} = {x}.movedim({d}, {e})",
         "{new} = {x}.diagonal()", "{new} = {x}.narrow({d}, 1, 1)", "{new} = {x}.select({d}, 1)",
         "{new} = {x}.t()", "{new} = {x}.mT", "{new} = {x}.unfold({d}, 2, 2)",
         "{new} = {x}.view_as({y})", "{new} = {x}.unflatten({d}, (-1, 1))",
         "{new} = {x}.chunk(2, {d})[0]", "{new} = {x}.split(1, {d})[1]",
         "{new} = {x}.unbind({d})[1]", "{new} = {x}.data"],
    9: ["{new} = {x}[{index}]"],
    10: ["{x}[{index}] = {y}", "{x}[{index}] = {n}", "{x}[{index}] += {y}",
         "{x}[{index}] *= {n}"],
    5: ["{new} = {x}.sum({d}, keepdim=True)", "{new} = {x}.mean({d}).contiguous()",
        "{new} = {x}.softmax({d})", "{new} = T.cat([{x}, {x}], {d})",
        "{new} = T.stack([{x}, {y}], {d})", "{new} = {x}.index_select({d}, T.tensor({picks}))",
        "{new} = {x}[T.tensor({picks})]"],
    2: ["{new} = {x} + 0; {new}.register_hook(lambda g: g * {n})",
        "{new} = {x} + 0; {new}.retain_grad()",
        "{x}.sum().backward(retain_graph=True)",
        "{new} = T.autograd.grad({x}.sum(), {y}, retain_graph=True, create_graph=True)[0]"
        ".detach()"],
}
CHANCES, LINES = list(GROUPS), list(GROUPS.values())
SHAPES = [(2, 3), (3,), (2, 2), (4,), (2, 1, 3), (1, 3), (), (3, 2)]
WRITES = re.compile(r"_\(|\] [+*]?= |[+*]= ")

# Where torch refuses what is well defined here, the program ends.
STRICTER = (
    "and its base or another view of its base has been modified inplace",
    "view was created in",
    "some elements of the input tensor and the written-to tensor refer to a single",
)


class Different(Exception):
    """The two packages disagree."""


class Refused(Exception):
    """torch refuses to go on for a reason that is its own."""


def an_index(chance: random.Random, shape: tuple[int, ...]) -> str:
    """The source of an index for a tensor of that shape."""
    parts = []
    for n in shape:
        kind = chance.random()
        if kind < 0.3:
            parts.append(":")
        elif kind < 0.55 and n:
            parts.append(str(chance.randrange(-n, n)))
        elif kind < 0.9:
            start = chance.randrange(n + 1)
            parts.append(f"{start}:{chance.randrange(start, n + 1)}:{chance.choice([1, 1, 2])}")
        else:
            parts.append("...")
            break
        if chance.random() < 0.15:
            parts.append("None")
        if chance.random() < 0.3:
            break
    return ", ".join(parts) or "()"


def a_line(chance: random.Random, values: dict[str, Any]) -> str:
    """The next line of a program over `values`."""
    line = chance.choice(chance.choices(LINES, CHANCES)[0])
    if " " not in line and "." not in line:
        line = f"{{new}} = {{x}}.{line}()"
    names = list(values)
    x, y, z = (chance.choice([chance.choice(names), names[-1]]) for _ in range(3))
    shape = tuple(values[x].shape)
    if WRITES.search(line) and overlap(values[x], values[y]):
        y = x  # what a write reads of itself while it goes on is nobody's promise
    dims = [chance.randrange(-len(shape), len(shape)) if shape else 0 for _ in range(2)]
    sizes, order = list(shape), list(range(len(shape)))
    chance.shuffle(sizes)
    chance.shuffle(order)
    length = (shape[dims[0]] if shape else 1) if values[x].numel() else 0
    line = line.format(
        x=x, y=y, z=z, d=dims[0], e=dims[1], n=chance.choice([2, 0.5, 1.5]), order=order,
        sizes=sizes, index=an_index(chance, shape), new=f"v{len(values)}",
        picks=[chance.randrange(length) for _ in range(3)] if length else [0])
    return f"with T.no_grad(): {line}" if chance.random() < 0.08 else line


def overlap(a: Any, b: Any) -> bool:
    return a is not b and np.shares_memory(a.detach().numpy(), b.detach().numpy())


class Program:
    """One random program, run in both packages in step."""

    def __init__(self, seed: int, length: int) -> None:
        self.chance, self.length = random.Random(seed), length
        self.lines: list[str] = []
        numbers = np.random.default_rng(seed)
        self.theirs: dict[str, Any] = {"T": torch}
        self.ours: dict[str, Any] = {"T": rushlight}
        for i in range(3):
            data = numbers.uniform(-1, 1, self.chance.choice(SHAPES)).round(3).tolist()
            self.run(f"v{i} = T.tensor({data}, dtype=T.float64, "
                     f"requires_grad={self.chance.random() < 0.7})")

    def values(self, names: dict[str, Any]) -> dict[str, Any]:
        return {name: x for name, x in names.items() if name[0] == "v"}

    def run(self, line: str) -> None:
        self.lines.append(line)
        errors = []
        for names in (self.theirs, self.ours):
            try:
                exec(line, names)
                errors.append(None)
            except Exception as error:
                errors.append(error)
        theirs, ours = errors
        if theirs is not None and any(text in str(theirs) for text in STRICTER):
            raise Refused
        if ours is None and "] += " in line and "a leaf Variable" in str(theirs):
            raise Refused  # it has not noticed yet that the view's base is no leaf any more
        if theirs is None and ours is not None and "more than one element" in str(ours):
            raise Refused  # here a write to one of several elements at one place is refused, too
        if (theirs is None) != (ours is None):
            raise Different(f"torch: {theirs!r}, rushlight: {ours!r}")
        if theirs is not None and not isinstance(ours, (RuntimeError, IndexError, ValueError)):
            raise Different(f"torch: {theirs!r}, rushlight: {ours!r}")
        if theirs is not None:
            self.lines[-1] = f"# {line}  # {type(theirs).__name__}"
            if "backward" in line:
                raise Refused  # torch has added part of the gradients, here there are none

    def compare(self) -> None:
        """All values so far are the same, and stand in the graph alike."""
        for name, theirs in self.values(self.theirs).items():
            ours = self.ours[name]
            try:
                theirs.grad_fn
            except RuntimeError:
                raise Refused from None
            if theirs._is_view() and theirs.is_leaf and theirs.requires_grad:
                raise Refused  # a view taken in no_grad requires grad there, against its promise
            same(name, theirs, ours)
            if (theirs.requires_grad, theirs.is_leaf) != (ours.requires_grad, ours.is_leaf):
                raise Different(f"{name} requires grad or is a leaf in one only")

    def go(self) -> None:
        """Raises Different where the packages disagree."""
        while len(self.lines) < self.length:
            self.run(a_line(self.chance, self.values(self.theirs)))
            self.compare()
        leaves = [name for name, x in self.values(self.theirs).items() if x.requires_grad]
        if leaves:
            terms = (f"({name} * {name}).sum() * {1 + i}" for i, name in enumerate(leaves))
            self.run(f"({' + '.join(terms)}).backward()")
        with warnings.catch_warnings():  # torch warns of the .grad of what is no leaf
            warnings.simplefilter("ignore")
            for name, theirs in self.values(self.theirs).items():
                same(f"{name}.grad", theirs.grad, self.ours[name].grad)


def same(name: str, theirs: Any, ours: Any) -> None:
    if (theirs is None) != (ours is None):
        raise Different(f"{name}: torch {theirs}, rushlight {ours}")
    if theirs is None:
        return
    a, b = theirs.detach().numpy(), ours.detach().numpy()
    if a.shape != b.shape or not np.allclose(a, b, 1e-6, 1e-8, equal_nan=True):
        raise Different(f"{name}: torch {theirs}, rushlight {ours}")


def check(seed: int, length: int) -> None:
    program = Program(seed, length)
    try:
        program.go()
    except Refused:
        pass
    except Different as error:
        pytest.fail(f"seed {seed}\n" + "\n".join(program.lines) + f"\n{error}", pytrace=False)


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_random_programs(start: int) -> None:
    for seed in range(start, start + 50):
        check(seed, length=12)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(300, 20_300, 500))
def test_many_random_programs(start: int) -> None:
    for seed in range(start, start + 500):
        check(seed, length=14)
