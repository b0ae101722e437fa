"""What programs ask about CUDA before they use it: there is none in this build."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import nullcontext
from importlib import import_module
from typing import Any, NoReturn

from rushlight.base.device import device as _device
from rushlight.cuda.streams import (
    CUDAGraph,
    CudaTensorType,
    Event,
    ExternalStream,
    OutOfMemoryError,
    Stream,
    refuse,
)

__all__ = ["CUDAGraph", "Event", "ExternalStream", "OutOfMemoryError", "Stream",
           "current_device", "current_stream", "default_stream", "device", "device_count",
           "device_of", "empty_cache", "get_arch_list", "get_device_capability",
           "get_device_name", "get_device_properties", "get_rng_state", "get_rng_state_all",
           "init", "initial_seed", "ipc_collect", "is_available", "is_bf16_supported",
           "is_current_stream_capturing", "is_initialized", "is_tf32_supported", "manual_seed",
           "manual_seed_all", "max_memory_allocated", "max_memory_cached", "max_memory_reserved",
           "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved",
           "memory_stats", "memory_summary", "reset_max_memory_allocated",
           "reset_max_memory_cached", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
           "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "stream",
           "synchronize", "utilization"]

default_generators: tuple[Any, ...] = ()
has_magma = has_half = False


def is_available() -> bool:
    """Whether tensors can lie on a CUDA device: False.

    >>> import rushlight as rl
    >>> "cuda" if rl.cuda.is_available() else "cpu"
    'cpu'
    """
    return False


def is_initialized() -> bool:
    """Whether a CUDA device is in use: False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a CUDA device computes in bfloat16: False."""
    return False


def is_tf32_supported() -> bool:
    """Whether a CUDA device computes in TensorFloat-32: False."""
    return False


def is_current_stream_capturing() -> bool:
    """Whether calls are being recorded into a CUDA graph: False."""
    return False


def device_count() -> int:
    """The number of CUDA devices: 0."""
    return 0


def get_arch_list() -> list[str]:
    """The CUDA architectures that this build knows: none."""
    return []


def _nothing(what: str) -> Any:
    def ignored(*arguments: Any, **options: Any) -> None:
        pass

    ignored.__doc__ = f"{what}: there is no CUDA device, so nothing is done."
    return ignored


def _zero(what: str) -> Any:
    def zero(device: Any = None) -> int:
        return 0

    zero.__doc__ = f"{what}, in bytes: 0."
    return zero


def _none(what: str) -> Any:
    def missing(*arguments: Any, **options: Any) -> NoReturn:
        refuse()

    missing.__doc__ = f"{what}. Raises AssertionError: there is no CUDA device."
    return missing


manual_seed = _nothing("Seed the current CUDA device")
manual_seed_all = _nothing("Seed all CUDA devices")
seed = _nothing("Seed the current CUDA device by chance")
seed_all = _nothing("Seed all CUDA devices by chance")
empty_cache = _nothing("Free unused memory of CUDA devices")
reset_peak_memory_stats = _nothing("Forget the largest use of memory")
reset_max_memory_allocated = _nothing("Forget the largest use of memory")
reset_max_memory_cached = _nothing("Forget the largest use of memory")
set_rng_state_all = _nothing("Set the random states of all CUDA devices")
set_per_process_memory_fraction = _nothing("Limit the memory of a CUDA device")

memory_allocated = _zero("What tensors hold on a CUDA device")
max_memory_allocated = _zero("The most that tensors held on a CUDA device")
memory_reserved = memory_cached = _zero("What is kept for tensors on a CUDA device")
max_memory_reserved = max_memory_cached = _zero("The most that was kept for tensors")

synchronize = _none("Wait for a CUDA device")
current_device = _none("The number of the CUDA device in use")
set_device = _none("Choose the CUDA device to use")
get_device_name = _none("The name of a CUDA device")
get_device_capability = _none("What a CUDA device can do, as two numbers")
get_device_properties = _none("What a CUDA device is and has")
get_rng_state = _none("The random state of a CUDA device")
set_rng_state = _none("Set the random state of a CUDA device")
initial_seed = _none("The seed of the current CUDA device")
mem_get_info = _none("The free and total memory of a CUDA device")
current_stream = _none("The stream in use")
default_stream = _none("The stream that is used without a choice")
ipc_collect = _none("Free memory shared with processes that have ended")
init = _none("Start using CUDA")
utilization = _none("How busy a CUDA device is, in percent")


def get_rng_state_all() -> list[Any]:
    """The random states of all CUDA devices: none."""
    return []


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """Figures about the memory of a CUDA device: none."""
    return OrderedDict()


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Figures about the memory of a CUDA device as text."""
    return "No CUDA device, so none of its memory is used."


def stream(stream: Any = None) -> Any:
    """A block whose work goes to `stream`; None, all that there is, changes nothing."""
    return nullcontext()


class device:  # noqa: N801 - torch's name
    """A block on a CUDA device: None and -1 mean no choice; others raise AssertionError."""

    def __init__(self, device: Any) -> None:
        self.idx = device.index if isinstance(device, _device) else device

    def __enter__(self) -> None:
        if self.idx not in (None, -1):
            refuse()

    def __exit__(self, *error: Any) -> None:
        """Nothing was changed."""


class device_of(device):  # noqa: N801 - torch's name
    """A block on the device of a tensor, which is no CUDA device: nothing changes."""

    def __init__(self, obj: Any) -> None:
        super().__init__(-1)


def __getattr__(name: str) -> Any:
    if name in ("amp", "nvtx"):  # mixed precision is imported when it is first used
        return import_module(f"rushlight.cuda.{name}")
    if name.endswith("Tensor") and name[:1].isupper():
        return CudaTensorType(name, (), {"__module__": "torch.cuda", "is_cuda": True})
    raise AttributeError(f"module 'rushlight.cuda' has no attribute '{name}'")
