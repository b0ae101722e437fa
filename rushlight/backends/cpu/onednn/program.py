"""A program: oneDNN primitives to run on the caller's arrays, in phases of parallel jobs.

It is built once for a set of shapes, strides and data types and then called with arrays only. The
jobs of a phase are independent and each is one thread's work; how the work is cut into jobs does
not depend on the number of threads, so results do not either.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_void_p
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu.onednn import invoke
from rushlight.backends.cpu.onednn.interface import (
    ARGUMENTS,
    Argument,
    Descriptor,
    Error,
    implementation,
    interface,
)
from rushlight.backends.cpu.onednn.invoke import ALIGNMENT

# A program that runs longer than this lets other Python threads run meanwhile; giving up the GIL
# for less costs more than it brings.
RELEASE_ABOVE = 50e3  # estimated nanoseconds
OWN_WORKSPACE = 1 << 17  # bytes of workspace that a frame keeps for itself
MULTIPLE_SOURCES = 1024  # the number of the first of a sum's arguments
WORKSPACE = -1  # stands for the number of the workspace among a program's arrays


class Slot(NamedTuple):
    """A place for data: layout, which array it is in, and where there, in bytes."""

    descriptor: Descriptor
    array: int
    offset: int


class Primitive:
    """A primitive with its descriptor: an operation compiled for given layouts."""

    __slots__ = ("descriptor", "handle")

    def __init__(self, function: str, *arguments: Any) -> None:
        self.handle: c_void_p | None = None
        self.descriptor = interface().create(function, *arguments)

    def wanted(self, name: str) -> Descriptor | None:
        """The layout it wants for an argument; None if it has none. It lives as long as this."""
        query = ARGUMENTS[name][1]
        found = interface().library.dnnl_primitive_desc_query_md(self.descriptor, query, 0)
        return Descriptor(c_void_p(found), owned=False) if found else None

    @property
    def implementation(self) -> str:
        """The name of the implementation the library chose."""
        return implementation(self.descriptor)

    def ready(self) -> int:
        """The address of the primitive, made on first use: that is when code is generated."""
        if self.handle is None:
            self.handle = interface().create("dnnl_primitive_create", self.descriptor)
        return self.handle.value or 0

    def __del__(self) -> None:
        quick = interface().quick
        if self.handle is not None:
            quick.dnnl_primitive_destroy(self.handle)
        if hasattr(self, "descriptor"):
            quick.dnnl_primitive_desc_destroy(self.descriptor)


class Step(NamedTuple):
    """One primitive and the slots of its arguments: pairs (number of the argument, slot)."""

    primitive: Primitive
    arguments: list[tuple[int, int]]


class Builder:
    """Collects slots and steps; `phase` and `job` say what may run beside what."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.phases: list[list[list[Step]]] = []
        self.arrays = 0
        self.size = 0  # bytes of workspace
        interface().set_threads(1)  # primitives are made for the number they will run with
        self.phase()

    def phase(self) -> None:
        """What follows begins when all that went before is done."""
        self.phases.append([])

    def job(self) -> None:
        """What follows may run beside the other jobs of this phase."""
        self.phases[-1].append([])

    def external(self, descriptor: Descriptor) -> int:
        """A slot for an array of the caller's; calls pass them in the order of these."""
        self.slots.append(Slot(descriptor, self.arrays, 0))
        self.arrays += 1
        return len(self.slots) - 1

    def part(self, slot: int, descriptor: Descriptor, offset: int) -> int:
        """A slot inside another, `offset` bytes from its start."""
        whole = self.slots[slot]
        self.slots.append(Slot(descriptor, whole.array, whole.offset + offset))
        return len(self.slots) - 1

    def temporary(self, descriptor: Descriptor) -> int:
        """A slot in the workspace."""
        self.slots.append(Slot(descriptor, WORKSPACE, self.size))
        self.size += -(-descriptor.size // ALIGNMENT) * ALIGNMENT
        return len(self.slots) - 1

    def step(self, primitive: Primitive, arguments: dict[str | int, int]) -> None:
        """Run `primitive` on slots by argument, in the job begun last."""
        pairs = [(name if isinstance(name, int) else ARGUMENTS[name][0], slot)
                 for name, slot in arguments.items()]
        scratchpad = primitive.wanted("scratchpad")
        if scratchpad is not None and scratchpad.size:
            pairs.append((ARGUMENTS["scratchpad"][0], self.temporary(scratchpad)))
        if not self.phases[-1]:
            self.job()
        self.phases[-1][-1].append(Step(primitive, pairs))

    def reorder(self, source: int, target: int) -> None:
        """Copy slot `source` to slot `target`, changing the layout."""
        engine = interface().engine
        self.step(Primitive(
            "dnnl_reorder_primitive_desc_create", self.slots[source].descriptor.handle, engine,
            self.slots[target].descriptor.handle, engine, attributes()),
            {"src": source, "dst": target})

    def laid_out(self, slot: int, wanted: Descriptor | None) -> int:
        """`slot` itself if it has the layout `wanted`, else a temporary filled by a reorder."""
        copy = self.target(slot, wanted)
        if copy != slot:
            self.reorder(slot, copy)
        return copy

    def target(self, slot: int, wanted: Descriptor | None) -> int:
        """Where a primitive writes for `slot`: itself, or a temporary that `finish` copies back."""
        if wanted is None or wanted == self.slots[slot].descriptor:
            return slot
        return self.temporary(wanted.clone())

    def finish(self, source: int, slot: int) -> None:
        """Copy what `target` made for `slot` to its place."""
        if source != slot:
            self.reorder(source, slot)

    def add_up(self, parts: list[int], slot: int) -> None:
        """Put the sum of `parts`, slots of one layout, into `slot`."""
        scales = (ctypes.c_float * len(parts))(*[1.0] * len(parts))
        sources = (c_void_p * len(parts))(*[self.slots[p].descriptor.handle for p in parts])
        arguments: dict[str | int, int] = {"dst": slot}
        self.step(Primitive(
            "dnnl_sum_primitive_desc_create", interface().engine,
            self.slots[slot].descriptor.handle, len(parts), scales, sources, attributes()),
            arguments | {MULTIPLE_SOURCES + i: p for i, p in enumerate(parts)})

    def build(self, nanoseconds: float) -> Program:
        """The program; `nanoseconds` is its estimated time on one thread."""
        return Program(self, nanoseconds > RELEASE_ABOVE)


class Frame:
    """The memory objects and argument lists of one call at a time, and the call itself."""

    __slots__ = ("block", "lists", "memories", "owned", "run")

    def __init__(self, program: Program) -> None:
        create, engine = interface().create, interface().engine
        self.memories = [create("dnnl_memory_create", slot.descriptor.handle, engine, None)
                         for slot in program.slots]
        self.owned = None
        if 0 < program.size <= OWN_WORKSPACE:
            self.owned = np.empty(program.size, np.uint8)
            start = -(-self.owned.ctypes.data // ALIGNMENT) * ALIGNMENT
            for memory, slot in zip(self.memories, program.slots, strict=True):
                if slot.array == WORKSPACE:
                    interface().set_handle(memory, start + slot.offset)
        self.lists: list[ctypes.Array[Argument]] = []
        self.block = self._block(program)
        self.run = invoke.bind(self.block)

    def _block(self, program: Program) -> np.ndarray:
        """What a call reads, in the order that `invoke` states."""
        with_space = program.size > 0 and self.owned is None
        space = program.arrays if with_space else -1
        pointed = [word for memory, slot in zip(self.memories, program.slots, strict=True)
                   if slot.array != WORKSPACE or with_space
                   for word in (memory.value or 0, space if slot.array == WORKSPACE else slot.array,
                                slot.offset)]
        words = [program.arrays + with_space, len(pointed) // 3, len(program.phases),
                 int(program.release), interface().stream.value or 0, space, *pointed]
        jobs = [job for phase in program.phases for job in phase]
        job_word = len(words) + 2 * len(program.phases)
        step_word = job_word + 2 * len(jobs)
        for phase in program.phases:
            words += [len(phase), job_word]
            job_word += 2 * len(phase)
        for job in jobs:
            words += [step_word, len(job)]
            step_word += 3 * len(job)
        for job in jobs:
            for step in job:
                words += [step.primitive.ready(), len(step.arguments), self._list(step)]
        return np.array(words, np.int64)

    def _list(self, step: Step) -> int:
        """The address of a step's arguments."""
        arguments = (Argument * len(step.arguments))()
        for place, (number, slot) in enumerate(step.arguments):
            arguments[place].number = number
            arguments[place].memory = self.memories[slot].value
        self.lists.append(arguments)
        return ctypes.addressof(arguments)

    def __del__(self) -> None:
        destroy = interface().quick.dnnl_memory_destroy
        for memory in getattr(self, "memories", ()):
            destroy(memory)


class Program:
    """Phases of jobs; `run(*arrays)` takes the caller's arrays in the order of their slots.

    `run` checks nothing: arrays of other shapes, strides or data types read and write astray.
    """

    __slots__ = ("_free", "_only", "arrays", "phases", "release", "run", "size", "slots")

    def __init__(self, builder: Builder, release: bool) -> None:
        self.slots, self.arrays = builder.slots, builder.arrays
        self.phases = [phase for phase in builder.phases if phase]
        self.size = builder.size + ALIGNMENT if builder.size else 0
        self.release = release
        self._free: list[Frame] = []
        self._only: Frame | None = None
        self.run: Callable[..., Any] = self._pooled
        if not release and self.size <= OWN_WORKSPACE and invoke.native():
            # The GIL is held from the first pointer to the last step, so one frame serves all.
            self._only = Frame(self)
            self.run = self._only.run

    @property
    def implementations(self) -> list[str]:
        """The implementation the library chose for each step."""
        return [step.primitive.implementation
                for phase in self.phases for job in phase for step in job]

    def _pooled(self, *arrays: np.ndarray) -> None:
        """Run with a frame of its own, so that threads do not overwrite each other's pointers."""
        try:
            frame = self._free.pop()
        except IndexError:  # the first call, or more calls at once than there are frames
            frame = None
        if frame is None:  # out here, so that Ctrl-C meanwhile does not tell of the other error
            frame = Frame(self)
        if frame.owned is not None or not self.size:
            frame.run(*arrays)
        else:
            frame.run(*arrays, np.empty(self.size, np.uint8))
        self._free.append(frame)


@lru_cache(maxsize=1)
def attributes() -> c_void_p:
    """Attributes that make the scratchpad ours: the library's own is bound to a thread."""
    handle = interface().create("dnnl_primitive_attr_create")
    status = interface().library.dnnl_primitive_attr_set_scratchpad_mode(handle, 1)
    if status:
        raise Error("dnnl_primitive_attr_set_scratchpad_mode", status)
    return handle
