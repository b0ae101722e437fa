"""What training programs use beside nets: data loading, hooks, exchange with other libraries."""

from rushlight.utils import data, dlpack, hooks

__all__ = ["data", "dlpack", "hooks"]
