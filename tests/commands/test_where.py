"""`rushlight where NAME`, and the command line around the commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rushlight
from rushlight.__main__ import main
from rushlight.commands.where import canonical
from rushlight.families.declaration import PATHS


def where(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["where", name]) == 0
    return capsys.readouterr().out


def place(report: str) -> tuple[Path, str]:
    """The file, and the source line, that a report names."""
    found = re.search(r"written in  (.+):(\d+)", report)
    assert found, report
    path = Path(found[1])
    return path, path.read_text().splitlines()[int(found[2]) - 1]


@pytest.mark.parametrize(
    ("name", "file", "family"),
    [
        ("add", "arithmetic.py", "pointwise"),
        ("torch.Tensor.add_", "arithmetic.py", "pointwise"),
        ("rushlight.exp", "transcendental.py", "pointwise"),
        ("F.gelu", "activation.py", "pointwise"),
    ],
)
def test_operations(name: str, file: str, family: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = where(name, capsys)
    path, line = place(report)
    assert path.name == file
    assert line.startswith(("@", "def "))
    assert f"{family} operation" in report
    assert "host (NumPy)" in report


def test_every_declared_path_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    for name in PATHS:
        path, _ = place(where(name, capsys))
        assert path.exists(), name


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("nn.Conv2d", "class Conv2d"),
        ("optim.SGD", "class SGD"),
        ("Tensor", "class Tensor"),
        ("nn.Module.state_dict", "def state_dict"),
        ("torch.utils.data.DataLoader", "class DataLoader"),
    ],
)
def test_classes_and_methods(name: str, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert source in place(where(name, capsys))[1]


def test_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["where", "nn.functional.geluu"]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith(
        "rushlight where: there is no name 'nn.functional.geluu'; did you mean nn.functional.gelu"
    )
    assert shown.err.count("\n") == 1


def test_canonical_names() -> None:
    assert canonical("torch.nn.functional.gelu") == canonical("F.gelu") == "nn.functional.gelu"
    assert canonical("rl.Tensor.add") == "Tensor.add"
    assert canonical("rushlight.F.gelu") == "nn.functional.gelu"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == rushlight.__version__


@pytest.mark.parametrize("arguments", [[], ["bake"], ["info", "extra"], ["where"]])
def test_bad_command_lines(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("rushlight")
    assert shown.err.count("\n") == 1


def test_interrupt(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rushlight.commands.info.report", interrupt)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "\nrushlight info: interrupted\n"
