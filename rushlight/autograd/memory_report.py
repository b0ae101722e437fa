"""Which tensors are alive, and the lines that made them; graphs that grow from step to step."""

from __future__ import annotations

import gc
import os
import sys
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from rushlight.autograd.nested import tensors_in
from rushlight.autograd.saved_bytes import owner
from rushlight.base.errors import PACKAGE, Site, describe_site, is_internal
from rushlight.engine.node import LEAF, Node, Slot
from rushlight.tensor import Tensor

EARLIER = "made before tracking, or without it"
MANY_STEPS = 8  # a graph that goes through so many is taken for a mistake
CALL_FILE = os.path.join(PACKAGE, "nn", "modules", "module.py")
BACKWARD_FILE = os.path.join(PACKAGE, "tensor", "_tensor.py")


@dataclass
class Line:
    """The live tensors that one line made."""

    line: str  # file:line (source)
    count: int = 0
    bytes: int = 0
    shapes: dict[str, int] = field(default_factory=dict)  # "float32[2, 3]" -> how many


@dataclass
class MemoryReport:
    """Live tensors by the line that made them, those that take most first; `str` is the table."""

    lines: list[Line]

    @property
    def total(self) -> int:
        """Bytes of all live tensors, shared memory counted once."""
        return sum(line.bytes for line in self.lines)

    @property
    def count(self) -> int:
        """How many tensors are alive."""
        return sum(line.count for line in self.lines)

    def __str__(self) -> str:
        rows = [f"{self.count} live tensors, {self.total:,} bytes"]
        for line in self.lines:
            shapes = ", ".join(f"{n} x {shape}" for shape, n in list(line.shapes.items())[:4])
            more = ", ..." if len(line.shapes) > 4 else ""
            rows.append(f"{line.bytes:>14,}  {line.line}: {shapes}{more}")
        return "\n".join(rows)

    __repr__ = __str__


def memory_report() -> MemoryReport:
    """The tensors that are alive now, by the line of the program that made them.

    Lines are known for tensors made in a `track_memory()` block; views share the memory of their
    base and add nothing. What only a graph keeps is no tensor: see `saved_bytes`.

    >>> import rushlight as rl
    >>> with rl.track_memory():
    ...     kept = [rl.zeros(1000) for _ in range(3)]
    ...     report = rl.memory_report()
    >>> mine = max((line for line in report.lines if "doctest" in line.line),
    ...            key=lambda line: line.bytes)
    >>> mine.count, mine.bytes
    (3, 12000)
    """
    found: dict[str, Line] = {}
    seen: set[int] = set()
    for tensor in _live():
        site = _sites.get(id(tensor))
        text = EARLIER if site is None or site[1] is None else describe_site(site[1])
        line = found.setdefault(text, Line(text))
        array = tensor._array
        shape = f"{array.dtype.name}{list(array.shape)}"
        line.count += 1
        line.shapes[shape] = line.shapes.get(shape, 0) + 1
        memory = owner(array)
        if id(memory) not in seen:
            seen.add(id(memory))
            line.bytes += memory.nbytes
    return MemoryReport(sorted(found.values(), key=lambda line: -line.bytes))


# id of a live tensor -> weak reference, line that made it (None: made before tracking)
_sites: dict[int, tuple[Any, Site | None]] = {}


def _live() -> Iterator[Tensor]:
    gc.collect()
    # The class of an object may be asked for only by type(): proxies answer for others.
    return (x for x in gc.get_objects() if issubclass(type(x), Tensor) and hasattr(x, "_array"))


