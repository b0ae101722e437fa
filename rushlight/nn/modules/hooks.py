"""Hooks on one module: functions called before and after its forward and its backward."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rushlight.nn.modules.backward_hook import BackwardHook, register_output_hook

_ids = itertools.count()

# Every hook that concerns calls, of all modules: while it is empty, calls take the short way.
global_call_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
global_forward_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
global_forward_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
global_backward_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
global_backward_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
global_full_backward_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
global_with_kwargs: OrderedDict[int, bool] = OrderedDict()
global_always_called: OrderedDict[int, bool] = OrderedDict()

CALL_HOOKS = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
)
STATE_HOOKS = (
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks_with_module",
    "_load_state_dict_post_hooks",
)


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook out; so does leaving ``with``.

    >>> import rushlight as rl
    >>> layer = rl.nn.Identity()
    >>> with layer.register_forward_hook(lambda module, args, output: print("called")):
    ...     _ = layer(1)
    called
    >>> _ = layer(1)
    """

    def __init__(self, hooks: dict, *, extra_dict: Any = ()) -> None:
        self.id = next(each for each in _ids if each not in hooks)  # hooks may come from a pickle
        extras = extra_dict if isinstance(extra_dict, list | tuple) else (extra_dict,)
        self.hooks_dict_ref = weakref.ref(hooks)
        self.extra_dict_ref = tuple(weakref.ref(each) for each in extras)

    def remove(self) -> None:
        """Take the hook out of every registry; a second call does nothing."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            registry = reference()
            if registry is not None:
                registry.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        # The registries themselves: pickled along with the module, they are the module's again.
        return self.hooks_dict_ref(), self.id, tuple(each() for each in self.extra_dict_ref)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks, self.id, extras = state
        kept = [OrderedDict() if each is None else each for each in (hooks, *extras)]
        self.hooks_dict_ref, *rest = map(weakref.ref, kept)
        self.extra_dict_ref = tuple(rest)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(
    hook: Callable[..., Any],
    registry: OrderedDict,
    *flags: OrderedDict,
    prepend: bool = False,
    also: OrderedDict | None = None,
) -> RemovableHandle:
    """Register ``hook`` in ``registry``, note its id in each of ``flags``, return its handle."""
    extras = flags if also is None else (*flags, also)
    handle = RemovableHandle(registry, extra_dict=extras)
    registry[handle.id] = hook
    for flag in extras:
        flag[handle.id] = True
    if prepend:
        registry.move_to_end(handle.id, last=False)
    return handle


class ModuleHooks:
    """Registration of hooks on a module; the base of :class:`Module`."""

    # True or False once backward hooks are registered: full ones, or the older kind.
    _is_full_backward_hook: bool | None
    _call_hooks: OrderedDict[int, bool]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each forward; a returned value replaces ``args``.

        ``with_kwargs=True``: ``hook(module, args, kwargs)``, which returns None or both.
        ``prepend=True`` puts it before the module's other hooks of the kind.
        """
        flags = (self._forward_pre_hooks_with_kwargs,) if with_kwargs else ()
        return add_hook(
            hook, self._forward_pre_hooks, *flags, prepend=prepend, also=self._call_hooks
        )

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each forward; a value replaces ``output``.

        ``with_kwargs=True``: ``hook(module, args, kwargs, output)``. ``always_call=True``: also
        when forward raises, with the output None. ``prepend=True``: before the others.
        """
        flags = []
        if with_kwargs:
            flags.append(self._forward_hooks_with_kwargs)
        if always_call:
            flags.append(self._forward_hooks_always_called)
        return add_hook(hook, self._forward_hooks, *flags, prepend=prepend, also=self._call_hooks)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before backward; a tuple replaces grad_output."""
        return add_hook(hook, self._backward_pre_hooks, prepend=prepend, also=self._call_hooks)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` once the inputs' gradients are known.

        A returned tuple replaces ``grad_input``. Gradients come as tuples with None for
        arguments that are no tensors or need no gradient.
        """
        self._use_full_backward_hooks(True)
        return add_hook(hook, self._backward_hooks, prepend=prepend, also=self._call_hooks)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form of :meth:`register_full_backward_hook`.

        ``grad_input`` is that of the last operation in forward, not of the whole module.
        """
        self._use_full_backward_hooks(False)
        return add_hook(hook, self._backward_hooks, also=self._call_hooks)

    def _use_full_backward_hooks(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a "
                "single Module. Please use only one of them."
            )
        self._is_full_backward_hook = full


class _Progress:
    """How far a call has come: the forward hooks that ran, and the output so far."""

    __slots__ = ("called", "output")

    def __init__(self) -> None:
        self.called: set[int] = set()
        self.output: Any = None


def call_with_hooks(module: Any, args: tuple, kwargs: dict) -> Any:
    """Run ``module.forward`` with every hook in its place."""
    progress = _Progress()
    if not (module._forward_hooks_always_called or global_always_called):
        return _run(module, args, kwargs, progress)
    try:
        return _run(module, args, kwargs, progress)
    except Exception:
        _call_remaining(module, args, kwargs, progress)
        raise


def _run(module: Any, args: tuple, kwargs: dict, progress: _Progress) -> Any:
    args, kwargs = _run_pre_hooks(module, args, kwargs)
    full, older = _backward_hooks(module)
    pre = [*global_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
    gate = BackwardHook(module, full, pre) if full or pre else None
    if gate is not None:
        args = gate.setup_input_hook(args)
    output = progress.output = module.forward(*args, **kwargs)
    for hook_id, hook, with_kwargs in _forward_hooks(module):
        progress.called.add(hook_id)
        replacement = _call(hook, with_kwargs, module, args, kwargs, output)
        if replacement is not None:
            output = progress.output = replacement
    if gate is not None:
        output = gate.setup_output_hook(output)
    if older:
        register_output_hook(module, older, args, output)
    return output


def _run_pre_hooks(module: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    hooks = [(hook, False) for hook in global_forward_pre_hooks.values()]
    flagged = module._forward_pre_hooks_with_kwargs
    hooks += [(hook, key in flagged) for key, hook in module._forward_pre_hooks.items()]
    for hook, with_kwargs in hooks:
        if not with_kwargs:
            replacement = hook(module, args)
            if replacement is not None:
                args = replacement if isinstance(replacement, tuple) else (replacement,)
            continue
        replacement = hook(module, args, kwargs)
        if replacement is None:
            continue
        if not (isinstance(replacement, tuple) and len(replacement) == 2):
            raise RuntimeError(
                "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                f"but got {replacement}."
            )
        args, kwargs = replacement
    return args, kwargs


def _forward_hooks(module: Any) -> list[tuple[int, Callable[..., Any], bool]]:
    hooks = [(key, hook, key in global_with_kwargs) for key, hook in global_forward_hooks.items()]
    flagged = module._forward_hooks_with_kwargs
    return hooks + [(key, hook, key in flagged) for key, hook in module._forward_hooks.items()]


def _backward_hooks(module: Any) -> tuple[list, list]:
    """The full backward hooks, and those of the older kind."""
    full, older = list(global_full_backward_hooks.values()), list(global_backward_hooks.values())
    own = full if module._is_full_backward_hook is True else older
    own.extend(module._backward_hooks.values())
    return full, older


def _call(hook: Callable, with_kwargs: bool, module: Any, args: tuple, kwargs: dict, out: Any):
    return hook(module, args, kwargs, out) if with_kwargs else hook(module, args, out)


def _call_remaining(module: Any, args: tuple, kwargs: dict, progress: _Progress) -> None:
    """After forward or a hook raised: the hooks with ``always_call`` that have not run yet."""
    always = {**module._forward_hooks_always_called, **global_always_called}
    for hook_id, hook, with_kwargs in _forward_hooks(module):
        if hook_id in progress.called or hook_id not in always:
            continue
        try:
            replacement = _call(hook, with_kwargs, module, args, kwargs, progress.output)
        except Exception as error:
            where = "global " if hook_id in global_always_called else ""
            warnings.warn(
                f"{where}module forward hook with ``always_call=True`` raised an exception that "
                f"was silenced as another error was raised in forward: {error}",
                stacklevel=2,
            )
        else:
            progress.output = progress.output if replacement is None else replacement
