"""What `save` and `load` do unless they are told otherwise: the settings of a process."""

from __future__ import annotations

import mmap as memory_maps
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

PRIVATE = getattr(memory_maps, "MAP_PRIVATE", 2)
SHARED = getattr(memory_maps, "MAP_SHARED", 1)


class LoadEndianness(Enum):
    """The byte order of files that do not say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class LoadOptions:
    """`mmap`: what `load(mmap=None)` does. `mmap_flags`: MAP_PRIVATE, or MAP_SHARED to have writes
    to mapped tensors reach the file. `endianness`: None is little."""

    def __init__(self) -> None:
        self.mmap = False
        self.mmap_flags = PRIVATE
        self.endianness: LoadEndianness | None = None
        self.calculate_storage_offsets = False  # kept, without effect


class SaveOptions:
    """`compute_crc32` is kept: checksums are always written. So are the other two."""

    def __init__(self) -> None:
        self.compute_crc32 = True
        self.use_pinned_memory_for_d2h = False
        self.storage_alignment = 64


loading, saving = LoadOptions(), SaveOptions()
_without_data = False


def get_crc32_options() -> bool:
    """What `set_crc32_options` was last given."""
    return saving.compute_crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Accepted; files always get their checksums, which is what finds damage later."""
    saving.compute_crc32 = compute_crc32


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order of files that do not say theirs; None, as little."""
    return loading.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Say which byte order files have that do not say theirs. Raises TypeError for other types.

    >>> from rushlight.serialization import LoadEndianness, set_default_load_endianness
    >>> set_default_load_endianness(LoadEndianness.LITTLE)
    >>> set_default_load_endianness(None)
    """
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness: expected "
                        f"LoadEndianness or None, but got {type(endianness).__name__}")
    loading.endianness = endianness


def get_default_mmap_options() -> int:
    """How `load(mmap=True)` maps files: `mmap.MAP_PRIVATE` or `mmap.MAP_SHARED`."""
    return loading.mmap_flags


class set_default_mmap_options:  # noqa: N801 - torch's name
    """Map files with `mmap.MAP_PRIVATE` (writes stay here) or `mmap.MAP_SHARED` (they reach the
    file) from now on, or for the time of a `with` block. Raises ValueError for other flags.

    >>> import mmap
    >>> from rushlight.serialization import get_default_mmap_options, set_default_mmap_options
    >>> with set_default_mmap_options(mmap.MAP_SHARED):
    ...     get_default_mmap_options() == mmap.MAP_SHARED
    True
    """

    def __init__(self, flags: int) -> None:
        if flags not in (PRIVATE, SHARED):
            raise ValueError("Invalid argument in function set_default_mmap_options, expected "
                             f"mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got {flags}")
        self._before = loading.mmap_flags
        loading.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        loading.mmap_flags = self._before


@contextmanager
def skip_data(materialize_fake_tensors: bool = False) -> Iterator[None]:
    """Within the block, `save` leaves zeros where the data of tensors belong, to be filled later,
    and `load` reads everything but the data: tensors of zeros.

    >>> import io
    >>> import rushlight as rl
    >>> file = io.BytesIO()
    >>> rl.save(rl.ones(2), file)
    >>> _ = file.seek(0)
    >>> with rl.serialization.skip_data():
    ...     rl.load(file)
    tensor([0., 0.])
    """
    global _without_data
    before, _without_data = _without_data, True
    try:
        yield
    finally:
        _without_data = before


def without_data() -> bool:
    """Whether this is within `skip_data()`."""
    return _without_data
