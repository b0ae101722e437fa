"""Sparse tensors of coordinates and entries: what they are, and what is computed with them.

A `SparseTensor` answers every operation itself (`__torch_function__`): through its entries, so
that gradients reach them, or not at all. Nothing is made dense unless the result is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from rushlight.base.shapes import Size
from rushlight.families.override import arm, disabled, title
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor, wrap
from rushlight.tensor.printing import format_sparse
from rushlight.tensor.storage import sparse_coo

Handler = Callable[..., Any]

# What keeps zeros as they are, and so works on the entries alone.
BY_ENTRY = frozenset("""
    neg negative abs absolute sqrt square sin tan asin atan arcsin arctan sinh tanh asinh atanh
    expm1 log1p sign sgn floor ceil round trunc relu deg2rad rad2deg erf erfinv
    float double half bfloat16 int long short char byte bool cpu cuda to type_as pin_memory clone
    detach contiguous
""".split())
# Those that must not be applied to parts of an entry that is the sum of several.
_LINEAR = frozenset("""neg negative float double half bfloat16 cpu cuda to type_as pin_memory clone
    detach contiguous deg2rad rad2deg""".split())
# What looks at the shape, the dtype or the place of a tensor only.
_AS_THEY_ARE = frozenset("""size dim numel nelement ndimension is_floating_point is_complex
    is_signed get_device __len__ __hash__ element_size""".split())


@lru_cache(maxsize=1024)
def _short_title(function: Any) -> str:
    """The last part of a function's title, which is looked up among all operations."""
    return title(function).rpartition(".")[2]


