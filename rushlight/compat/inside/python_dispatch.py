"""`torch.utils._python_dispatch`: modes and classes that see operations by the names of ATen."""

from __future__ import annotations

from typing import Any

from rushlight.families.overloads import OpOverload, called
from rushlight.overrides import TorchFunctionMode, resolve_name
from rushlight.tensor import Tensor

__all__ = ["OpOverload", "TorchDispatchMode", "is_traceable_wrapper_subclass",
           "return_and_correct_aliasing"]


class TorchDispatchMode(TorchFunctionMode):
    """A block in which `__torch_dispatch__(func, types, args, kwargs)` is given every operation.

    It sees the functions that are called, by ATen's names (`linear` as one), and of the run
    backwards what is called as a function there, not its kernels. Meanwhile only the modes around
    it are active, so it may call `func`.
    """

    def __torch_function__(self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        name = getattr(func, "__name__", "__")
        if name.startswith("__") or resolve_name(func) is None:  # a property
            return func(*args, **(kwargs or {}))
        operation, args = called(func, args)
        return self.__torch_dispatch__(operation, types, args, kwargs or {})

    def __torch_dispatch__(self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        """The result of `func(*args, **kwargs)`; to be written by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} defines no __torch_dispatch__(self, "
                                  "func, types, args=(), kwargs=None)")


def is_traceable_wrapper_subclass(tensor: Any) -> bool:
    """Whether a tensor's class says how to take it apart and put it together again."""
    cls = tensor if isinstance(tensor, type) else type(tensor)
    return issubclass(cls, Tensor) and cls is not Tensor and all(
        hasattr(cls, name) for name in ("__tensor_flatten__", "__tensor_unflatten__"))


def return_and_correct_aliasing(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    """`out`; for an operation that writes, its first argument: what is given back to programs."""
    return args[0] if str(func).split(".")[1].endswith("_") else out
