"""Groups of processes: who belongs to one, and what its members send each other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import timedelta
from multiprocessing.util import Finalize
from typing import Any

from rushlight.distributed.backend import chosen
from rushlight.distributed.rendezvous import meet
from rushlight.distributed.store import Store

default_pg_timeout = timedelta(minutes=30)


class ProcessGroup:
    """Processes that work together; made by `init_process_group` and `new_group`.

    ranks: of its members, as numbered in the default group. Members are numbered anew within it.
    """

    def __init__(self, name: str, ranks: Sequence[int], me: int, store: Store, timeout: timedelta,
                 backend: str) -> None:
        self.group_name, self.ranks, self.store = name, list(ranks), store
        self.timeout, self.backend = timeout, backend
        self._me = self.ranks.index(me) if me in self.ranks else -1
        self._counts: dict[str, int] = {}

    def rank(self) -> int:
        """This process's number in the group; -1 if it is no member."""
        return self._me

    def size(self) -> int:
        """How many processes belong to it."""
        return len(self.ranks)

    def name(self) -> str:
        """What it runs on."""
        return self.backend

    def next(self, what: str) -> str:
        """A name that all members find alike: the n-th of this kind."""
        key = self.coming(what)
        self._counts[what] = self._counts.get(what, 0) + 1
        return key

    def coming(self, what: str) -> str:
        """What `next` will return."""
        return f"{self.group_name}/{what}/{self._counts.get(what, 0)}"

    def post(self, key: str, readers: Iterable[int], message: bytes) -> None:
        """Leave a message for the members `readers`."""
        numbers = b" ".join(b"%d" % self.ranks[reader] for reader in readers)
        if numbers:
            self.store.ask(b"post", key.encode(), numbers, message)

    def take(self, rows: Sequence[tuple[int, str]]) -> tuple[int, bytes]:
        """The first message there is: which of `rows` (member, key) it is, and what it says.

        Raises RuntimeError when the group's time is up, and where the members have ended.
        """
        wanted = (f"{self.ranks[source]} {key}".encode() for source, key in rows)
        place, message = self.store.ask(b"take", b"%d" % self.ranks[self._me],
                                        b"%f" % self.timeout.total_seconds(), *wanted)
        return int(place), message

    def exchange(self, what: str, message: bytes | None, sources: Sequence[int] | None = None,
                 readers: Iterable[int] | None = None) -> _Pending:
        """Leave `message` for the others (or `readers`), to be answered by what `sources` leave."""
        key, everybody = self.next(what), range(self.size())
        if message is not None:
            to = (everybody if readers is None else readers)
            self.post(f"{key}/{self._me}", (one for one in to if one != self._me), message)
        return _Pending(self, key, message, everybody if sources is None else sources)


class _Pending:
    """Messages that are on their way: `collect` waits for them."""

    def __init__(self, group: ProcessGroup, key: str, own: bytes | None,
                 sources: Sequence[int]) -> None:
        self._group, self._key, self._own, self._sources = group, key, own, sources

    def collect(self) -> list[bytes]:
        """The messages of all sources, in their order."""
        found = []
        for source in self._sources:
            if source == self._group.rank():
                assert self._own is not None
                found.append(self._own)
            else:
                found.append(self._group.take([(source, f"{self._key}/{source}")])[1])
        return found


class GroupMember:
    """What stands for a group: `WORLD`, and the answer to who is no member."""

    NON_GROUP_MEMBER = object()


