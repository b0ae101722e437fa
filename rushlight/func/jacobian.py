"""Jacobians and Hessians of functions of tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight.base.flags import flags
from rushlight.engine.node import next_sequence
from rushlight.families.wrapped import entered
from rushlight.func.arguments import Argnums, chosen, replaced
from rushlight.func.gradient import _differentiable, _settled_tree, _with_aux, check_outputs
from rushlight.tensor import Tensor
from rushlight.transforms.batched import Batched
from rushlight.transforms.dual import Dual
from rushlight.transforms.jacobians import columns, rows
from rushlight.transforms.reverse import reaches_outside, recorded, settled
from rushlight.transforms.teach import teach
from rushlight.utils.pytree import tree_flatten, tree_map, tree_unflatten


def _refuse_complex(api: str, tree: Any, what: str) -> None:
    for x in tree_flatten(tree)[0]:
        if isinstance(x, Tensor) and x.is_complex():
            raise RuntimeError(f"{api}: Expected all {what} to be real but received complex "
                               f"tensor at flattened input idx: 0. Take view_as_real() of it")


def jacrev(func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False,
           chunk_size: int | None = None, _preallocate_and_copy: bool = False,
           ) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func` by reverse mode: good for few outputs.

    Args:
        func: takes tensors, or containers of them, and returns some.
        argnums: the argument, or the tuple of arguments, to differentiate with respect to.
        has_aux: `func` returns (outputs, anything else); so does the result.
        chunk_size: at most so many rows at once, to bound memory; all if None.

    Returns blocks of shape (output's shape, input's shape) in the structure of the outputs, each
    in the structure of the arguments chosen. Raises ValueError for a `chunk_size` below 1.

    >>> import rushlight as rl
    >>> rl.func.jacrev(lambda x: x ** 2)(rl.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        _refuse_complex("jacrev", args, "inputs")
        recording, since = flags.grad_enabled, next_sequence()
        teach()
        with recorded(), entered():
            given = tree_map(_differentiable, chosen(args, argnums))
            output = func(*replaced(args, argnums, given), **kwargs)
            output, aux = _with_aux("vjp(f, *primals)", output, has_aux)
        outputs, out_spec = tree_flatten(output)
        check_outputs("vjp(f, *primals)", outputs)
        _refuse_complex("jacrev", outputs, "outputs")
        leaves, spec = tree_flatten(given)
        create = recording and reaches_outside(outputs, since)
        blocks = [tree_unflatten(settled(row, since, recording), spec)
                  for row in rows(outputs, leaves, create, chunk_size)]
        result = tree_unflatten(blocks, out_spec)
        return (result, _settled_tree(aux, since, recording)) if has_aux else result

    return jacobian


def jacfwd(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *,
           randomness: str = "error") -> Callable[..., Any]:
    """A function that gives the Jacobian of `func` by forward mode: good for few inputs.

    Args:
        func, argnums, has_aux: as of `jacrev`.
        randomness: what random operations do, as of `vmap`.

    >>> import rushlight as rl
    >>> rl.func.jacfwd(lambda x: x.sum() * x)(rl.tensor([1.0, 3.0]))
    tensor([[5., 1.],
            [3., 7.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        _refuse_complex("jacfwd", args, "inputs")
        leaves, spec = tree_flatten(chosen(args, argnums))
        for x in leaves:
            if not isinstance(x, Tensor):
                raise RuntimeError("jvp(f, primals, tangents): Expected primals to only contain "
                                   f"Tensors, got {type(x)}")
        seen: dict[str, Any] = {}

        def flat(*inputs: Tensor) -> list[Any]:
            given = replaced(args, argnums, tree_unflatten(list(inputs), spec))
            output, aux = _with_aux("jvp(f, primals, tangents)", func(*given, **kwargs), has_aux)
            outputs, seen["spec"] = tree_flatten(output)
            seen["aux"] = aux
            check_outputs("jvp(f, primals, tangents)", outputs)
            _refuse_complex("jacfwd", outputs, "outputs")
            return outputs

        _, blocks = columns(flat, leaves, randomness)
        result = tree_unflatten([tree_unflatten(row, spec) for row in blocks], seen["spec"])
        return (result, tree_map(_outermost, seen["aux"])) if has_aux else result

    return jacobian


def _outermost(x: Any) -> Any:
    """An auxiliary value as it is outside: one of the equal lanes, without tangent."""
    while isinstance(x, Dual | Batched):
        x = x.primal if isinstance(x, Dual) else x.value[0]
    return x


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the Hessian of `func`: forward mode over reverse mode.

    Blocks have shape (output's shape, input's shape, input's shape); structures are those of
    `jacfwd` of `jacrev`.

    >>> import rushlight as rl
    >>> rl.func.hessian(lambda x: (x ** 3).sum())(rl.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)

