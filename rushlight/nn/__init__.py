"""Neural networks: modules, their parameters, initial values, losses, helpers."""

from __future__ import annotations

from rushlight.nn import attention, functional, grad, init, modules, parallel, parameter, utils
from rushlight.nn.factory import factory_kwargs
from rushlight.nn.modules import *  # noqa: F403  (its `__all__` is the index of the layers)
from rushlight.nn.parallel import DataParallel
from rushlight.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

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
