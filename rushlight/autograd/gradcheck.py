"""Checking gradients against finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.finite_differences import (
    difference,
    differentiable,
    directions,
    numerical_jacobian,
)
from rushlight.autograd.gradient import grad
from rushlight.base.errors import describe
from rushlight.base.first_use import Deferred
from rushlight.ops import empty, view_as_real
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.autograd import forward_ad
else:
    forward_ad = Deferred("rushlight.autograd.forward_ad", globals())


class GradcheckError(RuntimeError):
    """A gradient that differs from finite differences."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func` with central differences, element by element.

    Args:
        func: takes `inputs`, returns a tensor or a tuple of tensors.
        inputs: tensors, of which those that require grad (float64 or complex128) are checked.
        eps: step of the differences.
        atol, rtol: tolerances, as of `allclose`.
        raise_exception: False to return False in place of raising.
        nondet_tol: largest difference between two runs of the same backward.
        check_undefined_grad: also check that a zero gradient of the output gives zeros.
        check_grad_dtypes: also check that gradients have their inputs' dtypes.
        fast_mode: compare along one random direction, not every element.
        check_forward_ad: also compare the tangents of forward mode.
        check_backward_ad: False to compare nothing but those.
        check_batched_grad, check_batched_forward_grad, masked: accepted.

    Raises:
        GradcheckError: a difference. ValueError: no input requires grad.

    >>> import rushlight as rl
    >>> x = rl.tensor([1.0, 2.0], dtype=rl.float64, requires_grad=True)
    >>> rl.autograd.gradcheck(lambda x: x * x, (x,))
    True
    """
    try:
        given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        checked = _checked_inputs(given)
        outputs = differentiable(func(*given))
        if not any(x._node is not None for x in outputs):
            _check_constant(func, given, checked, eps)
            return True
        if check_forward_ad:
            _compare_forward(func, given, eps, atol, rtol)
        if not check_backward_ad:
            return True
        compare = _compare_fast if fast_mode else _compare_slow
        compare(func, given, checked, outputs, eps, atol, rtol, nondet_tol)
        if check_grad_dtypes:
            _check_dtypes(checked, outputs)
        if check_undefined_grad:
            _check_zero(checked, outputs)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare second gradients of `func` with central differences of its first.

    Args:
        func, inputs: as of `gradcheck`.
        grad_outputs: gradients of the outputs that the first backward starts with; drawn uniformly
            from [-1, 1) if None.
        gen_non_contig_grad_outputs: make those random ones non-contiguous.
        check_fwd_over_rev: also compare the tangents of the first gradients.
        check_rev_over_rev: False to compare nothing but those.
        eps, atol, rtol, raise_exception, nondet_tol, check_grad_dtypes, fast_mode: as of
            `gradcheck`.

    Raises:
        GradcheckError, ValueError: as of `gradcheck`.

    >>> import rushlight as rl
    >>> x = rl.tensor([1.0, 2.0], dtype=rl.float64, requires_grad=True)
    >>> rl.autograd.gradgradcheck(lambda x: x * x * x, (x,))
    True
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        seeds = [_random_like(x, gen_non_contig_grad_outputs) for x in _required(func(*given))]
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    count = len(seeds)

    def first_gradients(*args: Any) -> tuple[Any, ...]:
        own, seed = args[:-count], args[-count:]
        wanted = [x for x in own if isinstance(x, Tensor) and x._node is not None]
        found = grad(_required(func(*own)), wanted, seed, create_graph=True,
                     allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first_gradients, (*given, *seeds), eps=eps, atol=atol, rtol=rtol,
        raise_exception=raise_exception, nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev, fast_mode=fast_mode, masked=masked,
    )


def _random_like(x: Tensor, loose: bool) -> Tensor:
    """Numbers from [-1, 1), as torch draws them: what a program draws next stays torch's too."""
    shape = tuple(x.shape)
    loose = loose and x.numel() > 1
    size = (*shape[:-1], 2 * shape[-1]) if loose else shape
    drawn = empty(size, dtype=x.dtype)
    (view_as_real(drawn) if x.is_complex() else drawn).uniform_(-1, 1)
    return (drawn[..., 1::2] if loose else drawn).requires_grad_()


