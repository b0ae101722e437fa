"""Functions of plain Python learn to ask for rules when a transform is first entered.

The flat families ask in their general paths. Composite operations, creation and drawing are
Python functions of tensors of any type: their code is replaced, in place, by one that looks
whether a transform runs on this thread. Programs without transforms pay nothing.
"""

from __future__ import annotations

import inspect
import threading
from types import FunctionType
from typing import Any

from rushlight.base.errors import GENERATED
from rushlight.families.declaration import FUNCTIONS, PATHS
from rushlight.families.source import materialise
from rushlight.families.wrapped import Call, is_wrapped, leaves_of, levels, override
from rushlight.transforms.randomness import draw

FAMILIES = ("composite", "function", "random")
# They ask about tensors, or take their arguments as they are.
LEFT = frozenset("""
    is_tensor is_floating_point is_complex is_signed is_conj is_neg is_inference is_same_size
    numel get_device broadcast_shapes result_type detach zeros ones empty full arange eye linspace
    logspace tril_indices triu_indices is_storage range_ empty_strided from_numpy frombuffer
    from_file
""".split())
_lock = threading.Lock()
_done = False


def teach() -> None:
    """Let every function of plain Python ask for rules; once."""
    global _done
    if _done:
        return
    with _lock:
        if _done:
            return
        seen: set[int] = set()
        for path, declared in list(FUNCTIONS.items()):
            declaration = PATHS[path]
            function = inspect.unwrap(materialise(declared))
            if declaration.family not in FAMILIES or declaration.name in LEFT or id(
                    function) in seen or not isinstance(function, FunctionType):
                continue
            seen.add(id(function))
            _teach(function, path.rpartition(".")[2], declaration)
        _done = True


def _writes(name: str) -> bool:
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))


def _teach(function: Any, name: str, declaration: Any) -> None:
    """Put the question before the code of a function."""
    code = function.__code__
    signature = inspect.signature(function)
    original = FunctionType(code, function.__globals__, code.co_name, function.__defaults__,
                            function.__closure__)
    original.__kwdefaults__ = function.__kwdefaults__
    family, in_place = declaration.family, _writes(name)
    is_draw = family == "random" or "dropout" in name or name in ("rrelu", "rrelu_")

    def ask(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        call = Call(function, args, options, None, declaration.name, family, in_place, original)
        if is_draw:
            return draw(call)
        if is_wrapped(leaves_of((args, options))):
            return override(call)
        return original(*args, **options)

    place = f"_transforms_{name}_{id(function)}"
    function.__globals__.update(
        {place: ask, f"{place}_own": original, "_transforms_levels": levels})
    # The code of a closure has to name as many outer variables as the one it replaces.
    free = ", ".join(code.co_freevars)
    made: dict[str, Any] = {}
    kinds = {p.kind for p in inspect.signature(original).parameters.values()}
    plain = kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    head, packed, passed = "*args, **options", "args, options", "*args, **options"
    if plain:  # quicker, and the defaults stay
        head = passed = ", ".join(code.co_varnames[:code.co_argcount])
        packed = f"({head}{',' if head else ''}), {{}}"
    source = (f"def outer({free}):\n    def f({head}):\n        if 0: ({free})\n"
              f"        if _transforms_levels.stack:\n            return {place}({packed})\n"
              f"        return {place}_own({passed})\n    return f\n")
    exec(compile(source, f"{GENERATED}rushlight.transforms.{name}>", "exec"), made)
    asking = made["outer"](*code.co_freevars)
    # In this order a call on another thread finds one of the two complete.
    function.__code__ = asking.__code__
    if not plain:
        function.__defaults__ = function.__kwdefaults__ = None
    function.__signature__ = signature
