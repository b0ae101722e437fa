"""The public indexes: as the tool writes them, and every declared path leads to its function."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rushlight
from rushlight.families.declaration import FUNCTIONS
from rushlight.tensor import Tensor

TOOL = Path(__file__).parents[1] / "tools" / "write_index.py"
PUBLIC = [path for path in FUNCTIONS if not path.rpartition(".")[2].startswith("_")]
INDEXES = sorted({path.rpartition(".")[0] for path in PUBLIC} - {"", "Tensor"})

# Loaded only where they are needed: `import rushlight` must be quick and work without them.
OPTIONAL = ("PIL", "llvmlite", "matplotlib", "onednn", "safetensors", "tqdm")


def test_indexes_are_as_the_tool_writes_them() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, f"run tools/write_index.py\n{done.stdout}{done.stderr}"


def test_every_declared_path_is_reachable() -> None:
    places = {"": rushlight, "Tensor": Tensor}
    places |= {holder: importlib.import_module(f"rushlight.{holder}") for holder in INDEXES}
    wrong = []
    for path in PUBLIC:
        holder, _, name = path.rpartition(".")
        found = getattr(places[holder], name, None)
        if (found.fget if isinstance(found, property) else found) is not FUNCTIONS[path]:
            wrong.append(path)
    assert not wrong, wrong


@pytest.mark.parametrize("holder", INDEXES)
def test_all_names_of_an_index_resolve(holder: str) -> None:
    module = importlib.import_module(f"rushlight.{holder}")
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_version_is_that_of_the_package() -> None:
    project = tomllib.loads((TOOL.parents[1] / "pyproject.toml").read_text())["project"]
    assert rushlight.__version__ == project["version"]


def test_import_needs_no_optional_package() -> None:
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in OPTIONAL)
    code = (f"import sys; {hidden}\nimport rushlight as rl\n"
            "assert rl.ones(2).sum().item() == 2")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_import_loads_no_optional_package() -> None:
    code = f"import sys, rushlight\nprint([n for n in {OPTIONAL!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