class _World(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        return _default


class group(metaclass=_World):  # noqa: N801 - torch's name
    """`group.WORLD`: the default group; None before `init_process_group`."""


_default: ProcessGroup | None = None
_made = 0
_ending: Finalize | None = None


def init_process_group(backend: str | None = None, init_method: str | None = None,
                       timeout: timedelta | None = None, world_size: int = -1, rank: int = -1,
                       store: Store | None = None, group_name: str = "", pg_options: Any = None,
                       device_id: Any = None) -> None:
    """Join the group of all processes that train together; returns when all have come.

    Args:
        backend: "gloo", the name of what works without GPUs.
        init_method: "env://" (the default: MASTER_ADDR, MASTER_PORT, RANK, WORLD_SIZE in the
            environment), "tcp://host:port" or "file:///path".
        timeout: how long a process waits for another; 30 minutes.
        world_size, rank: how many processes, and which this is, from 0.
        store: through which all messages go, instead of `init_method`.

    Messages go through the process of rank 0 and are not encrypted: on one machine, or on a network
    whose machines are trusted.

    Raises:
        ValueError: a second call; a rank, size or address that is missing.
        RuntimeError: another backend; the others did not come in time.

    >>> import rushlight as rl
    >>> from rushlight import distributed
    >>> distributed.init_process_group("gloo", "tcp://localhost:1", world_size=1, rank=0)
    >>> total = rl.ones(2)
    >>> distributed.all_reduce(total)         # the sum over all processes, in place
    >>> distributed.get_world_size(), total
    (1, tensor([1., 1.]))
    >>> distributed.destroy_process_group()
    """
    global _default, _ending
    if _default is not None:
        raise ValueError("trying to initialize the default process group twice!")
    name = chosen(backend)
    timeout = timeout or default_pg_timeout
    if store is None:
        store, rank, world_size = meet(init_method, rank, world_size, timeout)
    elif init_method is not None:
        raise ValueError("Cannot specify both init_method and store.")
    elif not 0 <= rank < world_size:
        raise ValueError(f"init_process_group: with a store, rank ({rank}) and world_size "
                         f"({world_size}) must be given")
    _default = ProcessGroup("0", range(world_size), rank, store, timeout, name)
    # Rank 0 holds what others have yet to read. This runs in spawned processes too, unlike atexit.
    _ending = Finalize(None, _end, (os.getpid(), _default), exitpriority=10)


def _end(process: int, which: ProcessGroup) -> None:
    if process == os.getpid():
        which.store.settle(which.timeout.total_seconds())


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Leave a group; without one, the default group and with it all others."""
    global _default, _made, _ending
    which = member_of(group)
    if which is _default and _ending is not None:
        _default, _made = None, 0
        _ending()
        _ending = None


def is_initialized() -> bool:
    """Whether this process belongs to a group."""
    return _default is not None


def default_group() -> ProcessGroup:
    """The group of all processes. Raises ValueError where there is none."""
    if _default is None:
        raise ValueError("Default process group has not been initialized, please make sure to "
                         "call init_process_group.")
    return _default


def member_of(group: Any = None) -> ProcessGroup:
    """`group`, or the default group. Raises ValueError for none, TypeError for something else."""
    if group is None:
        return default_group()
    if not isinstance(group, ProcessGroup):
        raise TypeError(f"group must be a ProcessGroup, not {type(group).__name__}")
    return group


def get_rank(group: Any = None) -> int:
    """This process's number in `group` (the default group if None); -1 if it is no member."""
    return -1 if group is GroupMember.NON_GROUP_MEMBER else member_of(group).rank()


def get_world_size(group: Any = None) -> int:
    """How many processes belong to `group` (the default group if None); -1 for a non-member."""
    return -1 if group is GroupMember.NON_GROUP_MEMBER or member_of(group).rank() < 0 \
        else member_of(group).size()


def get_backend(group: Any = None) -> str:
    """What a group runs on: "gloo"."""
    return member_of(group).backend


def new_group(ranks: Iterable[int] | None = None, timeout: timedelta | None = None,
              backend: str | None = None, pg_options: Any = None, **further: Any) -> Any:
    """A group of some processes. All processes must call it, in the same order, members or not.

    ranks: members, as numbered in the default group; all if None. Returns
    `GroupMember.NON_GROUP_MEMBER` to the others. Raises ValueError for a rank that there is not.
    """
    global _made
    world = default_group()
    members = sorted(range(world.size()) if ranks is None else ranks)
    if len(set(members)) != len(members) or not set(members) <= set(range(world.size())):
        raise ValueError(f"new_group: ranks {members} of a group of {world.size()}")
    _made += 1
    if world.rank() not in members:
        return GroupMember.NON_GROUP_MEMBER
    return ProcessGroup(str(_made), members, world.rank(), world.store, timeout or world.timeout,
                        world.backend if backend is None else chosen(backend))


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The members of a group, as numbered in the default group."""
    return list(member_of(group).ranks)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number in the default group of a group's member."""
    ranks = member_of(group).ranks
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return ranks[group_rank]


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number in a group of a process, given as numbered in the default group."""
    ranks = member_of(group).ranks
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return ranks.index(global_rank)
