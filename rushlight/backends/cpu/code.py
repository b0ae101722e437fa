"""Functions of LLVM IR with loops, memory and calls, written as Python: `with code.loop(...)`.

Loop counters and other variables live in stack slots, which LLVM's passes turn into registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rushlight.backends.cpu.values import Value, Writer


class Code(Writer):
    """One function: its parameters as values, then its body."""

    def __init__(self, name: str, parameters: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.name = name
        self.parameters = [Value(self, kind, f"%{word}") for kind, word in parameters]
        self.slots: list[str] = []
        self._blocks = 0

    def text(self) -> str:
        """The function's definition."""
        head = ", ".join(f"{p.kind} {p.text}" for p in self.parameters)
        body = "\n".join(line if line.endswith(":") else f"  {line}"
                         for line in (*self.slots, *self.lines))
        return f"define internal void @{self.name}({head}) nounwind {{\n{body}\n  ret void\n}}\n"

    def integer(self, value: int) -> Value:
        """A number of type i64."""
        return self.constant("i64", value)

    def at(self, base: Value, offset: Value | int, size: int) -> Value:
        """The address `offset` elements of `size` bytes after `base`."""
        text = offset.text if isinstance(offset, Value) else str(offset)
        return self.emit("ptr", f"getelementptr [{size} x i8], ptr {base.text}, i64 {text}")

    def load(self, kind: str, place: Value, align: int = 8) -> Value:
        """What memory holds now; never taken for an earlier load of the same place."""
        value = self.emit(kind, f"load {kind}, ptr {place.text}, align {align}")
        del self._known[f"{kind} load {kind}, ptr {place.text}, align {align}"]
        return value

    def store(self, value: Value, place: Value, align: int = 8) -> None:
        """Write a value to memory."""
        self.lines.append(f"store {value.kind} {value.text}, ptr {place.text}, align {align}")

    def slot(self, kind: str) -> Value:
        """A variable: an address on the stack."""
        name = f"%slot{len(self.slots)}"
        self.slots.append(f"{name} = alloca {kind}")
        return Value(self, "ptr", name)

    def call(self, function: str, *arguments: Value) -> None:
        """Call a function that returns nothing."""
        given = ", ".join(f"{x.kind} {x.text}" for x in arguments)
        self.lines.append(f"call void @{function}({given})")

    @contextmanager
    def loop(self, begin: Value, end: Value, step: Value | int = 1) -> Iterator[Value]:
        """Run the block for begin, begin + step, ... below end."""
        name, counter = self._label(), self.slot("i64")
        self.store(begin, counter)
        self._open(f"{name}.head", jump=True)
        i = self.load("i64", counter)
        more = i < end
        self.lines.append(f"br i1 {more.text}, label %{name}.body, label %{name}.end")
        self._open(f"{name}.body")
        yield i
        self.store(i + step, counter)
        self.lines.append(f"br label %{name}.head")
        self._open(f"{name}.end")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Run the block if the condition holds."""
        name = self._label()
        self.lines.append(f"br i1 {condition.text}, label %{name}.body, label %{name}.end")
        self._open(f"{name}.body")
        yield
        self._open(f"{name}.end", jump=True)

    def _label(self) -> str:
        self._blocks += 1
        return f"b{self._blocks}"

    def _open(self, label: str, jump: bool = False) -> None:
        if jump:
            self.lines.append(f"br label %{label}")
        self.lines.append(f"{label}:")
        self._known.clear()  # what another block computed need not have run
