"""Ragged: a batch of sequences of different lengths, stored end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rushlight.base.dtypes import dtype as dtype_
from rushlight.base.errors import describe, type_name
from rushlight.families.declaration import FUNCTIONS
from rushlight.nn.utils.rnn import PackedSequence
from rushlight.ops.sequence_rows import reorder_rows
from rushlight.sequences import indexing
from rushlight.sequences.layout import Layout
from rushlight.tensor import Tensor, wrap


class Ragged:
    """A batch of sequences (length_i, *features), without padding: dimensions (batch, time, ...).

    Made by `ragged`. Operations take it where they take a tensor (batch, time, *features): what
    works by place or on features runs on all steps at once; sums, means and softmax over time,
    recurrent layers and attention stay within each sequence; losses are means over the steps there
    are. Gradients flow to what it was made of. An operation that has no meaning for sequences of
    different lengths raises TypeError.

    >>> import rushlight as rl
    >>> r = rl.ragged([rl.tensor([1., 2., 3.]), rl.tensor([10.])])
    >>> (2 * r).mean(1)
    tensor([ 4., 20.])
    """

    __slots__ = ("__weakref__", "layout", "values")

    values: Tensor
    layout: Layout
    __array_priority__ = 2000  # ndarray + Ragged asks the Ragged

    def __init__(self, values: Tensor, layout: Layout) -> None:
        if values.dim() < 1 or values.size(0) != layout.steps:
            raise ValueError(f"Ragged: {layout.steps} steps ({layout}) need values of shape "
                             f"({layout.steps}, ...), but got {describe(values)}")
        self.values, self.layout = values, layout

    __torch_function__: Any  # attached by rushlight.sequences.rules

    # ---- what it is ------------------------------------------------------------------------------

    @property
    def offsets(self) -> Tensor:
        """(batch + 1,) int64: where each sequence begins in `values`, and where the last ends."""
        return wrap(self.layout.offsets.copy())

    @property
    def lengths(self) -> Tensor:
        """(batch,) int64: how many steps each sequence has."""
        return wrap(self.layout.lengths.copy())

    @property
    def shape(self) -> tuple[int | None, ...]:
        """(batch, None, *features): the time dimension has no one size."""
        return (self.layout.batch, None, *self.values.shape[1:])

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension. Raises TypeError for the time dimension."""
        if dim is None:
            return self.shape
        found = self.shape[self._dim(dim)]
        if found is None:
            raise TypeError(f"size({dim}): the time dimension of {self._short()} has no one size; "
                            "see .lengths, or convert with to_padded()")
        return found

    def _dim(self, dim: int) -> int:
        """A dimension counted from the front. Raises IndexError."""
        n = self.ndim
        if not -n <= dim < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], "
                             f"but got {dim})")
        return dim % n

    @property
    def ndim(self) -> int:
        """The number of dimensions, batch and time among them."""
        return self.values.ndim + 1

    def dim(self) -> int:
        """The number of dimensions, batch and time among them."""
        return self.values.ndim + 1

    @property
    def dtype(self) -> dtype_:
        """The type of the elements."""
        return self.values.dtype

    @property
    def device(self) -> Any:
        """Where the elements lie."""
        return self.values.device

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to the values."""
        return self.values.requires_grad

    def requires_grad_(self, requires_grad: bool = True) -> Ragged:
        """Let gradients flow to the values; returns itself."""
        self.values.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Ragged | None:
        """The gradient that backward accumulated in the values."""
        grad = self.values.grad
        return None if grad is None else self.with_values(grad)

    def numel(self) -> int:
        """The number of elements."""
        return self.values.numel()

    def is_floating_point(self) -> bool:
        """Whether the elements are floating point numbers."""
        return self.values.is_floating_point()

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.values.is_complex()

    def detach(self) -> Ragged:
        """The same memory, cut off from the graph."""
        return self.with_values(self.values.detach())

    def __len__(self) -> int:
        return self.layout.batch

    # ---- other forms -----------------------------------------------------------------------------

    def with_values(self, values: Tensor) -> Ragged:
        """Sequences of the same lengths with other values (steps, *features)."""
        return Ragged(values, self.layout)

    def unbind(self, dim: int = 0) -> list[Tensor]:
        """The sequences, views (length_i, *features), as a list. Raises TypeError for dim other
        than 0."""
        if self._dim(dim) != 0:
            raise TypeError(f"unbind(dim={dim}): {self._short()} is taken apart along dimension 0")
        ends = self.layout.offsets.tolist()
        return [self.values[a:b] for a, b in pairwise(ends)]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.unbind())

    def map(self, f: Callable[[Tensor], Tensor]) -> Ragged:
        """A batch of f(sequence), one after the other; lengths may change."""
        return join([f(each) for each in self.unbind()], "map")

    def to_padded(self, value: float = 0.0, batch_first: bool = True,
                  length: int | None = None) -> Tensor:
        """(batch, longest, *features) with `value` after the end of each sequence.

        batch_first: or else (longest, batch, *features). length: at least that long a time
        dimension. Raises ValueError where a sequence is longer.

        >>> import rushlight as rl
        >>> rl.ragged([rl.ones(2), rl.ones(1)]).to_padded(-1)
        tensor([[ 1.,  1.],
                [ 1., -1.]])
        """
        layout, values = self.layout, self.values
        time = layout.longest if length is None else length
        if time < layout.longest:
            raise ValueError(f"to_padded(length={length}): the longest sequence has "
                             f"{layout.longest} steps")
        if batch_first:
            places, lead = layout.numbers * time + layout.places, (layout.batch, time)
        else:
            places, lead = layout.places * layout.batch + layout.numbers, (time, layout.batch)
        empty = FUNCTIONS["full"]((lead[0] * lead[1], *values.shape[1:]), value, dtype=values.dtype,
                     device=values.device)
        return empty.index_copy(0, wrap(places), values).unflatten(0, lead)

    def to_packed(self) -> PackedSequence:
        """The same sequences as a PackedSequence. Raises RuntimeError where one has no steps."""
        layout = self.layout
        if not layout.batch or not layout.lengths.all():
            raise RuntimeError("Length of all samples has to be greater than 0 in a "
                               f"PackedSequence, but {self._short()}")
        packing = layout.packing
        data = reorder_rows(self.values, packing.rows, packing.back)
        return PackedSequence(data, packing.batch_sizes, packing.order, packing.unorder)

    def tolist(self) -> list[Any]:
        """The sequences as nested lists of Python numbers."""
        return [each.tolist() for each in self.unbind()]

    def __getitem__(self, index: Any) -> Any:
        return indexing.item(self, index, Ragged)

    def __repr__(self) -> str:
        rows = ",\n  ".join(repr(each).replace("\n", "\n  ") for each in self.unbind())
        return f"ragged([\n  {rows}])" if len(self) else f"ragged([], dtype={self.dtype})"

    def _short(self) -> str:
        """What messages say it is."""
        features = "".join(f", {n}" for n in self.values.shape[1:])
        return f"ragged ({self.layout.batch}, time{features}) of {self.layout}"

    def __bool__(self) -> bool:
        raise RuntimeError(f"Boolean value of {self._short()} is ambiguous; use .values.any() or "
                           ".values.all()")

    def __copy__(self) -> Ragged:
        return self.with_values(self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (self.values, self.offsets)


def rebuild(values: Any, offsets: Any) -> Ragged:
    """A pickled batch. Raises ValueError for offsets that do not go with the values."""
    if not (isinstance(values, Tensor) and isinstance(offsets, Tensor) and offsets.dim() == 1
            and offsets.numel() and offsets._array.dtype == np.int64 and offsets[0] == 0
            and bool((offsets._array[1:] >= offsets._array[:-1]).all())):
        raise ValueError("a ragged batch is saved as values and offsets, which begin with 0 and "
                         "never fall")
    return Ragged(values, Layout(offsets._array.copy()))


def join(sequences: Sequence[Any], name: str = "ragged") -> Ragged:
    """The batch of a list of sequences (length_i, *features)."""
    if not sequences:
        raise ValueError(f"{name}([]): a batch needs at least one sequence, which says its "
                         "features and dtype; Ragged has no others")
    for place, each in enumerate(sequences):
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}(): sequence {place} must be Tensor, not "
                            f"{type_name(each)}")
        if not each.dim() or each.shape[1:] != sequences[0].shape[1:]:
            raise RuntimeError(f"{name}(): sequences must have equal sizes except in dimension 0, "
                               f"time: sequence 0 is {describe(sequences[0])}, sequence {place} is "
                               f"{describe(each)}")
        if each.dtype is not sequences[0].dtype:
            raise RuntimeError(f"{name}(): sequences must have one dtype: sequence 0 is "
                               f"{describe(sequences[0])}, sequence {place} is {describe(each)}; "
                               "convert with .to(dtype)")
    return Ragged(FUNCTIONS["cat"](list(sequences)), Layout.of([len(x) for x in sequences]))
