"""The ways to choose what is pruned, as classes whose instances are forward pre-hooks."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from rushlight.autograd import no_grad
from rushlight.nn.modules.module import Module
from rushlight.ops import kthvalue, ones_like, rand, rand_like, topk, zeros_like
from rushlight.tensor import Tensor


class BasePruningMethod(ABC):
    """Base of pruning methods: a subclass defines `compute_mask` and `PRUNING_TYPE`.

    PRUNING_TYPE: "unstructured", "structured" (with an attribute `dim`), or "global"; it says
    what of an already pruned parameter the method looks at.
    """

    _tensor_name: str
    PRUNING_TYPE = "unstructured"

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for the importances `t`, zero also where `default_mask` is."""

    def apply_mask(self, module: Any) -> Tensor:
        """The masked parameter."""
        name = getattr(self, "_tensor_name", None)
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, original = getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune a parameter: it becomes `name_orig`, with `name_mask` as a buffer.

        Pruned before, the methods are kept in a `PruningContainer`. Returns the hook.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        earlier = _take_hook(module, name)
        hook: BasePruningMethod = method
        if earlier is not None:
            hook = earlier if isinstance(earlier, PruningContainer) else PruningContainer(earlier)
            hook.add_pruning_method(method)  # type: ignore[attr-defined]
        original = getattr(module, name)
        if importance_scores is None:
            importance_scores = original
        elif importance_scores.shape != original.shape:
            raise AssertionError(
                "importance_scores should have the same shape as parameter "
                f"{name} of {module}: {importance_scores.shape} and {original.shape}"
            )
        with no_grad():
            if earlier is None:
                mask = ones_like(original)
            else:
                mask = getattr(module, f"{name}_mask").detach().clone()
            mask = hook.compute_mask(importance_scores.detach(), mask)
        if earlier is None:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", original)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, hook.apply_mask(module))
        module.register_forward_pre_hook(hook)
        return hook

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """`t` with the mask of this method applied, outside of any module."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, mask).to(dtype=t.dtype)

    def remove(self, module: Any) -> None:
        """Put the masked values into the parameter, and drop the mask."""
        name = self._tensor_name
        values = self.apply_mask(module)
        original = module._parameters[f"{name}_orig"]
        original.data = values.detach()
        delattr(module, name)
        del module._parameters[f"{name}_orig"]
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


def _take_hook(module: Any, name: str) -> BasePruningMethod | None:
    """The hook that prunes a parameter, taken from the module; None if there is none."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            del module._forward_pre_hooks[key]
            module._call_hooks.pop(key, None)
            return hook
    return None


class PruningContainer(BasePruningMethod):
    """Several methods applied to one parameter, each to what those before it left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1 and isinstance(args[0], BasePruningMethod):
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method for the same parameter.

        Raises TypeError for anything else, ValueError for another parameter's.
        """
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        name = getattr(self, "_tensor_name", None)
        if method is not None and name is not None and name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        if method is not None:
            self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask of what is still there, combined with `default_mask`."""
        method: Any = self._pruning_methods[-1]
        if method.PRUNING_TYPE == "unstructured":
            kept: Any = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    f"Pruning methods of PRUNING_TYPE \"structured\" need to have the attribute "
                    f"`dim` defined; {type(method).__name__} has none"
                )
            dim = method.dim % t.dim()
            others = [i for i in range(t.dim()) if i != dim]
            kept = [slice(None)] * t.dim()
            kept[dim] = default_mask.sum(others) != 0
            kept = tuple(kept)
        elif method.PRUNING_TYPE == "global":
            kept = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.clone()
        mask[kept] = method.compute_mask(t[kept], default_mask[kept]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prunes elements at random; `amount`: how many, or which share if it is a float."""

    def __init__(self, amount: Any) -> None:
        check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero at as many random places as asked."""
        count = count_to_prune(self.amount, t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[topk(rand_like(t).view(-1), count).indices] = 0
        return mask


class L1Unstructured(BasePruningMethod):
    """Prunes the elements of the smallest size; `amount` as of `RandomUnstructured`."""

    def __init__(self, amount: Any) -> None:
        check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero at the smallest elements."""
        count = count_to_prune(self.amount, t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[topk(t.abs().reshape(-1), count, largest=False).indices] = 0
        return mask


class RandomStructured(BasePruningMethod):
    """Prunes slices along `dim` at random; `amount` of them, or that share."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        check_amount(amount)
        self.amount = amount
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero in as many random slices as asked."""
        count = _slices_to_prune(t, self.dim, self.amount)
        if not count:
            return default_mask
        chances = rand(t.shape[self.dim])
        keep = chances > kthvalue(chances, count).values
        return _slices(t, keep, self.dim) * default_mask.to(dtype=t.dtype)


class LnStructured(BasePruningMethod):
    """Prunes the slices along `dim` of the smallest n-norm; `amount` of them, or that share."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Zero in the slices of the smallest norm."""
        count = _slices_to_prune(t, self.dim, self.amount)
        if not count:
            return default_mask
        others = [i for i in range(t.dim()) if i != self.dim % t.dim()]
        sizes = t.norm(self.n, others)
        keep = zeros_like(sizes)
        keep[topk(sizes, t.shape[self.dim] - count).indices] = 1
        return _slices(t, keep, self.dim) * default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is zero."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The given mask and the one there is."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape "
                f"{self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def _slices(t: Tensor, keep: Tensor, dim: int) -> Tensor:
    """Ones in the slices along `dim` that are kept, of the shape and dtype of `t`."""
    shape = [1] * t.dim()
    shape[dim] = -1
    return keep.to(t.dtype).reshape(shape).expand(t.shape).clone()


def _slices_to_prune(t: Tensor, dim: int, amount: Any) -> int:
    if t.dim() <= 1:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of "
            f"shape {t.shape} with {t.dim()} dims"
        )
    if not -t.dim() <= dim < t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
    return count_to_prune(amount, t.shape[dim])


def check_amount(amount: Any) -> None:
    """Raise torch's errors for an amount that is neither a share nor a number of elements."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    whole = isinstance(amount, numbers.Integral)
    if amount < 0 or (not whole and amount > 1.0):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )


def count_to_prune(amount: Any, size: int) -> int:
    """How many of `size` are pruned. Raises ValueError for more than there are."""
    if not isinstance(amount, numbers.Integral):
        return round(amount * size)
    if amount > size:
        raise ValueError(
            f"amount={amount} should be smaller than the number of parameters to prune={size}"
        )
    return int(amount)

