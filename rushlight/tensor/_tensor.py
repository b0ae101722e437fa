"""Tensor: an array, the edge that its gradient takes, and what the two are called.

The four slots are all that an op sets on its result; rarer state lives in the instance's
dictionary and has its default on the class. Methods that are operations are attached by the
families when `ops` declares them.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from numbers import Number
from typing import Any

import numpy as np

from rushlight.backends.kept_weights import forget
from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.errors import describe
from rushlight.base.flags import flags
from rushlight.engine.node import COUNT, LEAF, Handle, Node, Slot, edge_of, version_of
from rushlight.engine.run import after_hook
from rushlight.engine.run import backward as run_backward
from rushlight.tensor import convert, printing
from rushlight.tensor.geometry import Geometry

new = object.__new__
accumulating = threading.Lock()


def _after_fork() -> None:
    """The child starts unlocked, whatever other threads were doing."""
    global accumulating
    accumulating = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Tensor(Geometry):
    """A multi-dimensional array of one dtype that can record what is done with it.

    Made by `tensor`, `zeros`, `rand`, ...; `Tensor(2, 3)` is uninitialised float memory and
    `Tensor([1, 2])` holds the given numbers as floats, as in old programs.

    >>> import rushlight as rl
    >>> x = rl.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__dict__", "__weakref__", "_array", "_node", "_writes", "_view")

    _array: np.ndarray  # the elements, any strides
    _node: Any  # where the gradient goes: see engine.node
    _writes: list[Any] | None  # writes to the memory, shared by views: see engine.node
    # How a view was made: (base, parent's _view, function, arguments).
    _view: tuple[Any, ...] | None

    _sequence = -1  # as an edge of the graph, a leaf comes after all nodes
    _grad: Tensor | None = None
    _hooks: dict[Any, Any] | None = None
    _post_accumulate_hooks: dict[Any, Any] | None = None
    _retains_grad = False
    _inference = False
    __array_priority__ = 1000  # ndarray + Tensor asks the Tensor

    def __new__(cls, *args: Any, **options: Any) -> Tensor:
        made = new(cls)
        made._array = convert.legacy_array(args, Tensor, options.pop("device", None))
        made._node = made._writes = made._view = None
        return made

    # ---- autograd ----------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self._node is None:
            if not (self.dtype.is_floating_point or self.dtype.is_complex):
                raise RuntimeError("only Tensors of floating point dtype can require gradients: "
                                   f"this is {describe(self)}; convert it with .float() first")
            self._node = LEAF
        elif not value:
            if self._node is not None and self._node is not LEAF:
                raise RuntimeError("you can only change requires_grad flags of leaf variables. "
                                   "If you want to use a computed variable in a subgraph that "
                                   "doesn't require differentiation use var_no_grad = "
                                   "var.detach().")
            self._node = None

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` in place; returns the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor is not the result of a recorded op."""
        return self._node is None or self._node is LEAF

    @property
    def grad_fn(self) -> Node | None:
        """The node of the op that made this tensor, None for a leaf."""
        node = self._node
        if node is None or node is LEAF:
            return None
        return node.node if isinstance(node, Slot) else node

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` this tensor is."""
        return self._node.index if isinstance(self._node, Slot) else 0

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward() accumulated; None before.

        Warns where there never will be one: results keep theirs only after `retain_grad()`.
        """
        found = self._grad
        if found is None and not (self.is_leaf or self._retains_grad):
            warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being "
                          "accessed. Its .grad attribute won't be populated during "
                          "autograd.backward(). If you indeed want the .grad field to be "
                          "populated for a non-leaf Tensor, use .retain_grad() on the non-leaf "
                          "Tensor. If you access the non-leaf Tensor by mistake, make sure you "
                          "access the leaf Tensor instead.", UserWarning, stacklevel=2)
        return found

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError("assigned grad expected to be a Tensor or None but got grad of "
                                f"type {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._array.shape != self._array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of "
                    f"size '{list(self.shape)}'. They have to be equal")
            if value._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype}' to a tensor of "
                    f"dtype '{self.dtype}': convert it with .to(dtype)")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def backward(self, gradient: Tensor | None = None, retain_graph: bool | None = None,
                 create_graph: bool = False, inputs: Any = None, *,
                 retain_variables: bool | None = None) -> None:
        """Add the gradient of this tensor to the `.grad` of every leaf below it (or of `inputs`).

        gradient: that of this tensor; left out, it is 1 and the tensor must have one element.
        retain_graph: keep what the graph saved for another run. create_graph: record the
        gradients, for higher orders. Raises RuntimeError where nothing requires a gradient.

        >>> import rushlight as rl
        >>> x = rl.ones(2, requires_grad=True)
        >>> (3 * x).sum().backward(); x.grad
        tensor([3., 3.])
        """
        if retain_variables is not None:
            warnings.warn("retain_variables is called retain_graph now", FutureWarning,
                          stacklevel=2)
            retain_graph = retain_variables
        keep = create_graph if retain_graph is None else retain_graph
        wanted = None
        if inputs is not None:
            wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
            if not wanted:
                raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
            wanted = [edge_of(x) for x in wanted]
        root = (edge_of_root(self), root_gradient(self, gradient))
        found = run_backward([root], create_graph, keep, wanted)
        if inputs is not None:
            for x in [inputs] if isinstance(inputs, Tensor) else inputs:
                if x.grad_fn is not None and found(x._node) is not None:
                    x._accumulate(found(x._node), create_graph)

    def _accumulate(self, gradient: Any, create: bool) -> None:
        """Add to `.grad`; several threads may run backward at once."""
        with accumulating:
            self._add_to_grad(gradient, create)
        if self._post_accumulate_hooks:
            for hook in tuple(self._post_accumulate_hooks.values()):
                hook(self)

    def _add_to_grad(self, gradient: Any, create: bool) -> None:
        """Add to `.grad`: take the gradient's own memory where nobody else can see it."""
        known: Any = self._grad
        if gradient.is_sparse or (known is not None and known.is_sparse):
            self._add_sparse(known, gradient, create)
        elif known is None:
            array = gradient._array
            # _finish, _accumulate, this frame and the question itself hold the gradient.
            alone = (sys.getrefcount(gradient) <= 4 and sys.getrefcount(array) <= 3
                     and type(array) is np.ndarray and _laid_out_alike(array, self._array)
                     and (array.base is None or (sys.getrefcount(array.base) <= 2
                                                 and array.base.size == array.size)))
            if create:
                self._grad = gradient if alone else gradient.clone()
            elif alone or type(array) is not np.ndarray:
                self._grad = wrap(array if alone else array.copy())
            else:  # in the order of memory that the parameter has, as optimizers want it
                own = np.empty_like(self._array, array.dtype)
                own[...] = array
                self._grad = wrap(own)
        elif create or known._node is not None:
            self._grad = known + gradient
        elif known._array.dtype is gradient._array.dtype:
            np.add(known._array, gradient._array, out=known._array)
            version_of(known)[COUNT] += 1
        else:
            self._grad = known + gradient

    def _add_sparse(self, known: Any, gradient: Any, create: bool) -> None:
        """Add to `.grad` where one of the two is sparse: so is the sum, if both are."""
        if known is None:
            self._grad = gradient.clone() if create else gradient.detach().clone()
        elif not gradient.is_sparse:
            self._grad = gradient + known
        elif create:
            self._grad = known + gradient
        else:
            known.add_(gradient)

    def _has_nan(self) -> bool:
        return self.dtype.category >= 2 and bool(np.isnan(self._array).any())

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(grad)` when this tensor's gradient is known; what it returns replaces it.

        Raises RuntimeError where the tensor needs no gradient.
        """
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is LEAF:
            if self._hooks is None:
                self._hooks = {}
            handle = Handle(self._hooks)
            self._hooks[handle.id] = hook
            return handle
        index = self.output_nr

        def before(gradients: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if gradients[index] is None:
                return None
            replaced = after_hook(hook, gradients[index])
            return (*gradients[:index], replaced, *gradients[index + 1:])

        return self.grad_fn.register_prehook(before)  # type: ignore[union-attr]

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call `hook(tensor)` after a gradient was added to this leaf's `.grad`."""
        if self._node is not LEAF:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf "
                               "tensors" if self._node is not None else "cannot register a hook "
                               "on a tensor that doesn't require gradient")
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        handle = Handle(self._post_accumulate_hooks)
        self._post_accumulate_hooks[handle.id] = hook
        return handle

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf tensor in its `.grad`, too."""
        if self._node is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is LEAF or self._retains_grad:
            return
        self._retains_grad = True
        self._ask_for_grad()

    def _ask_for_grad(self) -> None:
        """Let the node that made this tensor keep the gradient; again after a write in place."""
        made_by: Any = self.grad_fn
        made_by.__dict__.setdefault("retained", {})[self.output_nr] = weakref.ref(self)

    def _keep_grad(self, gradient: Tensor) -> None:
        known = self._grad
        self._grad = gradient.clone() if known is None else known + gradient  # type: ignore

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was asked for on this non-leaf tensor."""
        return self._retains_grad

    def detach(self) -> Tensor:
        """The same memory, cut off from the graph."""
        result = wrap(self._array)
        result._writes = version_of(self)
        return result

    def detach_(self) -> Tensor:
        """Cut this tensor off from the graph, in place."""
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead. If you are "
                               "using DistributedDataParallel, set gradient_as_bucket_view=False")
        self._node = None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory without history; writes to it are not tracked."""
        forget(self._array)
        return wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self._array = value._array
        self._writes = None
        forget(value._array)

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view[0]

    @property
    def _version(self) -> int:
        """How often the memory was written in place since somebody first looked."""
        return version_of(self)[COUNT]

    def _is_view(self) -> bool:
        return self._view is not None

    # ---- Python's protocols --------------------------------------------------------------------

    __hash__ = object.__hash__

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, Number)):
            raise RuntimeError("Tensor.__contains__ only supports Tensor or scalar, but you passed "
                               f"in a {type(element)}.")
        return bool((self == element).any())  # type: ignore[attr-defined]

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise RuntimeError(convert.ambiguous(self._array))
        return bool(self.item())

    def __int__(self) -> int:
        return int(convert.number(self))

    def __float__(self) -> float:
        return float(convert.number(self))

    def __complex__(self) -> complex:
        return complex(convert.number(self))

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "biu":
            raise TypeError("only integer tensors of a single element can be converted to an "
                            f"index, this is {describe(self)}")
        return int(self.item())

    def item(self) -> Any:
        """The one element as a Python number.

        Raises RuntimeError unless there is exactly one element.
        """
        array = self._array
        if array.size == 1 and array.dtype in dtypes.NATIVE and not is_meta(array):
            return array.item()
        if is_meta(array):
            raise RuntimeError("Tensor.item() cannot be called on meta tensors")
        if array.size != 1:
            raise RuntimeError(f"a Tensor with {array.size} elements cannot be converted to "
                               f"Scalar: this is {describe(self)}; use tolist() or index it")
        return convert.python(array.reshape(()))

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers (a number for a 0-d tensor)."""
        return convert.python(self._array)

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The same memory as a NumPy array (bfloat16 as ml_dtypes.bfloat16).

        force: detach first. Raises RuntimeError for a tensor that requires grad, except inside
        `no_grad`.
        """
        if self._node is not None and not force and flags.grad_enabled:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use "
                               "tensor.detach().numpy() instead. "
                               f"({describe(self)})")
        if is_meta(self._array):
            raise TypeError("can't convert meta device type tensor to numpy: it has no data")
        forget(self._array)
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_wrap__(self, array: np.ndarray, context: Any = None,
                       return_scalar: bool = False) -> Tensor:
        """What NumPy's functions of a tensor return: a tensor."""
        return wrap(np.asarray(array))

    def __dlpack__(self, *, stream: Any = None, **options: Any) -> Any:
        return convert.dlpack(self)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __repr__(self) -> str:
        return printing.format_tensor(self)

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0 and not is_meta(self._array) and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        return convert.deepcopy(self, memo)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return convert.reduce(self)

    def __dir__(self) -> list[str]:
        return sorted(set(object.__dir__(self)))


def wrap(array: np.ndarray) -> Tensor:
    """A tensor over `array`, which it shares; no history."""
    result = new(Tensor)
    result._array = array
    result._node = result._writes = result._view = None
    return result


def edge_of_root(tensor: Tensor) -> Any:
    """Where a run backwards from `tensor` starts."""
    if tensor._node is None:
        raise RuntimeError(
            "element 0 of tensors does not require grad and does not have a grad_fn: nothing that "
            f"it was computed from requires a gradient (it is {describe(tensor)}). Make a leaf "
            "require one with requires_grad_(), and look for detach() or no_grad() on the way")
    return edge_of(tensor)


def root_gradient(tensor: Tensor, gradient: Tensor | None) -> Tensor:
    """The gradient that a run backwards from `tensor` starts with."""
    array = tensor._array
    if gradient is None:
        if array.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs, this is "
                               f"{describe(tensor)}; pass gradient=, or reduce it with .sum()")
        if array.dtype.kind == "c":
            raise RuntimeError("grad can be implicitly created only for real scalar outputs but "
                               f"got {tensor.dtype}; pass gradient=, or take .real or .abs()")
        return wrap(np.ones(array.shape, array.dtype))
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got "
                        f"{type(gradient).__name__}")
    if gradient._array.shape != array.shape:
        raise RuntimeError(f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} "
                           f"and output[0] has a shape of {tensor.shape}.")
    if gradient._array.dtype == array.dtype:
        return gradient
    if "c" in (gradient._array.dtype.kind, array.dtype.kind):
        raise RuntimeError("For complex Tensors, both grad_output and output are required to have "
                           "the same dtype. Mismatch in dtype: grad_output[0] has a dtype of "
                           f"{gradient.dtype} and output[0] has a dtype of {tensor.dtype}.")
    return gradient.to(tensor.dtype)  # type: ignore[attr-defined]


def _laid_out_alike(array: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of one shape lie in memory in one order."""
    return (array.flags.c_contiguous and other.flags.c_contiguous) or (
        array.strides == other.strides)


__all__ = ["Tensor", "edge_of_root", "root_gradient", "wrap"]
