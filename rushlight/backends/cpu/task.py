"""Tasks for the thread pool written with `Code`: what they are told, and modules of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from struct import pack
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, features, jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.rows import _METADATA, KINDS, Operand, RowWriter
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value

Array = Any  # an np.ndarray
NOTHING = np.empty(0)  # stands for arrays that a call does not have


class Task(Code):
    """`task(context, begin, end)`: the context holds 64 bits for each field, numbers first, then
    the arrays, as Python objects."""

    def __init__(self, dtype: str, numbers: Sequence[str], arrays: Sequence[str]) -> None:
        super().__init__("task", [("ptr", "context"), ("i64", "begin"), ("i64", "end")])
        self.kind, self.size = KINDS[dtype]
        context, self.begin, self.end = self.parameters
        self.field = {}
        for place, name in enumerate((*numbers, *arrays)):
            value = self.load("i64" if name in numbers else "ptr", self.at(context, place, 8))
            if name in arrays:
                value = self.load("ptr", self.at(value, builtin.DATA, 1))
            self.field[name] = value

    def copy(self, target: Value, source: Value, count: Value) -> None:
        """Copy `count` elements."""
        self._memory("memcpy", "ptr, ptr", f"ptr {target.text}, ptr {source.text}", count)

    def clear(self, target: Value, count: Value) -> None:
        """Set `count` elements to zero."""
        self._memory("memset", "ptr, i8", f"ptr {target.text}, i8 0", count)

    def _memory(self, word: str, types: str, arguments: str, count: Value) -> None:
        name = f"@llvm.{word}.p0.{'p0.' if word == 'memcpy' else ''}i64"
        self.declarations[name] = f"declare void {name}({types}, i64, i1)\n"
        size = count * self.size
        self.lines.append(f"call void {name}({arguments}, i64 {size.text}, i1 false)")


def context(numbers: Mapping[str, int], arrays: Mapping[str, Array],
            names: tuple[Sequence[str], Sequence[str]]) -> bytes:
    """The fields of a call, in the order of `names`; numbers not given are 0. The arrays have to
    stay alive until it is done."""
    number, array = numbers.get, arrays.get
    words = [number(name, 0) for name in names[0]]
    words += [id(array(name, NOTHING)) for name in names[1]]
    return pack(f"{len(words)}q", *words)


def row_function(name: str, dtype: str, rows: str, body: Callable[[RowWriter], None],
                 ) -> tuple[str, dict[str, str]]:
    """A row kernel as a function of its operands' addresses and the row's length.

    `rows` has a letter for each operand: r for a row, s for a single number.
    """
    writer = RowWriter([Operand(dtype, letter == "r") for letter in rows], True)
    body(writer)
    parameters = ", ".join(f"ptr %a{k}" for k in range(len(rows)))
    lines = "\n".join(writer.lines)
    return (f"define internal void @{name}({parameters}, i64 %n) nounwind {{\nrow:\n{lines}\n"
            "ret void\n}\n", writer.declarations)


def compiled(parts: Sequence[tuple[str, Mapping[str, str]]],
             imports: Mapping[str, int] | None = None) -> Callable[[bytes, int, int], None]:
    """`run(context, count, grain)` of a module that defines `@task`, given as texts with what they
    declare; `imports` gives the addresses of what else they call."""
    declarations = {line for _, declared in parts for line in declared.values()}
    (address,) = jit.load(f"""{"".join(text for text, _ in parts)}
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  ret void
}}
declare void @rl_pool_run(ptr, ptr, i64, i64)
{"".join(sorted(declarations))}{_METADATA}""", "run",
                          imports={"rl_pool_run": pool_run_address(), **(imports or {})})
    return builtin.runner(address)


# Where a task works: `places` parts of a workspace are shared by the threads that run it, who hold
# one each while they are at a piece. More pieces than threads leave nobody waiting for a slow one.
CLAIM = """
; Take the first of `places` that is free, and write its number to `own`.
define internal void @claim(ptr %taken, i64 %places, ptr %own) nounwind {
entry:
  br label %each
each:
  %i = phi i64 [0, %entry], [%around, %full]
  %flag = getelementptr i64, ptr %taken, i64 %i
  %pair = cmpxchg ptr %flag, i64 0, i64 1 acquire monotonic
  %won = extractvalue {i64, i1} %pair, 1
  br i1 %won, label %end, label %full
full:
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %places
  %around = select i1 %more, i64 %next, i64 0
  br label %each
end:
  store i64 %i, ptr %own
  ret void
}
define internal void @leave(ptr %taken, i64 %own) nounwind {
  %flag = getelementptr i64, ptr %taken, i64 %own
  store atomic i64 0, ptr %flag release, align 8
  ret void
}
"""

WORTH_SHARING = 1e6  # multiplications of a call that are worth waking a thread
PIECES = 4  # for each thread, where there is work enough


def grain_of(count: int, work: float, multiple: int = 1) -> int:
    """How many of `count` equal pieces, of `work` multiplications in all, a thread takes at once:
    some `multiple`, since fewer are less than so many times quicker."""
    threads = features.get_num_threads()
    pieces = min(PIECES * threads, int(work / WORTH_SHARING)) if threads > 1 else 1
    return max(1, -(-count // (max(1, pieces) * multiple)) * multiple)


@cache
def available() -> bool:
    """Whether tasks can be compiled and run here."""
    return builtin.supported() and jit.available() is None
