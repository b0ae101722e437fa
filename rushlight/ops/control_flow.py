"""Branches and loops as functions, for programs written so; plain `if` and `while` do the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.families.composite import function


def _answer(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    if getattr(value, "numel", lambda: 0)() != 1:
        raise RuntimeError(f"{name}: Expect {'pred' if name == 'cond' else 'cond_fn'} to be bool "
                           f"or a tensor of one element, but got {value}")
    return bool(value)


@function("cond", samples=lambda x: [(True, lambda y: y * 2, lambda y: y - 1, (x(3),))])
def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any],
         operands: Any = ()) -> Any:
    """true_fn(*operands) where `pred` holds, else false_fn(*operands).

    pred: a bool, or a tensor of one element. Raises RuntimeError for another one.

    >>> import rushlight as rl
    >>> x = rl.tensor([1., 2.])
    >>> rl.cond(x.sum() > 0, rl.sin, rl.cos, (x,)).equal(x.sin())
    True
    """
    return (true_fn if _answer(pred, "cond") else false_fn)(*operands)


@function("while_loop")
def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any],
               carried_inputs: Any) -> Any:
    """values = body_fn(*values) while cond_fn(*values) holds, from `carried_inputs` on.

    Returns the last values, as a tuple. Raises RuntimeError where cond_fn's answer is neither
    a bool nor a tensor of one element.

    >>> import rushlight as rl
    >>> rl.while_loop(lambda i: i < 5, lambda i: (i + 2,), (rl.tensor(0),))
    (tensor(6),)
    """
    values = tuple(carried_inputs)
    while _answer(cond_fn(*values), "while_loop"):
        found = body_fn(*values)
        values = tuple(found) if isinstance(found, tuple | list) else (found,)
    return values