def _checked_inputs(inputs: tuple[Any, ...]) -> list[Tensor]:
    checked = [x for x in inputs if isinstance(x, Tensor) and x._node is not None]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the "
            "them have requires_grad=True."
        )
    for i, x in enumerate(inputs):
        if not any(x is y for y in checked):
            continue
        if x._array.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex. ", stacklevel=3)
        if any(n > 1 and s == 0 for n, s in zip(x._array.shape, x._array.strides, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients "
                "correctly. You should call .contiguous on the input before passing it to "
                "gradcheck."
            )
        x.retain_grad()
    return checked


def _required(outputs: Any) -> list[Tensor]:
    """The outputs that have gradients."""
    return [x for x in differentiable(outputs) if x._node is not None]


def _analytical(y: Tensor, x: Tensor) -> np.ndarray:
    """The same Jacobian from one backward for each component of the output."""
    units = (1.0, 1j) if y.is_complex() else (1.0,)
    jacobian = np.zeros((len(units), y.numel(), *x.shape), x._array.dtype)
    if y._node is None:
        return jacobian
    for k, unit in enumerate(units):
        for i in range(y.numel()):
            seed = np.zeros(y.numel(), y._array.dtype)
            seed[i] = unit
            (found,) = grad(y, x, wrap(seed.reshape(tuple(y.shape))), retain_graph=True,
                            allow_unused=True)
            if found is None:
                continue
            if tuple(found.shape) != tuple(x.shape):
                raise GradcheckError(
                    f"Analytical gradient has incorrect size: {describe(found)} for the input "
                    f"{describe(x)}")
            jacobian[k, i] = found._array
    return jacobian


def _compare_slow(
    func: Callable[..., Any], inputs: tuple[Any, ...], checked: list[Tensor],
    outputs: list[Tensor], eps: float, atol: float, rtol: float, nondet_tol: float,
) -> None:
    for i, x in enumerate(checked):
        numerical = numerical_jacobian(func, inputs, x, outputs, eps)
        for o, y in enumerate(outputs):
            analytical, again = _analytical(y, x), _analytical(y, x)
            if not np.allclose(analytical, numerical[o], rtol, atol, equal_nan=True):
                rows = numerical[o].reshape(-1, x.numel()), analytical.reshape(-1, x.numel())
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {i},\n"
                    f"numerical:{rows[0].T}\nanalytical:{rows[1].T}\n"
                )
            if not np.allclose(analytical, again, 0.0, nondet_tol, equal_nan=True):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and "
                    "grad_output multiple times gives different values, although analytical "
                    "gradient matches numerical gradient. The tolerance for nondeterminism was "
                    f"{nondet_tol}."
                )


def _compare_forward(
    func: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float,
) -> None:
    """The tangents of every output along every element of every input."""
    for i, x in enumerate(inputs):
        if not (isinstance(x, Tensor) and x._node is not None):
            continue
        for index, unit in directions(x._array):
            direction = np.zeros(x._array.shape, x._array.dtype)
            direction[index] = unit
            expected = difference(func, inputs, x._array, direction, eps)
            with forward_ad.dual_level():
                dual = forward_ad.make_dual(x, wrap(direction))
                found = [forward_ad.unpack_dual(y).tangent for y in
                         differentiable(func(*inputs[:i], dual, *inputs[i + 1:]))]
            for o, (tangent, numeric) in enumerate(zip(found, expected, strict=True)):
                got = np.zeros_like(numeric) if tangent is None else tangent._array
                if not np.allclose(got, numeric, rtol, atol, equal_nan=True):
                    raise GradcheckError(
                        f"Jacobian computed with forward mode mismatch for output {o} with "
                        f"respect to input {i},\nnumerical:{numeric}\nanalytical:{got}\n"
                        f"along its element {list(index)}")


def _compare_fast(
    func: Callable[..., Any], inputs: tuple[Any, ...], checked: list[Tensor],
    outputs: list[Tensor], eps: float, atol: float, rtol: float, nondet_tol: float,
) -> None:
    """One random direction of each input, one random combination of each output."""
    random = np.random.default_rng(0)

    def unit(like: Tensor) -> np.ndarray:
        shape = tuple(like.shape)
        values = random.standard_normal(shape)
        if like.is_complex():
            values = values + 1j * random.standard_normal(shape)
        length = max(float(np.linalg.norm(values)), 1e-12)
        return np.asarray(values / length).astype(like._array.dtype)

    for i, x in enumerate(checked):
        direction = unit(x)
        numerical = difference(func, inputs, x._array, direction, eps)
        for o, y in enumerate(outputs):
            combination = unit(y)
            found = None
            if y._node is not None:
                (found,) = grad(y, x, wrap(combination), retain_graph=True, allow_unused=True)
            expected = np.vdot(combination, numerical[o]).real
            got = 0.0 if found is None else np.vdot(found._array, direction).real
            if not np.allclose(got, expected, rtol, atol, equal_nan=True):
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {i},\nnumerical:"
                    f"{expected}\nanalytical:{got}\nalong one random direction (fast_mode=True); "
                    "with fast_mode=False every element is compared"
                )


def _check_constant(
    func: Callable[..., Any], inputs: tuple[Any, ...], checked: list[Tensor], eps: float
) -> None:
    """Outputs that require no gradient must not depend on the inputs."""
    outputs = differentiable(func(*inputs))
    for x in checked:
        if any(np.any(np.abs(j) > eps) for j in numerical_jacobian(func, inputs, x, outputs, eps)):
            raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_dtypes(checked: list[Tensor], outputs: list[Tensor]) -> None:
    live = [y for y in outputs if y._node is not None]
    seeds = [wrap(np.ones_like(y._array)) for y in live]
    for x, g in zip(checked, grad(live, checked, seeds, retain_graph=True, allow_unused=True),
                    strict=True):
        if g is not None and g._array.dtype != x._array.dtype:
            raise GradcheckError(
                f"grad is incorrect type: {describe(g)} for the input {describe(x)}")


def _check_zero(checked: list[Tensor], outputs: list[Tensor]) -> None:
    """A gradient is linear in that of the output: zero gives zero."""
    live = [y for y in outputs if y._node is not None]
    seeds = [wrap(np.zeros_like(y._array)) for y in live]
    for x, g in zip(checked, grad(live, checked, seeds, retain_graph=True, allow_unused=True),
                    strict=True):
        if g is None:
            continue
        if np.any(g._array != 0):
            raise GradcheckError("backward not multiplied by grad_output")
        if tuple(g.shape) != tuple(x.shape):
            raise GradcheckError("grad is incorrect size")
