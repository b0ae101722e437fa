"""vmap: a function of one example made one of many, without a loop."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight import ops
from rushlight.families.wrapped import entered
from rushlight.func.arguments import name_of
from rushlight.tensor import Tensor
from rushlight.transforms import batching  # noqa: F401  (its rules)
from rushlight.transforms.batched import Batched, lowered, raised
from rushlight.transforms.teach import teach
from rushlight.utils.pytree import TreeSpec, tree_flatten, tree_unflatten


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0,
         randomness: str = "error", *, chunk_size: int | None = None) -> Callable[..., Any]:
    """A function that runs `func` on every slice of its arguments at once, and stacks the results.

    Args:
        func: takes and returns tensors, or containers of them; works on one example.
        in_dims: along which dimension each argument is sliced, None for one that is the same for
            all; an int for all, or a tuple in the structure of the arguments. Keyword arguments
            are handed on as they are.
        out_dims: where the results are stacked, in their structure.
        randomness: what random operations do inside: raise ("error"), draw once for all
            ("same"), or for each ("different").
        chunk_size: at most so many examples at once, to bound memory.

    The operations of `func` see all examples: products become batched ones, views stay views.
    Writes to what is not sliced, and choices that depend on values, are errors.

    Raises ValueError where `in_dims` or `out_dims` do not fit; RuntimeError inside.

    >>> import rushlight as rl
    >>> rl.vmap(rl.dot)(rl.ones(3, 4), rl.arange(12.0).reshape(3, 4))
    tensor([ 6., 22., 38.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError("Only allowed values for randomness are 'error', 'different', or "
                           f"'same'. Got {randomness}")
    if chunk_size is not None and not (chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(out_dims, func)
        leaves, spec = tree_flatten(args)
        dims = _in_dims(func, in_dims, args, leaves, spec)
        size = _batch_size(leaves, dims)
        moved = [x if d is None else x.movedim(d, 0) for x, d in zip(leaves, dims, strict=True)]
        sliced = [d is not None for d in dims]
        teach()
        step, chunks = size if chunk_size is None else chunk_size, []
        for start in range(0, size, max(step, 1)):
            part = moved if step >= size else [
                x[start:start + step] if own else x for x, own in zip(moved, sliced, strict=True)]
            count = min(step, size - start)
            with entered(count, randomness) as level:
                inside = [raised(x, level.number) if own else x
                          for x, own in zip(part, sliced, strict=True)]
                output = func(*tree_unflatten(inside, spec), **kwargs)
                outputs, out_spec = tree_flatten(output)
                places = _out_dims(func, out_dims, output, out_spec)
                chunks.append([_taken(y, p, level.number, count, func)
                               for y, p in zip(outputs, places, strict=True)])
        whole = [column[0] if p is None else _placed(column, p)
                 for column, p in zip(zip(*chunks, strict=True), places, strict=True)]
        return tree_unflatten(whole, out_spec)

    return batched


def _in_dims(func: Any, in_dims: Any, args: tuple[Any, ...], leaves: list[Any],
             spec: TreeSpec) -> list[Any]:
    """A dimension, or None, for each leaf."""
    start = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, int | tuple):
        raise ValueError(f"{start}expected `in_dims` to be int or a (potentially nested) tuple "
                         f"matching the structure of inputs, got: {type(in_dims)}.")
    if not args:
        raise ValueError(f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to "
                         "add inputs, or you are trying to vmap over a function with no inputs. "
                         "The latter is unsupported.")
    dims = spread(in_dims, args)
    if dims is None:
        raise ValueError(f"{start}in_dims is not compatible with the structure of `inputs`. "
                         f"in_dims has structure {tree_flatten(in_dims)[1]} but inputs has "
                         f"structure {spec}.")
    for x, dim in zip(leaves, dims, strict=True):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(f"{start}Got in_dim={dim} for an input but in_dim must be either an "
                             "integer dimension or None.")
        if not isinstance(x, Tensor):
            raise ValueError(f"{start}Got in_dim={dim} for an input but the input is of type "
                             f"{type(x)}. We cannot vmap over non-Tensor arguments, please use "
                             "None as the respective in_dim")
        if not -x.dim() <= dim < x.dim():
            raise ValueError(f"{start}Got in_dim={dim} for some input, but that input is a Tensor "
                             f"of dimensionality {x.dim()} so expected in_dim to satisfy "
                             f"-{x.dim()} <= in_dim < {x.dim()}.")
    return dims


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """What `prefix`, a tree or the upper part of one, says of each leaf of `tree`."""
    leaves, spec = tree_flatten(tree)
    own = tree_flatten(prefix, is_leaf=lambda x: x is None)[1]
    if own.is_leaf():
        return [prefix] * len(leaves)
    if spec.is_leaf() or type(prefix) is not type(tree) or len(prefix) != len(tree):
        return None
    if isinstance(prefix, dict):
        if set(prefix) != set(tree):
            return None
        pairs = [(prefix[key], tree[key]) for key in tree]
    else:
        pairs = list(zip(prefix, tree, strict=True))
    found: list[Any] = []
    for upper, part in pairs:
        dims = spread(upper, part)
        if dims is None:
            return None
        found += dims
    return found


def _batch_size(leaves: list[Any], dims: list[Any]) -> int:
    sizes = [x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError("vmap: Expected all tensors to have the same size in the mapped "
                         f"dimension, got sizes {sizes} for the mapped dimension")
    return int(sizes[0])


def _check_out_dims(out_dims: Any, func: Any) -> None:
    for dim in tree_flatten(out_dims)[0]:
        if dim is not None and not isinstance(dim, int):
            raise ValueError(
                f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, "
                "None or a python collection of ints representing where in the outputs the "
                "vmapped dimension should appear.")


def _out_dims(func: Any, out_dims: Any, output: Any, spec: TreeSpec) -> list[Any]:
    if isinstance(output, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        return list(out_dims)
    places = spread(out_dims, output)
    if places is None:
        raise ValueError(
            f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not "
            f"compatible with the structure of `outputs`. out_dims has structure "
            f"{tree_flatten(out_dims)[1]} but outputs has structure {spec}.")
    return places


def _taken(y: Any, place: int | None, level: int, size: int, func: Any) -> Any:
    """One output outside of vmap: the lanes in front, or as it is where `place` is None."""
    name = name_of(func)
    if place is None:
        if _has_lanes(y, level):
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when "
                             "out_dim is None")
        return y
    if not isinstance(y, Tensor):
        raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type "
                         f"{type(y)}. Did you mean to set out_dims= to None for output?")
    return lowered(y, level, size)


def _has_lanes(y: Any, level: int) -> bool:
    return isinstance(y, Batched) and y.level == level


def _placed(chunks: tuple[Tensor, ...], place: int) -> Tensor:
    whole = chunks[0] if len(chunks) == 1 else ops.cat(list(chunks))
    if not -whole.dim() <= place < whole.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [{-whole.dim()}, "
                         f"{whole.dim() - 1}], but got {place})")
    return whole.movedim(0, place) if place else whole

