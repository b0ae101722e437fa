"""Write docs/ops.md: every operation with its forms, dtypes, gradient, backends and differences.

Everything is read from the declarations, or found out by calling them with the samples that the
derived tests use: which dtypes they take, whether gradients flow, and gradients of gradients. A
paragraph of a docstring that begins "Unlike torch" is a difference.

    python -m tools.write_ops_page            write the page if it has changed
    python -m tools.write_ops_page --check    only show differences; exit code 1 if there are any
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import re
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import rushlight as rl
from rushlight.commands.where import BACKENDS
from rushlight.families.declaration import DECLARATIONS, FUNCTIONS, Declaration
from rushlight.ops import left_out as left_out_module
from tests.derived.samples import Sample, flat, samples_of

PAGE = Path(__file__).resolve().parents[1] / "docs/ops.md"
KINDS = {  # short names of groups of dtypes
    "floating": ("float16", "bfloat16", "float32", "float64"),
    "complex": ("complex64", "complex128"),
    "integer": ("uint8", "int8", "int16", "int32", "int64"),
    "bool": ("bool",),
}
HEAD = """# Every operation

Written by `tools/write_ops_page.py` from the declarations in `rushlight/ops`, a section for each
file there. `rushlight where NAME` prints where one is written.

- **forms**: `f` function, `m` method of Tensor, `i` in place, `o` with `out=`; other names of the
  same operation beside them.
- **dtypes**: those that it computes on, found by calling it with tensors of each; a dash where its
  operands are not tensors.
- **gradient**: of order 1, 2 (the gradient is differentiable itself), or none, found by calling it.
- **backends**: {backends}
"""


def main() -> int:
    """Write the page or compare it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, show differences")
    check = parser.parse_args().check
    warnings.simplefilter("ignore")
    old, new = PAGE.read_text() if PAGE.exists() else "", page()
    if old == new:
        return 0
    if check:
        sys.stdout.writelines(difflib.unified_diff(
            old.splitlines(True), new.splitlines(True), "docs/ops.md", "docs/ops.md (anew)"))
        return 1
    PAGE.write_text(new)
    print("wrote docs/ops.md")
    return 0


def page() -> str:
    """The text of the page."""
    topics: dict[str, list[Declaration]] = {}
    for declaration in DECLARATIONS:
        if public_paths(declaration) and not is_refused(declaration):
            topics.setdefault(Path(declaration.location[0]).stem, []).append(declaration)
    families = {d.family for each in topics.values() for d in each}
    backends = "; ".join(f"{family}: {BACKENDS.get(family, 'host (NumPy), meta')}"
                         for family in sorted(families))
    count = sum(map(len, topics.values()))
    parts = [HEAD.format(backends=backends), f"{count} operations.\n"]
    for topic, declarations in sorted(topics.items()):
        parts.append(f"\n## {topic.replace('_', ' ')}\n\n| operation | family | forms | dtypes | "
                     "gradient |\n|---|---|---|---|---|\n")
        rows = sorted(declarations, key=lambda d: public_paths(d)[0].lower())
        parts += [row(declaration) for declaration in rows]
        parts += differences(rows)
    return "".join([*parts, *left_out()])


def is_refused(declaration: Declaration) -> bool:
    """Whether an operation only says why it is not there."""
    return Path(declaration.location[0]).stem == Path(left_out_module.__file__ or "").stem


def public_paths(declaration: Declaration) -> list[str]:
    """The torch paths of an operation that users call."""
    return [path for path in declaration.paths
            if not path.rpartition(".")[2].startswith("_") or "__" in path]


def row(declaration: Declaration) -> str:
    """One line of a table."""
    paths = public_paths(declaration)
    name = paths[0].removeprefix("Tensor.") if len(paths) == 1 else paths[0]
    cells = [f"`{name}`", declaration.family, forms(declaration, paths), dtypes(declaration),
             gradient(declaration)]
    return f"| {' | '.join(cells)} |\n"


