"""Products of matrices and vectors: matmul, mm, bmm, mv, dot, linear, addmm and their kin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends import gemm
from rushlight.backends.memory import LARGE
from rushlight.base.dtypes import HALF_TYPES, bool_
from rushlight.base.errors import operands
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.families.library import KeptLayout, library
from rushlight.families.node_names import called, named
from rushlight.families.older_calls import factors_first
from rushlight.families.rounded_once import is_half
from rushlight.ops.activation import gelu, relu
from rushlight.tensor import Tensor


def _same_dtype(op: str, a: Any, b: Any) -> None:
    if a.dtype is b.dtype or a.dtype == b.dtype:
        return
    first, second = title(a.dtype), title(b.dtype)
    if a.ndim == b.ndim == 1:
        lead = f"dot : expected both vectors to have same dtype, but found {first} and {second}"
    elif b.ndim == 1:
        lead = ("addmv input tensors must have the same dtype, but got "
                f"{second}, {first}, and {second}")
    elif a.ndim > 2 and b.ndim > 2:
        lead = f"expected scalar type {first} but found {second}"
    else:
        lead = f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}"
    raise RuntimeError(f"{lead}: {op}({operands(input=a, other=b)})")


def _reduce_batch(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Summed over the batch dimensions in which an operand was broadcast."""
    return gradient if gradient._array.shape == shape else (
        gradient.sum_to_size(shape))  # type: ignore[attr-defined]


@library("matmul Tensor.__matmul__ linalg.matmul")
class matmul:
    """The matrix product over the last two dimensions; vectors count as a row or a column.

    input: (..., n, k), other: (..., k, m); leading dimensions broadcast. Returns (..., n, m).
    Raises RuntimeError that names both shapes where they do not fit.

    >>> import rushlight as rl
    >>> rl.eye(2) @ rl.tensor([3., 4.])
    tensor([3., 4.])
    """

    def forward(input, other):
        _same_dtype("matmul", input, other)
        n, m = input.ndim, other.ndim
        if not n or not m:
            raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are "
                               f"{n}D and {m}D: matmul({operands(input=input, other=other)}); a "
                               "number multiplies with *")
        inner = other.shape[-2] if m > 1 else other.shape[0]
        if input.shape[-1] != inner:
            raise RuntimeError(_misfit(input, other))
        try:
            return gemm.matmul(input, other)
        except ValueError:
            raise RuntimeError(
                "The size of tensor a must match the size of tensor b in the batch dimensions: "
                f"matmul({operands(input=input, other=other)})") from None

    def backward(gradient, input, other, needs):
        return _matmul_gradients(gradient, input, other, needs)

    def samples(x):
        return [(x(2, 3), x(3, 4)), (x(3), x(3)), (x(2, 3), x(3)), (x(3), x(3, 2)),
                (x(4, 2, 3), x(3, 2)), (x(2, 1, 2, 3), x(4, 3, 2)), (x(3), x(2, 3, 2))]


def _misfit(input: Any, other: Any) -> str:
    if input.ndim == 1 and other.ndim == 1:
        return (f"inconsistent tensor size, expected tensor [{input.shape[0]}] and src "
                f"[{other.shape[0]}] to have the same number of elements, but got "
                f"{input.shape[0]} and {other.shape[0]} elements respectively: "
                f"({operands(input=input, other=other)})")
    if other.ndim == 1 and input.ndim == 2:
        return f"size mismatch, got input ({input.shape[0]}), mat " \
               f"({input.shape[0]}x{input.shape[1]}), vec ({other.shape[0]}): " \
               f"({operands(input=input, other=other)}); the vector takes as many elements " \
               f"as the matrix has columns"
    if input.ndim > 2 and other.ndim > 2:
        return (f"Expected size for first two dimensions of batch2 tensor to be: "
                f"[{list(input.shape[:-2])}, {input.shape[-1]}] but got: "
                f"[{list(other.shape[:-2])}, {other.shape[-2]}]: "
                f"matmul({operands(input=input, other=other)})")
    rows = int(np.prod(input.shape[:-1]))
    return (f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1]} and "
            f"{other.shape[-2] if other.ndim > 1 else other.shape[0]}x"
            f"{other.shape[-1] if other.ndim > 1 else 1}): matmul("
            f"{operands(input=input, other=other)}); the last size of input must equal the "
            "last but one of other")


