"""`torch.utils._python_dispatch`: modes that see operations below the functions; there are none."""

from __future__ import annotations

from typing import Any

__all__ = ["TorchDispatchMode", "is_traceable_wrapper_subclass"]


class TorchDispatchMode:
    """Raises NotImplementedError when entered: operations are not made of torch's smaller ones."""

    def __enter__(self) -> Any:
        raise NotImplementedError("TorchDispatchMode: there are no operations below the functions; "
                                  "overrides.TorchFunctionMode sees every function that is called")

    def __exit__(self, *exception: object) -> None:
        pass


def is_traceable_wrapper_subclass(tensor: Any) -> bool:
    """Whether a compiler may look into a tensor that holds others: False, there is none."""
    return False
