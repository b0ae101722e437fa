"""Memory that processes share, without a name in the file system, and arrays that lie in it."""

from __future__ import annotations

import mmap
import os
from typing import Any

import numpy as np

from rushlight.tensor.storage import root_of


class Segment(mmap.mmap):
    """Shared memory that knows its descriptor."""

    descriptor: int = -1

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


def opened(descriptor: int, size: int) -> Segment:
    """The shared memory behind a descriptor, which it owns from now on."""
    segment = Segment(descriptor, size)
    segment.descriptor = descriptor
    return segment


def new_segment(size: int) -> Segment:
    """Shared memory of `size` bytes, all zero."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("rushlight", os.MFD_CLOEXEC)
    else:
        path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"rushlight-{os.urandom(8).hex()}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(path)
    try:
        os.truncate(descriptor, size)
        return opened(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise


def segment_of(array: Any) -> Segment | None:
    """The shared memory below an array; None where its memory is the process's own."""
    base = root_of(array).base if isinstance(array, np.ndarray) else None
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, Segment) else None
