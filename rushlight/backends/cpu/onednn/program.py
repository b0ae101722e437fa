"""A program: oneDNN primitives to run one after the other on the caller's arrays.

It is built once for a set of shapes, strides and data types and then called with arrays only. All
that a call does is to point the library's memory objects at the arrays and to execute.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_void_p
from functools import lru_cache
from typing import Any

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

ALIGNMENT = 64  # bytes: a cache line, and a whole AVX-512 register
# A program that runs longer than this lets other Python threads run meanwhile; giving up the GIL
# for less costs more than it brings.
RELEASE_ABOVE = 50e3  # estimated nanoseconds
OWN_WORKSPACE = 1 << 17  # bytes of workspace that a frame keeps for itself


class Step:
    """One primitive and the slots of its arguments."""

    __slots__ = ("primitive", "descriptor", "arguments")

    def __init__(self, descriptor: c_void_p, arguments: list[tuple[int, int]]) -> None:
        self.descriptor = descriptor
        self.arguments = arguments  # (number of the argument, slot)
        self.primitive = interface().create("dnnl_primitive_create", descriptor)

    def __del__(self) -> None:
        quick = interface().quick
        if hasattr(self, "primitive"):
            quick.dnnl_primitive_destroy(self.primitive)
        quick.dnnl_primitive_desc_destroy(self.descriptor)


class Builder:
    """Collects slots (the caller's arrays, temporaries) and steps; `build` makes the program."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.slots: list[Descriptor] = []
        self.offsets: list[int | None] = []  # None: the caller's; else bytes into the workspace
        self.steps: list[Step] = []
        self.size = 0  # bytes of temporaries
        self.scratch = 0  # bytes; the steps run in turn, so they share one scratchpad
        self._scratchpads: list[int] = []
        interface().set_threads(threads)  # primitives are made for the number they will run with

    def external(self, descriptor: Descriptor) -> int:
        """A slot for an array of the caller's; calls pass them in the order of these."""
        self.slots.append(descriptor)
        self.offsets.append(None)
        return len(self.slots) - 1

    def temporary(self, descriptor: Descriptor) -> int:
        """A slot in the workspace."""
        self.slots.append(descriptor)
        self.offsets.append(self.size)
        self.size += -(-descriptor.size // ALIGNMENT) * ALIGNMENT
        return len(self.slots) - 1

    def step(self, descriptor: c_void_p, arguments: dict[str, int]) -> None:
        """Run the primitive of `descriptor` (owned from now on) on the named slots."""
        pairs = [(ARGUMENTS[name][0], slot) for name, slot in arguments.items()]
        scratchpad = queried(descriptor, "scratchpad")
        if scratchpad is not None and (size := scratchpad.size):
            self.slots.append(scratchpad)
            self.offsets.append(0)  # set by `build`: behind the temporaries
            self._scratchpads.append(len(self.slots) - 1)
            self.scratch = max(self.scratch, size)
            pairs.append((ARGUMENTS["scratchpad"][0], len(self.slots) - 1))
        self.steps.append(Step(descriptor, pairs))

    def reorder(self, source: int, target: int) -> None:
        """Copy slot `source` to slot `target`, changing the layout."""
        engine = interface().engine
        descriptor = interface().create(
            "dnnl_reorder_primitive_desc_create", self.slots[source].handle, engine,
            self.slots[target].handle, engine, attributes())
        self.step(descriptor, {"src": source, "dst": target})

    def laid_out(self, slot: int, wanted: Descriptor | None) -> int:
        """`slot` itself if it has the layout `wanted`, else a temporary filled by a reorder."""
        copy = self.target(slot, wanted)
        if copy != slot:
            self.reorder(slot, copy)
        return copy

    def target(self, slot: int, wanted: Descriptor | None) -> int:
        """Where a primitive writes for `slot`: itself, or a temporary that `finish` copies back."""
        if wanted is None or wanted == self.slots[slot]:
            return slot
        return self.temporary(wanted.clone())

    def finish(self, source: int, slot: int) -> None:
        """Copy what `target` made for `slot` to its place."""
        if source != slot:
            self.reorder(source, slot)

    def build(self, nanoseconds: float) -> Program:
        """The program; `nanoseconds` is its estimated time."""
        for slot in self._scratchpads:
            self.offsets[slot] = self.size
        size = self.size + self.scratch
        return Program(self, size + ALIGNMENT if size else 0, nanoseconds > RELEASE_ABOVE)


class Frame:
    """The memory objects and argument lists of one call at a time, and the call itself."""

    __slots__ = ("memories", "lists", "block", "owned", "run")

    def __init__(self, program: Program) -> None:
        create, engine = interface().create, interface().engine
        self.memories = [create("dnnl_memory_create", d.handle, engine, None)
                         for d in program.slots]
        self.lists = []
        for step in program.steps:
            arguments = (Argument * len(step.arguments))()
            for place, (number, slot) in enumerate(step.arguments):
                arguments[place].number = number
                arguments[place].memory = self.memories[slot].value
            self.lists.append(arguments)
        pairs = list(zip(self.memories, program.offsets, strict=True))
        outer = [memory.value or 0 for memory, offset in pairs if offset is None]
        inner = [(memory.value or 0, offset) for memory, offset in pairs if offset is not None]
        self.owned = None
        if 0 < program.size <= OWN_WORKSPACE:
            self.owned = np.empty(program.size, np.uint8)
            start = -(-self.owned.ctypes.data // ALIGNMENT) * ALIGNMENT
            for memory, offset in inner:
                interface().set_handle(memory, start + offset)
            inner = []
        self.block = self._block(program, outer, inner)
        self.run = invoke.bind(self.block)

    def _block(self, program: Program, outer: list[int], inner: list[tuple[int, int]]
               ) -> np.ndarray:
        """What a call reads, in the order that `invoke` states."""
        words = [len(outer), len(inner), len(program.steps), program.threads,
                 int(program.release), interface().stream.value or 0, *outer]
        for memory, offset in inner:
            words += [memory, offset]
        for step, arguments in zip(program.steps, self.lists, strict=True):
            words += [step.primitive.value or 0, len(arguments), ctypes.addressof(arguments)]
        return np.array(words, np.int64)

    def __del__(self) -> None:
        destroy = interface().quick.dnnl_memory_destroy
        for memory in getattr(self, "memories", ()):
            destroy(memory)


class Program:
    """Steps over slots; `run(*arrays)` takes the caller's arrays in the order of the slots.

    `run` checks nothing: arrays of other shapes, strides or data types read and write astray.
    """

    __slots__ = ("slots", "offsets", "steps", "threads", "release", "size", "run", "_free", "_only")

    def __init__(self, builder: Builder, size: int, release: bool) -> None:
        self.slots, self.offsets, self.steps = builder.slots, builder.offsets, builder.steps
        self.threads, self.size, self.release = builder.threads, size, release
        self._free: list[Frame] = []
        self._only: Frame | None = None
        self.run: Callable[..., Any] = self._pooled
        if not release and size <= OWN_WORKSPACE and invoke.native():
            # The GIL is held from the first pointer to the last step, so one frame serves all.
            self._only = Frame(self)
            self.run = self._only.run

    @property
    def implementations(self) -> list[str]:
        """The implementation the library chose for each step."""
        return [implementation(step.descriptor) for step in self.steps]

    def _pooled(self, *arrays: np.ndarray) -> None:
        """Run with a frame of its own, so that threads do not overwrite each other's pointers."""
        try:
            frame = self._free.pop()
        except IndexError:  # the first call, or more calls at once than there are frames
            frame = Frame(self)
        if frame.owned is not None or not self.size:
            frame.run(*arrays)
        else:
            frame.run(*arrays, np.empty(self.size, np.uint8))
        self._free.append(frame)


def queried(descriptor: c_void_p, name: str) -> Descriptor | None:
    """The layout that a primitive descriptor wants for an argument; None if it has none."""
    query = ARGUMENTS[name][1]
    handle = interface().library.dnnl_primitive_desc_query_md(descriptor, query, 0)
    return Descriptor(c_void_p(handle), owned=False) if handle else None


@lru_cache(maxsize=1)
def attributes() -> c_void_p:
    """Attributes that make the scratchpad ours: the library's own is bound to a thread."""
    handle = interface().create("dnnl_primitive_attr_create")
    status = interface().library.dnnl_primitive_attr_set_scratchpad_mode(handle, 1)
    if status:
        raise Error("dnnl_primitive_attr_set_scratchpad_mode", status)
    return handle
