"""What importing the package does not do; and that what it puts off is found all the same."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight as rl
from rushlight.base.collector import no_collections
from rushlight.base.first_use import Deferred, names_on_first_use

PACKAGE = Path(rl.__file__).parent
MOST = 295  # modules that an import may take: each is a tenth of a millisecond and more
SLOW = ("hashlib", "multiprocessing", "pathlib", "secrets", "socket", "string", "urllib.parse")
INDEXES = ("nn", "nn.modules", "optim", "utils")


def of_process(code: str) -> object:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", f"import gc, json, sys\n{code}"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_takes_few_modules() -> None:
    names = of_process("import rushlight\nprint(json.dumps(list(sys.modules)))")
    assert isinstance(names, list)
    own = [name for name in names if name.startswith("rushlight")]
    assert 100 < len(own) <= MOST, own
    assert [name for name in names if name.startswith("rushlight.optim")] == []


def test_import_loads_no_slow_module_of_the_library() -> None:
    loaded = of_process("import numpy\nbefore = set(sys.modules)\nimport rushlight\n"
                        f"print(json.dumps([n for n in {SLOW} if n in sys.modules "
                        "and n not in before]))")
    assert loaded == []


def test_import_collects_no_garbage_and_leaves_the_collector_on() -> None:
    runs = of_process("import numpy\nruns = []\n"
                      "gc.callbacks.append(lambda phase, info: runs.append(phase))\n"
                      "gc.collect(); before = len(runs)\nimport rushlight\n"
                      "print(json.dumps([before, len(runs) - before, gc.isenabled(), "
                      "gc.get_freeze_count()]))")
    assert isinstance(runs, list)
    before, meanwhile, on, frozen = runs
    assert before == 2 and on and frozen == 0
    assert meanwhile <= 8  # those before and after the block


def test_the_collector_is_left_as_it_was() -> None:
    states = of_process("from rushlight.base.collector import no_collections\nstates = []\n"
                        "gc.disable()\nwith no_collections(): pass\nstates.append(gc.isenabled())\n"
                        "gc.enable(); gc.freeze(); frozen = gc.get_freeze_count()\n"
                        "with no_collections(): states.append(gc.isenabled())\n"
                        "states += [gc.isenabled(), gc.get_freeze_count() == frozen]\n"
                        "print(json.dumps(states))")
    assert states == [False, False, True, True]
    with pytest.raises(ValueError, match="inside"), no_collections():
        raise ValueError("inside")
    assert of_process("import rushlight\nprint(json.dumps(gc.isenabled()))")


@pytest.mark.parametrize("index", INDEXES)
def test_what_first_use_imports_is_what_type_checkers_read(index: str) -> None:
    module = importlib.import_module(f"rushlight.{index}")
    tree = ast.parse(Path(inspect.getsourcefile(module) or "").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    statements = [node for block in blocks for node in block.body]
    assert statements
    for node in statements:
        assert isinstance(node, ast.ImportFrom) and node.module
        names = [alias.name for alias in node.names]
        source = importlib.import_module(node.module)
        for name in source.__all__ if names == ["*"] else names:
            assert name in dir(module)
            assert getattr(module, name) is getattr(source, name)
    assert set(module.__all__) <= set(dir(module))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_star_imports_and_pickles_find_everything() -> None:
    found: dict[str, object] = {}
    exec("from rushlight.nn import *\nfrom rushlight.optim import *", found)  # the programs' form
    assert found["Transformer"] is rl.nn.Transformer and found["Adam"] is rl.optim.Adam
    code = ("import rushlight, pickle\nmade = pickle.loads(bytes.fromhex("
            f"'{pickle.dumps(rl.nn.Conv2d(1, 2, 3)).hex()}'))\n"
            "print(json.dumps(type(made).__qualname__))")
    assert of_process(code) == "Conv2d"


def test_a_missing_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'rushlight\.nn' has no attribute 'Lienar'"):
        rl.nn.Lienar
    look, names = names_on_first_use({"__name__": "rushlight.base"}, {"Size": "shapes"})
    assert look("Size") is rl.Size and look("shapes").Size is rl.Size
    assert {"Size", "shapes"} <= set(names())
    with pytest.raises(AttributeError, match="no attribute 'flags'"):
        look("flags")  # a module that the package has, but not one to be found so


def test_a_deferred_module_takes_its_own_place() -> None:
    names: dict[str, object] = {}
    names["shapes"] = deferred = Deferred("rushlight.base.shapes", names)
    names["other"] = deferred
    assert deferred.Size is rl.Size
    assert names["shapes"] is names["other"] is sys.modules["rushlight.base.shapes"]
    with pytest.raises(AttributeError, match="nothing"):
        deferred.nothing


def test_threads_may_be_first_together() -> None:
    code = ("import threading, rushlight as rl\nstart = threading.Barrier(8)\nfound = []\n"
            "def use():\n    start.wait()\n"
            "    found.append((rl.nn.LSTM, rl.optim.Adam, rl.ones(3, 3).sort()[0].sum().item(),\n"
            "                  rl.nn.functional.max_pool2d(rl.ones(1, 1, 4, 4), 2).sum().item()))\n"
            "threads = [threading.Thread(target=use) for _ in range(8)]\n"
            "[t.start() for t in threads]\n[t.join() for t in threads]\n"
            "print(json.dumps([len(found), len(set(found)), found[0][2:]]))")
    assert of_process(code) == [8, 1, [9.0, 4.0]]


def test_signatures_are_made_when_read() -> None:
    # A composite with `out`: what it says of itself is its body's signature with that keyword. In
    # a process of its own: operations that have learned to ask for subclasses keep theirs.
    assert of_process("import inspect\nimport rushlight as rl\nf = rl.take_along_dim\n"
                      "print(json.dumps([list(inspect.signature(f).parameters)[-1], "
                      "'__signature__' in vars(f)]))") == ["out", False]
    assert inspect.signature(rl.squeeze_copy).parameters["out"].default is None
    assert {"mask", "lengths"} <= set(inspect.signature(rl.nn.functional.mse_loss).parameters)
