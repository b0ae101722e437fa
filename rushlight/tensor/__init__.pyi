# Written by tools/write_stub.py from the class and the declarations: change those, then run it.
"""Tensor: its memory, attributes, protocols and repr. Its operations come from `ops`."""

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from rushlight.base.device import device as _device
from rushlight.base.dtypes import dtype as _dtype
from rushlight.base.shapes import Size
from rushlight.engine.node import Handle, Node
from rushlight.tensor.storage import UntypedStorage

_Number: TypeAlias = builtins.bool | builtins.int | builtins.float | builtins.complex

__all__ = ["Buffer", "Parameter", "Tensor", "wrap"]

class Tensor:
    _array: np.ndarray
    _node: Any
    _writes: list[Any] | None
    _view: tuple[Any, ...] | None
    _sequence: Any
    _grad: Tensor | None
    _hooks: dict[Any, Any] | None
    _post_accumulate_hooks: dict[Any, Any] | None
    _retains_grad: builtins.bool
    _inference: builtins.bool
    __array_priority__: builtins.int
    def __new__(cls, *args: Any, **options: Any) -> Tensor: ...
    @property
    def requires_grad(self) -> builtins.bool:
        """Whether gradients flow to this tensor."""
    @requires_grad.setter
    def requires_grad(self, value: builtins.bool) -> None: ...
    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Set `requires_grad` in place; returns the tensor."""
    @property
    def is_leaf(self) -> builtins.bool:
        """Whether the tensor is not the result of a recorded op."""
    @property
    def grad_fn(self) -> Node | None:
        """The node of the op that made this tensor, None for a leaf."""
    @property
    def output_nr(self) -> builtins.int:
        """Which output of `grad_fn` this tensor is."""
    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward() accumulated; None before."""
    @grad.setter
    def grad(self, value: Tensor | None) -> None: ...
    @grad.deleter
    def grad(self) -> None: ...
    def backward(self, gradient: Tensor | None = None, retain_graph: builtins.bool | None = None,
            create_graph: builtins.bool = False, inputs: Any = None, *,
            retain_variables: builtins.bool | None = None) -> None:
        """Add the gradient of this tensor to the `.grad` of every leaf below it (or of
        `inputs`)."""
    def _accumulate(self, gradient: Any, create: builtins.bool) -> None:
        """Add to `.grad`; several threads may run backward at once."""
    def _add_to_grad(self, gradient: Any, create: builtins.bool) -> None:
        """Add to `.grad`: take the gradient's own memory where nobody else can see it."""
    def _add_sparse(self, known: Any, gradient: Any, create: builtins.bool) -> None:
        """Add to `.grad` where one of the two is sparse: so is the sum, if both are."""
    def _has_nan(self) -> builtins.bool: ...
    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(grad)` when this tensor's gradient is known; what it returns replaces it."""
    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call `hook(tensor)` after a gradient was added to this leaf's `.grad`."""
    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf tensor in its `.grad`, too."""
    def _ask_for_grad(self) -> None:
        """Let the node that made this tensor keep the gradient; again after a write in place."""
    def _keep_grad(self, gradient: Tensor) -> None: ...
    @property
    def retains_grad(self) -> builtins.bool:
        """Whether `retain_grad` was asked for on this non-leaf tensor."""
    def detach(self) -> Tensor:
        """The same memory, cut off from the graph."""
    def detach_(self) -> Tensor:
        """Cut this tensor off from the graph, in place."""
    @property
    def data(self) -> Tensor:
        """The same memory without history; writes to it are not tracked."""
    @data.setter
    def data(self, value: Tensor) -> None: ...
    @property
    def _base(self) -> Tensor | None: ...
    @property
    def _version(self) -> builtins.int:
        """How often the memory was written in place since somebody first looked."""
    def _is_view(self) -> builtins.bool: ...
    def __hash__(self) -> builtins.int: ...
    def __len__(self) -> builtins.int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __contains__(self, element: Any) -> builtins.bool: ...
    def __bool__(self) -> builtins.bool: ...
    def __int__(self) -> builtins.int: ...
    def __float__(self) -> builtins.float: ...
    def __complex__(self) -> complex: ...
    def __index__(self) -> builtins.int: ...
    def item(self) -> Any:
        """The one element as a Python number."""
    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers (a number for a 0-d tensor)."""
    def numpy(self, *, force: builtins.bool = False) -> np.ndarray:
        """The same memory as a NumPy array (bfloat16 as ml_dtypes.bfloat16)."""
    def __array__(self, dtype: Any = None, copy: builtins.bool | None = None) -> np.ndarray: ...
    def __array_wrap__(self, array: np.ndarray, context: Any = None,
            return_scalar: builtins.bool = False) -> Tensor:
        """What NumPy's functions of a tensor return: a tensor."""
    def __dlpack__(self, *, stream: Any = None, **options: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[builtins.int, builtins.int]: ...
    def __repr__(self) -> str: ...
    def __format__(self, spec: str) -> str: ...
    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor: ...
    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]: ...
    def __dir__(self) -> list[str]: ...
    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
    def size(self, dim: builtins.int | None = None) -> Any:
        """The sizes of the dimensions, or that of `dim`."""
    @property
    def ndim(self) -> builtins.int:
        """The number of dimensions."""
    def dim(self) -> builtins.int:
        """The number of dimensions."""
    ndimension = dim
    def numel(self) -> builtins.int:
        """The number of elements."""
    nelement = numel
    @property
    def grad_dtype(self) -> _dtype:
        """The element type of the gradient: the tensor's own."""
    @property
    def dtype(self) -> _dtype:
        """The type of the elements."""
    @property
    def device(self) -> _device:
        """Where the elements lie."""
    @property
    def layout(self) -> Any:
        """How the elements are laid out: always strided."""
    @property
    def itemsize(self) -> builtins.int:
        """Bytes an element."""
    def element_size(self) -> builtins.int:
        """Bytes an element."""
    @property
    def nbytes(self) -> builtins.int:
        """Bytes of all elements."""
    def stride(self, dim: builtins.int | None = None) -> Any:
        """Steps in elements from one index to the next, of all dimensions or of `dim`."""
    def storage_offset(self) -> builtins.int:
        """Elements between the start of the memory and the first element."""
    def data_ptr(self) -> builtins.int:
        """The address of the first element; 0 without elements."""
    const_data_ptr = data_ptr
    def untyped_storage(self) -> UntypedStorage:
        """The memory itself, shared by all views of it."""
    def storage(self) -> Any:
        """The memory as a sequence of elements, shared by all views of it."""
    def storage_type(self) -> Any:
        """The class of `storage()`, such as FloatStorage."""
    def is_contiguous(self, memory_format: Any = None) -> builtins.bool:
        """Whether the elements are dense and row-major (or in `memory_format`)."""
    is_cuda: builtins.bool
    is_sparse: builtins.bool
    is_quantized: builtins.bool
    is_mkldnn: builtins.bool
    is_mps: builtins.bool
    is_xpu: builtins.bool
    is_nested: builtins.bool
    is_sparse_csr: builtins.bool
    is_vulkan: builtins.bool
    is_ipu: builtins.bool
    is_xla: builtins.bool
    is_hpu: builtins.bool
    is_maia: builtins.bool
    is_mtia: builtins.bool
    name: Any
    @property
    def names(self) -> tuple[None, ...]:
        """The names of the dimensions: they have none."""
    @property
    def is_cpu(self) -> builtins.bool:
        """Whether the elements lie in the machine's memory."""
    @property
    def is_meta(self) -> builtins.bool:
        """Whether the tensor has no elements, only a shape."""
    def get_device(self) -> builtins.int:
        """The device's number; -1 on the CPU."""
    def is_floating_point(self) -> builtins.bool:
        """Whether the elements are floating point numbers."""
    def is_complex(self) -> builtins.bool:
        """Whether the elements are complex numbers."""
    def is_signed(self) -> builtins.bool:
        """Whether the elements can be negative."""
    def is_conj(self) -> builtins.bool:
        """Always False: conjugation is done at once."""
    def is_neg(self) -> builtins.bool:
        """Always False: negation is done at once."""
    def is_inference(self) -> builtins.bool:
        """Whether the tensor was made in inference mode."""
    def is_shared(self) -> builtins.bool:
        """Whether the memory is shared between processes, as after `share_memory_()`."""
    def is_pinned(self, device: Any = None) -> builtins.bool:
        """Whether the memory is page-locked: never, there is nothing to pin for."""
    @property
    def H(self) -> Tensor:
        """The conjugate transpose."""
    @property
    def T(self) -> Tensor:
        """The dimensions in reverse order; shares memory."""
    def __abs__(self, *, out: Tensor | None = None) -> Tensor:
        """|input|; of complex numbers the modulus, a real tensor."""
    def __add__(self, other: Tensor | _Number) -> Tensor:
        """input + alpha * other, with broadcasting."""
    def __and__(self, other: Tensor | _Number) -> Tensor:
        """The bits set in both; of truth values: and."""
    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The functions of the array API standard for tensors: the module `rushlight.array_api`."""
    def __div__(self, other: Tensor | _Number) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def __eq__(self, other: Tensor | _Number) -> Tensor:  # type: ignore[override]
        """Whether input equals other, element by element."""
    def __floordiv__(self, other: Tensor | _Number) -> Tensor:
        """The quotient rounded down."""
    def __ge__(self, other: Tensor | _Number) -> Tensor:
        """Whether input >= other, element by element."""
    def __getitem__(self, index: Any) -> Tensor:
        """Return ``self[index]``: any mix of what NumPy takes, in every dimension."""
    def __gt__(self, other: Tensor | _Number) -> Tensor:
        """Whether input > other, element by element."""
    def __iadd__(self, other: Tensor | _Number) -> Tensor:
        """input + alpha * other, with broadcasting."""
    def __iand__(self, other: Tensor | _Number) -> Tensor:
        """The bits set in both; of truth values: and."""
    def __idiv__(self, other: Tensor | _Number) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def __ifloordiv__(self, other: Tensor | _Number) -> Tensor:
        """The quotient rounded down."""
    def __ilshift__(self, other: Tensor | _Number) -> Tensor:
        """input * 2**other, on bits."""
    def __imod__(self, other: Tensor | _Number) -> Tensor:
        """input - other * floor(input / other): the sign is the divisor's."""
    def __imul__(self, other: Tensor | _Number) -> Tensor:
        """input * other, with broadcasting."""
    def __invert__(self, *, out: Tensor | None = None) -> Tensor:
        """All bits flipped; of truth values: not."""
    def __ior__(self, other: Tensor | _Number) -> Tensor:
        """The bits set in either; of truth values: or."""
    def __ipow__(self, exponent: Tensor | _Number) -> Tensor:
        """input ** exponent, with broadcasting."""
    def __irshift__(self, other: Tensor | _Number) -> Tensor:
        """input / 2**other rounded down, on bits."""
    def __isub__(self, other: Tensor | _Number) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def __itruediv__(self, other: Tensor | _Number) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def __ixor__(self, other: Tensor | _Number) -> Tensor:
        """The bits set in exactly one; of truth values: exclusive or."""
    def __le__(self, other: Tensor | _Number) -> Tensor:
        """Whether input <= other, element by element."""
    def __lshift__(self, other: Tensor | _Number) -> Tensor:
        """input * 2**other, on bits."""
    def __lt__(self, other: Tensor | _Number) -> Tensor:
        """Whether input < other, element by element."""
    def __matmul__(self, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The matrix product over the last two dimensions; vectors count as a row or a column."""
    def __mod__(self, other: Tensor | _Number) -> Tensor:
        """input - other * floor(input / other): the sign is the divisor's."""
    def __mul__(self, other: Tensor | _Number) -> Tensor:
        """input * other, with broadcasting."""
    def __ne__(self, other: Tensor | _Number) -> Tensor:  # type: ignore[override]
        """Whether input differs from other, element by element."""
    def __neg__(self, *, out: Tensor | None = None) -> Tensor:
        """-input."""
    def __or__(self, other: Tensor | _Number) -> Tensor:
        """The bits set in either; of truth values: or."""
    def __pos__(self) -> Tensor:
        """The tensor itself. Raises RuntimeError for truth values."""
    def __pow__(self, exponent: Tensor | _Number) -> Tensor:
        """input ** exponent, with broadcasting."""
    def __radd__(self, other: Tensor | _Number) -> Tensor:
        """input + alpha * other, with broadcasting."""
    def __rand__(self, input: Tensor | _Number) -> Tensor:
        """The bits set in both; of truth values: and."""
    def __rdiv__(self, input: Tensor | _Number) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def __rfloordiv__(self, input: Tensor | _Number) -> Tensor:
        """The quotient rounded down."""
    def __rlshift__(self, input: Tensor | _Number) -> Tensor:
        """input * 2**other, on bits."""
    def __rmatmul__(self, other: Any) -> Tensor:
        """other @ input."""
    def __rmod__(self, input: Tensor | _Number) -> Tensor:
        """input - other * floor(input / other): the sign is the divisor's."""
    def __rmul__(self, other: Tensor | _Number) -> Tensor:
        """input * other, with broadcasting."""
    def __ror__(self, input: Tensor | _Number) -> Tensor:
        """The bits set in either; of truth values: or."""
    def __rpow__(self, input: Tensor | _Number) -> Tensor:
        """input ** exponent, with broadcasting."""
    def __rrshift__(self, input: Tensor | _Number) -> Tensor:
        """input / 2**other rounded down, on bits."""
    def __rshift__(self, other: Tensor | _Number) -> Tensor:
        """input / 2**other rounded down, on bits."""
    def __rsub__(self, input: Tensor | _Number) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def __rtruediv__(self, input: Tensor | _Number) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def __rxor__(self, input: Tensor | _Number) -> Tensor:
        """The bits set in exactly one; of truth values: exclusive or."""
    def __setitem__(self, index: Any, value: Any) -> None:
        """Do ``self[index] = value``: the value is broadcast, and cast to the tensor's dtype."""
    def __sub__(self, other: Tensor | _Number) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def __truediv__(self, other: Tensor | _Number) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def __xor__(self, other: Tensor | _Number) -> Tensor:
        """The bits set in exactly one; of truth values: exclusive or."""
    def abs(self, *, out: Tensor | None = None) -> Tensor:
        """|input|; of complex numbers the modulus, a real tensor."""
    def abs_(self) -> Tensor:
        """|input|; of complex numbers the modulus, a real tensor."""
    def absolute(self, *, out: Tensor | None = None) -> Tensor:
        """|input|; of complex numbers the modulus, a real tensor."""
    def absolute_(self) -> Tensor:
        """|input|; of complex numbers the modulus, a real tensor."""
    def acos(self, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians whose cosine is input."""
    def acos_(self) -> Tensor:
        """The angle in radians whose cosine is input."""
    def acosh(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of cosh."""
    def acosh_(self) -> Tensor:
        """The inverse of cosh."""
    def add(self, other: Tensor | _Number, *older: Any, alpha: _Number = 1,
            out: Tensor | None = None) -> Tensor:
        """input + alpha * other, with broadcasting."""
    def add_(self, other: Tensor | _Number, *older: Any, alpha: _Number = 1) -> Tensor:
        """input + alpha * other, with broadcasting."""
    def addbmm(self, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1,
            out: Tensor | None = None) -> Tensor:
        """beta * input + alpha * (the sum over batches of batch1 @ batch2)."""
    def addbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * input + alpha * (the sum over batches of batch1 @ batch2)."""
    def addcdiv(self, tensor1: Tensor | _Number, tensor2: Tensor | _Number, *older: Any,
            value: _Number = 1, out: Tensor | None = None) -> Tensor:
        """input + value * tensor1 / tensor2."""
    def addcdiv_(self, tensor1: Tensor | _Number, tensor2: Tensor | _Number, *older: Any,
            value: _Number = 1) -> Tensor:
        """input + value * tensor1 / tensor2."""
    def addcmul(self, tensor1: Tensor | _Number, tensor2: Tensor | _Number, *older: Any,
            value: _Number = 1, out: Tensor | None = None) -> Tensor:
        """input + value * tensor1 * tensor2."""
    def addcmul_(self, tensor1: Tensor | _Number, tensor2: Tensor | _Number, *older: Any,
            value: _Number = 1) -> Tensor:
        """input + value * tensor1 * tensor2."""
    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1,
            out: Tensor | None = None) -> Tensor:
        """beta * input + alpha * (mat1 @ mat2): (n, m) + (n, k) @ (k, m)."""
    def addmm_(self, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * input + alpha * (mat1 @ mat2): (n, m) + (n, k) @ (k, m)."""
    def addmv(self, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1,
            out: Tensor | None = None) -> Tensor:
        """beta * input + alpha * (mat @ vec): (n) + (n, k) @ (k)."""
    def addmv_(self, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * input + alpha * (mat @ vec): (n) + (n, k) @ (k)."""
    def addr(self, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1,
            out: Tensor | None = None) -> Tensor:
        """beta * input + alpha * outer(vec1, vec2): (n, m) + (n) x (m)."""
    def addr_(self, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * input + alpha * outer(vec1, vec2): (n, m) + (n) x (m)."""
    def adjoint(self) -> Tensor:
        """The conjugate transpose of the last two dimensions."""
    def all(self, dim: Any = None, keepdim: builtins.bool = False, *, out: Tensor | None = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """Whether all elements over `dim` are nonzero."""
    def allclose(self, other: Tensor, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08,
            equal_nan: builtins.bool = False) -> builtins.bool:
        """Whether all elements are close: see isclose."""
    def amax(self, dim: Any = ..., keepdim: builtins.bool = False, *, out: Tensor | None = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """The largest element over `dim`; equal ones share the gradient. NaN wins."""
    def amin(self, dim: Any = ..., keepdim: builtins.bool = False, *, out: Tensor | None = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """The smallest element over `dim`; equal ones share the gradient. NaN wins."""
    def aminmax(self, *, dim: Any = None, keepdim: builtins.bool = False,
            out: Tensor | None = None) -> Any:
        """(min, max) over `dim`, or over everything."""
    def angle(self, *, out: Any = None) -> Tensor:
        """The angle of each element in the complex plane, in radians."""
    def any(self, dim: Any = None, keepdim: builtins.bool = False, *, out: Tensor | None = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """Whether any element over `dim` is nonzero."""
    def apply_(self, callable: Callable[[Any], Any]) -> Tensor:
        """Replace each element by callable(element), in place."""
    def arccos(self, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians whose cosine is input."""
    def arccos_(self) -> Tensor:
        """The angle in radians whose cosine is input."""
    def arccosh(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of cosh."""
    def arccosh_(self) -> Tensor:
        """The inverse of cosh."""
    def arcsin(self, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians whose sine is input."""
    def arcsin_(self) -> Tensor:
        """The angle in radians whose sine is input."""
    def arcsinh(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of sinh."""
    def arcsinh_(self) -> Tensor:
        """The inverse of sinh."""
    def arctan(self, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians whose tangent is input."""
    def arctan2(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians of the point (other, input), in (-pi, pi]."""
    def arctan2_(self, other: Tensor | _Number) -> Tensor:
        """The angle in radians of the point (other, input), in (-pi, pi]."""
    def arctan_(self) -> Tensor:
        """The angle in radians whose tangent is input."""
    def arctanh(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of tanh."""
    def arctanh_(self) -> Tensor:
        """The inverse of tanh."""
    def argmax(self, dim: Any = None, keepdim: builtins.bool = False, *, out: Tensor | None = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """Where the largest element along `dim` stands (in the flattened tensor if None)."""
    def argmin(self, dim: Any = None, keepdim: builtins.bool = False, *, out: Tensor | None = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """Where the smallest element along `dim` stands (in the flattened tensor if None)."""
    def argsort(self, dim: builtins.int = -1, descending: builtins.bool = False,
            stable: builtins.bool | None = False, *, out: Tensor | None = None) -> Tensor:
        """The indices that sort the elements along `dim`: see sort."""
    def argwhere(self) -> Tensor:
        """Return the positions of the elements that are not zero, (n, ndim): as ``nonzero``."""
    def as_strided(self, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
        """The memory under any size, strides and offset, in elements. Shares memory."""
    def as_strided_(self, size: Any, stride: Any,
            storage_offset: builtins.int | None = None) -> Tensor:
        """Give the tensor itself any size, strides and offset in its memory, in elements."""
    def as_strided_scatter(self, src: Tensor, size: Any, stride: Any,
            storage_offset: builtins.int | None = None) -> Tensor:
        """Return a copy of ``input`` with ``src`` in the ``as_strided`` view of it."""
    def as_subclass(self, cls: builtins.type) -> Tensor:
        """The same memory and history as an instance of `cls`, a subclass of Tensor."""
    def asin(self, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians whose sine is input."""
    def asin_(self) -> Tensor:
        """The angle in radians whose sine is input."""
    def asinh(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of sinh."""
    def asinh_(self) -> Tensor:
        """The inverse of sinh."""
    def atan(self, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians whose tangent is input."""
    def atan2(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The angle in radians of the point (other, input), in (-pi, pi]."""
    def atan2_(self, other: Tensor | _Number) -> Tensor:
        """The angle in radians of the point (other, input), in (-pi, pi]."""
    def atan_(self) -> Tensor:
        """The angle in radians whose tangent is input."""
    def atanh(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of tanh."""
    def atanh_(self) -> Tensor:
        """The inverse of tanh."""
    def baddbmm(self, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1,
            out: Tensor | None = None) -> Tensor:
        """beta * input + alpha * (batch1 @ batch2), batch by batch."""
    def baddbmm_(self, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
        """beta * input + alpha * (batch1 @ batch2), batch by batch."""
    def bernoulli(self, p: builtins.float | None = None, *, generator: Any = None,
            out: Tensor | None = None) -> Tensor:
        """1 with the probability that `input` has at the place, else 0: its shape and dtype."""
    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """Fill with 1 of probability p and 0 otherwise, in place; returns the tensor."""
    def bfloat16(self, memory_format: Any = None) -> Tensor:
        """The tensor as bfloat16; itself if it is that already."""
    def bincount(self, weights: Tensor | None = None, minlength: builtins.int = 0) -> Tensor:
        """How often each of 0, 1, ... occurs in a vector of nonnegative integers."""
    def bitwise_and(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The bits set in both; of truth values: and."""
    def bitwise_and_(self, other: Tensor | _Number) -> Tensor:
        """The bits set in both; of truth values: and."""
    def bitwise_left_shift(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input * 2**other, on bits."""
    def bitwise_left_shift_(self, other: Tensor | _Number) -> Tensor:
        """input * 2**other, on bits."""
    def bitwise_not(self, *, out: Tensor | None = None) -> Tensor:
        """All bits flipped; of truth values: not."""
    def bitwise_not_(self) -> Tensor:
        """All bits flipped; of truth values: not."""
    def bitwise_or(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The bits set in either; of truth values: or."""
    def bitwise_or_(self, other: Tensor | _Number) -> Tensor:
        """The bits set in either; of truth values: or."""
    def bitwise_right_shift(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input / 2**other rounded down, on bits."""
    def bitwise_right_shift_(self, other: Tensor | _Number) -> Tensor:
        """input / 2**other rounded down, on bits."""
    def bitwise_xor(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The bits set in exactly one; of truth values: exclusive or."""
    def bitwise_xor_(self, other: Tensor | _Number) -> Tensor:
        """The bits set in exactly one; of truth values: exclusive or."""
    def bmm(self, mat2: Tensor, *, out: Any = None) -> Tensor:
        """The products of two batches of matrices: (b, n, k) @ (b, k, m) -> (b, n, m)."""
    def bool(self, memory_format: Any = None) -> Tensor:
        """The tensor as bool; itself if it is that already."""
    def broadcast_to(self, *size: Any) -> Tensor:
        """`input` broadcast to `size` without a copy."""
    def byte(self, memory_format: Any = None) -> Tensor:
        """The tensor as uint8; itself if it is that already."""
    def cauchy_(self, median: builtins.float = 0.0, sigma: builtins.float = 1.0, *,
            generator: Any = None) -> Tensor:
        """Fill with numbers of the Cauchy distribution of that median and half width, in place."""
    def ccol_indices(self, *args: Any, **options: Any) -> Any:
        """Refused: ccol_indices expected sparse tensor layout but got Strided: of sparse layouts
        there are coordinates, and compressed rows or columns of matrices: see sparse_coo_tensor,
        sparse_csr_tensor."""
    def cdouble(self, memory_format: Any = None) -> Tensor:
        """The tensor as complex128; itself if it is that already."""
    def ceil(self, *, out: Tensor | None = None) -> Tensor:
        """The smallest integer not below input."""
    def ceil_(self) -> Tensor:
        """The smallest integer not below input."""
    def celu(self, alpha: _Number = 1.0, *, out: Tensor | None = None) -> Tensor:
        """max(0, x) + min(0, alpha * (e**(x / alpha) - 1)) (Barron, 2017)."""
    def celu_(self, alpha: _Number = 1.0) -> Tensor:
        """max(0, x) + min(0, alpha * (e**(x / alpha) - 1)) (Barron, 2017)."""
    def cfloat(self, memory_format: Any = None) -> Tensor:
        """The tensor as complex64; itself if it is that already."""
    def chalf(self, *, memory_format: Any = None) -> Tensor:
        """Refused: there are no complex numbers of 16-bit floats. Use `cfloat()`."""
    def char(self, memory_format: Any = None) -> Tensor:
        """The tensor as int8; itself if it is that already."""
    def cholesky(self, upper: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
        """The Cholesky factor: an older name of linalg.cholesky."""
    def cholesky_inverse(self, upper: builtins.bool = False, *,
            out: Tensor | None = None) -> Tensor:
        """The inverse of A, given its Cholesky factor L (or U, where upper)."""
    def cholesky_solve(self, L: Any, upper: builtins.bool = False, *,
            out: Tensor | None = None) -> Tensor:
        """The solution X of A X = B, given the Cholesky factor L of A (or U, where upper)."""
    def chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """At most `chunks` pieces of equal size (the last may be smaller). Share memory."""
    def clamp(self, min: Tensor | _Number | None = None, max: Tensor | _Number | None = None, *,
            out: Tensor | None = None) -> Tensor:
        """input limited to [min, max]; either bound may be left out."""
    def clamp_(self, min: Tensor | _Number | None = None,
            max: Tensor | _Number | None = None) -> Tensor:
        """input limited to [min, max]; either bound may be left out."""
    def clamp_max(self, max: Any, *, out: Any = None) -> Tensor:
        """input, but nowhere more than `max`, a number or a tensor."""
    def clamp_max_(self, max: Any, *, out: Any = None) -> Tensor:
        """input, but nowhere more than `max`, a number or a tensor."""
    def clamp_min(self, min: Any, *, out: Any = None) -> Tensor:
        """input, but nowhere less than `min`, a number or a tensor."""
    def clamp_min_(self, min: Any, *, out: Any = None) -> Tensor:
        """input, but nowhere less than `min`, a number or a tensor."""
    def clip(self, min: Tensor | _Number | None = None, max: Tensor | _Number | None = None, *,
            out: Tensor | None = None) -> Tensor:
        """input limited to [min, max]; either bound may be left out."""
    def clip_(self, min: Tensor | _Number | None = None,
            max: Tensor | _Number | None = None) -> Tensor:
        """input limited to [min, max]; either bound may be left out."""
    def clone(self, *, memory_format: Any = ..., out: Tensor | None = None) -> Tensor:
        """A copy with memory of its own; gradients flow to the original."""
    def coalesce(self, *args: Any, **options: Any) -> Any:
        """Refused: coalesce expected sparse coordinate tensor layout but got Strided: of sparse
        layouts there are coordinates, and compressed rows or columns of matrices: see
        sparse_coo_tensor, sparse_csr_tensor."""
    def col_indices(self, *args: Any, **options: Any) -> Any:
        """Refused: col_indices expected sparse tensor layout but got Strided: of sparse layouts
        there are coordinates, and compressed rows or columns of matrices: see sparse_coo_tensor,
        sparse_csr_tensor."""
    def combinations(self, r: builtins.int = 2, with_replacement: builtins.bool = False) -> Tensor:
        """All choices of r elements of a vector, as rows, in the order of the vector."""
    def conj(self) -> Tensor:
        """The complex conjugate; real tensors as they are."""
    def conj_physical(self, *, out: Tensor | None = None) -> Tensor:
        """The complex conjugate; real tensors as they are."""
    def conj_physical_(self) -> Tensor:
        """The complex conjugate; real tensors as they are."""
    def contiguous(self, memory_format: Any = ...) -> Tensor:
        """The tensor itself if its elements are dense and row-major, else such a copy."""
    def copy_(self, src: Tensor, non_blocking: builtins.bool = False) -> Tensor:
        """Overwrite the elements with those of `src`, broadcast and converted to this dtype."""
    def copysign(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """|input| with the sign of other."""
    def copysign_(self, other: Tensor | _Number) -> Tensor:
        """|input| with the sign of other."""
    def corrcoef(self) -> Tensor:
        """The correlation matrix of the rows of `input`: covariances over standard deviations."""
    def cos(self, *, out: Tensor | None = None) -> Tensor:
        """The cosine of input in radians."""
    def cos_(self) -> Tensor:
        """The cosine of input in radians."""
    def cosh(self, *, out: Tensor | None = None) -> Tensor:
        """The hyperbolic cosine."""
    def cosh_(self) -> Tensor:
        """The hyperbolic cosine."""
    def count_nonzero(self, dim: Any = None, *, axis: Any = None) -> Tensor:
        """How many elements over `dim` are nonzero."""
    def cov(self, *, correction: builtins.int = 1, fweights: Any = None,
            aweights: Any = None) -> Tensor:
        """The covariance matrix of the rows of `input`, (variables, observations)."""
    def cpu(self, memory_format: Any = None) -> Tensor:
        """The tensor in the machine's memory: itself."""
    def cross(self, other: Any, dim: builtins.int | None = None, *,
            out: Tensor | None = None) -> Tensor:
        """The cross product along `dim`, or along the first dimension of size 3."""
    def crow_indices(self, *args: Any, **options: Any) -> Any:
        """Refused: crow_indices expected sparse tensor layout but got Strided: of sparse layouts
        there are coordinates, and compressed rows or columns of matrices: see sparse_coo_tensor,
        sparse_csr_tensor."""
    def cuda(self, device: Any = None, non_blocking: builtins.bool = False) -> Tensor:
        """Refused: this build computes on the CPU."""
    def cummax(self, dim: builtins.int, *, out: Any = None) -> Any:
        """(values, indices) of the largest element so far along `dim`; NaN stays once it came."""
    def cummin(self, dim: builtins.int, *, out: Any = None) -> Any:
        """(values, indices) of the smallest element so far along `dim`; NaN stays once it came."""
    def cumprod(self, dim: Any = None, *, dtype: Any = None, out: Any = None,
            axis: Any = None) -> Tensor:
        """Running products along `dim`."""
    def cumprod_(self, dim: Any = None, *, dtype: Any = None, out: Any = None,
            axis: Any = None) -> Tensor:
        """Running products along `dim`."""
    def cumsum(self, dim: Any = None, *, dtype: Any = None, out: Any = None,
            axis: Any = None) -> Tensor:
        """Running sums along `dim`."""
    def cumsum_(self, dim: Any = None, *, dtype: Any = None, out: Any = None,
            axis: Any = None) -> Tensor:
        """Running sums along `dim`."""
    def cumulative_trapezoid(self, x: Any = None, *, dx: Any = None,
            dim: builtins.int = -1) -> Tensor:
        """The running integral of `y` along `dim` by the trapezoidal rule: see trapezoid."""
    def deg2rad(self, *, out: Tensor | None = None) -> Tensor:
        """Degrees as radians."""
    def deg2rad_(self) -> Tensor:
        """Degrees as radians."""
    def dense_dim(self) -> builtins.int:
        """The number of dense dimensions: all of them."""
    def dequantize(self) -> Tensor:
        """The tensor as float32: it is not quantised."""
    def det(self, *, out: Tensor | None = None) -> Tensor:
        """The determinant of square matrices."""
    def diag(self, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
        """A matrix with the vector `input` on a diagonal, or a copy of the matrix's diagonal."""
    def diag_embed(self, offset: builtins.int = 0, dim1: builtins.int = -2,
            dim2: builtins.int = -1) -> Tensor:
        """Matrices with the last dimension of `input` on a diagonal, zeros elsewhere."""
    def diagflat(self, offset: builtins.int = 0) -> Tensor:
        """A matrix with all elements of `input` on a diagonal."""
    def diagonal(self, offset: builtins.int = 0, dim1: builtins.int = 0,
            dim2: builtins.int = 1) -> Tensor:
        """The elements whose indices at dim2 exceed those at dim1 by `offset`, as the last
        dimension."""
    def diagonal_scatter(self, src: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0,
            dim2: builtins.int = 1) -> Tensor:
        """Return a copy of ``input`` with ``src`` as the diagonal of dimensions dim1 and dim2."""
    def diff(self, n: builtins.int = 1, dim: builtins.int = -1, prepend: Tensor | None = None,
            append: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
        """The n-th difference along `dim`: each element less the one before."""
    def digamma(self, *, out: Tensor | None = None) -> Tensor:
        """The derivative of lgamma."""
    def digamma_(self) -> Tensor:
        """The derivative of lgamma."""
    def dim_order(self, *, ambiguity_check: Any = False) -> tuple[builtins.int, ...]:
        """The dimensions from the slowest to the fastest in memory."""
    def dist(self, other: Any, p: builtins.float = 2) -> Tensor:
        """The p-norm of input - other."""
    def div(self, other: Tensor | _Number, *, rounding_mode: str | None = None,
            out: Tensor | None = None) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def div_(self, other: Tensor | _Number, *, rounding_mode: str | None = None) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def divide(self, other: Tensor | _Number, *, rounding_mode: str | None = None,
            out: Tensor | None = None) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def divide_(self, other: Tensor | _Number, *, rounding_mode: str | None = None) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def dot(self, tensor: Tensor, *, out: Any = None) -> Tensor:
        """The sum of products of two vectors."""
    def double(self, memory_format: Any = None) -> Tensor:
        """The tensor as float64; itself if it is that already."""
    def dsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """tensor_split along dimension 2."""
    def eq(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input equals other, element by element."""
    def eq_(self, other: Tensor | _Number) -> Tensor:
        """Whether input equals other, element by element."""
    def equal(self, other: Tensor) -> builtins.bool:
        """Whether two tensors have the same shape and equal elements."""
    def erf(self, *, out: Tensor | None = None) -> Tensor:
        """The error function 2/sqrt(pi) * integral of e**(-t*t) from 0 to input."""
    def erf_(self) -> Tensor:
        """The error function 2/sqrt(pi) * integral of e**(-t*t) from 0 to input."""
    def erfc(self, *, out: Tensor | None = None) -> Tensor:
        """1 - erf(input), exact where that is small."""
    def erfc_(self) -> Tensor:
        """1 - erf(input), exact where that is small."""
    def erfinv(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of erf on [-1, 1]."""
    def erfinv_(self) -> Tensor:
        """The inverse of erf on [-1, 1]."""
    def exp(self, *, out: Tensor | None = None) -> Tensor:
        """e**input."""
    def exp2(self, *, out: Tensor | None = None) -> Tensor:
        """2**input."""
    def exp2_(self) -> Tensor:
        """2**input."""
    def exp_(self) -> Tensor:
        """e**input."""
    def expand(self, *size: Any, **named: Any) -> Tensor:
        """Broadcast to `size` without a copy (-1 keeps a size). Shares memory."""
    def expand_as(self, other: Tensor) -> Tensor:
        """`input` broadcast to the shape of `other` without a copy."""
    def expm1(self, *, out: Tensor | None = None) -> Tensor:
        """e**input - 1, exact for small input."""
    def expm1_(self) -> Tensor:
        """e**input - 1, exact for small input."""
    def exponential_(self, lambd: builtins.float = 1.0, *, generator: Any = None) -> Tensor:
        """Fill with waiting times of the rate `lambd` (density lambd * exp(-lambd * x)), in
        place."""
    def fill(self, value: Any) -> Tensor:
        """A tensor of this shape with `value` everywhere."""
    def fill_(self, value: Any) -> Tensor:
        """Overwrite every element with `value`, a number or a 0-d tensor."""
    def fill_diagonal_(self, fill_value: Any, wrap: builtins.bool = False) -> Tensor:
        """Write `fill_value` to the main diagonal of all dimensions, in place."""
    def fix(self, *, out: Tensor | None = None) -> Tensor:
        """input without its fraction."""
    def fix_(self) -> Tensor:
        """input without its fraction."""
    def flatten(self, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
        """The dimensions from start_dim to end_dim as one; a view where possible."""
    def flip(self, *dims: Any, **named: Any) -> Tensor:
        """The elements in reverse order along `dims`; a copy."""
    def fliplr(self) -> Tensor:
        """Reversed along dimension 1."""
    def flipud(self) -> Tensor:
        """Reversed along dimension 0."""
    def float(self, memory_format: Any = None) -> Tensor:
        """The tensor as float32; itself if it is that already."""
    def float_power(self, exponent: Any, *, out: Tensor | None = None) -> Tensor:
        """input ** exponent in double precision."""
    def float_power_(self, exponent: Any) -> Tensor:
        """input ** exponent in place, for tensors of double precision."""
    def floor(self, *, out: Tensor | None = None) -> Tensor:
        """The largest integer not above input."""
    def floor_(self) -> Tensor:
        """The largest integer not above input."""
    def floor_divide(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The quotient rounded down."""
    def floor_divide_(self, other: Tensor | _Number) -> Tensor:
        """The quotient rounded down."""
    def fmax(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The larger of each pair; a NaN counts only where both are."""
    def fmin(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The smaller of each pair; a NaN counts only where both are."""
    def fmod(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input - other * trunc(input / other): the sign is the dividend's."""
    def fmod_(self, other: Tensor | _Number) -> Tensor:
        """input - other * trunc(input / other): the sign is the dividend's."""
    def frac(self, *, out: Tensor | None = None) -> Tensor:
        """The fraction of input, with its sign."""
    def frac_(self) -> Tensor:
        """The fraction of input, with its sign."""
    def frexp(self, *, out: Any = None) -> Any:
        """(mantissa, exponent) with input = mantissa * 2**exponent, 0.5 <= |mantissa| < 1;
        int32."""
    def frobenius_norm(self, dim: Any = None, keepdim: builtins.bool = False) -> Tensor:
        """The root of the sum of squares."""
    def gather(self, dim: builtins.int, index: Tensor, *, sparse_grad: builtins.bool = False,
            out: Tensor | None = None) -> Tensor:
        """Pick along a dimension: ``out[i, j] = input[i, index[i, j]]`` for ``dim=1``."""
    def gcd(self, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The greatest common divisor of each pair of integers, not negative."""
    def gcd_(self, other: Tensor) -> Tensor:
        """The greatest common divisor of each pair of integers, not negative."""
    def ge(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input >= other, element by element."""
    def ge_(self, other: Tensor | _Number) -> Tensor:
        """Whether input >= other, element by element."""
    def geometric_(self, p: builtins.float, *, generator: Any = None) -> Tensor:
        """Fill with numbers of trials up to the first success, each of probability p, in place."""
    def geqrf(self, *, out: Tensor | None = None) -> Any:
        """(a, tau): R on and above the diagonal of `a`, below it the reflections that make up Q."""
    def ger(self, vec2: Tensor, *, out: Any = None) -> Tensor:
        """All products of elements of two vectors: (n), (m) -> (n, m)."""
    def greater(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input > other, element by element."""
    def greater_(self, other: Tensor | _Number) -> Tensor:
        """Whether input > other, element by element."""
    def greater_equal(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input >= other, element by element."""
    def greater_equal_(self, other: Tensor | _Number) -> Tensor:
        """Whether input >= other, element by element."""
    def group_norm(self, num_groups: builtins.int, weight: Any = None, bias: Any = None,
            eps: builtins.float = 1e-05, cudnn_enabled: builtins.bool = True) -> Tensor:
        """Layer norm over each of `num_groups` groups of channels (Wu and He, 2018)."""
    def gt(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input > other, element by element."""
    def gt_(self, other: Tensor | _Number) -> Tensor:
        """Whether input > other, element by element."""
    def half(self, memory_format: Any = None) -> Tensor:
        """The tensor as float16; itself if it is that already."""
    def hardshrink(self, lambd: _Number = 0.5, *, out: Tensor | None = None) -> Tensor:
        """x where |x| > lambd, else 0."""
    def hardshrink_(self, lambd: _Number = 0.5) -> Tensor:
        """x where |x| > lambd, else 0."""
    def hash_tensor(self, dim: Any = None, *, keepdim: builtins.bool = False,
            mode: builtins.int = 0, out: Tensor | None = None) -> Tensor:
        """The exclusive or, over `dim` (None or (): all), of the elements' bits as 64-bit
        numbers."""
    def heaviside(self, values: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The step function: 0 below zero, `values` at zero, 1 above. No gradient flows."""
    def heaviside_(self, values: Tensor) -> Tensor:
        """The step function: 0 below zero, `values` at zero, 1 above. No gradient flows."""
    def histc(self, bins: builtins.int = 100, min: builtins.float = 0, max: builtins.float = 0, *,
            out: Tensor | None = None) -> Tensor:
        """How many elements fall into each of `bins` equal bins between min and max."""
    def histogram(self, bins: Any, *, range: Any = None, weight: Tensor | None = None,
            density: builtins.bool = False, out: Tensor | None = None) -> Any:
        """(hist, bin_edges): how many elements fall into each bin, the last one closed."""
    def hsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """tensor_split along dimension 1, or 0 for vectors."""
    def hypot(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """sqrt(input**2 + other**2), without overflow on the way."""
    def hypot_(self, other: Tensor | _Number) -> Tensor:
        """sqrt(input**2 + other**2), without overflow on the way."""
    def i0(self, *, out: Tensor | None = None) -> Tensor:
        """The modified Bessel function of the first kind, of order 0."""
    def i0_(self) -> Tensor:
        """The modified Bessel function of the first kind, of order 0."""
    def igamma(self, other: Any, *, out: Tensor | None = None) -> Tensor:
        """The share of the gamma function of `input` that lies below `other`; gradients for
        `other`."""
    def igamma_(self, other: Any) -> Tensor:
        """The share of the gamma function of `input` that lies below `other`; gradients for
        `other`."""
    def igammac(self, other: Any, *, out: Tensor | None = None) -> Tensor:
        """The share of the gamma function of `input` that lies above `other`: 1 - igamma."""
    def igammac_(self, other: Any) -> Tensor:
        """The share of the gamma function of `input` that lies above `other`: 1 - igamma."""
    @property
    def imag(self) -> Tensor:
        """The imaginary parts, sharing memory."""
    @imag.setter
    def imag(self, value: Any) -> None: ...
    def index_add(self, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: _Number = 1,
            out: Tensor | None = None) -> Tensor:
        """Add slices: ``out[:, index[j]] += alpha * source[:, j]`` for ``dim=1``."""
    def index_add_(self, dim: builtins.int, index: Tensor, source: Tensor, *,
            alpha: _Number = 1) -> Tensor:
        """Add slices: ``out[:, index[j]] += alpha * source[:, j]`` for ``dim=1``."""
    def index_copy(self, dim: builtins.int, index: Tensor, source: Tensor, *,
            out: Tensor | None = None) -> Tensor:
        """Write slices: ``out[:, index[j]] = source[:, j]`` for ``dim=1``."""
    def index_copy_(self, dim: builtins.int, index: Tensor, source: Tensor) -> Tensor:
        """Write slices: ``out[:, index[j]] = source[:, j]`` for ``dim=1``."""
    def index_fill(self, dim: builtins.int, index: Tensor, value: Tensor | _Number, *,
            out: Tensor | None = None) -> Tensor:
        """Fill slices: ``out[:, index[j]] = value`` for ``dim=1``."""
    def index_fill_(self, dim: builtins.int, index: Tensor, value: Tensor | _Number) -> Tensor:
        """Fill slices: ``out[:, index[j]] = value`` for ``dim=1``."""
    def index_put(self, indices: Any, values: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """Return a copy of ``input`` in which ``indices`` hold ``values``: see ``index_put_``."""
    def index_put_(self, indices: Any, values: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """Do ``input[indices] = values`` in place; with ``accumulate`` add instead."""
    def index_reduce(self, dim: builtins.int, index: Tensor, source: Tensor, reduce: str, *,
            include_self: builtins.bool = True, out: Tensor | None = None) -> Tensor:
        """Reduce the slices of ``source`` into the slices of ``input`` that ``index`` names."""
    def index_reduce_(self, dim: builtins.int, index: Tensor, source: Tensor, reduce: str, *,
            include_self: builtins.bool = True) -> Tensor:
        """``index_reduce`` in place."""
    def index_select(self, dim: builtins.int, index: Tensor, *,
            out: Tensor | None = None) -> Tensor:
        """Return the slices along ``dim`` that ``index`` names, in a new tensor."""
    def indices(self, *args: Any, **options: Any) -> Any:
        """Refused: indices expected sparse tensor layout but got Strided: of sparse layouts there
        are coordinates, and compressed rows or columns of matrices: see sparse_coo_tensor,
        sparse_csr_tensor."""
    def inner(self, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Sums of products over the last dimension of both."""
    def instance_norm(self, running_mean: Any = None, running_var: Any = None, weight: Any = None,
            bias: Any = None, use_input_stats: builtins.bool = True,
            momentum: builtins.float = 0.1, eps: builtins.float = 1e-05,
            cudnn_enabled: builtins.bool = True) -> Tensor:
        """Batch norm of each sample by itself: over the places of each channel."""
    def int(self, memory_format: Any = None) -> Tensor:
        """The tensor as int32; itself if it is that already."""
    def int_repr(self, *args: Any, **options: Any) -> Any:
        """Refused: int_repr(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def inverse(self, *, out: Tensor | None = None) -> Tensor:
        """The inverse of square matrices. Raises LinAlgError where there is none."""
    def is_coalesced(self, *args: Any, **options: Any) -> Any:
        """Refused: is_coalesced expected sparse coordinate tensor layout but got Strided: of sparse
        layouts there are coordinates, and compressed rows or columns of matrices: see
        sparse_coo_tensor, sparse_csr_tensor."""
    def is_nonzero(self) -> builtins.bool:
        """Whether the one element is nonzero."""
    def is_same_size(self, other: Tensor) -> builtins.bool:
        """Whether two tensors have the same shape."""
    def is_set_to(self, tensor: Tensor) -> builtins.bool:
        """Whether two tensors look at the same memory in the same way."""
    def isclose(self, other: Any, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08,
            equal_nan: builtins.bool = False) -> Tensor:
        """Whether |input - other| <= atol + rtol * |other|; infinities are close to themselves."""
    def isfinite(self, *, out: Tensor | None = None) -> Tensor:
        """Whether an element is neither infinite nor NaN."""
    def isinf(self, *, out: Tensor | None = None) -> Tensor:
        """Whether an element is infinite."""
    def isnan(self, *, out: Tensor | None = None) -> Tensor:
        """Whether an element is NaN (of complex numbers: either part)."""
    def isneginf(self, *, out: Tensor | None = None) -> Tensor:
        """Whether an element is -infinity."""
    def isposinf(self, *, out: Tensor | None = None) -> Tensor:
        """Whether an element is +infinity."""
    def isreal(self) -> Tensor:
        """Whether the imaginary part of an element is 0."""
    def istft(self, n_fft: builtins.int, hop_length: builtins.int | None = None,
            win_length: builtins.int | None = None, window: Any = None,
            center: builtins.bool = True, normalized: builtins.bool = False,
            onesided: builtins.bool | None = None, length: builtins.int | None = None,
            return_complex: builtins.bool = False) -> Tensor:
        """The signal whose `stft` with the same arguments is `input`, in the sense of least
        squares."""
    def kron(self, other: Any, *, out: Tensor | None = None) -> Tensor:
        """The Kronecker product: each element of `input` times the whole of `other`, in blocks."""
    def kthvalue(self, k: builtins.int, dim: builtins.int = -1, keepdim: builtins.bool = False, *,
            out: Tensor | None = None) -> Any:
        """(values, indices) of the k-th smallest element along `dim`, k counted from 1."""
    def layer_norm(self, normalized_shape: Any, weight: Any = None, bias: Any = None,
            eps: builtins.float = 1e-05, cudnn_enable: builtins.bool = True) -> Tensor:
        """(x - mean) / sqrt(variance + eps) * weight + bias over the last dimensions."""
    def lcm(self, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The least common multiple of each pair of integers, not negative."""
    def lcm_(self, other: Tensor) -> Tensor:
        """The least common multiple of each pair of integers, not negative."""
    def ldexp(self, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        """input * 2**other."""
    def ldexp_(self, other: Tensor) -> Tensor:
        """input * 2**other."""
    def le(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input <= other, element by element."""
    def le_(self, other: Tensor | _Number) -> Tensor:
        """Whether input <= other, element by element."""
    def lerp(self, end: Tensor | _Number, weight: Tensor | _Number, *,
            out: Tensor | None = None) -> Tensor:
        """input + weight * (end - input): from input to end."""
    def lerp_(self, end: Tensor | _Number, weight: Tensor | _Number) -> Tensor:
        """input + weight * (end - input): from input to end."""
    def less(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input < other, element by element."""
    def less_(self, other: Tensor | _Number) -> Tensor:
        """Whether input < other, element by element."""
    def less_equal(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input <= other, element by element."""
    def less_equal_(self, other: Tensor | _Number) -> Tensor:
        """Whether input <= other, element by element."""
    def lgamma(self, *, out: Tensor | None = None) -> Tensor:
        """log |gamma(input)|."""
    def lgamma_(self) -> Tensor:
        """log |gamma(input)|."""
    def log(self, *, out: Tensor | None = None) -> Tensor:
        """The natural logarithm."""
    def log10(self, *, out: Tensor | None = None) -> Tensor:
        """The logarithm to base 10."""
    def log10_(self) -> Tensor:
        """The logarithm to base 10."""
    def log1p(self, *, out: Tensor | None = None) -> Tensor:
        """log(1 + input), exact for small input."""
    def log1p_(self) -> Tensor:
        """log(1 + input), exact for small input."""
    def log2(self, *, out: Tensor | None = None) -> Tensor:
        """The logarithm to base 2."""
    def log2_(self) -> Tensor:
        """The logarithm to base 2."""
    def log_(self) -> Tensor:
        """The natural logarithm."""
    def log_normal_(self, mean: builtins.float = 1.0, std: builtins.float = 2.0, *,
            generator: Any = None) -> Tensor:
        """Fill with exp(z), z normal of that mean and standard deviation, in place."""
    def log_softmax(self, dim: Any = None, dtype: Any = None, *, _stacklevel: builtins.int = 3,
            out: Any = None, axis: Any = None) -> Tensor:
        """log(softmax(x)) along `dim`, without overflow."""
    def logaddexp(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """log(e**input + e**other), without overflow."""
    def logaddexp2(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """log2(2**input + 2**other), without overflow."""
    def logcumsumexp(self, dim: builtins.int, *, out: Any = None) -> Tensor:
        """log(running sum of e**x) along `dim`, without overflow."""
    def logdet(self) -> Tensor:
        """The logarithm of the determinant; NaN where that is negative, -inf where it is 0."""
    def logical_and(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether both are nonzero."""
    def logical_and_(self, other: Tensor | _Number) -> Tensor:
        """Whether both are nonzero."""
    def logical_not(self, *, out: Tensor | None = None) -> Tensor:
        """Whether an element is zero."""
    def logical_not_(self) -> Tensor:
        """Whether an element is zero."""
    def logical_or(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether at least one is nonzero."""
    def logical_or_(self, other: Tensor | _Number) -> Tensor:
        """Whether at least one is nonzero."""
    def logical_xor(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether exactly one is nonzero."""
    def logical_xor_(self, other: Tensor | _Number) -> Tensor:
        """Whether exactly one is nonzero."""
    def logit(self, eps: Tensor | _Number | None = None, *, out: Tensor | None = None) -> Tensor:
        """log(input / (1 - input)); with eps, input is first clamped to [eps, 1 - eps]."""
    def logit_(self, eps: Tensor | _Number | None = None) -> Tensor:
        """log(input / (1 - input)); with eps, input is first clamped to [eps, 1 - eps]."""
    def logsumexp(self, dim: Any = None, keepdim: builtins.bool = False, *, out: Any = None,
            axis: Any = None, keepdims: Any = None) -> Tensor:
        """log(sum(e**x)) over `dim`, without overflow."""
    def long(self, memory_format: Any = None) -> Tensor:
        """The tensor as int64; itself if it is that already."""
    def lt(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input < other, element by element."""
    def lt_(self, other: Tensor | _Number) -> Tensor:
        """Whether input < other, element by element."""
    def lu(self, pivot: builtins.bool = True, get_infos: builtins.bool = False, *,
            out: Tensor | None = None) -> Any:
        """(LU, pivots), with get_infos (LU, pivots, info): an older form of linalg.lu_factor."""
    def lu_solve(self, LU_data: Any, LU_pivots: Any, *, out: Tensor | None = None) -> Tensor:
        """The solution X of A X = B, given lu_factor of A: linalg.lu_solve, with B first."""
    @property
    def mH(self) -> Tensor:
        """The conjugate transpose."""
    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged; shares memory."""
    def map2_(self, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
        """Replace each element a by callable(a, b, c), of elements of `x` and `y`, in place."""
    def map_(self, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
        """Replace each element a by callable(a, b), b being the element of `tensor`, in place."""
    def masked_fill(self, mask: Tensor, value: Tensor | _Number, *,
            out: Tensor | None = None) -> Tensor:
        """Write ``value`` wherever ``mask`` is true."""
    def masked_fill_(self, mask: Tensor, value: Tensor | _Number) -> Tensor:
        """Write ``value`` wherever ``mask`` is true."""
    def masked_scatter(self, mask: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Write the elements of ``source``, one after the other, wherever ``mask`` is true."""
    def masked_scatter_(self, mask: Tensor, source: Tensor) -> Tensor:
        """Write the elements of ``source``, one after the other, wherever ``mask`` is true."""
    def masked_select(self, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Return the elements where ``mask`` is true, as a new 1-d tensor in row-major order."""
    def matmul(self, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The matrix product over the last two dimensions; vectors count as a row or a column."""
    def matrix_exp(self) -> Tensor:
        """The exponential of square matrices: the sum of A**k / k!."""
    def matrix_power(self, n: builtins.int, *, out: Tensor | None = None) -> Tensor:
        """The n-th power of square matrices, by squaring; negative powers are those of the
        inverse."""
    def max(self, dim: Any = None, keepdim: builtins.bool = False, *, other: Any = None,
            out: Any = None, axis: Any = None, keepdims: Any = None) -> Any:
        """The largest element; with `dim` (values, indices) along it; with another tensor the
        largest of each pair."""
    def maximum(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The larger of each pair; NaN where either is."""
    def mean(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None,
            out: Tensor | None = None, axis: Any = None, keepdims: Any = None) -> Tensor:
        """The mean over `dim` (an int, several, or None for all)."""
    def median(self, dim: Any = None, keepdim: builtins.bool = False, *,
            out: Tensor | None = None) -> Any:
        """The median, the lower one of an even number; with `dim` (values, indices) along it."""
    def min(self, dim: Any = None, keepdim: builtins.bool = False, *, other: Any = None,
            out: Any = None, axis: Any = None, keepdims: Any = None) -> Any:
        """The smallest element; with `dim` (values, indices) along it; with another tensor the
        smallest of each pair."""
    def minimum(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The smaller of each pair; NaN where either is."""
    def mm(self, mat2: Tensor, *, out: Any = None) -> Tensor:
        """The product of two matrices: (n, k) @ (k, m) -> (n, m)."""
    def mode(self, dim: builtins.int = -1, keepdim: builtins.bool = False, *,
            out: Tensor | None = None) -> Any:
        """(values, indices) of the most frequent element along `dim`, the smallest of equals."""
    def moveaxis(self, source: Any, destination: Any) -> Tensor:
        """The dimensions `source` moved to the places `destination`; shares memory."""
    def movedim(self, source: Any, destination: Any) -> Tensor:
        """The dimensions `source` moved to the places `destination`; shares memory."""
    def msort(self, *, out: Tensor | None = None) -> Tensor:
        """The elements in ascending order along dimension 0."""
    def mul(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input * other, with broadcasting."""
    def mul_(self, other: Tensor | _Number) -> Tensor:
        """input * other, with broadcasting."""
    def multinomial(self, num_samples: builtins.int, replacement: builtins.bool = False, *,
            generator: Any = None, out: Tensor | None = None) -> Tensor:
        """Indices drawn in proportion to the weights in `input`: int64."""
    def multiply(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input * other, with broadcasting."""
    def multiply_(self, other: Tensor | _Number) -> Tensor:
        """input * other, with broadcasting."""
    def mv(self, vec: Tensor, *, out: Any = None) -> Tensor:
        """The product of a matrix and a vector: (n, k) @ (k) -> (n)."""
    def mvlgamma(self, p: builtins.int, *, out: Tensor | None = None) -> Tensor:
        """log of the multivariate gamma function of dimension p."""
    def mvlgamma_(self, p: builtins.int) -> Tensor:
        """log of the multivariate gamma function of dimension p."""
    def nan_to_num(self, nan: builtins.float | None = None, posinf: builtins.float | None = None,
            neginf: builtins.float | None = None, *, out: Tensor | None = None) -> Tensor:
        """NaN and the infinities replaced: by 0 and the dtype's extremes, where not given."""
    def nan_to_num_(self, nan: builtins.float | None = None, posinf: builtins.float | None = None,
            neginf: builtins.float | None = None) -> Tensor:
        """NaN and the infinities replaced: by 0 and the dtype's extremes, where not given."""
    def nanmean(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None,
            out: Tensor | None = None) -> Tensor:
        """The mean over `dim` of what is not NaN."""
    def nanmedian(self, dim: Any = None, keepdim: builtins.bool = False, *,
            out: Tensor | None = None) -> Any:
        """The median of what is not NaN: see median."""
    def nanquantile(self, q: Any, dim: builtins.int | None = None, keepdim: builtins.bool = False,
            *, interpolation: str = 'linear', out: Tensor | None = None) -> Tensor:
        """The q-quantiles of what is not NaN: see quantile."""
    def nansum(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None,
            out: Tensor | None = None, axis: Any = None, keepdims: Any = None) -> Tensor:
        """The sum over `dim` of what is not NaN."""
    def narrow(self, dim: builtins.int, start: builtins.int | Tensor,
            length: builtins.int) -> Tensor:
        """Return ``length`` slices of dimension ``dim`` from ``start``: a view."""
    def narrow_copy(self, dim: builtins.int, start: builtins.int | Tensor, length: builtins.int, *,
            out: Tensor | None = None) -> Tensor:
        """Return a copy of what ``narrow`` gives."""
    def ne(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input differs from other, element by element."""
    def ne_(self, other: Tensor | _Number) -> Tensor:
        """Whether input differs from other, element by element."""
    def neg(self, *, out: Tensor | None = None) -> Tensor:
        """-input."""
    def neg_(self) -> Tensor:
        """-input."""
    def negative(self, *, out: Tensor | None = None) -> Tensor:
        """-input."""
    def negative_(self) -> Tensor:
        """-input."""
    def new(self, *args: Any, device: Any = None) -> Tensor:
        """A tensor of this dtype: of the given sizes, uninitialised, or of the numbers of a list"""
    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None,
            requires_grad: builtins.bool = False, **named: Any) -> Tensor:
        """Uninitialised memory of the given size and this dtype."""
    def new_empty_strided(self, size: Any, stride: Any, *, dtype: Any = None, layout: Any = None,
            device: Any = None, requires_grad: builtins.bool = False,
            pin_memory: builtins.bool = False) -> Tensor:
        """Uninitialised memory of the given size and strides (in elements), of this dtype and
        device."""
    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
            requires_grad: builtins.bool = False, **_: Any) -> Tensor:
        """`fill_value` in the given size, of this dtype and device."""
    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None,
            requires_grad: builtins.bool = False, **named: Any) -> Tensor:
        """Ones of the given size, of this dtype and device."""
    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None,
            requires_grad: builtins.bool = False, **_: Any) -> Tensor:
        """A tensor with a copy of `data`, of this dtype and device."""
    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None,
            requires_grad: builtins.bool = False, **named: Any) -> Tensor:
        """Zeros of the given size, of this dtype and device."""
    def nextafter(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """The next number that the dtype has after input towards other."""
    def nextafter_(self, other: Tensor | _Number) -> Tensor:
        """The next number that the dtype has after input towards other."""
    def nonzero(self, *, as_tuple: builtins.bool = False,
            out: Tensor | None = None) -> Tensor | tuple[Tensor, ...]:
        """Return the positions of the elements that are not zero, in row-major order."""
    def nonzero_static(self, *, size: builtins.int, fill_value: builtins.int = -1,
            out: Tensor | None = None) -> Tensor:
        """Return the first ``size`` rows of ``nonzero``, or those there are and ``fill_value``."""
    def norm(self, p: Any = 'fro', dim: Any = None, keepdim: builtins.bool = False, *,
            dtype: Any = None, out: Tensor | None = None) -> Tensor:
        """The p-norm over `dim`, or over everything; "fro" is 2, "nuc" sums singular values."""
    def normal_(self, mean: builtins.float = 0.0, std: builtins.float = 1.0, *,
            generator: Any = None) -> Tensor:
        """Fill with normal numbers of that mean and standard deviation, in place; returns the
        tensor."""
    def not_equal(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """Whether input differs from other, element by element."""
    def not_equal_(self, other: Tensor | _Number) -> Tensor:
        """Whether input differs from other, element by element."""
    def nuclear_norm(self, dim: Any = ..., keepdim: builtins.bool = False) -> Tensor:
        """The sum of the singular values."""
    def orgqr(self, tau: Any, *, out: Tensor | None = None) -> Tensor:
        """The first columns of H_1 H_2 ... H_k, H_i = 1 - tau_i v_i v_i^H: the Q that geqrf
        found."""
    def ormqr(self, tau: Any, other: Any, left: builtins.bool = True,
            transpose: builtins.bool = False, *, out: Tensor | None = None) -> Tensor:
        """Q C (C Q unless `left`), with the square Q of `input` and tau; Q^H if transpose."""
    def outer(self, vec2: Tensor, *, out: Any = None) -> Tensor:
        """All products of elements of two vectors: (n), (m) -> (n, m)."""
    def permute(self, *dims: Any, **named: Any) -> Tensor:
        """The dimensions in the order `dims`; shares memory."""
    def pin_memory(self, device: Any = None) -> Tensor:
        """The tensor itself: page-locked memory only serves transfers to other devices."""
    def pinverse(self, rcond: builtins.float = 1e-15) -> Tensor:
        """The pseudoinverse: an older name of linalg.pinv."""
    def polygamma(self, input: Any = None, *, out: Tensor | None = None) -> Tensor:
        """The n-th derivative of digamma, n = 0, 1, ...; the method takes n alone."""
    def polygamma_(self, n: builtins.int) -> Tensor:
        """The n-th derivative of digamma, in place."""
    def positive(self) -> Tensor:
        """The tensor itself. Raises RuntimeError for truth values."""
    def pow(self, exponent: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input ** exponent, with broadcasting."""
    def pow_(self, exponent: Tensor | _Number) -> Tensor:
        """input ** exponent, with broadcasting."""
    def prelu(self, weight: Any) -> Any:
        """x, times weight where x is negative; weight holds one number, or one for each channel."""
    def prod(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None,
            out: Any = None, axis: Any = None, keepdims: Any = None) -> Tensor:
        """The product of all elements, or over one dimension; integers give int64."""
    def put(self, index: Tensor, source: Tensor, accumulate: builtins.bool = False, *,
            out: Tensor | None = None) -> Tensor:
        """Write elements at the given places, counted through ``input`` in row-major order."""
    def put_(self, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor:
        """Write elements at the given places, counted through ``input`` in row-major order."""
    def q_per_channel_axis(self, *args: Any, **options: Any) -> Any:
        """Refused: q_per_channel_axis(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def q_per_channel_scales(self, *args: Any, **options: Any) -> Any:
        """Refused: q_per_channel_scales(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def q_per_channel_zero_points(self, *args: Any, **options: Any) -> Any:
        """Refused: q_per_channel_zero_points(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def q_scale(self, *args: Any, **options: Any) -> Any:
        """Refused: q_scale(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def q_zero_point(self, *args: Any, **options: Any) -> Any:
        """Refused: q_zero_point(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def qr(self, some: builtins.bool = True, *, out: Tensor | None = None) -> Any:
        """(Q, R): an older name of linalg.qr."""
    def qscheme(self, *args: Any, **options: Any) -> Any:
        """Refused: qscheme(): quantised tensors are not supported: see
        fake_quantize_per_tensor_affine for quantisation-aware training."""
    def quantile(self, q: Any, dim: builtins.int | None = None, keepdim: builtins.bool = False, *,
            interpolation: str = 'linear', out: Tensor | None = None) -> Tensor:
        """The q-quantiles along `dim`, or of all elements; NaN where there is one."""
    def rad2deg(self, *, out: Tensor | None = None) -> Tensor:
        """Radians as degrees."""
    def rad2deg_(self) -> Tensor:
        """Radians as degrees."""
    def random_(self, *bounds: Any, generator: Any = None, **named: Any) -> Tensor:
        """Fill with whole numbers, in place: `random_(from, to)` in [from, to), `random_(to)` from
        0."""
    def ravel(self) -> Tensor:
        """All elements in one dimension; a view of a contiguous tensor."""
    @property
    def real(self) -> Tensor:
        """The real parts, sharing memory; real tensors as they are."""
    @real.setter
    def real(self, value: Any) -> None: ...
    def reciprocal(self, *, out: Tensor | None = None) -> Tensor:
        """1 / input."""
    def reciprocal_(self) -> Tensor:
        """1 / input."""
    def relu(self, *, out: Tensor | None = None) -> Tensor:
        """max(input, 0); NaN stays NaN."""
    def relu_(self) -> Tensor:
        """max(input, 0); NaN stays NaN."""
    def remainder(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input - other * floor(input / other): the sign is the divisor's."""
    def remainder_(self, other: Tensor | _Number) -> Tensor:
        """input - other * floor(input / other): the sign is the divisor's."""
    def renorm(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float, *,
            out: Tensor | None = None) -> Tensor:
        """Each slice along `dim` scaled down to a p-norm of at most maxnorm."""
    def renorm_(self, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Tensor:
        """Each slice along `dim` scaled down to a p-norm of at most maxnorm."""
    def repeat(self, *repeats: Any, **named: Any) -> Tensor:
        """The tensor repeated `repeats` times along each dimension; a copy."""
    def repeat_interleave(self, repeats: Any = None, dim: builtins.int | None = None, *,
            output_size: builtins.int | None = None) -> Tensor:
        """Each element along `dim` (of the flattened tensor if None) `repeats` times in a row."""
    def reshape(self, *shape: Any, **named: Any) -> Tensor:
        """The same elements under another shape (one size may be -1)."""
    def reshape_as(self, other: Tensor) -> Tensor:
        """`input` reshaped to the shape of `other`."""
    def resize_(self, *sizes: Any, memory_format: Any = ...) -> Tensor:
        """Give the tensor itself another shape over the start of its memory; more if that is
        small."""
    def resize_as_(self, the_template: Tensor, *, memory_format: Any = ...) -> Tensor:
        """`resize_` to the shape of another tensor."""
    def resize_as_sparse_(self, *args: Any, **options: Any) -> Any:
        """Refused: resize_as_sparse_(): of sparse layouts there are coordinates, and compressed
        rows or columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def resolve_conj(self) -> Tensor:
        """The tensor itself: conjugation is done at once."""
    def resolve_neg(self) -> Tensor:
        """The tensor itself: negation is done at once."""
    def rms_norm(self, normalized_shape: Any, weight: Any = None,
            eps: builtins.float | None = None) -> Tensor:
        """x / sqrt(mean(x*x) + eps) * weight over the last dimensions (Zhang and Sennrich,
        2019)."""
    def roll(self, shifts: Any, dims: Any = None) -> Tensor:
        """The elements moved on by `shifts` places along `dims`, around the end."""
    def rot90(self, k: builtins.int = 1, dims: Sequence[builtins.int] = ...) -> Tensor:
        """Turned k times by 90 degrees in the plane of `dims`, from the first to the second."""
    def round(self, *, decimals: builtins.int = 0, out: Tensor | None = None) -> Tensor:
        """The nearest integer, halves to even; or the nearest multiple of 10**-decimals."""
    def round_(self, *, decimals: builtins.int = 0) -> Tensor:
        """The nearest integer, halves to even; or the nearest multiple of 10**-decimals."""
    def row_indices(self, *args: Any, **options: Any) -> Any:
        """Refused: row_indices expected sparse tensor layout but got Strided: of sparse layouts
        there are coordinates, and compressed rows or columns of matrices: see sparse_coo_tensor,
        sparse_csr_tensor."""
    def rsqrt(self, *, out: Tensor | None = None) -> Tensor:
        """1 / sqrt(input)."""
    def rsqrt_(self) -> Tensor:
        """1 / sqrt(input)."""
    def rsub(self, other: Tensor | _Number, *, alpha: _Number = 1,
            out: Tensor | None = None) -> Tensor:
        """other - alpha * input, with broadcasting."""
    def scatter(self, dim: builtins.int, index: Tensor, src: Tensor | _Number | None = None,
            value: _Number | None = None, *, reduce: str | None = None,
            out: Tensor | None = None) -> Tensor:
        """Write along a dimension: ``out[i, index[i, j]] = src[i, j]`` for ``dim=1``."""
    def scatter_(self, dim: builtins.int, index: Tensor, src: Tensor | _Number | None = None,
            value: _Number | None = None, *, reduce: str | None = None) -> Tensor:
        """Write along a dimension: ``out[i, index[i, j]] = src[i, j]`` for ``dim=1``."""
    def scatter_add(self, dim: builtins.int, index: Tensor, src: Tensor, *,
            out: Tensor | None = None) -> Tensor:
        """Add along a dimension: ``out[i, index[i, j]] += src[i, j]`` for ``dim=1``."""
    def scatter_add_(self, dim: builtins.int, index: Tensor, src: Tensor) -> Tensor:
        """Add along a dimension: ``out[i, index[i, j]] += src[i, j]`` for ``dim=1``."""
    def scatter_reduce(self, dim: builtins.int, index: Tensor, src: Tensor, reduce: str, *,
            include_self: builtins.bool = True, out: Tensor | None = None) -> Tensor:
        """Reduce into each place the values that ``index`` sends there."""
    def scatter_reduce_(self, dim: builtins.int, index: Tensor, src: Tensor, reduce: str, *,
            include_self: builtins.bool = True) -> Tensor:
        """Reduce into each place the values that ``index`` sends there."""
    def select(self, dim: builtins.int, index: builtins.int) -> Tensor:
        """Return the slice ``index`` of dimension ``dim``: a view with one dimension less."""
    def select_scatter(self, src: Tensor, dim: builtins.int, index: builtins.int, *,
            out: Tensor | None = None) -> Tensor:
        """Return a copy of ``input`` with ``src`` as the slice ``index`` of dimension ``dim``."""
    def selu(self, *, out: Tensor | None = None) -> Tensor:
        """The self-normalising elu (Klambauer et al., 2017)."""
    def selu_(self) -> Tensor:
        """The self-normalising elu (Klambauer et al., 2017)."""
    def set_(self, source: Tensor | None = None) -> Tensor:
        """Make this tensor look at the memory of `source`; at none, which frees its own,
        without."""
    def sgn(self, *, out: Tensor | None = None) -> Tensor:
        """input / |input|, and 0 at 0: the sign, for complex numbers too."""
    def sgn_(self) -> Tensor:
        """input / |input|, and 0 at 0: the sign, for complex numbers too."""
    def share_memory_(self) -> Tensor:
        """Move the tensor's memory to where processes share it, in place; return the tensor."""
    def short(self, memory_format: Any = None) -> Tensor:
        """The tensor as int16; itself if it is that already."""
    def sigmoid(self, *, out: Tensor | None = None) -> Tensor:
        """1 / (1 + e**-input)."""
    def sigmoid_(self) -> Tensor:
        """1 / (1 + e**-input)."""
    def sign(self, *, out: Tensor | None = None) -> Tensor:
        """-1, 0 or 1 as input is negative, zero or positive."""
    def sign_(self) -> Tensor:
        """-1, 0 or 1 as input is negative, zero or positive."""
    def signbit(self, *, out: Tensor | None = None) -> Tensor:
        """Whether the sign bit is set: negative numbers, and -0.0."""
    def sin(self, *, out: Tensor | None = None) -> Tensor:
        """The sine of input in radians."""
    def sin_(self) -> Tensor:
        """The sine of input in radians."""
    def sinc(self, *, out: Tensor | None = None) -> Tensor:
        """sin(pi input) / (pi input), and 1 at 0."""
    def sinc_(self) -> Tensor:
        """sin(pi input) / (pi input), and 1 at 0."""
    def sinh(self, *, out: Tensor | None = None) -> Tensor:
        """The hyperbolic sine."""
    def sinh_(self) -> Tensor:
        """The hyperbolic sine."""
    def slice_scatter(self, src: Tensor, dim: builtins.int = 0, start: builtins.int | None = None,
            end: builtins.int | None = None, step: builtins.int = 1, *,
            out: Tensor | None = None) -> Tensor:
        """Return a copy of ``input`` with ``src`` in the slices ``start:end:step`` of ``dim``."""
    def slogdet(self, *, out: Tensor | None = None) -> Any:
        """(sign, logabsdet) of the determinant: see linalg.slogdet."""
    def smm(self, *args: Any, **options: Any) -> Any:
        """Refused: smm(): of sparse layouts there are coordinates, and compressed rows or columns
        of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def softmax(self, dim: Any = None, dtype: Any = None, *, _stacklevel: builtins.int = 3,
            out: Any = None, axis: Any = None) -> Tensor:
        """e**x / sum(e**x) along `dim`: positive numbers that sum to 1."""
    def sort(self, dim: builtins.int = -1, descending: builtins.bool = False,
            stable: builtins.bool | None = False, *, out: Any = None, axis: Any = None) -> Any:
        """(values, indices) of the elements in ascending order along `dim`; NaN comes last."""
    def sparse_dim(self) -> builtins.int:
        """The number of sparse dimensions: none."""
    def sparse_mask(self, mask: Any) -> Tensor:
        """The entries of a dense tensor at the places of the sparse tensor `mask`."""
    def sparse_resize_(self, *args: Any, **options: Any) -> Any:
        """Refused: sparse_resize_(): of sparse layouts there are coordinates, and compressed rows
        or columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def sparse_resize_and_clear_(self, *args: Any, **options: Any) -> Any:
        """Refused: sparse_resize_and_clear_(): of sparse layouts there are coordinates, and
        compressed rows or columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def split(self, split_size_or_sections: Any = None, dim: builtins.int = 0, *,
            split_size: Any = None, split_sizes: Any = None) -> tuple[Tensor, ...]:
        """Pieces of the given size (the last may be smaller), or of the listed sizes. Share
        memory."""
    def split_with_sizes(self, split_size_or_sections: Any = None, dim: builtins.int = 0, *,
            split_size: Any = None, split_sizes: Any = None) -> tuple[Tensor, ...]:
        """Pieces of the given size (the last may be smaller), or of the listed sizes. Share
        memory."""
    def sqrt(self, *, out: Tensor | None = None) -> Tensor:
        """The square root."""
    def sqrt_(self) -> Tensor:
        """The square root."""
    def square(self, *, out: Tensor | None = None) -> Tensor:
        """input * input."""
    def square_(self) -> Tensor:
        """input * input."""
    def squeeze(self, *dim: Any, **named: Any) -> Tensor:
        """Without the dimensions of size 1, or without those of `dim` that have it. Shares
        memory."""
    def squeeze_(self, dim: Any = None) -> Tensor:
        """Take the dimensions of size 1, or those of `dim` that have it, from the tensor itself."""
    def sspaddmm(self, *args: Any, **options: Any) -> Any:
        """Refused: sspaddmm(): of sparse layouts there are coordinates, and compressed rows or
        columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def std(self, dim: Any = None, unbiased: Any = None, keepdim: builtins.bool = False, *,
            correction: Any = None, out: Any = None, axis: Any = None,
            keepdims: Any = None) -> Tensor:
        """The standard deviation over `dim`: the square root of the variance."""
    def std_mean(self, dim: Any = None, unbiased: Any = None, keepdim: builtins.bool = False, *,
            correction: Any = None) -> tuple[Tensor, Tensor]:
        """The standard deviation and the mean over `dim`."""
    def stft(self, n_fft: builtins.int, hop_length: builtins.int | None = None,
            win_length: builtins.int | None = None, window: Any = None,
            center: builtins.bool = True, pad_mode: str = 'reflect',
            normalized: builtins.bool = False, onesided: builtins.bool | None = None,
            return_complex: builtins.bool | None = None,
            align_to_window: builtins.bool | None = None) -> Tensor:
        """The Fourier transforms of windows of n_fft elements of a signal, hop_length apart."""
    def sub(self, other: Tensor | _Number, *older: Any, alpha: _Number = 1,
            out: Tensor | None = None) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def sub_(self, other: Tensor | _Number, *older: Any, alpha: _Number = 1) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def subtract(self, other: Tensor | _Number, *older: Any, alpha: _Number = 1,
            out: Tensor | None = None) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def subtract_(self, other: Tensor | _Number, *older: Any, alpha: _Number = 1) -> Tensor:
        """input - alpha * other, with broadcasting."""
    def sum(self, dim: Any = None, keepdim: builtins.bool = False, *, dtype: Any = None,
            out: Tensor | None = None, axis: Any = None, keepdims: Any = None) -> Tensor:
        """The sum over `dim` (an int, several, or None for all); integers give int64."""
    def sum_to_size(self, *size: Any) -> Tensor:
        """Summed over the dimensions in which `size` would be broadcast to this shape."""
    def svd(self, some: builtins.bool = True, compute_uv: builtins.bool = True, *,
            out: Tensor | None = None) -> Any:
        """(U, S, V): an older form of linalg.svd, with V where that has its conjugate transpose."""
    def swapaxes(self, dim0: Any, dim1: Any) -> Tensor:
        """The dimensions dim0 and dim1 exchanged; shares memory."""
    def swapaxes_(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Exchange the dimensions dim0 and dim1 of the tensor itself."""
    def swapdims(self, dim0: Any, dim1: Any) -> Tensor:
        """The dimensions dim0 and dim1 exchanged; shares memory."""
    def swapdims_(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Exchange the dimensions dim0 and dim1 of the tensor itself."""
    def t(self) -> Tensor:
        """The transpose of a matrix; tensors with fewer dimensions as they are. Shares memory."""
    def t_(self) -> Tensor:
        """Transpose the matrix itself."""
    def take(self, index: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Return the elements at the given places, counted through ``input`` in row-major order."""
    def take_along_dim(self, indices: Tensor, dim: builtins.int | None = None, *,
            out: Tensor | None = None) -> Tensor:
        """Pick along a dimension as ``gather``, the two broadcast against each other elsewhere."""
    def tan(self, *, out: Tensor | None = None) -> Tensor:
        """The tangent of input in radians."""
    def tan_(self) -> Tensor:
        """The tangent of input in radians."""
    def tanh(self, *, out: Tensor | None = None) -> Tensor:
        """The hyperbolic tangent."""
    def tanh_(self) -> Tensor:
        """The hyperbolic tangent."""
    def tensor_split(self, indices_or_sections: Any = None, dim: builtins.int = 0, *,
            indices: Any = None, sections: Any = None) -> tuple[Tensor, ...]:
        """Pieces that differ in size by at most one, or that end at the given indices."""
    def threshold(self, threshold: _Number, value: _Number, *, out: Tensor | None = None) -> Tensor:
        """x where x > threshold, else value."""
    def threshold_(self, threshold: _Number, value: _Number) -> Tensor:
        """x where x > threshold, else value."""
    def tile(self, *dims: Any) -> Tensor:
        """The tensor repeated `dims` times, missing dimensions counting from the last."""
    def to(self, *args: Any, **options: Any) -> Tensor:
        """The tensor as another dtype or on another device; itself if nothing changes."""
    def to_dense(self, dtype: Any = None) -> Tensor:
        """The tensor itself: all tensors are dense."""
    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """`to(device)` under the array API standard's name. Raises ValueError for a stream."""
    def to_mkldnn(self, *args: Any, **options: Any) -> Any:
        """Refused: to_mkldnn(): of sparse layouts there are coordinates, and compressed rows or
        columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def to_padded_tensor(self, *args: Any, **options: Any) -> Any:
        """Refused: to_padded_tensor(): of sparse layouts there are coordinates, and compressed rows
        or columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def to_sparse(self, sparse_dim: builtins.int | None = None, *, layout: Any = None,
            blocksize: Any = None, dense_dim: builtins.int | None = None) -> Tensor:
        """The entries of a dense tensor that are not 0, as a sparse one. Gradients flow back to
        it."""
    def to_sparse_bsc(self, *args: Any, **options: Any) -> Any:
        """Refused: to_sparse_bsc(): of sparse layouts there are coordinates, and compressed rows or
        columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def to_sparse_bsr(self, *args: Any, **options: Any) -> Any:
        """Refused: to_sparse_bsr(): of sparse layouts there are coordinates, and compressed rows or
        columns of matrices: see sparse_coo_tensor, sparse_csr_tensor."""
    def to_sparse_coo(self, sparse_dim: builtins.int | None = None, *, layout: Any = None,
            blocksize: Any = None, dense_dim: builtins.int | None = None) -> Tensor:
        """The entries of a dense tensor that are not 0, as a sparse one. Gradients flow back to
        it."""
    def to_sparse_csc(self, dense_dim: builtins.int | None = None) -> Tensor:
        """The entries of a matrix that are not 0, column by column. Gradients flow back to it."""
    def to_sparse_csr(self, dense_dim: builtins.int | None = None) -> Tensor:
        """The entries of a matrix that are not 0, row by row. Gradients flow back to it."""
    def topk(self, k: builtins.int, dim: builtins.int = -1, largest: builtins.bool = True,
            sorted: builtins.bool = True, *, out: Any = None, axis: Any = None) -> Any:
        """(values, indices) of the k largest (or smallest) elements along `dim`, in order."""
    def trace(self, *, out: Tensor | None = None) -> Tensor:
        """The sum of the diagonal of a matrix."""
    def transpose(self, dim0: Any, dim1: Any) -> Tensor:
        """The dimensions dim0 and dim1 exchanged; shares memory."""
    def transpose_(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Exchange the dimensions dim0 and dim1 of the tensor itself."""
    def trapezoid(self, x: Any = None, *, dx: Any = None, dim: builtins.int = -1) -> Tensor:
        """The integral of `y` along `dim` by the trapezoidal rule."""
    def trapz(self, x: Any = None, *, dx: Any = None, dim: builtins.int = -1) -> Tensor:
        """The integral of `y` along `dim` by the trapezoidal rule."""
    def triangular_solve(self, A: Any, upper: builtins.bool = True,
            transpose: builtins.bool = False, unitriangular: builtins.bool = False, *,
            out: Tensor | None = None) -> Any:
        """(solution, copy of A): an older form of linalg.solve_triangular, with B first."""
    def tril(self, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
        """The lower triangle of a matrix or batch of matrices, zeros above."""
    def tril_(self, diagonal: builtins.int = 0) -> Tensor:
        """The lower triangle of a matrix or batch of matrices, zeros above."""
    def triu(self, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor:
        """The upper triangle of a matrix or batch of matrices, zeros below."""
    def triu_(self, diagonal: builtins.int = 0) -> Tensor:
        """The upper triangle of a matrix or batch of matrices, zeros below."""
    def true_divide(self, other: Tensor | _Number, *, rounding_mode: str | None = None,
            out: Tensor | None = None) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def true_divide_(self, other: Tensor | _Number, *, rounding_mode: str | None = None) -> Tensor:
        """input / other: a true quotient, or rounded by rounding_mode "trunc" or "floor"."""
    def trunc(self, *, out: Tensor | None = None) -> Tensor:
        """input without its fraction."""
    def trunc_(self) -> Tensor:
        """input without its fraction."""
    def type(self, dtype: Any = None, non_blocking: builtins.bool = False) -> Any:
        """The name of the tensor's type, or the tensor as another dtype."""
    def type_as(self, other: Tensor) -> Tensor:
        """`input` as the dtype of `other`."""
    def unbind(self, dim: builtins.int = 0, *, axis: Any = None) -> tuple[Tensor, ...]:
        """The items along `dim`, without that dimension. Share memory."""
    def unflatten(self, dim: builtins.int, sizes: Any) -> Tensor:
        """The dimension `dim` split into `sizes`, of which one may be -1."""
    def unfold(self, dimension: Any, size: Any, step: Any) -> Tensor:
        """Windows of `size` elements along `dimension`, `step` apart, as a new last dimension."""
    def uniform_(self, from_: builtins.float = 0.0, to: builtins.float = 1.0, *,
            generator: Any = None) -> Tensor:
        """Fill with real numbers drawn uniformly from [from_, to), in place; returns the tensor."""
    def unique(self, sorted: builtins.bool = True, return_inverse: builtins.bool = False,
            return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Any:
        """The distinct elements in ascending order, or the distinct slices along `dim`."""
    def unique_consecutive(self, return_inverse: builtins.bool = False,
            return_counts: builtins.bool = False, dim: builtins.int | None = None) -> Any:
        """The elements (or slices along `dim`) without those that equal the one before."""
    def unsafe_chunk(self, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]:
        """`chunk`, whose pieces may be written to in place although they share memory."""
    def unsafe_split(self, split_size: Any = None, dim: builtins.int = 0, *,
            split_sizes: Any = None) -> tuple[Tensor, ...]:
        """`split`, whose pieces may be written to in place although they share memory."""
    def unsafe_split_with_sizes(self, split_size: Any = None, dim: builtins.int = 0, *,
            split_sizes: Any = None) -> tuple[Tensor, ...]:
        """`split`, whose pieces may be written to in place although they share memory."""
    def unsqueeze(self, dim: Any) -> Tensor:
        """With a dimension of size 1 at `dim`. Shares memory."""
    def unsqueeze_(self, dim: builtins.int) -> Tensor:
        """Give the tensor itself a dimension of size 1 at `dim`."""
    def values(self, *args: Any, **options: Any) -> Any:
        """Refused: values expected sparse tensor layout but got Strided: of sparse layouts there
        are coordinates, and compressed rows or columns of matrices: see sparse_coo_tensor,
        sparse_csr_tensor."""
    def var(self, dim: Any = None, unbiased: Any = None, keepdim: builtins.bool = False, *,
            correction: Any = None, out: Any = None, axis: Any = None,
            keepdims: Any = None) -> Tensor:
        """The variance over `dim`, divided by the count less `correction` (1)."""
    def var_mean(self, dim: Any = None, unbiased: Any = None, keepdim: builtins.bool = False, *,
            correction: Any = None) -> tuple[Tensor, Tensor]:
        """The variance and the mean over `dim`."""
    def vdot(self, other: Tensor, *, out: Any = None) -> Tensor:
        """The sum of products of two vectors, the first conjugated."""
    def view(self, *shape: Any, **named: Any) -> Tensor:
        """The same memory under another shape (one size may be -1), or as another dtype."""
    def view_as(self, other: Tensor) -> Tensor:
        """`input` viewed under the shape of `other`."""
    def view_as_complex(self) -> Tensor:
        """Pairs (real, imaginary) in the last dimension as complex numbers. Shares memory."""
    def view_as_real(self) -> Tensor:
        """Complex numbers as pairs (real, imaginary) in a new last dimension. Shares memory."""
    def vsplit(self, indices_or_sections: Any) -> tuple[Tensor, ...]:
        """tensor_split along dimension 0."""
    def where(self, condition: Tensor, other: Any) -> Tensor:
        """input where condition holds, else other."""
    def xlogy(self, other: Tensor | _Number, *, out: Tensor | None = None) -> Tensor:
        """input * log(other), and 0 where input is 0."""
    def xlogy_(self, other: Tensor | _Number) -> Tensor:
        """input * log(other), and 0 where input is 0."""
    def zero_(self) -> Tensor:
        """Overwrite every element with 0."""

class Parameter(Tensor):
    def __new__(cls, data: Tensor | None = None, requires_grad: builtins.bool = True) -> Any: ...
    def __repr__(self) -> str: ...
    def __deepcopy__(self, memo: dict[Any, Any]) -> Any: ...

class Buffer(Tensor):
    persistent: builtins.bool
    def __new__(cls, data: Tensor | None = None, *, persistent: builtins.bool = True) -> Any: ...

def wrap(array: np.ndarray) -> Tensor: ...
