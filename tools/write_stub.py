"""Write `rushlight/tensor/__init__.pyi`: Tensor for type checkers, methods from ops included.

What the class itself defines is taken from its source, the other methods from the declarations.

    python tools/write_stub.py            write the stub
    python tools/write_stub.py --check    only show differences; exit code 1 if there are any
"""

from __future__ import annotations

import argparse
import ast
import builtins
import difflib
import inspect
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rushlight.families.declaration import FUNCTIONS, PATHS, Declaration  # noqa: E402
from rushlight.families.source import materialise  # noqa: E402
from rushlight.tensor import Tensor  # noqa: E402

FOLDER = ROOT / "rushlight" / "tensor"
STUB = FOLDER / "__init__.pyi"
WIDTH = 100

HEADER = '''\
# Written by tools/write_stub.py from the class and the declarations: change those, then run it.
"""Tensor: its memory, attributes, protocols and repr. Its operations come from `ops`."""

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from rushlight.base.device import device as _device
from rushlight.base.dtypes import dtype as _dtype
from rushlight.base.shapes import Size
from rushlight.engine.node import Handle, Node
from rushlight.tensor.storage import UntypedStorage

_Number: TypeAlias = builtins.bool | builtins.int | builtins.float | builtins.complex

__all__ = ["Buffer", "Parameter", "Tensor", "wrap"]

'''

# Words of the declarations' signatures, and what they mean to a caller.
MEANING = {
    "Array": "Tensor",
    "Generator": "Any",
    "Number": "_Number",
    "Operand": "Tensor | _Number | None",
    "Option": "Any",
    "Scalar": "_Number",
    "device": "_device",
    "dtype": "_dtype",
}
KNOWN = {"Any", "Callable", "Handle", "Iterator", "Node", "Sequence", "Size", "Tensor",
         "UntypedStorage", "_Number", "_device", "_dtype", "np"}


class Spelled(ast.NodeTransformer):
    """An annotation as the stub spells it: methods such as `float` hide builtins in the class."""

    unknown = False

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`storage.UntypedStorage` by its last name; NumPy's types as they are."""
        if isinstance(node.value, ast.Name) and node.value.id == "np":
            return node
        return self.visit_Name(ast.Name(node.attr))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name that the stub's own names or builtins explain."""
        if node.id in MEANING:
            return ast.parse(MEANING[node.id], mode="eval").body
        if node.id in KNOWN:
            return node
        if hasattr(builtins, node.id):
            return ast.Attribute(ast.Name("builtins"), node.id) if hasattr(Tensor, node.id) \
                else node
        self.unknown = True
        return node


# Types that say what they hold, where the source leaves it out.
GENERIC = {"list": "list[Any]", "dict": "dict[Any, Any]", "tuple": "tuple[Any, ...]",
           "Callable": "Callable[..., Any]", "Sequence": "Sequence[Any]"}


def spelled(annotation: Any) -> str:
    """An annotation (text, a class, or a node) as the stub spells it; "Any" if it is unknown."""
    if isinstance(annotation, type):
        annotation = annotation.__name__
    if isinstance(annotation, str):
        try:
            annotation = ast.parse(annotation, mode="eval").body
        except SyntaxError:
            return "Any"
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return spelled(annotation.value)
    if not isinstance(annotation, ast.expr):
        return "Any"
    if isinstance(annotation, ast.Name) and annotation.id in GENERIC:
        return GENERIC[annotation.id]
    if isinstance(annotation, ast.BinOp):
        parts = [spelled(annotation.left), spelled(annotation.right)]
        return "Any" if "Any" in parts else " | ".join(parts)
    speller = Spelled()
    text = ast.unparse(speller.visit(annotation))
    return "Any" if speller.unknown else text


def literal(value: Any) -> str:
    """A default as the stub shows it."""
    return repr(value) if isinstance(value, bool | int | str | float | None) else "..."


# ---- the class's own members -----------------------------------------------------------------


def own_members(name: str, file: str, private: bool = True) -> list[str]:
    """Lines for what the class `name` in `file` defines; private: also fields with a `_`."""
    module = ast.parse((FOLDER / file).read_text())
    found = next(n for n in module.body if isinstance(n, ast.ClassDef) and n.name == name)
    lines: list[str] = []
    for node in found.body:
        if isinstance(node, ast.FunctionDef):
            lines += own_method(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if private or not node.target.id.startswith("_"):
                lines.append(f"    {node.target.id}: {spelled(node.annotation)}")
        elif isinstance(node, ast.Assign):
            lines += own_values(node)
    return lines


def own_values(node: ast.Assign) -> list[str]:
    """Lines for class attributes that have a value and no annotation."""
    names = [t.id for t in node.targets if isinstance(t, ast.Name)]
    if "__slots__" in names:
        return []
    if names == ["__hash__"]:
        return ["    def __hash__(self) -> builtins.int: ..."]
    if isinstance(node.value, ast.Name):  # another name of a method
        return [f"    {name} = {node.value.id}" for name in names]
    kind = type(node.value.value).__name__ if isinstance(node.value, ast.Constant) else "Any"
    return [f"    {name}: {spelled(kind)}" for name in names]


def own_method(node: ast.FunctionDef) -> list[str]:
    """Lines for a method of the class, from its source."""
    returned = spelled(node.returns) if node.returns is not None else "Any"
    head = f"    def {node.name}({own_parameters(node.args)}) -> {returned}:"
    lines = [f"    @{ast.unparse(d)}" for d in node.decorator_list]
    return [*lines, *with_doc(head, ast.get_docstring(node))]


def own_parameters(given: ast.arguments) -> str:
    """The parameters of a method of the class as text."""
    parts: list[str] = []

    def add(argument: ast.arg, default: ast.expr | None = None, stars: str = "") -> None:
        note = "" if argument.annotation is None else f": {spelled(argument.annotation)}"
        value = "" if default is None else f" = {ast.unparse(default)}"
        parts.append(f"{stars}{argument.arg}{note}{value}")

    missing = len(given.args) - len(given.defaults)
    for argument, default in zip(given.args, [*[None] * missing, *given.defaults], strict=True):
        add(argument, default)
    if given.vararg is not None:
        add(given.vararg, stars="*")
    elif given.kwonlyargs:
        parts.append("*")
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        add(argument, default)
    if given.kwarg is not None:
        add(given.kwarg, stars="**")
    return ", ".join(parts)


def with_doc(head: str, text: str | None, end: str = "") -> list[str]:
    """A definition with the first line of its documentation, broken where it is long."""
    if not text:
        return broken(f"{head} ...{end}")
    first = inspect.cleandoc(text).partition("\n")[0].replace("\\", "\\\\")
    first = textwrap.fill(f'"""{first}"""', WIDTH - 8)
    return [*broken(f"{head}{end}"), textwrap.indent(first, " " * 8)]


def broken(line: str) -> list[str]:
    """`line` in lines of the width, broken after commas between parameters."""
    lines = []
    while len(line) > WIDTH and ", " in line[:WIDTH]:
        at = line.rindex(", ", 0, WIDTH) + 1
        lines.append(line[:at])
        line = " " * 12 + line[at + 1:]
    return [*lines, line]


# ---- methods that the declarations attach ------------------------------------------------------


def attached() -> list[str]:
    """Lines for what the ops attach, in alphabetical order."""
    lines: list[str] = []
    for name, value in sorted(vars(Tensor).items()):
        path = f"Tensor.{name}"
        if name.startswith("_") and not name.endswith("__"):
            continue  # for libraries that know torch's inside, not for programs
        if isinstance(value, property) and value.fget.__module__.startswith("rushlight.ops"):
            lines += attached_property(name, value)
        elif path in PATHS:
            lines += declared_method(name, FUNCTIONS[path], PATHS[path])
        elif getattr(value, "__module__", "").startswith("rushlight.ops"):  # by another name
            lines += declared_method(name, value, PATHS[value.__name__])
    return lines


def attached_property(name: str, value: property) -> list[str]:
    """Lines for an attribute that an op gives."""
    lines = ["    @property", *with_doc(f"    def {name}(self) -> Tensor:", value.__doc__)]
    if value.fset is not None:
        lines += [f"    @{name}.setter", f"    def {name}(self, value: Any) -> None: ..."]
    return lines


def declared_method(name: str, function: Any, declaration: Declaration) -> list[str]:
    """Lines for one declared method."""
    given = inspect.signature(materialise(function))
    body = inspect.signature(declaration.body).parameters
    parameters = [p.replace(annotation=annotation(p, body.get(p.name), declaration))
                  for p in given.parameters.values()]
    same = name in ("__eq__", "__ne__")
    end = "  # type: ignore[override]" if same else ""
    head = f"    def {name}({written(parameters)}) -> {returned(name, declaration)}:"
    return with_doc(head, declaration.body.__doc__, end)


def written(parameters: list[inspect.Parameter]) -> str:
    """The parameters of a method as text; the first is `self`."""
    parts, star = [], False
    positional = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    for i, p in enumerate(parameters):
        if i == 0:
            parts.append("*args: Any" if p.kind is p.VAR_POSITIONAL else "self")
            star = p.kind is p.VAR_POSITIONAL
            if star:
                parts.insert(0, "self")
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        prefix = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        star = star or prefix == "*"
        default = "" if p.default is p.empty else f" = {literal(p.default)}"
        parts.append(f"{prefix}{p.name}: {p.annotation}{default}")
        if positional and p is positional[-1]:
            parts.append("/")
    return ", ".join(parts)


def annotation(p: inspect.Parameter, declared: inspect.Parameter | None,
               declaration: Declaration) -> str:
    """The type of a parameter: as declared, or what family and default tell."""
    note = p.annotation if declared is None else declared.annotation
    if note is not p.empty:
        known = spelled(note)
        optional = p.default is None and known != "Any" and "None" not in known
        return f"{known} | None" if optional else known
    if p.name == "out":
        return "Any" if many(declaration) else "Tensor | None"
    if p.default is p.empty:
        kinds = {"pointwise": "Tensor | _Number", "library": "Tensor"}
        return kinds.get(declaration.family, "Any") if declared is not None else "Any"
    if isinstance(p.default, bool | int | float | str):
        kind = "float" if isinstance(p.default, float) else type(p.default).__name__
        return spelled(kind)
    return "Any"


def many(declaration: Declaration) -> bool:
    """Whether an op has several results."""
    return getattr(declaration.op, "outputs", 1) > 1 or getattr(declaration.op, "many", False)


def returned(name: str, declaration: Declaration) -> str:
    """What a method returns: one tensor, unless the declaration says otherwise."""
    note = inspect.signature(declaration.body).return_annotation
    if declaration.family in ("composite", "function") and note is not inspect.Signature.empty:
        return spelled(note)
    if many(declaration):
        return "Any"
    return "Any" if declaration.family in ("composite", "function") else "Tensor"


def text() -> str:
    """The whole stub."""
    lines = ["class Tensor:", *own_members("Tensor", "_tensor.py"),
             *own_members("Geometry", "geometry.py", private=False), *attached(), ""]
    for name in ("Parameter", "Buffer"):
        lines += [f"class {name}(Tensor):", *own_members(name, "_parameter.py"), ""]
    return HEADER + "\n".join([*lines, "def wrap(array: np.ndarray) -> Tensor: ...", ""])


def main() -> int:
    """Write the stub or compare it with the tree; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, show differences")
    check = parser.parse_args().check
    new, old = text(), STUB.read_text() if STUB.exists() else ""
    if new == old:
        return 0
    if check:
        name = str(STUB.relative_to(ROOT))
        sys.stdout.writelines(difflib.unified_diff(
            old.splitlines(True), new.splitlines(True), name, f"{name} (written anew)"))
        return 1
    STUB.write_text(new)
    print(f"wrote {STUB.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
