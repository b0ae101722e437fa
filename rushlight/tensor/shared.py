"""Tensors that processes share: `share_memory_()`, and how they are sent to other processes.

Forked processes have the memory anyway; spawned ones, and those at the other end of a queue, are
sent its descriptor.
"""

from __future__ import annotations

from multiprocessing import reduction
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.tensor import convert
from rushlight.tensor._parameter import Buffer, Parameter
from rushlight.tensor._tensor import Tensor
from rushlight.tensor.segment import new_segment, opened, segment_of
from rushlight.tensor.storage import address, lowest_address, root_of


def shared(array: np.ndarray) -> np.ndarray:
    """A copy of `array` in shared memory; itself if it lies there, or has no elements."""
    if not array.size or segment_of(array) is not None:
        return array
    for kind in (Tensor, Parameter, Buffer):
        reduction.ForkingPickler.register(kind, _reduce)
    flat = np.frombuffer(new_segment(array.nbytes), np.uint8, array.nbytes)
    order = np.argsort([-stride for stride in array.strides], kind="stable")  # keeps a layout
    sizes = [array.shape[i] for i in order]
    moved: np.ndarray = flat.view(array.dtype).reshape(sizes).transpose(np.argsort(order))
    moved[...] = array
    return moved


def _reduce(tensor: Any) -> tuple[Any, ...]:
    array = tensor._array
    segment = segment_of(array) if tensor.is_leaf else None
    if segment is None:
        return convert.reduce(tensor)
    start = address(array) - lowest_address(root_of(array))
    make, (kind, _, *rest) = convert.reduce(tensor)
    handle = reduction.DupFd(segment.descriptor)
    return _rebuild, (make, kind, handle, len(segment), start, array.dtype.name, array.shape,
                      array.strides, *rest)


def _rebuild(make: Any, kind: type, handle: Any, size: int, start: int, dtype: str,
             shape: tuple[int, ...], strides: tuple[int, ...], *rest: Any) -> Any:
    for cls in (Tensor, Parameter, Buffer):
        reduction.ForkingPickler.register(cls, _reduce)
    flat = np.frombuffer(opened(handle.detach(), size), np.uint8)
    element = dtypes.dtype_named(dtype).array
    array = np.ndarray(shape, element, flat, start, strides)
    return make(kind, array, *rest)
