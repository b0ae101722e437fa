"""Names that programs take from torch's compiled part."""

from __future__ import annotations

from rushlight.families.override import disabled as _disabled_torch_function_impl
from rushlight.overrides import DisableTorchFunction, DisableTorchFunctionSubclass
from rushlight.random import Generator

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator",
           "_disabled_torch_function_impl"]
