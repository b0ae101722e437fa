"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from rushlight.nn.modules.registry import typename
from rushlight.ops import cat
from rushlight.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all ``parameters``, in order, as one new vector; gradients flow.

    >>> import rushlight as rl
    >>> rl.nn.utils.parameters_to_vector([rl.ones(1, 2), rl.zeros(1)])
    tensor([1., 1., 0.])
    """
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make each of ``parameters`` a view of its part of ``vec``, in order.

    Raises ``TypeError`` if ``vec`` is no tensor.

    >>> import rushlight as rl
    >>> layer = rl.nn.Linear(2, 1)
    >>> rl.nn.utils.vector_to_parameters(rl.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.bias.item()
    3.0
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for each in parameters:
        stop = start + each.numel()
        each.data = vec[start:stop].view_as(each).data
        start = stop