class SparseTensor(Tensor):
    """A tensor of which only some entries are held: `sparse_coo_tensor` and `to_sparse` make it.

    indices (sparse dimensions, nnz) say where the values (nnz, *dense dimensions) are; all other
    entries are 0. Places may occur several times, and then mean the sum, until `coalesce`.
    """

    _places: Tensor
    _entries: Tensor
    _sorted: bool
    is_sparse = True

    @staticmethod
    def of(places: Tensor, entries: Tensor, shape: tuple[int, ...],
           coalesced: bool = False) -> SparseTensor:
        """The tensor of `shape` with `entries` at `places`, which are taken as they are."""
        arm()  # all operations ask from here on
        empty = np.broadcast_to(np.zeros((), entries.detach()._array.dtype), shape)  # no memory
        made: Any = wrap(empty).as_subclass(SparseTensor)
        made._places, made._entries, made._sorted = places, entries, coalesced
        return made

    @classmethod
    def __torch_function__(cls, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        options = kwargs or {}
        if isinstance(getattr(func, "__self__", None), property):
            return disabled(func, types, args, options)
        name = _short_title(func)
        handler = HANDLERS.get(name)
        if handler is not None:
            return handler(*args, **options)
        if name in _AS_THEY_ARE:
            return disabled(func, types, args, options)
        if name in BY_ENTRY and isinstance(args[0], SparseTensor):
            sparse = args[0] if name in _LINEAR else args[0].coalesce()
            return sparse._with(disabled(func, types, (sparse._entries, *args[1:]), options))
        if name[:-1] in BY_ENTRY and name.endswith("_") and isinstance(args[0], SparseTensor):
            if name[:-1] not in _LINEAR:
                args[0]._become(args[0].coalesce())
            disabled(func, types, (args[0]._entries, *args[1:]), options)
            return args[0]
        refuse(title(func))

    def _with(self, entries: Tensor) -> SparseTensor:
        return SparseTensor.of(self._places, entries, tuple(self.shape), self._sorted)

    def _become(self, other: SparseTensor) -> SparseTensor:
        """Have the places and entries of `other` from now on."""
        self._places, self._entries, self._sorted = other._places, other._entries, other._sorted
        return self

    # ---- what it is

    @property
    def layout(self) -> Any:
        """torch.sparse_coo."""
        return sparse_coo

    @property
    def requires_grad(self) -> bool:
        """Whether the entries require gradients."""
        return self._entries.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._entries.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Let the entries require gradients; returns the tensor itself."""
        self._entries.requires_grad_(requires_grad)
        return self

    @property  # type: ignore[misc]
    def grad(self) -> Any:
        """The gradient: at the same places."""
        found = self._entries.grad
        return None if found is None else self._with(found)

    @property
    def grad_fn(self) -> Any:
        """What made the entries."""
        return self._entries.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether the entries were not computed."""
        return self._entries.is_leaf

    @property  # type: ignore[misc]
    def data(self) -> SparseTensor:  # type: ignore[override]
        """The tensor without its history."""
        return self._with(self._entries.detach())

    @property
    def T(self) -> Any:
        """The transposed matrix."""
        return swapped(self)

    mT = T

    def detach(self) -> SparseTensor:
        """The tensor without its history."""
        return self.data

    def sparse_dim(self) -> int:
        """The number of dimensions that the indices count."""
        return self._places.size(0)

    def dense_dim(self) -> int:
        """The number of dimensions of each entry."""
        return self._entries.dim() - 1

    def _nnz(self) -> int:
        return self._places.size(1)

    def _indices(self) -> Tensor:
        return self._places

    def _values(self) -> Tensor:
        return self._entries

    def is_coalesced(self) -> bool:
        """Whether places are sorted and occur once."""
        return self._sorted

    def indices(self) -> Tensor:
        """(sparse dimensions, nnz) int64: the places. Raises RuntimeError before `coalesce`."""
        return self._settled("indices")._places

    def values(self) -> Tensor:
        """(nnz, *dense dimensions): the entries. Raises RuntimeError before `coalesce`."""
        return self._settled("values")._entries

    def _settled(self, what: str) -> SparseTensor:
        if not self._sorted:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call "
                               ".coalesce() first")
        return self

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return format_sparse(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuilt, (self._places, self._entries, tuple(self.shape), self._sorted)

    def detach_(self) -> SparseTensor:
        """Forget the history, in place."""
        return self._become(self.data)

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        return self._with(self._entries.clone())

    # ---- other forms

    def coalesce(self) -> SparseTensor:
        """The same with its places sorted and each there once; entries of the same are added."""
        if self._sorted:
            return self
        counted = tuple(self.shape[:self.sparse_dim()])
        places = self._places._array
        flat = places[0] if len(counted) == 1 else np.ravel_multi_index(
            tuple(places), counted) if counted else np.zeros(self._nnz(), np.int64)
        found, where = np.unique(flat, return_inverse=True)
        entries = self._entries.new_zeros((len(found), *self._entries.shape[1:]))
        entries = entries.index_add(0, wrap(where.reshape(-1)), self._entries)
        once = np.array(np.unravel_index(found, counted), np.int64).reshape(len(counted), -1)
        return SparseTensor.of(wrap(once), entries, tuple(self.shape), True)

    def to_dense(self, dtype: Any = None, *, masked_grad: Any = None) -> Tensor:
        """All entries as a dense tensor."""
        dense = self._entries.new_zeros(tuple(self.shape)).index_put(
            tuple(self._places), self._entries, accumulate=True)
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, *args: Any, **options: Any) -> SparseTensor:
        """The tensor itself."""
        return self

    def numpy(self, *, force: bool = False) -> NoReturn:
        """Raises TypeError: make it dense first."""
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")


def _without_memory(name: str) -> Any:
    def ask(self: SparseTensor, *args: Any, **options: Any) -> NoReturn:
        refuse(f"torch.Tensor.{name}")

    ask.__name__, ask.__doc__ = name, "Raises NotImplementedError: make it dense first."
    return ask


for _name in ("__array__", "__iter__", "data_ptr", "item", "new", "share_memory_", "storage",
              "stride", "tolist", "untyped_storage"):
    setattr(SparseTensor, _name, _without_memory(_name))


def _rebuilt(places: Tensor, entries: Tensor, shape: tuple[int, ...],
             coalesced: bool) -> SparseTensor:
    return SparseTensor.of(places, entries, shape, coalesced)


def refuse(name: str) -> NoReturn:
    """Raise NotImplementedError for an operation that sparse tensors do not have."""
    raise NotImplementedError(f"Could not run '{name}' with arguments from the 'SparseCPU' "
                              "backend: use to_dense(), or work on values()")


# ---- products ----------------------------------------------------------------------------------


