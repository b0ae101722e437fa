"""Saving a module's parameters and buffers into a dictionary, and loading them back."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from rushlight.autograd import no_grad
from rushlight.nn.modules.hooks import RemovableHandle, add_hook
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What ``load_state_dict`` returns: the keys that were absent, and those not expected."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateDict:
    """``state_dict`` and ``load_state_dict``; the base of :class:`Module`."""

    def state_dict(
        self,
        *args: Any,
        destination: Any = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """A dictionary from path to tensor over all parameters and persistent buffers.

        The tensors are detached and share memory with the module; ``keep_vars=True`` gives the
        parameters themselves. Module versions stand in the attribute ``_metadata``.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead: "
                "state_dict(destination=..., prefix=..., keep_vars=...)",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and not keep_vars else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, local_metadata)
            if getattr(hook, "_from_public_api", False):
                if result is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif result is not None:
                destination = result
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Write this module's own members; submodules write theirs."""
        skipped = self._non_persistent_buffers_set
        for members in (self._parameters, self._buffers):
            for name, tensor in members.items():
                if tensor is not None and name not in skipped:
                    destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._has_extra_state("get_extra_state"):
            destination[prefix + EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor | None]:
        buffers = self._buffers.items()
        kept = {k: v for k, v in buffers if k not in self._non_persistent_buffers_set}
        return {**self._parameters, **kept}

    def _has_extra_state(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(StateDict, method)

    def get_extra_state(self) -> Any:
        """Override to add a value of the module's own to ``state_dict``."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be "
                           f"called: {type(self).__name__} defines no get_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """Override to take back what ``get_extra_state`` returned."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be "
                           f"called: {type(self).__name__} defines no set_extra_state()")

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy tensors from ``state_dict`` into this module and all below it.

        ``strict=False`` lets keys be missing or unexpected. ``assign=True`` takes the given
        tensors instead of copying into the existing ones. Returns the two lists of keys.
        Raises ``RuntimeError`` that lists every problem, ``TypeError`` for no mapping.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        _load(self, state_dict, "", metadata, assign, missing, unexpected, errors)
        if strict:
            _report("Unexpected", unexpected, errors)
            _report("Missing", missing, errors)
        if errors:
            details = "\n\t".join(errors)
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{details}"
            )
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own members out of ``state_dict``; note what does not fit."""
        report = (missing_keys, unexpected_keys, error_msgs)
        for key, hook in self._load_state_dict_pre_hooks.items():
            first = (self,) if key in self._load_state_dict_pre_hooks_with_module else ()
            hook(*first, state_dict, prefix, local_metadata, strict, *report)
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in self._own_state().items():
            if tensor is None:
                continue
            key = prefix + name
            if key in state_dict:
                error = self._load_member(name, key, tensor, state_dict[key], assign)
                if error:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        self._load_extra_state(state_dict, prefix, strict, missing_keys, unexpected_keys)
        if strict:
            self._note_unexpected(state_dict, prefix, unexpected_keys)

    def _load_member(
        self, name: str, key: str, tensor: Tensor, loaded: Any, assign: bool
    ) -> str | None:
        """Copy ``loaded`` into the member ``name``; what is wrong, or None."""
        if not isinstance(loaded, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or '
                f"Tensor-like object from checkpoint but received {type(loaded)}"
            )
        if tensor.dim() == 0 and loaded.dim() == 1 and len(loaded) == 1:
            loaded = loaded[0]  # scalars were stored with one dimension before torch 0.4
        if loaded.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {loaded.shape} from "
                f"checkpoint, the shape in current model is {tensor.shape}."
            )
        if tensor.is_meta and not loaded.is_meta and not assign:
            warnings.warn(f"for {key}: copying from a non-meta parameter in the checkpoint to a "
                          "meta parameter in the current model, which is a no-op. (Did you mean to "
                          "pass `assign=True`, to take the given tensors themselves?)",
                          stacklevel=2)
        try:
            with no_grad():
                if assign:
                    setattr(self, name, _as_member(tensor, loaded))
                else:
                    tensor.copy_(loaded)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{tensor.size()} and whose dimensions in the checkpoint are {loaded.size()}, "
                f"an exception occurred : {error.args}."
            )
        return None

    def _load_extra_state(
        self, state_dict: Any, prefix: str, strict: bool, missing: list[str], unexpected: list[str]
    ) -> None:
        key = prefix + EXTRA_STATE_KEY_SUFFIX
        if self._has_extra_state("set_extra_state"):
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing.append(key)
        elif strict and key in state_dict:
            unexpected.append(key)

    def _note_unexpected(self, state_dict: Any, prefix: str, unexpected: list[str]) -> None:
        own = {name for name, tensor in self._own_state().items() if tensor is not None}
        for key in state_dict:
            if not key.startswith(prefix) or key == prefix + EXTRA_STATE_KEY_SUFFIX:
                continue
            first, *below = key[len(prefix) :].split(".", 1)
            if (first not in self._modules) if below else (first not in own):
                unexpected.append(key)

    # Hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before the module's part is written."""
        return add_hook(hook, self._state_dict_pre_hooks)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` afterwards; returns None."""
        hook._from_public_api = True
        return add_hook(hook, self._state_dict_hooks)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As the post hook, but a returned value replaces the dictionary."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return add_hook(hook, self._state_dict_hooks)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` before the module takes its part."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        flags = (self._load_state_dict_pre_hooks_with_module,) if with_module else ()
        return add_hook(hook, self._load_state_dict_pre_hooks, *flags)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may change the lists."""
        return add_hook(hook, self._load_state_dict_post_hooks)


def _load(
    module: Any,
    state_dict: Any,
    prefix: str,
    metadata: Any,
    assign: bool,
    missing: list[str],
    unexpected: list[str],
    errors: list[str],
) -> None:
    local_metadata = {} if metadata is None else dict(metadata.get(prefix[:-1], {}))
    if assign:
        local_metadata["assign_to_params_buffers"] = True
    module._load_from_state_dict(
        state_dict, prefix, local_metadata, True, missing, unexpected, errors
    )
    for name, child in module._modules.items():
        if child is not None:
            path = f"{prefix}{name}."
            below = OrderedDict((k, v) for k, v in state_dict.items() if k.startswith(path))
            _load(child, below, path, metadata, assign, missing, unexpected, errors)
    keys = _IncompatibleKeys(missing, unexpected)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                "return new values, if incompatible_keys need to be modified, it should be done "
                "inplace."
            )


def _as_member(tensor: Tensor, loaded: Tensor) -> Tensor:
    """``loaded`` in the role of ``tensor``: a parameter if that is one."""
    if not isinstance(tensor, Parameter):
        return loaded
    if not isinstance(loaded, Parameter):
        return Parameter(loaded, requires_grad=tensor.requires_grad)
    return loaded.requires_grad_(tensor.requires_grad)


def _report(kind: str, keys: list[str], errors: list[str]) -> None:
    if keys:
        listed = ", ".join(f'"{key}"' for key in keys)
        errors.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
