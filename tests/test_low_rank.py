"""Factorisations of symmetric indefinite matrices, and of the leading part of any."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck

RNG = np.random.default_rng(3)


def symmetric(*shape: int, imaginary: bool = False, hermitian: bool = False) -> rl.Tensor:
    a = RNG.standard_normal(shape)
    if imaginary:
        a = a + 1j * RNG.standard_normal(shape)
    turned = a.swapaxes(-1, -2)
    return rl.tensor(a + (turned.conj() if hermitian else turned))


@pytest.mark.parametrize(("imaginary", "hermitian"), [(False, False), (True, False), (True, True)])
def test_ldl_solves_indefinite_systems(imaginary: bool, hermitian: bool) -> None:
    a = symmetric(3, 7, 7, imaginary=imaginary, hermitian=hermitian)
    b = rl.tensor(RNG.standard_normal((3, 7, 2))).to(a.dtype)
    factors, pivots, info = rl.linalg.ldl_factor_ex(a, hermitian=hermitian)
    assert not info.any() and pivots.dtype is rl.int32
    assert (pivots < 0).any(), "no block of two rows: choose another seed"
    x = rl.linalg.ldl_solve(factors, pivots, b, hermitian=hermitian)
    assert rl.allclose(a @ x, b, atol=1e-8)
    upper = a.tril() + 99 * rl.ones(7, 7, dtype=a.dtype).triu(1)  # is not read
    assert rl.equal(rl.linalg.ldl_factor(upper, hermitian=hermitian)[0], factors)


def test_ldl_is_as_lapack_has_it() -> None:
    a = rl.tensor([[0.0, 2, 1], [2, 0, 3], [1, 3, 1]], dtype=rl.float64)
    factors, pivots = rl.linalg.ldl_factor(a)
    np.testing.assert_allclose(factors, [[0, 0, 0], [2, 0, 0], [1.5, 0.5, -2]], atol=1e-12)
    assert pivots.tolist() == [-2, -2, 3]


def test_ldl_of_singular_and_wrong_matrices() -> None:
    assert rl.linalg.ldl_factor_ex(rl.zeros(2, 2)).info == 1
    with pytest.raises(RuntimeError, match=r"torch.linalg.ldl_factor: D\[1,1\]|D\[1,1\] is zero"):
        rl.linalg.ldl_factor(rl.zeros(2, 2))
    with pytest.raises(RuntimeError, match="A must be batches of square matrices"):
        rl.linalg.ldl_factor(rl.zeros(2, 3))
    factors, pivots = rl.linalg.ldl_factor(rl.eye(2))
    with pytest.raises(RuntimeError, match=r"Incompatible matrix sizes for torch.linalg.ldl_solve"):
        rl.linalg.ldl_solve(factors, pivots, rl.ones(3, 1))
    with pytest.raises(RuntimeError, match=r"Expected pivots to be integers. Got Float"):
        rl.linalg.ldl_solve(factors, pivots.float(), rl.ones(2, 1))


@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (2, 7, 7)])
def test_svd_of_low_rank_is_the_whole(shape: tuple[int, ...]) -> None:
    left = rl.tensor(RNG.standard_normal((*shape[:-1], 2)))
    right = rl.tensor(RNG.standard_normal((*shape[:-2], 2, shape[-1])))
    a = left @ right
    u, s, v = rl.svd_lowrank(a, q=3)
    assert rl.allclose(u * s.unsqueeze(-2) @ v.mT, a, atol=1e-8)
    assert rl.allclose(s[..., :2], rl.linalg.svdvals(a)[..., :2])
    mean = a.mean(-2, keepdim=True)
    assert rl.allclose(rl.svd_lowrank(a, q=3, M=mean)[1], rl.svd_lowrank(a - mean, q=3)[1],
                       atol=1e-8)


def test_principal_components() -> None:
    a = rl.tensor(RNG.standard_normal((20, 4)) * [5, 3, 1, 0.1])
    _, s, v = rl.pca_lowrank(a, q=4)
    centred = a - a.mean(0)
    assert rl.allclose((centred @ v).norm(dim=0), s)
    with pytest.raises(ValueError, match=r"q\(=7\) must be non-negative integer"):
        rl.pca_lowrank(a, q=7)


def test_lobpcg_gives_extreme_eigenpairs() -> None:
    a, b = symmetric(7, 7), symmetric(7, 7)
    b = b @ b + rl.eye(7, dtype=rl.float64)
    for largest in (True, False):
        values, vectors = rl.lobpcg(a, 2, largest=largest)
        assert rl.allclose(a @ vectors, vectors * values)
        every = rl.linalg.eigvalsh(a)
        assert rl.allclose(values, every.flip(0)[:2] if largest else every[:2])
    values, vectors = rl.lobpcg(a, 2, b)
    assert rl.allclose(a @ vectors, b @ vectors * values)
    with pytest.raises(ValueError, match="LOBPCG algorithm is not applicable"):
        rl.lobpcg(rl.eye(4), 2)
    matrix = a.requires_grad_()
    assert gradcheck(lambda a: rl.lobpcg(a + a.mT, 2)[0], matrix)
