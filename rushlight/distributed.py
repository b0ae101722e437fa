"""Training over several processes: there are no process groups. Programs ask, and are told why."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["ProcessGroup", "ReduceOp", "all_gather", "all_gather_object", "all_reduce", "barrier",
           "broadcast", "broadcast_object_list", "destroy_process_group", "gather",
           "get_backend", "get_rank", "get_world_size", "group", "init_process_group",
           "is_available", "is_gloo_available", "is_initialized", "is_mpi_available",
           "is_nccl_available", "is_torchelastic_launched", "new_group", "recv", "reduce",
           "reduce_scatter", "scatter", "send"]


def is_available() -> bool:
    """Whether processes can train together: False.

    >>> import rushlight as rl
    >>> rank = rl.distributed.get_rank() if rl.distributed.is_available() else 0
    """
    return False


def is_initialized() -> bool:
    """Whether this process belongs to a group: False."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether a launcher started this process as one of a group: False."""
    return False


is_nccl_available = is_mpi_available = is_gloo_available = is_initialized


def init_process_group(*arguments: Any, **options: Any) -> NoReturn:
    """Raises RuntimeError: there are no process groups."""
    raise RuntimeError("Distributed package doesn't have a backend: Rushlight trains in one "
                       "process, whose kernels use all cores. Run the program without its "
                       "launcher")


def _no_group(*arguments: Any, **options: Any) -> NoReturn:
    """Raises ValueError: there are no process groups."""
    raise ValueError("Default process group has not been initialized, please make sure to call "
                     "init_process_group: Rushlight has none. Ask distributed.is_initialized() "
                     "first")


all_gather = all_gather_object = all_reduce = barrier = broadcast = _no_group
destroy_process_group = gather = get_backend = get_rank = get_world_size = new_group = _no_group
broadcast_object_list = recv = reduce = reduce_scatter = scatter = send = _no_group


class ProcessGroup:
    """A process group, for annotations; none is made."""


class ReduceOp:
    """What `all_reduce` does with the values of all processes."""

    SUM, AVG, PRODUCT, MIN, MAX = "SUM", "AVG", "PRODUCT", "MIN", "MAX"


class group:  # noqa: N801 - torch's name
    """The default process group: None."""

    WORLD = None


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"module 'rushlight.distributed' has no attribute '{name}': programs run "
                         "in one process here; ask distributed.is_available() first, as torch's "
                         "own programs do, and train with the threads of set_num_threads()")
