"""The size of a ragged dimension: no number, but a symbol that all batches of its lengths share."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from rushlight.ops.symbolic_numbers import SymInt
from rushlight.sequences.layout import Layout


class RaggedInt(SymInt):
    """What stands for the lengths of a layout in a shape, printed as j1, j2, ...

    It equals the size of every batch of the same lengths, and no number. It is greater than 1;
    other comparisons with numbers raise ValueError.

    >>> import rushlight as rl
    >>> x = rl.nested.nested_tensor([rl.ones(2, 3), rl.ones(1, 3)], layout=rl.jagged)
    >>> x.size(1) == (x + 1).size(1), x.size(1) == 2
    (True, False)
    """

    __slots__ = ("factor", "layout")

    def __init__(self, layout: Layout, factor: int = 1) -> None:
        self.layout, self.factor = layout, factor

    def __repr__(self) -> str:
        times = "" if self.factor == 1 else f"{self.factor}*"
        return f"{times}j{self.layout.number}"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, RaggedInt) and self.factor == other.factor
                and self.layout.agrees(other.layout))

    def __hash__(self) -> int:
        return hash((self.factor, self.layout.batch, self.layout.steps))

    def __mul__(self, other: Any) -> Any:
        return RaggedInt(self.layout, self.factor * other) if isinstance(other, int) else (
            NotImplemented)

    __rmul__ = __mul__

    def _compared(self, other: Any, name: str) -> bool:
        compare: Callable[[Any, Any], bool] = getattr(operator, name)
        if isinstance(other, RaggedInt) and self == other:
            return compare(0, 0)
        least = 2  # as torch takes it, whatever the lengths are
        if isinstance(other, int) and (other < least or (other == least and name in ("ge", "lt"))):
            return compare(least, other)
        raise ValueError(f"{name}: relation is indeterminate: {self!r} stands for the lengths "
                         f"{self.layout!r}, of which each differs; see offsets()")

    def __ge__(self, other: Any) -> bool:
        return self._compared(other, "ge")

    def __gt__(self, other: Any) -> bool:
        return self._compared(other, "gt")

    def __le__(self, other: Any) -> bool:
        return self._compared(other, "le")

    def __lt__(self, other: Any) -> bool:
        return self._compared(other, "lt")
