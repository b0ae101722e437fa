"""The gates of recurrent cells as row kernels: one step of LSTM, GRU or plain RNN, there and back.

A row is one sequence of the batch. Operands are named by letters that `recurrence.py` shares:

    h, c     the state before the step; as outputs: after it
    x, a     what the input and what the state contribute, for all gates one after the other
    g        the gates' values, as the gradient needs them; e: of a GRU, the state's part of `new`
    y        the output of the step
    dh, dc   gradients of the state after the step; as outputs: before it
    dx, da   gradients of x and a, where the two differ
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu import mathematics as m
from rushlight.backends.cpu.loop import flag_family
from rushlight.backends.cpu.rows import Operand, RowWriter, generalised_ufunc, rows_ir
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.backends.cpu.values import Value, at_least, select

WIDE = ("x", "a", "g", "dx", "da")  # as long as all gates together


class Step(NamedTuple):
    """One step in one direction: its operands by letter, and the code of a row."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    body: Callable[[Row], None]

    @property
    def letters(self) -> tuple[str, ...]:
        """All operands, in the order of the kernel's arguments."""
        return (*self.inputs, *self.outputs)


class Row:
    """Reads and writes operands by letter, gate by gate, at one element of a row."""

    def __init__(self, writer: RowWriter, step: Step) -> None:
        self.writer, self.step = writer, step

    def each(self, body: Callable[[Value], None]) -> None:
        """Run `body` for every element of the state."""
        self.writer.each(body)

    def read(self, letter: str, i: Value, gate: int = 0) -> Value:
        """Element i of an input, or of its part for a gate."""
        return self.writer.read(self.step.inputs.index(letter), self._at(i, gate))

    def write(self, letter: str, value: Value, i: Value, gate: int = 0) -> None:
        """Store element i of an output, or of its part for a gate."""
        place = len(self.step.inputs) + self.step.outputs.index(letter)
        self.writer.write(place, value, self._at(i, gate))

    def _at(self, i: Value, gate: int) -> Value:
        return self.writer.length * gate + i if gate else i


FORWARD: dict[str, Step] = {}
BACKWARD: dict[str, Step] = {}
GATES = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


def _step(table: dict[str, Step], name: str, text: str) -> Callable[..., Any]:
    """Register the code of a step; `text` names its operands, inputs -> outputs."""

    def register(body: Callable[[Row], None]) -> Callable[[Row], None]:
        inputs, outputs = (tuple(part.split()) for part in text.split("->"))
        table[name] = Step(inputs, outputs, body)
        return body

    return register


def _sigmoid(x: Value) -> Value:
    return 1 / (m.exp(-x) + 1)


@_step(FORWARD, "lstm", "c x a -> h c g")
def _lstm(row: Row) -> None:
    """c' = f c + i g, h' = o tanh(c')"""

    def element(k: Value) -> None:
        i, f, g, o = (row.read("x", k, gate) + row.read("a", k, gate) for gate in range(4))
        i, f, g, o = _sigmoid(i), _sigmoid(f), m.tanh(g), _sigmoid(o)
        c = f * row.read("c", k) + i * g
        row.write("h", o * m.tanh(c), k)
        row.write("c", c, k)
        for gate, value in enumerate((i, f, g, o)):
            row.write("g", value, k, gate)

    row.each(element)


@_step(BACKWARD, "lstm", "dh dc c g -> dx dc")
def _lstm_backward(row: Row) -> None:
    def element(k: Value) -> None:
        i, f, g, o = (row.read("g", k, gate) for gate in range(4))
        c, dh = row.read("c", k), row.read("dh", k)
        squashed = m.tanh(f * c + i * g)
        dc = row.read("dc", k) + dh * o * (1 - squashed * squashed)
        slopes = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g),
                  dh * squashed * o * (1 - o))
        row.write("dc", dc * f, k)
        for gate, value in enumerate(slopes):
            row.write("dx", value, k, gate)

    row.each(element)


@_step(FORWARD, "gru", "h x a -> h g e")
def _gru(row: Row) -> None:
    """h' = n + z (h - n), n = tanh(x_n + r a_n)"""

    def element(k: Value) -> None:
        r, z = (_sigmoid(row.read("x", k, gate) + row.read("a", k, gate)) for gate in range(2))
        e = row.read("a", k, 2)
        n = m.tanh(row.read("x", k, 2) + r * e)
        h = n + z * (row.read("h", k) - n)
        for gate, value in enumerate((r, z, n)):
            row.write("g", value, k, gate)
        row.write("e", e, k)
        row.write("h", h, k)

    row.each(element)


@_step(BACKWARD, "gru", "dh h e g -> dx da dh")
def _gru_backward(row: Row) -> None:
    def element(k: Value) -> None:
        r, z, n = (row.read("g", k, gate) for gate in range(3))
        dh, e = row.read("dh", k), row.read("e", k)
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (row.read("h", k) - n) * z * (1 - z)
        dr = dn * e * r * (1 - r)
        row.write("dh", dh * z, k)
        for letter, last in (("dx", dn), ("da", dn * r)):
            for gate, value in enumerate((dr, dz, last)):
                row.write(letter, value, k, gate)

    row.each(element)


@_step(FORWARD, "tanh", "x a -> h")
def _tanh(row: Row) -> None:
    row.each(lambda k: row.write("h", m.tanh(row.read("x", k) + row.read("a", k)), k))


@_step(BACKWARD, "tanh", "dh y -> dx")
def _tanh_backward(row: Row) -> None:
    def element(k: Value) -> None:
        y = row.read("y", k)
        row.write("dx", row.read("dh", k) * (1 - y * y), k)

    row.each(element)


@_step(FORWARD, "relu", "x a -> h")
def _relu(row: Row) -> None:
    row.each(lambda k: row.write("h", at_least(row.read("x", k) + row.read("a", k), 0.0), k))


@_step(BACKWARD, "relu", "dh y -> dx")
def _relu_backward(row: Row) -> None:
    row.each(lambda k: row.write("dx", select(row.read("y", k) > 0, row.read("dh", k), 0.0), k))


@cache
def kernel(cell: str, dtype: np.dtype, back: bool) -> np.ufunc:
    """A step of `cell` as a generalised ufunc over the rows of a batch.

    Raises `Unavailable` where no code can be generated; `backends.host.recurrence` has functions
    of the same arguments.
    """
    step, wide = (BACKWARD if back else FORWARD)[cell], "(g)" if GATES[cell] > 1 else "(n)"
    operands = [Operand(dtype.name, True)] * len(step.letters)
    ir = rows_ir(lambda writer: step.body(Row(writer, step)), operands, len(step.inputs),
                 8.0 * GATES[cell] * dtype.itemsize / 4, flag_family())
    (address,) = jit.load(ir, "loop", imports={"rl_pool_run": pool_run_address()})
    marks = [wide if letter in WIDE else "(n)" for letter in step.letters]
    count = len(step.inputs)
    return generalised_ufunc(
        f"{cell}_{'backward' if back else 'forward'}",
        f"{','.join(marks[:count])}->{','.join(marks[count:])}",
        [dtype.name] * len(marks), count, address)
