"""Matrices of compressed rows or columns (CSR, CSC): coordinates of which one half is counted.

A `CompressedTensor` keeps, besides the coordinates that `SparseTensor` computes with, where each
row (column) begins among the values. Results that are sparse matrices come in the layout again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.families.override import arm
from rushlight.ops import sparse_layout
from rushlight.ops.sparse_layout import SparseTensor, from_dense
from rushlight.tensor import Tensor, wrap
from rushlight.tensor.printing import format_sparse
from rushlight.tensor.storage import sparse_csc, sparse_csr

INTEGERS = (np.dtype(np.int64), np.dtype(np.int32))
TITLES = {sparse_csr: "SparseCsr", sparse_csc: "SparseCsc"}
# What gives coordinates, or rows, whatever it is given.
_TO_COORDINATES = frozenset(("__getitem__", "select"))


class CompressedTensor(SparseTensor):
    """A sparse matrix by rows (`sparse_csr_tensor`, `to_sparse_csr`) or by columns (CSC).

    crow_indices (rows + 1): where each row begins among col_indices and values (nnz).
    """

    _starts: Tensor
    _layout: Any
    is_sparse = False

    @staticmethod
    def made(starts: Tensor, places: Tensor, entries: Tensor, shape: tuple[int, ...],
             layout: Any) -> CompressedTensor:
        """The matrix of `shape` with `places` (2, nnz) in the order of rows, or of columns."""
        arm()
        empty = np.broadcast_to(np.zeros((), entries.detach()._array.dtype), shape)
        made: Any = wrap(empty).as_subclass(CompressedTensor)
        made._places, made._entries, made._sorted = places, entries, True
        made._starts, made._layout = starts, layout
        return made

    @classmethod
    def __torch_function__(cls, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        result = super().__torch_function__(func, types, args, kwargs)
        operands = [one for one in args if isinstance(one, SparseTensor)]
        if (type(result) is SparseTensor and result.dim() == 2 and not result.dense_dim()
                and sparse_layout._short_title(func) not in _TO_COORDINATES
                and all(isinstance(one, CompressedTensor) for one in operands)):
            layout = operands[0]._layout
            if sparse_layout._short_title(func) in ("t", "transpose", "swapaxes"):
                layout = sparse_csc if layout is sparse_csr else sparse_csr
            return compressed(result, layout)
        return result

    def _with(self, entries: Tensor) -> CompressedTensor:
        return CompressedTensor.made(self._starts, self._places, entries, tuple(self.shape),
                                     self._layout)

    def _become(self, other: Any) -> Any:
        other = compressed(other, self._layout)
        self._starts = other._starts
        return super()._become(other)

    @property
    def layout(self) -> Any:
        """torch.sparse_csr or torch.sparse_csc."""
        return self._layout

    @property
    def is_sparse_csr(self) -> bool:
        """Whether it is by rows."""
        return self._layout is sparse_csr

    @property
    def T(self) -> Any:
        """The transposed matrix, in the other of the two layouts."""
        return self.t()  # type: ignore[attr-defined]

    mT = T

    def crow_indices(self) -> Tensor:
        """(rows + 1): where each row begins among the values; the last is their number."""
        return self._half("crow_indices", self._starts, sparse_csr)

    def col_indices(self) -> Tensor:
        """(nnz): the column of each value."""
        return self._half("col_indices", self._places[1], sparse_csr)

    def ccol_indices(self) -> Tensor:
        """(columns + 1): where each column begins among the values."""
        return self._half("ccol_indices", self._starts, sparse_csc)

    def row_indices(self) -> Tensor:
        """(nnz): the row of each value."""
        return self._half("row_indices", self._places[0], sparse_csc)

    def _half(self, name: str, found: Tensor, layout: Any) -> Tensor:
        if self._layout is not layout:
            along = "row" if layout is sparse_csr else "column"
            raise RuntimeError(f"{name} expected sparse {along} compressed tensor layout but got "
                               f"{TITLES[self._layout]}")
        return found.to(self._starts.dtype)

    def values(self) -> Tensor:
        """(nnz): the values, row by row (column by column)."""
        return self._entries

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        names = ("crow_indices", "col_indices") if self.is_sparse_csr else (
            "ccol_indices", "row_indices")
        return format_sparse(self, [(name, getattr(self, name)()) for name in names])

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuilt, (self._starts, self._places, self._entries, tuple(self.shape),
                          str(self._layout))

    def to_sparse(self, *args: Any, layout: Any = None, **options: Any) -> Any:
        """The matrix by coordinates, or in the layout that is named."""
        return compressed(self, layout)

    to_sparse_coo = to_sparse

    def coalesce(self) -> SparseTensor:
        """The coordinates, which products and sums are computed with."""
        return coordinates(self)


def _refused(name: str) -> Any:
    def ask(self: CompressedTensor, *args: Any, **options: Any) -> Any:
        raise RuntimeError(f"{name} expected sparse coordinate tensor layout but got "
                           f"{TITLES[self._layout]}: use to_sparse() first")

    ask.__name__, ask.__doc__ = name, "Raises RuntimeError: not in this layout."
    return ask


for _name in ("indices", "is_coalesced", "_indices"):
    setattr(CompressedTensor, _name, _refused(_name))


def _rebuilt(starts: Tensor, places: Tensor, entries: Tensor, shape: tuple[int, ...],
             layout: str) -> CompressedTensor:
    kind = sparse_csr if layout == str(sparse_csr) else sparse_csc
    return CompressedTensor.made(starts, places, entries, shape, kind)


def coordinates(input: Any) -> SparseTensor:
    """The same entries by their coordinates, rows first."""
    if input._layout is sparse_csr:
        return SparseTensor.of(input._places, input._entries, tuple(input.shape), True)
    order = wrap(np.lexsort(input._places._array[::-1]))
    return SparseTensor.of(input._places[:, order], input._entries.index_select(0, order),
                           tuple(input.shape), True)


def compressed(input: Any, layout: Any) -> Any:
    """A matrix, dense or sparse, in a layout; in coordinates for any but CSR and CSC."""
    if isinstance(input, CompressedTensor):
        if input._layout is layout:
            return input
        input = coordinates(input)
    elif not isinstance(input, SparseTensor):
        input = from_dense(input)
    if layout not in TITLES:
        return input
    if input.dim() != 2 or input.dense_dim():
        raise NotImplementedError(f"{TITLES[layout]}: only matrices of numbers can be compressed, "
                                  f"not {list(input.shape)}; to_sparse() takes any shape")
    input = input.coalesce()
    places, entries = input._places, input._entries
    along = 0 if layout is sparse_csr else 1
    if along:
        order = wrap(np.argsort(places._array[1], kind="stable"))
        places, entries = places[:, order], entries.index_select(0, order)
    counts = np.bincount(places._array[along], minlength=input.shape[along])
    starts = wrap(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    return CompressedTensor.made(starts, places, entries, tuple(input.shape), layout)


def of_parts(starts: Tensor, others: Tensor, entries: Tensor, size: Any,
             layout: Any) -> CompressedTensor:
    """What `sparse_csr_tensor` returns. Raises RuntimeError for parts that do not fit."""
    first, second = ("crow_indices", "col_indices") if layout is sparse_csr else (
        "ccol_indices", "row_indices")
    for name, part in ((first, starts), (second, others)):
        if part._array.dtype not in INTEGERS:
            raise RuntimeError(f"{first} and {second} must be an int32 or int64 type, but got "
                               f"{part.dtype} for {name}")
    if starts.dim() != 1 or others.dim() != 1 or entries.dim() != 1:
        raise NotImplementedError(f"{TITLES[layout]}: only matrices of numbers can be compressed, "
                                  f"not batches or blocks: {first} is {list(starts.shape)}, "
                                  f"values {list(entries.shape)}")
    begins, along = starts._array, 0 if layout is sparse_csr else 1
    if not begins.size or begins[0] != 0 or begins[-1] != others.numel() or (
            np.diff(begins) < 0).any() or entries.numel() != others.numel():
        raise RuntimeError(f"`{first}[..., 0] == 0`, `{first}[..., -1] == nnz` and "
                           f"`0 <= {first}[..., 1:] - {first}[..., :-1]` must hold, for nnz = "
                           f"{others.numel()} {second} and {entries.numel()} values")
    counted = len(begins) - 1
    if size is None:
        most = int(others._array.max()) + 1 if others.numel() else 0
        size = (most, counted) if along else (counted, most)
    shape = tuple(int(n) for n in size)
    across = shape[1 - along] if len(shape) == 2 else -1
    if len(shape) != 2 or shape[along] != counted or (others.numel() and not (
            others._array.min() >= 0 and others._array.max() < across)):
        raise RuntimeError(f"`{first}` ({counted + 1} numbers) and `{second}` do not fit a matrix "
                           f"of size {list(shape)}")
    steps = np.repeat(np.arange(counted, dtype=np.int64), np.diff(begins))
    pair = [steps, others._array.astype(np.int64)]
    places = wrap(np.stack(pair[::-1] if along else pair))
    return CompressedTensor.made(starts, places, entries, shape, layout)
