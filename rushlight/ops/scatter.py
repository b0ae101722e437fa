"""gather, scatter, scatter_add, scatter_reduce: one index for every element; select_scatter, ..."""

from __future__ import annotations

import operator
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.base import index as rules
from rushlight.base.assign import fit, is_modest
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim
from rushlight.families import index_kernels as kernels
from rushlight.families.composite import composite
from rushlight.families.index import INDEX_DTYPES, Geometry, at_least_1d, index_op, zeros
from rushlight.families.inplace import real_only
from rushlight.ops.indexing import assign
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import few_places as few
else:
    few = Deferred("rushlight.backends.cpu.few_places", globals())

Array = np.ndarray
Number = bool | int | float | complex


def _check_index(op: str, target: Array, dim: int, index: Array, src: Array | None = None) -> None:
    """Refuse an index of a wrong dtype or shape, or with an element out of range."""
    if index.size == 0:
        return
    if index.dtype not in INDEX_DTYPES:
        raise RuntimeError(f"{op}(): Expected dtype int32/int64 for index (got {index.dtype})")
    ndim = max(target.ndim, 1)
    if max(index.ndim, 1) != ndim:
        operand = "input" if op == "gather" else "self"
        raise RuntimeError(
            f"Index tensor must have the same number of dimensions as {operand} tensor: index "
            f"{list(index.shape)}, {operand} {list(target.shape)}"
        )
    if src is not None and max(src.ndim, 1) != ndim:
        raise RuntimeError(
            "Index tensor must have the same number of dimensions as src tensor: index "
            f"{list(index.shape)}, src {list(src.shape)}"
        )
    _check_sizes(op, target, dim, index, src)
    size = target.shape[dim] if target.ndim else 1
    wrong = kernels.outside(index, size)
    if wrong is not None:
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {dim} with size {size}: "
                           f"{op}({operands(input=target, index=index)})")


def _check_sizes(op: str, target: Array, dim: int, index: Array, src: Array | None) -> None:
    for axis in range(index.ndim if target.ndim else 0):
        too_large = axis != dim and index.shape[axis] > target.shape[axis]
        if op == "gather" and too_large:
            raise RuntimeError(
                f"Size does not match at dimension {axis} expected index {list(index.shape)} to "
                f"be no larger than self {list(target.shape)} apart from dimension {dim}"
            )
        if too_large or (src is not None and index.shape[axis] > src.shape[axis]):
            also = "" if src is None else f" and to be no larger size than src {list(src.shape)}"
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self "
                f"{list(target.shape)} apart from dimension {dim}{also}"
            )


