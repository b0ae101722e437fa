"""`backward` and `grad` of several tensors at once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rushlight import ops
from rushlight.autograd.gradient_edge import GradientEdge, edge_for
from rushlight.base.errors import describe
from rushlight.engine.node import LEAF, edge_of
from rushlight.engine.run import backward as run_backward
from rushlight.families.override import ask
from rushlight.families.wrapped import is_wrapped, levels
from rushlight.tensor import Tensor
from rushlight.tensor._tensor import edge_of_root, root_gradient


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, (Tensor, GradientEdge)) else list(value)


def _root(place: Any, gradient: Any) -> tuple[Any, Any]:
    if not isinstance(place, GradientEdge):
        return edge_of_root(place), root_gradient(place, gradient)
    if gradient is None:
        raise RuntimeError("grad can be implicitly created only for tensors: give the gradient of "
                           "the GradientEdge")
    return edge_for(place), gradient


def _roots(outputs: Any, gradients: Any) -> list[tuple[Any, Tensor]]:
    tensors = _listed(outputs)
    given = [None] * len(tensors) if gradients is None else _listed(gradients)
    if len(given) != len(tensors):
        raise RuntimeError(
            f"got {len(tensors)} tensors and {len(given)} gradients: there is one for each")
    return [
        _root(tensor, gradient)
        for tensor, gradient in zip(tensors, given, strict=True)
        if not (gradient is None and len(tensors) > 1 and not isinstance(tensor, GradientEdge)
                and tensor._node is None)
    ]


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the sum of the gradients of `tensors` to the `.grad` of every leaf below them.

    Args:
        tensors: where to start.
        grad_tensors: the gradient of each, None for 1 where it has one element.
        retain_graph: keep what the graph saved for another run; as `create_graph` by default.
        create_graph: record the gradients, for higher orders.
        inputs: accumulate into these tensors only.

    Raises:
        RuntimeError: nothing requires a gradient, or a gradient has the wrong shape.
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.",
                      FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` (deprecated) arguments both "
                               "passed to `backward()`. Please only use `grad_tensors`.")
        grad_tensors = grad_variables
    keep = create_graph if retain_graph is None else retain_graph
    roots = _roots(tensors, grad_tensors)
    if inputs is None:
        run_backward(roots, create_graph, keep)
        return
    wanted = _listed(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if any(isinstance(x, Tensor) and x._node is None for x in wanted):
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False: an input of "
                           "backward() needs no gradient")
    found = run_backward(roots, create_graph, keep, [edge_for(x) for x in wanted])
    for x in wanted:
        if isinstance(x, Tensor) and x._node is not LEAF and found(edge_of(x)) is not None:
            x._accumulate(found(edge_of(x)), create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`; `.grad` is left alone.

    Args:
        outputs, inputs: tensors of one graph, or edges of it (`graph.GradientEdge`).
        grad_outputs: the gradient of each output, None for 1 where it has one element.
        retain_graph: keep what the graph saved for another run; as `create_graph` by default.
        create_graph: record the gradients, for higher orders.
        allow_unused: give None for inputs that the outputs do not depend on.
        is_grads_batched: `grad_outputs` has a leading dimension of several runs.
        materialize_grads: give zeros in place of None.

    Raises:
        RuntimeError: an input requires no gradient, or is unused.

    >>> import rushlight as rl
    >>> x = rl.tensor(3.0, requires_grad=True)
    >>> rl.autograd.grad(x * x, x)
    (tensor(6.),)
    """
    if not only_inputs:
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True). "
                      "To accumulate gradient for other parts of the graph, please use "
                      "torch.autograd.backward.", FutureWarning, stacklevel=2)
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    wanted = _listed(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if any(getattr(x, "is_nested", False) for x in (*_listed(outputs), *wanted)):
        found = ask(grad, (outputs, wanted, grad_outputs), {
            "retain_graph": retain_graph, "create_graph": create_graph,
            "allow_unused": allow_unused, "materialize_grads": materialize_grads})
        return tuple(found)
    for x in wanted:
        if isinstance(x, Tensor) and x._node is None:
            raise RuntimeError(
                "One of the differentiated Tensors does not require grad: it is "
                f"{describe(x)}; call requires_grad_() on it before it is used"
            )
    if is_grads_batched:
        return _transformed().batched(outputs, wanted, _listed(grad_outputs), create_graph,
                                      allow_unused)
    keep = create_graph if retain_graph is None else retain_graph
    seeds = [] if grad_outputs is None else _listed(grad_outputs)
    if levels.stack and is_wrapped([*_listed(outputs), *wanted, *seeds]):
        results = _transformed().gradients(_listed(outputs), wanted, seeds, create_graph)
    else:
        edges = [edge_for(x) for x in wanted]
        found = run_backward(_roots(outputs, grad_outputs), create_graph, keep, edges,
                             accumulate=False)
        results = [found(edge) for edge in edges]
    for i, (x, result) in enumerate(zip(wanted, results, strict=True)):
        if result is None:
            if materialize_grads:
                results[i] = ops.zeros_like(x, requires_grad=False)
            elif not allow_unused:
                raise RuntimeError(
                    f"The differentiated Tensor at index {i} appears to not have been used in the "
                    "graph. Set allow_unused=True if this is the desired behavior. (It is "
                    f"{describe(x)})"
                )
    return tuple(results)


def _transformed() -> Any:
    """What few programs need, and therefore import late."""
    return import_module("rushlight.autograd.transformed")
