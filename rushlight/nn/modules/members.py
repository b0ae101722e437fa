"""What a module owns: parameters, buffers and submodules, registered by assignment, in order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rushlight.nn.modules.registry import KINDS, Registry, typename
from rushlight.nn.parameter import Buffer, Parameter
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.nn.modules.module import Module

# Called as hook(module, name, value) at every registration; see global_hooks.
parameter_registration_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
buffer_registration_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
module_registration_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()


class Members:
    """Registration and traversal of a module's members; the base of :class:`Module`."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]  # evaluated by libraries, where Module is not known
    _non_persistent_buffers_set: set[str]
    # Names of ours that torch's modules lack: a member of such a name takes precedence.
    _yielding: frozenset[str] = frozenset()
    # Whether members are plain attributes as well. They are not where a class reads them through a
    # __getattr__ of its own (pyro's modules do): Python would never call it.
    _mirrored: bool = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._mirrored = cls.__getattr__ is Members.__getattr__

    # Registration

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; ``None`` keeps the name without a value.

        Raises ``TypeError`` for anything but a Parameter, ``KeyError`` for a name that is taken,
        empty or holds a dot, ``ValueError`` for the result of a computation.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                "compute the value in the forward() method."
            )
        self._parameters[name] = _registered(parameter_registration_hooks, self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module but is no parameter, as a running mean.

        ``persistent=False`` leaves it out of ``state_dict``. Raises as ``register_parameter``.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = _registered(buffer_registration_hooks, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under ``name``; it is then the attribute of that name."""
        if module is not None and not isinstance(module, Members):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = _registered(module_registration_hooks, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: str, registry: dict) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if name not in self._yielding and hasattr(self, name) and name not in registry:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            got = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{got}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')

    # Attributes

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if not isinstance(value, Parameter) and name in attributes.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        elif isinstance(value, Parameter):
            if "_parameters" not in attributes:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif isinstance(value, Members):
            if "_modules" not in attributes:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_parameters", "_buffers")
            self._modules[name] = _registered(module_registration_hooks, self, name, value)
        elif isinstance(value, Buffer):
            if "_buffers" not in attributes:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self._forget(name, "_parameters", "_modules")
            self.register_buffer(name, value, value.persistent)
        elif name in KINDS:
            self._replace_registry(name, value)
        elif "_modules" not in attributes:
            object.__setattr__(self, name, value)
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            self._modules[name] = _registered(module_registration_hooks, self, name, value)
        elif name in self._buffers:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            self._buffers[name] = _registered(buffer_registration_hooks, self, name, value)
        else:
            object.__setattr__(self, name, value)
            if name == "__class__":
                for kind in KINDS:
                    attributes[kind].settle()

    def __getattr__(self, name: str) -> Any:
        # Reached only when the ordinary look-up failed.
        attributes = self.__dict__
        for kind in KINDS:
            registry = attributes.get(kind)
            if registry is not None and name in registry:
                return registry[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for kind in KINDS:
            registry = self.__dict__.get(kind, ())
            if name in registry:
                del registry[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        names.update(*(self.__dict__.get(kind, ()) for kind in KINDS))
        return sorted(name for name in names if not name[:1].isdigit())

    def _forget(self, name: str, *kinds: str) -> None:
        """Drop ``name`` from the registries ``kinds`` and, if it is a plain attribute, there."""
        for kind in kinds:
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                self._non_persistent_buffers_set.discard(name)
        if not any(name in self.__dict__[kind] for kind in KINDS):
            self.__dict__.pop(name, None)

    def _replace_registry(self, kind: str, items: Any) -> None:
        old = self.__dict__.get(kind)
        items = dict(items)
        if isinstance(old, Registry) and old._owner() is self:
            old.clear()
        self.__dict__[kind] = Registry(self, items)

    # Pickling and copying: the attributes that mirror a registry are not stored twice

    def __getstate__(self) -> dict[str, Any]:
        registries = [self.__dict__[kind] for kind in KINDS if kind in self.__dict__]
        mirrored = {name for registry in registries for name in registry}
        state = {k: v for k, v in self.__dict__.items() if k not in mirrored}
        for kind in KINDS:
            if kind in state:
                state[kind] = dict(state[kind])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for kind in KINDS:
            self.__dict__[kind] = Registry(self, self.__dict__.get(kind, {}))

    # Traversal

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield (path, module) for this module, whose path is ``prefix``, and all below it."""
        memo = set() if memo is None else memo
        waiting: list[tuple[str, Any]] = [(prefix, self)]
        while waiting:  # not recursion: each level would pass on every module below it
            path, module = waiting.pop()
            if module in memo:
                continue
            if module is not self and type(module).named_modules is not Members.named_modules:
                yield from module.named_modules(memo, path, remove_duplicate)
                continue
            if remove_duplicate:
                memo.add(module)
            yield path, module
            dot = f"{path}." if path else ""
            waiting += [(dot + name, child) for name, child in reversed(module._modules.items())
                        if child is not None]

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) for the direct submodules, each module once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield (path, parameter); a parameter used twice comes once unless told otherwise."""
        return self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once; ``recurse=False``: only this module's own."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield (path, buffer), persistent or not."""
        return self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(
        self,
        get_members_fn: Callable[[Any], Any],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[Any] = set()
        modules = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield (f"{path}.{name}" if path else name), member

    # Look-up by path

    def get_submodule(self, target: str) -> Module:
        """The submodule at a dotted path; ``""`` is this module. ``AttributeError`` if none."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Members):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` at a dotted path; ``strict=True`` demands that one is there already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Members):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Members):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path. ``AttributeError`` if there is none."""
        return self._get_member(target, "_parameters", "is not an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path. ``AttributeError`` if there is none."""
        return self._get_member(target, "_buffers", "is not a buffer")

    def _get_member(self, target: str, kind: str, complaint: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        if name not in getattr(module, kind):
            raise AttributeError(f"`{name}` {complaint}")
        return getattr(module, name)


def _registered(hooks: dict, module: Members, name: str, value: Any) -> Any:
    for hook in hooks.values():
        replacement = hook(module, name, value)
        value = value if replacement is None else replacement
    return value
