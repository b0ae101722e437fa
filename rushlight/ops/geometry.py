"""Distances between vectors."""

from __future__ import annotations

from typing import Any

from rushlight.base.errors import operands
from rushlight.base.shapes import broadcast_shapes
from rushlight.families.composite import composite, function
from rushlight.families.node_names import called
from rushlight.tensor import Tensor


@function("nn.functional.cosine_similarity cosine_similarity",
          samples=lambda x: [(x(2, 3), x(2, 3)), (x(2, 3), x(1, 3), 0)])
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`.

    >>> import rushlight as rl
    >>> rl.cosine_similarity(rl.tensor([[1., 0.]]), rl.tensor([[1., 1.]]))
    tensor([0.7071])
    """
    if x1._array.shape != x2._array.shape:
        x1, x2 = x1.broadcast_to(_common(x1, x2)), x2.broadcast_to(_common(x1, x2))
    first = x1.norm(2, dim, keepdim=True).clamp_min(eps)
    second = x2.norm(2, dim, keepdim=True).clamp_min(eps)
    return ((x1 / first) * (x2 / second)).sum(dim)


def _common(x1: Any, x2: Any) -> tuple[int, ...]:
    return broadcast_shapes([tuple(x1.shape), tuple(x2.shape)])


@function("nn.functional.pairwise_distance pairwise_distance",
          samples=lambda x: [(x(2, 3), x(2, 3)), (x(2, 3), x(3), 1)])
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


@composite("dist", samples=lambda x: [(x(2, 3), x(2, 3)), (x(2, 3), x(3), 3)])
@called("Dist")
def dist(input: Any, other: Any, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return (input - other).norm(p)


@function("cdist", samples=lambda x: [(x(2, 3), x(4, 3)), (x(2, 2, 3), x(2, 4, 3), 1.0)])
@called("Cdist")
def cdist(x1: Any, x2: Any, p: float = 2.0,
          compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norm distances of all rows of x1 (..., n, d) and x2 (..., m, d): (..., n, m)."""
    if x1.ndim < 2 or x2.ndim < 2:
        raise RuntimeError("cdist only supports at least 2D tensors, X1 got: "
                           f"{x1.ndim}D and X2 got: {x2.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} "
                           f"X2: {x2.shape[-1]}: cdist({operands(x1=x1, x2=x2)})")
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


@function("nn.functional.pdist pdist", samples=lambda x: [(x(4, 3),), (x(3, 2), 1)])
@called("Pdist")
def pdist(input: Any, p: float = 2) -> Tensor:
    """The p-norm distances between all pairs of rows: (n, d) -> (n (n - 1) / 2)."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values: got {p}")
    n = input.shape[0]
    rows = [i for i in range(n) for _ in range(i + 1, n)]
    columns = [j for i in range(n) for j in range(i + 1, n)]
    if not rows:
        return input.narrow(0, 0, 0).sum(1)
    return (input[rows] - input[columns]).norm(p, -1)
