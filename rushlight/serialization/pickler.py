"""A writer of pickles in which tensors have the names that torch gives them."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import IO, Any, ClassVar

from rushlight.backends.meta.array import is_meta
from rushlight.base.device import device
from rushlight.base.dtypes import EIGHT_BITS, WIDE_UNSIGNED, dtype
from rushlight.base.shapes import Size
from rushlight.ops.sparse_compressed import CompressedTensor
from rushlight.ops.sparse_layout import SparseTensor
from rushlight.serialization.memory import Memory, memory_of
from rushlight.serialization.storages import NAMES
from rushlight.serialization.torch_names import torch_name
from rushlight.tensor import Buffer, Parameter, Tensor, wrap
from rushlight.tensor.storage import UntypedStorage, address, layout, torch_strides

# Attributes that belong to a running program, not to the tensor.
HIDDEN = frozenset(("_hooks", "_post_accumulate_hooks", "_grad", "_retains_grad", "_inference"))


class Global:
    """A name of torch that a pickle refers to, whether or not torch is installed."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self) -> None:
        """Never called: pickle asks that what rebuilds an object can be."""


TENSOR = Global("torch._utils", "_rebuild_tensor_v2")
TENSOR_OVER_BYTES = Global("torch._utils", "_rebuild_tensor_v3")
SPARSE = Global("torch._utils", "_rebuild_sparse_tensor")
TENSOR_ON_META = Global("torch._utils", "_rebuild_meta_tensor_no_storage")
PARAMETER = Global("torch._utils", "_rebuild_parameter")
PARAMETER_WITH_STATE = Global("torch._utils", "_rebuild_parameter_with_state")
FROM_TYPE = Global("torch._tensor", "_rebuild_from_type_v2")
TENSOR_CLASS = Global("torch", "Tensor")
BYTES = Global("torch.storage", "UntypedStorage")
SIZE, DEVICE = Global("torch", "Size"), Global("torch", "device")
LAYOUT = Global("torch.serialization", "_get_layout")
STORAGES = {kind: Global("torch", name) for kind, name in NAMES.items()}
DTYPES = {kind: Global("torch", kind.name) for kind in (*NAMES, *WIDE_UNSIGNED, *EIGHT_BITS)}


class Reference:
    """Stands for a storage in a pickle: the persistent id that a reader looks it up by."""

    __slots__ = ("id",)

    def __init__(self, persistent_id: Any) -> None:
        self.id = persistent_id


OWN = (Tensor, Size, device, layout)
REFERENCES = (Reference, UntypedStorage)


_Pickler: Any = pickle._Pickler  # the one in Python: only it lets names be written freely


