"""How values of several processes become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

from rushlight import ops
from rushlight.tensor import Tensor


class ReduceOp(IntEnum):
    """SUM, PRODUCT, MIN, MAX, BAND, BOR, BXOR (bits), or AVG, the sum divided by their number."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)

    def __str__(self) -> str:
        return f"RedOpType.{self.name}"


ReduceOp.RedOpType = ReduceOp  # type: ignore[attr-defined]  # torch's own name for the type

_FUNCTIONS: dict[int, Callable[[Tensor, Tensor], Tensor]] = {
    ReduceOp.SUM: ops.add, ReduceOp.AVG: ops.add, ReduceOp.PRODUCT: ops.mul,
    ReduceOp.MIN: ops.minimum, ReduceOp.MAX: ops.maximum, ReduceOp.BAND: ops.bitwise_and,
    ReduceOp.BOR: ops.bitwise_or, ReduceOp.BXOR: ops.bitwise_xor}


def reduced(tensors: Sequence[Tensor], op: ReduceOp) -> Tensor:
    """The tensors as one, taken in the order of ranks: every process finds the same bits."""
    if op not in _FUNCTIONS:
        raise ValueError(f"op: {op!r} is no ReduceOp")
    total = tensors[0]
    for other in tensors[1:]:
        total = _FUNCTIONS[op](total, other)
    return total / len(tensors) if op == ReduceOp.AVG else total
