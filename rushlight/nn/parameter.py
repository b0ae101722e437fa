"""Parameter, the tensor that an optimizer changes, and Buffer, the one it leaves alone."""

from __future__ import annotations

from rushlight.tensor import Parameter, Tensor

__all__ = ["Buffer", "Parameter"]


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned to an attribute.

    ``persistent=False`` leaves it out of ``state_dict``. It shares memory with ``data``.

    >>> import rushlight as rl
    >>> module = rl.nn.Module()
    >>> module.mean = rl.nn.Buffer(rl.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    def __new__(cls, data: Tensor, *, persistent: bool = True) -> Buffer:
        buffer = data.detach().as_subclass(cls)
        buffer.persistent = persistent
        return buffer
