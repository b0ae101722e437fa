"""`rushlight where NAME`: where a public name is written, its family, and who computes it."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import rushlight
from rushlight.commands.errors import CommandError
from rushlight.families.declaration import PATHS, Declaration

# Who computes the operations of a family.
BACKENDS = {
    "pointwise": "host (NumPy), cpu (LLVM), meta",
    "rowwise": "host (NumPy), cpu (LLVM), meta",
    "library": "host (NumPy), cpu (oneDNN or generated code where they serve), meta",
    "index": "host (NumPy), meta",
    "view": "none: the same memory under another shape and stride",
    "random": "host (NumPy), cpu (LLVM), meta",
    "composite": "those of the operations that it is written in",
    "function": "host (NumPy), meta",
}
PREFIXES = {"torch.": "", "rushlight.": "", "rl.": "", "F.": "nn.functional."}


def add_to(commands: Any) -> None:
    """Add the command `where` to the parser's `commands`."""
    parser = commands.add_parser(
        "where",
        help="file and line of a name, its family and backends",
        description="Print where a public name is written, its family, and who computes it.",
    )
    parser.add_argument(
        "name", metavar="NAME", help="F.gelu, Tensor.add_, nn.Conv2d, optim.SGD ..."
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print where `arguments.name` is written."""
    print("\n".join(report(arguments.name)))


def report(name: str) -> Iterator[str]:
    """Yield what is known about the public `name`, torch's way of writing it.

    Raises:
        CommandError: there is no such name.
    """
    path = canonical(name)
    declaration = PATHS.get(path)
    if declaration is not None:
        yield from _declared(path, declaration)
        return
    value = _resolve(path)
    try:
        file, line = inspect.getsourcefile(value), inspect.getsourcelines(value)[1]
    except (TypeError, OSError):
        file, line = inspect.getsourcefile(type(value)), inspect.getsourcelines(type(value))[1]
    yield f"{path}: {_kind(value)}"
    yield f"  written in  {file}:{line}"


def canonical(name: str) -> str:
    """Return `name` as it is declared: without the package, `F.` written out."""
    for prefix, full in PREFIXES.items():
        if name.startswith(prefix):
            name = full + name.removeprefix(prefix)
    return name


def _declared(path: str, declaration: Declaration) -> Iterator[str]:
    file, line = declaration.location
    yield f"{path}: {declaration.family} operation"
    yield f"  written in  {file}:{line}"
    yield f"  backends    {BACKENDS.get(declaration.family, 'host (NumPy)')}"
    yield f"  names       {', '.join(declaration.paths)}"


def _resolve(path: str) -> Any:
    value: Any = rushlight
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            close = get_close_matches(path, PATHS, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise CommandError(f"there is no name {path!r}{hint}") from None
    return value


def _kind(value: Any) -> str:
    if inspect.isclass(value):
        return "class"
    if inspect.ismodule(value):
        return "module"
    return "function" if callable(value) else type(value).__name__
