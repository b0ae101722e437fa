"""Neural networks: modules, their parameters, initial values, losses, helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from rushlight.base.first_use import names_on_first_use as _names_on_first_use
from rushlight.nn import functional, init, modules, parameter
from rushlight.nn.factory import factory_kwargs
from rushlight.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

if _TYPE_CHECKING:
    from rushlight.nn import attention, grad, parallel, utils
    from rushlight.nn.modules import *  # noqa: F403  (its `__all__` is the index of the layers)
    from rushlight.nn.parallel import DataParallel

__getattr__, __dir__ = _names_on_first_use(globals(), {
    **dict.fromkeys(modules.__all__, "modules"),
    "DataParallel": "parallel",
    **{name: name for name in ("attention", "grad", "parallel", "utils")},
})

__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "factory_kwargs",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
]
__all__ += modules.__all__
