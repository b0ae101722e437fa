"""`torch.utils._python_dispatch`: modes that see operations by the names of ATen."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from rushlight.overrides import TorchFunctionMode, resolve_name
from rushlight.tensor import Tensor

__all__ = ["OpOverload", "TorchDispatchMode", "is_traceable_wrapper_subclass"]

# The overloads that Python's numbers and tensors lead to.
_OF_TENSORS = frozenset(("add", "sub", "mul", "div", "add_", "sub_", "mul_", "div_", "remainder",
                         "bitwise_and", "bitwise_or", "bitwise_xor"))
_INNER = {"softmax": "_softmax", "log_softmax": "_log_softmax", "getitem": "index"}
_OF_EITHER = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))


class OpOverload:
    """An operation as `__torch_dispatch__` is given it: prints as aten.add.Tensor; is called."""

    def __init__(self, function: Callable[..., Any], name: str, overload: str) -> None:
        self._function = function
        self._opname, self._overloadname = name, overload
        self.__name__ = f"{name}.{overload}"
        self.namespace = "aten"
        self._schema = SimpleNamespace(
            name=f"aten::{name}", overload_name="" if overload == "default" else overload)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def name(self) -> str:
        """Its name with two colons: aten::add.Tensor."""
        return f"aten::{self._opname}" + (
            "" if self._overloadname == "default" else f".{self._overloadname}")

    def __str__(self) -> str:
        return f"aten.{self._opname}.{self._overloadname}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self._opname}', overload='{self._overloadname}')>"


def _overload(name: str, args: tuple[Any, ...]) -> str:
    if name in _OF_TENSORS:
        return "Tensor"
    if name in _OF_EITHER and len(args) > 1:
        return "Tensor" if isinstance(args[1], Tensor) else "Scalar"
    if name in ("pow", "pow_") and len(args) > 1:
        return "Tensor_Tensor" if isinstance(args[1], Tensor) else "Tensor_Scalar"
    return "default"


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
        if name == "matmul" and all(getattr(one, "ndim", 0) == 2 for one in args):
            name = "mm"
        name = _INNER.get(name, name)
        operation = OpOverload(func, name, _overload(name, args))
        return self.__torch_dispatch__(operation, types, args, kwargs or {})

    def __torch_dispatch__(self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        """The result of `func(*args, **kwargs)`; to be written by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} defines no __torch_dispatch__(self, "
                                  "func, types, args=(), kwargs=None)")


def is_traceable_wrapper_subclass(tensor: Any) -> bool:
    """Whether a compiler may look into a tensor that holds others: False, there is none."""
    return False
