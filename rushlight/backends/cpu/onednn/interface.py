"""oneDNN's C interface through ctypes: its constants, typed functions, one engine, one stream."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_void_p

import numpy as np

from rushlight.backends.cpu.once import once
from rushlight.backends.cpu.onednn import library

MAX_DIMS = 12
Dims = c_int64 * MAX_DIMS

# data_type_t by NumPy's type name (bfloat16 is ml_dtypes'); checked against the 3.2 library.
DATA_TYPES = {"float16": 1, "bfloat16": 2, "float32": 3, "int32": 4, "int8": 5, "uint8": 6}
TAG_ANY = 1
FORWARD_TRAINING, FORWARD_INFERENCE = 64, 96
CONVOLUTION_DIRECT, DECONVOLUTION_DIRECT = 0x1, 0xA
POOLING_MAX, POOLING_AVERAGE_INCLUDE, POOLING_AVERAGE_EXCLUDE = 0x1FF, 0x2FF, 0x3FF
ELTWISE_RELU = 0x20

# Names of a primitive's arguments: the number `execute` knows it by, the query of its layout.
ARGUMENTS = {
    "src": (1, 129),
    "dst": (17, 133),
    "weights": (33, 131),
    "bias": (41, None),
    "workspace": (64, 135),
    "scratchpad": (80, 136),
    "diff_src": (129, 130),
    "diff_dst": (145, 134),
    "diff_weights": (161, 132),
    "diff_bias": (169, None),
}
QUERY_IMPLEMENTATION = 8
_STATUS = {1: "out of memory", 2: "invalid arguments", 3: "unimplemented", 5: "runtime error"}
UNIMPLEMENTED = 3


class Error(RuntimeError):
    """A call into oneDNN failed; `status` is its code."""

    def __init__(self, function: str, status: int) -> None:
        super().__init__(f"oneDNN: {function}: {_STATUS.get(status, f'status {status}')}")
        self.status = status


class Argument(ctypes.Structure):
    """dnnl_exec_arg_t: which argument, and the memory object that holds it."""

    _fields_ = [("number", c_int), ("memory", c_void_p)]


_D, _P = POINTER(c_int64), c_void_p
_SIGNATURES = {
    "dnnl_engine_create": [POINTER(_P), c_int, ctypes.c_size_t],
    "dnnl_stream_create": [POINTER(_P), _P, ctypes.c_uint],
    "dnnl_memory_desc_create_with_strides": [POINTER(_P), c_int, _D, c_int, _D],
    "dnnl_memory_desc_create_with_tag": [POINTER(_P), c_int, _D, c_int, c_int],
    "dnnl_memory_desc_clone": [POINTER(_P), _P],
    "dnnl_memory_desc_destroy": [_P],
    "dnnl_memory_desc_equal": [_P, _P],
    "dnnl_memory_desc_get_size": [_P],
    "dnnl_memory_create": [POINTER(_P), _P, _P, _P],
    "dnnl_memory_set_data_handle": [_P, _P],
    "dnnl_memory_destroy": [_P],
    "dnnl_primitive_attr_create": [POINTER(_P)],
    "dnnl_primitive_attr_destroy": [_P],
    "dnnl_primitive_attr_set_scratchpad_mode": [_P, c_int],
    "dnnl_primitive_attr_set_post_ops": [_P, _P],
    "dnnl_post_ops_create": [POINTER(_P)],
    "dnnl_post_ops_destroy": [_P],
    "dnnl_post_ops_append_eltwise": [_P, c_int, ctypes.c_float, ctypes.c_float],
    "dnnl_post_ops_append_sum": [_P, ctypes.c_float, ctypes.c_int32, c_int],
    "dnnl_primitive_desc_query_md": [_P, c_int, c_int],
    "dnnl_primitive_desc_query": [_P, c_int, c_int, _P],
    "dnnl_primitive_desc_destroy": [_P],
    "dnnl_primitive_create": [POINTER(_P), _P],
    "dnnl_primitive_destroy": [_P],
    "dnnl_primitive_execute": [_P, _P, c_int, POINTER(Argument)],
    "dnnl_convolution_forward_primitive_desc_create": [
        POINTER(_P), _P, c_int, c_int, _P, _P, _P, _P, _D, _D, _D, _D, _P],
    "dnnl_convolution_backward_data_primitive_desc_create": [
        POINTER(_P), _P, c_int, _P, _P, _P, _D, _D, _D, _D, _P, _P],
    "dnnl_convolution_backward_weights_primitive_desc_create": [
        POINTER(_P), _P, c_int, _P, _P, _P, _P, _D, _D, _D, _D, _P, _P],
    "dnnl_matmul_primitive_desc_create": [POINTER(_P), _P, _P, _P, _P, _P, _P],
    "dnnl_pooling_forward_primitive_desc_create": [
        POINTER(_P), _P, c_int, c_int, _P, _P, _D, _D, _D, _D, _D, _P],
    "dnnl_pooling_backward_primitive_desc_create": [
        POINTER(_P), _P, c_int, _P, _P, _D, _D, _D, _D, _D, _P, _P],
    "dnnl_reorder_primitive_desc_create": [POINTER(_P), _P, _P, _P, _P, _P],
    "dnnl_sum_primitive_desc_create": [
        POINTER(_P), _P, _P, c_int, POINTER(ctypes.c_float), POINTER(_P), _P],
}
_RESULTS = {"dnnl_memory_desc_get_size": ctypes.c_size_t, "dnnl_primitive_desc_query_md": _P}


class Interface:
    """The typed functions, the CPU engine and its stream, of this process."""

    def __init__(self) -> None:
        loaded = library.load()
        # PyDLL keeps the GIL: right for calls of a microsecond, where giving it up costs more.
        self.quick = ctypes.PyDLL(loaded._name)
        for name, arguments in _SIGNATURES.items():
            for source in (loaded, self.quick):
                function = getattr(source, name)
                function.argtypes = arguments
                function.restype = _RESULTS.get(name, c_int)
        self.library = loaded
        self.set_threads = self.quick.omp_set_num_threads
        self.set_threads.argtypes, self.set_threads.restype = [c_int], None
        self.execute = loaded.dnnl_primitive_execute
        self.execute_quick = self.quick.dnnl_primitive_execute
        self.set_handle = self.quick.dnnl_memory_set_data_handle
        self.engine = self.create("dnnl_engine_create", 1, 0)  # 1: the CPU
        self.stream = self.create("dnnl_stream_create", self.engine, 1)  # 1: in order

    def create(self, function: str, *arguments: object) -> c_void_p:
        """Call `function(&handle, *arguments)`; the handle it made, or `Error`."""
        handle = c_void_p()
        status = getattr(self.library, function)(byref(handle), *arguments)
        if status:
            raise Error(function, status)
        return handle


@once
def interface() -> Interface:
    """The one interface of this process, made on first use: what is made with one engine does not
    run with another's stream, so threads must not make two."""
    return Interface()