def matmul(first: Any, second: Any) -> Any:
    """The product of two matrices, or a matrix and a vector, one of them sparse at least."""
    if not isinstance(first, SparseTensor):
        return swapped(matmul(swapped(second), swapped(first)))
    if isinstance(second, SparseTensor):
        return from_dense(matmul(first, second.to_dense()))
    if first.dim() != 2 or first.dense_dim() or second.dim() not in (1, 2):
        refuse("matmul")
    if first.size(1) != second.size(0):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied "
                           f"({'x'.join(map(str, first.shape))} and "
                           f"{'x'.join(map(str, second.shape))})")
    rows, columns = first._places
    entries = first._entries if second.dim() == 1 else first._entries.unsqueeze(1)
    parts = entries * second.index_select(0, columns)  # (nnz, columns of second)
    return parts.new_zeros((first.size(0), *second.shape[1:])).index_add(0, rows, parts)


def swapped(input: Any) -> Any:
    """The transposed matrix; vectors as they are."""
    return transpose(input, 0, 1) if input.dim() == 2 else input


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """`input` with two sparse dimensions exchanged."""
    if not isinstance(input, SparseTensor):
        return input.transpose(dim0, dim1)
    order = list(range(input.dim()))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    if any(order[d] != d for d in range(input.sparse_dim(), input.dim())):
        refuse("transpose of dense dimensions")
    shape = tuple(input.shape[d] for d in order)
    return SparseTensor.of(input._places[order[:input.sparse_dim()]], input._entries, shape)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * mat1 @ mat2."""
    return beta * input + alpha * matmul(mat1, mat2)


# ---- by place ----------------------------------------------------------------------------------


def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input + alpha * other: sparse where both are."""
    if isinstance(input, SparseTensor) and isinstance(other, SparseTensor):
        if input.shape != other.shape:
            raise RuntimeError(f"add: expected 'self' and 'other' to have same sizes, but "
                               f"{tuple(input.shape)} != {tuple(other.shape)}")
        if np.array_equal(input._places._array, other._places._array):
            return input._with(input._entries + other._entries * alpha)
        places = cat([input._places, other._places], dim=1)
        entries = cat([input._entries, other._entries * alpha])
        joined = SparseTensor.of(places, entries, tuple(input.shape))
        return joined.coalesce() if input._sorted and other._sorted else joined
    if not isinstance(other, SparseTensor):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    return input + alpha * other.to_dense()


def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input - alpha * other."""
    return add(input, other, alpha=-alpha)


def mul(input: Any, other: Any) -> Any:
    """The product by place: sparse."""
    if not isinstance(input, SparseTensor):
        input, other = other, input
    if isinstance(other, SparseTensor):
        input, other = input.coalesce(), other.to_dense()
    return input._with(input._entries * _there(input, other))


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """The quotient of a sparse tensor and a number, or a dense tensor: sparse."""
    if isinstance(other, SparseTensor):
        raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor")
    return input._with(input._entries.div(_there(input, other), rounding_mode=rounding_mode))


def _there(sparse: SparseTensor, other: Any) -> Any:
    """The entries of a dense tensor at the places of a sparse one; numbers as they are."""
    if not isinstance(other, Tensor) or other.dim() == 0:
        return other
    return other.expand(tuple(sparse.shape))[tuple(sparse._places)]


def power(input: Any, exponent: Any) -> Any:
    """Every entry to a power above 0."""
    if isinstance(exponent, Tensor | complex) or exponent <= 0:
        refuse("pow with an exponent that is not a number above 0")
    input = input.coalesce()
    return input._with(input._entries ** exponent)


# ---- sums and parts ----------------------------------------------------------------------------


def total(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all entries, or over sparse dimensions: sparse while some of them are left."""
    if dtype is not None:
        input = input.to(dtype)
    if dim is None:
        return input._entries.sum()
    summed = {d % input.dim() for d in ([dim] if isinstance(dim, int) else dim)}
    left = [d for d in range(input.sparse_dim()) if d not in summed]
    if keepdim or any(d >= input.sparse_dim() for d in summed):
        refuse("sum over dense dimensions, or with keepdim")
    if not left:
        return input._entries.sum(0)
    shape = tuple(size for d, size in enumerate(input.shape) if d not in summed)
    return SparseTensor.of(input._places[left], input._entries, shape).coalesce()


