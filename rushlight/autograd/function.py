"""Operations with a backward of the user's own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from rushlight import ops
from rushlight.base.errors import user_site
from rushlight.base.flags import flags
from rushlight.engine.node import (
    COUNT,
    LEAF,
    Node,
    Slot,
    changed,
    edge_of,
    freed,
    next_sequence,
    version_of,
)
from rushlight.families.inplace import record_in_place, wrote
from rushlight.families.wrapped import Call, is_wrapped, leaves_of, levels, override
from rushlight.tensor import Tensor, wrap


class FunctionCtx:
    """What `forward` leaves for `backward`: saved tensors, marks, and attributes of one's own."""

    __slots__ = ()
    needs_input_grad: tuple[bool, ...]  # for each argument of forward, whether a gradient is asked
    to_save: tuple[Any, ...] = ()
    kept_for_forward: tuple[Any, ...] = ()
    dirty_tensors: tuple[Any, ...] = ()
    non_differentiable: tuple[Any, ...] = ()
    materialize_grads = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors, inputs, outputs or others, for `saved_tensors`; call it once."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors that are no inputs or outputs for `saved_tensors` inside `jvp`."""
        self.kept_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs `forward` wrote to; they have to be returned."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """False: `backward` receives None, not zeros, for outputs that had no gradient."""
        self.materialize_grads = value


class FunctionNode(FunctionCtx, Node):
    """The context as node of the recorded graph."""

    __slots__ = ()
    function: type[Function]
    outputs = 1

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self.name()} object at {hex(id(self))}>"

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to `save_for_backward`, checked against writes in the meantime.

        Inside `jvp` those given to `save_for_forward`, where there are any.
        Raises RuntimeError after the graph was freed, or where one was changed in place.
        """
        if self.kept_for_forward:
            return self.kept_for_forward
        if self.saved is None:
            raise freed(self)
        return tuple(self._unpack(entry) for entry in self.saved)

    saved_variables = saved_tensors

    def _unpack(self, entry: Any) -> Tensor | None:
        if entry is None:
            return None
        tensor, count, version, index = entry
        if version[COUNT] != count:
            raise changed(self, version, count)
        if index is None:
            return tensor
        # An output is rebuilt, because holding it would make a cycle: it holds this node.
        output = wrap(tensor)
        output._writes = version
        output._node = self if self.outputs == 1 else Slot(self, index)
        return output

    def _pack(self, outputs: Sequence[Any]) -> None:
        places = {id(x): i for i, x in enumerate(outputs)}
        entries: list[Any] = []
        for i, x in enumerate(self.to_save):
            if x is None:
                entries.append(None)
                continue
            if not isinstance(x, Tensor):
                raise TypeError(
                    "save_for_backward can only save variables, but argument "
                    f"{i} is of type {type(x).__name__}"
                )
            version = version_of(x)
            index = places.get(id(x))
            own = index is not None and x.grad_fn is self
            entries.append((x._array if own else x, version[COUNT], version,
                            index if own else None))
        self.saved = tuple(entries)
        self.to_save = ()

    def backward(self, gradient: Any, create: bool) -> tuple[Any, ...]:
        """Run the user's backward and check what it returns."""
        received = list(gradient) if self.outputs > 1 else [gradient]
        if self.materialize_grads:
            for i, (shape, dtype) in enumerate(self.__dict__["_geometry"]):
                if received[i] is None and shape is not None:
                    received[i] = ops.zeros(shape, dtype=dtype)
        if self.saved is None:
            raise freed(self)
        results = self.function.backward(self, *received)
        if not isinstance(results, tuple):
            results = tuple(results) if isinstance(results, list) else (results,)
        return self._checked(results)

    def _checked(self, results: tuple[Any, ...]) -> tuple[Any, ...]:
        given = self.__dict__["_inputs"]  # shape and dtype of each tensor, None for the others
        count = len(given)
        if len(results) > count and all(x is None for x in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{count}, got {len(results)}): backward() returns one for each argument of "
                "forward(), None for those that are not tensors"
            )
        checked = []
        for i, (expected, result) in enumerate(zip(given, results, strict=True)):
            if expected is None:
                if result is not None:
                    raise RuntimeError(
                        f"function {self.name()} returned a gradient different from None at "
                        f"position {i + 1}, but the corresponding forward input was not a Variable"
                    )
                continue
            checked.append(self._fitting(i, *expected, result))
        return tuple(checked)

    def _fitting(self, i: int, shape: tuple[int, ...], dtype: Any, result: Any) -> Any:
        if result is None:
            return None
        if not isinstance(result, Tensor):
            raise TypeError(
                f"expected Variable or None (got {type(result).__name__}): gradient {i} that "
                f"{self.name()} returned"
            )
        if result.dtype is not dtype and result.is_complex() <= dtype.is_complex:
            result = result.to(dtype)
        if tuple(result.shape) == shape:
            return result
        try:
            return result.sum_to_size(shape)
        except RuntimeError:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {i} - got "
                f"{list(result.shape)} but expected shape compatible with {list(shape)}"
            ) from None


