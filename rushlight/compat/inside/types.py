"""Types for annotations, under their names in `torch.types`."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, Any

from rushlight.base.device import device as _device
from rushlight.base.dtypes import dtype as _dtype
from rushlight.base.shapes import Size
from rushlight.tensor import Tensor
from rushlight.tensor.storage import UntypedStorage
from rushlight.tensor.storage import layout as _layout

_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex
_TensorOrTensors = Tensor | Sequence[Tensor]
_size = Size | list[int] | tuple[int, ...]
_symsize = _size
_device_t = _device | str | int | None
_dispatchkey = str

Device = _device | str | int | None
Number = int | float | bool
FileLike = str | os.PathLike[str] | IO[bytes]
IntLikeType, FloatLikeType, BoolLikeType = int, float, bool
PySymType = int | float | bool
py_sym_types = (int, float, bool)
Storage = UntypedStorage

__all__ = ["Any", "BoolLikeType", "Device", "FileLike", "FloatLikeType", "IntLikeType", "Number",
           "PySymType", "Size", "Storage", "Tensor", "py_sym_types", "_bool", "_complex",
           "_device", "_dtype", "_float", "_int", "_layout", "_size"]
