"""The transforms of Winograd's F(2x2, 3x3) on vectors of channels, as LLVM IR (Lavin & Gray, 2016).

Two by two results of a window of three by three are had from 4x4 elements with 16 products, not
36: Y = A^T [(G g G^T) * (B^T d B)] A. Each matrix is applied to the columns, then to the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.values import Value

PLACES = 16  # of a transformed tile


class Lanes:
    """A vector of floats in a function that is being written."""

    __slots__ = ("code", "value")

    def __init__(self, code: Code, value: Value) -> None:
        self.code, self.value = code, value

    def _two(self, word: str, other: Lanes | float) -> Lanes:
        kind = self.value.kind
        if isinstance(other, Lanes):
            text = other.value.text
        else:
            text = f"splat (float {self.code.constant('float', other).text})"
        return Lanes(self.code, self.code.emit(kind, f"{word} {kind} {self.value.text}, {text}"))

    def __add__(self, other: Lanes) -> Lanes: return self._two("fadd", other)
    def __sub__(self, other: Lanes) -> Lanes: return self._two("fsub", other)
    def __mul__(self, other: float) -> Lanes: return self._two("fmul", other)

    def __neg__(self) -> Lanes:
        kind = self.value.kind
        return Lanes(self.code, self.code.emit(kind, f"fneg {kind} {self.value.text}"))


Matrix = list[list[Lanes]]


def both(one: Callable[..., Sequence[Lanes]], matrix: Matrix) -> Matrix:
    """`one` applied to each column, then to each row of what that gave."""
    columns = [one(*column) for column in zip(*matrix, strict=True)]
    return [list(one(*row)) for row in zip(*columns, strict=True)]


def of_input(a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> tuple[Lanes, ...]:
    """B^T: four elements in a line."""
    return a - c, b + c, c - b, b - d


def of_weight(a: Lanes, b: Lanes, c: Lanes) -> tuple[Lanes, ...]:
    """G: the three weights of a line."""
    even, odd = (a + c) * 0.5, b * 0.5
    return a, even + odd, even - odd, c


def to_output(a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> tuple[Lanes, ...]:
    """A^T: products to the two results of a line."""
    return a + b + c, b - c - d


def of_output(a: Lanes, b: Lanes) -> tuple[Lanes, ...]:
    """A: the gradients of two results."""
    return a, a + b, a - b, -b


def to_weight(a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> tuple[Lanes, ...]:
    """G^T: to the gradients of three weights."""
    even, odd = (b + c) * 0.5, (b - c) * 0.5
    return a + even, odd, even + d
