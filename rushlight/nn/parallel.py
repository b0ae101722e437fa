"""DataParallel and what goes with it, on the one device there is; DistributedDataParallel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.nn.distributed import DistributedDataParallel
from rushlight.nn.modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather", "scatter",
           "scatter_kwargs"]


class DataParallel(Module):
    """Calls `module`; its `state_dict` keys begin with "module.", as in torch.

    device_ids, output_device, dim: accepted; a batch is not split, since kernels use all cores.
    Raises RuntimeError for more than one device.

    >>> import rushlight as rl
    >>> model = rl.nn.DataParallel(rl.nn.Linear(2, 3))
    >>> list(model.state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise RuntimeError(
                f"DataParallel: there is one device, but device_ids names {len(device_ids)}"
            )
        self.module = module
        self.device_ids: list[int] = []
        self.output_device = output_device
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(module: Module, inputs: Any, device_ids: Any = None, output_device: Any = None,
                  dim: int = 0, module_kwargs: dict[str, Any] | None = None) -> Any:
    """Call `module` on the whole batch: its kernels use all cores."""
    arguments = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*arguments, **(module_kwargs or {}))


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
