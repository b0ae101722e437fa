"""Operations in which all members of a group take part: each calls them, in the same order."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from rushlight import ops
from rushlight.distributed.group import GroupMember, ProcessGroup, get_group_rank, member_of
from rushlight.distributed.messages import fill, packed, unpacked
from rushlight.distributed.reduction import ReduceOp, reduced
from rushlight.distributed.work import Work, started
from rushlight.tensor import Tensor


def taking_part(what: str, group: Any) -> ProcessGroup | None:
    """The group, or None after a warning where this process is no member."""
    if group is GroupMember.NON_GROUP_MEMBER:
        warnings.warn(f"Running {what} on global rank "
                      f"{member_of().rank()} which does not belong to the given group.",
                      stacklevel=3)
        return None
    return member_of(group)


def place(group: ProcessGroup, name: str, rank: int | None, group_rank: int | None) -> int:
    """The member that is meant, given as numbered in the default group or in the group itself."""
    if (rank is None) == (group_rank is None):
        raise ValueError(f"Must specify either {name} or group_{name}, and not both")
    return get_group_rank(group, rank) if group_rank is None else group_rank  # type: ignore[arg-type]


def _tensor(what: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Invalid function argument. Expected parameter `{what}` of type "
                        f"torch.Tensor, but got {type(value).__name__}")


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, group: Any = None,
               async_op: bool = False) -> Work | None:
    """Replace `tensor`, in place, by the sum (`op`) over all processes: all get the same bits.

    group: the default group if None. async_op: return a Work, whose `wait` brings the result.
    Raises ValueError without a group, RuntimeError where a process has ended or brings another
    size or dtype.
    """
    _tensor("tensor", tensor)
    members = taking_part("all_reduce", group)
    if members is None:
        return None
    pending = members.exchange("all_reduce", packed(tensor))

    def finish() -> Tensor:
        fill(tensor, _total(pending.collect(), op), "all_reduce")
        return tensor

    return started(finish, async_op)


def _total(messages: Sequence[bytes], op: ReduceOp) -> Tensor:
    tensors = [unpacked(message) for message in messages]
    for other in tensors[1:]:
        if other.shape != tensors[0].shape or other.dtype != tensors[0].dtype:
            raise RuntimeError("tensors of all processes must have one dtype and size: one sent "
                               f"{tensors[0].dtype} {list(tensors[0].shape)}, another "
                               f"{other.dtype} {list(other.shape)}")
    return reduced(tensors, op)


def reduce(tensor: Tensor, dst: int | None = None, op: ReduceOp = ReduceOp.SUM, group: Any = None,
           async_op: bool = False, group_dst: int | None = None) -> Work | None:
    """Replace `tensor` of the process `dst` by the sum (`op`) over all."""
    _tensor("tensor", tensor)
    members = taking_part("reduce", group)
    if members is None:
        return None
    to = place(members, "dst", dst, group_dst)
    pending = members.exchange("reduce", packed(tensor), readers=[to])

    def finish() -> Tensor:
        if members.rank() == to:
            fill(tensor, _total(pending.collect(), op), "reduce")
        return tensor

    return started(finish, async_op)


def broadcast(tensor: Tensor, src: int | None = None, group: Any = None, async_op: bool = False,
              group_src: int | None = None) -> Work | None:
    """Replace `tensor`, in place, by that of the process `src`."""
    _tensor("tensor", tensor)
    members = taking_part("broadcast", group)
    if members is None:
        return None
    source = place(members, "src", src, group_src)
    own = packed(tensor) if members.rank() == source else None
    pending = members.exchange("broadcast", own, sources=[source])

    def finish() -> Tensor:
        if own is None:
            fill(tensor, unpacked(pending.collect()[0]), "broadcast")
        return tensor

    return started(finish, async_op)


def all_gather(tensor_list: Sequence[Tensor], tensor: Tensor, group: Any = None,
               async_op: bool = False) -> Work | None:
    """Write the tensors of all processes to `tensor_list`, in the order of ranks."""
    _tensor("tensor", tensor)
    members = taking_part("all_gather", group)
    if members is None:
        return None
    _count("all_gather", "tensor_list", tensor_list, members.size())
    pending = members.exchange("all_gather", packed(tensor))

    def finish() -> Sequence[Tensor]:
        for target, message in zip(tensor_list, pending.collect(), strict=True):
            fill(target, unpacked(message), "all_gather")
        return tensor_list

    return started(finish, async_op)


def _count(what: str, name: str, given: Sequence[Any], size: int) -> None:
    if len(given) != size:
        raise ValueError(f"{what}: {name} has {len(given)} tensors, the group {size} processes")


def all_gather_into_tensor(output_tensor: Tensor, input_tensor: Tensor, group: Any = None,
                           async_op: bool = False) -> Work | None:
    """Write the tensors of all processes to one, joined along its first dimension or stacked."""
    _tensor("output_tensor", output_tensor)
    members = taking_part("all_gather_into_tensor", group)
    return None if members is None else all_gather(
        output_tensor.detach().view(members.size(), -1).unbind(0), input_tensor, group, async_op)


def gather(tensor: Tensor, gather_list: Sequence[Tensor] | None = None, dst: int | None = None,
           group: Any = None, async_op: bool = False, group_dst: int | None = None
           ) -> Work | None:
    """Write the tensors of all processes to `gather_list` of the process `dst` (0)."""
    _tensor("tensor", tensor)
    members = taking_part("gather", group)
    if members is None:
        return None
    to = place(members, "dst", 0 if dst is None and group_dst is None else dst, group_dst)
    if (gather_list is None or not len(gather_list)) == (members.rank() == to):
        raise ValueError("Argument ``gather_list`` must be specified on destination rank."
                         if members.rank() == to else
                         "Argument ``gather_list`` must NOT be specified on non-destination ranks.")
    if gather_list:
        _count("gather", "gather_list", gather_list, members.size())
    pending = members.exchange("gather", packed(tensor), readers=[to])

    def finish() -> Sequence[Tensor]:
        if gather_list:
            for target, message in zip(gather_list, pending.collect(), strict=True):
                fill(target, unpacked(message), "gather")
        return gather_list or []

    return started(finish, async_op)


def scatter(tensor: Tensor, scatter_list: Sequence[Tensor] | None = None, src: int | None = None,
            group: Any = None, async_op: bool = False, group_src: int | None = None
            ) -> Work | None:
    """Replace `tensor` by this process's one of `scatter_list` of the process `src` (0)."""
    _tensor("tensor", tensor)
    members = taking_part("scatter", group)
    if members is None:
        return None
    source = place(members, "src", 0 if src is None and group_src is None else src, group_src)
    key = members.next("scatter")
    if members.rank() == source:
        if not scatter_list:
            raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
        _count("scatter", "scatter_list", scatter_list, members.size())
        for number, part in enumerate(scatter_list):
            if number != source:
                members.post(f"{key}/{number}", [number], packed(part))

    def finish() -> Tensor:
        if members.rank() == source:
            assert scatter_list is not None
            fill(tensor, scatter_list[source].detach(), "scatter")
        else:
            _, message = members.take([(source, f"{key}/{members.rank()}")])
            fill(tensor, unpacked(message), "scatter")
        return tensor

    return started(finish, async_op)


