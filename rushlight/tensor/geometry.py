"""What a tensor is, apart from its values: shape, element type, device, and place in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.kept_weights import forget
from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.device import CPU, META, device
from rushlight.base.dtypes import dtype
from rushlight.base.shapes import Size, normalize_dim
from rushlight.tensor import storage
from rushlight.tensor.segment import segment_of
from rushlight.tensor.typed_storage import BY_DTYPE, TypedStorage


class Geometry:
    """The attributes of tensors that only describe their array."""

    __slots__ = ()

    _array: np.ndarray
    _inference: bool

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The sizes of the dimensions, or that of `dim`."""
        if dim is None:
            return Size(self._array.shape)
        shape = self._array.shape
        if not -len(shape) <= dim < len(shape):
            normalize_dim(dim, len(shape))
        return shape[dim]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    @property
    def grad_dtype(self) -> dtype:
        """The element type of the gradient: the tensor's own."""
        return self.dtype

    @property
    def dtype(self) -> dtype:
        """The type of the elements."""
        return dtypes.FROM_ARRAY[self._array.dtype]

    @property
    def device(self) -> device:
        """Where the elements lie."""
        return META if is_meta(self._array) else CPU

    @property
    def layout(self) -> Any:
        """How the elements are laid out: always strided."""
        return storage.strided

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return self._array.itemsize

    def element_size(self) -> int:
        """Bytes an element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.itemsize * self._array.size

    def stride(self, dim: int | None = None) -> Any:
        """Steps in elements from one index to the next, of all dimensions or of `dim`."""
        array = self._array
        if array.size == 0 or 1 in array.shape:
            strides = storage.torch_strides(array)
        else:
            size = array.itemsize
            strides = tuple([s // size for s in array.strides])
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        """Elements between the start of the memory and the first element."""
        return storage.offset(self._array)

    def data_ptr(self) -> int:
        """The address of the first element; 0 without elements."""
        forget(self._array)
        return storage.address(self._array) if self._array.size else 0

    const_data_ptr = data_ptr

    def untyped_storage(self) -> storage.UntypedStorage:
        """The memory itself, shared by all views of it."""
        forget(self._array)
        return storage.UntypedStorage(self._array)

    def storage(self) -> TypedStorage:
        """The memory as a sequence of elements, shared by all views of it."""
        forget(self._array)
        return TypedStorage.of(self._array, dtypes.from_array(self._array.dtype))

    def storage_type(self) -> type[TypedStorage]:
        """The class of `storage()`, such as FloatStorage."""
        return BY_DTYPE.get(dtypes.from_array(self._array.dtype), TypedStorage)

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements are dense and row-major (or in `memory_format`)."""
        if memory_format is not None and memory_format is not storage.contiguous_format:
            return storage.is_channels_last(self._array, memory_format)
        return bool(self._array.flags.c_contiguous)

    is_cuda = is_sparse = is_quantized = is_mkldnn = is_mps = is_xpu = is_nested = False
    is_sparse_csr = is_vulkan = is_ipu = is_xla = is_hpu = is_maia = is_mtia = False
    name: Any = None

    @property
    def names(self) -> tuple[None, ...]:
        """The names of the dimensions: they have none."""
        return (None,) * self._array.ndim

    @property
    def is_cpu(self) -> bool:
        """Whether the elements lie in the machine's memory."""
        return not is_meta(self._array)

    @property
    def is_meta(self) -> bool:
        """Whether the tensor has no elements, only a shape."""
        return is_meta(self._array)

    def get_device(self) -> int:
        """The device's number; -1 on the CPU."""
        return -1

    def is_floating_point(self) -> bool:
        """Whether the elements are floating point numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return self.dtype.is_signed

    def is_conj(self) -> bool:
        """Always False: conjugation is done at once."""
        return False

    def is_neg(self) -> bool:
        """Always False: negation is done at once."""
        return False

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode."""
        return self._inference

    def is_shared(self) -> bool:
        """Whether the memory is shared between processes, as after `share_memory_()`."""
        return segment_of(self._array) is not None

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is page-locked: never, there is nothing to pin for."""
        return False
