"""Parts that concern states of devices and memory, where there is one device."""

from __future__ import annotations

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
from rushlight.tensor.storage import memory_format

__all__ = ["_EXTRA_STATE_KEY_SUFFIX", "_global_parameter_registration_hooks",
           "get_device_states", "set_device_states", "swap_tensors"]


def get_device_states(*arguments: Any) -> tuple[list[int], list[Tensor]]:
    """The accelerators that hold the arguments, and their random states: none."""
    return [], []


def set_device_states(devices: Any, states: Any, **options: Any) -> None:
    """Set the random states of accelerators: there are none."""


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange two tensors' contents, so that every holder of the one sees the other."""
    one, other = t1.data, t2.data
    flags = t1.requires_grad, t2.requires_grad
    for target, source, flag in ((t1, other, flags[1]), (t2, one, flags[0])):
        target.data = source
        target.requires_grad_(flag)


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
