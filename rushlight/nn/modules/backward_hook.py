"""The gates around a module's forward through which its backward hooks see gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from rushlight.autograd import Function, is_grad_enabled
from rushlight.tensor import Tensor


class BackwardHookFunction(Function):
    """The identity on tensors; its backward shows their gradients to ``observe``."""

    @staticmethod
    def forward(ctx: Any, observe: Callable, materialize: bool, *tensors: Tensor) -> tuple:
        ctx.observe = observe
        ctx.set_materialize_grads(materialize)
        ctx.mark_non_differentiable(*(t for t in tensors if not t.requires_grad))
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple:
        return (None, None, *ctx.observe(grads))


class BackwardHook:
    """The full backward hooks of one call of one module.

    A gate behind the outputs notes ``grad_output`` (pre-hooks may replace it); a gate before the
    inputs, reached when all their gradients are known, calls the hooks.
    """

    def __init__(self, module: Any, hooks: Sequence[Callable], pre_hooks: Sequence[Callable]):
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.grad_outputs: tuple | None = None
        self.input_places: list[int] | None = None
        self.output_places: list[int] = []
        self.input_count = self.output_count = 0

    def setup_input_hook(self, args: tuple) -> tuple:
        """Pass the tensors among ``args`` through a gate that calls the hooks in backward."""
        self.input_count = len(args)
        places = _tensor_places(args)
        if any(args[place].requires_grad for place in places) and is_grad_enabled():
            self.input_places = places
            return _through_gate(args, places, self._on_inputs, True)
        return args

    def setup_output_hook(self, output: Any) -> Any:
        """Pass the tensors of ``output`` through a gate that notes their gradients."""
        single = not isinstance(output, tuple)
        outputs = (output,) if single else output
        if single and not isinstance(output, Tensor):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple "
                f"of Tensors but received {type(output)}",
                stacklevel=4,
            )
            return output
        self.output_count = len(outputs)
        self.output_places = _tensor_places(outputs)
        if any(outputs[p].requires_grad for p in self.output_places) and is_grad_enabled():
            outputs = _through_gate(outputs, self.output_places, self._on_outputs, False)
        return outputs[0] if single else outputs

    def _on_outputs(self, grads: tuple) -> tuple:
        grad_outputs = _with_none(self.output_places, grads, self.output_count)
        for hook in self.pre_hooks:
            replaced = hook(self.module, grad_outputs)
            if replaced is None:
                continue
            if not isinstance(replaced, tuple):
                replaced = (replaced,)
            if len(replaced) != len(grad_outputs):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(replaced)}, but expected {len(grad_outputs)}"
                )
            grad_outputs = replaced
        if self.input_places is None:
            self._call_without_input_grads(grad_outputs)
        else:
            self.grad_outputs = grad_outputs
        return tuple(grad_outputs[place] for place in self.output_places)

    def _call_without_input_grads(self, grad_outputs: tuple) -> None:
        grad_inputs = (None,) * self.input_count
        for hook in self.hooks:
            result = hook(self.module, grad_inputs, grad_outputs)
            if result is not None and not (
                isinstance(result, tuple) and all(each is None for each in result)
            ):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should "
                    "always return None or None for all gradients."
                )

    def _on_inputs(self, grads: tuple) -> tuple:
        if self.grad_outputs is None:  # a gradient came that did not pass the outputs
            return grads
        grad_inputs = _with_none(self.input_places, grads, self.input_count)
        for hook in self.hooks:
            replaced = hook(self.module, grad_inputs, self.grad_outputs)
            if replaced is None:
                continue
            if not isinstance(replaced, tuple):
                replaced = (replaced,)
            if len(replaced) != len(grad_inputs):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(replaced)}, but expected {len(grad_inputs)}"
                )
            grad_inputs = replaced
        self.grad_outputs = None
        return tuple(grad_inputs[place] for place in self.input_places)


def register_output_hook(module: Any, hooks: Sequence[Callable], args: tuple, output: Any) -> None:
    """Register hooks of the older kind: on the node that made the (first) output tensor."""
    first = output
    while not isinstance(first, Tensor):
        if isinstance(first, dict):
            first = next(value for value in first.values() if isinstance(value, Tensor))
        else:
            first = first[0]
    node = first.grad_fn
    if node is None:
        return
    _warn_about_older_hooks(node, args, output)
    for hook in hooks:
        node.register_hook(lambda grad_in, grad_out, hook=hook: hook(module, grad_in, grad_out))


def _warn_about_older_hooks(node: Any, args: Any, output: Any) -> None:
    advice = "is deprecated and will be removed in future versions. This hook will be missing some"
    outputs = output if isinstance(output, tuple) else (output,)
    inputs = args if isinstance(args, tuple) else (args,)
    if not all(isinstance(each, Tensor) for each in outputs):
        _warn(
            "Using non-full backward hooks on a Module that does not return a single Tensor or a "
            f"tuple of Tensors {advice} of the grad_output."
        )
    elif not all(isinstance(each, Tensor) for each in inputs):
        _warn(
            "Using non-full backward hooks on a Module that does not take as input a single "
            f"Tensor or a tuple of Tensors {advice} of the grad_input."
        )
    elif len({each.grad_fn for each in outputs if each.grad_fn is not None}) > 1:
        _warn(
            "Using a non-full backward hook when outputs are generated by different autograd "
            f"Nodes {advice} grad_output."
        )
    else:
        before = {each.grad_fn for each in inputs if each.grad_fn is not None}
        following = {edge[0] for edge in node.next_functions}
        if following - before and any(not hasattr(each, "variable") for each in following - before):
            _warn(
                "Using a non-full backward hook when the forward contains multiple autograd "
                f"Nodes {advice} grad_input."
            )


def _warn(message: str) -> None:
    message += " Please use register_full_backward_hook to get the documented behavior."
    warnings.warn(message, FutureWarning, stacklevel=6)


def _tensor_places(values: tuple) -> list[int]:
    return [place for place, value in enumerate(values) if isinstance(value, Tensor)]


def _through_gate(values: tuple, places: list[int], observe: Callable, materialize: bool) -> tuple:
    tensors = [values[place] for place in places]
    passed = BackwardHookFunction.apply(observe, materialize, *tensors)
    changed = list(values)
    for place, tensor in zip(places, passed, strict=True):
        changed[place] = tensor
    return tuple(changed) if type(values) is tuple else type(values)(*changed)  # a named one


def _with_none(places: list[int], values: Sequence, count: int) -> tuple:
    spread: list[Any] = [None] * count
    for place, value in zip(places, values, strict=True):
        spread[place] = value
    return tuple(spread)
