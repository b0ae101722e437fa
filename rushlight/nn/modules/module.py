"""Module, the base of every layer and model: call, convert, train, show."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any

from rushlight.autograd import no_grad
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.base.device import device as Device
from rushlight.nn.modules.constants import Constants
from rushlight.nn.modules.constructors import name_constructor
from rushlight.nn.modules.global_hooks import (
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from rushlight.nn.modules.hooks import (
    CALL_HOOKS,
    STATE_HOOKS,
    ModuleHooks,
    RemovableHandle,
    call_with_hooks,
    global_call_hooks,
)
from rushlight.nn.modules.members import Members
from rushlight.nn.modules.registry import KINDS, Registry, typename
from rushlight.nn.modules.state_dict import StateDict
from rushlight.nn.modules.summary_method import SummaryMethod
from rushlight.nn.parameter import Parameter
from rushlight.ops import empty_like
from rushlight.tensor import Tensor

__all__ = [
    "Module",
    "RemovableHandle",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


class Module(Members, ModuleHooks, StateDict):
    """A function with parameters: define them in ``__init__``, compute in ``forward``.

    Parameters, buffers and modules assigned to attributes are registered in that order, found by
    ``parameters()``, ``state_dict()``, ``to()`` and shown by ``repr``. Calling the module runs its
    hooks and ``forward``.

    >>> import rushlight as rl
    >>> class Scale(rl.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = rl.nn.Parameter(rl.tensor(2.0))
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(rl.tensor([1.0, 3.0]))
    tensor([2., 6.], grad_fn=<MulBackward0>)
    """

    dump_patches: bool = False
    _version: int = 1  # of what state_dict writes; raised when a class changes its keys
    training: bool
    call_super_init: bool = False  # True: pass arguments on, for multiple inheritance
    __constants__ = Constants()
    summary = SummaryMethod()
    _yielding = frozenset({"summary"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("rushlight.nn.modules."):
            name_constructor(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            self._reject_arguments(args, kwargs)
        attributes = self.__dict__
        attributes["training"] = True
        for kind in KINDS:
            attributes[kind] = Registry(self)
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_is_full_backward_hook"] = None
        attributes["_call_hooks"] = OrderedDict()
        for name in (*CALL_HOOKS, *STATE_HOOKS):
            attributes[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def _reject_arguments(self, args: tuple, kwargs: dict) -> None:
        name = type(self).__name__
        if kwargs:
            raise TypeError(
                f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        raise TypeError(
            f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        attributes = self.__dict__
        attributes.setdefault("_non_persistent_buffers_set", set())
        attributes.setdefault("_is_full_backward_hook", None)
        for name in (*CALL_HOOKS, *STATE_HOOKS):
            attributes.setdefault(name, OrderedDict())
        attributes["_call_hooks"] = OrderedDict(
            (key, True) for name in CALL_HOOKS for key in attributes[name]
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._call_hooks or global_call_hooks:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Train and evaluate

    def train(self, mode: bool = True) -> Module:
        """Set the training mode here and below, which dropout and batch norm look at."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Module:
        """The same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Switch the recording of gradients for all parameters, as to freeze a part."""
        if not isinstance(requires_grad, bool):
            raise TypeError("requires_grad_(): argument 'requires_grad' (position 1) must be bool, "
                            f"not {typename(requires_grad)}")
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad.detach_().zero_()

    # Convert

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call ``fn(module)`` on every submodule, children first, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Module:
        """Replace every parameter, gradient and buffer by ``fn`` of it; parameters stay the same
        objects, so that optimizers keep them."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, parameter in self._parameters.items():
            if parameter is not None:
                self._parameters[name] = _converted(parameter, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Module:
        """Move or cast in place: ``to(device)``, ``to(dtype)``, ``to(device, dtype)``,
        ``to(tensor)``. Only floating point and complex members are cast.

        ``memory_format=`` orders the members of 4 and 5 dimensions in memory."""
        device, dtype, non_blocking, order = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, "
                f"but got desired dtype={dtype}"
            )

        def convert(tensor: Tensor) -> Tensor:
            castable = tensor.is_floating_point() or tensor.is_complex()
            ordered = {"memory_format": order} if order and tensor.dim() in (4, 5) else {}
            return tensor.to(device, dtype if castable else None, non_blocking, **ordered)

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Module:
        """Move to ``device`` without copying: the members' values are then uninitialised."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse)

    def cpu(self) -> Module:
        """Move all members to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device: int | None = None) -> Module:
        """Move all members to a CUDA device."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def type(self, dst_type: Any) -> Module:
        """Cast all members to ``dst_type``."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Accept the options of torch's compiler: the module runs as it is written."""

    def float(self) -> Module:
        """Cast floating point members to float32."""
        return self._cast(dtypes.float32)

    def double(self) -> Module:
        """Cast floating point members to float64."""
        return self._cast(dtypes.float64)

    def half(self) -> Module:
        """Cast floating point members to float16."""
        return self._cast(dtypes.float16)

    def bfloat16(self) -> Module:
        """Cast floating point members to bfloat16."""
        return self._cast(dtypes.bfloat16)

    def _cast(self, dtype: Any) -> Module:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def share_memory(self) -> Module:
        """Move all members to memory that processes share."""
        return self._apply(lambda tensor: tensor.share_memory_())

    # Show

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What ``repr`` shows of this module besides its submodules; override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): {module!r}" for name, module in self._modules.items()]
        if not children and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        # Children are indented whole; the lines of extra_repr come as they are.
        lines = extra.split("\n") if extra else []
        lines += [child.replace("\n", "\n  ") for child in children]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"

    def _replicate_for_data_parallel(self) -> Module:
        replica = self.__new__(type(self))
        replica.__setstate__({**self.__getstate__(), "_is_replica": True})
        return replica


