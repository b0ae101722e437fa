"""Copies instead of views: `transpose_copy(x, 0, 1)` is `transpose(x, 0, 1)` in memory of its own.

All of them are derived from their views, and so are their gradients and samples.
"""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.families.composite import function
from rushlight.families.declaration import FUNCTIONS, PATHS
from rushlight.ops import indexing, properties, splitting, transposition, viewing  # noqa: F401
from rushlight.tensor import Tensor

COPIED = ("as_strided detach diagonal Tensor.expand permute select split split_with_sizes squeeze "
          "t transpose unbind Tensor.unfold unsqueeze Tensor.view view_as_complex view_as_real")


@function("alias_copy", out=True, samples=lambda x: [(x(2, 3),)])
def alias_copy(input: Tensor) -> Tensor:
    """A copy of the tensor, as `clone` makes it."""
    return input.clone()


@function("slice_copy", out=True, samples=lambda x: [(x(5, 2), 0, 1, 4, 2)])
def slice_copy(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None,
               step: int = 1) -> Tensor:
    """A copy of the slices from start to end of dimension `dim`, `step` apart.

    >>> import rushlight as rl
    >>> rl.slice_copy(rl.arange(5), 0, 1, None, 2)
    tensor([1, 3])
    """
    places = (slice(None),) * (dim % max(input.ndim, 1))
    return input[(*places, slice(start, end, step))].clone()


def _clone(views: Any) -> Any:
    return views.clone() if isinstance(views, Tensor) else tuple([view.clone() for view in views])


def _declare(path: str) -> None:
    """The op that copies what the view at `path` looks at."""
    view, declaration = FUNCTIONS[path], PATHS[path]
    name = path.rpartition(".")[2]

    def copy(*args: Any, **options: Any) -> Any:
        return _clone(view(*args, **options))

    copy.__name__ = copy.__qualname__ = f"{name}_copy"
    copy.__doc__ = f"What `{name}` gives, in memory of its own."
    copy.__signature__ = inspect.signature(declaration.body)  # type: ignore[attr-defined]
    globals()[f"{name}_copy"] = function(
        f"{name}_copy", out=True, samples=declaration.samples)(copy)


for _path in COPIED.split():
    _declare(_path)
