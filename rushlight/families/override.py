"""Who else may answer a call: `__torch_function__` of subclasses and foreign classes, and modes.

Calls of plain tensors pay nothing for it. Flat wrappers ask in their general path only. All other
operations are Python functions as their authors wrote them; they learn to ask, by a change of
their code in place, once a class that may answer is known (`arm`). While a mode is active every
operation asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, EllipsisType, FunctionType
from typing import Any

import numpy as np

from rushlight.base.device import device
from rushlight.base.dtypes import dtype
from rushlight.base.errors import GENERATED
from rushlight.base.shapes import Size
from rushlight.families.declaration import FUNCTIONS, PATHS
from rushlight.families.source import UNWRITTEN
from rushlight.tensor import Buffer, Parameter, Tensor

# Types that never answer, tested before anything is looked up.
PLAIN = frozenset((Tensor, Parameter, Buffer, int, float, bool, complex, str, type(None), slice,
                   EllipsisType, np.ndarray, Size, dtype, device, FunctionType))
UNCLAIMED: Any = object()  # nobody answers: the operation itself runs
# What makes a tensor of another kind, or only looks at types: it runs as it is.
IGNORED = frozenset("""
    tensor as_tensor from_numpy from_dlpack frombuffer zeros ones empty empty_strided full arange
    range linspace logspace eye is_tensor is_storage sparse_coo_tensor sparse_csr_tensor
    sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor sparse_compressed_tensor scalar_tensor
    from_file rand randn randint randperm tril_indices triu_indices bartlett_window blackman_window
    hamming_window hann_window kaiser_window broadcast_shapes empty_permuted vander
    Tensor.as_subclass Tensor.new
""".split())

Handler = Callable[[Any, tuple[type, ...], tuple[Any, ...], dict[str, Any]], Any]


class State(threading.local):
    """What the running thread asks."""

    off = 0  # 1: no types are asked; 2: no modes either
    modes: tuple[Any, ...] = ()  # the innermost last


state = State()


# ---- asking ------------------------------------------------------------------------------------


def claimants(values: Iterable[Any]) -> list[Any]:
    """The values to ask, one of each type: subclasses before their bases, else left to right."""
    found: list[Any] = []
    for value in values:
        kind = type(value)
        if kind in PLAIN:
            continue
        if kind is tuple or kind is list:
            for item in value:
                if type(item) not in PLAIN:
                    _claim(item, found)
        else:
            _claim(value, found)
    return found


def plain(values: Iterable[Any]) -> bool:
    """Whether no value can answer: the quick question, before `claimants`."""
    for value in values:
        kind = type(value)
        if kind in PLAIN:
            continue
        if kind is not list and kind is not tuple:
            return False
        for item in value:
            if type(item) not in PLAIN:
                return False
    return True


def _claim(value: Any, found: list[Any]) -> None:
    """Put `value` among those to ask, if its type answers and is not there yet."""
    kind = type(value)
    if not answers(kind) or any(type(other) is kind for other in found):
        return
    place = next((i for i, other in enumerate(found) if issubclass(kind, type(other))), len(found))
    found.insert(place, value)


def answers(kind: type) -> bool:
    """Whether calls with operands of this type are offered to it."""
    handler = getattr(kind, "__torch_function__", None)
    return handler is not None and handler is not disabled and not _is_torchs(handler)


def _is_torchs(function: Any) -> bool:
    """Whether torch itself wrote it: it would ask us again, for ever."""
    owner = getattr(function, "__func__", getattr(function, "__objclass__", function))
    module = getattr(owner, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] == "torch"


def claimed_by_type(values: Iterable[Any]) -> bool:
    """Whether a call with these arguments is offered to one of their types."""
    return state.off == 0 and bool(claimants(values))


def ask(function: Any, args: tuple[Any, ...], options: dict[str, Any],
        relevant: Iterable[Any] | None = None) -> Any:
    """What the active modes, then the types of the operands, make of a call; else UNCLAIMED.

    relevant: the values whose types are asked, where not all arguments. Raises TypeError where
    some are asked and all return NotImplemented.
    """
    result, found = _answer(function, args, options, relevant)
    if result is NotImplemented:
        raise no_implementation(function, found)
    return result


def _answer(function: Any, args: tuple[Any, ...], options: dict[str, Any],
            relevant: Iterable[Any] | None = None) -> tuple[Any, list[Any]]:
    """The first answer, NotImplemented where all refuse, UNCLAIMED without any; and who was asked.
    """
    if state.off == 2:
        return UNCLAIMED, []
    found: list[Any] = []
    if state.off == 0:
        found = claimants((*args, *options.values()) if relevant is None else relevant)
    if not found and not state.modes:
        return UNCLAIMED, found
    arm()
    kinds = tuple(type(value) for value in found)
    if state.modes:
        result = _ask_mode(function, kinds, args, options)
        if result is not NotImplemented:
            return result, found
    for value in found:
        result = value.__torch_function__(function, kinds, args, options)
        if result is not NotImplemented:
            return result, found
    return NotImplemented, found


def _ask_mode(function: Any, kinds: tuple[type, ...], args: tuple[Any, ...],
              options: dict[str, Any]) -> Any:
    """The innermost mode's answer; meanwhile only those around it are active."""
    modes = state.modes
    state.modes = modes[:-1]
    try:
        return modes[-1].__torch_function__(function, kinds, args, options)
    finally:
        state.modes = modes


