"""`torch.serialization`: types for annotations, and the pickle protocol."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any

from rushlight.base.device import device
from rushlight.compat.inside.storage import UntypedStorage

DEFAULT_PROTOCOL = 2
FILE_LIKE = FileLike = str | os.PathLike[str] | IO[bytes]
MAP_LOCATION = Callable[[Any, str], Any] | device | str | dict[str, str] | None
StorageType = UntypedStorage


class PyTorchFileReader:
    """The reader of torch's zip files, for annotations: `load` reads them."""

    def __init__(self, *arguments: Any) -> None:
        raise NotImplementedError("PyTorchFileReader: use torch.load(file, mmap=True)")
