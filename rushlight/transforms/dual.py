"""Dual tensors: a value with its derivative along a direction, for forward mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.families.wrapped import Call, Wrapped
from rushlight.ops import zeros_like
from rushlight.tensor import Tensor
from rushlight.transforms.batched import Batched, lowered

new = object.__new__


class Dual(Wrapped):
    """`primal` and `tangent`, of one shape; tangent None stands for zeros."""

    __slots__ = ()
    primal: Tensor
    tangent: Tensor | None

    def __new__(cls, primal: Tensor, tangent: Tensor | None, level: int) -> Dual:
        made = new(cls)
        made._array = primal._array
        made._writes = made._view = None  # its parts have theirs
        made.primal, made.tangent, made.level = primal, tangent, level
        return made

    @classmethod
    def run(cls, level: int, call: Call) -> Any:
        """The call by the forward rule of its family."""
        return RULE[0](level, call)

    def with_parts(self, change: Callable[[Tensor], Tensor]) -> Dual:
        """`change` of primal and tangent."""
        tangent = None if self.tangent is None else change(self.tangent)
        return Dual(change(self.primal), tangent, self.level)

    @property
    def _node(self) -> Any:
        """That of the primal: composites ask whether they have to record."""
        return self.primal._node

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to the primal."""
        return self.primal.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.primal.requires_grad = value

    @property
    def device(self) -> Any:
        """Where the primal is."""
        return self.primal.device

    def detach(self) -> Tensor:
        """The same primal and tangent, cut off from the recorded graph."""
        return self.with_parts(lambda part: part.detach())

    def item(self) -> Any:
        """The primal's one element as a Python number."""
        return self.primal.item()

    def __bool__(self) -> bool:
        return bool(self.primal)

    def numpy(self, *, force: bool = False) -> Any:
        """The primal's memory as a NumPy array."""
        return self.primal.numpy(force=force)

    def __repr__(self) -> str:
        return f"{repr(self.primal)[:-1]}, tangent={self.tangent!r})"


RULE: list[Any] = []  # the forward rule, put in by `forward`


def parted(x: Any, level: int) -> tuple[Any, Any]:
    """Primal and tangent (None for zeros) of `x` at `level`, below higher levels too."""
    if not isinstance(x, Wrapped) or x.level < level:
        return x, None
    if x.level == level and isinstance(x, Dual):
        return x.primal, x.tangent
    if isinstance(x, Batched):
        primal, tangent = parted(x.value, level)
        return (Batched(primal, x.level),
                None if tangent is None else Batched(tangent, x.level))
    assert isinstance(x, Dual)
    primal, tangent = parted(x.primal, level)
    if x.tangent is None:
        return Dual(primal, None, x.level), tangent if tangent is None else Dual(
            tangent, None, x.level)
    own, own_tangent = parted(x.tangent, level)
    if tangent is None and own_tangent is None:
        return Dual(primal, own, x.level), None
    return Dual(primal, own, x.level), Dual(
        zeros_like(primal) if tangent is None else tangent, own_tangent, x.level)


def joined(primal: Tensor, tangent: Tensor | None, level: int) -> Tensor:
    """The dual tensor at `level` of two parts, which may be wrapped at higher levels."""
    if tangent is None:
        return primal
    top = max((x.level for x in (primal, tangent) if isinstance(x, Wrapped)), default=-1)
    if top <= level:
        return Dual(primal, tangent, level)
    if isinstance(primal, Batched | Dual) and primal.level == top:
        kind: Any = type(primal)
    else:
        kind = type(tangent)
    if kind is Batched:
        size = next(x for x in (primal, tangent)
                    if isinstance(x, Batched) and x.level == top).value._array.shape[0]
        return Batched(joined(lowered(primal, top, size), lowered(tangent, top, size), level), top)
    (p, dp), (t, dt) = parted(primal, top), parted(tangent, top)
    if dp is None and dt is None:
        return Dual(joined(p, t, level), None, top)
    return Dual(joined(p, t, level),
                joined(zeros_like(p) if dp is None else dp, dt, level), top)


def plus(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """The sum of two tangents, None for zeros."""
    if one is None or other is None:
        return other if one is None else one
    return one + other
