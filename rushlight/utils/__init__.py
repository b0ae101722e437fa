"""What training programs use beside nets: data loading, checkpoints, hooks, exchange."""

from rushlight.utils import checkpoint, data, dlpack, hooks, pytree

__all__ = ["checkpoint", "data", "dlpack", "hooks", "pytree"]
