"""The old name of a tensor that requires grad."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.tensor import Tensor, wrap


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """A tensor, as programs before 2018 asked for one: `Variable(data, requires_grad=True)`.

    Args:
        data: the tensor whose memory is used.
        requires_grad: record what is done with it.
        volatile: removed long ago: a warning says to use `no_grad`.

    Returns a tensor that shares memory with `data`.

    >>> import rushlight as rl
    >>> x = rl.autograd.Variable(rl.ones(2, 2), requires_grad=True)
    >>> (x + 2).mean().backward()
    >>> x.grad
    tensor([[0.2500, 0.2500],
            [0.2500, 0.2500]])
    """

    def __new__(
        cls, data: Any = None, requires_grad: bool = False, volatile: bool | None = None
    ) -> Any:
        """The tensor; there are no Variable objects."""
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile is not None:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                UserWarning, stacklevel=2,
            )
        made = wrap(data._array)
        made._writes = data.detach()._writes
        if requires_grad:
            made.requires_grad_()
        return made
