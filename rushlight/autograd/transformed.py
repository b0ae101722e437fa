"""Gradients inside function transforms, and of many cotangents at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import ops
from rushlight.autograd.gradient import grad
from rushlight.families.wrapped import entered
from rushlight.tensor import Tensor
from rushlight.transforms import batching  # noqa: F401  (its rules)
from rushlight.transforms.batched import lowered, raised
from rushlight.transforms.reverse import pulled
from rushlight.transforms.teach import teach


def gradients(outputs: list[Tensor], inputs: list[Tensor], seeds: list[Any],
              create: bool) -> list[Any]:
    """Gradients of dual or batched tensors; `seeds` are those of the outputs, ones if none."""
    given = seeds or [ops.ones_like(y).detach() for y in outputs]
    found = pulled(outputs, inputs, given, create)
    return found if create else [None if g is None else g.detach() for g in found]


def batched(outputs: Any, inputs: Sequence[Tensor], seeds: list[Tensor], create: bool,
            unused: bool | None) -> tuple[Any, ...]:
    """One run on all leading indices of `seeds` at once."""
    size = seeds[0].shape[0]
    teach()
    with entered(size) as level:
        found = grad(outputs, inputs, [raised(u, level.number) for u in seeds], True, create,
                     allow_unused=unused)
        return tuple(None if g is None else lowered(g, level.number, size) for g in found)
