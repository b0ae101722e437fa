"""Forward mode by hand: dual tensors at a level that is entered and left."""

from __future__ import annotations

from typing import NamedTuple

from rushlight.autograd.grad_mode import _ContextDecorator
from rushlight.base.errors import describe
from rushlight.families.wrapped import Level, levels
from rushlight.tensor import Tensor
from rushlight.transforms import forward  # noqa: F401  (its rules)
from rushlight.transforms.dual import joined, parted
from rushlight.transforms.teach import teach

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level",
           "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A primal and its tangent, None where there is none."""

    primal: Tensor
    tangent: Tensor | None


def _entered() -> list[Level]:
    """The levels entered by hand."""
    return [level for level in levels.stack if level.randomness == "dual"]


def enter_dual_level() -> int:
    """Enter a level for dual tensors; returns its number, 0 for the outermost.

    Raises RuntimeError inside another: nest `func.jvp` for higher orders.
    """
    if _entered():
        raise RuntimeError("Nested forward mode AD is not supported at the moment: nest func.jvp "
                           "for higher orders")
    teach()
    number = levels.stack[-1].number + 1 if levels.stack else 1
    levels.stack = [*levels.stack, Level(number, randomness="dual")]
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Leave the level entered last; its tangents are gone.

    Raises RuntimeError for another one.
    """
    own = _entered()
    if not own or (level is not None and level != len(own) - 1):
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was "
                           f"created. This is not supported. (level {level} of {len(own)})")
    levels.stack = [x for x in levels.stack if x is not own[-1]]


class dual_level(_ContextDecorator):
    """Within the block, `make_dual` and `unpack_dual` work.

    >>> import rushlight as rl
    >>> import rushlight.autograd.forward_ad as fw
    >>> with fw.dual_level():
    ...     x = fw.make_dual(rl.tensor(3.0), rl.tensor(1.0))
    ...     fw.unpack_dual(x * x).tangent
    tensor(6.)
    """

    def clone(self) -> dual_level:
        """A fresh context."""
        return dual_level()

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor that carries `tangent` along through what is computed from it; shares memory.

    Raises RuntimeError outside of `dual_level` or for another shape, ValueError for integers.
    """
    own = _entered()
    if not own:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, "
                           "make sure to enter_dual_level() first.")
    for name, x in (("primal", tensor), ("tangent", tangent)):
        if not (x.is_floating_point() or x.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {x.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Expected input and tangent to have the same shape: the primal is "
            f"{describe(tensor)}, the tangent {describe(tangent)}")
    return joined(tensor, tangent, own[-1].number)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal of a tensor and its tangent, None where it has none."""
    own = _entered()
    if not own:
        return UnpackedDualTensor(getattr(tensor, "primal", tensor), None)
    primal, tangent = parted(tensor, own[-1].number)
    return UnpackedDualTensor(primal, tangent)


