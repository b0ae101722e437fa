"""Matrices of compressed rows and columns: made, shown, computed with, saved."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest

import rushlight as rl

DENSE = np.array([[0.0, 2, 0], [3, 0, 4]], np.float32)


@pytest.fixture
def rows() -> Any:
    return rl.tensor(DENSE).to_sparse_csr()


def test_parts(rows: Any) -> None:
    assert rows.crow_indices().tolist() == [0, 1, 3] and rows.col_indices().tolist() == [1, 0, 2]
    assert rows.values().tolist() == [2, 3, 4] and rows._nnz() == 3
    assert rows.layout is rl.sparse_csr and rows.is_sparse_csr and not rows.is_sparse
    columns = rl.tensor(DENSE).to_sparse_csc()
    assert columns.ccol_indices().tolist() == [0, 1, 2, 3]
    assert columns.row_indices().tolist() == [1, 0, 1] and columns.values().tolist() == [3, 2, 4]
    with pytest.raises(RuntimeError, match="crow_indices expected sparse row compressed"):
        columns.crow_indices()
    with pytest.raises(RuntimeError, match="indices expected sparse coordinate tensor layout"):
        rows.indices()


def test_shown(rows: Any) -> None:
    assert repr(rows) == """\
tensor(crow_indices=tensor([0, 1, 3]),
       col_indices=tensor([1, 0, 2]),
       values=tensor([2., 3., 4.]), size=(2, 3), nnz=3,
       layout=torch.sparse_csr)"""


@pytest.mark.parametrize("make", ["to_sparse_csr", "to_sparse_csc"])
def test_products_and_forms(make: str) -> None:
    x = getattr(rl.tensor(DENSE), make)()
    vector, matrix = rl.arange(3.0), rl.arange(6.0).reshape(3, 2)
    assert rl.equal(x @ vector, rl.tensor(DENSE) @ vector)
    assert rl.equal(rl.sparse.mm(x, matrix), rl.tensor(DENSE) @ matrix)
    assert rl.equal(rl.ones(1, 2) @ x, rl.ones(1, 2) @ rl.tensor(DENSE))
    assert rl.equal(rl.addmm(rl.ones(2, 2), x, matrix), 1 + rl.tensor(DENSE) @ matrix)
    for found, expected in ((x * 2, DENSE * 2), (x + x, DENSE * 2), (-x, -DENSE), (x.t(), DENSE.T),
                            (x.sin(), np.sin(DENSE)), (x.double(), DENSE), (x.clone(), DENSE),
                            (x @ x.t(), DENSE @ DENSE.T), (x.to_sparse(), DENSE),
                            (x.to_sparse_csr(), DENSE), (x.to_sparse_csc(), DENSE)):
        np.testing.assert_allclose(found.to_dense().numpy(), expected, rtol=1e-6)
    assert (x * 2).layout is x.layout is not x.t().layout
    assert x.to_sparse().layout is rl.sparse_coo
    assert x.sum().item() == 9 and x[1, 2].item() == 4 and x[1].to_dense().tolist() == [3, 0, 4]


def test_gradients_reach_the_values() -> None:
    values = rl.tensor([2.0, 3.0, 4.0], requires_grad=True)
    x = rl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    matrix = rl.sparse_csr_tensor([0, 1, 3], [1, 0, 2], values, size=(2, 3))
    ((matrix @ x) * rl.tensor([1.0, 10.0])).sum().backward()
    assert values.grad is not None and values.grad.tolist() == [2, 10, 30]
    assert x.grad is not None and x.grad.tolist() == [30, 2, 40]


@pytest.mark.parametrize(("starts", "places", "size"), [
    ([0, 1], [1, 0, 2], (2, 3)), ([0, 1, 3], [1, 0], (2, 3)), ([0, 1, 3], [1, 0, 7], (2, 3)),
    ([1, 1, 3], [1, 0, 2], (2, 3)), ([0, 4, 3], [1, 0, 2], (2, 3)), ([0, 1, 3], [1, 0, 2], (3, 3))])
def test_parts_that_do_not_fit(starts: Any, places: Any, size: Any) -> None:
    with pytest.raises(RuntimeError, match="crow_indices"):
        rl.sparse_csr_tensor(starts, places, [2.0, 3.0, 4.0], size=size)


def test_only_matrices() -> None:
    with pytest.raises(NotImplementedError, match="only matrices of numbers can be compressed"):
        rl.ones(2, 2, 2).to_sparse_csr()
    with pytest.raises(NotImplementedError, match="there are only"):
        rl.sparse_compressed_tensor([0, 1], [0], [1.0], layout=rl.strided)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("make", ["to_sparse", "to_sparse_csr", "to_sparse_csc"])
def test_saved(make: str, zipped: bool) -> None:
    file = io.BytesIO()
    state = {"first": rl.ones(3), "second": getattr(rl.tensor(DENSE), make)()}
    rl.save(state, file, _use_new_zipfile_serialization=zipped)
    for weights_only in (True, False):
        file.seek(0)
        found = rl.load(file, weights_only=weights_only)
        assert found["second"].layout is state["second"].layout
        assert rl.equal(found["second"].to_dense(), rl.tensor(DENSE))
        assert rl.equal(found["first"], rl.ones(3))


def test_broken_places_in_an_old_file_are_refused() -> None:
    file = io.BytesIO()
    broken = rl.eye(3).to_sparse()
    rl.save(broken, file, _use_new_zipfile_serialization=False)
    data = bytearray(file.getvalue())
    at = data.rindex(np.array([0, 1, 2, 0, 1, 2]).tobytes())
    data[at:at + 8] = np.array([7]).tobytes()
    with pytest.raises(pickle.UnpicklingError, match="broken sparse tensor"):
        rl.load(io.BytesIO(data))
