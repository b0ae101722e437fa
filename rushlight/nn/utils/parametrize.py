"""Parameters computed from others: a module's tensor becomes a function of what is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rushlight.autograd import no_grad
from rushlight.nn.modules.container import ModuleDict, ModuleList
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]


class _Cache:
    """What `cached` keeps: parametrized tensors by module and name."""

    blocks = 0
    values: dict[tuple[int, str], Tensor] = {}  # noqa: RUF012


@contextmanager
def cached() -> Iterator[None]:
    """Within, every parametrized tensor is computed once, on its first use.

    >>> import rushlight as rl
    >>> from rushlight.nn.utils import parametrizations, parametrize
    >>> layer = parametrizations.weight_norm(rl.nn.Linear(2, 2))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    _Cache.blocks += 1
    try:
        yield
    finally:
        _Cache.blocks -= 1
        if not _Cache.blocks:
            _Cache.values = {}


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied in order, and what they start from.

    `original`, or `original0`, `original1`, ... where the first one has several arguments, are
    what an optimizer trains; calling the list computes the tensor.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new: Any = original
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):  # one that has none for this tensor
                        new = module.right_inverse(new)
        if not isinstance(new, Tensor) and not isinstance(new, Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if original.dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\n"
                    f"right_inverse(original).dtype: {new.dtype}"
                )
            with no_grad():
                original.data = new  # the same parameter, so that an optimizer keeps it
            _register(self, "original", original)
        else:
            for i, value in enumerate(new):
                if not isinstance(value, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                        f"tuple...). Got element {i} of the sequence with type "
                        f"{type(value).__name__}."
                    )
                if isinstance(original, Parameter):
                    value = Parameter(value, original.requires_grad)
                _register(self, f"original{i}", value)
        if not unsafe:
            self._check(shape, dtype)

    def _check(self, shape: Any, dtype: Any) -> None:
        value = self()
        if not isinstance(value, Tensor):
            raise ValueError(
                f"A parametrization must return a tensor. Got {type(value).__name__}."
            )
        for name, wanted, got in (("dtype", dtype, value.dtype), ("shape", shape, value.shape)):
            if wanted != got:
                raise ValueError(
                    f"Registering a parametrization may not change the {name} of the tensor, "
                    "unless `unsafe` flag is enabled.\n"
                    f"unparametrized {name}: {wanted}\nparametrized {name}: {got}"
                )

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor is `value`.

        Raises RuntimeError where a parametrization has no `right_inverse`.
        """
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement "
                        "right_inverse."
                    )
                new = module.right_inverse(new)
            if self.is_tensor and not isinstance(new, Tensor):
                raise ValueError(
                    f"`right_inverse` should return a tensor. Got {type(new).__name__}"
                )
            values = [new] if self.is_tensor else list(new)
            if len(values) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(values)}."
                )
            for original, new_value in zip(self._originals(), values, strict=True):
                if original.dtype != new_value.dtype:
                    raise ValueError(
                        f"The tensor to be set has dtype {new_value.dtype} while the original "
                        f"has dtype {original.dtype}"
                    )
                original.data = new_value.clone() if new_value is value else new_value

    def forward(self) -> Tensor:
        value = self[0](*self._originals())
        for i in range(1, len(self)):
            value = self[i](value)
        return value


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make `module.tensor_name` the result of `parametrization`; returns the module.

    Registered again, the new one takes the result of those before it. Assigning to the tensor
    works where each has a `right_inverse`.

    Args:
        module: whose class becomes a subclass with a property of that name.
        tensor_name: a parameter or buffer; it moves to
            `module.parametrizations[tensor_name].original`.
        parametrization: a module; `right_inverse(tensor)`, if it has one, gives its argument.
        unsafe: let shape and dtype change.

    Raises:
        ValueError: there is no such tensor, or shape or dtype would change.

    >>> import rushlight as rl
    >>> class Symmetric(rl.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = rl.nn.Linear(3, 3)
    >>> _ = rl.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> rl.equal(layer.weight, layer.weight.T)
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _append(module.parametrizations[tensor_name], parametrization, unsafe)
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        made = ParametrizationList([parametrization], original, unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _change_class(module)
            module.parametrizations = ModuleDict()
        _add_property(module, tensor_name)
        module.parametrizations[tensor_name] = made
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def _append(chain: ParametrizationList, parametrization: Module, unsafe: bool) -> None:
    if not unsafe:
        with no_grad():
            before = chain()
            after = parametrization(before)
        if not isinstance(after, Tensor):
            raise ValueError(
                f"A parametrization must return a tensor. Got {type(after).__name__}."
            )
        if after.dtype != before.dtype or after.shape != before.shape:
            raise ValueError(
                "Registering a parametrization may not change the dtype or shape of the tensor, "
                "unless the `unsafe` flag is enabled.\n"
                f"before: {before.dtype} {before.shape}\nafter: {after.dtype} {after.shape}"
            )
    chain.append(parametrization)
    chain.unsafe = chain.unsafe or unsafe


def _change_class(module: Module) -> None:
    cls = type(module)

    def getstate(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(): save "
            "that, and load it into a module with the same parametrizations"
        )

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        copied = memo[id(self)] = self.__new__(type(self))
        copied.__setstate__(copy.deepcopy(cls.__getstate__(self), memo))
        return copied

    members: dict[str, Any] = {"__getstate__": getstate, "__module__": __name__}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = deepcopy
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), members)


def _add_property(module: Module, name: str) -> None:
    def get(self: Any) -> Tensor:
        chain = self.parametrizations[name]
        if not _Cache.blocks:
            return chain()
        key = (id(self), name)
        if key not in _Cache.values:
            _Cache.values[key] = chain()
        return _Cache.values[key]

    def set_original(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, set_original))


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module, or its tensor of that name, has parametrizations."""
    chains = getattr(module, "_modules", {}).get("parametrizations")
    if not isinstance(chains, ModuleDict):
        return False
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make the tensor a plain parameter or buffer again; returns the module.

    leave_parametrized: with its computed value; otherwise with that of the original.

    Raises ValueError where it has none, or where there are several originals to choose from.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    if not chain.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    value = chain.original if chain.is_tensor else chain.original0
    if leave_parametrized:
        with no_grad():
            computed = getattr(module, tensor_name)
        if chain.is_tensor:
            value.data = computed
        elif isinstance(value, Parameter):
            value = Parameter(computed, any(t.requires_grad for t in chain._originals()))
        else:
            value = computed
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    _register(module, tensor_name, value)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give `to_module` the parametrizations, and their originals, of `from_module`.

    tensor_name: only those of that tensor. Returns `to_module`.
    """
    if not is_parametrized(from_module):
        return to_module
    chains = from_module.parametrizations
    names = list(chains) if tensor_name is None else [tensor_name]
    for name in names:
        if name not in to_module._parameters and name not in to_module._buffers and (
                not is_parametrized(to_module, name)):
            _register(to_module, name, copy.deepcopy(getattr(from_module, name).detach()))
        for parametrization in chains[name]:
            register_parametrization(to_module, name, parametrization, unsafe=chains[name].unsafe)
        for own, other in zip(to_module.parametrizations[name]._originals(),
                              chains[name]._originals(), strict=True):
            own.data = other.detach().clone()
    return to_module
