"""Write the public indexes: which names of `rushlight`, `nn.functional`, ... are which ops.

The declarations say under which torch paths an op is found. Each index holds imports of those
names, and `__all__`, between marks; what stands outside the marks is written by hand.

    python tools/write_index.py            write what has changed
    python tools/write_index.py --check    only show it; exit code 1 if there is any
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rushlight"
WIDTH = 100

BEGIN, END = "# ---- operations: written by tools/write_index.py", "# ---- by hand"
NAMES = "# ---- all names: written by tools/write_index.py"

# What a torch path begins with, and the file that is its index.
INDEXES = {
    "": "__init__.py",
    "nn.functional": "nn/functional.py",
    "special": "special.py",
    "linalg": "linalg.py",
    "fft": "fft.py",
    "masked": "masked/__init__.py",
    "signal.windows": "signal/windows.py",
    "utils.dlpack": "utils/dlpack.py",
}


def register() -> dict[str, tuple[str, str]]:
    """For each public torch path the module and the attribute that is the function."""
    for name in ("rushlight", "rushlight.ops"):  # without their indexes, which may need mending
        package = ModuleType(name)
        package.__path__ = [str(ROOT / name.replace(".", "/"))]
        sys.modules[name] = package
    sys.path.insert(0, str(ROOT))
    for topic in topics():
        importlib.import_module(f"rushlight.ops.{topic}")
    from rushlight.families.declaration import FUNCTIONS, PATHS

    found = {}
    for path, function in FUNCTIONS.items():
        holder, _, name = path.rpartition(".")
        if holder == "Tensor" or name.startswith("_"):
            continue
        module = PATHS[path].body.__module__
        members = vars(sys.modules[module])
        spelled = [name, *members]
        attribute = next((n for n in spelled if members.get(n) is function), None)
        if attribute is None:
            raise SystemExit(f"no name of {module} is the function at {path}")
        found[path] = module, attribute
    return found


def filled(opening: str, words: Iterable[str], closing: str) -> list[str]:
    """`opening`, the words with commas between, `closing`: on one line, or filled to the width."""
    words = list(words)
    line = f"{opening}{', '.join(words)}{closing}"
    if len(line) <= WIDTH and "(" not in opening:
        return [line]
    lines, current = [opening], "   "
    for word in words:
        if len(current) + len(word) + 2 > WIDTH:
            lines.append(current)
            current = "   "
        current += f" {word},"
    return [*lines, current, closing]


def imports(holder: str, found: dict[str, tuple[str, str]]) -> list[str]:
    """The import statements of the index for the paths below `holder`."""
    topics: dict[str, dict[str, str]] = defaultdict(dict)
    for path, (module, attribute) in found.items():
        own, _, name = path.rpartition(".")
        if own == holder:
            topics[module][name] = attribute
    lines = []
    for module, names in sorted(topics.items()):
        words = [a if a == n else f"{a} as {n}" for n, a in sorted(names.items())]
        line = f"from {module} import {', '.join(words)}"
        lines += [line] if len(line) <= WIDTH else filled(f"from {module} import (", words, ")")
    return lines


def bound(source: str) -> list[str]:
    """The public names that the statements of a module bind."""
    names = set()
    statements = ast.parse(source).body
    for node in statements:
        if isinstance(node, ast.If | ast.With):  # what first use imports stands under a test
            statements.extend(node.body)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return sorted(n for n in names if not n.startswith("_"))


def topics() -> list[str]:
    """The files of `ops`: every one is a topic."""
    return sorted(f.stem for f in (PACKAGE / "ops").glob("*.py") if f.stem != "__init__")


def index_of_topics(path: Path) -> str:
    """The text of the index of `ops`, which imports them all."""
    head, _, rest = path.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    block = filled("from rushlight.ops import (", topics(), ")")
    return "\n".join([f"{head}{BEGIN}", *block, f"{END}{tail}"])


def index(path: str, holder: str, found: dict[str, tuple[str, str]]) -> str:
    """The text of an index: hand-written parts as they are, the others from the register."""
    text = (PACKAGE / path).read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, hand = rest.partition(END)
    hand, names, _ = hand.partition(NAMES)
    if not (begin and end and names):
        raise SystemExit(f"{path} lacks one of the marks {BEGIN!r}, {END!r}, {NAMES!r}")
    generated = imports(holder, found)
    twice = set(bound("\n".join(generated))) & set(bound(head + hand))
    if twice:
        raise SystemExit(f"{path} defines by hand what is declared: {', '.join(sorted(twice))}")
    public = bound("\n".join([head, *generated, hand]))
    every = filled("__all__ = [", [f'"{name}"' for name in public], "]")
    return "\n".join([f"{head}{BEGIN}", *generated, f"{END}{hand}{NAMES}", *every, ""])


def texts() -> dict[Path, str]:
    """Every index as it should be."""
    found = register()
    ops = PACKAGE / "ops/__init__.py"
    made = {ops: index_of_topics(ops)}
    homeless = {path for path in found if path.rpartition(".")[0] not in INDEXES}
    if homeless:
        raise SystemExit(f"no index in INDEXES holds {', '.join(sorted(homeless))}")
    for holder, path in INDEXES.items():
        if any(p.rpartition(".")[0] == holder for p in found):
            made[PACKAGE / path] = index(path, holder, found)
    return made


def main() -> int:
    """Write the indexes or compare them with the tree; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, show differences")
    check = parser.parse_args().check
    changed = 0
    for path, text in texts().items():
        old = path.read_text()
        if text == old:
            continue
        changed += 1
        name = str(path.relative_to(ROOT))
        if check:
            sys.stdout.writelines(
                difflib.unified_diff(
                    old.splitlines(True), text.splitlines(True), name, f"{name} (written anew)"
                )
            )
        else:
            path.write_text(text)
            print(f"wrote {name}")
    return int(check and changed > 0)


if __name__ == "__main__":
    sys.exit(main())
