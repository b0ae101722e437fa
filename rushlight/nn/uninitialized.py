"""Parameters and buffers whose shape is known only when data first arrives."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.base.device import device as Device
from rushlight.ops import empty
from rushlight.tensor import Buffer, Parameter, Tensor

_slot: Any = Tensor.__dict__["_array"]


class UninitializedTensorMixin:
    """What an uninitialized tensor can do: tell its dtype and device, convert, materialize.

    The array of the tensor stands behind a property that raises, so every operation says what is
    wrong.
    """

    __slots__ = ()
    cls_to_become: type[Tensor]

    @property
    def _array(self) -> np.ndarray:
        raise ValueError(
            "Attempted to use an uninitialized parameter. This error happens when you are using a "
            "`LazyModule` or explicitly manipulating `torch.nn.parameter.UninitializedParameter` "
            "objects. When using LazyModules Call `forward` with a dummy batch to initialize the "
            "parameters before calling torch functions"
        )

    @_array.setter
    def _array(self, array: np.ndarray) -> None:
        _slot.__set__(self, array)

    def _empty(self) -> Tensor:
        """A tensor without elements, of the dtype and device that this one will have."""
        plain = Tensor()
        plain._array = _slot.__get__(self)
        return plain

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a parameter or buffer of `shape`, its values uninitialised."""
        own = self._empty()
        made = empty(shape, device=device or own.device, dtype=dtype or own.dtype)
        _slot.__set__(self, made._array)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        """Raises RuntimeError: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    @property
    def dtype(self) -> Any:
        """The dtype that the values will have."""
        return self._empty().dtype

    @property
    def device(self) -> Device:
        """Where the values will be."""
        return self._empty().device

    @property
    def data(self) -> Tensor:
        """A tensor without elements; assigned to by conversions of the module."""
        return self._empty()

    @data.setter
    def data(self, value: Tensor) -> None:
        _slot.__set__(self, value._array)

    def detach(self) -> Any:
        """Itself: there are no values to share."""
        return self

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating point one."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the dtype is complex."""
        return self.dtype.is_complex

    def to(self, *args: Any, **options: Any) -> Tensor:
        """A tensor without elements of another dtype or device."""
        return self._converted(self._empty().to(*args, **options))

    def cpu(self) -> Tensor:
        """A tensor without elements on the CPU."""
        return self._converted(self._empty().cpu())

    def type(self, *args: Any) -> Any:
        """The type's name, or a tensor without elements of another type."""
        found = self._empty().type(*args)
        return found if isinstance(found, str) else self._converted(found)

    def _converted(self, empty: Tensor) -> Tensor:
        return empty

    def share_memory_(self) -> Any:
        """Raises RuntimeError: there is no memory yet."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = memo[id(self)] = _made(type(self), *self._described())
        return copied

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _made, (type(self), *self._described())

    def _described(self) -> tuple[bool, Any, Any]:
        return self._node is not None, self.device, self.dtype  # type: ignore[attr-defined]


def _made(cls: Any, requires_grad: bool, device: Any, dtype: Any) -> Any:
    return cls(requires_grad=requires_grad, device=device, dtype=dtype)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter without shape or values; `materialize(shape)` turns it into a `Parameter`.

    >>> import rushlight as rl
    >>> weight = rl.nn.UninitializedParameter()
    >>> weight
    <UninitializedParameter>
    >>> weight.materialize((2, 3)); weight.shape
    torch.Size([2, 3])
    """

    __slots__ = ()
    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        made: Any = Parameter(empty(0, device=device, dtype=dtype), requires_grad)
        made.__class__ = cls
        return made


class UninitializedBuffer(UninitializedTensorMixin, Buffer):  # type: ignore[misc]
    """A buffer without shape or values; `materialize(shape)` turns it into a `Buffer`."""

    __slots__ = ()
    cls_to_become = Buffer

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        made: Any = Parameter(empty(0, device=device, dtype=dtype), requires_grad)
        made.__class__ = cls
        made.persistent = persistent
        return made

    def _converted(self, empty: Tensor) -> Tensor:
        # A module takes what the conversion of a buffer returns in its place.
        return UninitializedBuffer(False, empty.device, empty.dtype, self.persistent)


def is_lazy(tensor: Any) -> bool:
    """Whether `tensor` is uninitialized."""
    return isinstance(tensor, UninitializedTensorMixin)
