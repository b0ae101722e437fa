"""Dimensions in another order: transpose, permute, movedim, and the properties T, H, mT, mH."""

from __future__ import annotations

import operator
from typing import Any

from rushlight.base.errors import operands
from rushlight.base.shapes import normalize_dim, normalize_dims
from rushlight.families.view import view
from rushlight.tensor import Tensor


@view("transpose swapaxes swapdims",
              grad=lambda g, shape, dim0, dim1: transpose(g, dim0, dim1),
      samples=lambda x: [(x(2, 3, 4), 0, -1), (x(), 0, 0)])
def transpose(input, dim0, dim1):
    """The dimensions dim0 and dim1 exchanged; shares memory.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3).transpose(0, 1).shape
    torch.Size([3, 2])
    """
    try:
        return input.swapaxes(dim0, dim1)
    except (ValueError, TypeError):  # NumPy's error for a dimension out of range, or 0-d
        n = input.ndim
        normalize_dim(operator.index(dim0), n), normalize_dim(operator.index(dim1), n)
        return input[...]


@view("t", grad=lambda g, shape: g.t(), samples=lambda x: [(x(2, 3),), (x(3),)])
def t(input):
    """The transpose of a matrix; tensors with fewer dimensions as they are. Shares memory."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D"
                           "; use .mT for batches of matrices")
    return input.swapaxes(0, 1) if input.ndim == 2 else input[...]


@view("permute", grad=lambda g, shape, *dims: permute(g, _inverse(dims, len(shape))),
      samples=lambda x: [(x(2, 3, 4), 2, 0, 1), (x(2, 3), (1, 0))])
def permute(input, *dims):
    """The dimensions in the order `dims`; shares memory.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3, 5).permute(2, 0, 1).shape
    torch.Size([5, 2, 3])
    """
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    try:
        return input.transpose(dims)
    except (ValueError, TypeError):  # torch's errors below
        pass
    if len(dims) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {input.ndim} is not "
            f"equal to len(dims) = {len(dims)}: permute({operands(input=input)}, dims={dims}); "
            "dims names every dimension once")
    n = input.ndim
    order = tuple(normalize_dim(d, n) for d in dims)
    if len(set(order)) != n:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input.transpose(order)


def _inverse(dims: Any, n: int) -> tuple[int, ...]:
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = dims[0]
    order = [d % n for d in dims]
    return tuple(order.index(i) for i in range(n))


@view("movedim moveaxis",
              grad=lambda g, shape, source, destination: movedim(g, destination, source),
      samples=lambda x: [(x(2, 3, 4), 0, 2), (x(2, 3, 4), (0, 1), (-1, 0))])
def movedim(input, source, destination):
    """The dimensions `source` moved to the places `destination`; shares memory.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3, 5).movedim(0, 2).shape
    torch.Size([3, 5, 2])
    """
    dims = input.ndim
    if type(source) is type(destination) is int and (
            -dims <= source < dims and -dims <= destination < dims):
        axes = list(range(dims))
        axes.insert(destination % dims, axes.pop(source % dims))
        return input.transpose(axes)
    from_ = normalize_dims(source, input.ndim)
    to = normalize_dims(destination, input.ndim)
    if len(from_) != len(to):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(from_)} "
                           f"dims) should contain the same number of dims as destination "
                           f"({list(to)} dims)")
    rest = iter(d for d in range(input.ndim) if d not in from_)
    placed = dict(zip(to, from_, strict=True))
    order = tuple(placed[i] if i in placed else next(rest) for i in range(input.ndim))
    return input.transpose(order) if input.ndim else input[...]


def _matrix_transpose(name: str) -> property:
    def transposed(input: Tensor) -> Tensor:
        if input._array.ndim == 1:
            raise RuntimeError(f"tensor.{name} is only supported on matrices or batches of "
                               f"matrices. Got {input._array.ndim}-D tensor.")
        return transpose(input, -2, -1) if input._array.ndim else input

    transposed.__doc__ = "The last two dimensions exchanged; shares memory."
    return property(transposed)


Tensor.mT = _matrix_transpose("mT")  # type: ignore[attr-defined]
Tensor.T = property(  # type: ignore[attr-defined]
    lambda self: permute(self, 1, 0) if self._array.ndim == 2 else permute(
        self, *range(self._array.ndim - 1, -1, -1)),
    doc="The dimensions in reverse order; shares memory.")
Tensor.mH = Tensor.H = property(  # type: ignore[attr-defined]
    lambda self: transpose(self, -2, -1).conj() if self._array.ndim > 1 else self.conj(),
    doc="The conjugate transpose.")