def no_implementation(function: Any, asked: list[Any]) -> TypeError:
    """The error where nobody knows what to do."""
    mode = f" nor in mode {state.modes[-1]}" if state.modes else ""
    return TypeError(
        f"no implementation found for '{title(function)}' on types that implement "
        f"__torch_function__: {[type(value) for value in asked]}{mode}; each returned "
        "NotImplemented. Let one of them handle the function")


def title(function: Any) -> str:
    """The name of a function in messages, as torch's users write it."""
    declaration = getattr(function, "declaration", None)
    for path, other in FUNCTIONS.items() if declaration is None else (
            (path, FUNCTIONS[path]) for path in declaration.paths):
        if other is function:
            return f"torch.{path}"
    owner = getattr(function, "__self__", None)
    if isinstance(owner, property):
        name = next((name for base in Tensor.__mro__ for name, member in vars(base).items()
                     if member is owner), "property")
        return f"torch.Tensor.{name}.{function.__name__}"
    name = getattr(function, "__name__", "")
    if getattr(Tensor, name, None) is function:
        return f"torch.Tensor.{name}"
    module = getattr(function, "__module__", None) or "torch"
    return f"{module}.{getattr(function, '__qualname__', function)}"


def claimed(function: Any, args: tuple[Any, ...], options: Mapping[str, Any],
            defaults: Mapping[str, Any], following: tuple[str, ...]) -> Any:
    """`ask` for a flat wrapper, which knows its arguments by name: those left alone are dropped.

    following: options that are operands, given by position as far as they come next.
    """
    given = {n: v for n, v in options.items() if n not in defaults or v is not defaults[n]}
    for name in following:
        if name not in given:
            break
        args = (*args, given.pop(name))
    return ask(function, args, given)


def claimed_operator(function: Any, *operands: Any) -> Any:
    """`ask` for an operator: where all refuse, Python may try the other operand."""
    return _answer(function, operands, {})[0]


# ---- the answers of tensors --------------------------------------------------------------------


def disabled(function: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
             kwargs: dict[str, Any] | None = None) -> Any:
    """A `__torch_function__` for classes that do not want to be asked."""
    off, state.off = state.off, max(state.off, 1)
    try:
        return function(*args, **(kwargs or {}))
    finally:
        state.off = off


def default(cls: type, function: Any, types: tuple[type, ...], args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None) -> Any:
    """Run the function; tensors that it returns become instances of `cls`."""
    if not all(issubclass(cls, kind) for kind in types) or _is_torchs(function):
        return NotImplemented
    options = kwargs or {}
    result = disabled(function, types, args, options)
    if function in _AS_THEY_ARE:
        return result
    return convert(result, cls, (*args, *options.values()))


_AS_THEY_ARE = {Tensor.grad.__get__, Tensor._base.__get__}


def convert(value: Any, cls: type, given: tuple[Any, ...] = ()) -> Any:
    """`value`, or the tensors in it, as instances of `cls`, but for those that were `given`."""
    if isinstance(value, Tensor):
        if cls is Tensor or isinstance(value, cls):
            return value
        return _alias(value, cls) if any(value is other for other in given) else _become(value, cls)
    if isinstance(value, tuple):
        return tuple.__new__(type(value), [convert(item, cls, given) for item in value])
    return [convert(item, cls, given) for item in value] if type(value) is list else value


def _become(value: Tensor, cls: type) -> Tensor:
    """A tensor that nobody else holds, now of another class."""
    try:
        value.__class__ = cls
    except TypeError:  # the class has slots of its own
        return _alias(value, cls)
    return value


def _alias(value: Tensor, cls: type) -> Tensor:
    off, state.off = state.off, 2
    try:
        made: Tensor = value.as_subclass(cls)
        return made
    finally:
        state.off = off


# ---- operations that learn to ask --------------------------------------------------------------

