"""The memory below a tensor: its address, extent and layout, as torch would name them."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from rushlight.base.shapes import contiguous_strides


class layout:  # noqa: N801 - torch's name
    """How elements are laid out; `strided` is the only one that tensors have."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class memory_format:  # noqa: N801 - torch's name
    """An order of dimensions in memory, such as `channels_last`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


strided = layout("strided")
# Layouts that programs compare with; no tensor has one of them.
sparse_coo, sparse_csr, sparse_csc = (layout(f"sparse_{n}") for n in ("coo", "csr", "csc"))
sparse_bsr, sparse_bsc, jagged = layout("sparse_bsr"), layout("sparse_bsc"), layout("jagged")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")


def root_of(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory `array` looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address(array: Any) -> int:
    """The address of the first element."""
    interface = getattr(array, "__array_interface__", None)
    return 0 if interface is None else interface["data"][0]


def offset(array: np.ndarray) -> int:
    """Elements between the start of the memory and the first element of `array`."""
    base = getattr(array, "base", None)
    if not isinstance(base, np.ndarray) or not array.size:
        return 0
    root = root_of(array)
    return (address(array) - lowest_address(root)) // array.itemsize


def lowest_address(array: np.ndarray) -> int:
    """The address of the first byte that `array` spans; strides may be negative."""
    below = sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True) if s < 0)
    return address(array) + below


def torch_strides(array: np.ndarray) -> tuple[int, ...]:
    """Strides in elements; those of dense arrays as torch counts them, also for sizes 0 and 1."""
    if array.size == 0:
        return contiguous_strides(array.shape)
    own = [s // array.itemsize for s in array.strides]
    if 0 in own:  # of a new dimension of size 1: one step leaves the dimension that follows
        for d in range(array.ndim - 1, -1, -1):
            if own[d] == 0 and array.shape[d] == 1:
                own[d] = own[d + 1] * array.shape[d + 1] if d + 1 < array.ndim else 1
    return tuple(own)


def is_channels_last(array: np.ndarray, order: memory_format) -> bool:
    """Whether the elements are dense in the given memory format."""
    rank = {"channels_last": 4, "channels_last_3d": 5}.get(getattr(order, "name", ""))
    if rank is None or array.ndim != rank:
        return False
    axes = (0, *range(2, rank), 1)
    return bool(array.transpose(axes).flags.c_contiguous)


def laid_out(array: Any, order: Any) -> Any:
    """`array`, copied where its elements do not lie in the memory format `order`.

    None and preserve_format leave it as it is. Raises RuntimeError for a wrong number of
    dimensions.
    """
    if order in (None, preserve_format) or not isinstance(array, np.ndarray):
        return array
    if order is contiguous_format:
        return array if array.flags.c_contiguous else array.copy("C")
    rank = 4 if order is channels_last else 5
    if array.ndim != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {order.name} format")
    axes = (0, *range(2, rank), 1)
    return array.transpose(axes).copy("C").transpose(np.argsort(axes))


class UntypedStorage:
    """The bytes that one or more tensors share.

    >>> import rushlight as rl
    >>> x = rl.ones(4)
    >>> x[1:].untyped_storage().data_ptr() == x.data_ptr()
    True
    """

    def __init__(self, array: np.ndarray) -> None:
        self._root = root_of(array)

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first `nbytes` of a file, read as they are needed.

        With `shared` what is written goes to the file, which is made or extended where it is
        shorter; without, it stays here. Raises RuntimeError where the file cannot be opened.
        """
        try:
            if shared:
                with open(filename, "ab") as file:
                    file.truncate(max(file.tell(), nbytes))
            mapped = np.memmap(filename, dtype=np.uint8, mode="r+" if shared else "c",
                               shape=(nbytes,))
        except (OSError, ValueError) as error:
            raise RuntimeError(f"unable to open file <{filename}> in read-write mode or to map "
                               f"{nbytes} bytes of it: {error}") from error
        return UntypedStorage(mapped.view(np.ndarray) if nbytes else np.empty(0, np.uint8))

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    _untyped = untyped

    def _bytes(self) -> np.ndarray:
        return self._root.reshape(-1).view(np.uint8)  # shares the memory: what owns it is dense

    def __getitem__(self, index: Any) -> Any:
        """A byte, or for a slice the storage of a part of the memory, shared."""
        if not isinstance(index, slice):
            return int(self._bytes()[index])
        if index.step not in (None, 1):
            raise RuntimeError(f"Trying to slice with a step of {index.step}, but only a step of "
                               "1 is supported")
        part = object.__new__(UntypedStorage)
        part._root = self._bytes()[index]
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._bytes() if not copy else self._bytes().copy()

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def __repr__(self) -> str:
        lines = "".join(f" {value}\n" for value in self.tolist()) or "\n"
        return f"{lines}[torch.storage.UntypedStorage(device=cpu) of size {self.nbytes()}]"

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return lowest_address(self._root)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._root.nbytes

    def size(self) -> int:
        """How many bytes there are."""
        return self._root.nbytes

    __len__ = size

    def tolist(self) -> list[int]:
        """The bytes as integers."""
        return list(ctypes.string_at(self.data_ptr(), self.nbytes()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other.data_ptr() == self.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())
