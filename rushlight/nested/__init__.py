"""Nested tensors, torch's door to batches of different sizes; `rl.ragged` is the other one."""

from __future__ import annotations

from rushlight.nested import (  # noqa: F401 - they answer calls
    dispatch,
    gradients,
    indexing,
    products,
    shapes,
)
from rushlight.nested.making import (
    as_nested_tensor,
    masked_select,
    narrow,
    nested_tensor,
    nested_tensor_from_jagged,
    to_padded_tensor,
)
from rushlight.nested.tensor import NestedTensor

__all__ = ["NestedTensor", "as_nested_tensor", "masked_select", "narrow", "nested_tensor",
           "nested_tensor_from_jagged", "to_padded_tensor"]