def _shaped(tensor: Any, shape: tuple[int, ...]) -> Any:
    """The tensor itself where it has that shape: what is no view, a leaf takes for its own."""
    return tensor if tensor._array.shape == tuple(shape) else tensor.reshape(shape)


def _as_rows(tensor: Any) -> Any:
    """All leading dimensions as one; the count is spelled out because sizes may be 0."""
    shape = tensor._array.shape
    return tensor if len(shape) == 2 else tensor.reshape(math.prod(shape[:-1]), shape[-1])


def _matmul_gradients(gradient: Any, input: Any, other: Any, needs: Any) -> tuple:
    """d(A B): G B^H and A^H G, vectors taken as a row and a column."""
    rows = input.unsqueeze(0) if input.ndim == 1 else input
    columns = other.unsqueeze(1) if other.ndim == 1 else other
    if input.ndim == 1:
        gradient = gradient.unsqueeze(-1 if other.ndim == 1 else -2)
    if other.ndim == 1:
        gradient = gradient.unsqueeze(-1)
    first = second = None
    if needs[0]:
        first = matmul(gradient, columns.mT.conj())
        first = _shaped(_reduce_batch(first, rows.shape), input.shape)
    if needs[1]:
        if columns.ndim == 2 and rows.ndim > 2:  # one product over all batches
            second = matmul(_as_rows(rows).mT.conj(), _as_rows(gradient))
        else:
            second = _reduce_batch(matmul(rows.mT.conj(), gradient), columns.shape)
        second = _shaped(second, other.shape)
    return first, second


@composite("Tensor.__rmatmul__", samples=lambda x: [(x(3, 4), x(2, 3))])
def __rmatmul__(input: Tensor, other: Any) -> Tensor:
    """other @ input."""
    return matmul(other, input)


def _rank(op: str, name: str, tensor: Any, n: int, words: str) -> None:
    if tensor.ndim != n:
        raise RuntimeError(f"{words}: {op}({operands(**{name: tensor})})")


@composite("mm", samples=lambda x: [(x(2, 3), x(3, 4))])
def mm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """The product of two matrices: (n, k) @ (k, m) -> (n, m)."""
    if input._array.ndim != 2 or mat2._array.ndim != 2:
        _rank("mm", "input", input, 2, "self must be a matrix")
        _rank("mm", "mat2", mat2, 2, "mat2 must be a matrix")
    return matmul(input, mat2, out=out)


@composite("bmm", samples=lambda x: [(x(2, 3, 4), x(2, 4, 2))])
def bmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """The products of two batches of matrices: (b, n, k) @ (b, k, m) -> (b, n, m)."""
    a, b = input._array.shape, mat2._array.shape
    if len(a) == len(b) == 3 and a[0] == b[0] and a[2] == b[1]:
        return named(matmul(input, mat2, out=out), "Bmm")  # type: ignore[no-any-return]
    _rank("bmm", "input", input, 3, "batch1 must be a 3D tensor")
    _rank("bmm", "mat2", mat2, 3, "batch2 must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, "
            f"{input.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]: "
            f"bmm({operands(input=input, mat2=mat2)})")
    return matmul(input, mat2, out=out)


@composite("mv", samples=lambda x: [(x(2, 3), x(3))])
def mv(input: Tensor, vec: Tensor, *, out: Any = None) -> Tensor:
    """The product of a matrix and a vector: (n, k) @ (k) -> (n)."""
    if input._array.ndim != 2 or vec._array.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {vec.ndim}, {input.ndim}, "
                           f"{vec.ndim}: mv({operands(input=input, vec=vec)})")
    return matmul(input, vec, out=out)


@composite("dot", samples=lambda x: [(x(3), x(3))])
def dot(input: Tensor, tensor: Tensor, *, out: Any = None) -> Tensor:
    """The sum of products of two vectors.

    >>> import rushlight as rl
    >>> rl.dot(rl.tensor([2., 3.]), rl.tensor([2., 1.]))
    tensor(7.)
    """
    if input._array.ndim != 1 or tensor._array.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D "
                           f"tensors: dot({operands(input=input, tensor=tensor)})")
    if input._array.dtype != tensor._array.dtype:
        raise RuntimeError("dot : expected both vectors to have same dtype, but found "
                           f"{title(input.dtype)} and {title(tensor.dtype)}")
    return matmul(input, tensor, out=out)