def _converted(parameter: Parameter, fn: Callable[[Tensor], Tensor]) -> Parameter:
    with no_grad():
        value = fn(parameter)
        grad = None if parameter.grad is None else fn(parameter.grad)
    if value.device == parameter.device:
        if grad is not None:
            parameter.grad = None  # a gradient of the old dtype must not meet the new values
        parameter.data = value
        converted = parameter
    else:
        converted = Parameter(value, requires_grad=parameter.requires_grad)
    if grad is not None:
        converted.grad = grad.requires_grad_(parameter.requires_grad and grad.requires_grad)
    return converted


def _parse_to(*args: Any, **options: Any) -> tuple[Any, Any, bool, Any]:
    """The device, dtype, non_blocking and memory_format of the call forms of ``Module.to``."""
    found: dict[str, Any] = {"device": None, "dtype": None, "non_blocking": False}
    kinds = {"device": str | int | Device, "dtype": dtypes.dtype, "non_blocking": bool}
    shown = ", ".join([*map(typename, args), *(f"{k}={typename(v)}" for k, v in options.items())])
    wrong = TypeError(
        f"to() received an invalid combination of arguments - got ({shown}); expected "
        "(device, dtype, non_blocking), (dtype, non_blocking) or (tensor, non_blocking)"
    )
    order = options.pop("memory_format", None)
    values = list(args)
    like = options.pop("tensor", values.pop(0) if isinstance((*args, 0)[0], Tensor) else None)
    if isinstance(like, Tensor):
        found["device"], found["dtype"] = like.device, like.dtype
    elif like is not None:
        raise wrong
    names = list(found)
    for value in values:  # in their order; those that are left out before it may be
        while names and value is not None and not isinstance(value, kinds[names[0]]):
            names.pop(0)
        if not names:
            raise wrong
        name = names.pop(0)
        found[name] = found[name] if value is None else value
    for name, value in options.items():
        if name not in names or not (value is None or isinstance(value, kinds[name])):
            raise wrong
        found[name] = value
    place = found["device"]
    return None if place is None else as_device(place), found["dtype"], found["non_blocking"], order


# What is missing in a call is reported as Module's, where users look it up.
for _part in (Members, ModuleHooks, StateDict):
    for _name, _method in vars(_part).items():
        if isinstance(_method, FunctionType):
            _method.__qualname__ = f"Module.{_name}"
