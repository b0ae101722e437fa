"""Files and texts of sparse tensors, and steps with sparse gradients, against torch's."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as rl

torch = pytest.importorskip("torch")

OPTIMIZERS = [("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}), ("Adagrad", {"lr": 0.1}),
              ("SparseAdam", {"lr": 0.1}), ("SparseAdam", {"lr": 0.1, "maximize": True})]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=range(len(OPTIMIZERS)))
def test_steps(name: str, options: dict[str, Any]) -> None:
    found = []
    for m in (torch, rl):
        m.manual_seed(0)
        e = m.nn.Embedding(6, 2, sparse=True, padding_idx=0)
        optimizer = getattr(m.optim, name)(e.parameters(), **options)
        for step in range(3):
            optimizer.zero_grad()
            e(m.tensor([[1, 2], [0, 4 - step]])).square().sum().backward()
            optimizer.step()
        state = optimizer.state_dict()["state"][0]
        found.append((e.weight.tolist(), {
            k: v.to_dense().tolist() if hasattr(v, "tolist") else v for k, v in state.items()},
            repr(e.weight.grad)))
    assert found[0][2] == found[1][2] and found[0][1].keys() == found[1][1].keys()
    torch.testing.assert_close(found[1][0], found[0][0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-5, atol=1e-6)


def test_files(tmp_path: Any) -> None:
    for first, second in ((torch, rl), (rl, torch)):
        s = first.sparse_coo_tensor([[0, 1, 0], [1, 2, 1]], [1.0, 2.0, 3.0], (3, 4))
        first.save({"s": s, "c": s.coalesce()}, tmp_path / "s.pt")
        got = second.load(tmp_path / "s.pt")
        assert repr(got) == repr({"s": s, "c": s.coalesce()})
        assert got["c"].is_coalesced() and not got["s"].is_coalesced()


@pytest.mark.parametrize("make", [
    lambda m: m.eye(3).to_sparse().double(), lambda m: m.zeros(2, 3).to_sparse(),
    lambda m: m.arange(2000.0).view(40, 50).to_sparse(), lambda m: m.arange(4).to_sparse(),
    lambda m: m.eye(3).to_sparse().requires_grad_(), lambda m: m.ones(2, 30).to_sparse(1),
    lambda m: m.ones(2, 3, dtype=m.int32).to_sparse(), lambda m: m.eye(2, dtype=m.bool).to_sparse(),
], ids=range(8))
def test_texts(make: Any) -> None:
    assert repr(make(rl)) == repr(make(torch))
