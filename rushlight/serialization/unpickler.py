"""A reader of pickles that runs nothing: opcodes build plain containers, names stand in a table."""

from __future__ import annotations

import importlib
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.serialization.errors import LONGEST, Outside, Stop, refused, shown
from rushlight.serialization.names import TABLE
from rushlight.serialization.opcodes import OPCODES
from rushlight.serialization.trusted_globals import registered

SIZED = (str, bytes, bytearray, tuple, list, dict, set, frozenset)


class Unpickler:
    """Reads one pickle in `data` from the place `at`; afterwards `at` is where it ends.

    persistent_load: makes a storage of the tuple that describes it.
    encoding: of the texts of Python 2: "utf-8", another name, or "bytes" to leave them so.
    """

    def __init__(self, data: Any, persistent_load: Callable[[Any], Any] | None = None,
                 at: int = 0, encoding: str = "utf-8") -> None:
        self.data = data
        self.at = at
        self.encoding = encoding
        self.persistent_load = persistent_load
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}
        # What the user registered, and what was made with it, by id.
        self.trusted: dict[int, Any] = {}
        self.instances: dict[int, Any] = {}
        self.room = 8 * len(data) + (1 << 20)

    def load(self) -> Any:
        """The object. Raises `pickle.UnpicklingError`, or EOFError if there is nothing at all."""
        data, run = self.data, OPCODES
        if self.at >= len(data):
            raise EOFError("Ran out of input")
        try:
            while True:
                code = data[self.at]
                self.at += 1
                action = run.get(code)
                if action is None:
                    raise refused(f"Unsupported operand {code}")
                action(self)
        except Stop:
            return self.pop()
        except pickle.UnpicklingError:
            raise
        except Outside as error:
            raise error.args[0] from None
        except (IndexError, struct.error):
            raise refused("The pickle is truncated or damaged") from None
        except (TypeError, ValueError, LookupError, OverflowError, RecursionError,
                AttributeError) as error:
            raise refused(f"The pickle is damaged: {type(error).__name__}: "
                          f"{shown(str(error))}") from None

    def take(self, count: int) -> Any:
        """The next bytes."""
        start, self.at = self.at, self.at + count
        if self.at > len(self.data):
            raise IndexError
        return self.data[start:self.at]

    def line(self) -> str:
        """Text up to the end of the line."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise IndexError
        text = self.data[self.at:end]
        self.at = end + 1
        return text.decode()

    def number(self, layout: struct.Struct) -> Any:
        """A number of that layout."""
        return layout.unpack(self.take(layout.size))[0]

    def pop(self) -> Any:
        """The topmost object above the last mark."""
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """All objects above the last mark."""
        found, self.stack = self.stack, self.marks.pop()
        return found

    def top(self, *kinds: type) -> Any:
        """The topmost object, which must be of one of the given types exactly, or of a registered
        class that derives from one."""
        value = self.stack[-1]
        if type(value) not in kinds and not (
                id(value) in self.instances and isinstance(value, kinds)):
            raise refused(f"It fills {shown(value)} as if that were a {kinds[0].__name__}")
        return value

    def find(self, module: str, name: str) -> Any:
        """What a global name stands for."""
        found = TABLE.get((module, name))
        if found is not None:
            return found
        trusted = registered("builtins" if module == "__builtin__" else module, name)
        if trusted is not None:
            self.trusted[id(trusted)] = trusted
            return trusted
        raise unsupported(module, name)


    def charge(self, values: tuple[Any, ...]) -> None:
        """Count what builders copy: the memo lets a few bytes ask for the same copy many times."""
        for value in values:
            if isinstance(value, SIZED):
                self.room -= len(value)
            elif isinstance(value, np.ndarray):
                self.room -= value.nbytes
        if self.room < 0:
            raise refused("It copies its parts more often than a file of its size should")

    def adopt(self, made: Any) -> None:
        """Push an object of a registered class, whose state may be set."""
        self.instances[id(made)] = made
        self.stack.append(made)


def unsupported(module: str, name: str) -> pickle.UnpicklingError:
    """The error for a name that is not in the table."""
    asked = f"Unsupported global: GLOBAL {shown(f'{module}.{name}')}"
    if module == "torch" or module.startswith(("torch._utils", "torch._C")):
        return refused(f"{asked} is a kind of tensor or value of torch that Rushlight does not "
                       "have: convert it before it is saved (to a dense tensor of another dtype, "
                       "a generator to its state)")
    remedy = f". If it is harmless, add_safe_globals([{name}]) allows it" if (
        name.isidentifier() and len(name) < LONGEST) else ""
    return refused(f"{asked} is none of the dtypes, tensors and plain containers that there "
                   f"are{remedy}")


def unknown_names(data: bytes) -> list[str]:
    """The globals of a pickle that are neither in the table nor registered."""
    pickletools = importlib.import_module("pickletools")  # rarely needed, and slow to import
    found: dict[str, None] = {}
    texts: list[str] = []
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name == "GLOBAL" and isinstance(argument, str):
                texts = argument.split(" ", 1)
            elif code.name != "STACK_GLOBAL":
                if isinstance(argument, str):
                    texts = [*texts[-1:], argument]
                continue
            if len(texts) == 2 and (texts[0], texts[1]) not in TABLE and (
                    registered(texts[0], texts[1]) is None):
                found[".".join(texts)] = None
    except ValueError as error:
        raise refused(f"The pickle is damaged: {shown(str(error))}") from None
    return list(found)
