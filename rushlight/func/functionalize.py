"""functionalize: kept for programs that call it; there is nothing to take away."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """A function that computes what `func` does, writes in place included.

    torch rewrites the program without writes, for compilers that cannot follow them; transforms
    and operations here can, so `func` runs as it is.

    remove: "mutations" or "mutations_and_views". Raises RuntimeError for anything else.

    >>> import rushlight as rl
    >>> rl.func.functionalize(lambda x: x.clone().add_(1))(rl.zeros(2))
    tensor([1., 1.])
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}."
            " Valid options are: 'mutations' and 'mutations_and_views'.")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped
