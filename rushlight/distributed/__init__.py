"""Training over several processes of one machine, or of a trusted network: torch.distributed.

Processes form a `group`, find each other through `rendezvous`, and send everything through the
`store` that the process of rank 0 holds. `collectives` are operations in which all take part.
`nn.parallel.DistributedDataParallel` averages gradients with them.
"""

from __future__ import annotations

from rushlight.distributed.backend import (
    Backend,
    is_available,
    is_backend_available,
    is_gloo_available,
    is_mpi_available,
    is_nccl_available,
    is_torchelastic_launched,
    is_ucc_available,
    is_xccl_available,
)
from rushlight.distributed.board import StoreError as DistStoreError
from rushlight.distributed.collectives import (
    all_gather,
    all_gather_into_tensor,
    all_gather_single,
    all_reduce,
    all_to_all,
    all_to_all_single,
    barrier,
    broadcast,
    gather,
    monitored_barrier,
    reduce,
    reduce_scatter,
    reduce_scatter_single,
    reduce_scatter_tensor,
    scatter,
)
from rushlight.distributed.group import (
    GroupMember,
    ProcessGroup,
    default_pg_timeout,
    destroy_process_group,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    group,
    init_process_group,
    is_initialized,
    new_group,
)
from rushlight.distributed.objects import (
    all_gather_object,
    broadcast_object_list,
    gather_object,
    recv_object_list,
    scatter_object_list,
    send_object_list,
)
from rushlight.distributed.point_to_point import (
    P2POp,
    batch_isend_irecv,
    irecv,
    isend,
    recv,
    send,
)
from rushlight.distributed.reduction import ReduceOp
from rushlight.distributed.store import HashStore, PrefixStore, Store, TCPStore
from rushlight.distributed.work import Work

__all__ = ["Backend", "DistStoreError", "GroupMember", "HashStore", "P2POp", "PrefixStore",
           "ProcessGroup", "ReduceOp", "Store", "TCPStore", "Work", "all_gather",
           "all_gather_into_tensor", "all_gather_object", "all_gather_single", "all_reduce",
           "all_to_all", "all_to_all_single", "barrier", "batch_isend_irecv", "broadcast",
           "broadcast_object_list", "default_pg_timeout", "destroy_process_group", "gather",
           "gather_object", "get_backend", "get_global_rank", "get_group_rank",
           "get_process_group_ranks", "get_rank", "get_world_size", "group",
           "init_process_group", "irecv", "is_available", "is_backend_available",
           "is_gloo_available", "is_initialized", "is_mpi_available", "is_nccl_available",
           "is_torchelastic_launched", "is_ucc_available", "is_xccl_available", "isend",
           "monitored_barrier", "new_group", "recv", "recv_object_list", "reduce",
           "reduce_scatter", "reduce_scatter_single", "reduce_scatter_tensor", "scatter",
           "scatter_object_list", "send", "send_object_list"]


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"module 'rushlight.distributed' has no attribute '{name}': there are "
                         "groups of processes, their collectives and DistributedDataParallel; "
                         "models and tensors that are themselves divided are left out")