def item(input: Any, index: Any) -> Any:
    """`input[index]` for a whole number: the row, sparse, or a number; for several in turn."""
    if isinstance(index, tuple) and index and len(index) <= input.sparse_dim():
        for one in index[:-1]:
            input = item(input, one)
        return item(input, index[-1])
    if isinstance(index, bool) or not isinstance(index, int):
        refuse("indexing by something other than a whole number")
    size = input.size(0)
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size "
                         f"{list(input.shape)} at dimension 0")
    (kept,) = np.nonzero(input._places._array[0] == index % size)
    entries = input._entries.index_select(0, wrap(kept))
    if input.sparse_dim() == 1:
        return entries.sum(0)
    places = input._places[1:].index_select(1, wrap(kept))
    return SparseTensor.of(places, entries, tuple(input.shape[1:]), input._sorted)


def from_dense(input: Tensor, sparse_dim: int | None = None) -> SparseTensor:
    """A dense tensor's entries that are not 0. sparse_dim: how many dimensions indices count."""
    counted = input.dim() if sparse_dim is None else sparse_dim
    if not 0 <= counted <= input.dim():
        raise RuntimeError(f"to_sparse: sparse_dim {counted} is not in the range of 0 to "
                           f"{input.dim()}, the tensor's dimensions")
    array = input.detach()._array
    there = array != 0
    if counted < array.ndim:
        there = there.any(axis=tuple(range(counted, array.ndim)))
    places = wrap(np.array(np.nonzero(there), np.int64).reshape(counted, -1))
    return SparseTensor.of(places, input[tuple(places)], tuple(input.shape), True)


def made(indices: Tensor, values: Tensor, size: Any) -> SparseTensor:
    """What `sparse_coo_tensor` returns. Raises RuntimeError for places outside."""
    if indices.dim() != 2:
        raise RuntimeError("indices must be sparse_dim x nnz, but got: "
                           f"{list(indices.shape)}")
    if values.dim() == 0 or values.size(0) != indices.size(1):
        raise RuntimeError("indices and values must have same nnz, but got nnz from indices: "
                           f"{indices.size(1)}, values of shape {list(values.shape)}")
    largest = indices._array.max(axis=1) + 1 if indices.numel() else [0] * indices.size(0)
    if size is None:
        size = (*map(int, largest), *values.shape[1:])
    shape = Size(size)
    if len(shape) != indices.size(0) + values.dim() - 1:
        raise RuntimeError(f"number of dimensions must be sparse_dim ({indices.size(0)}) + "
                           f"dense_dim ({values.dim() - 1}), but got {len(shape)}")
    for dim, (bound, length) in enumerate(zip(largest, shape, strict=False)):
        if bound > length:
            raise RuntimeError(f"size is inconsistent with indices: for dim {dim}, size is "
                               f"{length} but found index {bound - 1}")
    if indices.numel() and indices._array.min() < 0:
        raise RuntimeError(f"found negative index {indices._array.min()} among the indices")
    return SparseTensor.of(indices, values, tuple(shape))


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("mm", "matmul", "mv", "spmm", "dsmm", "hsmm", "__matmul__"), matmul),
    "__rmatmul__": lambda input, other: matmul(other, input),
    "addmm": addmm, "transpose": transpose, "swapaxes": transpose, "t": swapped,
    **dict.fromkeys(("add", "__add__"), add), "__radd__": lambda input, other: add(other, input),
    **dict.fromkeys(("sub", "subtract", "__sub__"), sub),
    "__rsub__": lambda input, other: sub(other, input),
    **dict.fromkeys(("mul", "multiply", "__mul__", "__rmul__"), mul),
    **dict.fromkeys(("div", "divide", "true_divide", "truediv", "__truediv__"), div),
    **dict.fromkeys(("pow", "__pow__"), power),
    "sum": total, "__getitem__": item, "select": lambda input, dim, index: (
        item(input if dim == 0 else transpose(input, 0, dim), index)),
    "__neg__": lambda input: input._with(-input._entries),
    "is_same_size": lambda input, other: input.shape == other.shape,
}
