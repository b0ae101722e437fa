"""Sparse tensors: making them, and the products that are named after them."""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import composite, function
from rushlight.ops import creation, sparse_changes, sparse_compressed, sparse_layout
from rushlight.tensor import Tensor
from rushlight.tensor.storage import sparse_coo, sparse_csc, sparse_csr

sparse_layout.HANDLERS.update(sparse_changes.CHANGES)
sparse_layout.HANDLERS.update(
    to_sparse_csr=lambda input: sparse_compressed.compressed(input, sparse_csr),
    to_sparse_csc=lambda input: sparse_compressed.compressed(input, sparse_csc))


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
    if layout in (sparse_csr, sparse_csc):
        return sparse_compressed.compressed(input, layout)
    if layout not in (None, sparse_coo):
        raise NotImplementedError(f"to_sparse(layout={layout}): there are only torch.sparse_coo, "
                                  "torch.sparse_csr and torch.sparse_csc")
    return sparse_layout.from_dense(input, sparse_dim)


@composite("Tensor.to_sparse_csr")
def to_sparse_csr(input: Tensor, dense_dim: int | None = None) -> Tensor:
    """The entries of a matrix that are not 0, row by row. Gradients flow back to it.

    >>> import rushlight as rl
    >>> rl.tensor([[0., 2.], [3., 4.]]).to_sparse_csr().crow_indices()
    tensor([0, 1, 3])
    """
    return sparse_compressed.compressed(input, sparse_csr)


@composite("Tensor.to_sparse_csc")
def to_sparse_csc(input: Tensor, dense_dim: int | None = None) -> Tensor:
    """The entries of a matrix that are not 0, column by column. Gradients flow back to it."""
    return sparse_compressed.compressed(input, sparse_csc)


def _of_parts(starts: Any, others: Any, values: Any, size: Any, layout: Any, dtype: Any,
              device: Any, requires_grad: bool) -> Tensor:
    parts = [creation.as_tensor(part, device=device) for part in (starts, others)]
    entries = creation.as_tensor(values, dtype=dtype, device=device)
    made = sparse_compressed.of_parts(*parts, entries, size, layout)
    return made.requires_grad_() if requires_grad else made


@function("sparse_csr_tensor")
def sparse_csr_tensor(crow_indices: Any, col_indices: Any, values: Any, size: Any = None, *,
                      dtype: Any = None, layout: Any = None, device: Any = None,
                      pin_memory: bool = False, requires_grad: bool = False,
                      check_invariants: bool | None = None) -> Tensor:
    """The sparse matrix of which row i holds values[k] at col_indices[k], for k from
    crow_indices[i] to crow_indices[i + 1].

    crow_indices: (rows + 1), col_indices and values: (nnz). size: (rows, columns); without it as
    many columns as needed. A tensor `values` of the right dtype is shared, and receives
    gradients. Raises RuntimeError for parts that do not fit each other.

    >>> import rushlight as rl
    >>> s = rl.sparse_csr_tensor([0, 1, 3], [2, 0, 1], [3., 4., 5.], (2, 3))
    >>> s @ rl.ones(3)
    tensor([3., 9.])
    """
    return _of_parts(crow_indices, col_indices, values, size, sparse_csr, dtype, device,
                     requires_grad)


@function("sparse_csc_tensor")
def sparse_csc_tensor(ccol_indices: Any, row_indices: Any, values: Any, size: Any = None, *,
                      dtype: Any = None, layout: Any = None, device: Any = None,
                      pin_memory: bool = False, requires_grad: bool = False,
                      check_invariants: bool | None = None) -> Tensor:
    """The sparse matrix of which column j holds values[k] at row_indices[k], for k from
    ccol_indices[j] to ccol_indices[j + 1]."""
    return _of_parts(ccol_indices, row_indices, values, size, sparse_csc, dtype, device,
                     requires_grad)


@function("sparse_compressed_tensor")
def sparse_compressed_tensor(compressed_indices: Any, plain_indices: Any, values: Any,
                             size: Any = None, *, dtype: Any = None, layout: Any = None,
                             device: Any = None, pin_memory: bool = False,
                             requires_grad: bool = False,
                             check_invariants: bool | None = None) -> Tensor:
    """`sparse_csr_tensor` or `sparse_csc_tensor`, as `layout` says."""
    if layout not in (sparse_csr, sparse_csc):
        raise NotImplementedError(f"sparse_compressed_tensor(layout={layout}): there are only "
                                  "torch.sparse_csr and torch.sparse_csc")
    return _of_parts(compressed_indices, plain_indices, values, size, layout, dtype, device,
                     requires_grad)


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
