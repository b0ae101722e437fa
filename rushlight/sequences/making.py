"""Making ragged sequences: of a list, of a padded tensor, of a packed sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.errors import describe, operands, type_name
from rushlight.nn.utils.rnn import PackedSequence
from rushlight.ops.sequence_rows import reorder_rows
from rushlight.sequences.layout import Layout
from rushlight.sequences.ragged import Ragged, join
from rushlight.tensor import Tensor, wrap


def ragged(sequences: Any, *, lengths: Any = None, mask: Tensor | None = None,
           batch_first: bool = True) -> Ragged:
    """A batch of sequences of different lengths, stored without padding.

    sequences: a list of tensors (length_i, *features), which may have no steps; a PackedSequence;
    a nested tensor; or a padded tensor (batch, time, *features), time first with
    `batch_first=False`, and either lengths: (batch,) whole numbers, or mask: (batch, time) bool,
    True where a step is one.
    Gradients flow back to what is given. Raises TypeError and RuntimeError for what does not fit.

    >>> import rushlight as rl
    >>> rl.ragged([rl.tensor([1, 2]), rl.tensor([3])]).values
    tensor([1, 2, 3])
    >>> rl.ragged(rl.tensor([[1, 2], [3, 0]]), lengths=[2, 1]).tolist()
    [[1, 2], [3]]
    """
    if isinstance(sequences, Ragged):
        return sequences
    if isinstance(sequences, PackedSequence):
        return _from_packed(sequences)
    if isinstance(sequences, Tensor) and sequences.is_nested:
        return join(list(sequences.unbind()))
    if isinstance(sequences, Tensor):
        return from_padded(sequences, lengths=lengths, mask=mask, batch_first=batch_first)
    if lengths is not None or mask is not None:
        raise TypeError("ragged(): lengths= and mask= belong to a padded tensor; a list of "
                        "sequences has lengths of its own")
    if not isinstance(sequences, list | tuple):
        raise TypeError("ragged(): argument 'sequences' must be a list of Tensors, a padded Tensor "
                        f"or a PackedSequence, not {type(sequences).__name__}")
    return join(sequences)


def from_padded(padded: Tensor, lengths: Any = None, mask: Tensor | None = None,
                batch_first: bool = True) -> Ragged:
    """The real steps of a padded tensor (batch, time, *features); see `ragged`."""
    if not isinstance(padded, Tensor):
        raise TypeError("from_padded(): argument 'padded' must be Tensor, not "
                        f"{type_name(padded)}")
    if padded.dim() < 2:
        raise RuntimeError("from_padded(): expected (batch, time, *features), but got "
                           f"{describe(padded)}")
    if (lengths is None) == (mask is None):
        raise TypeError("from_padded() needs either lengths= or mask=, which say what is padding; "
                        f"padded is {describe(padded)}")
    batch, time = padded.shape[:2] if batch_first else padded.shape[1::-1]
    if mask is not None:
        kept = _mask(padded, mask)
        kept = kept if batch_first else kept.T
    else:
        counts = _lengths(lengths, int(batch), int(time))
        kept = np.arange(time) < counts[:, None]  # (batch, time)
    numbers, places = np.nonzero(kept)
    rows = numbers * time + places if batch_first else places * batch + numbers
    values = padded.flatten(0, 1).index_select(0, wrap(rows))
    return Ragged(values, Layout.of(kept.sum(1)))


def _mask(padded: Tensor, mask: Any) -> np.ndarray:
    if not isinstance(mask, Tensor) or mask.dtype is not dtypes.bool_:
        raise TypeError("from_padded(): argument 'mask' must be a bool Tensor, True where a step "
                        f"is one, not {describe(mask) if isinstance(mask, Tensor) else mask!r}")
    if mask.shape != padded.shape[:2]:
        raise RuntimeError("from_padded(): the mask must have the first two dimensions of padded: "
                           f"{operands(padded=padded, mask=mask)}")
    return mask.numpy()


def _lengths(lengths: Any, batch: int, time: int) -> np.ndarray:
    counts = lengths.numpy() if isinstance(lengths, Tensor) else np.asarray(lengths)
    if counts.dtype.kind not in "iu" and counts.size:
        raise TypeError("from_padded(): lengths must be whole numbers, not "
                        f"{getattr(lengths, 'dtype', counts.dtype)}")
    if counts.shape != (batch,):
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got "
                           f"{counts.shape} (batch_size={batch})")
    if counts.size and (counts.min() < 0 or counts.max() > time):
        raise RuntimeError(f"from_padded(): lengths must be between 0 and {time}, the time "
                           f"dimension of padded, but got {counts.tolist()}")
    return counts.astype(np.int64)


def _from_packed(packed: PackedSequence) -> Ragged:
    sizes = packed.batch_sizes.numpy()
    numbers = np.concatenate([np.arange(n) for n in sizes])  # of the sequences as sorted
    if packed.sorted_indices is not None:
        numbers = packed.sorted_indices.numpy()[numbers]
    order = np.argsort(numbers, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    layout = Layout.of(np.bincount(numbers, minlength=int(sizes[0])))
    return Ragged(reorder_rows(packed.data, order, back), layout)
