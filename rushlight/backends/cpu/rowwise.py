"""Fused kernels on the last axis: softmax, log_softmax, cross entropy, layer norm, reductions.

Each is a generalised ufunc: leading dimensions broadcast, rows may be strided, `out=` and `axis=`
are NumPy's. Call them with `out=...`, so that 0-d results stay arrays. Sums are taken in double.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from rushlight.backends.cpu import mathematics as m
from rushlight.backends.cpu.rows import Body, Operand, RowWriter, compile_rows
from rushlight.backends.cpu.values import Value, absolute, at_least, select, sqrt

INF = float("inf")


class Kernel(NamedTuple):
    """How a row is computed: its operands as a text, `row`, `number`, `index` or `indices` (a row
    of int64), and the code."""

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
def kernel(name: str, dtype: np.dtype, result: np.dtype | None = None) -> np.ufunc:
    """The generalised ufunc `name` for float32 or float64; the names are those of `KERNELS`.
    result: the dtype to write, where it is not `dtype`.

    Raises `Unavailable` where no code can be generated; `backends.host.rowwise` has functions of
    the same names and arguments.
    """
    declared = KERNELS[name]
    return compile_rows(name, declared.body, operands(declared.inputs, dtype),
                        operands(declared.outputs, result or dtype),
                        declared.cost * (dtype.itemsize / 4))


def operands(text: str, dtype: np.dtype) -> list[Operand]:
    """The operands that a `Kernel` states as a text."""
    return [Operand("int64" if word.startswith("ind") else dtype.name, word in ("row", "indices"))
            for word in text.split()]


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


@rowwise("row", "number", 0.5)
def length(row: RowWriter) -> None:
    """(x) -> sqrt(sum x^2)"""
    kind = row.operands[0].kind
    row.write(1, sqrt(row.sum(lambda i: _square(row.read(0, i)), kind)))


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


@rowwise("row", "number", 0.5)
def amin(row: RowWriter) -> None:
    """(x) -> min x; nan if there is one"""
    row.write(1, -row.maximum(row.operands[0].kind, lambda i: -row.read(0, i)))


@rowwise("row", "number index", 1.0)
def argmin(row: RowWriter) -> None:
    """(x) -> min x and the first index where it is; the first nan before all"""
    smallest = -row.maximum(row.operands[0].kind, lambda i: -row.read(0, i))
    nan = smallest.is_nan()

    def there(i: Value) -> Value:
        x = row.read(0, i)
        return (nan & x.is_nan()) | x.equals(smallest)

    row.write(2, row.first(there))
    row.write(1, smallest)


@rowwise("row number", "number number", 1.0)
def variance(row: RowWriter) -> None:
    """(x, correction) -> sum (x - mean)^2 / (n - correction) and the mean, in two passes"""
    kind = row.operands[0].kind
    centre = row.mean(lambda i: row.read(0, i), kind)
    squares = row.sum(lambda i: _square(row.read(0, i) - centre), kind)
    row.write(2, squares / at_least(row.count(kind) - row.scalar(1), 0.0))
    row.write(3, centre)


@rowwise("row number", "number", 0.6)
def deviation(row: RowWriter) -> None:
    """(x, centre) -> sum (x - centre)^2"""
    centre = row.scalar(1)
    row.write(2, row.sum(lambda i: _square(row.read(0, i) - centre), row.operands[0].kind))


@rowwise("row row number", "number number", 0.8)
def products(row: RowWriter) -> None:
    """(gradient, x, centre) -> sum gradient and sum gradient (x - centre)"""
    centre = row.scalar(2)

    def parts(i: Value) -> tuple[Value, Value]:
        g = row.read(0, i)
        return g, g * (row.read(1, i) - centre)

    total, moment = row.sums(row.operands[0].kind, parts, 2)
    row.write(3, total)
    row.write(4, moment)


def _square(x: Value) -> Value:
    return x * x


@rowwise("row", "row", 4.0)
def softmax(row: RowWriter) -> None:
    """(x) -> e^x / sum e^x"""
    kind = row.operands[0].kind
    largest = row.maximum(kind, lambda i: row.read(0, i))

    def power(i: Value) -> Value:
        e = m.exp_falling(row.read(0, i) - largest)
        row.write(1, e, i)
        return e

    factor = 1 / row.sum(power, kind)
    row.each(lambda i: row.write(1, row.read(1, i) * factor, i))


@rowwise("row", "row", 4.0)
def log_softmax(row: RowWriter) -> None:
    """(x) -> x - log sum e^x"""
    kind = row.operands[0].kind
    largest = row.maximum(kind, lambda i: row.read(0, i))
    total = m.log(row.sum(lambda i: m.exp_falling(row.read(0, i) - largest), kind))
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


@rowwise("row row number", "row number", 2.0)
def rms_norm(row: RowWriter) -> None:
    """(x, weight, eps) -> x rstd weight and rstd = 1 / sqrt(mean x^2 + eps)"""
    kind = row.operands[0].kind
    square = row.mean(lambda i: _square(row.read(0, i)), kind)
    rstd = 1 / sqrt(square + row.scalar(2))
    row.each(lambda i: row.write(3, row.read(0, i) * rstd * row.read(1, i), i))
    row.write(4, rstd)


@rowwise("row row row number", "row", 3.0)
def rms_norm_backward(row: RowWriter) -> None:
    """(gradient, x, weight, rstd) -> the gradient of x"""
    kind = row.operands[0].kind
    rstd = row.scalar(3)
    along = row.mean(lambda i: row.read(0, i) * row.read(2, i) * (row.read(1, i) * rstd), kind)

    def slope(i: Value) -> None:
        g = row.read(0, i) * row.read(2, i)
        row.write(4, (g - row.read(1, i) * rstd * along) * rstd, i)

    row.each(slope)


@rowwise("row number number number", "row number number", 2.0)
def batch_norm(row: RowWriter) -> None:
    """(x, weight, bias, eps) -> (x - mean) / sqrt(variance + eps) weight + bias, mean, variance"""
    kind, bias = row.operands[0].kind, row.scalar(2)
    mean = row.mean(lambda i: row.read(0, i), kind)
    variance = row.mean(lambda i: _square(row.read(0, i) - mean), kind)
    factor = row.scalar(1) / sqrt(variance + row.scalar(3))
    row.each(lambda i: row.write(4, (row.read(0, i) - mean) * factor + bias, i))
    row.write(5, mean)
    row.write(6, variance)


@rowwise("row row number number number number", "row number number", 2.0)
def batch_norm_backward(row: RowWriter) -> None:
    """(gradient, x, weight, mean, variance, eps) -> the gradients of x, weight and bias"""
    kind, mean = row.operands[0].kind, row.scalar(3)
    rstd = 1 / sqrt(row.scalar(4) + row.scalar(5))

    def parts(i: Value) -> tuple[Value, Value]:
        g = row.read(0, i)
        return g, g * ((row.read(1, i) - mean) * rstd)

    total, moment = row.sums(kind, parts, 2)
    factor, count = row.scalar(2) * rstd, row.count(kind)
    level, along = total / count, moment / count * rstd
    row.each(lambda i: row.write(
        6, (row.read(0, i) - level - (row.read(1, i) - mean) * along) * factor, i))
    row.write(7, moment)
    row.write(8, total)


@rowwise("row number number number", "row", 0.8)
def scale(row: RowWriter) -> None:
    """(x, centre, factor, shift) -> (x - centre) factor + shift"""
    centre, factor, shift = row.scalar(1), row.scalar(2), row.scalar(3)
    row.each(lambda i: row.write(4, (row.read(0, i) - centre) * factor + shift, i))


@rowwise("row row row row", "row", 1.0)
def scale_columns(row: RowWriter) -> None:
    """(x, centre, factor, shift) -> (x - centre) factor + shift, each element with its own"""
    row.each(lambda i: row.write(
        4, (row.read(0, i) - row.read(1, i)) * row.read(2, i) + row.read(3, i), i))


@rowwise("row row number number number number", "row", 1.0)
def slope(row: RowWriter) -> None:
    """(gradient, x, centre, a, b, c) -> gradient a - (x - centre) b - c"""
    centre, a, b, c = (row.scalar(k) for k in (2, 3, 4, 5))
    row.each(lambda i: row.write(
        6, row.read(0, i) * a - (row.read(1, i) - centre) * b - c, i))


@rowwise("row row row row row row", "row", 1.5)
def slope_columns(row: RowWriter) -> None:
    """(gradient, x, centre, a, b, c) -> gradient a - (x - centre) b - c, each element with its
    own"""
    row.each(lambda i: row.write(
        6, row.read(0, i) * row.read(3, i) - (row.read(1, i) - row.read(2, i)) * row.read(4, i)
        - row.read(5, i), i))


@rowwise("indices index index", "index index", 1.0)
def count_classes(row: RowWriter) -> None:
    """(classes, n, ignored) -> how many are not the ignored one, and where the first of these
    stands that is not one of 0 to n - 1 (the length if none)"""
    n, ignored = row.scalar(1), row.scalar(2)
    row.write(3, row.count_where(lambda i: row.read(0, i).differs(ignored)))
    row.write(4, row.first(lambda i: row.read(0, i).differs(ignored) & (
        (row.read(0, i) < 0) | (row.read(0, i) >= n))))
