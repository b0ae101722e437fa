"""Kinds of device by name, and the errors of devices that programs name in `except`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from rushlight import cpu, cuda, mps, mtia, xpu
from rushlight.cuda import OutOfMemoryError

__all__ = ["AcceleratorError", "OutOfMemoryError", "get_device_module"]


class AcceleratorError(RuntimeError):
    """An error on an accelerator. Never raised here."""


def get_device_module(device: Any = None) -> ModuleType:
    """The module of a kind of device: `cpu`, which is also the answer for None, or `cuda`, ...

    Raises RuntimeError for a kind that has none.

    >>> import rushlight as rl
    >>> rl.get_device_module("cpu") is rl.cpu
    True
    """
    kind = "cpu" if device is None else str(device).partition(":")[0]
    modules = {"cpu": cpu, "cuda": cuda, "mps": mps, "mtia": mtia, "xpu": xpu}
    if kind not in modules:
        raise RuntimeError(f"Device '{kind}' does not have a corresponding module registered as "
                           f"'torch.{kind}': there are {', '.join(modules)}")
    return modules[kind]
