"""First gradients of indexing against differences, second ones by linearity and differences."""

from __future__ import annotations

import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck

T = rl.tensor
WIDE = T([[0, 2, 1, 1], [2, 0, 0, 1]])
VECTOR = T([0, 2, 2, 1])
MASK = T([[True, False, True, False], [False, True, True, True], [False] * 4])


def written(x, s):
    y = x * 1
    y[1:, ::2] = s
    y[0] = y[1] * 2
    y[[2, 0], 1] = s[0]
    return y


def written_through_views(x, s):
    y = x * 1
    y[1][::-1][:2] = s
    y[2].mul_(3.0)
    return y


CASES = {
    "gather": (lambda x: rl.gather(x, 0, WIDE),),
    "scatter": (lambda x, s: rl.scatter(x, 1, T([[0, 2], [1, 3]]), s), (2, 2)),
    "scatter smaller": (lambda x, s: rl.scatter(x, 1, T([[0, 2]]), s), (2, 2)),
    "scatter number": (lambda x: rl.scatter(x, 1, T([[0, 2], [1, 3]]), 2.0),),
    "scatter_add": (lambda x, s: rl.scatter_add(x, 0, WIDE, s), (2, 4)),
    "index_select": (lambda x: x.index_select(1, VECTOR),),
    "index_add": (lambda x, s: x.index_add(1, VECTOR, s, alpha=2), (3, 4)),
    "index_copy": (lambda x, s: x.index_copy(1, T([3, 1]), s), (3, 2)),
    "index_fill": (lambda x, s: x.index_fill(1, VECTOR, s), ()),
    "take": (lambda x: x.take(VECTOR),),
    "put": (lambda x, s: x.put(T([1, 5]), s), (2,)),
    "put accumulate": (lambda x, s: x.put(T([1, 1]), s, accumulate=True), (2,)),
    "take_along_dim": (lambda x: rl.take_along_dim(x, T([[0], [1], [-1]]), 1),),
    "masked_fill": (lambda x, s: x.masked_fill(MASK, s), ()),
    "masked_fill broadcast": (lambda x, s: x[0].masked_fill(MASK, s), ()),
    "masked_select": (lambda x: x.masked_select(MASK),),
    "masked_select broadcast": (lambda x: x[0].masked_select(MASK),),
    "masked_scatter": (lambda x, s: x.masked_scatter(MASK, s), (10,)),
    "embedding": (lambda x: rl.nn.functional.embedding(T([[0, 2], [2, 2]]), x),),
    "slices": (lambda x: x[1:, ::-1],),
    "rows": (lambda x: x[[0, 0, 2], 1:],),
    "columns": (lambda x: x[:, [1, 1, -1]],),
    "mask": (lambda x: x[MASK],),
    "mixed": (lambda x: x[[[0], [2]], [0, 0], ..., None],),
    "select": (lambda x: x.select(1, 2),),
    "narrow": (lambda x: x.narrow(1, 1, 2),),
    "index_put": (lambda x, s: x.index_put((T([2, 0]),), s), (4,)),
    "index_put add": (lambda x, s: x.index_put((VECTOR, VECTOR), s, accumulate=True), ()),
    "select_scatter": (lambda x, s: rl.select_scatter(x, s, 1, 2), (3,)),
    "diagonal_scatter": (lambda x, s: rl.diagonal_scatter(x, s), (3,)),
    "written": (written, (2, 2)),
    "written through views": (written_through_views, (2,)),
}
for name in ("sum", "mean", "prod", "amax", "amin"):
    for include in (True, False):
        CASES[f"scatter_reduce {name} {include}"] = (
            lambda x, s, name=name, include=include: rl.scatter_reduce(
                x, 0, WIDE, s, name, include_self=include
            ),
            (2, 4),
        )


def inputs(shapes):
    rl.manual_seed(0)
    return tuple(rl.randn(s, dtype=rl.float64, requires_grad=True) for s in ((3, 4), *shapes))


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    function, *shapes = CASES[name]
    assert gradcheck(function, inputs(shapes))
    assert gradgradcheck(function, inputs(shapes))


def test_products_with_zeros():
    index = T([0, 0, 1, 1, 1, 2])
    source = rl.tensor([0.0, 2.0, 0.0, 0.0, 3.0, 5.0], dtype=rl.float64, requires_grad=True)
    start = rl.tensor([3.0, 2.0, 4.0], dtype=rl.float64, requires_grad=True)
    result = rl.scatter_reduce(start, 0, index, source, "prod")
    result.sum().backward()
    assert result.tolist() == [0, 0, 20]
    assert source.grad.tolist() == [6, 0, 0, 0, 0, 4]
    assert start.grad.tolist() == [0, 0, 5]


@pytest.mark.parametrize("dim", [0, 1])
def test_large_sums_are_the_same_every_time(dim):
    rl.manual_seed(0)
    x, index = rl.randn(300, 300), rl.randint(0, 7, (300,))
    grid = index.reshape(300, 1).expand(300, 300) if dim == 0 else index.expand(300, 300)
    first = rl.zeros(7, 300) if dim == 0 else rl.zeros(300, 7)
    by_rows = first.index_add(dim, index, x)
    by_elements = first.scatter_add(dim, grid, x)
    one_by_one = first.clone()
    for i, place in enumerate(index.tolist()):
        one_by_one.select(dim, place).add_(x.select(dim, i))
    assert by_rows.equal(one_by_one)
    assert by_elements.equal(one_by_one)
    assert by_rows.equal(first.index_add(dim, index, x))


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_large_gathers(dim):
    rl.manual_seed(0)
    x = rl.randn(20, 30, 40)
    index = rl.randint(0, x.size(dim), (20, 30, 40))
    places = list(rl.meshgrid(*(rl.arange(n) for n in x.shape), indexing="ij"))
    places[dim] = index
    assert x.gather(dim, index).equal(x[tuple(places)])
    assert x.index_select(dim, index.reshape(-1)[:500]).shape[dim] == 500