class Pickler(_Pickler):  # type: ignore[misc]
    """Pickles an object without the memory of its tensors, which `storages` then holds, by key.

    persistent_id: makes a storage's persistent id of its type, key and number of elements.
    """

    dispatch: ClassVar[dict[type, Any]] = dict(_Pickler.dispatch)

    def __init__(self, file: IO[bytes], protocol: int, describe: Callable[..., Any]) -> None:
        super().__init__(file, protocol=protocol)
        self.storages: dict[str, Memory] = {}
        self._keys: dict[Any, str] = {}
        self._types: dict[str, dtype | None] = {}  # as each was described first; None is bytes
        self._describe = describe

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        """Write an object; those of Python's plain types without asking what else they may be."""
        write = PLAIN.get(type(value))
        if write is None or self.proto >= 4:  # whose frames are the base class's business
            super().save(value, save_persistent_id)
            return
        known = self.memo.get(id(value))
        if known is None:
            write(self, value)
        else:
            self.write(self.get(known[0]))

    def persistent_id(self, value: Any) -> Any:
        """What stands for a storage; None for other objects."""
        if not isinstance(value, REFERENCES):
            return None
        if isinstance(value, Reference):
            return value.id
        memory = memory_of(value._root)
        return self._describe(BYTES, self._key(memory, None), memory.size)

    def reducer_override(self, value: Any) -> Any:
        """How objects of Rushlight are pickled: as their counterparts in torch."""
        if not isinstance(value, OWN):
            return NotImplemented
        if isinstance(value, Tensor):
            return self._reduce_tensor(value)
        if isinstance(value, Size):
            return SIZE, (tuple(value),)
        if isinstance(value, device):
            return DEVICE, (value.type,) if value.index is None else (value.type, value.index)
        return LAYOUT, (repr(value),)

    def _reduce_tensor(self, tensor: Tensor) -> tuple[Any, ...]:
        if isinstance(tensor, SparseTensor):
            return self._reduce_sparse(tensor)
        if tensor.is_nested:
            return tensor.__reduce_ex__(2)
        kind: Any = type(tensor)
        state = {k: v for k, v in tensor.__dict__.items() if k not in HIDDEN}
        if kind is Parameter:
            data: tuple[Any, ...] = (wrap(tensor._array), tensor.requires_grad, OrderedDict())
            return (PARAMETER_WITH_STATE, (*data, state)) if state else (PARAMETER, data)
        if kind is Buffer:
            state |= {"persistent": tensor.persistent,  # type: ignore[attr-defined]
                      "_is_buffer": True}
            kind = Tensor
        build, arguments = self._reduce_array(tensor)
        if kind is Tensor and not state:
            return build, arguments
        return FROM_TYPE, (build, TENSOR_CLASS if kind is Tensor else kind, arguments, state)

    def _reduce_sparse(self, tensor: Any) -> tuple[Any, ...]:
        values, shape = tensor._values().detach(), Size(tensor.shape)
        if isinstance(tensor, CompressedTensor):
            along = 0 if tensor.is_sparse_csr else 1
            others = tensor._places[1 - along].contiguous().to(tensor._starts.dtype)
            return SPARSE, (tensor.layout, (tensor._starts, others, values, shape))
        return SPARSE, (tensor.layout, (tensor._indices(), values, shape, tensor.is_coalesced()))

    def _reduce_array(self, tensor: Tensor) -> tuple[Global, tuple[Any, ...]]:
        array, kind, wanted = tensor._array, tensor.dtype, tensor.requires_grad
        if is_meta(array):
            return TENSOR_ON_META, (DTYPES[kind], array.shape, torch_strides(array), wanted)
        memory = memory_of(array)
        # torch has no storages of the wide unsigned and 8-bit types: those are bytes.
        typed = memory.dtype is kind and kind in STORAGES
        key = self._key(memory, kind if typed else None)
        if memory.is_copy:
            array = memory.owner
        offset = (address(array) - memory.address) // array.itemsize if array.size else 0
        hooks: OrderedDict[str, Any] = OrderedDict()  # torch has them pickled; there are none
        geometry = (offset, array.shape, torch_strides(array), wanted, hooks)
        if self._types[key] is kind:
            where = self._describe(STORAGES[kind], key, memory.size // array.itemsize)
            return TENSOR, (Reference(where), *geometry)
        where = self._describe(BYTES, key, memory.size)
        return TENSOR_OVER_BYTES, (Reference(where), *geometry, DTYPES[kind])

    def _key(self, memory: Memory, kind: dtype | None) -> str:
        """The name of a storage in the file: the same for all tensors that share it."""
        key = self._keys.setdefault(memory.identity, str(len(self.storages)))
        if key not in self.storages:
            self.storages[key], self._types[key] = memory, kind
        return key

    def itemsize(self, key: str) -> int:
        """Bytes of an element of the storage, as it is described."""
        kind = self._types[key]
        return 1 if kind is None else kind.itemsize

    def save_torch_global(self, value: Global) -> None:
        """Write a name, or a reference to where it was written before."""
        known = self.memo.get(id(value))
        if known is not None:
            self.write(self.get(known[0]))
            return
        self._write_name(value.module, value.name)
        self.memoize(value)

    def _write_name(self, module: str, name: str) -> None:
        if self.proto >= 4:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())

    def save_global(self, value: Any, name: str | None = None) -> None:
        """Write the name of a class or function: torch's, where it has the same one."""
        found = torch_name(value) if name is None else None
        if found is None or (self.proto < 4 and "." in found[1]):
            super().save_global(value, name)
        else:
            self._write_name(*found)
            self.memoize(value)

    def save_dtype(self, value: dtype) -> None:
        """Write a dtype, which is a name."""
        self.save_torch_global(DTYPES[value])

    dispatch[Global] = save_torch_global
    dispatch[dtype] = save_dtype
    dispatch[FunctionType] = save_global


PLAIN: dict[type, Any] = {kind: Pickler.dispatch[kind] for kind in (
    int, float, bool, type(None), str, bytes, tuple, list, dict, dtype, Global)}
