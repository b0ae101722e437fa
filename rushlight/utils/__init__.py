"""What training programs use beside nets: data loading, hooks."""

from rushlight.utils import data, hooks

__all__ = ["data", "hooks"]
