"""`torch.nn.parallel`: one device, so a module stands for its parallel form."""

from __future__ import annotations

from typing import Any, NoReturn

from rushlight.nn.modules.module import Module
from rushlight.nn.parallel import DataParallel

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather",
           "scatter", "scatter_kwargs"]


def data_parallel(module: Module, inputs: Any, device_ids: Any = None, output_device: Any = None,
                  dim: int = 0, module_kwargs: dict[str, Any] | None = None) -> Any:
    """Call `module` on the whole batch: its kernels use all cores."""
    arguments = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*arguments, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Raises RuntimeError: there are no process groups."""

    def __init__(self, module: Module, *arguments: Any, **options: Any) -> None:
        super().__init__()
        _refuse()


def _refuse() -> NoReturn:
    raise RuntimeError("Default process group has not been initialized, please make sure to call "
                       "init_process_group: Rushlight trains in one process, whose kernels use "
                       "all cores; use the module itself")


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> tuple[Any, ...]:
    """The inputs for each device: there is one."""
    return (inputs,)


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Any, dim: int = 0) -> tuple[Any, Any]:
    """The arguments for each device: there is one."""
    return (inputs,), (kwargs or {},)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """The outputs of all devices together: there is one."""
    (output,) = outputs
    return output