class track_memory:  # noqa: N801 - used as a function
    """In this block the lines that make tensors are remembered, and graphs that grow are noticed.

    A tensor whose graph goes back through `steps` steps keeps all of them in memory, as after
    `total += loss`: a UserWarning names the line, once. A step ends with each backward(), or
    with a call of a model on tensors that need no gradient.

    Args:
        steps: how many steps a graph may go through without a warning.

    Every Python call of this thread is watched: the block runs several times slower. Nothing is
    kept alive by it.

    >>> import rushlight as rl, warnings
    >>> model, total = rl.nn.Linear(2, 1), 0
    >>> with rl.track_memory(), warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     for _ in range(20):
    ...         loss = model(rl.ones(1, 2)).sum()
    ...         loss.backward()
    ...         total += loss
    >>> [str(warning.message).partition(":")[0] for warning in caught]
    ['the graph of a tensor grows from step to step']
    """

    def __init__(self, steps: int = MANY_STEPS) -> None:
        self.steps = steps
        self.step = self.depth = 0
        self.warned = False

    def __enter__(self) -> track_memory:
        for tensor in _live():
            if id(tensor) not in _sites:
                self._remember(tensor, None)
        self.before = sys.getprofile()
        sys.setprofile(self._watch)
        return self

    def __exit__(self, *exception: object) -> None:
        sys.setprofile(self.before)

    def _remember(self, tensor: Tensor, site: Site | None) -> None:
        key = id(tensor)
        _sites[key] = (weakref.ref(tensor, lambda _: _sites.pop(key, None)), site)

    def _watch(self, frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        if event == "call":
            if code.co_name == "__call__" and code.co_filename == CALL_FILE:
                self._called(frame)
        elif event == "return":
            if code.co_name == "__call__" and code.co_filename == CALL_FILE:
                self.depth = max(0, self.depth - 1)
            elif code.co_name == "backward" and code.co_filename == BACKWARD_FILE:
                self.step += 1
            if value is not None and is_internal(code.co_filename):
                self._made(frame, value)

    def _called(self, frame: FrameType) -> None:
        """A module's call begins: a step, if it is the outermost on fresh data."""
        self.depth += 1
        if self.depth == 1 and all(t._node is None for t in tensors_in(frame.f_locals["args"])):
            self.step += 1

    def _made(self, frame: FrameType, value: Any) -> None:
        """A function of the package returned: note the tensors that are new."""
        kind = type(value)
        if kind is tuple or kind is list:
            tensors = [t for t in value if isinstance(t, Tensor)]
        else:
            tensors = [value] if isinstance(value, Tensor) else []
        for tensor in tensors:
            known = _sites.get(id(tensor))
            node = getattr(tensor, "_node", None)
            if known is None or known[0]() is not tensor:
                self._remember(tensor, _site_of(frame))
            if node is not None and node is not LEAF:
                self._follow(node.node if isinstance(node, Slot) else node, frame)

    def _follow(self, node: Node, frame: FrameType) -> None:
        """Count the steps that a node's graph goes through; warn where they are many."""
        notes = node.__dict__
        if "_steps" in notes:
            return
        steps = 1
        for edge in node.edges:
            parent = edge.node if isinstance(edge, Slot) else edge
            if isinstance(parent, Node):
                count, step = parent.__dict__.get("_steps", (1, self.step))
                steps = max(steps, count + (step != self.step))
        notes["_steps"] = (steps, self.step)
        if steps > self.steps and not self.warned:
            self.warned = True
            self._warn(steps, frame)

    def _warn(self, steps: int, frame: FrameType) -> None:
        user = user_frame_of(frame)
        place = ("an unknown line", 1) if user is None else (user.f_code.co_filename, user.f_lineno)
        warnings.warn_explicit(
            "the graph of a tensor grows from step to step: that made at "
            f"{describe_site(_site_of(frame))} goes back through {steps} steps and keeps them all "
            "in memory. Unless backward() is to go through all of them, add up numbers "
            "(loss.item()) or cut the history (detach())", UserWarning, *place)


def user_frame_of(frame: FrameType | None) -> FrameType | None:
    """The innermost frame outside the package, from `frame` outwards."""
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _site_of(frame: FrameType) -> Site | None:
    user = user_frame_of(frame)
    return None if user is None else (user.f_code, user.f_lasti)
