"""How often each of few numbers occurs, in generated code.

Neighbours are often equal, and to count one waits until the one before is stored: four tables take
turns. What lies outside the tables is told, not counted.
"""

from __future__ import annotations

from functools import cache
from struct import pack
from typing import Any

import numpy as np

from rushlight.backends.cpu import builtin, jit
from rushlight.backends.cpu.code import Code
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.values import Value

Array = np.ndarray

FEWEST = 1 << 12  # elements from which tables of their own pay
WIDEST = 1 << 14  # numbers in a table, at most: all of them stay in the cache
TABLES = 4


def counts(array: Array, least: int) -> Array | None:
    """The counts of 0, 1, ... in a vector, at least `least` of them; None where this does not
    serve, or where an element is negative."""
    if array.size < FEWEST or array.dtype != np.int64 or not array.flags.c_contiguous:
        return None
    run = _run()
    if run is None or not array.dtype.isnative:
        return None
    bounds = np.empty(2, np.int64)
    run(pack("4q", id(array), id(bounds), array.size, 0), 0, 1)
    lowest, highest = bounds.tolist()
    width = max(highest + 1, least)
    if lowest < 0 or width > min(WIDEST, array.size):
        return None
    tables = np.zeros((TABLES, width), np.int64)
    run(pack("4q", id(array), id(tables), array.size, width), 1, 1)
    return np.add.reduce(tables, axis=0)


@cache
def _run() -> Any:
    if not builtin.supported():
        return None
    try:
        (address,) = jit.load(_text(), "task")
    except Unavailable:
        return None
    return builtin.runner(address)


def _text() -> str:
    """`task(context, step, _)`: step 0 finds the least and the greatest, step 1 counts."""
    code = Code("task", [("ptr", "context"), ("i64", "step"), ("i64", "unused")])
    context, step, _ = code.parameters
    array, target = (code.load("ptr", code.at(code.load("ptr", code.at(context, k, 8)),
                                              builtin.DATA, 1)) for k in (0, 1))
    size, width = (code.load("i64", code.at(context, k, 8)) for k in (2, 3))
    zero = code.integer(0)
    with code.when(step.equals(0)):
        lowest, highest = code.slot("i64"), code.slot("i64")
        for slot in (lowest, highest):
            code.store(code.load("i64", array), slot)
        with code.loop(zero, size) as i:
            x = code.load("i64", code.at(array, i, 8))
            for slot, name in ((lowest, "smin"), (highest, "smax")):
                code.store(code.intrinsic(name, code.load("i64", slot), x), slot)
        for k, slot in enumerate((lowest, highest)):
            code.store(code.load("i64", slot), code.at(target, k, 8))
    with code.when(step.differs(0)):
        def count(i: Value, table: int) -> None:
            x = code.load("i64", code.at(array, i, 8))
            place = code.at(target, width * table + x, 8)
            code.store(code.load("i64", place) + 1, place)

        whole = size & -TABLES
        with code.loop(zero, whole, TABLES) as i:
            for table in range(TABLES):
                count(i + table, table)
        with code.loop(whole, size) as i:
            count(i, 0)
    text = code.text().replace("define internal", "define", 1)
    return text + "".join(code.declarations.values())
