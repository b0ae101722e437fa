"""The two ways to read a pickle: data only, or whole objects by running what the pickle names."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

from rushlight.serialization.names import TABLE
from rushlight.serialization.torch_names import counterpart
from rushlight.serialization.unpickler import Unpickler

PersistentLoad = Callable[[Any], Any]


class PickleReader:
    """Reads pickles as `load` was told to.

    weights_only: build tensors and plain containers only. False imports and calls what the
    pickle names, as Python's pickle does.
    """

    def __init__(self, weights_only: bool, encoding: str) -> None:
        self.weights_only = weights_only
        self.encoding = encoding

    def read(self, data: Any, at: int, persistent_load: PersistentLoad | None) -> tuple[Any, int]:
        """The object that is pickled at a place in `data`, and the place where it ends."""
        if self.weights_only:
            safe = Unpickler(data, persistent_load, at, self.encoding)
            return safe.load(), safe.at
        file = io.BytesIO(data)
        file.seek(at)
        running = _RunningUnpickler(file, persistent_load, self.encoding)
        return running.load(), file.tell()


class _RunningUnpickler(pickle.Unpickler):
    """Python's unpickler, which runs what a pickle names; torch's names are Rushlight's here."""

    def __init__(self, file: io.BytesIO, persistent_load: PersistentLoad | None,
                 encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self._persistent_load = persistent_load

    def persistent_load(self, place: Any) -> Any:
        """The storage that a persistent id describes."""
        if self._persistent_load is None:
            raise pickle.UnpicklingError("the pickle refers to storages, where none can be")
        return self._persistent_load(place)

    def find_class(self, module: str, name: str) -> Any:
        """What a global name stands for."""
        if module.partition(".")[0] not in ("torch", "torchvision"):
            return super().find_class(module, name)
        try:
            return TABLE[module, name] if (module, name) in TABLE else counterpart(module, name)
        except LookupError:
            raise pickle.UnpicklingError(
                f"the file holds an object of {module}.{name}, which Rushlight does not have: "
                "load its state_dict() in its place") from None