def all_to_all(output_tensor_list: Sequence[Tensor], input_tensor_list: Sequence[Tensor],
               group: Any = None, async_op: bool = False) -> Work | None:
    """Send `input_tensor_list[i]` to process i; what process i sends goes to the output's i-th."""
    members = taking_part("all_to_all", group)
    if members is None:
        return None
    me = members.rank()
    for name, given in (("output_tensor_list", output_tensor_list),
                        ("input_tensor_list", input_tensor_list)):
        _count("all_to_all", name, given, members.size())
    key = members.next("all_to_all")
    for number, part in enumerate(input_tensor_list):
        if number != me:
            members.post(f"{key}/{me}>{number}", [number], packed(part))

    def finish() -> Sequence[Tensor]:
        for number, target in enumerate(output_tensor_list):
            given = input_tensor_list[me].detach() if number == me else \
                unpacked(members.take([(number, f"{key}/{number}>{me}")])[1])
            fill(target, given, "all_to_all")
        return output_tensor_list

    return started(finish, async_op)


def all_to_all_single(output: Tensor, input: Tensor,
                      output_split_sizes: Sequence[int] | None = None,
                      input_split_sizes: Sequence[int] | None = None, group: Any = None,
                      async_op: bool = False) -> Work | None:
    """`all_to_all` of the parts of one tensor along its first dimension: equal, or as stated."""
    members = taking_part("all_to_all_single", group)
    if members is None:
        return None

    def parts(tensor: Tensor, sizes: Sequence[int] | None) -> Sequence[Tensor]:
        return tensor.detach().split(list(sizes) if sizes else tensor.shape[0] // members.size())

    return all_to_all(parts(output, output_split_sizes), parts(input, input_split_sizes), group,
                      async_op)


def reduce_scatter(output: Tensor, input_list: Sequence[Tensor], op: ReduceOp = ReduceOp.SUM,
                   group: Any = None, async_op: bool = False) -> Work | None:
    """Write to `output` of process i the sum (`op`) of all processes' `input_list[i]`."""
    members = taking_part("reduce_scatter", group)
    if members is None:
        return None
    parts = [ops.empty_like(output) for _ in range(members.size())]
    work = all_to_all(parts, input_list, group, async_op=True)

    def finish() -> Tensor:
        assert work is not None
        work.wait()
        fill(output, reduced(parts, op), "reduce_scatter")
        return output

    return started(finish, async_op)


def reduce_scatter_tensor(output: Tensor, input: Tensor, op: ReduceOp = ReduceOp.SUM,
                          group: Any = None, async_op: bool = False) -> Work | None:
    """`reduce_scatter` of one tensor's equal parts along its first dimension."""
    members = taking_part("reduce_scatter_tensor", group)
    if members is None:
        return None
    parts = input.detach().reshape(members.size(), *output.shape).unbind(0)
    return reduce_scatter(output, parts, op, group, async_op)


all_gather_single, reduce_scatter_single = all_gather_into_tensor, reduce_scatter_tensor


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait until all processes have come here."""
    members = taking_part("barrier", group)
    return None if members is None else started(
        members.exchange("barrier", b"").collect, async_op)


def monitored_barrier(group: Any = None, timeout: Any = None, wait_all_ranks: bool = False) -> None:
    """`barrier`: its error names the process that did not come."""
    barrier(group)
