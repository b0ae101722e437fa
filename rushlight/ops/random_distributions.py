"""Draws that distributions are made of: gamma, Dirichlet and binomial numbers.

With equal seeds the numbers are those of torch on a CPU.
"""

# What stands in the classes is no method: the family takes `forward` and `backward` as functions.
# mypy: disable-error-code="misc,no-untyped-def"
# ruff: noqa: N801

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import describe
from rushlight.base.first_use import Deferred
from rushlight.families.generator import engine_of
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.families.random import random_op, record_without_gradient, tensor_argument
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends.host import gamma_draws, implicit_gradient
else:
    gamma_draws = Deferred("rushlight.backends.host.gamma_draws", globals())
    implicit_gradient = Deferred("rushlight.backends.host.implicit_gradient", globals())


@library("_standard_gamma", family="random")
class standard_gamma:
    """Gamma numbers of rate 1, their concentrations the elements of `input`.

    generator: where to draw. The gradient moves a number at a fixed level of its distribution.

    >>> import rushlight as rl
    >>> _ = rl.manual_seed(0); rl.distributions.Gamma(rl.ones(2), 1.0).sample()
    tensor([2.8824, 0.4546])
    """

    def forward(input, generator=None):
        return _draw(gamma_draws.standard_gamma, "_standard_gamma", generator, input)

    def backward(gradient, input, output):
        return gradient * standard_gamma_grad(input, output)


@library("_standard_gamma_grad", family="random")
class standard_gamma_grad:
    """dx/da of x ~ Gamma(a, 1) at a fixed level of the distribution function.

    Figurnov et al., "Implicit Reparameterization Gradients", 2018.
    """

    def forward(input, output):
        return implicit_gradient.gamma(input, output)


@library("_sample_dirichlet", family="random")
class sample_dirichlet:
    """Points of the simplex, their concentrations along the last dimension of `input`."""

    def forward(input, generator=None):
        return _draw(gamma_draws.dirichlet, "_sample_dirichlet", generator, input)

    def backward(gradient, input, output):
        total = input.sum(-1, True).expand_as(input)
        along = gradient - (output * gradient).sum(-1, True)
        return dirichlet_grad(output, input, total) * along


@library("_dirichlet_grad", family="random")
class dirichlet_grad:
    """dx/da / (1 - x) of x ~ Beta(a, total - a) at a fixed level of its distribution function."""

    def forward(x, alpha, total):
        return implicit_gradient.dirichlet(x, alpha, total)


def _draw(draw: Any, name: str, generator: Any, array: Any, *others: Any) -> Any:
    """A new array of `array`'s shape and element type, drawn."""
    if array.dtype.kind not in "fV":
        kind = title(dtypes.FROM_ARRAY[array.dtype])
        raise NotImplementedError(f"\"{name.strip('_')}\" not implemented for '{kind}': "
                                  f"{name} of {describe(array)}")
    engine = engine_of(generator, name)
    if is_meta(array):
        return MetaArray(array.shape, array.dtype)
    drawn = np.empty(array.shape, array.dtype)
    draw(engine, drawn, array, *others)
    return drawn


@random_op("binomial")
def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """Numbers of successes in `count` trials of probability `prob`, elementwise.

    count, prob: floating point tensors of one dtype that broadcast. generator: where to draw.
    Raises RuntimeError where the dtypes differ or a count is negative.

    >>> import rushlight as rl
    >>> rl.binomial(rl.tensor([3., 4.]), rl.ones(2))
    tensor([3., 4.])
    """
    trials = tensor_argument(count, "binomial", "count")._array
    chances = tensor_argument(prob, "binomial", "prob")._array
    if trials.dtype != chances.dtype:
        raise RuntimeError("Found dtype "
                           f"{title(prob.dtype)} but expected {title(count.dtype)}: binomial "
                           f"takes count and prob of one dtype, got {describe(trials)} and "
                           f"{describe(chances)}")
    if not is_meta(trials) and not is_meta(chances):
        trials, chances = np.broadcast_arrays(trials, chances)
    result = wrap(_draw(gamma_draws.binomial, "binomial", generator, trials, chances))
    record_without_gradient(result, "binomial", (count, prob))
    return result
