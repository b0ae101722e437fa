"""The examples in the docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import rushlight
from rushlight.backends.cpu import jit
from rushlight.families.declaration import DECLARATIONS

MODULES = [
    info.name
    for info in pkgutil.walk_packages(rushlight.__path__, "rushlight.")
    if not info.name.endswith("__main__")
]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def failures(tests: list[doctest.DocTest]) -> str:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in tests:
        runner.run(test, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_module(name: str) -> None:
    module = importlib.import_module(name)
    if name == "rushlight.backends.cpu.ufunc" and jit.available() is not None:
        pytest.skip(jit.available())
    assert not (report := failures(doctest.DocTestFinder().find(module, name))), report


@pytest.mark.parametrize("name", sorted({declaration.family for declaration in DECLARATIONS}))
def test_examples_of_declared_operations(name: str) -> None:
    """The family replaces what the author wrote; its examples are those of the declaration."""
    parser = doctest.DocTestParser()
    tests = []
    for declaration in DECLARATIONS:
        text = inspect.getdoc(declaration.body)
        if declaration.family == name and text:
            file, line = declaration.location
            tests.append(parser.get_doctest(text, {}, declaration.name, file, line))
    assert not (report := failures(tests)), report
