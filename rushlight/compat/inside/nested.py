"""torch.nested._internal: programs import the class of nested tensors from its modules."""

from __future__ import annotations

from rushlight.nested.tensor import NestedTensor

__all__ = ["NestedTensor"]
