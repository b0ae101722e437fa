"""Which arguments a transform differentiates with respect to."""

from __future__ import annotations

from typing import Any

Argnums = int | tuple[int, ...]


def chosen(args: tuple[Any, ...], argnums: Any) -> Any:
    """The arguments named by `argnums`: one, or a tuple.

    Raises RuntimeError for numbers that are out of range, repeated or no ints.
    """
    if isinstance(argnums, tuple):
        if not argnums:
            raise RuntimeError("argnums must be non-empty")
        numbers = [_number(n, len(args)) for n in argnums]
        if len(set(numbers)) != len(numbers):
            raise RuntimeError(f"argnums elements must be unique, got {argnums}")
        return tuple(args[n] for n in numbers)
    if not isinstance(argnums, int):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    return args[_number(argnums, len(args))]


def _number(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def replaced(args: tuple[Any, ...], argnums: Argnums, new: Any) -> tuple[Any, ...]:
    """The arguments with `new` in place of those chosen."""
    result = list(args)
    if isinstance(argnums, tuple):
        for number, value in zip(argnums, new, strict=True):
            result[number] = value
    else:
        result[argnums] = new
    return tuple(result)


def name_of(function: Any) -> str:
    """What messages call a function."""
    if hasattr(function, "__name__"):
        return str(function.__name__)
    inner = getattr(function, "func", None)
    return f"functools.partial({name_of(inner)}, ...)" if inner is not None else repr(function)
