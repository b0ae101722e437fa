"""Batched tensors: what vmap hands to the function, one lane in shape, all lanes in value."""

from __future__ import annotations

from typing import Any

from rushlight.backends.meta.array import MetaArray
from rushlight.families.wrapped import Call, Wrapped
from rushlight.tensor import Tensor

new = object.__new__


class Batched(Wrapped):
    """All lanes of a tensor inside `vmap`; `value` has them along dimension 0.

    What asks for shape or dtype sees one lane. The lanes' elements are not those of one array:
    `_array` has none, so that code which would read them fails, in place of reading one lane's.
    """

    __slots__ = ()
    value: Tensor

    def __new__(cls, value: Tensor, level: int) -> Batched:
        made = new(cls)
        array = value._array
        made._array = MetaArray(  # type: ignore[assignment]
            array.shape[1:], array.dtype, array.strides[1:])
        made._writes = made._view = None
        made.value, made.level = value, level
        return made

    @classmethod
    def run(cls, level: int, call: Call) -> Any:
        """The call by the batching rule of its family."""
        return RULE[0](level, call)

    # ---- what a tensor knows about itself

    @property
    def _node(self) -> Any:
        """That of the lanes: composites ask whether they have to record."""
        return self.value._node

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to the lanes."""
        return self.value.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Not possible inside a transform."""
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() inside of a function being "
            "transformed by a function transform: use func.grad or func.vjp there, which "
            "differentiate with respect to arguments")

    @property
    def device(self) -> Any:
        """Where the lanes are."""
        return self.value.device

    @property
    def is_meta(self) -> bool:
        """Whether the lanes have no data."""
        return self.value.is_meta

    def detach(self) -> Tensor:
        """The same lanes, cut off from the graph."""
        return Batched(self.value.detach(), self.level)

    @property
    def data(self) -> Tensor:
        """The same lanes without history."""
        return Batched(self.value.data, self.level)

    @data.setter
    def data(self, value: Tensor) -> None:
        raise RuntimeError("vmap: .data of a tensor inside vmap cannot be set")

    # ---- what needs one number

    def item(self) -> Any:
        """Not possible: each lane has its own."""
        raise RuntimeError(
            "vmap: It looks like you're calling .item() on a Tensor. There is one number for each "
            f"of the {self.value._array.shape[0]} lanes; keep to operations on tensors")

    def __bool__(self) -> bool:
        raise RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
            "flow. Each lane would go its own way; write the choice with where()")

    def _no_number(self, kind: str) -> RuntimeError:
        return RuntimeError(
            f"vmap: It looks like you're calling .item() on a Tensor: {kind}() of a tensor inside "
            "vmap has a value for each lane; keep to operations on tensors")

    def __int__(self) -> int:
        raise self._no_number("int")

    def __float__(self) -> float:
        raise self._no_number("float")

    def __complex__(self) -> complex:
        raise self._no_number("complex")

    def __index__(self) -> int:
        raise self._no_number("index")

    def tolist(self) -> Any:
        """Not possible: each lane has its own."""
        raise self._no_number("tolist")

    def numpy(self, *, force: bool = False) -> Any:
        """Not possible: the function must run on tensors."""
        raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage: "
                           "numpy() of a tensor inside vmap; keep to operations on tensors")

    def __repr__(self) -> str:
        return f"BatchedTensor(lvl={self.level}, bdim=0, value={self.value!r})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("a tensor inside vmap cannot be pickled or copied")

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        return Batched(self.value.clone(), self.level)


RULE: list[Any] = []  # the batching rule, put in by `batching`, which is made of operations


def lowered(x: Tensor, level: int, size: int) -> Tensor:
    """`x` with the lanes of `level` as its dimension 0, and no longer batched there."""
    if isinstance(x, Wrapped):
        if isinstance(x, Batched):
            if x.level == level:
                return x.value
            if x.level > level:  # (size, lanes, ...) to (lanes, size, ...)
                return Batched(lowered(x.value, level, size).movedim(0, 1),
                               x.level)
        elif x.level > level:
            return x.with_parts(lambda part: lowered(part, level, size))  # type: ignore
    return x.unsqueeze(0).expand(size, *x._array.shape)


def raised(x: Tensor, level: int) -> Tensor:
    """`x`, whose dimension 0 is lanes, as batched at `level`."""
    if isinstance(x, Wrapped) and x.level > level:
        if isinstance(x, Batched):
            return Batched(raised(x.value.movedim(0, 1), level), x.level)
        return x.with_parts(lambda part: raised(part, level))  # type: ignore[attr-defined]
    return Batched(x, level)


def lifted(x: Tensor, level: int, size: int) -> Tensor:
    """`x` batched at `level`, the same in every lane if it was not."""
    return raised(lowered(x, level, size), level)
