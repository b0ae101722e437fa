"""DataParallel, on the one device there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight.nn.modules.module import Module


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
