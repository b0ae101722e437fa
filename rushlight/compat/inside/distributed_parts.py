"""Parts of `torch.distributed`: classes that programs test for, of which there are no instances."""

from __future__ import annotations

from typing import Any

from rushlight.distributed import all_gather, all_reduce, broadcast, reduce, scatter

__all__ = ["CPUOffload", "DTensor", "DeviceMesh", "FullyShardedDataParallel", "Join", "Joinable",
           "MixedPrecision", "Placement", "Replicate", "Shard", "ShardingStrategy",
           "StateDictType", "ZeroRedundancyOptimizer", "all_gather", "all_reduce", "broadcast",
           "distribute_tensor", "init_device_mesh", "is_available", "reduce", "scatter"]


def is_available() -> bool:
    """Whether there are calls between processes (`torch.distributed.rpc`) and the like: False."""
    return False


def _refuse(name: str) -> RuntimeError:
    return RuntimeError(f"{name}: models and tensors that are divided between processes are left "
                        "out; DistributedDataParallel and the collectives of torch.distributed "
                        "are there")


def _absent(name: str) -> type:
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:
        raise _refuse(name)

    return type(name, (), {"__init__": __init__, "__doc__": "Raises RuntimeError when made.",
                           "__module__": "torch.distributed"})


CPUOffload = _absent("CPUOffload")
DTensor = _absent("DTensor")
DeviceMesh = _absent("DeviceMesh")
FullyShardedDataParallel = FSDPModule = _absent("FullyShardedDataParallel")
Join = _absent("Join")
Joinable = _absent("Joinable")
MixedPrecision = _absent("MixedPrecision")
Placement = _absent("Placement")
Replicate = _absent("Replicate")
Shard = _absent("Shard")
ShardingStrategy = _absent("ShardingStrategy")
StateDictType = _absent("StateDictType")
ZeroRedundancyOptimizer = _absent("ZeroRedundancyOptimizer")


def init_device_mesh(*arguments: Any, **options: Any) -> Any:
    """Raises RuntimeError: there is one device."""
    raise _refuse("init_device_mesh")


def distribute_tensor(*arguments: Any, **options: Any) -> Any:
    """Raises RuntimeError: there is one device."""
    raise _refuse("distribute_tensor")


def implicit_replication() -> Any:
    """Raises RuntimeError: there is one device."""
    raise _refuse("implicit_replication")
