"""Hooks on the calls and registrations of all modules at once, for tools that watch a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight.nn.modules import hooks, members
from rushlight.nn.modules.hooks import RemovableHandle, add_hook

_one_kind: list[bool] = []  # holds whether the global backward hooks are full ones, once known


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every module's forward; a value replaces ``args``."""
    return add_hook(hook, hooks.global_forward_pre_hooks, also=hooks.global_call_hooks)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's forward.

    >>> import rushlight as rl
    >>> seen = []
    >>> with rl.nn.modules.module.register_module_forward_hook(lambda m, a, o: seen.append(m)):
    ...     _ = rl.nn.Sequential(rl.nn.Identity())(1)
    >>> seen
    [Identity(), Sequential(
      (0): Identity()
    )]
    """
    flags = []
    if with_kwargs:
        flags.append(hooks.global_with_kwargs)
    if always_call:
        flags.append(hooks.global_always_called)
    return add_hook(hook, hooks.global_forward_hooks, *flags, also=hooks.global_call_hooks)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before every module's backward."""
    return add_hook(hook, hooks.global_backward_pre_hooks, also=hooks.global_call_hooks)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` in every module's backward."""
    _use_one_kind(True)
    return add_hook(hook, hooks.global_full_backward_hooks, also=hooks.global_call_hooks)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The older form of :func:`register_module_full_backward_hook`."""
    _use_one_kind(False)
    return add_hook(hook, hooks.global_backward_hooks, also=hooks.global_call_hooks)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` at registrations; a value replaces it."""
    return add_hook(hook, members.parameter_registration_hooks)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` at registrations; a value replaces it."""
    return add_hook(hook, members.buffer_registration_hooks)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` at registrations; a value replaces it."""
    return add_hook(hook, members.module_registration_hooks)


def _use_one_kind(full: bool) -> None:
    if _one_kind and _one_kind[0] is not full:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module "
            "hook. Please use only one of them."
        )
    _one_kind[:] = [full]