@composite("vdot", samples=lambda x: [(x(3), x(3))])
def vdot(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The sum of products of two vectors, the first conjugated."""
    return dot(input.conj(), other, out=out)  # type: ignore[attr-defined]


@composite("inner", out=True, samples=lambda x: [(x(2, 3), x(4, 3)), (x(), x(3))])
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dimension of both."""
    if not input.ndim or not other.ndim:
        return input * other  # type: ignore[operator]
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors but got "
                           f"shapes {list(input.shape)} and {list(other.shape)}")
    flat = matmul(input.reshape(-1, input.shape[-1]),  # type: ignore[attr-defined]
                  other.reshape(-1, other.shape[-1]).mT)  # type: ignore[attr-defined]
    return flat.reshape((*input.shape[:-1], *other.shape[:-1]))


@composite("outer ger", samples=lambda x: [(x(2), x(3))])
def outer(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor:
    """All products of elements of two vectors: (n), (m) -> (n, m)."""
    if input._array.ndim != 1 or vec2._array.ndim != 1:
        name, x = ("self", input) if input.ndim != 1 else ("vec2", vec2)
        raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    column: Any = input.unsqueeze(1)  # type: ignore[attr-defined]
    if input._array.size * vec2._array.size >= LARGE:  # the kernels for that are asked by operand
        column = column.expand(input._array.size, vec2._array.size)
    return column.mul(vec2, out=out)


def _blend(input: Any, product: Any, beta: Any, alpha: Any) -> Tensor:
    """beta * input + alpha * product; with beta 0, input does not even count as NaN."""
    if input.dtype is bool_:
        product = product if alpha else product & False
        return input | product if beta else product.expand(
            np.broadcast_shapes(input.shape, product.shape))
    if input.dtype.category < 2:  # integer tensors are scaled by whole numbers
        beta, alpha = int(beta), int(alpha)
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product.expand(np.broadcast_shapes(input.shape, product.shape))
    return (input if beta == 1 else input * beta) + product


@composite("addmm", out=True, inplace=True,
           samples=lambda x: [(x(2, 4), x(2, 3), x(3, 4), {'beta': 0.5, 'alpha': 2})])
@factors_first
@called("Addmm")
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2): (n, m) + (n, k) @ (k, m).

    >>> import rushlight as rl
    >>> rl.addmm(rl.ones(1, 1), rl.ones(1, 2), rl.ones(2, 1))
    tensor([[3.]])
    """
    if (is_half(mat1) and mat1.ndim == mat2.ndim == 2 and mat1.shape[1] == mat2.shape[0]
            and input.shape == mat2.shape[1:] and beta == alpha == 1
            and input.dtype is mat1.dtype is mat2.dtype):
        return linear(mat1, mat2.mT, input)  # type: ignore[no-any-return, operator]
    return _blend(input, mm(mat1, mat2), beta, alpha)


@composite("_addmm_activation Tensor._addmm_activation", out=True, samples=lambda x: [
    (x(4), x(2, 3), x(3, 4), {"use_gelu": True}), (x(2, 4), x(2, 3), x(3, 4), {"beta": 0.5})])
def addmm_activation(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1,
                     use_gelu: bool = False) -> Tensor:
    """relu(addmm(input, mat1, mat2)), or gelu of it: the hidden layer of a feed-forward block.

    >>> import rushlight as rl
    >>> rl._addmm_activation(rl.zeros(1), rl.ones(1, 2), -rl.ones(2, 1))
    tensor([[0.]])
    """
    product = addmm(input, mat1, mat2, beta=beta, alpha=alpha)
    return gelu(product) if use_gelu else relu(product)


@composite("addmv", out=True, inplace=True, samples=lambda x: [(x(2), x(2, 3), x(3))])
@factors_first
@called("Addmv")
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (mat @ vec): (n) + (n, k) @ (k)."""
    return _blend(input, mv(mat, vec), beta, alpha)


@composite("addr", out=True, inplace=True, samples=lambda x: [(x(2, 3), x(2), x(3))])
@factors_first
@called("Addr")
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2): (n, m) + (n) x (m)."""
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, float) and input.dtype.category < 2:
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a "
                               "floating point number.")
    return _blend(input, outer(vec1, vec2), beta, alpha)


@composite("baddbmm", out=True, inplace=True,
           samples=lambda x: [(x(2, 2, 4), x(2, 2, 3), x(2, 3, 4))])
@factors_first
@called("Baddbmm")
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1,
            alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (batch1 @ batch2), batch by batch."""
    return _blend(input, bmm(batch1, batch2), beta, alpha)


