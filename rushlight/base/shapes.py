"""Shapes: Size, broadcasting, dimension numbers, strides."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

from rushlight.base.errors import type_name


class Size(tuple[Any, ...]):
    """The shape of a tensor: a tuple of ints that also counts its elements.

    >>> import rushlight as rl
    >>> rl.ones(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements: the product of the sizes."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    __str__ = __repr__

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, other: SupportsIndex) -> Size:
        return Size(tuple.__mul__(self, other))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[Any, ...]:
        return _size, (tuple(self),)


def _size(sizes: tuple[int, ...]) -> Size:
    """What a pickled Size becomes: the class is torch.Size where torch is Rushlight."""
    return Size(sizes)


def broadcast_shapes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape that all `shapes` broadcast to.

    Raises RuntimeError that names the dimension where two sizes differ and neither is 1.
    """
    result: list[int] = [1] * max((len(s) for s in shapes), default=0)
    for shape in shapes:
        offset = len(result) - len(shape)
        for i in reversed(range(len(shape))):  # torch names the last dimension that misfits
            n, at = shape[i], offset + i
            if n == 1 or n == result[at]:
                continue
            if result[at] != 1:
                raise RuntimeError(
                    f"The size of tensor a ({result[at]}) must match the size of tensor b ({n}) "
                    f"at non-singleton dimension {at}"
                )
            result[at] = n
    return tuple(result)


def required(name: str, dim: Any, axis: Any) -> Any:
    """`dim`, or NumPy's name for it; raises TypeError where neither is given."""
    if dim is None:
        dim = axis
    if dim is None:
        raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
    return dim


def normalize_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front; a 0-d tensor is taken to have one dimension.

    Raises IndexError outside [-ndim, ndim - 1].
    """
    n = ndim or 1
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim}): "
            f"there {'is 1 dimension' if n == 1 else f'are {n} dimensions'}, numbered from 0 (from "
            "the end, from -1)"
        )
    return dim + n if dim < 0 else dim


def normalize_dims(dims: Any, ndim: int) -> tuple[int, ...]:
    """`dims` (an int, a sequence, or None for all) counted from the front, each once.

    Raises IndexError out of range, RuntimeError for a dimension named twice.
    """
    if dims is None:
        return tuple(range(ndim))
    if not isinstance(dims, (tuple, list)):
        dims = (dims,)
    result = tuple(normalize_dim(operator.index(d), ndim) for d in dims)
    if len(set(result)) != len(result):
        twice = next(d for d in result if result.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return result


def size_argument(args: Sequence[Any], name: str = "") -> tuple[int, ...]:
    """Sizes given to the function `name` as `f(2, 3)`, `f((2, 3))` or `f([2, 3])`."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    try:
        return tuple(map(operator.index, args))
    except TypeError:
        wrong = next((x for x in args if not hasattr(x, "__index__")), None)
        if not name or wrong is None:
            raise
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not "
                        f"{type_name(wrong)}: sizes are whole numbers, but got {wrong!r}") from None


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides in elements of a dense row-major tensor, as torch counts them."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def infer_size(shape: Sequence[int], numel: int) -> tuple[int, ...]:
    """`shape` with one -1 replaced so that it has `numel` elements.

    Raises RuntimeError where that is impossible.
    """
    shape = tuple(shape)
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1:
        raise RuntimeError(f"only one dimension can be inferred: {list(shape)} has "
                           f"{shape.count(-1)} sizes of -1 for {numel} elements")
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {min(shape)}")
    if -1 in shape:
        if known == 0:
            raise RuntimeError(f"cannot reshape tensor of {numel} elements into shape "
                               f"{list(shape)} because the unspecified dimension size -1 can be "
                               f"any value and is ambiguous")
        if numel % known == 0:
            return tuple(numel // known if n == -1 else n for n in shape)
    elif known == numel:
        return shape
    given = (f"{numel} elements cannot be cut into rows of {known}" if -1 in shape
             else f"it would hold {known} elements")
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}: {given}")
