"""What weight norm and spectral norm compute, in their old form and as parametrizations."""

from __future__ import annotations

from rushlight.autograd import no_grad
from rushlight.nn import functional as F
from rushlight.ops import mv
from rushlight.tensor import Tensor


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The norm over all dimensions but `dim`, which are kept as ones; dim -1: one number."""
    if dim == -1:
        return v.norm()
    if dim < 0:
        dim += v.dim()
    others = [i for i in range(v.dim()) if i != dim]
    return (v * v).sum(others, keepdim=True).sqrt() if others else v.abs()


def weight_as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with `dim` as rows and all others as columns."""
    if dim != 0:
        weight = weight.permute(dim, *(d for d in range(weight.dim()) if d != dim))
    return weight.flatten(1)


def power_iteration(matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float) -> None:
    """Move u and v, in place, towards the first left and right singular vectors."""
    with no_grad():
        for _ in range(steps):
            u.copy_(F.normalize(mv(matrix, v), dim=0, eps=eps))
            v.copy_(F.normalize(mv(matrix.mH, u), dim=0, eps=eps))
