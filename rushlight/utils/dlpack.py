"""Exchange of tensors with other libraries through DLPack, sharing memory."""

from __future__ import annotations

# ---- operations: written by tools/write_index.py
from rushlight.ops.creation import from_dlpack
# ---- by hand
from typing import Any

from rushlight.tensor import Tensor


def to_dlpack(tensor: Tensor) -> Any:
    """The tensor as a DLPack capsule over the same memory, to be taken once.

    Raises BufferError for a tensor that requires grad or is read-only.

    >>> import rushlight as rl
    >>> from rushlight.utils import dlpack
    >>> dlpack.from_dlpack(rl.ones(2))
    tensor([1., 1.])
    """
    return tensor.__dlpack__()


# ---- all names: written by tools/write_index.py
__all__ = ["Any", "Tensor", "from_dlpack", "to_dlpack"]