_lock = threading.RLock()
_armed = False
_asking: dict[int, tuple[Any, Any]] = {}  # of a function's id: the function, and its own code
_all_ask = 0  # how many modes are active


def arm() -> None:
    """Let the operations that are plain Python functions ask, from now on."""
    global _armed
    if _armed:
        return
    with _lock:
        if not _armed:
            for path, function in FUNCTIONS.items():
                if not ignored(path) and not is_flat(function):
                    _teach(path, function)
            _armed = True


def is_flat(function: Any) -> bool:
    """Whether the function was written by a family and asks by itself."""
    return "fill_in" in getattr(function, "__globals__", ())


def all_ask(more: int) -> None:
    """Count the active modes; while there are any, every operation asks."""
    global _all_ask
    with _lock:
        before, _all_ask = _all_ask, _all_ask + more
        if not before and _all_ask:
            arm()
            for path, function in FUNCTIONS.items():
                _teach(path, function)
        elif before and not _all_ask:
            for path, function in FUNCTIONS.items():
                if ignored(path) or is_flat(function):
                    _unteach(function)


def _teach(path: str, function: Any) -> None:
    """Put a question before the code of a function."""
    last = path.rpartition(".")[2]
    private = last.startswith("_") and not last.startswith("__")
    if id(function) in _asking or private or not isinstance(function, FunctionType):
        return
    original = FunctionType(function.__code__, function.__globals__, function.__name__,
                            function.__defaults__, function.__closure__)
    original.__kwdefaults__ = function.__kwdefaults__
    original.__dict__.update(function.__dict__)

    offered = _offered(last, function)

    def question(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if state.modes or not plain(args) or (options and not plain(options.values())):
            found = ask(offered, args, options)
            if found is not UNCLAIMED:
                return found
        if original.__code__ is UNWRITTEN:
            _write(function, original)
        return original(*args, **options)

    place = f"_ask_{id(function)}"
    function.__globals__[place] = question
    _asking[id(function)] = function, original
    code = _template(function.__code__.co_freevars)
    teach: Any = function
    teach.__wrapped__ = original  # whoever reads the signature finds the declared one
    # In this order a call on another thread finds one of the two complete.
    function.__code__ = code.replace(co_names=(place,), co_name=function.__name__)
    function.__defaults__ = function.__kwdefaults__ = None


def _offered(last: str, function: Any) -> Any:
    """What a call is offered as: `x + y` as one of add, as torch does."""
    if not is_flat(function) or not last.startswith("__"):
        return function
    op = function.declaration.op
    if last.startswith("__i") and last != "__invert__":
        return FUNCTIONS.get(f"Tensor.{op.name}_", function)
    reflected = last.startswith("__r") and last not in ("__rshift__",)
    return function if reflected and op.name not in ("add", "mul") else op.declaration.function


def _write(function: Any, original: Any) -> None:
    """Let the family write the code of a function that asks already."""
    with _lock:
        if original.__code__ is UNWRITTEN:
            code = function.__code__
            function.__globals__["fill_in"]()
            original.__defaults__ = function.__defaults__
            original.__kwdefaults__ = function.__kwdefaults__
            original.__code__, function.__code__ = function.__code__, code
            function.__defaults__ = function.__kwdefaults__ = None


def _unteach(function: Any) -> None:
    """Give a function its own code back."""
    known = _asking.pop(id(function), None)
    if known is None:
        return
    original = known[1]
    function.__defaults__, function.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
    function.__code__ = original.__code__
    if original.__dict__.get("__wrapped__") is None:
        del function.__wrapped__
    else:
        function.__wrapped__ = original.__wrapped__


_templates: dict[tuple[str, ...], CodeType] = {}


def _template(free: tuple[str, ...]) -> CodeType:
    """Code that asks; for a closure it has to name as many outer variables as the one replaced."""
    if free not in _templates:
        names = ", ".join(free)
        source = (f"def outer({names}):\n    def f(*args, **options):\n        if 0: ({names})\n"
                  "        return ASK(args, options)\n    return f\n")
        made: dict[str, Any] = {}
        # A file name of the package's: what is recorded names the user's line, not this one.
        exec(compile(source, f"{GENERATED}{__name__}>", "exec"), made)
        _templates[free] = made["outer"](*free).__code__
    return _templates[free]


def overridable(path: str) -> bool:
    """Whether what is declared at `path` is offered to the types of its operands."""
    last = path.rpartition(".")[2]
    return not ignored(path) and (not last.startswith("_") or last.startswith("__"))


def ignored(path: str) -> bool:
    """Whether the operation at `path`, under this or another name, asks no types."""
    return not IGNORED.isdisjoint(PATHS[path].paths)
