"""Nests of loops over the tiles of strided arrays, as tasks for the thread pool."""

from __future__ import annotations

from collections.abc import Callable

from rushlight.backends.cpu import blocks, builtin, jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value


def runner(ir: str) -> Callable[[bytes, int, int], None]:
    """`run(context, count, grain)` of a text that defines `@task(context, begin, end)` and may
    call `@rl_block`; the interpreter lock is released meanwhile."""
    (address,) = jit.load(f"""{ir}
define void @run(ptr %context, i64 %count, i64 %grain) nounwind {{
  call void @rl_pool_run(ptr @task, ptr %context, i64 %count, i64 %grain)
  ret void
}}
declare void @rl_pool_run(ptr, ptr, i64, i64)
""", "run", imports={"rl_pool_run": pool_run_address(), **blocks.imports()})
    return builtin.runner(address)


def smaller(a: Value, b: Value) -> Value:
    """The smaller of two integers."""
    return a.writer.intrinsic("smin", a, b)


def divided(a: Value, b: Value) -> tuple[Value, Value]:
    """Quotient and remainder of two integers that are not negative."""
    return (a.writer.emit("i64", f"udiv i64 {a.text}, {b.text}"),
            a.writer.emit("i64", f"urem i64 {a.text}, {b.text}"))


def quotient_up(a: Value, b: Value) -> Value:
    """a / b, rounded up."""
    return divided(a + b - 1, b)[0]


def places(code: Code, index: Value, table: Value, dimensions: Value, count: int) -> list[Value]:
    """The offsets in bytes of `count` operands at the place `index` of some dimensions.

    The table has a row for each dimension, the last one first: its size, then each one's step.
    """
    slots = [code.slot("i64") for _ in range(count + 1)]
    code.store(index, slots[0])
    for slot in slots[1:]:
        code.store(code.integer(0), slot)
    with code.loop(code.integer(0), dimensions) as k:
        entry = code.at(table, k * (count + 1), 8)
        rest, i = divided(code.load("i64", slots[0]), code.load("i64", entry))
        code.store(rest, slots[0])
        for j, slot in enumerate(slots[1:], 1):
            step = code.load("i64", code.at(entry, j, 8))
            code.store(code.load("i64", slot) + i * step, slot)
    return [code.load("i64", slot) for slot in slots[1:]]
