"""Memory that processes share, without a name in the file system, and arrays that lie in it."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

import numpy as np

from rushlight.tensor.storage import root_of

if sys.platform != "win32":
    import resource


class Segment(mmap.mmap):
    """Shared memory that knows its descriptor."""

    descriptor: int = -1
    alive: int = 0  # how many there are in this process

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            Segment.alive -= 1


def opened(descriptor: int, size: int) -> Segment:
    """The shared memory behind a descriptor, which it owns from now on."""
    segment = Segment(descriptor, size)
    segment.descriptor = descriptor
    Segment.alive += 1
    return segment


def has_room() -> bool:
    """Whether further segments leave the process most of its descriptors: each takes two."""
    if sys.platform == "win32":  # which has no descriptors to send
        return False
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit == resource.RLIM_INFINITY or Segment.alive < limit // 8


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
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)  # or a full machine would kill us later
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
