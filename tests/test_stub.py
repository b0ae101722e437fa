"""The stub of Tensor: as the tool writes it, and right about Tensor's methods."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rushlight.tensor import Tensor

ROOT = Path(__file__).parents[1]
STUB = ROOT / "rushlight" / "tensor" / "__init__.pyi"


def test_stub_is_as_the_tool_writes_it() -> None:
    tool = [sys.executable, str(ROOT / "tools" / "write_stub.py"), "--check"]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, f"run tools/write_stub.py\n{done.stdout}{done.stderr}"


def test_stub_names_every_public_attribute() -> None:
    body = next(n.body for n in ast.parse(STUB.read_text()).body
                if isinstance(n, ast.ClassDef) and n.name == "Tensor")
    named: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef):
            named.add(node.name)
        elif isinstance(node, ast.Assign):
            named |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named.add(node.target.id)
    public = {name for name in dir(Tensor) if not name.startswith("_")}
    assert public - named == set()
    assert {name for name in named if not hasattr(Tensor, name)} <= {"_array", "_node", "_view"}


def test_package_is_marked_as_typed() -> None:
    assert (ROOT / "rushlight" / "py.typed").exists()


@pytest.mark.slow
def test_type_checkers_know_tensor(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text("import rushlight as rl\n"
                       "x: rl.Tensor = rl.ones(2)\n"
                       "reveal_type(x.exp() + 1)\n"
                       "reveal_type(x.float().shape)\n"
                       "x.nonsense()\n")
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "MYPYPATH": str(ROOT)})
    lines = done.stdout.splitlines()
    assert 'Revealed type is "rushlight.tensor.Tensor"' in lines[0]
    assert 'Revealed type is "rushlight.base.shapes.Size"' in lines[1]
    assert '"Tensor" has no attribute "nonsense"' in lines[2]