def forms(declaration: Declaration, paths: list[str]) -> str:
    """Letters of the forms, then the other names."""
    in_place = {path for path in paths if path.endswith("_") and not path.endswith("__")}
    plain = [path for path in paths if path not in in_place]
    functions = [path for path in plain if not path.startswith("Tensor.")]
    letters = [letter for letter, found in (
        ("f", functions), ("m", set(plain) - set(functions)), ("i", in_place),
        ("o", any(takes_out(path) for path in functions))) if found]
    others = [f"`{path}`" for path in functions[1:]]
    methods = {path.removeprefix("Tensor.") for path in plain if path.startswith("Tensor.")}
    names = {path.rpartition(".")[2] for path in functions}
    others += [f"`Tensor.{name}`" for name in sorted(methods - names)]
    return " ".join([*letters, *([f"({', '.join(others)})"] if functions and others else [])])


def takes_out(path: str) -> bool:
    """Whether a function writes to `out=`."""
    function: Any = FUNCTIONS[path]
    with suppress(Exception):
        function(out=None)  # flat wrappers are written on their first call
    return "out" in inspect.signature(function).parameters


def dtypes(declaration: Declaration) -> str:
    """The dtypes that an operation computes on, by groups."""
    found = [sample for sample in samples_of(declaration) if sample.tensors()]
    if not found:
        return "-"
    taken = {name for names in KINDS.values() for name in names
             if any(runs(sample, name) for sample in found[:3])}
    words = []
    for kind, names in KINDS.items():
        members = [name for name in names if name in taken]
        if len(members) == len(names):
            words.append(kind)
        else:
            words += members
    return ", ".join(words)


def cast(sample: Sample, name: str) -> Sample:
    """The same call with the floating point tensors of another dtype."""
    return sample.to(getattr(rl, name))


def runs(sample: Sample, name: str) -> bool:
    """Whether a call gives a result in that dtype."""
    try:
        cast(sample, name).run()
    except Exception:
        return False
    return True


def gradient(declaration: Declaration) -> str:
    """The highest order of gradient that flows, up to 2."""
    orders = [order(sample) for sample in samples_of(declaration)[:3] if sample.tensors()]
    if not orders:
        return "-"
    return {0: "none", 1: "1", 2: "1, 2"}[max(orders)]


def order(sample: Sample) -> int:
    """0: no gradient; 1; 2: the gradient is differentiable, or is constant."""
    given = sample.map(lambda x: x.clone().requires_grad_() if x.is_floating_point() else x)
    leaves = [x for x in given.tensors() if x.requires_grad]
    try:
        results = [r for r in flat(given.run()) if isinstance(r, rl.Tensor) and r.requires_grad]
        if not leaves or not results:
            return 0
        total = sum(r.abs().sum() if r.is_complex() else r.sum() for r in results)
        grads = rl.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
    except Exception:
        return 0
    first = [g for g in grads if g is not None]
    if not first:
        return 0
    again = sum(g.abs().sum() if g.is_complex() else g.sum() for g in first)
    try:
        if again.requires_grad:
            rl.autograd.grad(again, leaves, allow_unused=True)
    except Exception:
        return 1
    return 2


def differences(declarations: Iterable[Declaration]) -> list[str]:
    """What docstrings say after "Unlike torch"."""
    found = []
    for declaration in declarations:
        text = inspect.getdoc(declaration.body) or ""
        for match in re.finditer(r"Unlike torch,? (.*?)(?=\n\n|\Z)", text, re.S):
            said = " ".join(match[1].split())
            found.append(f"\n`{public_paths(declaration)[0]}`, unlike torch's: {said}\n")
    return found


def left_out() -> list[str]:
    """What torch has and this package has not, with the reasons."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out_module.LEFT_OUT.items():
        by_reason.setdefault(reason, []).append(name)
    refused = sorted(path for d in DECLARATIONS if is_refused(d) for path in d.paths)
    parts = ["\n## Left out\n\nNames of torch that are not here; asking for one says why.\n"]
    parts += [f"\n- {reason}: {listed(names)}.\n" for reason, names in by_reason.items()]
    parts.append(f"\nThere, and raising NotImplementedError: {listed(refused)}.\n")
    return parts


def listed(names: Iterable[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    sys.exit(main())
