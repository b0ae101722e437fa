"""`torch._C._functorch`: whether a tensor is one of a transform's."""

from __future__ import annotations

from typing import Any

from rushlight.compat.inside.vmap import _add_batch_dim, _remove_batch_dim
from rushlight.transforms.batched import Batched

__all__ = ["_add_batch_dim", "_remove_batch_dim", "get_unwrapped", "is_batchedtensor",
           "is_functorch_wrapped_tensor", "is_gradtrackingtensor", "is_legacy_batchedtensor"]


def is_batchedtensor(tensor: Any) -> bool:
    """Whether `vmap` has hidden a dimension of the tensor."""
    return isinstance(tensor, Batched)


def is_gradtrackingtensor(tensor: Any) -> bool:
    """Whether a transform follows the tensor for its gradient."""
    return False


def is_functorch_wrapped_tensor(tensor: Any) -> bool:
    """Whether a transform follows the tensor."""
    return is_batchedtensor(tensor)


def is_legacy_batchedtensor(tensor: Any) -> bool:
    """Whether an older `vmap` has hidden a dimension: there is none."""
    return False


def get_unwrapped(tensor: Any) -> Any:
    """The tensor itself."""
    return tensor
