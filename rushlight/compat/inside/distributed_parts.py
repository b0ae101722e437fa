"""Parts of `torch.distributed` that are left out: what programs import, name and test for."""

from __future__ import annotations

from typing import Any

from rushlight.distributed import all_gather, all_reduce, broadcast, reduce, scatter

__all__ = ["CPUOffload", "CPUOffloadPolicy", "ColwiseParallel", "DTensor", "DeviceMesh",
           "FSDPModule", "FullyShardedDataParallel", "HuggingFaceStorageReader",
           "HuggingFaceStorageWriter", "Join", "Joinable", "MixedPrecision", "MixedPrecisionPolicy",
           "ModuleWrapPolicy", "OptimStateKeyType", "Partial",
           "Placement", "Replicate", "RowwiseParallel", "Shard", "ShardedGradScaler",
           "ShardingStrategy", "StateDictType", "ZeroRedundancyOptimizer", "all_gather",
           "all_reduce", "all_to_all_single_autograd", "broadcast",
           "compute_local_shape_and_global_offset", "distribute_tensor", "fully_shard",
           "implicit_replication", "init_device_mesh", "is_available", "lambda_auto_wrap_policy",
           "parallelize_module", "reduce", "scatter", "size_based_auto_wrap_policy",
           "transformer_auto_wrap_policy", "wait_tensor"]


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


class Placement:
    """How a divided tensor lies on the processes: what programs name, though none is divided."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"


class Replicate(Placement):
    """Whole, on every process."""


class Shard(Placement):
    """Divided along `dim`."""

    def __init__(self, dim: int) -> None:
        self.dim = dim


class _StridedShard(Shard):
    """Divided along `dim` once more."""

    def __init__(self, dim: int, *, split_factor: int) -> None:
        super().__init__(dim)
        self.split_factor = split_factor


class Partial(Placement):
    """A part of the sum (`reduce_op`) on every process."""

    def __init__(self, reduce_op: str = "sum") -> None:
        self.reduce_op = reduce_op


CPUOffload = _absent("CPUOffload")
CPUOffloadPolicy = _absent("CPUOffloadPolicy")
ColwiseParallel = _absent("ColwiseParallel")
DTensor = _absent("DTensor")
DeviceMesh = _absent("DeviceMesh")
FullyShardedDataParallel = FSDPModule = _absent("FullyShardedDataParallel")
HuggingFaceStorageReader = _absent("HuggingFaceStorageReader")
HuggingFaceStorageWriter = _absent("HuggingFaceStorageWriter")
Join = _absent("Join")
Joinable = _absent("Joinable")
MixedPrecision = _absent("MixedPrecision")
MixedPrecisionPolicy = _absent("MixedPrecisionPolicy")
ModuleWrapPolicy = _absent("ModuleWrapPolicy")
OptimStateKeyType = _absent("OptimStateKeyType")
RowwiseParallel = _absent("RowwiseParallel")
ShardedGradScaler = _absent("ShardedGradScaler")
ShardingStrategy = _absent("ShardingStrategy")
StateDictType = _absent("StateDictType")
ZeroRedundancyOptimizer = _absent("ZeroRedundancyOptimizer")


def _absent_function(name: str) -> Any:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise _refuse(name)

    refuse.__name__, refuse.__doc__ = name, "Raises RuntimeError."
    return refuse


init_device_mesh = _absent_function("init_device_mesh")
distribute_tensor = _absent_function("distribute_tensor")
implicit_replication = _absent_function("implicit_replication")
fully_shard = _absent_function("fully_shard")
lambda_auto_wrap_policy = _absent_function("lambda_auto_wrap_policy")
parallelize_module = _absent_function("parallelize_module")
size_based_auto_wrap_policy = _absent_function("size_based_auto_wrap_policy")
transformer_auto_wrap_policy = _absent_function("transformer_auto_wrap_policy")
all_to_all_single_autograd = _absent_function("all_to_all_single_autograd")
compute_local_shape_and_global_offset = _absent_function("compute_local_shape_and_global_offset")


def wait_tensor(tensor: Any) -> Any:
    """Return `tensor`: what collectives return is there already."""
    return tensor
