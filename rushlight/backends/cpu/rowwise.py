"""Fused kernels on the last axis: softmax, log_softmax, cross entropy, layer norm, reductions.

Each is a generalised ufunc: leading dimensions broadcast, rows may be strided, `out=` and `axis=`
are NumPy's. Call them with `out=...`, so that 0-d results stay arrays. Sums are taken in double.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from rushlight.backends.cpu import mathematics as m
from rushlight.backends.cpu.rows import Body, Operand, RowWriter, compile_rows
from rushlight.backends.cpu.values import Value, absolute, at_least, select, sqrt

INF = float("inf")


class Kernel(NamedTuple):
    """How a row is computed: its operands as a text, `row`, `number` or `index`, and the code."""

    inputs: str
    outputs: str
    cost: float
    body: Body


KERNELS: dict[str, Kernel] = {}


def rowwise(inputs: str, outputs: str, cost: float) -> Callable[[Body], Body]:
    """Register the code of a kernel under its own name."""

    def register(body: Body) -> Body:
        KERNELS[body.__name__.removesuffix("_")] = Kernel(inputs, outputs, cost, body)
        return body

    return register


@cache
def kernel(name: str, dtype: np.dtype) -> np.ufunc:
    """The generalised ufunc `name` for float32 or float64; the names are those of `KERNELS`.

    Raises `Unavailable` where no code can be generated; `backends.host.rowwise` has functions of
    the same names and arguments.
    """
    declared = KERNELS[name]

    def operands(text: str) -> list[Operand]:
        return [Operand("int64" if word == "index" else dtype.name, word == "row")
                for word in text.split()]

    return compile_rows(name, declared.body, operands(declared.inputs),
                        operands(declared.outputs), declared.cost * (dtype.itemsize / 4))


CHUNK = 1 << 14  # elements of a row of their own when a whole array is summed


def sum_all(array: np.ndarray) -> np.ndarray:
    """The sum of a contiguous array as a 0-d array: in rows of equal length, so that it can be
    split over threads and does not depend on their number."""
    total: Any = kernel("sum", array.dtype)
    flat = array.reshape(-1)
    whole = flat.size // CHUNK * CHUNK
    rest: np.ndarray = total(flat[whole:], out=...)
    if whole:
        parts = total(flat[:whole].reshape(-1, CHUNK))
        rest = total(np.append(parts, rest), out=...)
    return rest


def _shift(largest: Value) -> Value:
    """What to subtract before exp: the maximum, or 0 where that would give inf - inf."""
    return select(absolute(largest).equals(INF), 0, largest)


@rowwise("row", "number", 0.5)
def sum_(row: RowWriter) -> None:
    """(x) -> sum x"""
    kind = row.operands[0].kind
    row.write(1, row.sum(lambda i: row.read(0, i), kind))


@rowwise("row", "number", 0.5)
def mean(row: RowWriter) -> None:
    """(x) -> sum x / n"""
    kind = row.operands[0].kind
    row.write(1, row.mean(lambda i: row.read(0, i), kind))


@rowwise("row", "number", 0.5)
def amax(row: RowWriter) -> None:
    """(x) -> max x; nan if there is one"""
    row.write(1, row.maximum(row.operands[0].kind, lambda i: row.read(0, i)))


@rowwise("row", "number index", 1.0)
def argmax(row: RowWriter) -> None:
    """(x) -> max x and the first index where it is; the first nan before all"""
    largest = row.maximum(row.operands[0].kind, lambda i: row.read(0, i))
    nan = largest.is_nan()

    def there(i: Value) -> Value:
        x = row.read(0, i)
        return (nan & x.is_nan()) | x.equals(largest)

    index = row.first(there)
    row.write(1, largest)
    row.write(2, index)


@rowwise("row number", "number number", 1.0)
def variance(row: RowWriter) -> None:
    """(x, correction) -> sum (x - mean)^2 / (n - correction) and the mean, in two passes"""
    kind = row.operands[0].kind
    centre = row.mean(lambda i: row.read(0, i), kind)
    squares = row.sum(lambda i: _square(row.read(0, i) - centre), kind)
    row.write(2, squares / at_least(row.count(kind) - row.scalar(1), 0.0))
    row.write(3, centre)


def _square(x: Value) -> Value:
    return x * x


@rowwise("row", "row", 4.0)
def softmax(row: RowWriter) -> None:
    """(x) -> e^x / sum e^x"""
    kind = row.operands[0].kind
    largest = row.maximum(kind, lambda i: row.read(0, i))

    def power(i: Value) -> Value:
        e = m.exp(row.read(0, i) - largest)
        row.write(1, e, i)
        return e

    factor = 1 / row.sum(power, kind)
    row.each(lambda i: row.write(1, row.read(1, i) * factor, i))


@rowwise("row", "row", 4.0)
def log_softmax(row: RowWriter) -> None:
    """(x) -> x - log sum e^x"""
    kind = row.operands[0].kind
    largest = row.maximum(kind, lambda i: row.read(0, i))
    total = m.log(row.sum(lambda i: m.exp(row.read(0, i) - largest), kind))
    row.each(lambda i: row.write(1, (row.read(0, i) - largest) - total, i))


@rowwise("row", "number", 3.0)
def logsumexp(row: RowWriter) -> None:
    """(x) -> log sum e^x"""
    kind = row.operands[0].kind
    shift = _shift(row.maximum(kind, lambda i: row.read(0, i)))
    total = row.sum(lambda i: m.exp(row.read(0, i) - shift), kind)
    row.write(1, m.log(total) + shift)


@rowwise("row row", "row", 2.0)
def softmax_backward(row: RowWriter) -> None:
    """(gradient, output) -> (gradient - sum gradient output) output"""
    kind = row.operands[0].kind
    total = row.sum(lambda i: row.read(0, i) * row.read(1, i), kind)
    row.each(lambda i: row.write(2, (row.read(0, i) - total) * row.read(1, i), i))


@rowwise("row row", "row", 3.0)
def log_softmax_backward(row: RowWriter) -> None:
    """(gradient, output) -> gradient - e^output sum gradient"""
    kind = row.operands[0].kind
    total = row.sum(lambda i: row.read(0, i), kind)
    row.each(lambda i: row.write(2, row.read(0, i) - m.exp(row.read(1, i)) * total, i))


@rowwise("row index", "number number", 3.0)
def cross_entropy(row: RowWriter) -> None:
    """(x, class) -> log sum e^x - x[class] and log sum e^x; 0 for a class that x does not have"""
    kind = row.operands[0].kind
    shift = _shift(row.maximum(kind, lambda i: row.read(0, i)))
    total = m.log(row.sum(lambda i: m.exp(row.read(0, i) - shift), kind))
    inside, index = _class_of(row, 1)
    loss = total - (row.read(0, index) - shift)
    row.write(2, select(inside, loss, 0))
    row.write(3, total + shift)


def _class_of(row: RowWriter, k: int) -> tuple[Value, Value]:
    """Whether the class is one of the row, and an index that can be read in any case."""
    index = row.scalar(k)
    inside = (index >= 0) & (index < row.length)
    return inside, select(inside, index, 0)


@rowwise("number row index number", "row", 2.0)
def cross_entropy_backward(row: RowWriter) -> None:
    """(gradient, x, class, log sum e^x) -> gradient (e^(x - log sum e^x) - [class]); 0 for a class
    that x does not have"""
    inside, index = _class_of(row, 2)
    factor = select(inside, row.scalar(0), 0)
    total = row.scalar(3)

    def slope(i: Value) -> None:
        p = m.exp(row.read(1, i) - total)
        p = select(i.equals(index), p - 1, p)
        row.write(4, select(inside, p * factor, 0), i)

    row.each(slope)


@rowwise("row row row number", "row number number", 2.0)
def layer_norm(row: RowWriter) -> None:
    """(x, weight, bias, eps) -> (x - mean) rstd weight + bias, mean and
    rstd = 1 / sqrt(variance + eps)"""
    kind = row.operands[0].kind
    mean = row.mean(lambda i: row.read(0, i), kind)
    variance = row.mean(lambda i: _square(row.read(0, i) - mean), kind)
    rstd = 1 / sqrt(variance + row.scalar(3))
    row.each(lambda i: row.write(
        4, (row.read(0, i) - mean) * rstd * row.read(1, i) + row.read(2, i), i))
    row.write(5, mean)
    row.write(6, rstd)


@rowwise("row row row number number", "row", 3.0)
def layer_norm_backward(row: RowWriter) -> None:
    """(gradient, x, weight, mean, rstd) -> the gradient of x"""
    kind = row.operands[0].kind
    mean, rstd, count = row.scalar(3), row.scalar(4), row.count(kind)

    def parts(i: Value) -> tuple[Value, Value]:
        g = row.read(0, i) * row.read(2, i)
        return g, g * ((row.read(1, i) - mean) * rstd)

    sum_g, sum_gx = row.sums(kind, parts, 2)
    mean_g, mean_gx = sum_g / count, sum_gx / count

    def slope(i: Value) -> None:
        g = row.read(0, i) * row.read(2, i)
        x = (row.read(1, i) - mean) * rstd
        row.write(5, (g - mean_g - x * mean_gx) * rstd, i)

    row.each(slope)
