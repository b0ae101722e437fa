"""`torch._utils`: lists of tensors as one tensor, errors of workers, devices by number."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rushlight.base.device import device as _device
from rushlight.ops import cat
from rushlight.tensor import Tensor


def _flatten_dense_tensors(tensors: Iterable[Tensor]) -> Tensor:
    return cat([tensor.contiguous().view(-1) for tensor in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    parts = flat.split([tensor.numel() for tensor in tensors])
    return tuple(part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True))


def _take_tensors(tensors: Iterable[Tensor], size_limit: int) -> Iterable[list[Tensor]]:
    group: list[Tensor] = []
    size = 0
    for tensor in tensors:
        bytes_ = tensor.numel() * tensor.element_size()
        if group and size + bytes_ > size_limit:
            yield group
            group, size = [], 0
        group.append(tensor)
        size += bytes_
    if group:
        yield group


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> int:
    found = _device(device) if isinstance(device, str) else device
    if isinstance(found, int):
        return found
    if isinstance(found, _device) and (found.type != "cpu" or allow_cpu):
        return -1 if found.type == "cpu" else found.index or 0
    if found is None and optional:
        return 0
    raise ValueError(f"Expected a torch.device with a specified index or an integer, but got: "
                     f"{device}")


def _get_available_device_type() -> str | None:
    return None


def is_compiling() -> bool:
    """Whether a compiler is tracing: False."""
    return False


class KeyErrorMessage(str):
    """A text that a KeyError shows with its lines as they are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """The exception being handled, with its traceback as text, to be raised in another place."""

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        kind, value, trace = exc_info or sys.exc_info()
        self.exc_type: Any = kind
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise an exception of the same type; RuntimeError where that has other arguments."""
        text = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        try:
            error = self.exc_type(KeyErrorMessage(text) if self.exc_type is KeyError else text)
        except Exception:
            raise RuntimeError(text) from None
        raise error


def render_call(function: Callable[..., Any], arguments: Any, options: Any) -> str:
    """A call as text."""
    shown = [*map(repr, arguments), *(f"{name}={value!r}" for name, value in options.items())]
    return f"{getattr(function, '__name__', function)}({', '.join(shown)})"
