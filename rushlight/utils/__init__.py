"""What training programs use beside nets: data loading, checkpoints, hooks, exchange."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.base.first_use import names_on_first_use as _names_on_first_use
from rushlight.utils import dlpack

if _TYPE_CHECKING:
    from rushlight.utils import checkpoint, data, hooks, pytree

__all__ = ["checkpoint", "data", "dlpack", "hooks", "pytree"]

__getattr__, __dir__ = _names_on_first_use(globals(), {name: name for name in __all__})
