"""Finding the first module, operation and line that made a NaN or an infinity."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from rushlight.autograd.nested import tensors_in
from rushlight.backends.finite import all_finite
from rushlight.base.errors import GENERATED, PACKAGE, describe, describe_site, is_internal
from rushlight.base.flags import flags
from rushlight.engine.node import COUNT, Node, Version, next_sequence, version_of
from rushlight.random import get_rng_state, set_rng_state
from rushlight.tensor import Tensor

REMEMBERED = 10_000  # calls of modules that a node of the graph may be traced to
# Modules whose output is finite if their input is, whatever its size.
KEEPING = frozenset("""
    Identity Flatten Unflatten ReLU ReLU6 Hardtanh Sigmoid Tanh GELU MaxPool1d MaxPool2d MaxPool3d
""".split())
# Operations to which -inf is a place that does not count: that all places are so is their finding.
MASKED = frozenset({"softmax", "log_softmax", "logsumexp"})
# Nodes that move the gradients they receive, or put zeros in their place.
MOVING = frozenset(f"{name}Backward0" for name in """
    View T Transpose Permute Movedim Squeeze Unsqueeze Select Slice Split Unbind Cat Stack Clone
    Flip ConstantPad Relu
""".split())


class NonFiniteError(RuntimeError):
    """What `nan_guard` raises.

    module: the path of the module, None outside of the model. op: the operation or node.
    line: `file:line (source)` of the user's program. kind: "nan" or "inf".
    """

    def __init__(self, message: str, module: str | None, op: str, line: str, kind: str) -> None:
        super().__init__(message)
        self.module, self.op, self.line, self.kind = module, op, line, kind


class nan_guard:  # noqa: N801 - used as a function
    """From now on, the first NaN or infinity that `model` makes is an error that names its origin.

    The outputs of all modules and the gradients of all recorded operations of this thread are
    read once, but for those that only move or bound numbers known to be finite. Where that shows
    something, the model runs again to find the operation.

    Args:
        model: a Module.
        inf: whether infinities count, too.
        backward: whether gradients are checked; not with a GradScaler, which makes infinities
            on purpose.

    Works until `remove()`, or until the end of the block if used as a context manager.
    Raises NonFiniteError, a RuntimeError with `module`, `op`, `line` and `kind`.

    >>> import rushlight as rl
    >>> class Net(rl.nn.Module):
    ...     def forward(self, x):
    ...         return x.log().sum()
    >>> with rl.nan_guard(Net()) as guard:
    ...     try:
    ...         guard.model(rl.tensor([1.0, -1.0]))
    ...     except RuntimeError as error:
    ...         print(error.kind, error.op)
    nan log
    """

    def __init__(self, model: Any, *, inf: bool = True, backward: bool = True) -> None:
        if not hasattr(model, "named_modules"):
            raise TypeError(f"nan_guard() needs a Module, got {type(model).__name__}")
        self.model, self.inf = model, inf
        self.paths = {module: path for path, module in model.named_modules()}
        # The model's arguments, and the state of the random stream before its call.
        self._call: tuple[tuple[Any, ...], dict[str, Any], Any] | None = None
        self._calls: deque[tuple[int, int, str]] = deque(maxlen=REMEMBERED)  # first, last node
        self._starts: list[tuple[int, bool]] = []  # and whether its output needs no reading
        self._finite = _Finite()
        self._keeping = {type(module) for module in self.paths if _keeps_finite(type(module))}
        self._searching = False
        self._before = (flags.anomaly, flags.anomaly_check_nan, flags.gradient_check)
        self._handles: list[Any] = []
        for module, path in self.paths.items():
            self._handles += [
                module.register_forward_pre_hook(self._begin, prepend=True, with_kwargs=True),
                module.register_forward_hook(self._check(path), with_kwargs=True),
            ]
        if backward:  # nodes then remember their line
            flags.anomaly, flags.anomaly_check_nan = True, False
            flags.gradient_check = self._check_gradients

    def remove(self) -> None:
        """End the guard; a second call does nothing."""
        if self._handles:
            flags.anomaly, flags.anomaly_check_nan, flags.gradient_check = self._before
        while self._handles:
            self._handles.pop().remove()

    def __enter__(self) -> nan_guard:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    # ---- forward

    def _begin(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._searching:
            return
        if module is self.model:
            self._starts.clear()  # what a call that failed has left
            self._call = (args, kwargs, get_rng_state())
        # Other hooks may replace what comes in and out.
        known = (type(module) in self._keeping and len(args) == 1 and args[0] in self._finite
                 and len(module._forward_pre_hooks) == len(module._forward_hooks) == 1)
        self._starts.append((next_sequence(), known))

    def _check(self, path: str) -> Any:
        def hook(module: Any, args: Any, kwargs: Any, output: Any) -> None:
            if self._searching:
                return
            start, known = self._starts.pop() if self._starts else (0, False)
            self._calls.append((start, next_sequence(), path))
            for tensor in (output,) if type(output) is Tensor else tensors_in(output):
                kind = self._kind(tensor, known)
                if kind is not None:
                    self._explain(path, module, tensor, kind)
            if module is self.model:
                self._call = None  # the inputs need not live longer

        return hook

    def _kind(self, tensor: Tensor, known: bool = False) -> str | None:
        """ "nan" or "inf", whichever the tensor holds; None for one that is as it should be.

        known: whether it is finite for sure.
        """
        if known or tensor in self._finite or all_finite(tensor._array):
            self._finite.add(tensor)
            return None
        if np.isnan(tensor._array).any():
            return "nan"
        return "inf" if self.inf else None

    def _explain(self, path: str, module: Any, output: Tensor, kind: str) -> None:
        """Raise the error for an output of a module."""
        what = f"{_named(path, module)} gave {kind} in {_share(output, kind)}"
        for name in self._spoilt(path):
            raise NonFiniteError(f"{what}: {name} was not finite already, so the step before made "
                                 "it so", path, "", name, kind)
        args, kwargs, state = self._call or ((), {}, None)
        for tensor in [*tensors_in(args), *tensors_in(kwargs)]:
            if self._kind(tensor) == kind:
                raise NonFiniteError(f"{what}: the model's input held it already, in "
                                     f"{_share(tensor, kind)}", path, "", "the input", kind)
        found = None if self._call is None else self._search(module, kind, args, kwargs, state)
        if found is None:
            raise NonFiniteError(f"{what}; it did not appear again when the model was run anew to "
                                 "find the operation", path, "", "an unknown line", kind)
        made, after = found
        maker = f"{_named(made.path, self._module(made.path))} made {made.kind}"
        through = "" if after is made else f"{after.op} at {after.line} made {kind} of it; "
        raise NonFiniteError(
            f"{maker}: {made.op} at {made.line}; {through}seen in the output of "
            f"{_named(path, module)}, in {_share(output, kind)}",
            made.path, made.op, made.line, made.kind)

    def _spoilt(self, path: str) -> Iterator[str]:
        """The names of parameters, of a module, those in it and around it, that are not finite."""
        own = [(name, x) for name, x in self.model.named_parameters() if self._kind(x) is not None]
        # -inf may be meant in buffers, as in masks.
        own += [(name, x) for name, x in self.model.named_buffers() if self._kind(x) == "nan"]
        for name, _ in own:
            holder = f"{name.rpartition('.')[0]}."
            if holder == "." or f"{path}.".startswith(holder) or holder.startswith(f"{path}."):
                yield name

    def _module(self, path: str) -> Any:
        return next(module for module, own in self.paths.items() if own == path)

    def _search(self, module: Any, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any],
                state: Any) -> tuple[_Call, _Call] | None:
        """Run the model again: the call that began it, and the first that returned `kind`.

        They differ where `kind` was made of infinities that an earlier call had made.
        """
        before, present = sys.getprofile(), get_rng_state()
        first: _Call | None = None

        def watch(frame: FrameType, event: str, value: Any) -> None:
            nonlocal first
            result = _first_argument(frame) if frame.f_code.co_name == "setitem" else value
            held = self._kind(result) if event == "return" and isinstance(result, Tensor) else None
            op, inner = (None, None) if held is None else (_operation(frame), self._path(frame))
            if held is None or op is None or inner is None:
                return
            call = _Call(op, _line(frame), inner, held)
            spoilt = any(map(_spoilt, _operands(frame)))
            if first is None and not spoilt:
                first = call
            # -inf may be meant, as in masks of attention: only the module that was seen counts.
            if held == kind and (kind == "nan" or self._within(frame, module)):
                earlier = spoilt and first is not None and op not in MASKED
                raise _Found(first if earlier else call, call)

        self._searching = True
        set_rng_state(state)
        sys.setprofile(watch)
        try:
            self.model(*args, **kwargs)
        except _Found as found:
            made, after = found.args
            return made, after
        except Exception:  # what the model meets now is no answer
            return None
        finally:
            sys.setprofile(before)
            set_rng_state(present)
            self._searching = False
        return None

    def _path(self, frame: FrameType) -> str | None:
        """The path of the innermost module whose forward is running."""
        for outer in _outwards(frame):
            if outer.f_code.co_name == "forward":
                for module, path in self.paths.items():
                    if module is _first_argument(outer):
                        return path
        return None

    def _within(self, frame: FrameType, module: Any) -> bool:
        return any(_first_argument(outer) is module for outer in _outwards(frame))

    # ---- backward

    def _check_gradients(self, node: Node, gradient: Any, results: Any) -> None:
        """What the engine calls with the gradients that a node received and made."""
        received = [g for g in (gradient if node.outputs > 1 else [gradient]) if g is not None]
        known = type(node).__name__ in MOVING and all(g in self._finite for g in received)
        for result in results:
            if result is None or result is gradient:  # which was checked where it was made
                continue
            kind = self._kind(result, known)
            if kind is not None:
                break
        else:
            return
        line, name = describe_site(node.site), node.name()
        if any(self._kind(g) is not None for g in received):
            raise NonFiniteError(f"the gradient that backward() was given held {kind} already; it "
                                 f"came to {name}, recorded at {line}", None, name, line, kind)
        spans = [(last - first, path) for first, last, path in self._calls
                 if first < node._sequence < last]
        path = min(spans)[1] if spans else None
        where = "outside of the model" if path is None else f"in {_named(path, self._module(path))}"
        raise NonFiniteError(f"backward made {kind}: {name} {where}, recorded at {line}; the "
                             f"gradient is {_share(result, kind)}", path, name, line, kind)


class _Finite:
    """The tensors that were found finite of late, and not written to since."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[ref[Any], Version, int]] = {}

    def add(self, tensor: Tensor) -> None:
        if len(self._known) >= 1000:  # forgotten: at worst they are read again
            self._known.clear()
        version = version_of(tensor)
        self._known[id(tensor)] = ref(tensor), version, version[COUNT]

    def __contains__(self, tensor: Any) -> bool:
        found = self._known.get(id(tensor))
        if found is None:
            return False
        known, version, count = found
        return known() is tensor and version_of(tensor) is version and version[COUNT] == count