@index_op(
    "gather",
    saves="index",
    shape=lambda input, dim, index, sparse_grad: index.shape,
    grad={
        "input": lambda g, call: scatter_add(zeros(call.input, g), call.dim, call.index, g),
    },
    samples=lambda x: [(x(2, 3), 1, x.tensor([[2, 0], [1, 1]]))],
)
def gather(input: Array, dim: int, index: Array, *, sparse_grad: bool = False) -> Array:
    """Pick along a dimension: ``out[i, j] = input[i, index[i, j]]`` for ``dim=1``.

    Args:
        dim: the dimension in which ``index`` chooses.
        index: int64 or int32, as many dimensions as ``input``, nowhere longer than it but in
            ``dim``; elements from 0 to ``input.size(dim) - 1``.
        sparse_grad: accepted; the gradient is always dense.

    Returns a new tensor of the shape of ``index``. Raises RuntimeError for a wrong index.

    >>> import rushlight as rl
    >>> rl.gather(rl.tensor([[1, 2], [3, 4]]), 1, rl.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    found = few.gather(input, dim, index)
    if found is not None:
        return found
    dim = normalize_dim(dim, input.ndim)
    _check_index("gather", input, dim, index)
    if index.size == 0:
        return np.empty(index.shape, input.dtype)
    if input.ndim == 0 or index.ndim == 0:
        input, places = at_least_1d(input, index)
        return kernels.gather(input, dim, places).reshape(index.shape)
    return kernels.gather(input, dim, index)


def _source_of(src: Any, value: Any, dtype: np.dtype) -> Array:
    """The array to scatter: a tensor, or a number given as ``src`` or ``value``."""
    given = value if src is None else src
    if isinstance(given, np.ndarray):
        return given
    if given is None:
        raise TypeError("scatter() is missing its values: pass src=tensor or value=number")
    return fit(given, dtype)


def _check_same_dtype(target: Array, src: Array) -> None:
    if target.dtype != src.dtype:
        raise RuntimeError(
            "scatter(): Expected self.dtype to be equal to src.dtype "
            f"(self {target.dtype}, src {src.dtype}); convert with src.to(self.dtype)"
        )


def _gathered(g: Tensor, call: SimpleNamespace, like: Geometry) -> Tensor:
    """What reached the places that ``index`` points to, in the shape of the source."""
    picked = gather(g, call.dim, call.index)
    if picked._array.shape == like.shape:
        return picked
    result = zeros(like, g)
    region = tuple(slice(n) for n in picked._array.shape)
    result[region] = picked
    return result


def _scatter_gradient_of_input(g: Tensor, call: SimpleNamespace) -> Tensor:
    if call.reduce == "add":
        return g
    if call.reduce is not None:
        raise RuntimeError("the derivative for 'scatter' with reduce='multiply' is not implemented")
    return scatter(g, call.dim, call.index, 0)


def _scatter_gradient_of_source(g: Tensor, call: SimpleNamespace) -> Tensor:
    if call.reduce == "multiply":
        raise RuntimeError("the derivative for 'scatter' with reduce='multiply' is not implemented")
    return _gathered(g, call, call.src)


@index_op(
    "scatter",
    writes=True,
    saves="index",
    grad={"input": _scatter_gradient_of_input, "src": _scatter_gradient_of_source},
    samples=lambda x: [
        (x(2, 3), 1, x.tensor([[2, 0], [1, 0]]), x(2, 3)),
        (x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), 0.5)],
)
def scatter(
    input: Array,
    dim: int,
    index: Array,
    src: Array | Number | None = None,
    value: Number | None = None,
    *,
    reduce: str | None = None,
) -> None:
    """Write along a dimension: ``out[i, index[i, j]] = src[i, j]`` for ``dim=1``.

    Args:
        index: as for ``gather``. Where it repeats a place, the last value stays.
        src: a tensor of the input's dtype, nowhere shorter than ``index``, or a number.
        value: a number, instead of ``src``.
        reduce: "add" or "multiply" combines with what is there (see ``scatter_reduce``).

    Returns a new tensor (``scatter_`` writes in place). Raises RuntimeError for a wrong index.

    >>> import rushlight as rl
    >>> rl.zeros(2, 3).scatter(1, rl.tensor([[2], [0]]), 5.0)
    tensor([[0., 0., 5.],
            [5., 0., 0.]])
    """
    if reduce is None and index.size <= few.FEW:
        source = src
        if type(src) is not Array and is_modest(value if src is None else src, input.dtype.kind):
            source = np.empty(index.shape, input.dtype)
            source.fill(value if src is None else src)
        if type(source) is Array and few.scatter(input, dim, index, source):
            return
    dim = normalize_dim(dim, input.ndim)
    source = _source_of(src, value, input.dtype)
    is_tensor = isinstance(src, np.ndarray)
    _check_index("scatter", input, dim, index, src if is_tensor else None)
    _check_same_dtype(input, source)
    if index.size == 0:
        return
    places = at_least_1d(input, index)
    if reduce is None:
        kernels.scatter(places[0], dim, places[1], source)
        return
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply (got {reduce!r}).")
    if is_tensor:
        warnings.warn(
            "The reduce argument of scatter with Tensor src is deprecated; use scatter_reduce",
            UserWarning,
            stacklevel=4,
        )
    function = np.add if reduce == "add" else np.multiply
    kernels.scatter_with(function, places[0], dim, places[1], source)


@index_op(
    "scatter_add",
    writes=True,
    saves="index",
    grad={
        "input": lambda g, call: g,
        "src": lambda g, call: _gathered(g, call, call.src),
    },
    samples=lambda x: [(x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), x(2, 3))],
)
def scatter_add(input: Array, dim: int, index: Array, src: Array) -> None:
    """Add along a dimension: ``out[i, index[i, j]] += src[i, j]`` for ``dim=1``.

    Arguments as for ``scatter``; places that repeat add up, in the order of ``src``.

    >>> import rushlight as rl
    >>> rl.zeros(3).scatter_add(0, rl.tensor([0, 0, 2]), rl.ones(3))
    tensor([2., 0., 1.])
    """
    if few.scatter_add(input, dim, index, src):
        return
    dim = normalize_dim(dim, input.ndim)
    _check_index("scatter", input, dim, index, src)
    _check_same_dtype(input, src)
    if index.size:
        target, index, src = at_least_1d(input, index, src)
        kernels.scatter_add(target, dim, index, src)


# ---- reductions into places -----------------------------------------------------------------


def _share_of(g: Tensor, call: SimpleNamespace) -> Tensor:
    """For "mean": the gradient, divided by how many values each place averaged."""
    start = zeros(call.input, g)
    if call.include_self:
        start = start + 1
    ones = zeros(call.src, g) + 1
    number = scatter_add(start, call.dim, call.index, ones)
    return g / number.masked_fill(number == 0, 1)


def _winners(g: Tensor, call: SimpleNamespace) -> tuple[Tensor, Tensor, Tensor]:
    """For "amax" and "amin": who equals the result (input, source), and each one's share of g."""
    result = _reduced(call, call.input, call.src)
    of_input = (call.input == result).to(g.dtype)
    of_source = (call.src == gather(result, call.dim, call.index)).to(g.dtype)
    if not call.include_self:
        of_input = scatter(of_input, call.dim, call.index, 0)
    number = scatter_add(of_input, call.dim, call.index, of_source)
    return of_input, of_source, g / number.clamp(min=1)


