"""The base of every optimizer: parameter groups, per-parameter state, hooks, saving and loading."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any

from rushlight.autograd import enable_grad
from rushlight.optim.sync import SyncReport, sync
from rushlight.tensor import Tensor
from rushlight.utils.hooks import RemovableHandle

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]

_global_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
_global_post_hooks: OrderedDict[int, Callable] = OrderedDict()


class _Required:
    """Stands for a hyperparameter that has no default."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every `step` of every optimizer.

    `args` begins with the optimizer; the hook may return `(args, kwargs)` to replace them.
    Returns a handle whose `remove()` takes the hook away.
    """
    return _register(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every `step` of every optimizer.

    Returns a handle whose `remove()` takes the hook away.
    """
    return _register(_global_post_hooks, hook)


def _register(hooks: OrderedDict, hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _with_hooks(step: Callable) -> Callable:
    """`step` with the pre- and post-hooks around it; free of cost while there are none."""

    @functools.wraps(step)
    def hooked_step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        pre_hooks = self._optimizer_step_pre_hooks
        if pre_hooks is None or not (pre_hooks or self._optimizer_step_post_hooks
                                     or _global_pre_hooks or _global_post_hooks):
            return step(self, *args, **kwargs)
        args = (self, *args)  # as hooks see them, and replace them
        for hook in chain(_global_pre_hooks.values(), pre_hooks.values()):
            result = hook(self, args, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"<function {type(self).__name__}.step at {id(step):#x}> must return None "
                        f"or a tuple of (new_args, new_kwargs), but got {result}."
                    )
                args, kwargs = result
        out = step(*args, **kwargs)
        for hook in chain(self._optimizer_step_post_hooks.values(), _global_post_hooks.values()):
            hook(self, args, kwargs)
        return out

    hooked_step.hooked = True  # type: ignore[attr-defined]
    return hooked_step


class Optimizer:
    """Base class of optimizers.

    Args:
        params: an iterable of tensors, of `(name, tensor)` pairs, or of dicts, each a parameter
            group: `{"params": [...], "lr": 0.1, ...}`. Its order must be the same from run to run.
        defaults: the hyperparameters of groups that do not name their own.

    A subclass defines `step(closure=None)` and keeps what it remembers of a parameter `p` in
    `self.state[p]`.

    Raises:
        TypeError: `params` is a tensor or a set, or holds something that is not a tensor.
        ValueError: `params` is empty, names a parameter twice, or holds a non-leaf tensor.
    """

    # None where __init__ was not called: wrappers of libraries, whose inner optimizer has the hooks
    _optimizer_step_pre_hooks: OrderedDict | None = None
    _opt_called = False  # whether `step` ran: schedulers warn when it did not

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._reset_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {params.type()}; wrap it in a list: [tensor]"
            )
        self.state: defaultdict[Tensor, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list: give it what "
                             "model.parameters() yields (an iterator is empty once it was used)")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if callable(step) and not getattr(step, "hooked", False):
            cls.step = _with_hooks(step)  # type: ignore[method-assign]

    def _patch_step_function(self) -> None:
        """Nothing: `step` has its hooks from its class. Libraries call it in wrappers."""

    def _reset_hooks(self) -> None:
        self._optimizer_step_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_step_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_post_hooks: OrderedDict[int, Callable] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        # Hooks are closures over the program that made them: they do not travel.
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._reset_hooks()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"] if i else ["Parameter Group 0"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    # ---- stepping -----------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: set them to None, or to zero in place."""
        for group in self.param_groups:
            for p in group["params"]:
                grad = p._grad
                if grad is None:
                    continue
                if set_to_none:
                    p._grad = None
                elif grad.grad_fn is not None:
                    grad.detach_().zero_()
                else:
                    grad.requires_grad_(False).zero_()

    def step(self, closure: Closure | None = None) -> Any:
        """Update the parameters once; a subclass says how.

        Args:
            closure: called first, with gradients enabled; clears the gradients, computes the loss,
                calls `backward` and returns the loss, which `step` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def profile_hook_step(self, func: Callable) -> Callable:
        """`func`, a step function, with this class's pre- and post-hooks around it."""
        return _with_hooks(func)

    @staticmethod
    def _loss_of(closure: Closure | None) -> Any:
        if closure is None:
            return None
        with enable_grad():
            return closure()

    # ---- groups -------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, for example of a layer that is unfrozen during training.

        Args:
            param_group: `{"params": tensor or iterable}` and any hyperparameters of its own.

        Raises:
            TypeError, ValueError: as for the constructor.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _tensors_and_names(param_group["params"])
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        differentiable = self.defaults.get("differentiable", None)
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is "
                    f"{type(p).__name__}"
                )
            if not differentiable and not (p.is_leaf or p.retains_grad):
                raise ValueError(
                    "can't optimize a non-leaf Tensor; detach() it, or pass the tensors that it "
                    "was computed from"
                )
        self._set_defaults(param_group)
        self._refuse_repeated(param_group)
        self.param_groups.append(param_group)

    def _set_defaults(self, group: dict[str, Any]) -> None:
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, default)

    def _refuse_repeated(self, group: dict[str, Any]) -> None:
        ids = {id(p) for p in group["params"]}
        if len(ids) != len(group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this "
                "will cause an error; see github.com/pytorch/pytorch/issues/40967 for more "
                "information",
                stacklevel=4,
            )
        for other in self.param_groups:
            if not ids.isdisjoint(map(id, other["params"])):
                raise ValueError("some parameters appear in more than one parameter group")
            if ("param_names" in other) != ("param_names" in group):
                with_or_without = "with names" if "param_names" in group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param "
                    f"group {with_or_without} to the optimizer"
                )

    def sync(self, *models: Any) -> SyncReport:
        """Follow a model whose layers were added, removed or resized since the last step.

        Parameters that the model still has keep their state. Where one was replaced by another of
        the same name (or, where the optimizer was given no names, of the same place between
        others), the state goes to it: cut off, or extended with zeros, in each dimension. New ones
        that require a gradient join the group of those before them. What the model no longer has
        is dropped. Names are remembered, and saved by `state_dict`.

        Args:
            models: all modules whose parameters this optimizer trains.

        Returns:
            A list of changes, `(what, name, before, after)`, what one of "kept", "resized",
            "added" and "dropped"; it prints as a table.

        Raises:
            TypeError: not a module, or an optimizer whose state is not by parameter (LBFGS).
            ValueError: nothing is left to train.

        >>> import rushlight as rl
        >>> model = rl.nn.Sequential(rl.nn.Linear(2, 3), rl.nn.Linear(3, 1))
        >>> optimizer = rl.optim.Adam(model.parameters())
        >>> model[1] = rl.nn.Linear(3, 2)
        >>> optimizer.sync(model)
        kept    0.weight  [3, 2]
        kept    0.bias  [3]
        resized 1.weight  [1, 3] -> [2, 3]
        resized 1.bias  [1] -> [2]
        """
        return sync(self, models)

    # ---- saving and loading -------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state as plain containers, in torch's layout.

        Returns `{"state": {index: {...}}, "param_groups": [{..., "params": [index, ...]}]}`,
        parameters numbered in the order of the groups. Its tensors share memory with the
        optimizer's.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        index: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                index.setdefault(id(p), len(index))
        state: dict[str, Any] = {
            "state": {
                index[id(key)] if isinstance(key, Tensor) else key: value
                for key, value in self.state.items()
            },
            "param_groups": [
                {k: v for k, v in group.items() if k != "params"}
                | {"params": [index[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }
        for hook in self._optimizer_state_dict_post_hooks.values():
            result = hook(self, state)
            if result is not None:
                state = result
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned, here or in torch.

        Parameters are matched by their order. Floating point state is cast to its parameter's
        dtype, but for `step`; the tensors are copied only where they are cast.

        Raises:
            ValueError: the number or the sizes of the groups differ.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            result = hook(self, state_dict)
            if result is not None:
                state_dict = result
        groups, saved_groups = self.param_groups, deepcopy(state_dict["param_groups"])
        _check_sizes(groups, saved_groups)
        params = chain.from_iterable(g["params"] for g in groups)
        saved_ids = chain.from_iterable(g["params"] for g in saved_groups)
        by_id = dict(zip(saved_ids, params, strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in by_id:
                state[by_id[key]] = _cast(by_id[key], value)
            else:
                state[key] = value
        for group, saved in zip(groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group and "param_names" not in saved:
                saved["param_names"] = group["param_names"]
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # ---- hooks --------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before `step`; it may return `(args, kwargs)`.

        `args` begins with the optimizer itself.
        """
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after `step`."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` gathers the state."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` returns; it may replace it."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before it is loaded; it may replace it."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` after a state has been loaded."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)


def _tensors_and_names(params: Any) -> tuple[list[Any], list[str]]:
    """The tensors of a group, and their names where it was given `(name, tensor)` pairs."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, (set, frozenset)):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering "
            "of tensors in sets will change between runs. Please use a list instead."
        )
    entries = list(params)
    named = [isinstance(entry, tuple) for entry in entries]
    if not any(named):
        return entries, []
    if not all(named):
        raise ValueError(
            "all optimizer params should be with/without names. Some param names are missing"
        )
    return [entry[1] for entry in entries], [entry[0] for entry in entries]


def _check_sizes(groups: list[dict[str, Any]], saved_groups: list[dict[str, Any]]) -> None:
    if len(groups) != len(saved_groups):
        raise ValueError(
            "loaded state dict has a different number of parameter groups: "
            f"{len(saved_groups)}, the optimizer has {len(groups)}"
        )
    for i, (group, saved) in enumerate(zip(groups, saved_groups, strict=True)):
        if len(group["params"]) != len(saved["params"]):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                f"optimizer's group: group {i} has {len(saved['params'])} parameters there, "
                f"{len(group['params'])} here"
            )


def _cast(param: Tensor, value: Any, key: str = "") -> Any:
    """`value` as state of `param`: floating point tensors in its dtype, counters as they are."""
    if isinstance(value, Tensor):
        if key == "step":
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, Mapping):
        return {k: _cast(param, v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(param, v) for v in value)
    return value