def _keeps_finite(kind: type) -> bool:
    ours = kind.__module__.startswith(("rushlight.nn.modules.", "torch.nn.modules."))
    return ours and kind.__name__ in KEEPING


class _Call(NamedTuple):
    """A call of an operation that returned something not finite."""

    op: str
    line: str
    path: str  # of the module that called
    kind: str


class _Found(BaseException):
    """Carries two calls out of the run that searched for them."""


def _operands(frame: FrameType) -> Iterator[Any]:
    """The arguments of the operation that a frame works for, and of those that it calls."""
    for outer in _outwards(frame):
        code = outer.f_code
        if code.co_name == "forward" or not is_internal(code.co_filename):
            return
        for name in code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]:
            yield outer.f_locals.get(name)


def _spoilt(operand: Any) -> bool:
    """Whether an operand holds numbers that are not finite: what it is made into is not news."""
    if isinstance(operand, float):
        return not math.isfinite(operand)
    return isinstance(operand, Tensor) and not all_finite(operand._array)


def _operation(frame: FrameType) -> str | None:
    """The name of the op in whose call the frame stands."""
    for outer in _outwards(frame):
        file = outer.f_code.co_filename
        if file.startswith((GENERATED, f"{PACKAGE}ops")):
            return outer.f_code.co_name.strip("_")
        if not is_internal(file):
            return None
    return None


def _line(frame: FrameType) -> str:
    user = next((f for f in _outwards(frame) if not is_internal(f.f_code.co_filename)), None)
    return describe_site(None if user is None else (user.f_code, user.f_lasti))


def _outwards(frame: FrameType | None) -> Any:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _first_argument(frame: FrameType) -> Any:
    """What a method calls self."""
    code = frame.f_code
    return frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None


def _named(path: str, module: Any) -> str:
    kind = type(module).__name__
    return f"module {path!r} ({kind})" if path else f"the model ({kind})"


def _share(tensor: Tensor, kind: str) -> str:
    array = tensor._array
    count = int((np.isnan(array) if kind == "nan" else np.isinf(array)).sum())
    return f"{count} of {array.size} elements of {describe(tensor)}"
