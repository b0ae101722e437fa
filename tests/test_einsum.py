"""einsum and other products and arrangements of matrices, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import rushlight as rl
from rushlight.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)
SIZES = dict(zip("abcdijkA", (2, 3, 1, 4, 2, 3, 4, 3)))

EQUATIONS = [
    "ij,jk->ik", "ij,jk", "ij->ji", "ij->", "ii->i", "ii", "iij,ja->ai", "aij,ajk->aik",
    "ij,ij->ij", "i,j->ij", "ij,jk,kd->id", "abc,cd,bd,a->ad", "i,i", "aij,aik,ja->kj",
    "ij,kd->ikjd", "bc,bd->cd", "A,Aj->jA", "ab,ba,ab->b",
]


def operands(equation: str) -> list[np.ndarray]:
    terms = equation.split("->")[0].split(",")
    return [RNG.standard_normal([SIZES[letter] for letter in term]) for term in terms]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum_is_numpys(equation: str) -> None:
    arrays = operands(equation)
    found = rl.einsum(equation, *map(rl.from_numpy, arrays))
    np.testing.assert_allclose(found.numpy(), np.einsum(equation, *arrays), atol=1e-12)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (4, 3, 2)]),
        ("...ij,...jk", [(2, 3), (4, 3, 2)]),
        ("i...,i...->...", [(2, 3), (2, 1)]),
        ("...ii->...i", [(4, 3, 3)]),
        ("b...,b->...", [(2, 3, 4), (2,)]),
    ],
)
def test_ellipsis_broadcasts(equation: str, shapes: list) -> None:
    arrays = [RNG.standard_normal(shape) for shape in shapes]
    found = rl.einsum(equation, [rl.from_numpy(a) for a in arrays])
    np.testing.assert_allclose(found.numpy(), np.einsum(equation, *arrays), atol=1e-12)


def test_ellipsis_that_is_not_in_the_output_is_summed_over() -> None:
    x = rl.arange(6).reshape(2, 3)
    assert rl.einsum("...i->i", x).tolist() == [3, 5, 7]


def test_sublists() -> None:
    a, b = RNG.standard_normal((4, 2, 3)), RNG.standard_normal((3, 5))
    found = rl.einsum(rl.from_numpy(a), [..., 0, 1], rl.from_numpy(b), [1, 2], [2, ..., 0])
    np.testing.assert_allclose(found.numpy(), np.einsum("zij,jk->kzi", a, b))


@pytest.mark.parametrize("equation", ["ij,jk->ik", "iij,ja->ai", "abc,cd,bd,a->ad", "ii", "i,i"])
def test_gradients(equation: str) -> None:
    inputs = [rl.tensor(a, requires_grad=True) for a in operands(equation)]
    assert gradcheck(lambda *xs: rl.einsum(equation, *xs), inputs)
    assert gradgradcheck(lambda *xs: rl.einsum(equation, *xs), inputs)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("ij",), ValueError, "must specify the equation string and at least one operand"),
        (("i?", (2, 3)), RuntimeError, "invalid subscript given at index 1"),
        (("i", (2, 3)), RuntimeError, "the number of subscripts in the equation (1) does not"),
        (("ij", (2, 3), (2, 3)), RuntimeError, "more operands were provided"),
        (("ij,jk", (2, 3)), RuntimeError, "fewer operands were provided"),
        (("ij->k", (2, 3)), RuntimeError, "output subscript k does not appear"),
        (("ij->ii", (2, 3)), RuntimeError, "output subscript i appears more than once"),
        (("ii", (2, 3)), RuntimeError, "subscript i is repeated for operand 0"),
        (("ij,jk", (2, 3), (2, 3)), RuntimeError, "subscript j has size 2 for operand 1"),
        (("i..j", (2, 3)), RuntimeError, "found '.' for operand 0"),
    ],
)
def test_errors(arguments: tuple, error: type, message: str) -> None:
    given = [rl.ones(x) if isinstance(x, tuple) else x for x in arguments]
    with pytest.raises(error) as found:
        rl.einsum(*given)
    assert message in str(found.value)


def test_tensordot_and_kron() -> None:
    a, b = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((4, 3, 5))
    x, y = rl.from_numpy(a), rl.from_numpy(b)
    found = rl.tensordot(x, y, ([1, 2], [1, 0]))
    np.testing.assert_allclose(found.numpy(), np.tensordot(a, b, ([1, 2], [1, 0])))
    assert rl.tensordot(x, y, 1).shape == (2, 3, 3, 5)
    assert rl.tensordot(x, y, 0).shape == (2, 3, 4, 4, 3, 5)
    np.testing.assert_allclose(rl.kron(x[0], y[0]).numpy(), np.kron(a[0], b[0]))
    assert rl.kron(x, y[0, 0]).shape == (2, 3, 20)
    with pytest.raises(RuntimeError, match="contracted dimensions need to match"):
        rl.tensordot(x, y, ([0], [0]))


def test_triangles_and_diagonals() -> None:
    a = RNG.standard_normal((2, 3, 4))
    x = rl.tensor(a, requires_grad=True)
    for k in range(-3, 5):
        assert (x.tril(k).detach().numpy() == np.tril(a, k)).all()
        assert (x.triu(k).detach().numpy() == np.triu(a, k)).all()
    assert gradcheck(lambda x: x.tril(1), x) and gradcheck(lambda x: x.triu(-1), x)
    y = rl.ones(2, 2)
    assert y.tril_() is y and y.tolist() == [[1, 0], [1, 1]]
    vector = rl.tensor([1.0, 2.0], dtype=rl.float64, requires_grad=True)
    assert rl.diag(vector, -1).tolist() == np.diag([1.0, 2.0], -1).tolist()
    assert rl.diag(rl.tensor([[1, 2], [3, 4]]), 1).tolist() == [2]
    assert gradcheck(lambda v: rl.diag_embed(v, 1, 0, 1), vector)
    assert rl.diag_embed(rl.ones(5, 2), dim1=0, dim2=2).shape == (2, 5, 2)
    assert rl.diagflat(rl.tensor([[1, 2]])).tolist() == [[1, 0], [0, 2]]
    assert rl.trace(rl.arange(6).reshape(2, 3)) == 4
    assert rl.zeros(7, 2).fill_diagonal_(1, wrap=True).nonzero().tolist() == [
        [0, 0], [1, 1], [3, 0], [4, 1], [6, 0]]
    with pytest.raises(RuntimeError, match="tril: input tensor must have at least 2 dimensions"):
        vector.tril()


def test_cross_and_chains() -> None:
    a, b = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))
    found = rl.linalg.cross(rl.from_numpy(a), rl.from_numpy(b))
    np.testing.assert_allclose(found.numpy(), np.cross(a, b))
    chain = [RNG.standard_normal(shape) for shape in [(2, 9), (9, 3), (3, 8), (8, 1)]]
    found = rl.linalg.multi_dot([rl.from_numpy(m) for m in chain])
    np.testing.assert_allclose(found.numpy(), np.linalg.multi_dot(chain))
    assert rl.linalg.multi_dot([rl.ones(2), rl.ones(2, 3), rl.ones(3)]) == 6
    with pytest.raises(RuntimeError, match=r"multi_dot\(\): tensors 0 and 1 with shapes"):
        rl.linalg.multi_dot([rl.ones(2, 3), rl.ones(2, 3)])
    with pytest.raises(RuntimeError, match="inputs dimension -1 must have length 3"):
        rl.linalg.cross(rl.ones(2), rl.ones(2))


def test_arrangements() -> None:
    x = rl.tensor([1, 2, 3])
    assert rl.combinations(x).tolist() == [[1, 2], [1, 3], [2, 3]]
    assert rl.combinations(x, 2, True).tolist() == [
        list(pair) for pair in itertools.combinations_with_replacement([1, 2, 3], 2)]
    assert rl.cartesian_prod(x, x[:2]).tolist() == [
        list(pair) for pair in itertools.product([1, 2, 3], [1, 2])]
    blocks = rl.block_diag(rl.ones(1, 2), rl.tensor(5.0), rl.ones(2, 1))
    assert blocks.tolist() == [[1, 1, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert rl.vander(x).tolist() == np.vander([1, 2, 3]).tolist()
    assert rl.linalg.vander(x, N=2).tolist() == [[1, 1], [1, 2], [1, 3]]


def test_repeat_interleave() -> None:
    x = rl.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=rl.float64, requires_grad=True)
    assert x.repeat_interleave(2).tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert x.repeat_interleave(rl.tensor([1, 3]), 1).tolist() == [[1, 2, 2, 2], [3, 4, 4, 4]]
    assert rl.repeat_interleave(rl.tensor([2, 0, 1])).tolist() == [0, 0, 2]
    assert gradcheck(lambda x: x.repeat_interleave(rl.tensor([1, 3]), 0), x)
    with pytest.raises(RuntimeError, match="repeats must have the same size as input along dim"):
        x.repeat_interleave(rl.tensor([1, 2, 3]), 0)
