"""What groups of processes can run on: "gloo", torch's name for what works without GPUs."""

from __future__ import annotations

import os
from typing import ClassVar

_OTHERS = ("nccl", "mpi", "ucc", "xccl")


class Backend(str):
    """The name of a backend, in lower case."""

    __slots__ = ()

    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl"
    backend_list: ClassVar[list[str]] = ["undefined", "gloo", "nccl", "xccl", "ucc", "mpi"]

    def __new__(cls, name: str) -> Backend:
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, not {name!r}")
        return super().__new__(cls, name.lower())


def chosen(given: str | None) -> str:
    """The backend that a program asks for, as "gloo" or "cpu:gloo,cuda:nccl".

    Raises RuntimeError for one that needs GPUs or another library, ValueError for any other.
    """
    names = {part.split(":")[-1] for part in (given or "gloo").lower().split(",")
             if not part.startswith("cuda:")}
    for name in sorted(names - {"gloo"}):
        if name in _OTHERS:
            raise RuntimeError(f"Distributed package doesn't have {name.upper()} built in: "
                               "use backend='gloo'")
        raise ValueError(f"Invalid backend: '{given}': use 'gloo'")
    return "gloo"


def is_available() -> bool:
    """Whether processes can train together: True.

    >>> import rushlight as rl
    >>> rl.distributed.is_available() and not rl.distributed.is_initialized()
    True
    """
    return True


def is_gloo_available() -> bool:
    """Whether groups can run on "gloo": True."""
    return True


def is_nccl_available() -> bool:
    """Whether groups can run on GPUs: False."""
    return False


is_mpi_available = is_ucc_available = is_xccl_available = is_nccl_available


def is_backend_available(backend: str) -> bool:
    """Whether groups can run on `backend`."""
    return backend.lower() == "gloo"


def is_torchelastic_launched() -> bool:
    """Whether a launcher started this process as one of a group."""
    return "TORCHELASTIC_RUN_ID" in os.environ
