"""From one process to another: `send` leaves a message, `recv` waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.distributed.collectives import place, taking_part
from rushlight.distributed.group import ProcessGroup, member_of
from rushlight.distributed.messages import fill, packed, unpacked
from rushlight.distributed.work import Work
from rushlight.tensor import Tensor


def isend(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0,
          group_dst: int | None = None) -> Work | None:
    """Send `tensor` to the process `dst`; it may be changed at once."""
    members = taking_part("isend", group)
    if members is None:
        return None
    to = place(members, "dst", dst, group_dst)
    if to == members.rank():
        raise ValueError("Invalid destination rank: destination rank should not be the same as "
                         "the rank of the current process.")
    members.post(members.next(f"send/{tag}/{members.rank()}>{to}"), [to], packed(tensor))
    return Work()


def send(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0,
         group_dst: int | None = None) -> None:
    """Send `tensor` to the process `dst`.

    tag: of messages between two processes, `recv` takes those of its tag, in the order sent.
    Raises ValueError for this process itself.
    """
    isend(tensor, dst, group, tag, group_dst)


def irecv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0,
          group_src: int | None = None) -> Work | None:
    """Begin to receive into `tensor`; it is filled when the Work's `wait` returns."""
    members = taking_part("irecv", group)
    if members is None:
        return None
    if src is None and group_src is None:
        return Work(_any(members, tensor, tag))
    source = place(members, "src", src, group_src)
    key = members.next(f"send/{tag}/{source}>{members.rank()}")

    def finish() -> int:
        fill(tensor, unpacked(members.take([(source, key)])[1]), "recv")
        return members.ranks[source]

    return Work(finish, members.ranks[source])


def _any(members: ProcessGroup, tensor: Tensor, tag: int) -> Callable[[], int]:
    """Receives from whoever sends first."""

    def finish() -> int:
        others = [one for one in range(members.size()) if one != members.rank()]
        kinds = [f"send/{tag}/{other}>{members.rank()}" for other in others]
        rows = [(other, members.coming(kind)) for other, kind in zip(others, kinds, strict=True)]
        row, message = members.take(rows)
        members.next(kinds[row])
        fill(tensor, unpacked(message), "recv")
        return members.ranks[others[row]]

    return finish


def recv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0,
         group_src: int | None = None) -> int:
    """Receive into `tensor` what the process `src` sends, or whoever sends first if None.

    Returns who sent it. Raises RuntimeError where that process has ended, or sends another size or
    dtype.
    """
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    work.wait()
    return work.source_rank()


class P2POp:
    """One sending or receiving for `batch_isend_irecv`: `op` is `isend` or `irecv`."""

    def __init__(self, op: Callable[..., Work | None], tensor: Tensor, peer: int | None = None,
                 group: Any = None, tag: int = 0, group_peer: int | None = None) -> None:
        if op not in (isend, irecv):
            raise ValueError("Invalid ``op``. Expected ``op`` to be of type "
                             "``torch.distributed.isend`` or ``torch.distributed.irecv``.")
        self.op, self.tensor, self.group, self.tag = op, tensor, group, tag
        self.peer = peer if group_peer is None else member_of(group).ranks[group_peer]


def batch_isend_irecv(p2p_op_list: Sequence[P2POp]) -> list[Work]:
    """Begin all of them; wait for each of the Works that are returned."""
    works = [one.op(one.tensor, one.peer, one.group, one.tag) for one in p2p_op_list]
    return [work for work in works if work is not None]
