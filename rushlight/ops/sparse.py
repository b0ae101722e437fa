"""Sparse tensors: making them, and the products that are named after them."""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import composite, function
from rushlight.ops import creation, sparse_changes, sparse_layout
from rushlight.tensor import Tensor
from rushlight.tensor.storage import sparse_coo

sparse_layout.HANDLERS.update(sparse_changes.CHANGES)


@function("sparse_coo_tensor")
def sparse_coo_tensor(indices: Any, values: Any = None, size: Any = None, *, dtype: Any = None,
                      device: Any = None, requires_grad: bool = False,
                      check_invariants: bool | None = None,
                      is_coalesced: bool | None = None) -> Tensor:
    """A sparse tensor with `values` at `indices`, and 0 elsewhere.

    indices: (sparse dimensions, nnz) whole numbers; the same place may occur several times and
    then holds the sum. values: (nnz, *dense dimensions). size: the shape; without it the smallest
    that holds all. A tensor `values` of the right dtype is shared, and receives gradients.

    Products with dense matrices, sums, sums and products by place, and what keeps zeros as they
    are, work on the values; `to_dense` gives all entries. Everything else raises
    NotImplementedError.

    >>> import rushlight as rl
    >>> s = rl.sparse_coo_tensor([[0, 1], [2, 0]], [3., 4.], (2, 3))
    >>> s @ rl.ones(3, 1)
    tensor([[3.],
            [4.]])
    >>> s.to_dense()
    tensor([[0., 0., 3.],
            [4., 0., 0.]])
    """
    if values is None:
        raise TypeError("sparse_coo_tensor(): expected indices and values; zeros of a shape are "
                        "torch.zeros(shape).to_sparse()")
    places = creation.as_tensor(indices, device=device).long()
    entries = creation.as_tensor(values, dtype=dtype, device=device)
    made = sparse_layout.made(places, entries, size)
    made._sorted = bool(is_coalesced)
    return made.requires_grad_() if requires_grad else made


@composite("Tensor.to_sparse Tensor.to_sparse_coo")
def to_sparse(input: Tensor, sparse_dim: int | None = None, *, layout: Any = None,
              blocksize: Any = None, dense_dim: int | None = None) -> Tensor:
    """The entries of a dense tensor that are not 0, as a sparse one. Gradients flow back to it.

    sparse_dim: how many dimensions the indices count; the others are dense.
    """
    if layout not in (None, sparse_coo):
        raise NotImplementedError(f"to_sparse(layout={layout}): only torch.sparse_coo is there")
    return sparse_layout.from_dense(input, sparse_dim)


@composite("Tensor.sparse_mask")
def sparse_mask(input: Tensor, mask: Any) -> Tensor:
    """The entries of a dense tensor at the places of the sparse tensor `mask`."""
    if not isinstance(mask, sparse_layout.SparseTensor):
        raise RuntimeError("sparse_mask(): expected mask to have sparse layout, but got "
                           "torch.strided")
    return mask._with(input[tuple(mask._places)])


@function("spmm dsmm hsmm")
def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """input @ mat2, of which one may be sparse."""
    return input @ mat2
