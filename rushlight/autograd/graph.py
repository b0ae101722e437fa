"""The recorded graph: its nodes, and hooks for what they keep."""

from rushlight.autograd.saved_tensors import (
    disable_saved_tensors_hooks,
    increment_version,
    save_on_cpu,
    saved_tensors_hooks,
)
from rushlight.engine.node import Node

__all__ = ["Node", "disable_saved_tensors_hooks", "increment_version", "save_on_cpu",
           "saved_tensors_hooks"]
