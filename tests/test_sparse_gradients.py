"""Sparse gradients of embeddings: what they are, how they add up, who takes them; files of them."""

from __future__ import annotations

import io
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn

INDICES = [[1, 2], [1, 4]]


def table(**options: Any) -> nn.Embedding:
    rl.manual_seed(0)
    return nn.Embedding(6, 2, sparse=True, **options)


def gradients(sparse: bool, padding_idx: int | None = None) -> Any:
    weight = rl.arange(12.0).view(6, 2).requires_grad_()
    looked_up = rl.nn.functional.embedding(rl.tensor(INDICES), weight, padding_idx, sparse=sparse)
    looked_up.square().sum().backward()
    return weight.grad


@pytest.mark.parametrize("padding_idx", [None, 1])
def test_the_rows_that_were_looked_up(padding_idx: int | None) -> None:
    grad = gradients(True, padding_idx)
    assert grad.is_sparse and not grad.is_coalesced()
    assert grad._indices().tolist() == ([[1, 2, 1, 4]] if padding_idx is None else [[2, 4]])
    assert grad.to_dense().equal(gradients(False, padding_idx))
    once = grad.coalesce()
    assert once.values().equal(gradients(False, padding_idx)[once.indices()[0]])


def test_they_add_up_with_each_other_and_with_dense_ones() -> None:
    e = table()
    for _ in range(2):
        e(rl.tensor([1, 2])).sum().backward()
    assert e.weight.grad.is_sparse and e.weight.grad.to_dense()[1:3].eq(2).all()
    e.weight.sum().backward()
    assert not e.weight.grad.is_sparse and e.weight.grad.tolist()[:2] == [[1, 1], [3, 3]]
    e(rl.tensor([0])).sum().backward()  # into a dense one
    assert e.weight.grad.tolist()[0] == [2, 2]
    e.zero_grad()
    (e(rl.tensor([1])).sum() + e.weight.sum() + e(rl.tensor([1, 3])).sum()).backward()
    assert e.weight.grad[:, 0].tolist() == [1, 3, 1, 2, 1, 1]


def test_a_weight_that_was_computed_has_a_dense_gradient() -> None:
    weight = rl.ones(3, 1, requires_grad=True)
    rl.nn.functional.embedding(rl.tensor([1]), 2 * weight, sparse=True).sum().backward()
    assert weight.grad.tolist() == [[0], [2], [0]]


def test_zero_grad_and_changes_in_place() -> None:
    e = table()
    e(rl.tensor([1, 1])).sum().backward()
    e.weight.grad.data.mul_(3)
    e.weight.grad /= 2
    assert e.weight.grad.to_dense()[1].tolist() == [3, 3]
    assert e.weight.grad.norm().equal(rl.tensor(18.0).sqrt())
    e.zero_grad(set_to_none=False)
    assert e.weight.grad._nnz() == 0 and e.weight.grad.to_dense().eq(0).all()
    dense = rl.ones(6, 2)
    dense.add_(gradients(True), alpha=-1).sub_(-gradients(True))
    assert dense.eq(1).all()


def test_gradients_of_gradients() -> None:
    e = table().double()
    (grad,) = rl.autograd.grad(e(rl.tensor([1, 1])).square().sum(), e.weight, create_graph=True)
    assert grad.is_sparse
    grad.to_dense().square().sum().backward()
    rl.testing.assert_close(e.weight.grad.to_dense(), 32 * e.weight.detach() * rl.tensor(
        [[0], [1], [0], [0], [0], [0]]))


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags(mode: str) -> None:
    found = []
    for sparse in (False, True):
        rl.manual_seed(0)
        bag = nn.EmbeddingBag(6, 2, mode=mode, sparse=sparse)
        bag(rl.tensor([1, 2, 4, 1]), rl.tensor([0, 3])).square().sum().backward()
        found.append(bag.weight.grad)
    assert found[1].is_sparse
    rl.testing.assert_close(found[1].to_dense(), found[0])
    with pytest.raises(ValueError, match="max mode does not support sparse weights"):
        nn.EmbeddingBag(6, 2, mode="max", sparse=True)(rl.tensor([[1]]))


