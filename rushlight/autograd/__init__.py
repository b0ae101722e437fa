"""Automatic differentiation: modes, gradients of several tensors, functions of one's own, checks.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from rushlight.autograd import graph
from rushlight.autograd.anomaly_mode import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from rushlight.autograd.function import Function, once_differentiable
from rushlight.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from rushlight.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from rushlight.autograd.gradient import backward, grad
from rushlight.autograd.variable import Variable

if _TYPE_CHECKING:
    from rushlight.autograd import forward_ad, functional


def __getattr__(name: str) -> _Any:
    """Import what few programs need when it is first asked for."""
    if name in ("forward_ad", "functional"):
        return _import_module(f"rushlight.autograd.{name}")
    if name == "profiler":
        return _import_module("rushlight.profiler")
    raise AttributeError(f"module 'rushlight.autograd' has no attribute '{name}'")


__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]
