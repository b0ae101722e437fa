"""Bad arguments of gather, scatter, index_add, ...: error types and phrases as of torch."""

from __future__ import annotations

import re

import pytest

import rushlight as rl

T = rl.tensor
X = rl.arange(12.0).reshape(3, 4)
MASK = X % 3 == 0
NAMES = {"rl": rl, "T": T, "X": X, "MASK": MASK}

# An expression, the type of its error, and how the message begins.
ERRORS = [
    ("rl.gather(X, 1, T([[0, -1]]))", RuntimeError, "index -1 is out of bounds for dimension 1 "),
    ("rl.gather(X, 1, T([[0, 4]]))", RuntimeError, "index 4 is out of bounds for dimension 1 w"),
    ("rl.gather(X, 1, T([0, 1]))", RuntimeError, "Index tensor must have the same number of "),
    ("rl.gather(X, 2, T([[0, 1]]))", IndexError, "Dimension out of range (expected to be in "),
    ("rl.gather(X, 1, T([[0., 1]]))", RuntimeError, "gather(): Expected dtype int32/int64 for i"),
    (
        "rl.gather(X, 1, rl.zeros(4, 1, dtype=rl.long))",
        RuntimeError,
        "Size does not match at dimension 0 expecte",
    ),
    (
        "rl.scatter(X, 1, T([[0, 1]]), T([[9, 8]]))",
        RuntimeError,
        "scatter(): Expected self.dtype to be equal",
    ),
    (
        "rl.scatter(X, 1, T([[0, 1]]), T([[9.]]))",
        RuntimeError,
        "Expected index [1, 2] to be no larger than",
    ),
    (
        "rl.scatter(X, 1, T([[0, 5]]), T([[9., 8]]))",
        RuntimeError,
        "index 5 is out of bounds for dimension 1 w",
    ),
    (
        'rl.scatter(X, 1, T([[0, 1]]), 2, reduce="foo")',
        RuntimeError,
        "reduce argument must be either add or mult",
    ),
    (
        "rl.scatter(X, 1, T([[0., 1]]), 2)",
        RuntimeError,
        "scatter(): Expected dtype int32/int64 for ",
    ),
    ("rl.scatter(X, 1, T([0, 1]), 2)", RuntimeError, "Index tensor must have the same number of "),
    (
        "rl.scatter_add(X, 1, T([[0, 0]]), T([[9, 8]]))",
        RuntimeError,
        "scatter(): Expected self.dtype to be equal",
    ),
    (
        "rl.scatter_add(X, 1, T([[0, 0, 0]]), T([[9., 8]]))",
        RuntimeError,
        "Expected index [1, 3] to be no larger than",
    ),
    (
        'rl.scatter_reduce(X, 1, T([[0, 0]]), T([[9., 8]]), "foo")',
        RuntimeError,
        "reduce argument must be either sum, prod, ",
    ),
    ("X.index_select(1, T([[2]]))", IndexError, "index_select(): Index is supposed to be a "),
    ("X.index_select(1, T([1.]))", RuntimeError, "index_select(): Expected dtype int32 or in"),
    (
        "X.index_select(1, T([1], dtype=rl.uint8))",
        RuntimeError,
        "index_select(): Expected dtype int32 or in",
    ),
    ("X.index_select(2, T([1]))", IndexError, "Dimension out of range (expected to be in "),
    (
        "T(3.).index_select(0, T([0, 0]))",
        RuntimeError,
        "index_select(): Index to scalar can have o",
    ),
    (
        "rl.zeros(3).index_add(0, T([0, 0]), T([1, 2]))",
        RuntimeError,
        "index_add_(): self (Float) and source (Lon",
    ),
    (
        "rl.zeros(3).index_add(0, T([0, 0, 1]), T([1., 2]))",
        RuntimeError,
        "index_add_(): Number of indices (3) should",
    ),
    (
        "rl.zeros(3, 2).index_add(0, T([0, 0]), T([1., 2]))",
        RuntimeError,
        "source tensor shape must match self tensor",
    ),
    (
        "rl.zeros(3, 2).index_add(0, T([0, 0]), rl.ones(2, 3))",
        RuntimeError,
        "source tensor shape must match self tensor",
    ),
    ("rl.zeros(3).index_add(0, T([3]), T([1.]))", IndexError, "index out of range in self"),
    ("rl.zeros(3).index_add(0, T([-1]), T([1.]))", IndexError, "index out of range in self"),
    (
        "rl.zeros(3).index_add(0, T([[1]]), T([1.]))",
        IndexError,
        "index_add_(): Index is supposed to be a ve",
    ),
    (
        "rl.zeros(3).index_add(0, T([1.]), T([1.]))",
        RuntimeError,
        "index_add_(): Expected dtype int32/int64 f",
    ),
    (
        "rl.zeros(3).index_copy(0, T([1, 0]), T([1, 2]))",
        RuntimeError,
        "index_copy_(): self and source expected to",
    ),
    (
        "rl.zeros(3).index_copy(0, T([3]), T([1.]))",
        IndexError,
        "index_copy_(): index 3 is out of bounds fo",
    ),
    (
        "rl.zeros(3).index_copy(0, T([-1]), T([1.]))",
        IndexError,
        "index_copy_(): index -1 is out of bounds f",
    ),
    (
        "rl.zeros(3).index_copy(0, T([1, 0, 2]), T([1., 2]))",
        IndexError,
        "index_copy_(): Number of indices (3) shoul",
    ),
    (
        "rl.zeros(3, 2).index_copy(0, T([1, 0]), T([1., 2]))",
        IndexError,
        "index_copy_(): When source and destination",
    ),
    (
        "rl.zeros(3, 2).index_copy(0, T([1, 0]), rl.ones(2, 3))",
        RuntimeError,
        "index_copy_(): Source/destination tensor m",
    ),
    (
        "rl.zeros(3).index_copy(0, T([1], dtype=rl.int32), T([1.]))",
        RuntimeError,
        "index_copy_(): Expected a long tensor for ",
    ),
    (
        "rl.zeros(3).index_fill(0, T([3]), 7)",
        IndexError,
        "index 3 is out of bounds for dimension 0 w",
    ),
    (
        "rl.zeros(3).index_fill(0, T([1]), T([7.]))",
        RuntimeError,
        "index_fill_ only supports a 0-dimensional ",
    ),
    (
        "rl.zeros(3).index_fill(0, T([1]), 1j)",
        RuntimeError,
        "index_fill_(): Converting complex Scalar t",
    ),
    ("rl.zeros(3).index_fill(0, T([[1]]), 1)", RuntimeError, "Index has to be a vector/scalar"),
    (
        "rl.zeros(3).index_fill(0, T([1], dtype=rl.int32), 1)",
        IndexError,
        "index_fill_(): Expected dtype int64 for in",
    ),
    ("rl.take(X, T([12]))", IndexError, "out of range: tried to access index 12 on "),
    ("rl.take(X, T([1.]))", RuntimeError, "take(): Expected a long tensor for index, "),
    (
        "rl.take(X, T([1], dtype=rl.int32))",
        RuntimeError,
        "take(): Expected a long tensor for index, ",
    ),
    ("rl.take(rl.zeros(0), T([0]))", IndexError, "take(): tried to take from an empty tensor"),
    (
        "rl.take_along_dim(X, T([0, 1]), 1)",
        RuntimeError,
        "torch.take_along_dim(): input and indices ",
    ),
    (
        "rl.take_along_dim(X, T([[1.]]), 1)",
        RuntimeError,
        "torch.take_along_dim(): dtype of indices s",
    ),
    (
        "rl.zeros(2, 2).put(T([0, 0]), T([1., 2, 3]))",
        IndexError,
        "put_(): Expected source and index to have ",
    ),
    (
        "rl.zeros(2, 2).put(T([0, 4]), T([1., 2]))",
        IndexError,
        "out of range: tried to access index 4 on a",
    ),
    (
        "rl.zeros(2, 2).put(T([0, 1]), T([1, 2]))",
        RuntimeError,
        "put_(): self and source expected to have t",
    ),
    (
        "rl.zeros(2, 2).put(T([0, 1], dtype=rl.int32), T([1., 2]))",
        RuntimeError,
        "put_(): Expected a long tensor for index, ",
    ),
    ("X.masked_fill(MASK, T([-1.]))", RuntimeError, "masked_fill_ only supports a 0-dimensional"),
    ("X.masked_fill(MASK.byte(), -1)", RuntimeError, "masked_fill_ only supports boolean masks, "),
    ("X.masked_fill(MASK.long(), -1)", RuntimeError, "masked_fill_ only supports boolean masks, "),
    ("X.masked_fill(MASK, 1j)", RuntimeError, "value cannot be converted to type float wi"),
    (
        "X[0].clone().masked_fill_(MASK, -1)",
        RuntimeError,
        "output with shape [4] doesn't match the br",
    ),
    ("X.masked_select(MASK.byte())", RuntimeError, "masked_select: expected BoolTensor for mas"),
    ("X.masked_select(MASK.long())", RuntimeError, "masked_select: expected BoolTensor for mas"),
    (
        "X.masked_scatter(MASK, rl.arange(100., 102))",
        RuntimeError,
        "Number of elements of source < number of o",
    ),
    (
        "X.masked_scatter(MASK, rl.arange(100, 112))",
        RuntimeError,
        "masked_scatter: expected self and source t",
    ),
    (
        "X.masked_scatter(MASK.long(), rl.arange(100., 112))",
        RuntimeError,
        "masked_scatter_ only supports boolean mask",
    ),
    ("rl.where(X, 1., 0.)", RuntimeError, "where expected condition to be a boolean t"),
    ("X.select(1, 5)", IndexError, "select(): index 5 out of range for tensor "),
    ("T(1.).select(0, 0)", IndexError, "select() cannot be applied to a 0-dim tens"),
    ("X.narrow(1, 3, 2)", RuntimeError, "start (3) + length (2) exceeds dimension s"),
    ("X.narrow(1, 5, 0)", IndexError, "start out of range (expected to be in rang"),
    ("X.narrow(1, 1, -1)", RuntimeError, "narrow(): length must be non-negative"),
    ("T(1.).narrow(0, 0, 1)", RuntimeError, "narrow() cannot be applied to a 0-dim tens"),
    ("rl.nn.functional.embedding(T([3]), X)", IndexError, "index out of range in self"),
    ("rl.nn.functional.embedding(T([-1]), X)", IndexError, "index out of range in self"),
    (
        "rl.nn.functional.embedding(T([1.]), X)",
        RuntimeError,
        "Expected tensor for argument #1 'indices' ",
    ),
    (
        "rl.nn.functional.embedding(T([1], dtype=rl.int16), X)",
        RuntimeError,
        "Expected tensor for argument #1 'indices' ",
    ),
    ("rl.nn.functional.embedding(T([1]), X[0])", RuntimeError, "'weight' must be 2-D"),
    (
        "rl.nn.functional.embedding(T([1]), X, padding_idx=3)",
        AssertionError,
        "Padding_idx must be within num_embeddings",
    ),
    (
        "rl.nn.functional.embedding(T([1]), X, padding_idx=-4)",
        AssertionError,
        "Padding_idx must be within num_embeddings",
    ),
    (
        "rl.nn.functional.one_hot(T([0, 2]), 2)",
        RuntimeError,
        "Class values must be smaller than num_clas",
    ),
    ("rl.nn.functional.one_hot(T([0, -1]))", RuntimeError, "Class values must be non-negative."),
    (
        "rl.nn.functional.one_hot(T([0., 1]))",
        RuntimeError,
        "one_hot is only applicable to index tensor",
    ),
    (
        "rl.nn.functional.one_hot(T([], dtype=rl.long))",
        RuntimeError,
        "Can not infer total number of classes from",
    ),
    (
        "rl.nn.functional.one_hot(T([1]), 0)",
        RuntimeError,
        "Class values must be smaller than num_clas",
    ),
    (
        "rl.nn.functional.one_hot(T([1], dtype=rl.int32), 3)",
        RuntimeError,
        "one_hot is only applicable to index tensor",
    ),
    (
        'rl.searchsorted(T([1., 3, 5]), T([2., 3, 7]), side="left", right=True)',
        RuntimeError,
        "torch.searchsorted(): side and right can't",
    ),
    ("rl.searchsorted(X, T([2., 3]))", RuntimeError, "torch.searchsorted(): boundaries tensor sh"),
    (
        'rl.searchsorted(T([1., 3, 5]), T([2.]), side="x")',
        RuntimeError,
        "torch.searchsorted(): side can only be 'le",
    ),
    (
        "rl.bucketize(T([2., 3, 7]), T([[1., 3, 5]]))",
        RuntimeError,
        "boundaries tensor must be 1 dimension, but",
    ),
    ("rl.tril_indices(-1, 2)", RuntimeError, "row must be non-negative, got-1"),
    (
        "rl.tril_indices(1, 2, dtype=rl.float32)",
        NotImplementedError,
        "\"tril_indices\" not implemented for 'Float'",
    ),
    (
        "rl.index_put(rl.zeros(3), T([0, 0]), T([1., 2]))",
        TypeError,
        "index_put(): argument 'indices' (position ",
    ),
]


@pytest.mark.parametrize(("expression", "error", "message"), ERRORS, ids=[row[0] for row in ERRORS])
def test_errors(expression, error, message):
    with pytest.raises(error, match=re.escape(message)):
        eval(expression, dict(NAMES))
    assert X.tolist() == rl.arange(12.0).reshape(3, 4).tolist()
