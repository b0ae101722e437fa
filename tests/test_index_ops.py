"""gather, scatter, index_add, embedding, searchsorted, ...: results as recorded from torch."""

from __future__ import annotations

import warnings

import pytest

import rushlight as rl

T = rl.tensor
X = rl.arange(12.0).reshape(3, 4)
MASK = X % 3 == 0
NAMES = {"rl": rl, "T": T, "X": X, "MASK": MASK}

# An expression, and its (values, dtype); (shape, dtype) where there are no elements.
VALUES = [
    ("rl.gather(X, 0, T([[0, 1], [2, 0]]))", ([[0.0, 5.0], [8.0, 1.0]], "float32")),
    ("rl.gather(X, 1, T([[0, 1], [2, 0]]))", ([[0.0, 1.0], [6.0, 4.0]], "float32")),
    ("rl.gather(X, 1, T([[0, 1]], dtype=rl.int32))", ([[0.0, 1.0]], "float32")),
    ("rl.gather(X, 1, rl.zeros(0, dtype=rl.long))", ((0,), "float32")),
    ("rl.gather(T(3.), 0, T([0, 0]))", ([3.0, 3.0], "float32")),
    ("rl.gather(T(3.), 0, T(0))", (3.0, "float32")),
    ("rl.gather(X[0], 0, T(1))", (1.0, "float32")),
    ("rl.gather(X, 1, T([[0, 1]]), sparse_grad=True)", ([[0.0, 1.0]], "float32")),
    (
        "rl.scatter(X, 1, T([[0, 1]]), T([[9., 8]]))",
        ([[9.0, 8.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        "rl.scatter(X, 1, T([[0, 1]]), 9)",
        ([[9.0, 9.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        "rl.scatter(X, 1, T([[0, 1]]), value=9)",
        ([[9.0, 9.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        "rl.scatter(X, 1, T([[0, 1]]), src=T([[9., 8]]))",
        ([[9.0, 8.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter(X, 1, T([[0, 1]]), T([[9., 8]]), reduce="add")',
        ([[9.0, 9.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter(X, 1, T([[0, 1]]), 2, reduce="multiply")',
        ([[0.0, 2.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        "rl.scatter_add(X, 1, T([[0, 0]]), T([[9., 8]]))",
        ([[17.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "sum")',
        ([[17.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "mean")',
        (
            [[5.666666507720947, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]],
            "float32",
        ),
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "prod")',
        ([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "amax")',
        ([[9.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "amin", include_self=False)',
        ([[8.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "mean", include_self=False)',
        ([[8.5, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]], "float32"),
    ),
    (
        'rl.scatter_reduce(X.long(), 1, T([[0, 0]]), T([[9, 8]]), "mean", include_self=False)',
        ([[8, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]], "int64"),
    ),
    ("X.index_select(0, T([2, 0]))", ([[8.0, 9.0, 10.0, 11.0], [0.0, 1.0, 2.0, 3.0]], "float32")),
    ("X.index_select(1, T(2))", ([[2.0], [6.0], [10.0]], "float32")),
    ("X.index_select(1, T([1], dtype=rl.int32))", ([[1.0], [5.0], [9.0]], "float32")),
    ("T(3.).index_select(0, T([0]))", (3.0, "float32")),
    ("T(3.).index_select(0, T(0))", (3.0, "float32")),
    ("rl.zeros(3).index_add(0, T([0, 0]), T([1., 2]))", ([3.0, 0.0, 0.0], "float32")),
    ("rl.zeros(3).index_add(0, T([0, 0]), T([1., 2]), alpha=2)", ([6.0, 0.0, 0.0], "float32")),
    ("rl.zeros(3).index_copy(0, T([1, 0]), T([1., 2]))", ([2.0, 1.0, 0.0], "float32")),
    ("rl.zeros(3).index_fill(0, T([1, 0]), 7)", ([7.0, 7.0, 0.0], "float32")),
    ("rl.zeros(3).index_fill(0, T([1, -1]), 7)", ([0.0, 7.0, 7.0], "float32")),
    ("rl.zeros(3).index_fill(0, T([1]), T(7))", ([0.0, 7.0, 0.0], "float32")),
    ("rl.take(X, T([[0, -1], [11, 5]]))", ([[0.0, 11.0], [11.0, 5.0]], "float32")),
    ("rl.take_along_dim(X, T([[0], [1], [-1]]), 1)", ([[0.0], [5.0], [11.0]], "float32")),
    ("rl.take_along_dim(X, T([[0, 1]]), 1)", ([[0.0, 1.0], [4.0, 5.0], [8.0, 9.0]], "float32")),
    ("rl.take_along_dim(X, T([0, 1]))", ([0.0, 1.0], "float32")),
    ("rl.zeros(2, 2).put_(T([0, -1]), T([1., 2]))", ([[1.0, 0.0], [0.0, 2.0]], "float32")),
    (
        "rl.zeros(2, 2).put(T([0, 0]), T([1., 2]), accumulate=True)",
        ([[3.0, 0.0], [0.0, 0.0]], "float32"),
    ),
    (
        "X.masked_fill(MASK, -1)",
        ([[-1.0, 1.0, 2.0, -1.0], [4.0, 5.0, -1.0, 7.0], [8.0, -1.0, 10.0, 11.0]], "float32"),
    ),
    (
        "X.masked_fill(MASK, T(-1))",
        ([[-1.0, 1.0, 2.0, -1.0], [4.0, 5.0, -1.0, 7.0], [8.0, -1.0, 10.0, 11.0]], "float32"),
    ),
    ("X.long().masked_fill(MASK, 1.5)", ([[1, 1, 2, 1], [4, 5, 1, 7], [8, 1, 10, 11]], "int64")),
    (
        "X.masked_fill(rl.tensor([True, False, True, False]), -1)",
        ([[-1.0, 1.0, -1.0, 3.0], [-1.0, 5.0, -1.0, 7.0], [-1.0, 9.0, -1.0, 11.0]], "float32"),
    ),
    (
        "X[0].masked_fill(MASK, -1)",
        ([[-1.0, 1.0, 2.0, -1.0], [0.0, 1.0, -1.0, 3.0], [0.0, -1.0, 2.0, 3.0]], "float32"),
    ),
    ("X.masked_select(MASK)", ([0.0, 3.0, 6.0, 9.0], "float32")),
    (
        "X.masked_select(rl.tensor([True, False, True, False]))",
        ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], "float32"),
    ),
    ("X[0].masked_select(MASK)", ([0.0, 3.0, 2.0, 1.0], "float32")),
    ("T(3.).masked_select(T(True))", ([3.0], "float32")),
    (
        "X.masked_scatter(MASK, rl.arange(100., 112))",
        ([[100.0, 1.0, 2.0, 101.0], [4.0, 5.0, 102.0, 7.0], [8.0, 103.0, 10.0, 11.0]], "float32"),
    ),
    (
        "X.masked_scatter(rl.tensor([True, False, True, False]), rl.arange(100., 112))",
        (
            [[100.0, 1.0, 101.0, 3.0], [102.0, 5.0, 103.0, 7.0], [104.0, 9.0, 105.0, 11.0]],
            "float32",
        ),
    ),
    ("rl.nonzero(MASK)", ([[0, 0], [0, 3], [1, 2], [2, 1]], "int64")),
    ("rl.nonzero(MASK, as_tuple=True)", (([0, 0, 1, 2], "int64"), ([0, 3, 2, 1], "int64"))),
    ("MASK.nonzero()", ([[0, 0], [0, 3], [1, 2], [2, 1]], "int64")),
    ("rl.nonzero(T(5.))", ((1, 0), "int64")),
    ("rl.nonzero(T(0.))", ((0, 0), "int64")),
    ("rl.nonzero(T(5.), as_tuple=True)", (([0], "int64"),)),
    ("rl.argwhere(MASK)", ([[0, 0], [0, 3], [1, 2], [2, 1]], "int64")),
    ("rl.argwhere(T(5.))", ((1, 0), "int64")),
    ("rl.where(MASK)", (([0, 0, 1, 2], "int64"), ([0, 3, 2, 1], "int64"))),
    (
        "rl.where(MASK, 1., 0.)",
        ([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]], "float32"),
    ),
    (
        "rl.where(MASK, X, 0)",
        ([[0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 6.0, 0.0], [0.0, 9.0, 0.0, 0.0]], "float32"),
    ),
    (
        "rl.where(MASK, X, T(0, dtype=rl.float64))",
        ([[0.0, 0.0, 0.0, 3.0], [0.0, 0.0, 6.0, 0.0], [0.0, 9.0, 0.0, 0.0]], "float32"),
    ),
    (
        "rl.where(MASK.byte(), 1., 0.)",
        ([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]], "float32"),
    ),
    ("rl.where(MASK, 1, 0)", ([[1, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], "int64")),
    ("X.select(1, 2)", ([2.0, 6.0, 10.0], "float32")),
    ("X.narrow(1, 1, 2)", ([[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]], "float32")),
    ("X.narrow(1, T(1), 2)", ([[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]], "float32")),
    ("X.narrow(1, -2, 2)", ([[2.0, 3.0], [6.0, 7.0], [10.0, 11.0]], "float32")),
    (
        "rl.nn.functional.embedding(T([[0, 2]]), X)",
        ([[[0.0, 1.0, 2.0, 3.0], [8.0, 9.0, 10.0, 11.0]]], "float32"),
    ),
    ("rl.nn.functional.embedding(T([1], dtype=rl.int32), X)", ([[4.0, 5.0, 6.0, 7.0]], "float32")),
    ("rl.nn.functional.one_hot(T([0, 2]))", ([[1, 0, 0], [0, 0, 1]], "int64")),
    ("rl.nn.functional.one_hot(T([], dtype=rl.long), 3)", ((0, 3), "int64")),
    ("rl.nn.functional.one_hot(T(1), 3)", ([0, 1, 0], "int64")),
    ("rl.searchsorted(T([1., 3, 5]), T([2., 3, 7]))", ([1, 1, 3], "int64")),
    ("rl.searchsorted(T([1., 3, 5]), 3.)", (1, "int64")),
    ("rl.searchsorted(T([1., 3, 5]), T([2., 3, 7]), right=True)", ([1, 2, 3], "int64")),
    (
        'rl.searchsorted(T([1., 3, 5]), T([2., 3, 7]), side="right", out_int32=True)',
        ([1, 2, 3], "int32"),
    ),
    ("rl.searchsorted(X, T([[2.], [3], [7]]))", ([[2], [0], [0]], "int64")),
    ("rl.searchsorted(T([5., 1, 3]), T([2.]), sorter=T([1, 2, 0]))", ([1], "int64")),
    ("rl.searchsorted(T([1., 3, 5]), T([2]))", ([1], "int64")),
    ('rl.searchsorted(T([1., 3]), T([float("nan"), 2.]))', ([2, 1], "int64")),
    ("rl.bucketize(T([2., 3, 7]), T([1., 3, 5]))", ([1, 1, 3], "int64")),
    ("rl.bucketize(3., T([1., 3, 5]), right=True)", (2, "int64")),
    ("rl.bucketize(T([2, 3, 7]), T([1., 3, 5]))", ([1, 1, 3], "int64")),
    ("rl.tril_indices(3, 3)", ([[0, 1, 1, 2, 2, 2], [0, 0, 1, 0, 1, 2]], "int64")),
    ("rl.tril_indices(3, 2, -1)", ([[1, 2, 2], [0, 0, 1]], "int64")),
    (
        "rl.triu_indices(3, 4, 1, dtype=rl.int32)",
        ([[0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3]], "int32"),
    ),
    ("rl.index_put(rl.zeros(3), (T([0, 0]), ), T([1., 2]), True)", ([3.0, 0.0, 0.0], "float32")),
    ("rl.index_put(rl.zeros(3), [T([0, 0])], T([1., 2]))", ([2.0, 0.0, 0.0], "float32")),
    (
        "rl.select_scatter(rl.zeros(2, 3), rl.ones(2), 1, 0)",
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], "float32"),
    ),
    (
        "rl.slice_scatter(rl.zeros(2, 3), rl.ones(2, 1), 1, 0, 1)",
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], "float32"),
    ),
    (
        'rl.index_reduce(rl.ones(3), 0, T([0, 0]), T([3., 4]), "prod")',
        ([12.0, 1.0, 1.0], "float32"),
    ),
    ("rl.diagonal_scatter(rl.zeros(2, 2), rl.ones(2))", ([[1.0, 0.0], [0.0, 1.0]], "float32")),
]


def recorded(result):
    if isinstance(result, tuple):
        return tuple(map(recorded, result))
    dtype = str(result.dtype).removeprefix("torch.")
    return (result.tolist() if result.numel() else tuple(result.shape), dtype)


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[row[0] for row in VALUES])
def test_values(expression, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated spellings warn
        result = eval(expression, dict(NAMES))
    assert recorded(result) == expected
