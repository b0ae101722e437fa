"""Parts that concern states of devices and memory, where there is one device."""

from __future__ import annotations

import weakref
from typing import Any

from rushlight.base.device import as_device
from rushlight.base.dtypes import dtype as _dtype
from rushlight.devices import get_device_module
from rushlight.hub import get_dir
from rushlight.nn.modules.members import (
    parameter_registration_hooks as _global_parameter_registration_hooks,
)
from rushlight.nn.modules.state_dict import EXTRA_STATE_KEY_SUFFIX as _EXTRA_STATE_KEY_SUFFIX
from rushlight.ops import tensor
from rushlight.tensor import Tensor
from rushlight.tensor.storage import contiguous_format as legacy_contiguous_format
from rushlight.tensor.storage import memory_format

__all__ = ["_EXTRA_STATE_KEY_SUFFIX", "_global_parameter_registration_hooks",
           "get_device_states", "legacy_contiguous_format", "set_device_states", "swap_tensors"]


def get_device_states(*arguments: Any) -> tuple[list[int], list[Tensor]]:
    """The accelerators that hold the arguments, and their random states: none."""
    return [], []


def set_device_states(devices: Any, states: Any, **options: Any) -> None:
    """Set the random states of accelerators: there are none."""


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange two tensors as objects: memory, graph, attributes and class.

    Raises RuntimeError where one has weak references, which would then lead to the other.
    """
    for one in (t1, t2):
        if weakref.getweakrefs(one):
            raise RuntimeError("Cannot swap t1 or t2 if it has weakref associated with it")
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
    for name in ("_array", "_node", "_writes", "_view"):
        one, other = getattr(t1, name), getattr(t2, name)
        setattr(t1, name, other)
        setattr(t2, name, one)


def _shape_as_tensor(input: Tensor) -> Tensor:
    return tensor(list(input.shape))


def _get_torch_home() -> str:
    return get_dir().rpartition("/")[0]


def _parse_to(*arguments: Any, **options: Any) -> Any:
    """What the arguments of `to` say: device, dtype, non_blocking, memory format."""
    device, dtype = options.get("device"), options.get("dtype")
    flags = []
    for value in arguments:
        if isinstance(value, Tensor):
            device, dtype = value.device, value.dtype
        elif isinstance(value, _dtype):
            dtype = value
        elif isinstance(value, bool):
            flags.append(value)
        elif isinstance(value, memory_format):
            options["memory_format"] = value
        elif value is not None:
            device = value
    blocking = options.get("non_blocking", flags[0] if flags else False)
    return (None if device is None else as_device(device), dtype, blocking,
            options.get("memory_format"))


def kineto_available() -> bool:
    """Whether torch's collector of traces is there: False."""
    return False


def _get_device_module(device_type: str) -> Any:
    return get_device_module(device_type)
