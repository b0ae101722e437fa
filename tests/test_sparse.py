"""Sparse tensors of coordinates: making, forms, products, sums, gradients, refusals."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl

PLACES = [[0, 1, 0, 1], [2, 0, 2, 1]]  # (0, 2) twice


def sparse(**options: Any) -> Any:
    return rl.sparse_coo_tensor(PLACES, [3.0, 4.0, 5.0, 1.0], (2, 3), **options)


def dense() -> Any:
    return rl.tensor([[0.0, 0.0, 8.0], [4.0, 1.0, 0.0]])


def test_what_it_is() -> None:
    s = sparse()
    assert isinstance(s, rl.Tensor) and s.is_sparse and s.layout is rl.sparse_coo
    assert (s.shape, s.size(1), s.dim(), s.dtype, s._nnz(), len(s)) == (
        (2, 3), 3, 2, rl.float32, 4, 2)
    assert s.to_dense().equal(dense()) and not s.is_coalesced()
    c = s.coalesce()
    assert c.indices().tolist() == [[0, 1, 1], [2, 0, 1]] and c.values().tolist() == [8, 4, 1]
    assert c.coalesce() is c and (c.sparse_dim(), c.dense_dim()) == (2, 0)
    with pytest.raises(RuntimeError, match="Cannot get indices on an uncoalesced tensor"):
        s.indices()
    assert repr(c) == ("tensor(indices=tensor([[0, 1, 1],\n                       [2, 0, 1]]),\n"
                       "       values=tensor([8., 4., 1.]),\n"
                       "       size=(2, 3), nnz=3, layout=torch.sparse_coo)")


def test_it_takes_no_memory_for_what_is_not_there() -> None:
    size = 10**7
    s = rl.sparse_coo_tensor([[0, size - 1], [size - 1, 0]], [1.0, 2.0], (size, size))
    assert s.t().coalesce().values().tolist() == [2.0, 1.0]
    assert rl.sparse.sum(s).item() == 3


@pytest.mark.parametrize("function", [
    lambda s: s @ rl.arange(6.0).view(3, 2), lambda s: rl.mm(s, rl.ones(3, 3)),
    lambda s: rl.spmm(s, rl.ones(3, 1)), lambda s: s @ rl.arange(3.0),
    lambda s: rl.sparse.mm(s.t(), rl.ones(2, 2)), lambda s: rl.arange(4.0).view(2, 2) @ s,
    lambda s: rl.addmm(rl.ones(2, 2), s, rl.ones(3, 2), beta=2, alpha=3),
    lambda s: rl.ones(2, 3) + s, lambda s: rl.ones(2, 3) - s, lambda s: s.sum(),
], ids=range(10))
def test_dense_results(function: Callable[[Any], Any]) -> None:
    assert not function(sparse()).is_sparse
    rl.testing.assert_close(function(sparse()), function(dense()))


@pytest.mark.parametrize("function", [
    lambda s: s + s, lambda s: s - 3 * s, lambda s: 2 * s / 4, lambda s: s * s,
    lambda s: s * rl.arange(6.0).view(2, 3), lambda s: s / rl.full((3,), 2.0), lambda s: -s,
    lambda s: s.sqrt(), lambda s: rl.relu(-s), lambda s: s**2, lambda s: s.T,
    lambda s: rl.transpose(s, 0, 1).double(), lambda s: s.sum(0), lambda s: rl.sum(s, dim=1),
    lambda s: s[1], lambda s: s.to(rl.int64), lambda s: s @ s.T, lambda s: s.clone().detach(),
], ids=range(18))
def test_sparse_results(function: Callable[[Any], Any]) -> None:
    made = function(sparse())
    assert made.is_sparse and made.to_dense().dtype == made.dtype
    rl.testing.assert_close(made.to_dense(), function(dense()))


def test_gradients_reach_values_and_factors() -> None:
    values = rl.tensor([3.0, 4.0, 5.0, 1.0], requires_grad=True)
    s = rl.sparse_coo_tensor(PLACES, values, (2, 3))
    other = rl.randn(3, 2, requires_grad=True)
    (s @ other).square().sum().backward()
    full = dense().requires_grad_()
    again = other.detach().requires_grad_()
    (full @ again).square().sum().backward()
    rl.testing.assert_close(other.grad, again.grad)
    rl.testing.assert_close(values.grad, full.grad[tuple(rl.tensor(PLACES))])
    full.grad = None
    (full.to_sparse() * 3).to_dense().sum().backward()
    assert full.grad.equal(3 * (dense() != 0).float())


def test_a_leaf_has_a_sparse_gradient() -> None:
    s = sparse(requires_grad=True)
    assert s.requires_grad and s.is_leaf
    (s @ rl.ones(3, 1)).sum().backward()
    assert s.grad.is_sparse and s.grad._values().tolist() == [1.0] * 4


def test_dense_tensors_become_sparse() -> None:
    s = dense().to_sparse()
    assert s.is_coalesced() and s.indices().tolist() == [[0, 1, 1], [2, 0, 1]]
    rows = dense().to_sparse(1)
    assert rows.values().tolist() == dense().tolist() and rows.dense_dim() == 1
    assert rows.to_dense().equal(dense())
    assert rl.eye(0).to_sparse()._nnz() == 0


def test_constructors_of_old_and_numbers_of_numpy() -> None:
    places = rl.tensor(PLACES).numpy().astype("int32")
    assert rl.sparse.FloatTensor(rl.tensor(PLACES), rl.ones(4), rl.Size([2, 3])).size(0) == 2
    assert rl.sparse_coo_tensor(places, rl.ones(4), (2, 3), dtype=rl.int64).dtype == rl.int64
    assert rl.sparse_coo_tensor(PLACES, rl.ones(4)).shape == (2, 3)


def test_copies_and_pickles() -> None:
    s = sparse()
    assert copy.deepcopy(s).to_dense().equal(dense())
    assert pickle.loads(pickle.dumps(s)).to_dense().equal(dense())


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: rl.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,)), RuntimeError,
     "size is inconsistent with indices: for dim 0, size is 3 but found index 5"),
    (lambda: rl.sparse_coo_tensor([[0, -1]], [1.0, 2.0], (3,)), RuntimeError, "found negative"),
    (lambda: rl.sparse_coo_tensor([[0, 1]], [1.0]), RuntimeError, "must have same nnz"),
    (lambda: rl.sparse_coo_tensor([0, 1], [1.0]), RuntimeError, "sparse_dim x nnz"),
    (lambda: sparse() @ rl.ones(2, 2), RuntimeError, "mat1 and mat2 shapes cannot be multiplied"),
    (lambda: sparse() + rl.ones(2, 3), RuntimeError, "add\\(sparse, dense\\) is not supported"),
    (lambda: sparse().exp(), NotImplementedError, "Could not run 'torch.exp'"),
    (lambda: rl.stack([sparse()]), NotImplementedError, "Could not run 'torch.stack'"),
    (lambda: sparse().tolist(), NotImplementedError, "Could not run 'torch.Tensor.tolist'"),
    (lambda: list(sparse()), NotImplementedError, "Could not run 'torch.Tensor.__iter__'"),
    (lambda: sparse().numpy(), TypeError, "can't convert Sparse layout tensor to numpy"),
], ids=range(11))
def test_refusals(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        call()
