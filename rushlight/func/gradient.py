"""Reverse mode as functions of functions: grad, grad_and_value, vjp."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.base.flags import flags
from rushlight.engine.node import next_sequence
from rushlight.families.wrapped import entered
from rushlight.func.arguments import Argnums, chosen, replaced
from rushlight.tensor import Tensor
from rushlight.transforms import batching  # noqa: F401  (its rules)
from rushlight.transforms.reverse import fresh, pulled, reaches_outside, recorded, settled
from rushlight.transforms.teach import teach
from rushlight.utils.pytree import tree_flatten, tree_map, tree_unflatten


def _differentiable(x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
    return fresh(x)


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False,
         ) -> Callable[..., Any]:
    """A function that gives the gradient of `func`, which returns one number.

    Args:
        func: takes tensors, or containers of them, and returns a 0-d tensor.
        argnums: the argument, or the tuple of arguments, to differentiate with respect to.
        has_aux: `func` returns (number, anything else); the result is (gradient, anything else).

    The gradients have the structure of the arguments. Nests to any depth, and with `vmap`.

    Raises RuntimeError where `func` returns something else, or `argnums` does not fit.

    >>> import rushlight as rl
    >>> rl.func.grad(lambda x: x ** 3)(rl.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False,
                   ) -> Callable[..., Any]:
    """A function that gives the gradient of `func` and its value, as a pair.

    Args:
        func, argnums: as of `grad`.
        has_aux: the second of the pair is (number, anything else).

    >>> import rushlight as rl
    >>> rl.func.grad_and_value(lambda x: x ** 2)(rl.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        recording, since = flags.grad_enabled, next_sequence()
        teach()
        with recorded(), entered():
            given = tree_map(_differentiable, chosen(args, argnums))
            output = func(*replaced(args, argnums, given), **kwargs)
            output, aux = _with_aux("grad_and_value(f)(*args)", output, has_aux)
            if not isinstance(output, Tensor):
                raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a "
                                   f"Tensor, got {type(output)}")
            if output.dim():
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got "
                    f"tensor with {output.dim()} dims. Take its sum(), or use vjp or jacrev")
            leaves, spec = tree_flatten(given)
            create = recording and reaches_outside([output], since)
            found = pulled([output], leaves, [ops.ones_like(output).detach()], create)
        gradients = tree_unflatten(_whole(found, leaves, since, recording), spec)
        [output] = settled([output], since, recording)
        return gradients, (output, _settled_tree(aux, since, recording)) if has_aux else output

    return gradient_and_value


def _with_aux(api: str, output: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if "
                           "has_aux is True")
    return output


def _whole(found: list[Any], inputs: list[Tensor], since: int, recording: bool) -> list[Tensor]:
    """The gradients, zeros where there were none."""
    return settled([ops.zeros_like(x).detach() if g is None else g
                    for g, x in zip(found, inputs, strict=True)], since, recording)


def _settled_tree(tree: Any, since: int, recording: bool) -> Any:
    leaves, spec = tree_flatten(tree)
    return tree_unflatten(settled(leaves, since, recording), spec)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """`func(*primals)`, and the function from cotangents of its result to those of `primals`.

    Args:
        func: takes and returns tensors, or containers of them.
        primals: where to take the derivative.
        has_aux: `func` returns (outputs, anything else), which comes third.

    The function takes cotangents of the structure of the outputs, and returns a tuple with one
    entry for each primal (the entry itself if there is one). It may be called many times, and
    inside `vmap`.

    >>> import rushlight as rl
    >>> value, pull = rl.func.vjp(lambda x: x ** 2, rl.tensor([1.0, 2.0]))
    >>> pull(rl.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    return vjp_of(func, primals, tuple(range(len(primals))), has_aux)


def vjp_of(func: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums,
           has_aux: bool) -> Any:
    """`vjp` with respect to some of the arguments."""
    recording, since = flags.grad_enabled, next_sequence()
    teach()
    with recorded(), entered():
        given = tree_map(_differentiable, chosen(args, argnums))
        output, aux = _with_aux("vjp(f, *primals)", func(*replaced(args, argnums, given)), has_aux)
    outputs, out_spec = tree_flatten(output)
    check_outputs("vjp(f, *primals)", outputs)
    for y in outputs:
        if not (y.is_floating_point() or y.is_complex()):
            raise RuntimeError("vjp(f, ...): All outputs of f must be floating-point or complex "
                               f"Tensors, got Tensor with dtype {y.dtype}")
    leaves, spec = tree_flatten(given)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        seeds, own = tree_flatten(cotangents)
        if own != out_spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {own}, primal output: {out_spec}")
        create = flags.grad_enabled if create_graph is None else create_graph
        found = pulled(outputs, leaves, seeds, create and (
            recording and reaches_outside([*outputs, *seeds], since)))
        return tree_unflatten(_whole(found, leaves, since, create), spec)

    values = tree_unflatten(settled(outputs, since, recording), out_spec)
    return (values, pull, _settled_tree(aux, since, recording)) if has_aux else (values, pull)


def check_outputs(api: str, outputs: list[Any]) -> None:
    """Refuse a function that does not return tensors. Raises RuntimeError."""
    if not outputs or (len(outputs) == 1 and outputs[0] is None):
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got "
                           f"output = {outputs})")
    for y in outputs:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got "
                               f"unsupported type {type(y)}")