class Function:
    """A differentiable operation: a subclass writes `forward` and `backward`, users call `apply`.

    `forward(ctx, *args)` computes with recording off and may keep tensors with
    `ctx.save_for_backward`; or `forward(*args)` with `setup_context(ctx, inputs, output)`.
    `backward(ctx, *grad_outputs)` returns one gradient for each argument of `forward`.
    `jvp(ctx, *tangents)`, for forward mode, returns one tangent for each output; without it
    forward mode differentiates `backward`.

    >>> import rushlight as rl
    >>> class Cube(rl.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, = ctx.saved_tensors
    ...         return grad * 3 * x ** 2
    >>> x = rl.tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor([12.])
    """

    generate_vmap_rule = False  # whether vmap may run it lane by lane
    vmap: Any = None  # vmap(info, in_dims, *args) -> (outputs, out_dims), or None
    jvp: Any = None  # jvp(ctx, *tangents) -> tangents of the outputs, or None
    _legacy = False  # whether forward is a method, as it was before 2018
    _node_class: type[FunctionNode]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(_legacy_message(type(self).__name__))

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; a subclass writes it."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what `backward` needs, where `forward` does not take the context."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients for the arguments of `forward`; a subclass writes it."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD.")

    @staticmethod
    def vjp(ctx: Any, *grad_outputs: Any) -> Any:
        """Another name for `backward`."""
        raise NotImplementedError("You must implement either the backward or vjp method")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "vjp" in cls.__dict__ and cls.backward is Function.backward:
            cls.backward = staticmethod(cls.vjp)  # type: ignore[method-assign]
        if "forward" in cls.__dict__:
            cls._legacy = not isinstance(cls.__dict__["forward"], (staticmethod, classmethod))
        cls._node_class = type(
            f"{cls.__name__}Backward", (FunctionNode,),
            {"__slots__": (), "__module__": cls.__module__, "function": cls,
             "outputs": property(lambda node: node.__dict__.get("_outputs", 1))},
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` on the arguments and record it."""
        if cls._legacy:
            raise RuntimeError(_legacy_message(cls.__name__))
        if cls.setup_context is not Function.setup_context:
            args, kwargs = _all_positional(cls.forward, args, kwargs), {}
        if levels.stack and is_wrapped(leaves_of(args)):
            return override(Call(cls.apply, args, kwargs, cls, cls.__name__, "autograd"))
        node, result = cls._applied(args, kwargs)
        if node.kept_for_forward:
            node.kept_for_forward = ()  # `backward` asks for what was saved for it
        return result

    @classmethod
    def _applied(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[FunctionNode, Any]:
        """The context and what `apply` returns."""
        node: FunctionNode = cls._node_class()
        node.saved, node.edges = (), ()
        recording = flags.grad_enabled
        node.needs_input_grad = tuple(
            isinstance(x, Tensor) and x._node is not None for x in args)
        flags.grad_enabled = False
        try:
            if cls.setup_context is Function.setup_context:
                output = cls.forward(node, *args, **kwargs)
            else:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(node, args, output)
        finally:
            flags.grad_enabled = recording
        many = isinstance(output, (tuple, list))
        outputs = _record(node, args, tuple(output) if many else (output,), recording)
        return node, tuple(outputs) if many else outputs[0]


@cache
def _signature(forward: Any) -> inspect.Signature:
    return inspect.signature(forward)


def _all_positional(forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
                    ) -> tuple[Any, ...]:
    """The arguments of a call, the defaults among them, as `setup_context` sees them."""
    signature = _signature(forward)
    if not kwargs and len(args) == len(signature.parameters):
        return args
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _legacy_message(name: str) -> str:
    return (
        "Legacy autograd function with non-static forward method is deprecated. Please use "
        f"new-style autograd function with static forward method: decorate {name}'s forward and "
        f"backward with @staticmethod, and call {name}.apply(...) in place of making an instance"
    )


def _record(
    node: FunctionNode, args: tuple[Any, ...], outputs: tuple[Any, ...], recording: bool
) -> list[Any]:
    """Make the node the origin of the outputs; returns what the caller sees."""
    recorded = recording and any(node.needs_input_grad)
    dirty = {id(x) for x in node.dirty_tensors}
    inputs = {id(x) for x in args if isinstance(x, Tensor)}
    constant = {id(x) for x in node.non_differentiable}
    names = {id(x) for x in outputs}
    if not dirty <= names:
        raise RuntimeError(
            "Some elements marked as dirty during the forward method were not returned as output."
            " The inputs that are modified inplace must all be outputs of the Function."
        )
    node._sequence = next_sequence()
    node.edges = tuple(edge_of(x) for x in args if isinstance(x, Tensor))
    store = node.__dict__
    store["_outputs"] = len(outputs)
    store["_inputs"] = [(tuple(x.shape), x.dtype) if isinstance(x, Tensor) else None for x in args]
    store["_geometry"] = [
        (tuple(x.shape), x.dtype) if isinstance(x, Tensor) else (None, None) for x in outputs
    ]
    if flags.anomaly and recorded:
        node.site = user_site()
    seen = []
    for i, x in enumerate(outputs):
        if not isinstance(x, Tensor):
            seen.append(x)
            continue
        differentiable = recorded and id(x) not in constant and (
            x.is_floating_point() or x.is_complex())
        seen.append(_output(node, i, x, id(x) in dirty, id(x) in inputs, differentiable))
    if recorded:
        by_identity = dict(zip(map(id, outputs), seen, strict=True))
        node.to_save = tuple(by_identity.get(id(x), x) if id(x) not in inputs else x
                             for x in node.to_save)
        node._pack(seen)
    node.dirty_tensors = node.non_differentiable = ()
    return seen


def _output(
    node: FunctionNode, i: int, x: Tensor, dirty: bool, is_input: bool, differentiable: bool
) -> Tensor:
    edge: Any = node if node.outputs == 1 else Slot(node, i)
    if dirty:
        if not differentiable:
            wrote(x)
            return x
        if x._node is LEAF:
            raise RuntimeError(
                "a leaf Variable that requires grad has been used in an in-place operation: "
                f"{node.name()[:-len('Backward')]} marks it as dirty. Give it a clone()")
        result = wrap(x._array)
        result._node = edge
        record_in_place(x, result)
        return x
    if is_input or x._node is not None:  # an alias: the tensor itself keeps its own history
        alias = wrap(x._array)
        alias._writes = version_of(x)
        x = alias
    if differentiable:
        x._node = edge
    return x


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a `backward` whose own computation has no gradient.

    A second differentiation then raises RuntimeError, where it would otherwise be wrong.
    """

    @functools.wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        recording = flags.grad_enabled
        flags.grad_enabled = False
        try:
            results = backward(ctx, *gradients)
        finally:
            flags.grad_enabled = recording
        asked = [g for g in gradients if isinstance(g, Tensor) and g._node is not None]
        if not (recording and asked):
            return results
        many = isinstance(results, tuple)
        passed = _Twice.apply(len(asked), *asked, *(results if many else (results,)))
        return passed if many else passed[0]

    return wrapper


class _Twice(Function):
    """Passes gradients on, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, asked: int, *tensors: Any) -> tuple[Any, ...]:
        return tuple(x.detach() if isinstance(x, Tensor) else x for x in tensors[asked:])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable")


class NestedIOFunction(Function):
    """Accepted as a base class; arguments are passed on as they are."""


class InplaceFunction(Function):
    """Accepted as a base class, as in old programs."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace
