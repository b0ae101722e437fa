"""The register of declared ops: under which torch paths each is found, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rushlight.tensor import Tensor

# From a maker of tensors, `x(2, 3)`, a list of calls: arguments, options in a last dictionary.
Samples = Callable[[Any], list[tuple[Any, ...]]]


@dataclass(eq=False)
class Declaration:
    """One op as declared in `ops/`."""

    name: str
    family: str
    body: Callable[..., Any]  # what the author wrote
    paths: list[str] = field(default_factory=list)  # "exp", "Tensor.exp", "special.expit"
    op: Any = None  # the family's own object, for derived tests and documents
    function: Any = None  # what users call
    samples: Samples | None = None  # arguments that derived tests call it with
    location: tuple[str, int] = ("", 0)  # file and line

    def __post_init__(self) -> None:
        # Read now: autocast puts other code into functions, bodies of composites among them.
        code = innermost(self.body).__code__
        self.location = code.co_filename, code.co_firstlineno


def innermost(function: Any) -> Any:
    """What all decorators were put around.

    (`inspect.unwrap` takes several times as long, and an import asks for a thousand.)
    """
    while (inner := getattr(function, "__wrapped__", None)) is not None:
        function = inner
    return function


# In-place forms that torch has as methods only; the others are functions as well.
METHODS_ONLY = frozenset("""
    absolute_ add_ addbmm_ addcdiv_ addcmul_ addmm_ addr_ arctan2_ atan2_ baddbmm_ bitwise_and_
    bitwise_left_shift_ bitwise_not_ bitwise_or_ bitwise_right_shift_ bitwise_xor_ copysign_
    cumprod_ cumsum_ digamma_ div_ divide_ eq_ erfinv_ float_power_ floor_divide_ fmod_ ge_
    greater_ greater_equal_ gt_ hardshrink_ heaviside_ hypot_ igamma_ igammac_ le_ lerp_ less_
    less_equal_ lgamma_ logical_and_ logical_not_ logical_or_ logical_xor_ lt_ mul_ multiply_
    mvlgamma_ ne_ nextafter_ not_equal_ pow_ remainder_ renorm_ sgn_ sign_ sub_ subtract_ tril_
    triu_ true_divide_
""".split())

DECLARATIONS: list[Declaration] = []
PATHS: dict[str, Declaration] = {}
FUNCTIONS: dict[str, Callable[..., Any]] = {}  # path -> what the user calls


def register(declaration: Declaration, path: str, function: Callable[..., Any]) -> None:
    """Make `function` what is called at the torch path `path`; Tensor's methods are attached.

    Nothing is done for a function that torch has as a method only (`METHODS_ONLY`).

    Raises ValueError for a path that is declared already.
    """
    if path in METHODS_ONLY:
        return
    if path in PATHS:
        raise ValueError(f"{path} is declared twice: by {PATHS[path].body.__qualname__} and "
                         f"{declaration.body.__qualname__}")
    if not declaration.paths:
        DECLARATIONS.append(declaration)
    declaration.paths.append(path)
    PATHS[path], FUNCTIONS[path] = declaration, function
    holder, _, name = path.rpartition(".")
    if holder == "Tensor":
        setattr(Tensor, name, function)
        return
    # Forms that no `def` names (aliases, in place, with a switch) get a name to be imported by.
    module = innermost(declaration.body).__globals__
    defined = declaration.body.__qualname__.partition(".")[0]  # what the module will call it
    if name == defined and function is declaration.function:
        return
    if name == defined or module.setdefault(name, function) is not function:
        module.setdefault(f"{holder.rpartition('.')[2]}_{name}", function)


def node_name(name: str) -> str:
    """What torch calls the node of the op `name`: AddBackward0 for add."""
    return "".join(part.capitalize() for part in name.strip("_").split("_")) + "Backward0"


def named(name: str, function: Any, declaration: Declaration) -> Any:
    """`function` under its public name and the declaration's documentation."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = declaration.body.__doc__
    function.__module__ = declaration.body.__module__
    function.declaration = declaration
    return function
