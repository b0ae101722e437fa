"""Operations of every family under transforms, side by side with torch's."""

from __future__ import annotations

from typing import Any

import pytest

from .programs import compare

torch = pytest.importorskip("torch")

# Programs of (torch or rushlight, *tensors), and the tensors' shapes.
OPS: dict[str, tuple[Any, ...]] = {
    "bn eval": (
        lambda t, x: t.vmap(
            lambda a: t.nn.functional.batch_norm(a, t.zeros(3).double(), t.ones(3).double())
        )(x),
        (4, 2, 3),
    ),
    "bn train": (
        lambda t, x: t.vmap(lambda a: t.nn.functional.batch_norm(a, None, None, training=True))(
            x
        ),
        (4, 5, 3),
    ),
    "in": (lambda t, x: t.vmap(lambda a: t.nn.functional.instance_norm(a))(x), (4, 2, 3, 5)),
    "gn": (lambda t, x: t.vmap(lambda a: t.nn.functional.group_norm(a, 1))(x), (4, 2, 3, 5)),
    "emb": (
        lambda t, w: t.vmap(lambda i: t.nn.functional.embedding(i, w))(
            t.tensor([[1, 2], [0, 1]])
        ),
        (4, 3),
    ),
    "emb2": (
        lambda t, w: t.vmap(lambda w, i: t.nn.functional.embedding(i, w))(
            w, t.tensor([[1, 2], [0, 1]])
        ),
        (2, 4, 3),
    ),
    "embgrad": (
        lambda t, w: t.vmap(
            t.func.grad(lambda w, i: t.nn.functional.embedding(i, w).sin().sum()),
            in_dims=(None, 0),
        )(w, t.tensor([[1, 2], [0, 1]])),
        (4, 3),
    ),
    "onehot": (
        lambda t, w: t.vmap(lambda i: t.nn.functional.one_hot(i, 3))(t.tensor([1, 2])),
        (4, 3),
    ),
    "where": (lambda t, x: t.vmap(lambda a: t.where(a > 0, a, 0.0))(x), (4, 3)),
    "masked": (lambda t, x: t.vmap(lambda a: a.masked_fill(a > 0, -1))(x), (4, 3)),
    "idx_put": (
        lambda t, x: t.vmap(lambda a, i: t.index_put(a, (i,), a[i] * 2))(
            x, t.tensor([[0], [1], [2], [0]])
        ),
        (4, 3),
    ),
    "set bool": (
        lambda t, x: t.vmap(lambda a: t.zeros_like(a).index_fill(0, t.tensor([1]), 2.0))(x),
        (4, 3),
    ),
    "split": (lambda t, x: t.vmap(lambda a: a.split(2))(x), (4, 3)),
    "chunk": (lambda t, x: t.vmap(lambda a: a.chunk(2, -1)[1])(x), (4, 3, 4)),
    "einsum": (
        lambda t, x, y: t.vmap(lambda a, b: t.einsum("i,ij->j", a, b))(x, y),
        (4, 3),
        (4, 3, 2),
    ),
    "tensordot": (
        lambda t, x, y: t.vmap(lambda a, b: t.tensordot(a, b, dims=1), in_dims=(0, None))(x, y),
        (4, 2, 3),
        (3, 2),
    ),
    "topk": (lambda t, x: t.vmap(lambda a: t.topk(a, 2))(x), (4, 3)),
    "sort": (lambda t, x: t.vmap(lambda a: a.sort(0, descending=True))(x), (4, 3, 2)),
    "rnncell": (
        lambda t, x, h, w, u: t.vmap(lambda a, b: t.rnn_tanh_cell(a, b, w, u))(x, h),
        (4, 2, 3),
        (4, 2, 5),
        (5, 3),
        (5, 5),
    ),
    "lstm hess": (lambda t, x: t.func.jacfwd(lambda a: t.cumsum(a, 0) * a.flip(0))(x), (4,)),
    "roll": (lambda t, x: t.vmap(lambda a: a.roll(1, 0))(x), (4, 3, 2)),
    "tril": (lambda t, x: t.vmap(lambda a: t.tril(a))(x), (4, 3, 3)),
    "diag": (lambda t, x: t.vmap(lambda a: t.diag(a))(x), (4, 3)),
    "expand": (lambda t, x: t.vmap(lambda a: a.expand(5, 3))(x), (4, 3)),
    "T": (lambda t, x: t.vmap(lambda a: (a.T, a.mT, a.t()))(x), (4, 3, 2)),
    "unfold": (lambda t, x: t.vmap(lambda a: a.unfold(0, 2, 1))(x), (4, 5)),
    "contig view": (
        lambda t, x: t.vmap(lambda a: a.t().contiguous().view(-1), in_dims=1)(x),
        (3, 4, 2),
    ),
    "reshape": (lambda t, x: t.vmap(lambda a: a.t().reshape(-1), in_dims=2)(x), (3, 2, 4)),
    "size": (
        lambda t, x: t.vmap(lambda a: a.sum() / a.numel() + a.shape[0] + a.dim())(x),
        (3, 2, 4),
    ),
    "len iter": (
        lambda t, x: t.vmap(lambda a: sum(r * i for i, r in enumerate(a)))(x),
        (3, 2, 4),
    ),
    "unpack": (lambda t, x: t.vmap(lambda a: (lambda u, v: u * v)(*a))(x), (3, 2, 4)),
    "iadd": (lambda t, x: t.vmap(lambda a: (lambda b: b.__iadd__(a))(a * 2))(x), (3, 2)),
    "rsub": (lambda t, x: t.vmap(lambda a: 1 - a**2 + 2**a - a // 2 + a % 2)(x), (3, 2)),
    "cmp": (lambda t, x: t.vmap(lambda a: (a > 0) & ~(a < 1) | (a == 0))(x), (3, 2)),
    "any": (
        lambda t, x: t.vmap(lambda a: ((a > 0).any(), (a > 0).all(), a.isnan().any()))(x),
        (3, 2),
    ),
    "conv1d": (
        lambda t, x, w: t.vmap(lambda a, b: t.nn.functional.conv1d(a, b, padding="same"))(x, w),
        (3, 2, 7),
        (3, 4, 2, 3),
    ),
    "convT": (
        lambda t, x, w: t.vmap(lambda a: t.nn.functional.conv_transpose2d(a, w))(x),
        (3, 1, 2, 4, 4),
        (2, 4, 3, 3),
    ),
    "interp": (
        lambda t, x: t.vmap(lambda a: t.nn.functional.interpolate(a, scale_factor=2))(x),
        (3, 1, 2, 4, 4),
    ),
    "pad": (lambda t, x: t.vmap(lambda a: t.nn.functional.pad(a, (1, 1)))(x), (3, 2, 4)),
    "softmax": (
        lambda t, x: t.vmap(lambda a: t.nn.functional.softmax(a, dim=0).log_softmax(-1))(x),
        (3, 2, 4),
    ),
    "eigh": (lambda t, x: t.vmap(lambda a: t.linalg.eigvalsh(a @ a.mT))(x), (3, 3, 3)),
    "hess logsumexp": (lambda t, x: t.func.hessian(lambda a: t.logsumexp(a, 0))(x), (3,)),
    "hvp": (
        lambda t, x, v: t.func.jvp(
            t.func.grad(lambda a: (a.exp() * a.flip(0)).sum()), (x,), (v,)
        ),
        (3,),
        (3,),
    ),
    "vhp": (
        lambda t, x, v: t.autograd.functional.vhp(lambda a: (a**3).sum(), x, v),
        (3,),
        (3,),
    ),
    "hvpF": (
        lambda t, x, v: t.autograd.functional.hvp(lambda a: (a**3).sum(), x, v),
        (3,),
        (3,),
    ),
    "jvpF": (
        lambda t, x, v: t.autograd.functional.jvp(lambda a: (a**3, a.sum()), x, v)[1],
        (3,),
        (3,),
    ),
    "complex vmap": (lambda t, x: t.vmap(lambda a: t.fft.fft(a).abs())(x), (3, 4)),
    "complex grad": (lambda t, x: t.func.grad(lambda a: t.fft.fft(a).abs().sum())(x), (4,)),
    "jacfwd fft": (lambda t, x: t.func.jacfwd(lambda a: t.fft.rfft(a).abs())(x), (4,)),
    "jacrev of max": (lambda t, x: t.func.jacrev(lambda a: a.max(0).values)(x), (4, 2)),
    "vmap 0-d in": (lambda t, x: t.vmap(lambda a: a.exp() + a)(x), (4,)),
    "vmap of cat 0": (
        lambda t, x: t.vmap(lambda a: t.cat([a.unsqueeze(0), t.ones(1).double()]))(x),
        (4,),
    ),
    "vmap of jacfwd": (
        lambda t, x: t.vmap(t.func.jacfwd(lambda a: a.sin() * a.sum()))(x),
        (4, 3),
    ),
    "jacfwd of vmap": (
        lambda t, x: t.func.jacfwd(t.vmap(lambda a: a.sin() * a.sum()))(x),
        (2, 3),
    ),
    "hess vmapped": (
        lambda t, x: t.func.hessian(lambda w: t.vmap(lambda a: (a @ w).tanh())(x).sum())(x[0]),
        (4, 3),
    ),
    "vjp of vmap of jvp": (
        lambda t, x: t.func.vjp(
            t.vmap(lambda a: t.func.jvp(lambda b: b.sin() * b.sum(), (a,), (a,))[1]), x
        )[1](x),
        (4, 3),
    ),
    "ifft": (
        lambda t, x: t.func.hessian(lambda a: t.fft.irfft(t.fft.rfft(a) ** 2).sum())(x),
        (4,),
    ),
}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.filterwarnings("ignore")
def test_same_as_torch(name: str) -> None:
    program, *shapes = OPS[name]
    compare(lambda t, x: program(t, *(x(*shape) for shape in shapes)), torch)
