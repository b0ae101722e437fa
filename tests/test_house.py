"""The shape of the house: imports point down, files stay small, names are documented once."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from rushlight.families.declaration import DECLARATIONS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rushlight"
LONGEST = 500

# A module may import from its own layer and from those before it.
LAYERS = (
    ("base",),
    ("expr",),
    ("backends",),
    ("engine",),
    ("tensor",),
    ("families",),
    ("ops",),
    ("transforms",),
    (
        "_C",
        "array_api",
        "autograd",
        "default_device",
        "fft",
        "legacy",
        "linalg",
        "masked",
        "overrides",
        "random",
        "serialization",
        "signal",
        "sparse",
        "special",
        "switches",
    ),
    (
        "accelerator",
        "amp",
        "checkpoint",
        "compiler",
        "cpu",
        "cuda",
        "devices",
        "distributed",
        "distributions",
        "func",
        "functional",
        "fx",
        "hub",
        "jit",
        "mps",
        "mtia",
        "multiprocessing",
        "nested",
        "nn",
        "onnx",
        "optim",
        "profiler",
        "quasirandom",
        "sequences",
        "testing",
        "utils",
        "vision",
        "xpu",
    ),
    ("__init__",),
    ("compat",),
    ("commands", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# What may be absent or is slow to load, and is therefore imported where it is first needed.
OPTIONAL = {"PIL", "llvmlite", "matplotlib", "onednn", "safetensors", "scipy", "tqdm"}


# Where users find names.
PUBLIC = (
    "rushlight",
    "rushlight.amp",
    "rushlight.array_api",
    "rushlight.autograd",
    "rushlight.checkpoint",
    "rushlight.cuda",
    "rushlight.distributions",
    "rushlight.fft",
    "rushlight.func",
    "rushlight.linalg",
    "rushlight.masked",
    "rushlight.nested",
    "rushlight.nn",
    "rushlight.nn.functional",
    "rushlight.optim",
    "rushlight.overrides",
    "rushlight.random",
    "rushlight.signal.windows",
    "rushlight.special",
    "rushlight.testing",
    "rushlight.utils.data",
    "rushlight.utils.checkpoint",
    "rushlight.utils.dlpack",
    "rushlight.utils.pytree",
    "rushlight.vision.ops",
)

# What measures time; a test that depends on it fails on a busy machine.
CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "time_ns", "timeit"}


# What child processes of `compat` find as torch: not part of the package.
STAND_INS = PACKAGE / "compat" / "path"


def package_files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if STAND_INS not in path.parents]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in package_files()}


def layer(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(node: ast.Import | ast.ImportFrom, path: Path) -> list[str]:
    """The modules that an import statement names, `from package import module` included."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        package = module_name(path).split(".")
        package = package if path.name == "__init__.py" else package[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
    names = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in MODULES else base for name in names]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import statement in a file, wherever it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node, path):
                yield node.lineno, name


def only_for_types(path: Path) -> set[int]:
    """Lines under `if TYPE_CHECKING:`, which never run."""
    return {
        node.lineno
        for block in ast.walk(tree(path))
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }


def of_package(name: str) -> bool:
    return name == "rushlight" or name.startswith("rushlight.")


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_has_a_layer() -> None:
    homeless = sorted({layer(name) for name in MODULES} - set(RANK))
    assert not homeless, f"place these in LAYERS: {homeless}"


def test_imports_point_down() -> None:
    upward = [
        f"{place(path, line)} imports {name}"
        for module, path in MODULES.items()
        for line, name in imports(path)
        if of_package(name) and RANK[layer(name)] > RANK[layer(module)]
    ]
    assert not upward, "\n".join(upward)


def import_graph() -> dict[str, set[str]]:
    return {
        module: {
            name
            for line, name in imports(path)
            if name in MODULES and name != module and line not in only_for_types(path)
        }
        for module, path in MODULES.items()
    }


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """A list of modules of which each imports the next and the last the first; empty if none."""
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(graph[start]))]
        trail.append(start)
        while stack:
            module, following = stack[-1]
            name = next((other for other in following if other not in done), None)
            if name is None:
                done.add(module)
                stack.pop()
                trail.pop()
            elif name in trail:
                return [*trail[trail.index(name) :], name]
            else:
                trail.append(name)
                stack.append((name, iter(graph[name])))
    return []


def test_find_cycle_finds_one() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_circular_imports() -> None:
    cycle = find_cycle(import_graph())
    assert not cycle, " -> ".join(cycle)


def test_only_optional_packages_are_imported_inside_functions() -> None:
    inside = [
        f"{place(path, node.lineno)} imports {name}"
        for path in package_files()
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported(node, path)
        if name.split(".")[0] not in OPTIONAL
    ]
    assert not inside, "\n".join(sorted(set(inside)))


def test_no_file_is_long() -> None:
    folders = ("rushlight", "tests", "bench", "tools", "examples")
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (count := len(path.read_text().splitlines())) > LONGEST
    ]
    assert not long, "\n".join(long)


def test_no_fast_test_reads_a_clock() -> None:
    """`monotonic` is for deadlines of what must happen sometime."""
    clocked = [
        place(path, node.lineno)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for statement in tree(path).body
        if "slow" not in "".join(map(ast.unparse, getattr(statement, "decorator_list", [])))
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]
    assert not clocked, "\n".join(clocked)


def test_every_torch_path_is_declared_once() -> None:
    count = Counter(path for declaration in DECLARATIONS for path in declaration.paths)
    assert len(count) > 200
    twice = [path for path, times in count.items() if times > 1]
    assert not twice, twice


def test_every_module_function_and_class_has_a_docstring() -> None:
    bare = []
    for path in package_files():
        if ast.get_docstring(tree(path)) is None:
            bare.append(f"{place(path, 1)} (the module)")
        for node in tree(path).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and ast.get_docstring(node) is None:
                bare.append(f"{place(path, node.lineno)} {node.name}")
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize("layer_name", [name for names in LAYERS[3:-2] for name in names])
def test_every_public_method_has_a_docstring(layer_name: str) -> None:
    """Methods may inherit their documentation from the class that introduced them."""
    bare = []
    for name in MODULES:
        if layer(name) != layer_name:
            continue
        module = importlib.import_module(name)
        for class_name, cls in vars(module).items():
            if class_name[0] == "_" or not inspect.isclass(cls) or cls.__module__ != name:
                continue
            bare += [
                f"{name}.{class_name}.{member}"
                for member, value in vars(cls).items()
                if member[0] != "_"
                and (inspect.isroutine(value) or isinstance(value, property))
                and not inspect.getdoc(getattr(cls, member))
            ]
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize("index", PUBLIC)
def test_public_names_resolve_and_are_documented(index: str) -> None:
    module = importlib.import_module(index)
    assert module.__doc__
    names = module.__all__
    assert len(names) == len(set(names))
    bare = [
        name
        for name in names
        if callable(value := getattr(module, name)) and not inspect.getdoc(value)
    ]
    assert not bare, bare


def test_every_module_can_be_imported() -> None:
    names = {info.name for info in pkgutil.walk_packages([str(PACKAGE)], "rushlight.")}
    assert names == {name for name in MODULES if name != "rushlight"}
    for name in names - {"rushlight.__main__"}:
        importlib.import_module(name)
