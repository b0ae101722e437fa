"""`rushlight demo`: its files, its options, its errors, and what it leaves behind."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from rushlight.__main__ import main
from rushlight.commands import plots
from rushlight.commands.folder import result_folder

PICTURES = {"confusion.png", "curves.png", "digits.png", "filters.png"}
SMALL = ("--epochs", "2", "--batch-size", "32")


def train(digits: Path, out: Path, *options: str) -> int:
    return main(["demo", "--data", str(digits), "--out", str(out), *SMALL, *options])


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_writes_model_history_and_pictures(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "new" / "folder"
    assert train(digits, out) == 0
    assert {path.name for path in out.iterdir()} == PICTURES | {"model.safetensors", "history.csv"}
    for name in PICTURES:
        content = (out / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) > 5_000
    rows = history(out)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])
    assert all(0 <= float(row["test_accuracy"]) <= 1 for row in rows)
    weights = load_file(out / "model.safetensors")
    assert weights["conv1.weight"].shape == (6, 1, 5, 5)
    assert weights["fc3.bias"].shape == (10,)
    shown = capsys.readouterr()
    assert f"Written to {out}" in shown.out
    assert "of 64 test digits right" in shown.out
    for word in ("images/s", "loss", "accuracy", "epoch 2/2"):
        assert word in shown.err


def test_same_seed_same_history(digits: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert train(digits, tmp_path / name, "--seed", seed, "--no-plots") == 0
    first, second, third = (
        (tmp_path / name / "history.csv").read_bytes() for name in ("a", "b", "c")
    )
    assert first == second != third
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b")]
    assert models[0] == models[1]


def test_no_plots_and_existing_folder(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "history.csv").write_text("old")
    assert train(digits, tmp_path, "--no-plots") == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "notes.txt",
        "history.csv",
        "model.safetensors",
    }
    assert len(history(tmp_path)) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_without_matplotlib(
    digits: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plots, "available", lambda: False)
    assert train(digits, tmp_path) == 0
    assert not PICTURES & {path.name for path in tmp_path.iterdir()}
    assert "matplotlib is missing" in capsys.readouterr().err


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return shown.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "0"], "--epochs: '0' is not a whole number above 0"),
        (["--epochs", "2.5"], "not a whole number"),
        (["--batch-size", "-3"], "--batch-size"),
        (["--lr", "nan"], "--lr: 'nan' is not a number above 0"),
        (["--lr", "fast"], "not a number"),
        (["--seed", "-1"], "--seed"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_bad_options(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--out", str(tmp_path / "out"), *options])
    assert caught.value.code == 2
    assert message in one_line(capsys)
    assert not list(tmp_path.iterdir())


def broken(kind: str, source: Path, folder: Path) -> None:
    shutil.copytree(source, folder)
    path = folder / "train-images-idx3-ubyte.gz"
    content = gzip.decompress(path.read_bytes())
    if kind == "missing":
        path.unlink()
    elif kind == "truncated":
        path.write_bytes(gzip.compress(content[:-100]))
    elif kind == "truncated gzip":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "wrong magic":
        path.write_bytes(b"GIF89a" + content)
    elif kind == "other size":
        header = bytes([0, 0, 8, 3, 0, 0, 1, 0, 0, 0, 0, 14, 0, 0, 0, 14])
        path.write_bytes(header + content[16 : 16 + 256 * 14 * 14])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "Dataset not found. train-images-idx3-ubyte"),
        ("truncated", "truncated: 200604 of 200704 bytes"),
        ("truncated gzip", "truncated or damaged"),
        ("wrong magic", "not an idx file: magic number 0x47494638"),
        ("other size", "shape (256, 14, 14), not (count, 28, 28)"),
    ],
)
def test_bad_data(
    kind: str, message: str, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(kind, digits, tmp_path / "data")
    assert train(tmp_path / "data", tmp_path / "out") == 2
    assert message in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_folder_that_cannot_be_written(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert train(digits, tmp_path / "file" / "out") == 2
    assert f"cannot write into {tmp_path / 'file' / 'out'}" in one_line(capsys)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o555)
    assert train(digits, tmp_path / "out") == 2
    assert "Permission denied" in one_line(capsys)


def test_nothing_is_left_when_writing_fails(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plots, "confusion", fail)
    assert train(digits, tmp_path / "out") == 2
    assert not list(tmp_path.iterdir())


def test_result_folder_publishes_whole(tmp_path: Path) -> None:
    with result_folder(tmp_path / "out") as work:
        (work / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]
    with pytest.raises(KeyError), result_folder(tmp_path / "out") as work:
        (work / "a").write_text("2")
        raise KeyError
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "a"]


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_leaves_nothing(digits: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rushlight", "demo", "--data", str(digits)]
    command += ["--out", str(tmp_path / "out"), "--epochs", "100000"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert "epoch 1" in process.stdout.readline()
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.endswith("rushlight demo: interrupted\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_reaches_97_percent_on_the_embedded_digits(tmp_path: Path) -> None:
    start = time.perf_counter()
    assert main(["demo", "--out", str(tmp_path / "out")]) == 0
    assert float(history(tmp_path / "out")[-1]["test_accuracy"]) >= 0.97
    assert time.perf_counter() - start < 30
