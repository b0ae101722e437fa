"""Choosing between elements, and the parts of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.dtypes import FROM_ARRAY
from rushlight.base.promotion import of_number, promote_ranks
from rushlight.expr import scalar as s
from rushlight.families.composite import composite, function
from rushlight.families.kernels import number
from rushlight.families.library import library
from rushlight.families.pointwise import pointwise
from rushlight.families.view import view
from rushlight.tensor import Tensor, wrap


@pointwise("_where", inplace=False, tensors="condition")
def _where(condition, input, other):
    """input where condition holds, else other."""
    return s.where(condition, input, other)


@function("where", samples=lambda x: [(x(2, 3) > 0, x(3), x(2, 1)), (x(3) > 0, x(3), 0.5)])
def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """input where condition holds, else other, with broadcasting; alone, condition's indices.

    condition: a bool tensor. input, other: tensors or numbers.

    >>> import rushlight as rl
    >>> rl.where(rl.tensor([True, False]), 1., 0.)
    tensor([1., 0.])
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)  # type: ignore[attr-defined]
    if condition._array.dtype not in (np.dtype(np.bool_), np.dtype(np.uint8)):
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor "
                           f"with dtype {condition.dtype.name}; compare it with something first")
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        common = promote_ranks([], [], [of_number(input), of_number(other)])
        input = wrap(number(input, common.array))
    return _where(condition, input, other, out=out)


@composite("Tensor.where", samples=lambda x: [(x(2, 3), x(2, 3) > 0, 0.0)])
def _method_where(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """input where condition holds, else other."""
    return where(condition, input, other)


@library("conj_physical", inplace=True)
class conj_physical:
    """The complex conjugate; real tensors as they are."""

    def forward(input):
        return np.conjugate(input, out=...) if input.dtype.kind == "c" else input.copy()

    def backward(gradient):
        return conj(gradient)

    def samples(x):
        return [(x(2, 3),)]


@composite("conj", samples=lambda x: [(x(2, 3),)])
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; real tensors as they are.

    >>> import rushlight as rl
    >>> rl.tensor([1 + 2j]).conj()
    tensor([1.-2.j])
    """
    return conj_physical(input) if input._array.dtype.kind == "c" else input


@composite("resolve_neg", samples=lambda x: [(x(2, 3),)])
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negation is done at once."""
    return input


@composite("resolve_conj", samples=lambda x: [(x(2, 3),)])
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugation is done at once."""
    return input


@composite("adjoint", samples=lambda x: [(x(2, 3),)])
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two dimensions."""
    return input.transpose(-2, -1).conj()  # type: ignore[attr-defined]


@view("_real", grad=lambda g, shape: complex_of(g, 1), samples=lambda x: [(x(2, 3).to(complex),)])
def _real(input):
    """The real parts; shares memory."""
    return MetaArray.of(input.phantom.real) if is_meta(input) else input.real


@view("_imag", grad=lambda g, shape: complex_of(g, 1j), samples=lambda x: [(x(2, 3).to(complex),)])
def _imag(input):
    """The imaginary parts; shares memory."""
    return MetaArray.of(input.phantom.imag) if is_meta(input) else input.imag


def complex_of(g: Any, unit: complex) -> Tensor:
    """A real gradient as a complex one along `unit`."""
    target = np.dtype(f"c{2 * g._array.itemsize}")
    return g.to(FROM_ARRAY[target]) * wrap(np.array(unit, target))


@composite("real", samples=lambda x: [(x(2, 3),), (x(2, 3).to(complex),)])
def real(input: Tensor) -> Tensor:
    """The real parts, sharing memory; real tensors as they are."""
    return _real(input) if input._array.dtype.kind == "c" else input


@composite("imag", samples=lambda x: [(x(2, 3).to(complex),)])
def imag(input: Tensor) -> Tensor:
    """The imaginary parts, sharing memory.

    Raises RuntimeError for a real tensor.
    """
    if input._array.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _imag(input)


Tensor.real = property(real, lambda self, value: real(self).copy_(value))  # type: ignore
Tensor.imag = property(imag, lambda self, value: imag(self).copy_(value))  # type: ignore


@pointwise("_real_angle", promote="floating", refuse="complex", inplace=False)
def _real_angle(input):
    """0, or pi for negative numbers."""
    return s.angle(input)


@composite("angle", samples=lambda x: [(x(2, 3),), (x(2, 3) + 0.5j,)])
def angle(input: Tensor, *, out: Any = None) -> Tensor:
    """The angle of each element in the complex plane, in radians.

    >>> import rushlight as rl
    >>> rl.angle(rl.tensor([1j, -1j]))
    tensor([ 1.5708, -1.5708])
    """
    if input.dtype.is_complex:
        return _imag(input).atan2(_real(input), out=out)
    return _real_angle(input, out=out)


@composite("is_nonzero", samples=lambda x: [(x(1),)])
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is nonzero."""
    return bool(input)


@composite("equal", samples=lambda x: [(x(2, 3), x(2, 3))])
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements.

    >>> import rushlight as rl
    >>> rl.equal(rl.tensor([1]), rl.tensor([1]))
    True
    """
    a, b = input._array, other._array
    if a.shape != b.shape:
        return False
    same = a == b
    return bool(same.all() if type(same) is np.ndarray else np.all(same))


@composite("allclose", samples=lambda x: [(x(2, 3), x(2, 3))])
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08,
             equal_nan: bool = False) -> bool:
    """Whether all elements are close: see isclose."""
    return bool(input.isclose(other, rtol, atol, equal_nan).all())  # type: ignore[attr-defined]
