"""Factorisations, linear systems and functions of matrices: identities, NumPy, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.linalg import LinAlgError

RNG = np.random.default_rng(1)
BATCH = (2, 1)


def matrix(*shape: int, imaginary: bool = False, grad: bool = False) -> Any:
    values = RNG.standard_normal(shape)
    if imaginary:
        values = values + 1j * RNG.standard_normal(shape)
    return rl.tensor(values, requires_grad=grad)


def positive(a: Any) -> Any:
    """A well-conditioned positive definite matrix made of any square one."""
    return a @ a.mT.conj() + 2 * rl.eye(a.shape[-1], dtype=a.dtype)


def close(a: Any, b: Any) -> bool:
    return rl.allclose(a, b, atol=1e-9)


def checked(op: Any, *inputs: Any) -> None:
    assert gradcheck(op, inputs)
    assert gradgradcheck(op, inputs)


@pytest.mark.parametrize("imaginary", [False, True])
def test_cholesky(imaginary: bool) -> None:
    a = matrix(*BATCH, 3, 3, imaginary=imaginary, grad=True)
    lower = rl.linalg.cholesky(positive(a))
    assert close(lower @ lower.mT.conj(), positive(a)) and close(lower.tril(), lower)
    upper = rl.linalg.cholesky(positive(a), upper=True)
    assert close(upper, lower.mT.conj())
    checked(lambda a: rl.linalg.cholesky(positive(a)), a)
    b = matrix(*BATCH, 3, 2, imaginary=imaginary)
    assert close(positive(a) @ rl.cholesky_solve(b, lower), b)
    assert close(rl.cholesky_inverse(upper, upper=True), rl.linalg.inv(positive(a)))


def test_cholesky_of_what_is_not_positive_definite() -> None:
    a = rl.stack([rl.eye(40), rl.diag(rl.tensor([1.0] * 30 + [-1.0] * 10))])
    message = r"linalg.cholesky: \(Batch element 1\): .*leading minor of order 31 is not"
    with pytest.raises(LinAlgError, match=message):
        rl.linalg.cholesky(a)
    found = rl.linalg.cholesky_ex(a)
    assert found.info.tolist() == [0, 31] and rl.equal(found.L[0], a[0])


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
@pytest.mark.parametrize("imaginary", [False, True])
def test_qr(shape: tuple, imaginary: bool) -> None:
    a = matrix(*shape, imaginary=imaginary, grad=True)
    q, r = rl.linalg.qr(a)
    assert close(q @ r, a) and close(r, r.triu())
    assert close(q.mT.conj() @ q, rl.eye(q.shape[-1], dtype=a.dtype).expand_as(q.mT @ q))
    full = rl.linalg.qr(a.detach(), "complete")
    assert full.Q.shape[-1] == shape[-2] and close(full.Q @ full.R, a)
    checked(lambda a: tuple(rl.linalg.qr(a)), a)
    assert rl.linalg.qr(a.detach(), "r").Q.numel() == 0
    with pytest.raises(RuntimeError, match="qr received unrecognized mode 'x'"):
        rl.linalg.qr(a, "x")


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 2, 3)])
def test_svd(shape: tuple) -> None:
    a = matrix(*shape, grad=True)
    u, s, vh = rl.linalg.svd(a, full_matrices=False)
    assert close(u * s.unsqueeze(-2) @ vh, a)
    assert close(rl.linalg.svdvals(a), s)
    checked(rl.linalg.svdvals, a)
    checked(lambda a: tuple(rl.linalg.svd(a, full_matrices=False)), a)
    old = rl.svd(a)
    assert old._fields == ("U", "S", "V") and close(old.V, vh.mT)


def test_gradient_of_complex_svd_of_what_does_not_depend_on_phases() -> None:
    a = matrix(3, 2, imaginary=True, grad=True)

    def projections(a: Any) -> Any:
        u, s, vh = rl.linalg.svd(a, full_matrices=False)
        return (u * s.unsqueeze(-2)) @ u.mT.conj(), vh.mT.conj() @ (s.unsqueeze(-1) * vh), s

    assert gradcheck(projections, a)


@pytest.mark.parametrize("imaginary", [False, True])
def test_eigh(imaginary: bool) -> None:
    a = matrix(*BATCH, 3, 3, imaginary=imaginary, grad=True)
    values, vectors = rl.linalg.eigh(positive(a))
    assert close(positive(a) @ vectors, vectors * values.unsqueeze(-2))

    def projections(a: Any) -> Any:
        values, vectors = rl.linalg.eigh(positive(a))
        first = vectors[..., :1]
        return values, first @ first.mT.conj()

    checked(projections, a)
    assert close(rl.linalg.eigvalsh(positive(a)), values)


def test_eig() -> None:
    a = rl.tensor([[1.0, 2.0, 0.3], [-3.0, 0.5, 1.0], [0.2, 0.1, 4.0]], dtype=rl.float64,
                  requires_grad=True)
    values, vectors = rl.linalg.eig(a)
    assert close(a.to(rl.complex128) @ vectors, vectors * values)

    def projections(a: Any) -> Any:
        values, vectors = rl.linalg.eig(a)
        one = vectors[:, :1]
        return values, one @ one.mT.conj()

    assert gradcheck(projections, a) and gradcheck(rl.linalg.eigvals, a)


@pytest.mark.parametrize("imaginary", [False, True])
def test_linear_systems(imaginary: bool) -> None:
    a, b = (matrix(*s, imaginary=imaginary, grad=True) for s in [(2, 3, 3), (3, 2)])
    assert close(a @ rl.linalg.solve(a, b), b.expand(2, 3, 2))
    right = rl.linalg.solve(a, b.mT.expand(2, 2, 3), left=False)
    assert close(right @ a, b.mT.expand(2, 2, 3))
    vectors = matrix(2, 3, imaginary=imaginary)
    assert close((a @ rl.linalg.solve(a, vectors).unsqueeze(-1)).squeeze(-1), vectors)
    checked(rl.linalg.solve, a, b)
    checked(rl.linalg.inv, a)
    checked(lambda a, b: rl.linalg.solve_triangular(a, b, upper=False), a, b)
    checked(lambda a, b: rl.linalg.solve_triangular(a, b.mT, upper=True, left=False,
                                                    unitriangular=True), a, b)


def test_large_triangular_systems_are_solved_in_blocks() -> None:
    a, b = RNG.standard_normal((2, 70, 70)) + 20 * np.eye(70), RNG.standard_normal((70, 5))
    for upper in (False, True):
        part = np.triu(a) if upper else np.tril(a)
        x = rl.linalg.solve_triangular(rl.from_numpy(a), rl.from_numpy(b), upper=upper)
        np.testing.assert_allclose(part @ x.numpy(), np.broadcast_to(b, (2, 70, 5)), atol=1e-9)


def test_singular_matrices() -> None:
    a = rl.stack([rl.eye(2), rl.zeros(2, 2)])
    with pytest.raises(LinAlgError, match=r"linalg.inv: \(Batch element 1\): The diagonal elem"):
        rl.linalg.inv(a)
    with pytest.raises(RuntimeError, match=r"solve: .*The solver failed because the input matrix"):
        rl.linalg.solve(a, rl.eye(2))
    found = rl.linalg.inv_ex(a)
    assert found.info.tolist() == [0, 1] and rl.equal(found.inverse[0], rl.eye(2))
    with pytest.raises(RuntimeError, match=r"lu_factor: \(Batch element 1\): U\[1,1\] is zero"):
        rl.linalg.lu_factor(a)
    assert rl.linalg.det(a).tolist() == [1, 0]
    assert rl.linalg.slogdet(a).logabsdet.tolist() == [0, -float("inf")]
    assert rl.linalg.matrix_rank(a).tolist() == [2, 0]
    assert rl.linalg.cond(a, 1).tolist() == [1, float("inf")]


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 70, 70)])
@pytest.mark.parametrize("imaginary", [False, True])
def test_lu(shape: tuple, imaginary: bool) -> None:
    a = matrix(*shape, imaginary=imaginary)
    p, lower, upper = rl.linalg.lu(a)
    assert close(p @ lower @ upper, a) and lower.abs().max() <= (2**0.5 if imaginary else 1) + 1e-12
    factors, pivots = rl.linalg.lu_factor(a)
    assert pivots.dtype == rl.int32
    for mine, unpacked in zip((p, lower, upper), rl.lu_unpack(factors, pivots)):
        assert rl.equal(mine, unpacked)
    if shape[-1] == shape[-2]:
        b = matrix(shape[-1], 2, imaginary=imaginary)
        assert close(a @ rl.linalg.lu_solve(factors, pivots, b), b.expand(*shape[:-1], 2))
        x = rl.linalg.lu_solve(factors, pivots, b.mT, left=False, adjoint=True)
        assert close(x @ a.mT.conj(), b.mT.expand(*shape[:-2], 2, shape[-1]))
    if len(shape) == 2:
        checked(lambda a: tuple(rl.linalg.lu(a))[1:], a.requires_grad_())


@pytest.mark.parametrize("imaginary", [False, True])
def test_determinants(imaginary: bool) -> None:
    a = matrix(2, 3, 3, imaginary=imaginary, grad=True)
    np.testing.assert_allclose(rl.det(a).detach().numpy(), np.linalg.det(a.detach().numpy()))
    sign, logarithm = rl.slogdet(a)
    assert close(sign * logarithm.exp(), rl.det(a))
    checked(rl.det, a)
    assert gradcheck(lambda a: tuple(rl.linalg.slogdet(a)), a)
    singular = rl.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=rl.float64, requires_grad=True)
    assert gradcheck(rl.det, singular)
    assert rl.logdet(-rl.eye(1)).isnan() and rl.logdet(rl.eye(3)) == 0


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 2, 3)])
def test_pseudoinverse_and_least_squares(shape: tuple) -> None:
    a = matrix(*shape, grad=True)
    np.testing.assert_allclose(rl.linalg.pinv(a).detach().numpy(),
                               np.linalg.pinv(a.detach().numpy()), atol=1e-9)
    checked(rl.linalg.pinv, a)
    b = matrix(*shape[:-1], 2)
    result = rl.linalg.lstsq(a, b, driver="gelsd")
    assert close(a.mT @ (a @ result.solution), a.mT @ b)
    assert (result.rank == min(shape[-2:])).all()
    assert close(result.singular_values, rl.linalg.svdvals(a))
    if shape == (4, 2):
        expected = np.linalg.lstsq(a.detach().numpy(), b.numpy())[1]
        np.testing.assert_allclose(result.residuals.detach().numpy(), expected)
    assert rl.linalg.pinv(rl.diag(rl.tensor([1.0, 0.1])), atol=0.5)[1, 1] == 0


def test_functions_of_matrices() -> None:
    a = matrix(2, 3, 3, grad=True)
    product = a @ a @ a
    assert close(rl.matrix_power(a, 3), product)
    assert close(rl.linalg.matrix_power(a, -3) @ product, rl.matrix_power(a, 0))
    checked(lambda a: rl.matrix_power(a, 3), a)
    for scale in (0.01, 1.0, 30.0):
        values, vectors = rl.linalg.eigh(scale * positive(a) / 10)
        expected = vectors * values.exp().unsqueeze(-2) @ vectors.mT
        assert rl.allclose(rl.matrix_exp(scale * positive(a) / 10), expected, rtol=1e-9)
    checked(rl.matrix_exp, a)


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms(ord: Any) -> None:
    a = matrix(2, 3, 4, grad=True)
    expected = np.linalg.norm(a.detach().numpy(), ord, (0, 2))
    np.testing.assert_allclose(rl.linalg.matrix_norm(a, ord, (0, 2)).detach().numpy(), expected)
    assert rl.linalg.norm(a, ord, (0, 2), keepdim=True).shape == (1, 3, 1)
    assert gradcheck(lambda a: rl.linalg.matrix_norm(a, ord), a)
    square = a[:, :, :3].detach()
    np.testing.assert_allclose(rl.linalg.cond(square, ord).numpy(),
                               np.linalg.cond(square.numpy(), ord))


def test_householder() -> None:
    a = matrix(2, 4, 3)
    reflections, tau = rl.geqrf(a)
    q = rl.linalg.householder_product(reflections, tau)
    assert close(q @ reflections[..., :3, :].triu(), a)
    below = rl.ormqr(reflections, tau, a, transpose=True)[..., 3:, :]
    assert close(below, rl.zeros_like(below))
    v, t = matrix(4, 2, grad=True), matrix(2, grad=True)
    checked(rl.linalg.householder_product, v, t)


def test_errors() -> None:
    for name in ("cholesky", "inv", "det", "slogdet", "eigh", "eig"):
        with pytest.raises(RuntimeError, match="must have at least 2 dimensions"):
            getattr(rl.linalg, name)(rl.ones(3))
        with pytest.raises(RuntimeError, match="must be batches of square matrices, but they are "
                                               "2 by 3 matrices"):
            getattr(rl.linalg, name)(rl.ones(2, 3))
    with pytest.raises(RuntimeError, match="Expected a floating point or complex tensor"):
        rl.linalg.inv(rl.eye(2, dtype=rl.int64))
    with pytest.raises(RuntimeError, match="Incompatible shapes of A and B for the equation AX"):
        rl.linalg.solve(rl.eye(3), rl.eye(2))
    with pytest.raises(RuntimeError, match="matrix_norm: Order x not supported"):
        rl.linalg.matrix_norm(rl.eye(2), "x")


def test_results_without_data() -> None:
    a = rl.empty(5, 3, 3, device="meta")
    assert rl.linalg.svd(a).S.shape == (5, 3)
    assert rl.linalg.solve(a, rl.empty(5, 3, 2, device="meta")).shape == (5, 3, 2)
    assert rl.linalg.cholesky(a).shape == rl.linalg.inv(a).shape == (5, 3, 3)
    assert rl.linalg.qr(rl.empty(4, 2, device="meta")).R.shape == (2, 2)


@pytest.mark.parametrize("p", [-0.5, -1.0, -2.0, -3.0])
def test_negative_norms_of_rows_with_a_zero_have_no_slope(p: float) -> None:
    x = rl.tensor([[1.0, -2.0, 0.0], [1.0, -2.0, 3.0], [0.0, 0.0, 0.0]], dtype=rl.float64,
                  requires_grad=True)
    for keepdim in (False, True):
        length = rl.linalg.vector_norm(x, p, 1, keepdim)
        assert length.reshape(3)[0] == length.reshape(3)[2] == 0
        (slope,) = rl.autograd.grad(length.sum(), x)
        assert not slope[0].any() and not slope[2].any() and slope[1].all()
    assert rl.autograd.gradcheck(lambda x: rl.linalg.vector_norm(x, p), x[1].detach()
                                 .requires_grad_())