def _reduced(call: SimpleNamespace, input: Tensor, src: Tensor) -> Tensor:
    return scatter_reduce(
        input, call.dim, call.index, src, call.reduce, include_self=call.include_self
    )


def _reduce_gradient_of_input(g: Tensor, call: SimpleNamespace) -> Tensor:
    if call.reduce in ("amax", "amin"):
        of_input, _, share = _winners(g, call)
        return of_input * share
    result = g
    if call.reduce == "mean":
        result = _share_of(g, call)
    elif call.reduce == "prod":  # the product of the others: each place is its own factor
        result = g * _reduced(call, zeros(call.input, g) + 1, call.src).conj()
    return result if call.include_self else scatter(result, call.dim, call.index, 0)


def _reduce_gradient_of_source(g: Tensor, call: SimpleNamespace) -> Tensor:
    if call.reduce in ("amax", "amin"):
        _, of_source, share = _winners(g, call)
        return of_source * gather(share, call.dim, call.index)
    if call.reduce == "mean":
        return gather(_share_of(g, call), call.dim, call.index)
    if call.reduce == "sum":
        return gather(g, call.dim, call.index)
    return _product_gradient_of_source(g, call)


def _product_gradient_of_source(g: Tensor, call: SimpleNamespace) -> Tensor:
    """g * (product of the other factors): by division, and without it where the factor is 0."""
    src, dim, index = call.src, call.dim, call.index
    zero = src == 0
    number = gather(scatter_add(zeros(call.input, g), dim, index, zero.to(g.dtype)), dim, index)
    alone = zero & (number == 1)
    without = _reduced(call, call.input, src.masked_fill(alone, 1))
    product = _reduced(call, call.input, src).conj()
    divided = gather(g * product, dim, index) / src.masked_fill(zero, 1).conj()
    others = gather(g * without.conj(), dim, index)
    return alone.to(g.dtype) * others + divided.masked_fill(alone, 0)


