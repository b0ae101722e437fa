"""The memory below a tensor as a sequence of its elements, as old programs look at it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.tensor.storage import UntypedStorage, root_of


class TypedStorage:
    """All elements of the memory that one or more tensors share.

    A number makes a storage of that many elements, a sequence one that holds it; `dtype=` says
    of what type. `tensor.storage()` gives that of a tensor, which it shares.

    >>> import rushlight as rl
    >>> memory = rl.arange(4.)[2:].storage(); memory[1] = 7; memory.tolist()
    [0.0, 7.0, 2.0, 3.0]
    >>> rl.FloatStorage(3).size()
    3
    """

    dtype: dtypes.dtype = dtypes.float32

    def __init__(self, *args: Any, dtype: dtypes.dtype | None = None,
                 wrap_storage: UntypedStorage | None = None) -> None:
        if dtype is not None:
            self.dtype = dtype
        kind = self.dtype.array
        if wrap_storage is not None:
            self._elements = wrap_storage._root.reshape(-1).view(np.uint8).view(kind)
        elif not args or isinstance(args[0], int):
            self._elements = np.zeros(args[0] if args else 0, kind)
        else:
            self._elements = np.asarray(list(args[0])).astype(kind)

    def __len__(self) -> int:
        return int(self._elements.size)

    def size(self) -> int:
        """How many elements there are."""
        return len(self)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self._elements[index].tolist(), dtype=self.dtype)
        return self._elements[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and other.data_ptr() == self.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def __repr__(self) -> str:
        lines = "\n".join(f" {value}" for value in self.tolist())
        return (f"{lines}\n[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) "
                f"of size {len(self)}]")

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._elements.tolist()

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.untyped().data_ptr()

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._elements.nbytes

    def element_size(self) -> int:
        """Bytes an element."""
        return self._elements.itemsize

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._elements)

    def fill_(self, value: Any) -> TypedStorage:
        """Set all elements to `value`."""
        self._elements[...] = value
        return self

    def copy_(self, source: TypedStorage, non_blocking: bool | None = None) -> TypedStorage:
        """Take over the elements of another storage of the same length."""
        self._elements[...] = source._elements
        return self

    def clone(self) -> TypedStorage:
        """A copy in memory of its own."""
        return type(self)(self.tolist(), dtype=self.dtype)

    @property
    def device(self) -> str:
        """Where it lies: "cpu"."""
        return "cpu"

    is_cuda = is_sparse = False

    def is_shared(self) -> bool:
        """Whether other processes see the memory: False."""
        return False

    @classmethod
    def of(cls, array: np.ndarray, dtype: dtypes.dtype) -> TypedStorage:
        """The storage of the memory that `array` looks at."""
        root = root_of(array)
        if not (root.flags.c_contiguous or root.flags.f_contiguous):
            warnings.warn("the memory comes from NumPy with gaps: only this tensor's elements are "
                          "shown", UserWarning, stacklevel=3)
            root = np.ascontiguousarray(array)
        made = cls.__new__(BY_DTYPE.get(dtype, cls))
        made.dtype = dtype
        flat = root.reshape(-1, order="A")
        made._elements = flat.view(dtype.array) if flat.nbytes % dtype.itemsize == 0 else flat
        return made


def _type(name: str, dtype: dtypes.dtype) -> Any:
    return type(name, (TypedStorage,), {
        "dtype": dtype, "__module__": __name__,
        "__doc__": f"The memory of tensors of {dtype.name}, element by element."})


BFloat16Storage = _type("BFloat16Storage", dtypes.bfloat16)
BoolStorage = _type("BoolStorage", dtypes.bool_)
ByteStorage = _type("ByteStorage", dtypes.uint8)
CharStorage = _type("CharStorage", dtypes.int8)
DoubleStorage = _type("DoubleStorage", dtypes.float64)
FloatStorage = _type("FloatStorage", dtypes.float32)
HalfStorage = _type("HalfStorage", dtypes.float16)
IntStorage = _type("IntStorage", dtypes.int32)
LongStorage = _type("LongStorage", dtypes.int64)
ShortStorage = _type("ShortStorage", dtypes.int16)
BY_DTYPE = {kind.dtype: kind for kind in (
    BFloat16Storage, BoolStorage, ByteStorage, CharStorage, DoubleStorage, FloatStorage,
    HalfStorage, IntStorage, LongStorage, ShortStorage)}
