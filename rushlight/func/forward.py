"""Forward mode as functions of functions: jvp, linearize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.families.wrapped import entered
from rushlight.func.gradient import _with_aux
from rushlight.tensor import Tensor
from rushlight.transforms import batching  # noqa: F401  (its rules)
from rushlight.transforms import forward as rules  # noqa: F401
from rushlight.transforms.dual import joined, parted
from rushlight.transforms.teach import teach
from rushlight.utils.pytree import tree_flatten, tree_map, tree_unflatten

API = "jvp(f, primals, tangents)"


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False,
        has_aux: bool = False) -> Any:
    """`func(*primals)` and its derivative in the direction of `tangents`, in one pass forward.

    Args:
        func: takes and returns tensors, or containers of them.
        primals, tangents: tuples of one structure.
        strict: raise where an output does not depend on the inputs, in place of giving zeros.
        has_aux: `func` returns (outputs, anything else), which comes third.

    Raises RuntimeError where structures or types do not fit.

    >>> import rushlight as rl
    >>> rl.func.jvp(lambda x: x ** 2, (rl.tensor(3.0),), (rl.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{API}: Expected primals to be a tuple. E.g. it should be valid to "
                           "call f(*primals).")
    given, spec = tree_flatten(primals)
    along, own = tree_flatten(tangents)
    if own != spec:
        raise RuntimeError(
            f"{API}: Expected primals and tangents to have the same python structure. Got primals "
            f"with structure {spec} and tangents with structure {own}")
    _check_tensors(given, "primals")
    _check_tensors(along, "tangents")
    teach()
    with entered() as level:
        duals = [_dual(x, t, level.number) for x, t in zip(given, along, strict=True)]
        output, aux = _with_aux(API, func(*tree_unflatten(duals, spec)), has_aux)
        leaves, out_spec = tree_flatten(output)
        values, found = [], []
        for y in leaves:
            if not isinstance(y, Tensor):
                raise RuntimeError(f"{API}: expected f(*args) to return only tensors, got "
                                   f"unsupported type {type(y)}")
            primal, tangent = parted(y, level.number)
            if tangent is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent "
                        "of the inputs. This is not allowed with strict=True.")
                tangent = ops.zeros_like(primal)
            values.append(primal)
            found.append(tangent)
        aux = tree_map(lambda x: parted(x, level.number)[0], aux)
    result = tree_unflatten(values, out_spec), tree_unflatten(found, out_spec)
    return (*result, aux) if has_aux else result


def _check_tensors(values: list[Any], name: str) -> None:
    if not values:
        raise RuntimeError(f"{API}: Expected {name} to contain at least one Tensor.")
    for x in values:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{API}: Expected {name} to only contain Tensors, got {type(x)}")


def _dual(primal: Tensor, tangent: Tensor, level: int) -> Tensor:
    if primal.shape != tangent.shape:
        raise RuntimeError(
            f"{API}: Expected the tangent to have the primal's shape {list(primal.shape)}, got "
            f"{list(tangent.shape)}")
    return joined(primal, tangent, level)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """`func(*primals)`, and the linear function from tangents to the derivative along them.

    The linear function takes as many tangents as there are primals, of their shapes and dtypes;
    it runs `func` in forward mode.

    Raises RuntimeError for tangents that do not fit.

    >>> import rushlight as rl
    >>> value, push = rl.func.linearize(rl.sin, rl.tensor(0.0))
    >>> push(rl.tensor(2.0))
    tensor(2.)
    """
    given, spec = tree_flatten(primals)
    value = func(*primals)

    def push(*tangents: Any) -> Any:
        along, own = tree_flatten(tangents)
        if own != spec:
            raise RuntimeError(f"Expected the tangents {own} to have the same pytree structure as "
                               f"the primals {spec}")
        for i, (x, t) in enumerate(zip(given, along, strict=True)):
            if x.shape != t.shape:
                raise RuntimeError(f"tangent:{i} with shape {list(t.shape)} in flattened pytree "
                                   f"doesn't match the shape {list(x.shape)} of the corresponding "
                                   "primal.")
            if x.dtype != t.dtype:
                raise RuntimeError(f"tangent:{i} with dtype {t.dtype} in flattened pytree doesn't "
                                   f"match the dtype {x.dtype} of the corresponding primal.")
        return jvp(func, primals, tangents)[1]

    return value, push
