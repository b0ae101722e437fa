"""`rushlight run`: the program is Python's main program; torch is Rushlight in all processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "rushlight", "run", *arguments], cwd=cwd,
                          capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == code, done.stdout + done.stderr
    return done


def script(folder: Path, text: str) -> str:
    (folder / "program.py").write_text(text)
    return "program.py"


def test_main_program_is_as_python_runs_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 7\n")
    name = script(tmp_path, """
import pickle, sys, beside
import torch
class Mine:
    pass
assert __name__ == "__main__" and __file__.endswith("program.py"), __file__
assert type(pickle.loads(pickle.dumps(Mine()))) is Mine
print(sys.argv[1:], beside.VALUE, torch.__version__)
sys.exit(5)
""")
    done = run(name, "-m", "--help", "x", cwd=tmp_path, code=5)
    assert done.stdout.strip() == "['-m', '--help', 'x'] 7 2.13.0"


def test_options_of_python(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text("import sys, torch; print(sys.argv[1:])\n")
    assert run("-m", "package", "a", cwd=tmp_path).stdout.strip() == "['a']"
    done = run("-c", "import torch, sys; print(torch.nn.__name__, sys.argv)", "b", cwd=tmp_path)
    assert done.stdout.strip() == "rushlight.nn ['-c', 'b']"


def test_without_a_program_and_help(tmp_path: Path) -> None:
    assert "which program?" in run(cwd=tmp_path, code=2).stderr
    assert "SCRIPT" in run("--help", cwd=tmp_path).stdout


def test_traceback_is_the_programs_own(tmp_path: Path) -> None:
    name = script(tmp_path, "import torch\nraise ValueError('mine')\n")
    done = run(name, cwd=tmp_path, code=1)
    assert done.stderr.count("File ") == 1
    assert done.stderr.endswith("ValueError: mine\n")


CHILDREN = """
import multiprocessing, subprocess, sys
import torch
from torch.utils.data import DataLoader, Dataset

class Numbers(Dataset):
    def __len__(self): return 4
    def __getitem__(self, i):
        import torch
        return torch.tensor(i)

def child(queue):
    import torch, importlib.metadata
    queue.put((torch.nn.__name__, importlib.metadata.version("torch")))

def add(number, shared):
    shared[number] = number + 1

if __name__ == "__main__":
    print(subprocess.run([sys.executable, "-c", "import torch; print(torch.nn.__name__)"],
                         capture_output=True, text=True).stdout.strip())
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=child, args=(queue,))
        process.start()
        print(*queue.get(timeout=240))
        process.join()
        loader = DataLoader(Numbers(), num_workers=1, multiprocessing_context=method)
        print([x.item() for x in loader])
    shared = torch.zeros(2).share_memory_()
    torch.multiprocessing.spawn(add, args=(shared,), nprocs=2)
    print(shared.tolist(), shared.is_shared())
"""


def test_children_inherit_the_alias(tmp_path: Path) -> None:
    done = run(script(tmp_path, CHILDREN), cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "rushlight.nn",
        "rushlight.nn 2.13.0", "[0, 1, 2, 3]",
        "rushlight.nn 2.13.0", "[0, 1, 2, 3]",
        "[1.0, 2.0] True",
    ]


def test_an_installed_torch_is_passed_over(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "torch").mkdir(parents=True)
    (site / "torch" / "__init__.py").write_text("raise SystemExit('the real one')\n")
    name = script(tmp_path, "import torch; print(torch.nn.__name__)")
    done = subprocess.run([sys.executable, "-m", "rushlight", "run", name], cwd=tmp_path,
                          capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}"})
    assert done.stdout.strip() == "rushlight.nn", done.stderr


def test_spawn_reports_the_childs_traceback() -> None:
    from rushlight import multiprocessing as mp

    with pytest.raises(mp.ProcessRaisedException, match=r"Process 0 terminated[\s\S]*int\(\)"):
        mp.spawn(int, args=("x", 3), nprocs=1, start_method="fork")
