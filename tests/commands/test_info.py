"""`rushlight info`."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import rushlight
from rushlight.__main__ import main
from rushlight.backends.cpu import features
from rushlight.backends.cpu.onednn import library as onednn


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The report as first word(s) -> rest."""
    assert main(["info"]) == 0
    pairs = (line.strip().split("  ", 1) for line in capsys.readouterr().out.splitlines() if line)
    return {pair[0]: pair[-1].strip() for pair in pairs}


def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    report = lines(capsys)
    assert f"rushlight {rushlight.__version__}" in report
    assert report["numpy"].startswith(np.__version__)
    assert report["host"].startswith("used")
    assert report["threads"].startswith(f"{features.get_num_threads()} of ")


def test_says_why_backends_are_not_used(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise features.Unavailable("llvmlite cannot be used: no such module")

    monkeypatch.setattr(features, "llvm", missing)
    monkeypatch.setattr(features, "target", missing)
    monkeypatch.setattr(onednn, "available", lambda: False)
    monkeypatch.setattr(onednn, "reason", lambda: "switched off")
    report = lines(capsys)
    assert report["cpu: LLVM"] == "not used     llvmlite cannot be used: no such module"
    assert report["cpu: oneDNN"] == "not used     switched off"
    assert "instructions" not in report
    assert report["model"]


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "rushlight", "info"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"rushlight {rushlight.__version__}")
    assert not done.stderr
