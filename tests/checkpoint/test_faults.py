"""A save that is killed, or finds no room, leaves the checkpoint before it."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl

from .system_calls import can_trace, run_until

resource = pytest.importorskip("resource")
signal = pytest.importorskip("signal")


def save(folder: Path, step: int) -> Any:
    model = rl.nn.Linear(3, 2)
    with rl.no_grad():
        for parameter in model.parameters():
            parameter.fill_(step)
    return rl.checkpoint.save(folder, step, model=model, keep=1, note="x" * 100)


def check_whole(folder: Path) -> int:
    """The last checkpoint is sound; its step."""
    model = rl.nn.Linear(3, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing damaged is passed over
        found = rl.checkpoint.load(folder, model=model, random=False)
    assert all((p == found.step).all() for p in model.parameters())
    assert found["note"] == "x" * 100
    return found.step


def killed_at(folder: Path, stops: int) -> bool:
    """Save step 1, then step 2 until it is killed; whether step 2 came to its end."""
    save(folder, 1)
    finished = run_until(lambda: save(folder, 2), stops)
    step = check_whole(folder)
    assert step == 2 if finished else step in (1, 2)
    save(folder, 3)  # goes on as if nothing had been
    assert check_whole(folder) == 3
    assert [entry.step for entry in rl.checkpoint.entries(folder)] == [3]
    return finished


@pytest.mark.skipif(not can_trace(), reason="the system does not let processes be traced")
@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_killed_at_every_system_call(tmp_path: Path, every: int) -> None:
    stops, finished = 1, False
    while not finished:
        finished = killed_at(tmp_path / str(stops), stops)
        stops += every
    assert stops > 40  # it was really killed along the way


@pytest.mark.parametrize("room", [0, 100, 1000, 1500])
def test_full_disk(tmp_path: Path, room: int) -> None:
    save(tmp_path, 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        with pytest.raises(OSError):
            save(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert check_whole(tmp_path) == 1
    assert len(list(tmp_path.iterdir())) == 1  # nothing half-written stays


def test_disk_full_when_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1)

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        with pytest.raises(OSError, match="No space"):
            save(tmp_path, 2)
    assert check_whole(tmp_path) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_file_is_passed_over_and_named(tmp_path: Path) -> None:
    first = save(tmp_path, 1)
    kept = first.read_bytes()
    second = save(tmp_path, 2)
    first.write_bytes(kept)
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 0xFF
    second.write_bytes(content)
    model = rl.nn.Linear(3, 2)
    with pytest.warns(UserWarning, match="passed over a damaged checkpoint: .*step-2.ckpt"):
        assert rl.checkpoint.load(tmp_path, model=model).step == 1
    first.unlink()
    with pytest.raises(RuntimeError, match=r"no checkpoint can be read: .*step-2\.ckpt"):
        rl.checkpoint.load(tmp_path, model=model)
