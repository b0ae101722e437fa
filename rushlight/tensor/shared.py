"""Tensors that processes share: `share_memory_()`, and how they are sent to other processes.

Forked processes have the memory anyway; spawned ones, and those at the other end of a queue, are
sent its descriptor. A process fetches that from the one that sent it, which must still be there: so
only the main process shares what it sends. What its children send is copied, and outlives them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.first_use import Deferred
from rushlight.tensor import convert
from rushlight.tensor._parameter import Buffer, Parameter
from rushlight.tensor._tensor import Tensor, wrap
from rushlight.tensor.segment import has_room, new_segment, opened, segment_of
from rushlight.tensor.storage import address, lowest_address, root_of

if TYPE_CHECKING:
    import multiprocessing
    from multiprocessing import reduction
else:
    multiprocessing = Deferred("multiprocessing", globals())
    reduction = Deferred("multiprocessing.reduction", globals())

SMALLEST = 4096  # bytes below which a tensor that is sent is copied: it is less than a page


def shared(array: np.ndarray) -> np.ndarray:
    """A copy of `array` in shared memory; itself if it lies there, or has no elements."""
    if not array.size or segment_of(array) is not None:
        return array
    share_what_is_sent()
    flat = np.frombuffer(new_segment(array.nbytes), np.uint8, array.nbytes)
    order = np.argsort([-stride for stride in array.strides], kind="stable")  # keeps a layout
    sizes = [array.shape[i] for i in order]
    moved: np.ndarray = flat.view(array.dtype).reshape(sizes).transpose(np.argsort(order))
    moved[...] = array
    return moved


def share_what_is_sent() -> None:
    """From now on tensors go to other processes by descriptor, where that is safe."""
    for kind in (Tensor, Parameter, Buffer):
        reduction.ForkingPickler.register(kind, _reduce)


def _reduce(tensor: Any) -> tuple[Any, ...]:
    if not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
            "does not support crossing process boundaries: this one was computed by "
            f"{tensor.grad_fn.name()}; send its detach()")
    array = None if is_meta(tensor._array) else _shared_of(tensor)
    segment = None if array is None else segment_of(array)
    if array is None or segment is None:
        return convert.reduce(tensor)
    start = address(array) - lowest_address(root_of(array))
    make, (kind, _, *rest) = convert.reduce(tensor)
    handle = reduction.DupFd(segment.descriptor)
    return _rebuild, (make, kind, handle, len(segment), start, array.dtype.name, array.shape,
                      array.strides, *rest)


def _shared_of(tensor: Any) -> np.ndarray | None:
    """The tensor's elements in shared memory, where it now lies too if nothing else looks at the
    old one; None for what is to be copied."""
    if segment_of(tensor._array) is not None:
        return tensor._array
    if (tensor._array.nbytes < SMALLEST or not has_room()
            or multiprocessing.parent_process() is not None):
        return None
    version = tensor._version
    try:
        moved = shared(tensor._array)
    except OSError:  # no memory to share, or no descriptors
        return None
    # Other threads may have written while it was copied, or be about to: then it stays.
    sole = tensor._view is None and _holders(tensor) == _holders(wrap(np.empty(2)))
    if sole and tensor._version == version:
        tensor._array = moved
    return moved


def _holders(tensor: Any) -> int | None:
    """How many references there are to the tensor's array; None where others own its memory."""
    return None if tensor._array.base is not None else sys.getrefcount(tensor._array)


def _rebuild(make: Any, kind: type, handle: Any, size: int, start: int, dtype: str,
             shape: tuple[int, ...], strides: tuple[int, ...], *rest: Any) -> Any:
    share_what_is_sent()
    try:
        descriptor = handle.detach()
    except (FileNotFoundError, ConnectionError, EOFError) as error:
        raise RuntimeError(
            f"a shared tensor of shape {shape} cannot be received: the process that sent it has "
            "ended. Keep it until the tensor is received, or send clone()") from error
    flat = np.frombuffer(opened(descriptor, size), np.uint8)
    element = dtypes.dtype_named(dtype).array
    array = np.ndarray(shape, element, flat, start, strides)
    return make(kind, array, *rest)
