"""Python objects between processes, pickled: all processes of a group run code of one program."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from rushlight.distributed.collectives import place, taking_part


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Write the objects of all processes to `object_list`, in the order of ranks."""
    members = taking_part("all_gather_object", group)
    if members is not None:
        found = members.exchange("all_gather_object", pickle.dumps(obj)).collect()
        object_list[:members.size()] = map(pickle.loads, found)


def gather_object(obj: Any, object_gather_list: list[Any] | None = None, dst: int | None = None,
                  group: Any = None, group_dst: int | None = None) -> None:
    """Write the objects of all processes to `object_gather_list` of the process `dst` (0)."""
    members = taking_part("gather_object", group)
    if members is None:
        return
    to = place(members, "dst", 0 if dst is None and group_dst is None else dst, group_dst)
    pending = members.exchange("gather_object", pickle.dumps(obj), readers=[to])
    if members.rank() == to:
        if object_gather_list is None:
            raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
        object_gather_list[:members.size()] = map(pickle.loads, pending.collect())


def broadcast_object_list(object_list: list[Any], src: int | None = None, group: Any = None,
                          device: Any = None, group_src: int | None = None) -> None:
    """Replace the items of `object_list` by those of the process `src`."""
    members = taking_part("broadcast_object_list", group)
    if members is None:
        return
    source = place(members, "src", 0 if src is None and group_src is None else src, group_src)
    own = pickle.dumps(object_list) if members.rank() == source else None
    found = members.exchange("broadcast_object_list", own, sources=[source]).collect()
    object_list[:] = object_list if own is not None else pickle.loads(found[0])


def scatter_object_list(scatter_object_output_list: list[Any],
                        scatter_object_input_list: Sequence[Any] | None = None,
                        src: int | None = None, group: Any = None, group_src: int | None = None
                        ) -> None:
    """Write this process's one of the objects of process `src` (0) to the output's first item."""
    if not scatter_object_output_list:
        raise ValueError("Expected argument scatter_object_output_list to be a list of size at "
                         "least 1.")
    given = [scatter_object_input_list]
    members = taking_part("scatter_object_list", group)
    if members is not None:
        broadcast_object_list(given, src, group, group_src=group_src)
        assert given[0] is not None
        scatter_object_output_list[0] = given[0][members.rank()]


def send_object_list(object_list: Sequence[Any], dst: int | None = None, group: Any = None,
                     device: Any = None, group_dst: int | None = None) -> None:
    """Send objects to the process `dst`."""
    members = taking_part("send_object_list", group)
    if members is not None:
        to = place(members, "dst", dst, group_dst)
        members.post(members.next(f"objects/{members.rank()}>{to}"), [to],
                     pickle.dumps(list(object_list)))


def recv_object_list(object_list: list[Any], src: int, group: Any = None, device: Any = None,
                     group_src: int | None = None) -> int:
    """Replace the items of `object_list` by what the process `src` sends; returns `src`."""
    members = taking_part("recv_object_list", group)
    if members is None:
        return -1
    source = place(members, "src", src, group_src)
    key = members.next(f"objects/{source}>{members.rank()}")
    object_list[:] = pickle.loads(members.take([(source, key)])[1])
    return members.ranks[source]
