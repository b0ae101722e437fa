"""Strides of results as torch has them, for operands of every order of dimensions in memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import prod
from typing import Any

import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

SHAPES = [(3, 4), (2, 3, 4), (2, 3, 4, 5)]
Call = Callable[..., Any]
ONE: dict[str, Call] = {
    "neg": lambda m, x: -x, "gelu": lambda m, x: m.nn.functional.gelu(x),
    "add": lambda m, x: x + 1,
    "clone": lambda m, x: x.clone(), "double": lambda m, x: x.double(),
    "bool": lambda m, x: x.bool(),
    "zeros_like": lambda m, x: m.zeros_like(x), "full_like": lambda m, x: m.full_like(x, 2.0),
    "randn_like": lambda m, x: m.randn_like(x), "rand_like": lambda m, x: m.rand_like(x),
    "dropout": lambda m, x: m.nn.functional.dropout(x, 0.5), "flip": lambda m, x: x.flip(0),
    "roll": lambda m, x: x.roll(1, 0), "sort": lambda m, x: x.sort(0)[0], "gt": lambda m, x: x > 2,
    "cat": lambda m, x: m.cat([x, x], -1), "stack": lambda m, x: m.stack([x, x], -1),
    "add_": lambda m, x: x.clone().add_(1), "where": lambda m, x: m.where(x > 1, x, 0.0)}
TWO: dict[str, Call] = {
    "add": lambda m, x, y: x + y, "less": lambda m, x, y: x < y,
    "maximum": lambda m, x, y: m.maximum(x, y),
    "where": lambda m, x, y: m.where((m.ones(x.shape) > 0), x, y),
    "addcmul": lambda m, x, y: m.addcmul(x, y, y), "promoted": lambda m, x, y: x.double() + y,
    "twice": lambda m, x, y: (
        m.cat([x] * 99).transpose(0, 1) * 2 + m.cat([y] * 99).transpose(0, 1)),
    "alpha": lambda m, x, y: m.sub(x, y, alpha=2), "large": lambda m, x, y: (
        m.cat([x] * 2000).transpose(0, 1) * m.cat([y] * 2000).transpose(0, 1))}


def _turned(m: Any, shape: tuple[int, ...], order: tuple[int, ...]) -> Any:
    """A tensor of `shape` whose dimensions lie in memory in the given order."""
    there = m.arange(float(prod(shape))).reshape([shape[k] for k in order])
    return there.permute([order.index(k) for k in range(len(shape))])


def _spread(m: Any, shape: tuple[int, ...], dim: int) -> Any:
    return m.ones([1 if k == dim else n for k, n in enumerate(shape)]).expand(shape)


def _operands(m: Any, shape: tuple[int, ...]) -> list[Any]:
    """Of every order, spread along each dimension, of size 1 there, and every second element."""
    n = len(shape)
    orders = list(permutations(range(n)))[:: 1 if n < 4 else 5]
    return [*[_turned(m, shape, order) for order in orders],
            *[_spread(m, shape, k) for k in range(n)], *[_spread(m, shape, k)[
                (slice(None),) * k + (slice(1),)] for k in range(n)],
            m.ones(*shape[:-1], 2 * shape[-1])[..., ::2]]


def _told(x: Any) -> list[int]:
    """The strides of dimensions of more than one element."""
    return [s for s, n in zip(x.stride(), x.shape, strict=True) if n > 1]


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("shape", SHAPES)
def test_results_of_one_operand(name: str, shape: tuple[int, ...]) -> None:
    for ours, theirs in zip(_operands(rl, shape), _operands(torch, shape), strict=True):
        results = []
        for m, x in ((rl, ours), (torch, theirs)):
            m.manual_seed(0)
            results.append(ONE[name](m, x))
        assert _told(results[0]) == _told(results[1]), (tuple(theirs.shape), theirs.stride())
        assert torch.allclose(torch.from_numpy(results[0].numpy()), results[1])


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_first_of_two_operands_decides(name: str, shape: tuple[int, ...]) -> None:
    pairs = list(zip(_operands(rl, shape), _operands(torch, shape), strict=True))
    for first in pairs:
        for second in pairs:
            if name in ("large", "twice") and first[0].shape != second[0].shape:
                continue
            ours, theirs = (TWO[name](m, x, y) for m, x, y in zip(
                (rl, torch), first, second, strict=True))
            assert _told(ours) == _told(theirs), (first[1].stride(), second[1].stride())
            assert torch.equal(torch.from_numpy(ours.numpy()), theirs)