def dims(values: object) -> ctypes.Array[c_int64]:
    """The C array that dimensions and strides are passed in."""
    return Dims(*values)  # type: ignore[misc]


class Descriptor:
    """A memory descriptor: shape, data type and layout; owned, freed with the object."""

    __slots__ = ("handle", "_owned")

    def __init__(self, handle: c_void_p, owned: bool = True) -> None:
        self.handle = handle
        self._owned = owned

    @classmethod
    def strided(cls, shape: tuple[int, ...], strides: tuple[int, ...], kind: str) -> Descriptor:
        """A plain layout; `strides` in elements."""
        return cls(interface().create("dnnl_memory_desc_create_with_strides", len(shape),
                                      dims(shape), DATA_TYPES[kind], dims(strides)))

    @classmethod
    def any(cls, shape: tuple[int, ...], kind: str) -> Descriptor:
        """The layout left to the library."""
        return cls(interface().create("dnnl_memory_desc_create_with_tag", len(shape),
                                      dims(shape), DATA_TYPES[kind], TAG_ANY))

    @classmethod
    def of(cls, array: np.ndarray) -> Descriptor:
        """The layout of `array` as it lies in memory."""
        size = array.itemsize
        return cls.strided(array.shape, tuple(s // size for s in array.strides), array.dtype.name)

    def clone(self) -> Descriptor:
        """A copy with a life of its own."""
        return Descriptor(interface().create("dnnl_memory_desc_clone", self.handle))

    @property
    def size(self) -> int:
        """Bytes."""
        return int(interface().library.dnnl_memory_desc_get_size(self.handle))

    def __eq__(self, other: object) -> bool:
        equal = interface().library.dnnl_memory_desc_equal
        return isinstance(other, Descriptor) and bool(equal(self.handle, other.handle))

    __hash__ = None  # type: ignore[assignment]

    def __del__(self) -> None:
        if getattr(self, "_owned", False) and self.handle:  # unless interrupted before it had one
            interface().quick.dnnl_memory_desc_destroy(self.handle)


def implementation(primitive_descriptor: c_void_p) -> str:
    """The name of the implementation the library chose, for tests and `info`."""
    name = c_char_p()
    interface().library.dnnl_primitive_desc_query(
        primitive_descriptor, QUERY_IMPLEMENTATION, 0, byref(name))
    return (name.value or b"").decode()
