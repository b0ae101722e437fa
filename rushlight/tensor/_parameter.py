"""Parameter and Buffer: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.engine.node import LEAF, version_of
from rushlight.tensor import convert
from rushlight.tensor._tensor import Tensor, new


class Parameter(Tensor):
    """A tensor that a module counts among its parameters; it requires grad unless told not to.

    data: the values, whose memory is shared (an empty float tensor if None).

    >>> import rushlight as rl
    >>> rl.nn.Parameter(rl.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        made = new(cls)
        made._view = made._writes = None
        if data is None:
            made._array = np.empty(0, np.float32)
        else:
            if not isinstance(data, Tensor):
                raise AttributeError(f"'{type(data).__name__}' object has no attribute 'detach': "
                                     "a Parameter is made of a tensor")
            made._array, made._writes = data._array, version_of(data)
        made._node = None
        if requires_grad:
            if not (made.is_floating_point() or made.is_complex()):
                raise RuntimeError(
                    "Only Tensors of floating point and complex dtype can require gradients: this "
                    f"is {made.dtype}; give requires_grad=False")
            made.requires_grad = True
        return made

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[Any, Any]) -> Parameter:
        # Unlike other leaves, a copied parameter starts without a gradient.
        copied: Parameter = convert.deepcopy(
            self, memo, ("_grad", "_hooks", "_post_accumulate_hooks"))
        return copied


class Buffer(Tensor):
    """A tensor that a module counts among its buffers.

    persistent: whether it is part of the module's `state_dict`.
    """

    __slots__ = ()
    persistent: bool = True

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        made: Any = Parameter(data, requires_grad=False)
        made.__class__ = cls
        made.persistent = persistent
        return made


__all__ = ["LEAF", "Buffer", "Parameter"]
