"""Transforms of the parts of a tensor: one after the other, or in slices, along a dimension."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import _sum_rightmost, lazy_property
from rushlight.distributions.transform import Transform
from rushlight.ops import cat, stack
from rushlight.tensor import Tensor


class _Joined(Transform):
    """Transforms each of its own part; a subclass says how a tensor falls into parts."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError

    def _check_dim(self, x: Tensor) -> None:
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for tensor with {x.dim()} "
                                 "dimensions")

    def _each(self, function: Callable[..., Any], *tensors: Tensor) -> list[Any]:
        """function(transform, *parts) of each transform and its parts of the tensors."""
        for x in tensors:
            self._check_dim(x)
        return [function(*row) for row in zip(self.transforms, *map(self._parts, tensors),
                                              strict=True)]

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        """Whether all parts are."""
        return all(t.bijective for t in self.transforms)


class CatTransform(_Joined):
    """Transforms of parts that lie one after the other along `dim`.

    tseq: the transforms. dim: along which. lengths: of the parts there, 1 each by default.

    >>> import rushlight as rl
    >>> from rushlight.distributions import CatTransform, ExpTransform, identity_transform
    >>> CatTransform([ExpTransform(), identity_transform], lengths=[1, 2])(rl.zeros(3))
    tensor([1., 0., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0,
                 lengths: Sequence[int] | None = None, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms "
                                 f"({len(self.transforms)})")

    @lazy_property
    def event_dim(self) -> int:
        """The most dimensions that an element of a part has."""
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self) -> int:
        """The size along `dim`."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        if x.shape[self.dim] != self.length:
            raise AssertionError(f"x.size({self.dim}) = {x.shape[self.dim]} must equal length "
                                 f"{self.length}")
        return x.split(self.lengths, self.dim)

    def _call(self, x: Any) -> Any:
        return cat(self._each(lambda t, part: t(part), x), dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return cat(self._each(lambda t, part: t.inv(part), y), dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Tensor:
        terms = self._each(lambda t, a, b: _sum_rightmost(
            t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim), x, y)
        dim = self.dim if self.dim < 0 else self.dim - x.dim()
        if dim + self.event_dim < 0:
            return cat(terms, dim=dim + self.event_dim)
        return sum(terms[1:], terms[0])  # joined within an element

    @constraints.dependent_property
    def domain(self) -> Any:
        """The parts' domains, joined."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """The parts' codomains, joined."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Joined):
    """Transforms of the slices along `dim`, one each.

    tseq: the transforms. dim: along which.

    >>> import rushlight as rl
    >>> from rushlight.distributions import ExpTransform, StackTransform, identity_transform
    >>> StackTransform([ExpTransform(), identity_transform])(rl.zeros(2, 2))
    tensor([[1., 1.],
            [0., 0.]])
    """

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    def _parts(self, x: Tensor) -> Sequence[Tensor]:
        if x.shape[self.dim] != len(self.transforms):
            raise AssertionError(f"x.size({self.dim}) = {x.shape[self.dim]} must equal the number "
                                 f"of transforms {len(self.transforms)}")
        return x.unbind(self.dim)

    def _call(self, x: Any) -> Any:
        return stack(self._each(lambda t, part: t(part), x), dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return stack(self._each(lambda t, part: t.inv(part), y), dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Tensor:
        terms = self._each(lambda t, a, b: t.log_abs_det_jacobian(a, b), x, y)
        return stack(terms, dim=self.dim)

    @constraints.dependent_property
    def domain(self) -> Any:
        """The slices' domains."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """The slices' codomains."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
