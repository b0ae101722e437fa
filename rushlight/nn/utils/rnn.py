"""Sequences of different lengths: padded to one tensor, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

from rushlight.base import dtypes
from rushlight.ops import as_tensor, cat, full, stack, tensor
from rushlight.tensor import Tensor


class _PackedSequence(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_PackedSequence):
    """Sequences stored time by time: first all first elements, longest sequence first, and so on.

    ``data`` (sum of lengths, *), ``batch_sizes[t]`` the number of sequences longer than t;
    ``sorted_indices`` is the order they were put in, ``unsorted_indices`` its inverse, or both
    None. Made by :func:`pack_padded_sequence` and :func:`pack_sequence`.

    >>> import rushlight as rl
    >>> packed = rl.nn.utils.rnn.pack_sequence([rl.tensor([1, 2, 3]), rl.tensor([4])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:  # the older form: one pair
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same sequences with ``data`` converted as by ``Tensor.to``."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def pin_memory(self) -> PackedSequence:
        """The same sequences: there is no other device to copy them to."""
        return self

    def cpu(self) -> PackedSequence:
        """The same sequences on the CPU."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """With float64 data."""
        return self.to(dtypes.float64)

    def float(self) -> PackedSequence:
        """With float32 data."""
        return self.to(dtypes.float32)

    def half(self) -> PackedSequence:
        """With float16 data."""
        return self.to(dtypes.float16)

    def long(self) -> PackedSequence:
        """With int64 data."""
        return self.to(dtypes.int64)

    def int(self) -> PackedSequence:
        """With int32 data."""
        return self.to(dtypes.int32)

    def is_pinned(self) -> bool:
        """Whether ``data`` lies in pinned memory."""
        return self.data.is_pinned()

    @property
    def is_cuda(self) -> bool:
        """Whether ``data`` lies on a CUDA device."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``; None for None.

    >>> import rushlight as rl
    >>> rl.nn.utils.rnn.invert_permutation(rl.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    order = permutation.tolist()
    inverse = [0] * len(order)
    for place, element in enumerate(order):
        inverse[element] = place
    return tensor(inverse, dtype=dtypes.int64)


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | list[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack (time, batch, *), or (batch, time, *) with ``batch_first=True``, of given lengths.

    ``enforce_sorted=True`` demands that lengths do not increase; else the sequences are sorted,
    and the order is kept in the result. Raises ``RuntimeError`` for lengths that do not fit.

    >>> import rushlight as rl
    >>> x = rl.tensor([[1, 2], [3, 4], [5, 0]])
    >>> rl.nn.utils.rnn.pack_padded_sequence(x, [3, 2]).data
    tensor([1, 2, 3, 4, 5])
    """
    sizes = [int(each) for each in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    if input.numel() == 0:
        raise RuntimeError(f"Cannot pack empty tensors: the input is {list(input.shape)}")
    batch = input.size(0 if batch_first else 1)
    if len(sizes) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} "
            f"(batch_size={batch})"
        )
    order = None
    if not enforce_sorted:
        places = sorted(range(batch), key=lambda place: -sizes[place])
        order = tensor(places, dtype=dtypes.int64)
        sizes = [sizes[place] for place in places]
        input = input.index_select(0 if batch_first else 1, order)
    _check_lengths(sizes, input.size(1 if batch_first else 0))
    batch_sizes = _counts(sizes)
    steps = (input.transpose(0, 1) if batch_first else input).unbind(0)
    data = cat([step[:count] for step, count in zip(steps, batch_sizes, strict=False)])
    return PackedSequence(data, tensor(batch_sizes, dtype=dtypes.int64), order)


def _check_lengths(sizes: list[int], time: int) -> None:
    if any(size <= 0 for size in sizes):
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if any(size < following for size, following in pairwise(sizes)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    if sizes[0] > time:
        raise RuntimeError(f"Expected lengths of at most {time} (the input's), but got {sizes[0]}")


def _counts(sizes: list[int]) -> list[int]:
    """How many of the sequences are longer than 0, 1, 2, ..."""
    return [sum(size > time for size in sizes) for time in range(sizes[0])]


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`pack_padded_sequence`: padded sequences, and their lengths.

    ``total_length`` makes the time dimension that long. Raises ``ValueError`` if too short.

    >>> import rushlight as rl
    >>> packed = rl.nn.utils.rnn.pack_sequence([rl.tensor([1, 2, 3]), rl.tensor([4])])
    >>> rl.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    counts = sequence.batch_sizes.tolist()
    longest = len(counts)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    batch, rest = counts[0], sequence.data.shape[1:]
    steps = [
        _filled(step, batch - count, padding_value)
        for step, count in zip(sequence.data.split(counts), counts, strict=True)
    ]
    for _ in range((total_length or longest) - longest):
        steps.append(full((batch, *rest), padding_value, dtype=sequence.data.dtype))
    padded = stack(steps, 1 if batch_first else 0)
    lengths = as_tensor([sum(count > place for count in counts) for place in range(batch)])
    order = sequence.unsorted_indices
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order]


def _filled(values: Tensor, more: int, value: float) -> Tensor:
    """``values`` with ``more`` rows of ``value`` added."""
    if not more:
        return values
    return cat([values, full((more, *values.shape[1:]), value, dtype=values.dtype)])


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences (length, *) into (time, batch, *), the shorter ones padded at one side.

    >>> import rushlight as rl
    >>> rl.nn.utils.rnn.pad_sequence([rl.ones(3), rl.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, "
            f"but got arg of type: {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(each.size(0) for each in sequences)
    padded = []
    for each in sequences:
        for dim in range(1, min(each.dim(), sequences[0].dim())):
            if each.size(dim) != sequences[0].size(dim):
                raise RuntimeError(
                    f"The size of tensor a ({sequences[0].size(dim)}) must match the size of "
                    f"tensor b ({each.size(dim)}) at non-singleton dimension {dim}: sequences "
                    "differ in their first dimension only"
                )
        missing = (longest - each.size(0), *each.shape[1:])
        extra = full(missing, padding_value, dtype=each.dtype)
        padded.append(cat([extra, each] if padding_side == "left" else [each, extra]))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The list of sequences that :func:`pad_sequence` stacked, as views.

    >>> import rushlight as rl
    >>> rl.nn.utils.rnn.unpad_sequence(rl.ones(3, 2), rl.tensor([3, 1]))
    [tensor([1., 1., 1.]), tensor([1.])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (length, *); see :func:`pack_padded_sequence`.

    >>> import rushlight as rl
    >>> rl.nn.utils.rnn.pack_sequence([rl.ones(2), rl.zeros(1)]).data
    tensor([1., 0., 1.])
    """
    lengths = [each.size(0) for each in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The list of sequences that was packed, in their first order.

    >>> import rushlight as rl
    >>> packed = rl.nn.utils.rnn.pack_sequence([rl.ones(2), rl.zeros(1)])
    >>> rl.nn.utils.rnn.unpack_sequence(packed)
    [tensor([1., 1.]), tensor([0.])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
