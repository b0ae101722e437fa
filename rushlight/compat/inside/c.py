"""`torch._C`: the few parts of torch's compiled inside that programs reach into."""

from __future__ import annotations

from types import SimpleNamespace

from rushlight._C import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    _disabled_torch_function_impl,
)
from rushlight.base.device import device
from rushlight.base.dtypes import default_dtype as _get_default_dtype
from rushlight.base.dtypes import dtype
from rushlight.base.shapes import Size
from rushlight.families.override import state as _overriding
from rushlight.nn import functional as _nn
from rushlight.random import Generator, default_generator
from rushlight.tensor import Tensor
from rushlight.tensor.storage import layout, memory_format

TensorType = IntType = ListType = type("TensorType", (), {})  # of graphs, which are not made
_TensorMeta = type(Tensor)
TensorBase = _TensorBase = Tensor
Node = ScriptObject = Value = Graph = type("Node", (), {})
ScriptMethod = ScriptFunction = type("ScriptFunction", (), {})
_functions = SimpleNamespace()
_profiler = SimpleNamespace(_ExperimentalConfig=SimpleNamespace)  # settings of torch's own tracer
_has_cuda = has_cuda = _has_mps = False
_GLIBCXX_USE_CXX11_ABI = True

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size",
           "TensorBase", "_disabled_torch_function_impl", "default_generator",
           "device", "dtype", "layout", "memory_format", "_get_default_dtype", "_nn"]


def _log_api_usage_once(event: str) -> None:
    """Nothing is reported to anybody."""


def _get_tracing_state() -> None:
    """The tracing that is going on: none."""


def _is_torch_function_mode_enabled() -> bool:
    """Whether a `TorchFunctionMode` is asked for the functions that are called."""
    return bool(_overriding.modes) and _overriding.off < 2


def _are_functorch_transforms_active() -> bool:
    """Whether a transform follows what is computed: programs ask to leave quick ways out."""
    return False


def _is_tracing() -> bool:
    return False


def _jit_set_profiling_executor(enabled: bool) -> bool:
    return False


_jit_set_profiling_mode = _jit_override_can_fuse_on_cpu = _jit_set_profiling_executor
_jit_set_texpr_fuser_enabled = _jit_set_nvfuser_enabled = _jit_set_profiling_executor


def _cuda_getDeviceCount() -> int:
    return 0
