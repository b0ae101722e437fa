"""`torch._check` and its like: conditions that a program states, raised where they do not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.overrides import handle_torch_function, has_torch_function
from rushlight.tensor import Tensor

Message = Callable[[], str] | None


def _checker(error: type[Exception]) -> Callable[..., None]:
    def check(cond: Any, message: Message = None) -> None:
        if not cond:
            raise error("Expected cond to be True, but got False." if message is None
                        else message() if callable(message) else message)

    return check


_check = _checker(RuntimeError)
_check_index = _checker(IndexError)
_check_value = _checker(ValueError)
_check_type = _checker(TypeError)
_check_not_implemented = _checker(NotImplementedError)


def _check_with(error_type: type[Exception], cond: Any, message: Message = None) -> None:
    _checker(error_type)(cond, message)


def _check_is_size(i: Any, message: Message = None, *, max: int | None = None) -> None:
    _check(i >= 0 and (max is None or i <= max), message)


def _check_tensor_all(cond: Tensor, message: Message = None) -> None:
    _check_tensor_all_with(RuntimeError, cond, message)


def _check_tensor_all_with(error_type: type[Exception], cond: Tensor,
                           message: Message = None) -> None:
    _check_with(error_type, cond.all().item(), message)


def _assert(condition: Any, message: str) -> None:
    if not isinstance(condition, bool | Tensor) and has_torch_function((condition,)):
        handle_torch_function(_assert, (condition,), condition, message)  # fx records it
    elif not condition:
        raise AssertionError(message)


def _assert_async(input: Tensor, assert_msg: str = "Expected Tensor to be nonzero") -> None:
    _check(input.item(), lambda: assert_msg)
