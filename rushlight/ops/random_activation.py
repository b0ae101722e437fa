"""Functions with random elements: rrelu, gumbel_softmax."""

from __future__ import annotations

from rushlight.base import dtypes
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.ops.creation import empty, ones_like, zeros_like
from rushlight.ops.softmax import softmax
from rushlight.tensor import Tensor


@function("rrelu nn.functional.rrelu")
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """x where positive, else a slope times x (Xu et al., 2015).

    The slope is drawn from U(lower, upper) for each such element if ``training``; else it is the
    mean of the two. Returns a new tensor, or ``input`` itself with ``inplace``.

    >>> import rushlight as rl
    >>> rl.nn.functional.rrelu(rl.tensor([-1.0, 2.0]), 0.1, 0.3)
    tensor([-0.2000,  2.0000])
    """
    if lower > upper:
        raise RuntimeError(
            f"Lower bound should be less than or equal to the upper bound, got {lower} and {upper}"
        )
    if input.dtype.category != 2:
        name = "rrelu_with_noise_out_cpu" if training else "leaky_relu_cpu"
        raise NotImplementedError(f"\"{name}\" not implemented for '{title(input.dtype)}'; "
                                  "convert it with .float()")
    if input.is_meta:
        return input if inplace else input.clone()
    negative = input.detach() <= 0
    slopes = ones_like(input).detach()
    if training:
        drawn = empty(int(negative.sum()), dtype=dtypes.float64).uniform_(lower, upper)
        slopes[negative] = drawn.to(input.dtype)
    else:
        slopes[negative] = (lower + upper) / 2
    return input.mul_(slopes) if inplace else input * slopes


@function("rrelu_ nn.functional.rrelu_")
def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Tensor:
    """``rrelu`` in place.

    >>> import rushlight as rl
    >>> rl.nn.functional.rrelu_(rl.tensor([2.0]))
    tensor([2.])
    """
    return rrelu(input, lower, upper, training, True)


@function("nn.functional.gumbel_softmax")
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """softmax((logits + g) / tau), g from the Gumbel distribution: a soft draw of a class.

    Jang et al., 2017; Maddison et al., 2017.

    Args:
        logits: log-probabilities, normalised or not, along ``dim``.
        tau: the temperature; the smaller, the closer to one class.
        hard: return exactly one class (1 there, 0 elsewhere), with the soft draw's gradient.
        eps: accepted as in torch; it has no effect.

    >>> import rushlight as rl
    >>> rl.nn.functional.gumbel_softmax(rl.zeros(2, 3), hard=True).sum(1)
    tensor([1., 1.])
    """
    gumbel = -zeros_like(logits).detach().exponential_().log()
    soft = softmax((logits + gumbel) / tau, dim)
    if not hard:
        return soft
    best = soft.detach().argmax(dim, keepdim=True)
    exact = zeros_like(soft).detach().scatter_(dim, best, 1.0)
    return exact - soft.detach() + soft