def trained(kind: Any, sparse: bool, **options: Any) -> rl.Tensor:
    weight = rl.arange(12.0).view(6, 2).div(10).requires_grad_()
    optimizer = kind([weight], **options)
    for step in range(3):
        optimizer.zero_grad()
        rows = rl.nn.functional.embedding(rl.tensor([1, 2, 1, 4 - step]), weight, sparse=sparse)
        rows.square().sum().backward()
        optimizer.step()
    return weight.detach()


@pytest.mark.parametrize(("kind", "options"), [
    (rl.optim.SGD, {"lr": 0.1}), (rl.optim.SGD, {"lr": 0.1, "maximize": True}),
    (rl.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (rl.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    (rl.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (rl.optim.Adagrad, {"lr": 0.1}), (rl.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1}),
    (rl.optim.LBFGS, {"lr": 0.1}),
], ids=range(8))
def test_optimizers_take_them_as_dense_ones(kind: Any, options: dict[str, Any]) -> None:
    if kind is rl.optim.LBFGS:
        weight = rl.ones(3, 1, requires_grad=True)
        rl.nn.functional.embedding(rl.tensor([1]), weight, sparse=True).sum().backward()
        kind([weight], max_iter=1, **options).step(lambda: weight.detach().sum())
        assert weight[1] < 1 and weight[0] == 1
        return
    rl.testing.assert_close(trained(kind, True, **options), trained(kind, False, **options))


def test_sparse_adam_leaves_other_rows_alone() -> None:
    got = trained(rl.optim.SparseAdam, True, lr=0.1)
    assert got[[0, 5]].equal(rl.arange(12.0).view(6, 2).div(10)[[0, 5]])
    rl.testing.assert_close(got[1], trained(rl.optim.Adam, False, lr=0.1)[1])  # always there
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients"):
        trained(rl.optim.SparseAdam, False)
    with pytest.raises(ValueError, match=r"Sparse params at indices \[\[0, 0\]\]: SparseAdam"):
        rl.optim.SparseAdam([rl.eye(2).to_sparse()])


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "Adamax", "RMSprop", "Rprop", "Adadelta",
                                  "Adafactor", "Muon"])
def test_others_refuse_them(kind: str) -> None:
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        trained(getattr(rl.optim, kind), True)


def test_what_is_refused() -> None:
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse"):
        table(scale_grad_by_freq=True)(rl.tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="weight_decay option is not compatible with sparse"):
        trained(rl.optim.Adagrad, True, weight_decay=0.1)
    with pytest.raises(RuntimeError, match=r"add\(sparse, dense\) is not supported"):
        trained(rl.optim.SGD, True, weight_decay=0.1)
    with pytest.raises(RuntimeError, match=r"sparse_mask.*expected mask to have sparse layout"):
        rl.ones(2).sparse_mask(rl.ones(2))


@pytest.mark.parametrize("options", [{}, {"weights_only": True}, {"mmap": True}], ids=str)
def test_files(options: dict[str, Any], tmp_path: Any) -> None:
    s = gradients(True)
    rl.save({"s": s, "c": s.coalesce()}, tmp_path / "s.pt")
    got = rl.load(tmp_path / "s.pt", **options)
    assert got["s"].is_sparse and got["s"]._indices().tolist() == [[1, 2, 1, 4]]
    assert got["s"].to_dense().equal(s.to_dense())
    assert got["c"].is_coalesced() and not got["s"].is_coalesced()


def test_broken_files() -> None:
    s = gradients(True)
    s._places = s._places + 6
    file = io.BytesIO()
    rl.save(s, file)
    file.seek(0)
    with pytest.raises(Exception, match="broken sparse tensor: size is inconsistent"):
        rl.load(file)


def test_texts() -> None:
    assert repr(rl.zeros(3, 4).to_sparse().double()) == (
        "tensor(indices=tensor([], size=(2, 0)),\n       values=tensor([], size=(0,)),\n"
        "       size=(3, 4), nnz=0, dtype=torch.float64, layout=torch.sparse_coo)")
    assert repr(rl.eye(1).to_sparse().requires_grad_()).endswith(
        "layout=torch.sparse_coo, requires_grad=True)")