@composite("addbmm", out=True, inplace=True, samples=lambda x: [(x(2, 4), x(2, 2, 3), x(2, 3, 4))])
@factors_first
@called("Addbmm")
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1,
           alpha: Any = 1) -> Tensor:
    """beta * input + alpha * (the sum over batches of batch1 @ batch2)."""
    return _blend(input, bmm(batch1, batch2).sum(0), beta, alpha)


def _linear(input: Any, weight: Any, bias: Any, kept: Any = None) -> Any:
    if weight is None:
        raise TypeError("linear(): argument 'weight' (position 2) must be Tensor, not NoneType")
    if input.dtype != weight.dtype or (bias is not None and bias.dtype != input.dtype):
        lead = ("mat1 and mat2 must have the same dtype, but got "
                f"{title(input.dtype)} and {title(weight.dtype)}")
        if bias is None:
            lead = ("expected m1 and m2 to have the same dtype, but got: "
                    f"{input.dtype} != {weight.dtype}")
        raise RuntimeError(
            f"{lead}: linear({operands(input=input, weight=weight, bias=bias)}); "
            "convert one with .to(dtype)")
    if not input.ndim or not weight.ndim:
        raise RuntimeError("both arguments to linear need to be at least 1D, but they are "
                           f"{input.ndim}D and {weight.ndim}D")
    if input.shape[-1:] != weight.shape[-1:]:
        rows = int(np.prod(input.shape[:-1]))
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1]} and "
            f"{weight.shape[-1]}x{weight.shape[0]}): linear("
            f"{operands(input=input, weight=weight, bias=bias)}); the last size of input "
            "must equal the layer's in_features")
    if bias is None or bias.shape == weight.shape[:1]:
        if input.ndim == 1 and weight.ndim == 2 and input.dtype in HALF_TYPES:
            return gemm.linear(input[None], weight, bias)[0]  # rounded once, not without bias first
        return gemm.linear(input, weight, bias, kept)
    shape = (*input.shape[:-1], *weight.shape[:-1])
    if not _repeats(bias.shape, shape):
        raise RuntimeError(
            f"The expanded size of the tensor ({shape[-1] if shape else 1}) must match the "
            f"existing size ({bias.shape[-1] if bias.shape else 1}) of the bias: linear("
            f"{operands(input=input, weight=weight, bias=bias)}); a bias is (out_features,)")
    return gemm.add(gemm.linear(input, weight, None, kept), bias)


def _repeats(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a tensor of `shape` can be expanded to `target`."""
    return len(shape) <= len(target) and all(
        own in (1, wanted) for own, wanted in zip(shape[::-1], target[::-1], strict=False))


@library("nn.functional.linear")
class linear:
    """input @ weight.T + bias.

    input: (..., in_features), weight: (out_features, in_features) or (in_features),
    bias: (out_features) or None. Returns (..., out_features).

    >>> import rushlight as rl
    >>> rl.nn.functional.linear(rl.ones(1, 2), rl.ones(3, 2))
    tensor([[2., 2., 2.]])
    """

    node = "addmm"
    layout = KeptLayout("weight", gemm.keeps, _linear)

    def forward(input, weight, bias: Operand = None):
        return _linear(input, weight, bias)

    def backward(gradient, input, weight, bias, needs):
        first, second, third, whole, shape = None, None, None, gradient, weight.shape
        if weight.ndim == 1:
            gradient, weight = gradient.unsqueeze(-1), weight.unsqueeze(0)
        if needs[0]:
            first = matmul(gradient, weight.conj())
        flat = _as_rows(gradient)
        if needs[1]:
            rows = _as_rows(input)
            second = _shaped(matmul(flat.mT, rows.conj()), shape)
        if needs[2]:
            third = flat.sum(0) if bias.ndim == 1 and bias.shape[0] == flat.shape[1] else (
                _reduce_batch(whole, bias.shape))
        return first, second, third

    def samples(x):
        return [(x(2, 3), x(4, 3), x(4)), (x(3), x(4, 3)), (x(2, 2, 3), x(4, 3), x(4))]