@index_op(
    "scatter_reduce",
    writes=True,
    saves="input index src",
    grad={"input": _reduce_gradient_of_input, "src": _reduce_gradient_of_source},
    samples=lambda x: [
        (x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), x(2, 2), "sum"),
        (x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), x(2, 2), "prod"),
        (x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), x(2, 2), "mean", {"include_self": False}),
        (x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), x(2, 2), "amax"),
        (x(2, 3), 1, x.tensor([[2, 0], [1, 1]]), x(2, 2), "amin")],
)
def scatter_reduce(
    input: Array, dim: int, index: Array, src: Array, reduce: str, *, include_self: bool = True
) -> None:
    """Reduce into each place the values that ``index`` sends there.

    Args:
        index, src: as for ``scatter_add``.
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether the value that was there takes part.

    Gradients for ``src`` need it to have the shape of ``index``.

    >>> import rushlight as rl
    >>> index = rl.tensor([0, 0, 1])
    >>> rl.zeros(2).scatter_reduce(0, index, rl.tensor([1.0, 3.0, 5.0]), "mean", include_self=False)
    tensor([2., 5.])
    """
    dim = normalize_dim(dim, input.ndim)
    if reduce not in kernels.FUNCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if reduce in ("amax", "amin"):
        real_only(f"scatter_gather_tensor_cpu_reduce_{reduce}", input)
    _check_index("scatter", input, dim, index, src)
    _check_same_dtype(input, src)
    if index.size:
        target, index, src = at_least_1d(input, index, src)
        kernels.scatter_reduce(target, dim, index, src, reduce, include_self)


# ---- copies with new slices ------------------------------------------------------------------

WHOLE = slice(None)


def _scattered(input: Tensor, src: Tensor, index: tuple, name: str, out: Tensor | None) -> Tensor:
    shape = rules.picked_shape(input._array.shape, index)
    if src._array.shape != shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(shape)} ({name})"
        )
    return assign(input, src, index, out=out)


@composite("select_scatter", samples=lambda x: [(x(2, 3), x(2), 1, 2)])
def select_scatter(
    input: Tensor, src: Tensor, dim: int, index: int, *, out: Tensor | None = None
) -> Tensor:
    """Return a copy of ``input`` with ``src`` as the slice ``index`` of dimension ``dim``.

    >>> import rushlight as rl
    >>> rl.zeros(2, 2).select_scatter(rl.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    dim = normalize_dim(dim, input.ndim)
    return _scattered(input, src, (WHOLE,) * dim + (operator.index(index),), "select_scatter", out)


@composite("slice_scatter", samples=lambda x: [
    (x(2, 5), x(2, 2), 1, 1, 5, 2), (x(3, 2), x(2, 2), 0, 1)])
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy of ``input`` with ``src`` in the slices ``start:end:step`` of ``dim``.

    >>> import rushlight as rl
    >>> rl.zeros(4).slice_scatter(rl.ones(2), 0, 1, 3)
    tensor([0., 1., 1., 0.])
    """
    dim = normalize_dim(dim, input.ndim)
    index = (WHOLE,) * dim + (slice(start, end, step),)
    return _scattered(input, src, index, "slice_scatter", out)


def _filled(input: Tensor, src: Tensor, part: Any, name: str) -> Tensor:
    """A copy of ``input`` with ``src`` in the view that ``part`` takes of it."""
    result = input.clone()
    view = part(result)
    if view.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to a slice of self. src size = {list(src.shape)}, "
            f"slice size = {list(view.shape)} ({name})"
        )
    view.copy_(src)
    return result


@composite("diagonal_scatter", samples=lambda x: [(x(3, 3), x(3)), (x(2, 3, 3), x(2, 2), 1, 1, 2)])
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """Return a copy of ``input`` with ``src`` as the diagonal of dimensions dim1 and dim2.

    >>> import rushlight as rl
    >>> rl.zeros(2, 2).diagonal_scatter(rl.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _filled(input, src, lambda x: x.diagonal(offset, dim1, dim2), "diagonal_scatter")


@composite("as_strided_scatter", samples=lambda x: [(x(2, 3), x(2, 2), (2, 2), (3, 1), 1)])
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """Return a copy of ``input`` with ``src`` in the ``as_strided`` view of it.

    >>> import rushlight as rl
    >>> rl.zeros(4).as_strided_scatter(rl.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    return _filled(
        input, src, lambda x: x.as_strided(size, stride, storage_offset), "as_strided_scatter"
    )
