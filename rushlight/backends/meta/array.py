"""MetaArray: what an ndarray knows about itself, without the elements.

It answers NumPy's protocols, so the very wrappers that run on data run on it: a ufunc called on
a MetaArray gives a MetaArray of the broadcast shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided


def _phantom(shape: Sequence[int], dtype: np.dtype, strides: Sequence[int] | None) -> np.ndarray:
    """An array of that geometry over one element: only its geometry may be looked at."""
    if strides is None:
        strides, step = [], dtype.itemsize
        for n in reversed(tuple(shape)):
            strides.insert(0, step)
            step *= max(n, 1)
    return as_strided(np.empty(1, dtype), tuple(shape), tuple(strides))


class MetaArray:
    """The geometry of an array: shape, strides in bytes, dtype."""

    __slots__ = ("phantom",)

    def __init__(self, shape: Sequence[int], dtype: np.dtype,
                 strides: Sequence[int] | None = None) -> None:
        self.phantom = _phantom(shape, np.dtype(dtype), strides)

    @classmethod
    def of(cls, phantom: np.ndarray) -> MetaArray:
        """The MetaArray with the geometry of `phantom`, whose elements are never read."""
        made = cls.__new__(cls)
        made.phantom = phantom
        return made

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes."""
        return self.phantom.shape

    @property
    def strides(self) -> tuple[int, ...]:
        """Steps in bytes."""
        return self.phantom.strides

    @property
    def dtype(self) -> np.dtype:
        """The element type."""
        return self.phantom.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.phantom.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.phantom.size

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return self.phantom.itemsize

    @property
    def flags(self) -> Any:
        """NumPy's contiguity flags of this geometry."""
        return self.phantom.flags

    @property
    def base(self) -> None:
        """There is no memory to share."""
        return None

    def __getitem__(self, index: Any) -> MetaArray:
        return MetaArray.of(np.asarray(self.phantom[index]))

    def swapaxes(self, axis1: int, axis2: int) -> MetaArray:
        """Two dimensions exchanged."""
        return MetaArray.of(self.phantom.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> MetaArray:
        """Without dimensions of size 1."""
        return MetaArray.of(self.phantom.squeeze(axis))

    def transpose(self, *axes: Any) -> MetaArray:
        """Dimensions in another order."""
        return MetaArray.of(self.phantom.transpose(*axes))

    def reshape(self, *shape: Any) -> MetaArray:
        """Another shape: of the same geometry where that is possible, else dense."""
        target = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        try:
            return MetaArray.of(np.reshape(self.phantom, target, copy=False))
        except ValueError:
            return MetaArray(np.broadcast_to(np.empty(()), self.shape).reshape(target).shape,
                             self.dtype)

    def view(self, dtype: Any) -> MetaArray:
        """The same bytes as another element type."""
        return MetaArray.of(self.phantom.view(dtype))

    def astype(self, dtype: Any, copy: bool = True, order: str = "K") -> MetaArray:
        """Another element type."""
        return MetaArray(self.shape, np.dtype(dtype))

    def copy(self, order: str = "C") -> MetaArray:
        """A dense array of the same shape."""
        return MetaArray(self.shape, self.dtype)

    def fill(self, value: Any) -> None:
        """Nothing to fill."""

    def __setitem__(self, index: Any, value: Any) -> None:
        """Nothing to write."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        out = options.get("out")
        if out is not None and isinstance(out[0], MetaArray):
            return out[0]
        one = [np.ones((), x.dtype) if isinstance(x, (MetaArray, np.ndarray)) else x
               for x in inputs]
        shape = np.broadcast_shapes(*(getattr(x, "shape", ()) for x in inputs))
        with np.errstate(all="ignore"):
            results = ufunc(*one)
        if isinstance(results, tuple):
            return tuple(MetaArray(shape, np.asarray(r).dtype) for r in results)
        return MetaArray(shape, np.asarray(results).dtype)


def is_meta(array: Any) -> bool:
    """Whether `array` is a MetaArray."""
    return type(array) is MetaArray
