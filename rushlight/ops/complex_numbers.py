"""Complex numbers from their parts: complex, polar; and which elements are real."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.families.broadcast import mismatch
from rushlight.families.composite import composite, function
from rushlight.families.inplace import title, write_out
from rushlight.families.library import library
from rushlight.families.node_names import called
from rushlight.ops.joining import broadcast_tensors
from rushlight.tensor import Tensor

PARTS = (dtypes.float16, dtypes.float32, dtypes.float64)


def _combined(name: str, first: Any, second: Any, words: tuple[str, str], out: Any) -> None:
    """Check the parts of complex numbers, and where these go."""
    for value, word in zip((first, second), words, strict=True):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}(): argument '{word}' (position {words.index(word) + 1}) must "
                            f"be Tensor, not {type(value).__name__}")
    given = operands(**dict(zip(words, (first, second), strict=True)))
    if first.dtype not in PARTS or second.dtype not in PARTS:
        raise RuntimeError("Expected both inputs to be Half, Float or Double tensors but got "
                           f"{title(first.dtype)} and {title(second.dtype)}: {name}({given})")
    if first.dtype is not second.dtype:
        raise RuntimeError(f"Expected object of scalar type {title(first.dtype)} but got scalar "
                           f"type {title(second.dtype)} for second argument: {name}({given})")
    if out is not None and out.dtype is not first.dtype.to_complex():
        raise RuntimeError(f"Expected object of scalar type {title(first.dtype.to_complex())} but "
                           f"got scalar type {title(out.dtype)} for argument 'out': "
                           f"{name}({given})")


def _put(result: Tensor, out: Any, name: str) -> Tensor:
    if out is None:
        return result
    return write_out(out, result._array, name, recorded=result._node is not None)


@library("_complex")
class _complex:
    """Complex numbers of these parts, which have one shape."""

    def forward(real, imag):
        kind: Any = dtypes.from_array(real.dtype).to_complex()
        if is_meta(real) or is_meta(imag):
            return MetaArray(real.shape, kind.array)
        whole = np.empty_like(real, kind.array)  # not a sum: infinity times i has no real part
        whole.real, whole.imag = real, imag
        return whole

    def backward(gradient):
        return gradient.real, gradient.imag


@function("complex", samples=lambda x: [(x(2, 3), x(2, 3)), (x(3), x(2, 1))])
@called("Complex")
def complex_(real: Tensor, imag: Tensor, *, out: Any = None) -> Tensor:
    """real + i * imag, of two floating point tensors of one dtype.

    >>> import rushlight as rl
    >>> rl.complex(rl.tensor([1.]), rl.tensor([2.]))
    tensor([1.+2.j])
    """
    _combined("complex", real, imag, ("real", "imag"), out)
    try:
        real, imag = broadcast_tensors(real, imag)
    except ValueError:
        raise mismatch("complex", real=real, imag=imag) from None
    return _put(_complex(real, imag), out, "complex")


@function("polar", samples=lambda x: [(x(2, 3), x(2, 3)), (x(3), x(2, 1))])
@called("Polar")
def polar(abs: Tensor, angle: Tensor, *, out: Any = None) -> Tensor:
    """abs * (cos(angle) + i sin(angle)), of two floating point tensors of one dtype.

    >>> import rushlight as rl
    >>> rl.polar(rl.tensor([2.]), rl.tensor([0.]))
    tensor([2.+0.j])
    """
    _combined("polar", abs, angle, ("abs", "angle"), out)
    whole: Any = complex_(abs * angle.cos(), abs * angle.sin())
    return _put(whole, out, "polar")


@composite("isreal", samples=lambda x: [(x(2, 3),), (x(2, 3).to(dtypes.complex128),)])
def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part of an element is 0.

    >>> import rushlight as rl
    >>> rl.isreal(rl.tensor([1 + 0j, 1j]))
    tensor([ True, False])
    """
    if input.dtype.is_complex:
        return input.imag == 0
    return input.new_ones(input.shape, dtype=dtypes.bool_)


@composite("Tensor.chalf")
def chalf(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Refused: there are no complex numbers of 16-bit floats. Use `cfloat()`.

    Raises NotImplementedError.
    """
    raise NotImplementedError("complex32 (chalf) tensors are not supported: the narrowest complex "
                              "type is complex64; use .cfloat() or .to(torch.complex64)")
